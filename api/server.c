/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server.h"

#include "api/http.h"
#include "api/server_conn.h"
#include "api/server_tls.h"
#include "api/workers.h"
#include "base/log.h"

#include <microhttpd.h>

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LISTENERS_MAX     4
#define CONNECTION_MEMORY ((size_t)32 * 1024) /* bytes: bounds the header fields */
#define THREAD_STACK      ((size_t)512 * 1024)
#define STOP_WAIT_MS      3000 /* for replies on their way when the server stops */

struct daemon {
	struct server *server;
	enum listener which;
	struct tls *tls; /* NULL: plain HTTP */
	struct MHD_Daemon *mhd;
	int socket; /* given back by MHD_quiesce_daemon; -1 */
	uint16_t port;
};

struct server {
	struct app *app;
	struct daemon daemons[LISTENERS_MAX];
	size_t daemon_count;
	struct workers *workers;
	struct conn_list *conns;
	int64_t wait_max_us;
	atomic_bool stopping;
	atomic_int suspended; /* handed to workers and not yet back on a network thread */
	atomic_int requests;  /* between header fields and end of the reply */
};

const char *
request_header(const struct request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->http->link, MHD_HEADER_KIND, name);
}

/* --- the reply --- */

/* The reply as the library's own; its body moves over. */
static struct MHD_Response *
make_response(struct http *h)
{
	struct request *rq = &h->rq;
	struct MHD_Response *r =
		MHD_create_response_from_buffer(rq->reply.n, rq->reply.p, MHD_RESPMEM_MUST_FREE);
	size_t i;
	bool ok = r != NULL;

	if (!ok)
		return NULL;
	rq->reply = (struct buf){0};
	if (rq->reply_type != NULL)
		ok = MHD_add_response_header(r, "Content-Type", rq->reply_type) == MHD_YES;
	for (i = 0; i < sizeof(rq->headers) / sizeof(rq->headers[0]); i++)
		if (rq->headers[i][0][0] != '\0')
			ok = ok && MHD_add_response_header(r, rq->headers[i][0],
							   rq->headers[i][1]) == MHD_YES;
	if (h->close || atomic_load(&h->server->stopping))
		ok = ok && MHD_add_response_header(r, "Connection", "close") == MHD_YES;
	if (!ok) {
		MHD_destroy_response(r);
		return NULL;
	}
	return r;
}

static enum MHD_Result
send_reply(struct http *h)
{
	struct MHD_Response *r = make_response(h);
	enum MHD_Result rc;

	if (r == NULL)
		return MHD_NO;
	rc = MHD_queue_response(h->link, (unsigned)h->rq.status, r);
	MHD_destroy_response(r); /* the library holds its own reference */
	return rc;
}

/* --- workers --- */

static void
run_on_worker(struct http *h)
{
	if (atomic_load(&h->server->stopping))
		http_refuse(h, E_STOPPING, "the service is stopping");
	else if (!http_execute(h, true))
		http_refuse(h, E_INTERNAL, "a worker was asked for twice");
	MHD_resume_connection(h->link); /* from here on the network thread owns h */
}

/* The connection sleeps before the worker can see it: a worker may be done at once. */
static enum MHD_Result
hand_over(struct http *h)
{
	struct server *s = h->server;

	h->state = HTTP_WAITING;
	h->wait_max_us = s->wait_max_us;
	h->handed_over = true;
	atomic_fetch_add(&s->suspended, 1);
	MHD_suspend_connection(h->link);
	if (!workers_put(s->workers, h)) {
		http_refuse(h, E_OVERLOAD, "too many requests are waiting");
		MHD_resume_connection(h->link);
	}
	return MHD_YES;
}

/* Back on a network thread: to be answered, or because its caller has gone. */
static void
take_back(struct http *h)
{
	if (h->handed_over)
		atomic_fetch_sub(&h->server->suspended, 1);
	h->handed_over = false;
}

/* --- one request, as the library calls --- */

/* The library leaves name and value where they were received, but for a line that the next one goes
 * on with (RFC 9112 5.2): there it moves the name and adds the rest of the line to it. */
static bool
is_in_place(const char *name, const char *value)
{
	uintptr_t end = (uintptr_t)name + strlen(name) + 1, at = (uintptr_t)value;
	const char *s;

	if (value == NULL || at < end || at - end > CONNECTION_MEMORY)
		return false;
	for (s = name + strlen(name) + 1; s < value; s++)
		if (*s != ' ' && *s != '\t')
			return false;
	return true;
}

static enum MHD_Result
add_fact(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct http_facts *f = arg;

	(void)kind; /* only header fields are asked for */
	http_facts_add(f, name, value);
	if (!is_in_place(name, value))
		f->folded = true;
	return MHD_YES;
}

static struct span
tls_peer(struct MHD_Connection *link)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(link, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info == NULL || info->tls_session == NULL ? (struct span){0}
							 : tls_session_peer(info->tls_session);
}

