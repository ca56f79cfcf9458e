/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates a second and CPU per certificate of ca_issue alone: SoftHSM token, SQLite store.
 * Keys of subjects are made before the clock starts. The store is where $V2GPKI_TEST_DIR says: on a
 * disk, or the figures mean nothing. argv[1]: seconds a round. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "fixture.h"

#define KEYS 64

static struct fixture fx;
static struct buf keys[KEYS];

struct worker {
	pthread_t thread;
	int round, index;
	int64_t until; /* of clock_mono_us */
	uint64_t done, refused;
	int64_t cpu; /* microseconds of this thread: ca and what it calls beside token and writer */
};

static int64_t
cpu_us(int who)
{
	struct rusage u;

	if (getrusage(who, &u) != 0)
		return 0;
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * (int64_t)1000000 + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	char id[48];

	while (clock_mono_us() < w->until) {
		struct issue_request rq = {.request_id = id,
					   .profile = PROFILE_SECC_LEAF,
					   .algo = algo_get(ALGO_P256),
					   .o = "TestOrg",
					   .cn = "DEABCE1234",
					   .participant = "cpo"};
		struct issued out = {0};
		struct err e = {0};

		(void)snprintf(id, sizeof(id), "bench-%d-%d-%llu", w->round, w->index,
			       (unsigned long long)w->done);
		rq.point = buf_span(&keys[w->done % KEYS]);
		if (ca_issue(fx.set, &rq, &out, &e) != E_OK)
			w->refused++;
		w->done++;
		issued_free(&out);
	}
	w->cpu = cpu_us(RUSAGE_THREAD);
	return NULL;
}

static void
run(int round, int threads, int seconds)
{
	struct worker *w = calloc((size_t)threads, sizeof(*w));
	int64_t start = clock_mono_us(), cpu = cpu_us(RUSAGE_SELF), us, own = 0;
	struct db_figures before = {0}, after = {0};
	uint64_t done = 0, refused = 0;
	struct err e = {0};
	int i;

	if (w == NULL || db_figures(fx.db, &before, &e) != E_OK)
		abort();
	for (i = 0; i < threads; i++) {
		w[i] = (struct worker){
			.round = round, .index = i, .until = start + seconds * (int64_t)1000000};
		if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
			abort();
	}
	for (i = 0; i < threads; i++) {
		if (pthread_join(w[i].thread, NULL) != 0)
			abort();
		done += w[i].done;
		refused += w[i].refused;
		own += w[i].cpu;
	}
	us = clock_mono_us() - start;
	cpu = cpu_us(RUSAGE_SELF) - cpu;
	if (db_figures(fx.db, &after, &e) != E_OK || done == 0)
		abort();
	printf("threads=%d issued=%llu refused=%llu per_second=%.0f cpu_us=%.0f caller_cpu_us=%.0f "
	       "writes_per_commit=%.1f synchronous=%d%s\n",
	       threads, (unsigned long long)done, (unsigned long long)refused,
	       (double)done * 1e6 / (double)us, (double)cpu / (double)done,
	       (double)own / (double)done,
	       (double)(after.writes - before.writes) / (double)(after.commits - before.commits),
	       after.synchronous, refused > 0 || after.synchronous != 2 ? " INVALID" : "");
	free(w);
}

int
main(int argc, char **argv)
{
	const int threads[] = {1, 16, 32};
	int seconds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 5, round;
	size_t i;

	log_set_level(LOG_LEVEL_WARN);
	fixture_make(&fx);
	fixture_open(&fx);
	fixture_create_all(&fx);
	for (i = 0; i < KEYS; i++)
		fixture_point(ALGO_P256, &keys[i]);
	for (round = 0; round < 3; round++)
		for (i = 0; i < ARRAY_LEN(threads); i++)
			run(round * 10 + (int)i, threads[i], seconds);
	for (i = 0; i < KEYS; i++)
		buf_free(&keys[i]);
	fixture_remove(&fx);
	return 0;
}
