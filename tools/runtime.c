/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/privacy.h"
#include "base/str.h"

#define ITEM_MAX 80 /* characters of "token.NAME.key" */

enum err_code
runtime_privacy(const struct conf *conf, struct err *e)
{
	const char *path = conf_str(conf, "privacy.key_file");
	struct secret line = {0};
	struct buf key = {0};
	enum err_code rc;

	if ((rc = secret_read_file(path, &line, e)) != E_OK)
		return rc;
	if ((rc = hex_decode(secret_span(&line), &key, e)) == E_OK)
		rc = privacy_init(buf_span(&key), e);
	if (rc != E_OK)
		err_context(e, "%s", path);
	if (key.p != NULL)
		OPENSSL_cleanse(key.p, key.cap);
	buf_free(&key);
	secret_free(&line);
	return rc;
}

/* --- tokens --- */

static const char *
token_str(const struct conf *conf, const char *token, const char *key)
{
	char item[ITEM_MAX];

	(void)snprintf(item, sizeof(item), "token.%s.%s", token, key); /* names are short */
	return conf_str(conf, item);
}

static unsigned
token_int(const struct conf *conf, const char *token, const char *key)
{
	char item[ITEM_MAX];

	(void)snprintf(item, sizeof(item), "token.%s.%s", token, key); /* names are short */
	return (unsigned)conf_int(conf, item);
}

static enum err_code
token_conf(const struct conf *conf, const char *name, struct hsm_token_conf *t, struct err *e)
{
	const char *softhsm = token_str(conf, name, "softhsm_conf");
	char item[ITEM_MAX];
	size_t i;

	(void)snprintf(item, sizeof(item), "token.%s.slots", name); /* names are short */
	*t = (struct hsm_token_conf){
		.name = name,
		.module = token_str(conf, name, "module"),
		.init_args = token_str(conf, name, "init_args"),
		.pin_file = token_str(conf, name, "pin_file"),
		.sessions = token_int(conf, name, "sessions"),
		.timeout_ms = token_int(conf, name, "timeout_ms"),
	};
	for (i = 0; i < ARRAY_LEN(t->slots) && i < conf_list_len(conf, item); i++)
		t->slots[i] = conf_list_at(conf, item, i);
	if (t->module == NULL || t->slots[0] == NULL)
		return err_set(e, E_CONFIG, "token.%s needs a module and slots", name);
	if (softhsm != NULL && setenv("SOFTHSM2_CONF", softhsm, 1) != 0)
		return err_set(e, E_NO_MEMORY, "SOFTHSM2_CONF: %s", strerror(errno));
	return E_OK;
}

enum err_code
runtime_tokens(const struct conf *conf, struct hsm_token_conf tokens[TOKENS_MAX], size_t *count,
	       struct err *e)
{
	const char *name;
	enum err_code rc;

	for (*count = 0; *count < TOKENS_MAX; (*count)++) {
		name = conf_instance(conf, "token", *count);
		if (name == NULL)
			break;
		if ((rc = token_conf(conf, name, &tokens[*count], e)) != E_OK)
			return rc;
	}
	if (*count == 0)
		return err_set(e, E_CONFIG, "no token is configured");
	return E_OK;
}

/* --- all of it --- */

static const char *
null_if_empty(const char *s)
{
	return s == NULL || s[0] == '\0' ? NULL : s;
}

struct profile_params
runtime_params(const struct conf *conf)
{
	return (struct profile_params){
		.country = null_if_empty(conf_str(conf, "pki.country")),
		.policy_oid = null_if_empty(conf_str(conf, "pki.policy_oid")),
		.ocsp_url = null_if_empty(conf_str(conf, "pki.ocsp_url")),
	};
}

enum check_policy
runtime_check_policy(const struct conf *conf)
{
	const char *word = conf_str(conf, "pool.emaid_check_digit");

	if (strcmp(word, "off") == 0)
		return CHECK_OFF;
	return strcmp(word, "enforce") == 0 ? CHECK_ENFORCE : CHECK_WARN;
}

