/* SPDX-License-Identifier: Apache-2.0 */
/* How many orders and installations a second the pools do, and what one costs in CPU time, with
 * software keys and a real store. bench [threads] [calls per thread] */
#include "tests/pool/fixture.h"

#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 64

struct worker {
	pthread_t thread;
	struct fixture *f;
	struct soft_key car;
	char pcid[PCID_MAX], emaid[EMAID_MAX];
	struct buf exi;
	unsigned index, calls, failed;
};

static void
order(struct worker *w, unsigned i)
{
	char id[64];
	struct err e = {0};
	struct contract_order o = {
		.request_id = id,
		.actor = MO,
		.emaid = w->emaid,
		.pcid = w->pcid,
		.xmlns = NAMESPACE_2,
		.begins = clock_now() - 60,
		.ends = clock_now() + 30 * DAY,
	};

	(void)snprintf(id, sizeof(id), "bench-%u-%u", w->index, i);
	if (pool_contract_generate(w->f->pool, &o, &e) != E_OK && w->failed++ == 0)
		print_error("%s\n", e.text);
}

static void
ask(struct worker *w)
{
	struct install_query q = {"bench", "cpo-1", buf_span(&w->exi), NAMESPACE_2};
	struct install_answer out;
	struct err e = {0};

	if ((pool_install(w->f->pool, &q, &out, &e) != E_OK || !out.positive) && w->failed++ == 0)
		print_error("%s\n", e.text);
	install_answer_free(&out);
}

static void *
run_orders(void *arg)
{
	struct worker *w = arg;

	for (unsigned i = 0; i < w->calls; i++)
		order(w, i);
	return NULL;
}

static void *
run_installs(void *arg)
{
	struct worker *w = arg;

	for (unsigned i = 0; i < w->calls; i++)
		ask(w);
	return NULL;
}

static double
seconds(clockid_t id)
{
	struct timespec ts = {0};

	(void)clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static unsigned
measure(const char *name, struct worker *w, unsigned threads, void *(*run)(void *))
{
	double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	unsigned calls = threads * w[0].calls, failed = 0;

	for (unsigned i = 0; i < threads; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, run, &w[i]), 0);
	for (unsigned i = 0; i < threads; i++) {
		(void)pthread_join(w[i].thread, NULL);
		failed += w[i].failed;
	}
	wall = seconds(CLOCK_MONOTONIC) - wall;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("%-28s %6u calls %8.0f/s %8.0f us CPU each, %u failed\n", name, calls,
	       (double)calls / wall, cpu / (double)calls * 1e6, failed);
	return failed;
}

static void
prepare(struct worker *w, struct fixture *f, unsigned i, unsigned calls)
{
	w->f = f;
	w->index = i;
	w->calls = calls;
	(void)snprintf(w->pcid, sizeof(w->pcid), "WVA%014u", i);
	(void)snprintf(w->emaid, sizeof(w->emaid), "DEABCC%08u", i);
	expect(f, soft_car(&f->pki, w->pcid, &w->car, &f->e), E_OK);
	put_vehicle(f, &w->car);
	make_request(f, &w->car, NULL, 0, &w->exi);
}

int
main(int argc, char **argv)
{
	static struct worker w[THREADS_MAX];
	unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 8;
	unsigned calls = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100, failed;
	struct db_figures figures;
	struct fixture *f;
	void *state;

	if (threads < 1 || threads > THREADS_MAX) {
		fprintf(stderr, "1 to %d threads\n", THREADS_MAX);
		return 2;
	}
	log_set_level(LOG_LEVEL_ERROR);
	(void)fixture_setup(&state);
	f = state;
	for (unsigned i = 0; i < threads; i++)
		prepare(&w[i], f, i, calls);
	failed = measure("orders", w, threads, run_orders);
	fixture_reopen(f);
	for (unsigned i = 0; i < threads; i++)
		w[i].calls = 1;
	failed += measure("installations, not seen yet", w, threads, run_installs);
	for (unsigned i = 0; i < threads; i++)
		w[i].calls = calls;
	failed += measure("installations", w, threads, run_installs);
	expect(f, db_figures(f->db, &figures, &f->e), E_OK);
	printf("synchronous=%d, %.1f writes a commit\n", figures.synchronous,
	       (double)figures.writes / (double)figures.commits);
	for (unsigned i = 0; i < threads; i++) {
		soft_key_free(&w[i].car);
		buf_free(&w[i].exi);
	}
	(void)fixture_teardown(&state);
	return failed == 0 && figures.synchronous >= 2 ? 0 : 1;
}
