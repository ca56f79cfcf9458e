/* SPDX-License-Identifier: Apache-2.0 */
/* The process that test_kill kills. HOME is a fixture's home.
 *   child HOME ca NAME              a root NAME and its sub-CA NAME-sub1
 *   child HOME issue PREFIX COUNT   8 threads issue COUNT certificates each, claim them, and write
 *                                   "REQUEST-ID FINGERPRINT" to HOME/acks: the reply */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/str.h"
#include "fixture.h"

#define THREADS 8

static struct fixture fx;
static const char *prefix;
static int acks, per_thread;

static int
make_cas(const char *name)
{
	char sub[CA_NAME_MAX];
	struct ca_spec root = {
		.name = name, .profile = PROFILE_V2G_ROOT, .token = "main", .cn = "KILLROOT"};
	struct ca_spec sub1 = {.name = sub,
			       .profile = PROFILE_CPO_SUB1,
			       .issuer = name,
			       .token = "main",
			       .cn = "KILLSUB"};
	struct err e = {0};
	enum err_code rc;

	(void)snprintf(sub, sizeof(sub), "%s-sub1", name);
	rc = ca_create(fx.set, &root, "init", &e);
	if (rc == E_CA_EXISTS || rc == E_OK) {
		err_clear(&e);
		rc = ca_create(fx.set, &sub1, "init", &e);
	}
	if (rc != E_OK)
		(void)fprintf(stderr, "%s: %s\n", name, e.text);
	return rc == E_OK || rc == E_CA_EXISTS ? 0 : 1;
}

/* The key of a request, the same each time it is asked. */
static bool
key_of(const char *id, struct buf *point)
{
	struct secret scalar = {0};
	struct err e = {0};
	bool ok;

	ok = secret_alloc(&scalar, SHA256_LEN, &e) == E_OK &&
	     sha256(span_str(id), scalar.p, &e) == E_OK &&
	     ec_point_of(algo_get(ALGO_P256), &scalar, point, &e) == E_OK;
	secret_free(&scalar);
	return ok;
}

static bool
issue_and_reply(const char *id)
{
	struct buf point = {0};
	struct issue_request rq = {.request_id = id,
				   .profile = PROFILE_SECC_LEAF,
				   .algo = algo_get(ALGO_P256),
				   .cn = "DEABCE1",
				   .participant = "cpo"};
	struct issued out = {0};
	uint8_t hash[SHA256_LEN];
	char hex[HEX_LEN(SHA256_LEN)], line[160];
	struct err e = {0};
	bool ok;
	int n;

	if (!key_of(id, &point))
		return false;
	rq.point = buf_span(&point);
	ok = ca_issue(fx.set, &rq, &out, &e) == E_OK && ca_claim(fx.set, out.cert_id, &e) == E_OK &&
	     sha256(buf_span(&out.leaf), hash, &e) == E_OK;
	if (ok) {
		hex_encode((struct span){hash, sizeof(hash)}, hex, sizeof(hex));
		n = snprintf(line, sizeof(line), "%s %s\n", id, hex);
		ok = n > 0 && write(acks, line, (size_t)n) == n;
	} else {
		(void)fprintf(stderr, "%s: %s\n", id, e.text);
	}
	issued_free(&out);
	buf_free(&point);
	return ok;
}

static void *
issue_many(void *arg)
{
	size_t thread = (size_t)(uintptr_t)arg;
	char id[64];
	int i;

	for (i = 0; i < per_thread; i++) {
		(void)snprintf(id, sizeof(id), "%s-%zu-%d", prefix, thread, i);
		if (!issue_and_reply(id))
			_exit(1);
	}
	return NULL;
}

static int
issue_all(void)
{
	pthread_t threads[THREADS];
	char path[96];
	size_t i;

	(void)snprintf(path, sizeof(path), "%s/acks", fx.home);
	acks = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (acks < 0)
		return 1;
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, issue_many, (void *)(uintptr_t)i) != 0)
			return 1;
	for (i = 0; i < THREADS; i++)
		if (pthread_join(threads[i], NULL) != 0)
			return 1;
	return 0;
}

int
main(int argc, char **argv)
{
	int rc = 2;

	if (argc < 4 || !str_copy(fx.home, sizeof(fx.home), argv[1]))
		return rc;
	fixture_open(&fx);
	if (strcmp(argv[2], "ca") == 0) {
		rc = make_cas(argv[3]);
	} else if (strcmp(argv[2], "issue") == 0 && argc == 5) {
		prefix = argv[3];
		per_thread = (int)strtol(argv[4], NULL, 10);
		rc = issue_all();
	}
	fixture_close(&fx);
	return rc;
}
