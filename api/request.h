/* SPDX-License-Identifier: Apache-2.0 */
/* One request as handlers see it: plain data, no HTTP library. Lives until its reply is sent; one
 * thread at a time owns it. */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <jansson.h>

#include "base/conf.h"
#include "ca/ca.h"
#include "policy/role.h"
#include "pool/pool.h"

#define REQUEST_ARGS_MAX 6

/* What handlers share. Immutable after start; its parts own their locks. */
struct app {
	const struct conf *conf;
	struct db *db;
	struct hsm *hsm;
	struct ca_set *ca;
	struct pool *pool;
	struct auth *auth;      /* api/auth.h */
	const char *public_url; /* without trailing slash */
	int64_t started;
};

enum auth_method { AUTH_NONE, AUTH_BEARER, AUTH_TLS, AUTH_BASIC };

struct request {
	struct app *app;
	char id[37]; /* UUID: traceId, request id of everything it causes */
	const struct route *route;
	const char *method;
	const char *path;             /* raw path as received, without the query */
	char *args[REQUEST_ARGS_MAX]; /* path parameters, percent-decoded */
	struct span body;
	struct principal who;
	enum auth_method auth_method;
	struct span tls_peer; /* DER of the TLS client certificate, empty: none */
	bool scope_checked;
	struct err err;
	struct http *http; /* opaque: api/server.c */

	/* the reply */
	int status; /* 0: from err */
	struct buf reply;
	const char *reply_type;  /* Content-Type */
	char headers[4][2][128]; /* extra headers: name, value; "" ends */
};

/* Header or query parameter by name (header names in any case); NULL when absent. Lent. */
const char *request_header(const struct request *rq, const char *name);
const char *request_query(const struct request *rq, const char *name);

/* --- replies: each sets status, type and body --- */
enum err_code reply_json(struct request *rq, int status, json_t *steals) MUST_CHECK;
enum err_code
reply_bytes(struct request *rq, int status, const char *type, struct span body) MUST_CHECK;
enum err_code reply_empty(struct request *rq, int status) MUST_CHECK;
void reply_header(struct request *rq, const char *name, const char *value);

/* --- access, the one place: api/access.c --- */
/* For routes whose subject stands in the body: compares the caller's prefixes with it. */
enum err_code request_scope(struct request *rq, const char *subject) MUST_CHECK;

#endif
