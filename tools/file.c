/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REMOVE_FDS 16 /* descriptors that nftw may hold */

static enum err_code
fault(struct err *e, const char *path)
{
	return err_set(e, errno == ENOENT ? E_NOT_FOUND : E_IO, "%s: %s", path, strerror(errno));
}

enum err_code
path_join(char out[PATH_MAX], const char *folder, const char *name, struct err *e)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", folder, name);

	if (n < 0 || n >= PATH_MAX)
		return err_set(e, E_IO, "%s/%s: the path is too long", folder, name);
	return E_OK;
}

bool
path_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static enum err_code
read_all(int fd, const char *path, size_t max, struct buf *out, struct err *e)
{
	uint8_t block[4096];
	size_t sum = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0) {
		sum += (size_t)n;
		if (sum > max)
			return err_set(e, E_TOO_BIG, "%s: more than %zu bytes", path, max);
		buf_put(out, block, (size_t)n);
	}
	if (n < 0)
		return fault(e, path);
	return buf_ok(out, e);
}

enum err_code
file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	enum err_code rc;
	int fd;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", max, out, e);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fault(e, path);
	rc = read_all(fd, path, max, out, e);
	(void)close(fd); /* opened for reading: nothing to lose */
	return rc;
}

static enum err_code
read_secret(int fd, const char *path, size_t max, struct secret *out, struct err *e)
{
	enum err_code rc;
	size_t sum = 0;
	ssize_t n;

	if ((rc = secret_alloc(out, max, e)) != E_OK)
		return rc;
	while (sum < max && (n = read(fd, out->p + sum, max - sum)) != 0) {
		if (n < 0)
			return fault(e, path);
		sum += (size_t)n;
	}
	if (sum == 0 || sum == max)
		return err_set(e, E_IO, "%s: expected 1 to %zu bytes", path, max - 1);
	out->n = sum;
	return E_OK;
}

enum err_code
file_read_secret(const char *path, size_t max, struct secret *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err_code rc;

	if (fd < 0)
		return fault(e, path);
	rc = read_secret(fd, path, max, out, e);
	(void)close(fd); /* opened for reading: nothing to lose */
	if (rc != E_OK)
		secret_free(out);
	return rc;
}

/* Flushes the folder in which path stands, so that its name is durable. */
static enum err_code
sync_folder_of(const char *path, struct err *e)
{
	char folder[PATH_MAX];
	char *slash;
	int fd, rc;

	(void)snprintf(folder, sizeof(folder), "%s", path); /* it was opened: it fits */
	slash = strrchr(folder, '/');
	if (slash == NULL)
		(void)snprintf(folder, sizeof(folder), ".");
	else
		slash[slash == folder ? 1 : 0] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fault(e, folder);
	rc = fsync(fd);
	(void)close(fd); /* a folder: fsync has told */
	return rc == 0 ? E_OK : fault(e, folder);
}

static enum err_code
write_all(int fd, const char *path, struct span s, struct err *e)
{
	size_t at = 0;
	ssize_t n;

	while (at < s.n) {
		n = write(fd, s.p + at, s.n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault(e, path);
		at += (size_t)n;
	}
	return fsync(fd) == 0 ? E_OK : fault(e, path);
}

enum err_code
file_write(const char *path, mode_t mode, struct span content, struct err *e)
{
	char beside[PATH_MAX];
	enum err_code rc;
	int fd, n;

	n = snprintf(beside, sizeof(beside), "%s.new", path);
	if (n < 0 || n >= (int)sizeof(beside))
		return err_set(e, E_IO, "%s: the path is too long", path);
	if (unlink(beside) != 0 && errno != ENOENT)
		return fault(e, beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault(e, beside);
	rc = fchmod(fd, mode) == 0 ? write_all(fd, beside, content, e) : fault(e, beside);
	if (close(fd) != 0 && rc == E_OK)
		rc = fault(e, beside);
	if (rc == E_OK && rename(beside, path) != 0)
		rc = fault(e, path);
	if (rc == E_OK)
		return sync_folder_of(path, e);
	(void)unlink(beside); /* the write has failed already */
	return rc;
}

enum err_code
folder_make(const char *path, mode_t mode, struct err *e)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return sync_folder_of(path, e);
	if (errno != EEXIST)
		return fault(e, path);
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(e, E_IO, "%s: not a folder", path);
	return E_OK;
}

enum err_code
folder_rename(const char *from, const char *to, struct err *e)
{
	if (rename(from, to) != 0)
		return fault(e, to);
	return sync_folder_of(to, e);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

enum err_code
folder_remove(const char *path, struct err *e)
{
	if (!path_exists(path))
		return E_OK;
	if (nftw(path, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS) != 0)
		return fault(e, path);
	return E_OK;
}
