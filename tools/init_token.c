/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fault.h"
#include "base/str.h"
#include "tools/init.h"

#define PIN_BYTES        16 /* of randomness in a PIN */
#define DEPLOYMENT_BYTES 32

/* A file of random bytes as hex, 0600, unless it is there. */
static enum err_code
random_file(const char *path, size_t bytes, bool *made, struct err *e)
{
	struct secret raw = {0}, hex = {0};
	enum err_code rc;

	if (path_exists(path))
		return E_OK;
	if ((rc = secret_alloc(&raw, bytes, e)) == E_OK &&
	    (rc = secret_alloc(&hex, HEX_LEN(bytes), e)) == E_OK &&
	    (rc = random_bytes(raw.p, raw.n, e)) == E_OK) {
		hex_encode(secret_span(&raw), (char *)hex.p, hex.n);
		hex.p[hex.n - 1] = '\n'; /* in place of the NUL */
		rc = file_write(path, 0600, secret_span(&hex), e);
		*made = rc == E_OK;
	}
	secret_free(&raw);
	secret_free(&hex);
	return rc;
}

static const char *
main_token(const struct init *in, const char *key)
{
	char item[64];

	(void)snprintf(item, sizeof(item), "token." INIT_TOKEN ".%s", key); /* short */
	return conf_str(in->conf, item);
}

/* A token of another kind is made by its own tools: then there is no softhsm_conf. */
static bool
is_ours(const struct init *in)
{
	return main_token(in, "softhsm_conf") != NULL && main_token(in, "pin_file") != NULL;
}

enum err_code
init_pins(struct init *in, bool *made, struct err *e)
{
	enum err_code rc;

	if (!is_ours(in))
		return E_OK;
	if ((rc = path_join(in->so_pin, in->home, "so-pin", e)) != E_OK ||
	    (rc = random_file(in->so_pin, PIN_BYTES, made, e)) != E_OK)
		return rc;
	return random_file(main_token(in, "pin_file"), PIN_BYTES, made, e);
}

enum err_code
init_deployment_key(struct init *in, bool *made, struct err *e)
{
	return random_file(conf_str(in->conf, "privacy.key_file"), DEPLOYMENT_BYTES, made, e);
}

/* SoftHSM's configuration with this folder of tokens. */
static enum err_code
write_softhsm(const char *path, const char *folder, struct err *e)
{
	struct buf b = {0};
	enum err_code rc;

	buf_printf(&b,
		   "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n"
		   "slots.removable = false\n",
		   folder);
	if ((rc = buf_ok(&b, e)) == E_OK)
		rc = file_write(path, 0600, buf_span(&b), e);
	buf_free(&b);
	return rc;
}

enum err_code
init_softhsm(struct init *in, bool *made, struct err *e)
{
	char folder[PATH_MAX];
	enum err_code rc;

	if (!is_ours(in) || path_exists(main_token(in, "softhsm_conf")))
		return E_OK;
	*made = true;
	if ((rc = path_join(folder, in->home, "tokens", e)) != E_OK)
		return rc;
	return write_softhsm(main_token(in, "softhsm_conf"), folder, e);
}

/* In the child: the module sees the folder that is not yet in its place. */
static enum err_code
make_token(const struct init *in, const char *softhsm_conf, struct err *e)
{
	struct hsm_token_conf tokens[TOKENS_MAX];
	struct secret so_pin = {0};
	size_t count = 0, i;
	enum err_code rc;

	if ((rc = runtime_tokens(in->conf, tokens, &count, e)) != E_OK ||
	    (rc = secret_read_file(in->so_pin, &so_pin, e)) != E_OK)
		return rc;
	if (setenv("SOFTHSM2_CONF", softhsm_conf, 1) != 0)
		rc = err_set(e, E_NO_MEMORY, "SOFTHSM2_CONF: %s", strerror(errno));
	for (i = 0; i < count && rc == E_OK; i++)
		if (strcmp(tokens[i].name, INIT_TOKEN) == 0)
			rc = hsm_token_init(&tokens[i], INIT_TOKEN_LABEL, &so_pin, e);
	secret_free(&so_pin);
	return rc;
}

/* The module is loaded in a child: the parent loads it later, with the folder in its place. The
 * child's error comes back through a pipe. */
static enum err_code
make_token_in_child(const struct init *in, const char *softhsm_conf, struct err *e)
{
	struct err fault = {0};
	int fds[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(fds) != 0)
		return err_set(e, E_IO, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		(void)make_token(in, softhsm_conf, &fault); /* the code goes with the text */
		n = write(fds[1], &fault, sizeof(fault));
		_exit(n == (ssize_t)sizeof(fault) ? 0 : 1);
	}
	(void)close(fds[1]); /* the child's end */
	n = pid < 0 ? -1 : read(fds[0], &fault, sizeof(fault));
	(void)close(fds[0]); /* read to its end */
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 ||
	    n != (ssize_t)sizeof(fault))
		return err_set(e, E_HSM_MODULE, "making the token failed (status %d)", status);
	return fault.code == E_OK ? E_OK : err_set(e, fault.code, "%s", fault.text);
}

/* The token is made in a folder beside its place and moved there when it is complete: a crash
 * leaves no token without its PIN. */
enum err_code
init_token(struct init *in, bool *made, struct err *e)
{
	char folder[PATH_MAX], beside[PATH_MAX], conf[PATH_MAX];
	enum err_code rc;

	if (!is_ours(in))
		return E_OK;
	if ((rc = path_join(folder, in->home, "tokens", e)) != E_OK ||
	    (rc = path_join(beside, in->home, "tokens.new", e)) != E_OK ||
	    (rc = path_join(conf, in->home, "softhsm2.new.conf", e)) != E_OK)
		return rc;
	if (path_exists(folder))
		return E_OK;
	*made = true;
	if ((rc = folder_remove(beside, e)) != E_OK ||
	    (rc = folder_make(beside, 0700, e)) != E_OK ||
	    (rc = write_softhsm(conf, beside, e)) != E_OK ||
	    (rc = make_token_in_child(in, conf, e)) != E_OK)
		return rc;
	fault_point("init.token-made");
	if ((rc = folder_rename(beside, folder, e)) != E_OK)
		return rc;
	(void)unlink(conf); /* it names a folder that is gone */
	return E_OK;
}