/* flock on PATH.lock: beside SQLite's own locks, which several writers may share. */
static enum err_code
lock_store(struct runtime *rt, struct err *e)
{
	static const char sqlite[] = "sqlite:";
	const char *url = conf_str(rt->conf, "store.url");
	char path[PATH_MAX];
	int n, fd;

	if (strncmp(url, sqlite, sizeof(sqlite) - 1) != 0)
		return E_OK;
	n = snprintf(path, sizeof(path), "%s.lock", url + sizeof(sqlite) - 1);
	if (n < 0 || n >= (int)sizeof(path))
		return err_set(e, E_CONFIG, "store.url: the path is too long");
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, E_IO, "%s: %s", path, strerror(errno));
	rt->lock = fd + 1;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, E_DB_BUSY, "%s: another process has the store open", path);
	return E_OK;
}

static enum err_code
open_store(struct runtime *rt, bool create, struct err *e)
{
	struct db_conf dc = {
		.url = conf_str(rt->conf, "store.url"),
		.create = create,
		.readers = (unsigned)conf_int(rt->conf, "store.readers"),
		.queue_max = (unsigned)conf_int(rt->conf, "store.queue_max"),
		.batch_delay_us = (unsigned)conf_int(rt->conf, "store.batch_delay_us"),
	};

	enum err_code rc;

	if ((rc = lock_store(rt, e)) != E_OK)
		return rc;
	return db_open(&dc, &rt->db, e);
}

static enum err_code
open_hsm(struct runtime *rt, struct err *e)
{
	struct hsm_token_conf tokens[TOKENS_MAX];
	size_t count = 0;
	enum err_code rc;

	if ((rc = runtime_tokens(rt->conf, tokens, &count, e)) != E_OK)
		return rc;
	return hsm_open(tokens, count, &rt->hsm, e);
}

static enum err_code
open_ca(struct runtime *rt, struct err *e)
{
	struct ca_conf cc = {
		.db = rt->db,
		.hsm = rt->hsm,
		.params = runtime_params(rt->conf),
		.crl_base = null_if_empty(conf_str(rt->conf, "pki.crl_base")),
	};

	return ca_open(&cc, &rt->ca, &rt->proofs, e);
}

static enum err_code
foreign_status_good(void *ctx, struct span cert, struct span issuer, struct err *e)
{
	(void)ctx;
	(void)cert;
	(void)issuer;
	(void)e;
	return E_OK;
}

static enum err_code
open_pool(struct runtime *rt, struct err *e)
{
	struct pool_conf pc = {
		.db = rt->db,
		.issuer = ca_issuer(rt->ca),
		.signer = ca_signer(rt->ca),
		.status = {.check = foreign_status_good},
		.emaid_check = runtime_check_policy(rt->conf),
	};

	return pool_open(&pc, &rt->pool, e);
}

enum err_code
runtime_open(struct runtime *rt, const struct conf *conf, bool create, struct err *e)
{
	enum err_code rc;

	rt->conf = conf;
	if ((rc = runtime_privacy(conf, e)) != E_OK || (rc = open_store(rt, create, e)) != E_OK ||
	    (rc = open_hsm(rt, e)) != E_OK || (rc = open_ca(rt, e)) != E_OK)
		return rc;
	return open_pool(rt, e);
}

void
runtime_close(struct runtime *rt)
{
	if (rt->pool != NULL)
		pool_close(rt->pool);
	if (rt->ca != NULL)
		ca_close(rt->ca);
	if (rt->hsm != NULL)
		hsm_close(rt->hsm);
	if (rt->db != NULL)
		db_close(rt->db);
	if (rt->lock > 0)
		(void)close(rt->lock - 1); /* gives the lock back */
	privacy_done();
	*rt = (struct runtime){0};
}
