/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads in ca_issue at once. */
#include <pthread.h>

#include "test.h"

struct work {
	pthread_t thread;
	const struct issue_request *rq;
	struct issued out;
	enum err_code rc;
};

static void *
issue_one(void *arg)
{
	struct work *w = arg;
	struct err e = {0};

	w->rc = ca_issue(fx.set, w->rq, &w->out, &e);
	return NULL;
}

/* F-12 */
static void
fifty_requests_with_one_id_give_one_certificate(void **state)
{
	static struct work work[50];
	struct buf point = {0};
	struct issue_request rq = fixture_request("f12", PROFILE_SECC_LEAF, "DEABCE1", &point);
	uint64_t before = fixture_signatures(&fx, "cpo-sub2");
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(work); i++) {
		work[i] = (struct work){.rq = &rq};
		assert_int_equal(pthread_create(&work[i].thread, NULL, issue_one, &work[i]), 0);
	}
	for (i = 0; i < ARRAY_LEN(work); i++) {
		assert_int_equal(pthread_join(work[i].thread, NULL), 0);
		assert_int_equal(work[i].rc, E_OK);
		assert_true(span_equal(buf_span(&work[i].out.leaf), buf_span(&work[0].out.leaf)));
	}
	assert_int_equal(fixture_signatures(&fx, "cpo-sub2"), before + 1);
	for (i = 0; i < ARRAY_LEN(work); i++)
		issued_free(&work[i].out);
	buf_free(&point);
}

static void *
issue_many(void *arg)
{
	struct work *w = arg;
	struct buf point = {0};
	char id[32];
	int i;

	for (i = 0; i < 10; i++) {
		struct issue_request rq = fixture_request(id, PROFILE_SECC_LEAF, "DEABCE1", &point);
		struct issued out = {0};
		struct err e = {0};

		(void)snprintf(id, sizeof(id), "many-%p-%d", arg, i);
		if ((w->rc = ca_issue(fx.set, &rq, &out, &e)) != E_OK)
			break;
		issued_free(&out);
	}
	buf_free(&point);
	return NULL;
}

static void
thirty_two_threads_issue_at_once(void **state)
{
	static struct work work[32];
	struct cert_counts before, after;
	struct err e = {0};
	size_t i;

	(void)state;
	assert_int_equal(cert_store_counts(fx.db, &before, &e), E_OK);
	for (i = 0; i < ARRAY_LEN(work); i++) {
		work[i] = (struct work){0};
		assert_int_equal(pthread_create(&work[i].thread, NULL, issue_many, &work[i]), 0);
	}
	for (i = 0; i < ARRAY_LEN(work); i++) {
		assert_int_equal(pthread_join(work[i].thread, NULL), 0);
		assert_int_equal(work[i].rc, E_OK);
	}
	assert_int_equal(cert_store_counts(fx.db, &after, &e), E_OK);
	assert_int_equal(after.issued - before.issued, 320);
	assert_int_equal(after.intents, before.intents);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fifty_requests_with_one_id_give_one_certificate),
		cmocka_unit_test(thirty_two_threads_issue_at_once),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