static struct conn *
conn_of(struct MHD_Connection *link)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(link, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info == NULL ? NULL : info->socket_context;
}

/* The raw target, before the library decodes or cuts anything. */
static void *
on_target(void *arg, const char *target, struct MHD_Connection *link)
{
	struct daemon *d = arg;
	struct http *h = http_new(d->server, d->server->app, d->which, target);

	if (h == NULL)
		return NULL;
	h->link = link;
	h->conn = conn_of(link);
	h->target_end = target + strlen(target) + 1;
	atomic_fetch_add(&d->server->requests, 1);
	return h;
}

/* Answers at once only where the rest cannot be trusted or should not be sent: a reply queued here
 * makes the library close the connection. */
static enum MHD_Result
on_headers(struct http *h, struct MHD_Connection *link, const char *method, const char *version)
{
	struct http_facts facts = {0};

	(void)MHD_get_connection_values(link, MHD_HEADER_KIND, add_fact, &facts); /* a count */
	h->rq.tls_peer = tls_peer(link);
	/* the library ends each part of the request line with a NUL in place: a part that does not
	 * follow the last one's end was cut by a NUL of the caller's */
	if (version != h->target_end)
		h->target_refused = true;
	http_begin(h, method, version, &facts);
	if (!h->close)
		return MHD_YES;
	(void)http_execute(h, false); /* it holds an error: always done */
	return send_reply(h);
}

static enum MHD_Result
on_body(struct http *h, const char *data, size_t *n)
{
	http_body(h, data, *n);
	*n = 0;
	/* no reply can be queued from here: past the bound the connection just ends */
	return h->rq.err.code != E_OK && h->received > HTTP_DRAIN_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result
on_complete(struct http *h)
{
	conn_request_read(h->server->conns, h->conn);
	if (atomic_load(&h->server->stopping) && h->rq.err.code == E_OK)
		http_refuse(h, E_STOPPING, "the service is stopping");
	else if (!http_execute(h, false))
		return hand_over(h);
	return send_reply(h);
}

static enum MHD_Result /* NOLINTNEXTLINE(readability-function-size): the library's signature */
on_request(void *arg, struct MHD_Connection *link, const char *url, const char *method,
	   const char *version, const char *data, size_t *n, void **context)
{
	struct http *h = *context;

	(void)arg;
	(void)url; /* decoded already: the raw target is used */
	if (h == NULL)
		return MHD_NO; /* no memory in on_target */
	if (!h->begun)
		return on_headers(h, link, method, version);
	if (*n > 0)
		return on_body(h, data, n);
	if (h->state == HTTP_WAITING)
		return MHD_YES; /* not resumed yet */
	if (h->state == HTTP_DONE) {
		take_back(h);
		return send_reply(h);
	}
	return on_complete(h);
}

static void
on_completed(void *arg, struct MHD_Connection *link, void **context,
	     enum MHD_RequestTerminationCode why)
{
	struct http *h = *context;

	(void)arg;
	(void)link;
	(void)why; /* the log line is out; whether the caller got the reply is not ours to know */
	if (h == NULL)
		return;
	take_back(h);
	conn_request_awaited(h->server->conns, h->conn);
	atomic_fetch_sub(&h->server->requests, 1);
	http_free(h);
	*context = NULL;
}

static void
on_connection(void *arg, struct MHD_Connection *link, void **context,
	      enum MHD_ConnectionNotificationCode code)
{
	struct daemon *d = arg;
	const union MHD_ConnectionInfo *info;

	if (code != MHD_CONNECTION_NOTIFY_STARTED) {
		conn_remove(d->server->conns, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(link, MHD_CONNECTION_INFO_CONNECTION_FD);
	*context = info == NULL ? NULL : conn_add(d->server->conns, info->connect_fd);
	info = d->tls == NULL ? NULL
			      : MHD_get_connection_info(link, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info != NULL)
		tls_session_begin(d->tls, info->tls_session);
}

/* The library's own words name peers' mistakes; they are of use when something is looked for. */
__attribute__((format(printf, 2, 0))) static void
on_library_log(void *arg, const char *fmt, va_list ap)
{
	char text[LOG_VALUE_MAX], quoted[LOG_VALUE_MAX];

	(void)arg;
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut when longer */
	text[strcspn(text, "\n")] = '\0';
	log_event(LOG_LEVEL_DEBUG, "http.library", "text=%s", log_quote(text, quoted));
}

/* --- start and stop --- */

static enum err_code
resolve(const struct listen_conf *c, struct addrinfo **out, struct err *e)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				       .ai_socktype = SOCK_STREAM};
	char port[8];
	int rc;

	(void)snprintf(port, sizeof(port), "%u", (unsigned)c->port); /* fits */
	rc = getaddrinfo(c->address, port, &hints, out);
	return rc == 0 ? E_OK
		       : err_set(e, E_CONFIG, "listener address %s: expected an IP address: %s",
				 c->address, gai_strerror(rc));
}

static unsigned
start_flags(const struct daemon *d, int family)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_ERROR_LOG | MHD_USE_TURBO;

	return flags | (d->tls != NULL ? (unsigned)MHD_USE_TLS : 0) |
	       (family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0);
}

