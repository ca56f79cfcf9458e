/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static enum err_code
become(const struct passwd *pw, const char *user, struct err *e)
{
	if (initgroups(user, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		return err_set(e, E_CONFIG, "cannot become %s: %s", user, strerror(errno));
	if (setuid(0) == 0)
		return err_set(e, E_INTERNAL, "%s can become root again", user);
	return E_OK;
}

enum err_code
privilege_drop(const char *user, struct err *e)
{
	const struct passwd *pw;

	if (user == NULL)
		return geteuid() != 0 && getuid() != 0
			       ? E_OK
			       : err_set(e, E_CONFIG,
					 "will not run as root: name a user with --user");
	errno = 0;
	pw = getpwnam(user); /* before threads: nobody else uses its buffer */
	if (pw == NULL)
		return err_set(e, E_CONFIG, "user %s: %s", user,
			       errno != 0 ? strerror(errno) : "there is none");
	if (pw->pw_uid == 0)
		return err_set(e, E_CONFIG, "user %s is root", user);
	if (geteuid() == pw->pw_uid && getuid() == pw->pw_uid)
		return E_OK;
	return become(pw, user, e);
}
