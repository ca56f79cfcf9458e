/* SPDX-License-Identifier: Apache-2.0 */
/* One request inside the server: what request.h shows to handlers, and what the HTTP library needs
 * around it. Private to api/. A network thread owns it until it is handed to a worker, and again
 * after the worker has set its state to HTTP_DONE. */
#ifndef API_HTTP_H
#define API_HTTP_H

#include "api/route.h"

#include <stdatomic.h>

#define HTTP_TARGET_MAX  2048      /* bytes of a request target */
#define HTTP_HEADERS_MAX 64        /* header fields of a request */
#define HTTP_PARAMS_MAX  16        /* query parameters */
#define HTTP_DRAIN_MAX   (1 << 20) /* bytes read and dropped before the connection is closed */

enum http_state { HTTP_READING, HTTP_WAITING, HTTP_DONE };

struct http_param {
	char *name, *value;
};

struct http {
	struct request rq;
	struct server *server;
	void *link;        /* the library's connection */
	struct conn *conn; /* api/server_conn.h */
	enum listener listener;
	char *target;           /* owned: path, NUL, query */
	char *query;            /* inside target, or NULL */
	bool target_refused;    /* too long, or with a NUL inside */
	const char *target_end; /* where the library keeps what follows it */
	char *scratch;          /* path parameters live here */
	char *query_copy;
	struct http_param params[HTTP_PARAMS_MAX];
	size_t param_count;
	char allowed[ROUTE_ALLOWED_MAX]; /* Allow of a 405 */
	struct buf body;
	size_t received; /* bytes of the body, dropped ones too */
	enum http_state state;
	bool begun, close, authenticated;
	bool handed_over; /* counted among the server's suspended requests */
	int64_t started_us, queued_us;
	int64_t wait_max_us; /* longest wait for a worker */
	struct http *next;   /* in the queue of workers */
};

/* --- api/http_check.c: what the library lets through (traps) --- */
struct http_facts { /* of the header fields of one request */
	unsigned headers, hosts, lengths, encodings, authorizations;
	bool lengths_differ, encoding_unknown, length_bad, expects_continue;
	bool name_bad; /* no token: blanks before the colon, say */
	bool folded;   /* a line that goes on in the next one; set by who sees the octets */
	size_t length; /* Content-Length; SIZE_MAX when it does not fit */
};
void http_facts_add(struct http_facts *f, const char *name, const char *value);

/* RFC 9112 6.1 and 6.3, RFC 9110 7.2: E_HTTP_FRAMING. */
enum err_code
http_check_framing(const struct http_facts *f, const char *version, struct err *e) MUST_CHECK;
/* Origin form only, no control characters, no encoded NUL, in the path no encoded slash or control
 * character (raw target): E_HTTP_TARGET. */
enum err_code http_check_target(const char *target, struct err *e) MUST_CHECK;
/* Percent-decodes in place; false for a bad escape or a decoded NUL. plus: '+' is a space. */
bool http_decode(char *s, bool plus);
/* name=value&… cut up and decoded in place (form bodies and queries), at most cap; a repeated name
 * is refused: E_HTTP_TARGET. */
enum err_code http_split_form(char *text, struct http_param *params, size_t cap, size_t *count,
			      struct err *e) MUST_CHECK;

/* --- api/http_run.c: from header fields to reply --- */
struct http *http_new(struct server *s, struct app *app, enum listener which, const char *target);
void http_free(struct http *h);

/* After the header fields: framing, target, route, size of the body. An error waits in rq.err;
 * h->close is set where the rest of the connection cannot be trusted. */
void
http_begin(struct http *h, const char *method, const char *version, const struct http_facts *facts);
void http_body(struct http *h, const void *p, size_t n);

/* Runs the request as far as this thread may; false: it has to go on on a worker. When true, the
 * reply is complete (also an error's). */
bool http_execute(struct http *h, bool on_worker);

/* Ends the request with this error instead of running it. */
void http_refuse(struct http *h, enum err_code code, const char *text);

/* --- api/reply.c --- */
/* Status and body from rq->err (spec/protocols 1.3). */
void reply_error(struct request *rq);
int reply_status(enum err_code code);

bool request_is_est(const struct request *rq);

/* --- api/access.c --- */
/* Role of the caller, and scope where the subject stands in the path. */
enum err_code access_check(struct request *rq) MUST_CHECK;
/* After the handler: a route with its subject in the body that succeeded without request_scope is
 * an internal error, so that a forgotten check is found by the first test and never by a caller. */
enum err_code access_after(struct request *rq) MUST_CHECK;

#endif