static struct MHD_Daemon *
start_library(struct daemon *d, const struct server_conf *conf, const struct addrinfo *ai)
{
	unsigned threads = conf->network_threads > 1 ? conf->network_threads : 0;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(intptr_t)tls_retrieve},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};

	if (d->tls == NULL)
		tls[0] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
	return MHD_start_daemon(
		start_flags(d, ai->ai_family), 0, NULL, NULL, on_request, d,
		MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL, MHD_OPTION_SOCK_ADDR, ai->ai_addr,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, d, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, d, MHD_OPTION_NOTIFY_CONNECTION, on_connection, d,
		MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_THREAD_STACK_SIZE, THREAD_STACK,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT,
		conf->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT, conf->connections_per_ip,
		MHD_OPTION_CONNECTION_TIMEOUT, conf->idle_timeout_s,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_STRICT_FOR_CLIENT, 0,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static enum err_code
start_listener(struct server *s, const struct server_conf *conf, const struct listen_conf *c,
	       struct err *e)
{
	struct daemon *d = &s->daemons[s->daemon_count];
	const union MHD_DaemonInfo *info;
	struct addrinfo *ai = NULL;
	enum err_code rc = E_OK;

	*d = (struct daemon){.server = s, .which = c->which, .socket = -1};
	if (c->tls_cert != NULL)
		rc = tls_open(c->tls_cert, c->tls_key, &d->tls, e);
	if (rc == E_OK)
		rc = resolve(c, &ai, e);
	if (rc == E_OK)
		d->mhd = start_library(d, conf, ai);
	if (ai != NULL)
		freeaddrinfo(ai);
	if (d->mhd == NULL) {
		tls_close(d->tls);
		return rc != E_OK ? rc
				  : err_set(e, E_IO, "cannot listen on %s port %u: in use?",
					    c->address, (unsigned)c->port);
	}
	info = MHD_get_daemon_info(d->mhd, MHD_DAEMON_INFO_BIND_PORT);
	d->port = info == NULL ? c->port : info->port;
	s->daemon_count++;
	return E_OK;
}

enum err_code
server_start(const struct server_conf *conf, struct server **out, struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));
	enum err_code rc;
	size_t i;

	if (s == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for the server");
	s->app = conf->app;
	s->wait_max_us = (int64_t)conf->request_timeout_s * 1000000;
	rc = conn_list_start(s->wait_max_us, (int64_t)conf->idle_timeout_s * 1000000, &s->conns, e);
	if (rc == E_OK)
		rc = workers_start(conf->workers, conf->queue_max, run_on_worker, &s->workers, e);
	for (i = 0; rc == E_OK && i < conf->listener_count && i < LISTENERS_MAX; i++)
		rc = start_listener(s, conf, &conf->listeners[i], e);
	if (rc != E_OK) {
		server_stop(s);
		return rc;
	}
	*out = s;
	return E_OK;
}

/* Waits until the counter is 0, at most ms milliseconds; 0: as long as it takes. */
static void
wait_for_none(atomic_int *counter, int ms)
{
	const struct timespec step = {0, 2000000};
	int waited = 0;

	while (atomic_load(counter) > 0 && (ms == 0 || waited < ms)) {
		(void)nanosleep(&step, NULL); /* a shorter sleep does no harm */
		waited += 2;
	}
}

void
server_stop(struct server *s)
{
	size_t i;

	if (s == NULL)
		return;
	atomic_store(&s->stopping, true);
	for (i = 0; i < s->daemon_count; i++)
		s->daemons[i].socket = MHD_quiesce_daemon(s->daemons[i].mhd);
	workers_stop(s->workers); /* finishes what is queued and resumes it */
	wait_for_none(&s->suspended, 0);
	wait_for_none(&s->requests, STOP_WAIT_MS);
	for (i = 0; i < s->daemon_count; i++) {
		MHD_stop_daemon(s->daemons[i].mhd);
		if (s->daemons[i].socket >= 0)
			close(s->daemons[i].socket);
		tls_close(s->daemons[i].tls);
	}
	conn_list_stop(s->conns);
	free(s);
}

uint16_t
server_port(const struct server *s, enum listener which)
{
	size_t i;

	for (i = 0; i < s->daemon_count; i++)
		if (s->daemons[i].which == which)
			return s->daemons[i].port;
	return 0;
}

enum err_code
server_reload_tls(struct server *s, struct err *e)
{
	enum err_code rc = E_OK;
	size_t i;

	for (i = 0; i < s->daemon_count && rc == E_OK; i++)
		if (s->daemons[i].tls != NULL)
			rc = tls_reload(s->daemons[i].tls, e);
	return rc;
}
