/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP listeners. Network threads parse, answer fast routes and suspend slow ones, which run
 * from start to end on one worker of a bounded pool. Requests that the library would accept
 * although they are malformed are refused here (traps: libmicrohttpd). */
#ifndef API_SERVER_H
#define API_SERVER_H

#include "api/route.h"

struct server;

struct listen_conf {
	enum listener which;
	const char *address; /* "127.0.0.1" */
	uint16_t port;
	const char *tls_cert, *tls_key; /* PEM files; NULL: plain HTTP */
};

struct server_conf {
	struct app *app;
	struct listen_conf listeners[4];
	size_t listener_count;
	unsigned network_threads, workers;
	unsigned queue_max;          /* slow requests waiting; beyond: 503 with Retry-After */
	unsigned connections_max;    /* of each listener */
	unsigned connections_per_ip; /* 0: no limit of its own */
	unsigned idle_timeout_s;     /* without a byte in either direction */
	unsigned request_timeout_s;  /* to send a whole request, and to wait for a worker */
};

enum err_code
server_start(const struct server_conf *conf, struct server **out, struct err *e) MUST_CHECK;

/* Refuses new requests, finishes or 503s what is under way, then stops (traps: MHD aborts on stop
 * with suspended connections). */
void server_stop(struct server *s);

/* The port a listener is bound to, for those started with port 0. */
uint16_t server_port(const struct server *s, enum listener which);

/* Reads the TLS files again for new connections. */
enum err_code server_reload_tls(struct server *s, struct err *e) MUST_CHECK;

#endif
