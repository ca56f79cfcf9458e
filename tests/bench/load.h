/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded load on a running v2gpkid over keep-alive TLS: enrolments of stations (EST) and contract
 * orders (CPS), from N connections for S seconds. Every acknowledged act becomes one line of a log,
 * written before the next request goes out, so that a test can kill the server at any moment and
 * compare. Reads the environment file of quickstart.sh ($V2GPKI_…). */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "base/ec.h"

#define LOAD_CONNECTIONS_MAX 256
#define LOAD_SAMPLES_MAX     200000 /* latencies kept per connection */

struct load {
	const char *mode; /* "enrol", "order", "mixed" */
	unsigned connections;
	double seconds;
	const char *log; /* file of acknowledged acts, or NULL */
	int log_fd;
	char *cpo_token, *mo_token, *oem_token;
	const char *url, *ca;
	unsigned vehicles;
	char run[8]; /* makes the identifiers of one run its own */
	_Atomic bool stop;
};

struct connection {
	struct load *load;
	unsigned index;
	CURL *curl;
	struct buf answer;
	uint64_t ok, refused, broken, n;
	long last_status;
	uint32_t *us; /* latency samples, microseconds */
	size_t samples;
	struct secret key; /* of the station that this connection enrols */
	struct buf point;
};

/* load_http.c: one request with a bearer token; the status, 0 when the connection broke. */
long load_request(struct connection *c, const char *method, const char *path, const char *token,
		  const char *type, struct span body);
/* An access token for a participant of the environment ("CPO"), owned by the caller; NULL: failed. */
char *load_token(struct load *l, const char *who);

/* load_acts.c: one act each; true when it was acknowledged, with its line in ack. */
bool load_enrol(struct connection *c, char *ack, size_t cap);
bool load_order(struct connection *c, char *ack, size_t cap);
/* Publishes l->vehicles cars of the example OEM; false when one is refused. */
bool load_publish(struct load *l);

#endif
