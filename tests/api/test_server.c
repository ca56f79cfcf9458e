/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as no library sends them, against the real server on a plain listener with routes of its
 * own (this file's route_tables stands for api/routes.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/server.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/api/client.h"

static atomic_int gate = 1; /* 0: slow handlers wait */
static atomic_int running;
static atomic_int answered; /* callers of hold_slow that got something */

static enum err_code
fast(struct request *rq)
{
	return reply_json(rq, 200, json_pack("{s:s}", "hello", "world"));
}

static enum err_code
slow(struct request *rq)
{
	atomic_fetch_add(&running, 1);
	while (atomic_load(&gate) == 0)
		usleep(1000);
	atomic_fetch_sub(&running, 1);
	return reply_json(rq, 200, json_pack("{s:s}", "slow", rq->id));
}

static enum err_code
echo(struct request *rq)
{
	return reply_bytes(rq, 200, "application/octet-stream", rq->body);
}

static enum err_code
item(struct request *rq)
{
	const char *q = request_query(rq, "q");

	return reply_json(rq, 200,
			  json_pack("{s:s, s:s}", "item", rq->args[0], "q", q == NULL ? "" : q));
}

static enum err_code
leak(struct request *rq)
{
	return err_set(&rq->err, E_DB,
		       "disk I/O error in /var/lib/v2gpki/store.db, EMAID DEABCC12345678");
}

static enum err_code
silent(struct request *rq)
{
	(void)rq;
	return E_OK;
}

static const struct route routes_test[] = {
	{LISTEN_PLAIN, "GET", "/fast", fast, WHO_ANYONE, CALL_COUNT, SUBJECT_NONE, FAST, false, 0},
	{LISTEN_PLAIN, "GET", "/slow", slow, WHO_ANYONE, CALL_COUNT, SUBJECT_NONE, SLOW, false, 0},
	{LISTEN_PLAIN, "POST", "/echo", echo, WHO_ANYONE, CALL_COUNT, SUBJECT_NONE, SLOW, false,
	 4096},
	{LISTEN_PLAIN, "POST", "/echofast", echo, WHO_ANYONE, CALL_COUNT, SUBJECT_NONE, FAST, false,
	 4096},
	{LISTEN_PLAIN, "GET", "/item/{pcid}", item, WHO_ANYONE, CALL_COUNT, SUBJECT_NONE, FAST,
	 false, 0},
	{LISTEN_PLAIN, "GET", "/leak", leak, WHO_ANYONE, CALL_COUNT, SUBJECT_NONE, FAST, false, 0},
	{LISTEN_PLAIN, "GET", "/silent", silent, WHO_ANYONE, CALL_COUNT, SUBJECT_NONE, FAST, false,
	 0},
	{LISTEN_PLAIN, "PUT", "/roots", fast, WHO_CALLER, CALL_ROOT_WRITE, SUBJECT_NONE, SLOW, true,
	 100},
	{LISTEN_ADMIN, "GET", "/admin/v1/cas", fast, WHO_CALLER, CALL_ADMIN_READ, SUBJECT_NONE,
	 FAST, false, 0},
	{0},
};
const struct route *const route_tables[] = {routes_test, NULL};

static struct app app;
static struct server *server;
static uint16_t port;
static struct err e;

static struct server_conf
conf_of_test(void)
{
	return (struct server_conf){
		.app = &app,
		.listeners = {{LISTEN_PLAIN, "127.0.0.1", 0, NULL, NULL}},
		.listener_count = 1,
		.network_threads = 2,
		.workers = 2,
		.queue_max = 4,
		.connections_max = 200,
		.idle_timeout_s = 10,
		.request_timeout_s = 10,
	};
}

static void
start(const struct server_conf *conf)
{
	err_clear(&e);
	if (server_start(conf, &server, &e) != E_OK)
		fail_msg("%s", e.text);
	port = server_port(server, LISTEN_PLAIN);
	assert_int_not_equal(port, 0);
}

static int
setup(void **state)
{
	struct server_conf conf = conf_of_test();

	(void)state;
	atomic_store(&gate, 1);
	start(&conf);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	atomic_store(&gate, 1);
	server_stop(server);
	server = NULL;
	return 0;
}

/* The status that this text is answered with, and whether the connection ends then. */
static int
status_of(const char *request, size_t n, bool *closed, struct answer *a)
{
	int fd = client_dial(port);

	assert_true(fd >= 0);
	assert_true(client_send(fd, request, n));
	client_read(fd, false, a);
	if (closed != NULL)
		*closed = client_closed(fd);
	close(fd);
	return a->status;
}

#define REFUSED(text, status, code)                                                             \
	do {                                                                                    \
		struct answer a_ = {0};                                                         \
		bool closed_ = false;                                                           \
		int got_ = status_of(text, sizeof(text) - 1, &closed_, &a_);                    \
		if (got_ != (status) || !closed_ || ((code) != NULL && !answer_has(&a_, code))) \
			fail_msg("%s: %d %s", text, got_, (char *)a_.body.p);                   \
		answer_free(&a_);                                                               \
	} while (0)

static void
malformed_framing_is_refused_and_the_connection_ends(void **state)
{
	(void)state;
	REFUSED("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
		"chunked\r\n\r\n0\r\n\r\n",
		400, "http.framing");
	REFUSED("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: "
		"3\r\n\r\n0\r\n\r\n",
		400, "http.framing");
	REFUSED("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: "
		"4\r\n\r\nabcd",
		400, "http.framing");
	REFUSED("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		400, "http.framing");
	REFUSED("POST /echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		400, "http.framing");
	REFUSED("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: "
		"3\r\n\r\nabc",
		400, "http.framing");
	REFUSED("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length : 30\r\n\r\nabc", 400,
		"http.framing");
	REFUSED("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n "
		"chunked\r\nContent-Length: 3\r\n\r\nabc",
		400, "http.framing");
	REFUSED("POST /echo HTTP/1.1\r\nHost: x\r\nX: y\r\n Content-Length: 30\r\nContent-Length: "
		"3\r\n\r\nabc",
		400, "http.framing");
	REFUSED("GET /fast HTTP/1.1\r\nHost: x\r\nX: y\r\n\tz\r\n\r\n", 400, "http.framing");
	REFUSED("GET /fast HTTP/1.1\r\nHost: x\r\nA B: y\r\n\r\n", 400, "http.framing");
	REFUSED("GET /fast HTTP/1.1\r\n\r\n", 400, "http.framing");
	REFUSED("GET /fast HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "http.framing");
	REFUSED("GET /fast HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer "
		"b\r\n\r\n",
		400, "http.framing");
	REFUSED("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: "
		"+3\r\n\r\nabc",
		400, "http.framing");
}

static void
targets_that_are_not_plain_paths_are_refused(void **state)
{
	(void)state;
	REFUSED("GET http://x/fast HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET fast HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET /fast%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET /fast%00/../admin HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET /item/a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET /item/a%2fb HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET /item/a%0d%0aX:y HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET /item/a%7f HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET /item/a%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET /item/a?q=%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET /item/a?q=1&q=2 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET /item/\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
	REFUSED("GET /fast#x HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.target");
}

/* What the check of folded lines must not mistake. */
static void
header_fields_of_every_legal_form_are_taken(void **state)
{
	static const char request[] =
		"GET /fast HTTP/1.1\r\nHost:x\r\nA:\r\nB: \r\nC:\t \td\r\n"
		"D: a: b \r\nX!#$%&'*+-.^_`|~9: e\r\nConnection: close\r\n\r\n";
	static const char bare[] = "GET /fast HTTP/1.1\nHost: x\nA:\nConnection: close\n\n";
	struct answer a = {0};

	(void)state;
	assert_int_equal(status_of(request, sizeof(request) - 1, NULL, &a), 200);
	answer_free(&a);
	assert_int_equal(status_of(bare, sizeof(bare) - 1, NULL, &a), 200);
	answer_free(&a);
}

/* The same, when the octets come one by one and the library's buffer grows meanwhile. */
static void
header_fields_in_pieces_are_taken(void **state)
{
	struct answer a = {0};
	int fd = client_dial(port);
	char text[64];
	unsigned i;

	(void)state;
	assert_true(client_text(fd, "GET /fast HTTP/1.1\r\nHo"));
	usleep(20000);
	assert_true(client_text(fd, "st: x\r\nA"));
	for (i = 0; i < 30; i++) {
		usleep(2000);
		(void)snprintf(text, sizeof(text), ": %0*u\r\nX-%u", 40, i, i);
		assert_true(client_text(fd, text));
	}
	assert_true(client_text(fd, ":"));
	usleep(20000);
	assert_true(client_text(fd, " y\r\n\r\n"));
	client_read(fd, false, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
	close(fd);
}

static void
octets_of_zero_never_reach_a_handler(void **state)
{
	static const char line[] = "GET /fast\0x HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char field[] = "GET /fast HTTP/1.1\r\nHost: x\0y\r\nConnection: close\r\n\r\n";
	struct answer a = {0};

	(void)state;
	assert_int_not_equal(status_of(line, sizeof(line) - 1, NULL, &a), 200);
	answer_free(&a);
	(void)status_of(field, sizeof(field) - 1, NULL, &a); /* any answer but a crash */
	answer_free(&a);
}

static void
parameters_and_queries_are_decoded(void **state)
{
	struct answer a;

	(void)state;
	client_call(port, "GET", "/item/W%56A?q=a%20b+c", "", (struct span){0}, &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "\"item\":\"WVA\""));
	assert_true(answer_has(&a, "\"q\":\"a b c\""));
	answer_free(&a);
}

static void
errors_have_texts_a_trace_id_and_a_code(void **state)
{
	struct answer a;

	(void)state;
	client_call(port, "GET", "/nowhere", "", (struct span){0}, &a);
	assert_int_equal(a.status, 404);
	assert_true(answer_has(&a, "{\"errorMessages\":[\""));
	assert_true(answer_has(&a, "\"traceId\":\""));
	assert_true(answer_has(&a, "\"code\":\"http.no-such-path\""));
	assert_string_equal(answer_header(&a, "Content-Type"), "application/json");
	answer_free(&a);

	client_call(port, "DELETE", "/fast", "", (struct span){0}, &a);
	assert_int_equal(a.status, 405);
	assert_string_equal(answer_header(&a, "Allow"), "GET, HEAD");
	answer_free(&a);

	client_call(port, "PUT", "/roots", "", SPAN_LIT("x"), &a);
	assert_int_equal(a.status, 401);
	assert_non_null(answer_header(&a, "WWW-Authenticate"));
	answer_free(&a);
}

static void
reasons_of_our_own_failures_stay_inside(void **state)
{
	struct answer a;

	(void)state;
	client_call(port, "GET", "/leak", "", (struct span){0}, &a);
	assert_int_equal(a.status, 500);
	assert_false(answer_has(&a, "store.db"));
	assert_false(answer_has(&a, "DEABC"));
	answer_free(&a);
	client_call(port, "GET", "/silent", "", (struct span){0}, &a);
	assert_int_equal(a.status, 500);
	answer_free(&a);
}

static void
admin_paths_look_like_any_unknown_path_elsewhere(void **state)
{
	struct answer a, b;
	char *t;

	(void)state;
	client_call(port, "GET", "/admin/v1/cas", "", (struct span){0}, &a);
	client_call(port, "GET", "/no/such/path", "", (struct span){0}, &b);
	assert_int_equal(a.status, 404);
	assert_int_equal(b.status, 404);
	t = strstr((char *)a.body.p, "traceId");
	assert_non_null(t);
	memset(t + 10, 'x', 36);
	t = strstr((char *)b.body.p, "traceId");
	assert_non_null(t);
	memset(t + 10, 'x', 36);
	assert_string_equal((char *)a.body.p, (char *)b.body.p);
	answer_free(&a);
	answer_free(&b);
}

static void
head_answers_like_get_without_a_body(void **state)
{
	struct answer a = {0};
	int fd = client_dial(port);

	(void)state;
	assert_true(client_text(fd, "HEAD /fast HTTP/1.1\r\nHost: x\r\n\r\n"));
	client_read(fd, true, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(answer_header(&a, "Content-Length"), "17");
	/* the connection goes on, and no body was in between */
	assert_true(client_text(fd, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n"));
	client_read(fd, false, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal((char *)a.body.p, "{\"hello\":\"world\"}");
	answer_free(&a);
	close(fd);
}

static void
connections_are_kept_over_fast_slow_and_refused_requests(void **state)
{
	struct answer a = {0};
	int fd = client_dial(port), i;

	(void)state;
	for (i = 0; i < 20; i++) {
		static const char *const paths[] = {"/fast", "/slow", "/nowhere", "/item/1"};

		char text[128];

		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i % 4]);
		assert_true(client_text(fd, text));
		client_read(fd, false, &a);
		assert_int_equal(a.status, i % 4 == 2 ? 404 : 200);
		answer_free(&a);
	}
	assert_true(client_text(fd, "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: "
				    "5\r\n\r\nabcde"));
	client_read(fd, false, &a);
	assert_int_equal(a.status, 404);
	assert_true(client_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: "
				    "5\r\n\r\nabcde"));
	client_read(fd, false, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal((char *)a.body.p, "abcde");
	answer_free(&a);
	close(fd);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
	struct answer a = {0};
	int fd = client_dial(port), i;

	(void)state;
	assert_true(client_text(fd, "GET /item/1 HTTP/1.1\r\nHost: x\r\n\r\n"
				    "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
				    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
				    "GET /item/4 HTTP/1.1\r\nHost: x\r\n\r\n"));
	for (i = 0; i < 4; i++) {
		static const char *const want[] = {"\"item\":\"1\"", "\"slow\"", "hi",
						   "\"item\":\"4\""};

		client_read(fd, false, &a);
		assert_int_equal(a.status, 200);
		assert_true(answer_has(&a, want[i]));
		answer_free(&a);
	}
	close(fd);
}

static void
chunked_bodies_arrive_whole(void **state)
{
	struct answer a = {0};
	int fd = client_dial(port);

	(void)state;
	assert_true(client_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
				    "chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"));
	client_read(fd, false, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal((char *)a.body.p, "abcdefg");
	answer_free(&a);
	close(fd);
}

/* Sends n octets of a body while the answer may come at any time. */
static int
send_body(const char *head, size_t n, bool chunked, struct answer *a)
{
	static char block[8192];
	int fd = client_dial(port);
	size_t sent = 0;

	assert_true(client_text(fd, head));
	memset(block, 'b', sizeof(block));
	while (sent < n) {
		char c;

		if (chunked && !client_text(fd, "2000\r\n"))
			break;
		if (!client_send(fd, block, sizeof(block)))
			break;
		if (chunked && !client_text(fd, "\r\n"))
			break;
		sent += sizeof(block);
		if (recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) == 1)
			break; /* answered early */
	}
	if (chunked)
		client_text(fd, "0\r\n\r\n");
	client_read(fd, false, a);
	close(fd);
	return a->status;
}

static void
bodies_over_the_limit_get_413_and_the_connection_survives_small_ones(void **state)
{
	struct answer a = {0};

	(void)state;
	assert_int_equal(send_body("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 8192\r\n\r\n",
				   8192, false, &a),
			 413);
	assert_true(answer_has(&a, "http.body-too-large"));
	answer_free(&a);
	assert_int_equal(send_body("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: "
				   "10485760\r\n\r\n",
				   10485760, false, &a),
			 413);
	answer_free(&a);
	assert_int_equal(send_body("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
				   "chunked\r\n\r\n",
				   65536, true, &a),
			 413);
	answer_free(&a);
	/* without an announced length, past the bound the connection just ends */
	assert_int_equal(send_body("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
				   "chunked\r\n\r\n",
				   10485760, true, &a),
			 0);
	answer_free(&a);
	/* a length that no size_t holds */
	assert_int_equal(send_body("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: "
				   "99999999999999999999\r\n\r\n",
				   8192, false, &a),
			 400 + 13);
	answer_free(&a);
	/* a body where none is accepted */
	assert_int_equal(send_body("GET /fast HTTP/1.1\r\nHost: x\r\nContent-Length: 8192\r\n\r\n",
				   8192, false, &a),
			 413);
	answer_free(&a);
}

static void
expect_continue_is_answered_before_the_body_is_sent(void **state)
{
	struct answer a = {0};
	int fd = client_dial(port);

	(void)state;
	assert_true(client_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: "
				    "100-continue\r\nContent-Length: 2\r\n\r\n"));
	usleep(50000);
	assert_true(client_text(fd, "hi"));
	assert_int_equal(client_read(fd, false, &a), 1);
	assert_int_equal(a.status, 200);
	answer_free(&a);
	close(fd);
	/* refused from the header fields: no 100, no body */
	fd = client_dial(port);
	assert_true(client_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: "
				    "100-continue\r\nContent-Length: 200000\r\n\r\n"));
	assert_int_equal(client_read(fd, false, &a), 0);
	assert_int_equal(a.status, 413);
	answer_free(&a);
	close(fd);
	fd = client_dial(port);
	assert_true(client_text(fd, "POST /nowhere HTTP/1.1\r\nHost: x\r\nExpect: "
				    "100-continue\r\nContent-Length: 2\r\n\r\n"));
	assert_int_equal(client_read(fd, false, &a), 0);
	assert_int_equal(a.status, 404);
	answer_free(&a);
	close(fd);
}

static void
header_fields_are_bounded_in_number_and_size(void **state)
{
	struct buf b = {0};
	struct answer a = {0};
	int i, fd;

	(void)state;
	buf_put_str(&b, "GET /fast HTTP/1.1\r\nHost: x\r\n");
	for (i = 0; i < 100; i++)
		buf_printf(&b, "X-%d: y\r\n", i);
	buf_put_str(&b, "\r\n");
	assert_int_equal(status_of((char *)b.p, b.n, NULL, &a), 400);
	assert_true(answer_has(&a, "http.framing"));
	answer_free(&a);
	buf_clear(&b);
	buf_put_str(&b, "GET /fast HTTP/1.1\r\nHost: x\r\nX: ");
	for (i = 0; i < 100000; i++)
		buf_put_u8(&b, 'y');
	buf_put_str(&b, "\r\n\r\n");
	fd = client_dial(port);
	client_send(fd, b.p, b.n);
	client_read(fd, false, &a);
	assert_int_not_equal(a.status, 200);
	answer_free(&a);
	close(fd);
	buf_clear(&b);
	buf_put_str(&b, "GET /item/");
	for (i = 0; i < 4000; i++)
		buf_put_u8(&b, 'y');
	buf_put_str(&b, " HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(status_of((char *)b.p, b.n, NULL, &a), 400);
	assert_true(answer_has(&a, "http.target"));
	answer_free(&a);
	buf_free(&b);
}

static void *
hold_slow(void *arg)
{
	struct answer a;

	(void)arg;
	client_call(port, "GET", "/slow", "", (struct span){0}, &a);
	int status = a.status;

	answer_free(&a);
	atomic_fetch_add(&answered, 1);
	return (void *)(intptr_t)status;
}

static void
await_running(int n)
{
	int i;

	for (i = 0; atomic_load(&running) < n && i < 5000; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&running), n);
}

static void
a_full_queue_is_503_with_retry_after_and_fast_routes_go_on(void **state)
{
	pthread_t held[20];
	struct answer a;
	int i, served = 0, refused = 0;

	(void)state;
	atomic_store(&gate, 0);
	atomic_store(&answered, 0);
	for (i = 0; i < 20; i++) { /* 2 run, 4 wait, 14 are refused */
		pthread_create(&held[i], NULL, hold_slow, NULL);
		if (i < 2)
			await_running(i + 1);
	}
	for (i = 0; i < 5000 && atomic_load(&answered) < 14; i++)
		usleep(1000);
	client_call(port, "GET", "/slow", "", (struct span){0}, &a);
	assert_int_equal(a.status, 503);
	assert_non_null(answer_header(&a, "Retry-After"));
	assert_true(answer_has(&a, "\"overload\""));
	answer_free(&a);
	client_call(port, "GET", "/fast", "", (struct span){0}, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
	atomic_store(&gate, 1);
	for (i = 0; i < 20; i++) {
		void *status;

		pthread_join(held[i], &status);
		served += (intptr_t)status == 200;
		refused += (intptr_t)status == 503;
	}
	assert_int_equal(served, 6);
	assert_int_equal(refused, 14);
}

static void *
stop_it(void *arg)
{
	server_stop(arg);
	return NULL;
}

static void
stopping_answers_what_is_under_way_and_never_aborts(void **state)
{
	struct server_conf conf = conf_of_test();
	pthread_t held[6], stopper;
	int i, served = 0, refused = 0;

	(void)state;
	server_stop(server);
	start(&conf);
	atomic_store(&gate, 0);
	for (i = 0; i < 6; i++)
		pthread_create(&held[i], NULL, hold_slow, NULL);
	await_running(2);
	usleep(200000);
	pthread_create(&stopper, NULL, stop_it, server);
	usleep(200000);
	atomic_store(&gate, 1);
	pthread_join(stopper, NULL);
	server = NULL;
	for (i = 0; i < 6; i++) {
		void *status;

		pthread_join(held[i], &status);
		served += (intptr_t)status == 200;
		refused += (intptr_t)status == 503;
	}
	assert_int_equal(served, 2);
	assert_int_equal(refused, 4);
}

static void
callers_that_leave_while_they_wait_do_not_hold_up_the_stop(void **state)
{
	int fds[5], i;

	(void)state;
	atomic_store(&gate, 0);
	for (i = 0; i < 5; i++) {
		fds[i] = client_dial(port);
		assert_true(client_text(fds[i], "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
	}
	await_running(2);
	usleep(100000);
	for (i = 0; i < 5; i++)
		close(fds[i]);
	usleep(100000);
	atomic_store(&gate, 1);
	usleep(100000);
	server_stop(server); /* ends: the test's own limit is the check */
	server = NULL;
}

static void
slow_senders_are_cut_off_although_they_never_fall_silent(void **state)
{
	struct server_conf conf = conf_of_test();
	int64_t begun = clock_mono_us();
	int fd, i;

	(void)state;
	server_stop(server);
	conf.request_timeout_s = 1;
	conf.idle_timeout_s = 5;
	start(&conf);
	fd = client_dial(port);
	assert_true(client_text(fd, "GET /fast HTTP/1.1\r\nHost: x\r\n"));
	for (i = 0; i < 60; i++) {
		if (!client_text(fd, "X-A: b\r\n"))
			break;
		usleep(100000);
	}
	assert_true(i < 60);
	assert_true(clock_mono_us() - begun < 4000000);
	close(fd);
	fd = client_dial(port);
	assert_true(
		client_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n"));
	for (i = 0; i < 60; i++) {
		if (!client_text(fd, "y"))
			break;
		usleep(100000);
	}
	assert_true(i < 60);
	close(fd);
}

static void
silent_connections_are_closed(void **state)
{
	struct server_conf conf = conf_of_test();
	int fd;

	(void)state;
	server_stop(server);
	conf.idle_timeout_s = 1;
	start(&conf);
	fd = client_dial(port);
	assert_true(client_closed(fd));
	close(fd);
}

static void
connections_beyond_the_limit_of_an_address_are_closed(void **state)
{
	struct server_conf conf = conf_of_test();
	struct answer a = {0};
	int fds[4], i, served = 0;

	(void)state;
	server_stop(server);
	conf.connections_per_ip = 2;
	conf.network_threads = 1;
	start(&conf);
	for (i = 0; i < 4; i++) {
		fds[i] = client_dial(port);
		client_text(fds[i], "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
		client_read(fds[i], false, &a);
		served += a.status == 200;
		answer_free(&a);
	}
	assert_int_equal(served, 2);
	for (i = 0; i < 4; i++)
		close(fds[i]);
}

static void
requests_cut_off_in_the_middle_leave_nothing_behind(void **state)
{
	static const char text[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab";
	size_t i;

	(void)state;
	for (i = 1; i < sizeof(text); i++) {
		int fd = client_dial(port);

		assert_true(client_send(fd, text, i));
		close(fd);
	}
	/* the sanitizer build finds what is not freed; the server still answers */
	struct answer a;

	client_call(port, "GET", "/fast", "", (struct span){0}, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			malformed_framing_is_refused_and_the_connection_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(targets_that_are_not_plain_paths_are_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(header_fields_of_every_legal_form_are_taken, setup,
						teardown),
		cmocka_unit_test_setup_teardown(header_fields_in_pieces_are_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(octets_of_zero_never_reach_a_handler, setup,
						teardown),
		cmocka_unit_test_setup_teardown(parameters_and_queries_are_decoded, setup,
						teardown),
		cmocka_unit_test_setup_teardown(errors_have_texts_a_trace_id_and_a_code, setup,
						teardown),
		cmocka_unit_test_setup_teardown(reasons_of_our_own_failures_stay_inside, setup,
						teardown),
		cmocka_unit_test_setup_teardown(admin_paths_look_like_any_unknown_path_elsewhere,
						setup, teardown),
		cmocka_unit_test_setup_teardown(head_answers_like_get_without_a_body, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			connections_are_kept_over_fast_slow_and_refused_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(pipelined_requests_are_answered_in_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(chunked_bodies_arrive_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(
			bodies_over_the_limit_get_413_and_the_connection_survives_small_ones, setup,
			teardown),
		cmocka_unit_test_setup_teardown(expect_continue_is_answered_before_the_body_is_sent,
						setup, teardown),
		cmocka_unit_test_setup_teardown(header_fields_are_bounded_in_number_and_size, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_full_queue_is_503_with_retry_after_and_fast_routes_go_on, setup,
			teardown),
		cmocka_unit_test_setup_teardown(stopping_answers_what_is_under_way_and_never_aborts,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			callers_that_leave_while_they_wait_do_not_hold_up_the_stop, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			slow_senders_are_cut_off_although_they_never_fall_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(silent_connections_are_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			connections_beyond_the_limit_of_an_address_are_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(requests_cut_off_in_the_middle_leave_nothing_behind,
						setup, teardown),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
