/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/db/slow_vfs.h"

#define THREADS 32
#define EACH    30

/* --- many threads, one store --- */
struct worker {
	struct fixture *f;
	pthread_t thread;
	unsigned n, writes;
	unsigned ok, busy, stopped, failed, duplicate;
	int ack; /* file descriptor to report acknowledged numbers to; 0: none */
};

static void
count(struct worker *w, enum err_code rc)
{
	w->ok += rc == E_OK;
	w->busy += rc == E_DB_BUSY;
	w->stopped += rc == E_STOPPING;
	w->duplicate += rc == E_DB_DUPLICATE;
	w->failed += rc != E_OK && rc != E_DB_BUSY && rc != E_STOPPING && rc != E_DB_DUPLICATE;
}

static void *
write_intents(void *arg)
{
	struct worker *w = arg;
	unsigned i, n;
	int64_t id;

	for (i = 0; i < w->writes; i++) {
		struct cert_row r;
		enum err_code rc;

		n = w->n * 10000 + i;
		r = make_intent("cpo-sub2", n);
		rc = cert_store_intent(w->f->db, &r, &audit_any, &id, NULL);
		count(w, rc);
		if (rc == E_OK && w->ack != 0 && write(w->ack, &n, sizeof(n)) != sizeof(n))
			w->failed++;
	}
	return NULL;
}

static struct worker
run_workers(struct fixture *f, unsigned threads, unsigned writes, unsigned first, int ack)
{
	struct worker w[THREADS] = {0}, sum = {0};
	unsigned i;

	for (i = 0; i < threads; i++) {
		w[i] = (struct worker){.f = f, .n = first + i, .writes = writes, .ack = ack};
		assert_int_equal(pthread_create(&w[i].thread, NULL, write_intents, &w[i]), 0);
	}
	for (i = 0; i < threads; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		sum.ok += w[i].ok;
		sum.busy += w[i].busy;
		sum.stopped += w[i].stopped;
		sum.failed += w[i].failed;
		sum.duplicate += w[i].duplicate;
	}
	return sum;
}

static int
setup(void **state)
{
	int rc = fixture_setup(state);
	struct fixture *f = *state;

	assert_int_equal(slow_vfs_register(0), 0);
	slow_vfs_set_delay(0);
	make_ca(f, "cpo-sub2");
	fixture_close(f);
	fixture_open(f, "slow", 0);
	return rc;
}

static double
rate(struct fixture *f, unsigned threads, unsigned writes, unsigned first)
{
	int64_t from = clock_mono_us();
	struct worker sum = run_workers(f, threads, writes, first, 0);

	assert_int_equal(sum.ok, threads * writes);
	return (double)(threads * writes) * 1e6 / (double)(clock_mono_us() - from);
}

static void
commits_hold_many_writes_when_syncs_are_slow(void **state)
{
	struct fixture *f = *state;
	struct db_figures a, b;
	unsigned long syncs;
	double one, many, batch;

	slow_vfs_set_delay(5000);
	one = rate(f, 1, 60, 500);
	OK(f, db_figures(f->db, &a, &f->e));
	syncs = slow_vfs_syncs();
	many = rate(f, THREADS, EACH, 0);
	OK(f, db_figures(f->db, &b, &f->e));
	batch = (double)(b.writes - a.writes) / (double)(b.commits - a.commits);
	print_message(
		"5 ms a sync: 1 thread %.0f/s, %d threads %.0f/s (ratio %.1f), mean batch %.1f, "
		"%lu syncs, synchronous=%d\n",
		one, THREADS, many, many / one, batch, slow_vfs_syncs() - syncs, b.synchronous);
	assert_true(batch >= 6);
#ifndef NO_RATES
	assert_true(many / one >= 12);
#endif
	assert_true(slow_vfs_syncs() - syncs >= b.commits - a.commits);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_status"),
			 60 + (int64_t)THREADS * EACH);
}

/* With company in sight the committer waits for it; one writer alone is never delayed. */
static void
batch_delay_gathers_many_and_does_not_hold_one(void **state)
{
	struct fixture *f = *state;
	struct db_figures a, b;
	double batch;
	int64_t from;

	fixture_close(f);
	fixture_open(f, "slow", 200000);
	from = clock_mono_us();
	assert_int_equal(run_workers(f, 1, 10, 500, 0).ok, 10);
	assert_true(clock_mono_us() - from < 10 * 100000);
	fixture_close(f);
	fixture_open(f, "slow", 2000);
	OK(f, db_figures(f->db, &a, &f->e));
	assert_int_equal(run_workers(f, 16, 20, 0, 0).ok, 320);
	OK(f, db_figures(f->db, &b, &f->e));
	batch = (double)(b.writes - a.writes) / (double)(b.commits - a.commits);
	print_message("batch delay 2 ms, 16 threads: mean batch %.1f\n", batch);
	assert_true(batch >= 6);
}

/* F-12 */
static void *
same_request(void *arg)
{
	struct worker *w = arg;
	struct cert_row r = make_intent("cpo-sub2", w->n);
	int64_t id;

	(void)snprintf(r.request_id, sizeof(r.request_id), "the same");
	count(w, cert_store_intent(w->f->db, &r, &audit_any, &id, NULL));
	return NULL;
}

static void
concurrent_requests_with_one_id_make_one_intent(void **state)
{
	struct fixture *f = *state;
	struct worker w[THREADS] = {0};
	unsigned i, ok = 0, duplicate = 0;

	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){.f = f, .n = i};
		assert_int_equal(pthread_create(&w[i].thread, NULL, same_request, &w[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		ok += w[i].ok;
		duplicate += w[i].duplicate;
	}
	assert_int_equal(ok, 1);
	assert_int_equal(duplicate, THREADS - 1);
}

static void
failing_job_fails_nobody_else(void **state)
{
	struct fixture *f = *state;
	struct worker sum;
	int64_t rows;

	slow_vfs_set_delay(1000);
	sum = run_workers(f, 8, 10, 0, 0);
	assert_int_equal(sum.ok, 80);
	sum = run_workers(f, 16, 10, 0, 0); /* half of them ask for what exists */
	assert_int_equal(sum.ok, 80);
	assert_int_equal(sum.duplicate, 80);
	assert_int_equal(sum.failed, 0);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_status"), 160);
	OK(f, audit_verify(f->db, &rows, &f->e));
	assert_int_equal(rows, 161); /* one for the CA: refused writes left none */
	assert_int_equal(raw_int(f, "SELECT n FROM counters WHERE name = 'intents'"), 160);
}

static void
full_queue_is_busy_at_once(void **state)
{
	struct fixture *f = *state;
	struct db_conf conf = {.url = f->url, .vfs = "slow", .readers = 1, .queue_max = 2};
	struct worker sum;

	fixture_close(f);
	OK(f, db_open(&conf, &f->db, &f->e));
	slow_vfs_set_delay(100000);
	sum = run_workers(f, 12, 1, 0, 0);
	slow_vfs_set_delay(0);
	assert_true(sum.busy >= 6);
	assert_true(sum.ok >= 2);
	assert_int_equal(sum.ok + sum.busy, 12);
}

/* F-8, F-2: who was in the commit that failed is told so, and the store goes on. */
static void
failed_sync_fails_its_batch_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct cert_row r = make_intent("cpo-sub2", 1);
	int64_t id, rows;

	slow_vfs_fail_syncs(1);
	FAILS(f, E_DB, cert_store_intent(f->db, &r, &audit_any, &id, &f->e));
	assert_int_equal(id, 0);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_status"), 0);
	OK(f, cert_store_intent(f->db, &r, &audit_any, &id, &f->e));
	OK(f, audit_verify(f->db, &rows, &f->e));
	assert_int_equal(rows, 2);
	assert_int_equal(raw_int(f, "SELECT n FROM counters WHERE name = 'intents'"), 1);
}

/* F-7 */
static void
full_disk_fails_the_write_and_the_next_one_works(void **state)
{
	struct fixture *f = *state;
	struct cert_row r = make_intent("cpo-sub2", 1);
	int64_t id, rows;

	slow_vfs_fail_writes(1);
	FAILS(f, E_DB, cert_store_intent(f->db, &r, &audit_any, &id, &f->e));
	OK(f, cert_store_intent(f->db, &r, &audit_any, &id, &f->e));
	OK(f, audit_verify(f->db, &rows, &f->e));
	assert_int_equal(rows, 2);
}

static void
close_finishes_what_is_queued(void **state)
{
	struct fixture *f = *state;
	struct worker w[8] = {0};
	struct db_figures fig = {0};
	unsigned i, ok = 0;

	slow_vfs_set_delay(50000);
	for (i = 0; i < 8; i++) {
		w[i] = (struct worker){.f = f, .n = i, .writes = 1};
		assert_int_equal(pthread_create(&w[i].thread, NULL, write_intents, &w[i]), 0);
	}
	while (fig.queue_now < 7 && fig.writes < 1) {
		OK(f, db_figures(f->db, &fig, &f->e));
		(void)usleep(1000);
	}
	(void)usleep(20000); /* the last ones are in the queue too */
	fixture_close(f);
	for (i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		ok += w[i].ok;
	}
	slow_vfs_set_delay(0);
	assert_int_equal(ok, 8);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_status"), 8);
}

static void *
read_until_found(void *arg)
{
	struct worker *w = arg;
	struct cert_row r;
	int64_t seen = 0, n;
	unsigned i;

	for (i = 0; i < w->writes; i++) {
		struct cert_counts c;

		count(w, cert_store_counts(w->f->db, &c, NULL));
		n = c.intents;
		w->failed += n < seen; /* readers never go back in time */
		seen = n;
		if (cert_store_by_request(w->f->db, "request-0", &r, NULL) == E_OK)
			cert_row_free(&r);
	}
	return NULL;
}

static void
readers_run_beside_the_writer(void **state)
{
	struct fixture *f = *state;
	struct worker readers[6] = {0}, sum;
	unsigned i;

	for (i = 0; i < 6; i++) {
		readers[i] = (struct worker){.f = f, .writes = 200};
		assert_int_equal(
			pthread_create(&readers[i].thread, NULL, read_until_found, &readers[i]), 0);
	}
	sum = run_workers(f, 8, 20, 0, 0);
	assert_int_equal(sum.ok, 160);
	for (i = 0; i < 6; i++) {
		assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
		assert_int_equal(readers[i].ok, 200);
		assert_int_equal(readers[i].failed, 0);
	}
}

/* --- F-1: killed around the commit --- */
static void
write_until_killed(struct fixture *f, const char *fault, int ack)
{
	if (setenv("V2GPKI_FAULT", fault, 1) != 0)
		_exit(2);
	fixture_open(f, NULL, 0);
	(void)run_workers(f, 16, 200, 0, ack);
	_exit(3); /* the fault did not come */
}

static unsigned
check_acknowledged(struct fixture *f, int from)
{
	unsigned n, acks = 0;
	struct cert_row r;
	char request[65];

	while (read(from, &n, sizeof(n)) == sizeof(n)) {
		(void)snprintf(request, sizeof(request), "request-%u", n);
		OK(f, cert_store_by_request(f->db, request, &r, &f->e));
		cert_row_free(&r);
		acks++;
	}
	return acks;
}

static void
kill_at(struct fixture *f, const char *fault)
{
	int64_t rows, intents;
	unsigned acks;
	int fds[2], status;
	pid_t pid;

	fixture_close(f);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(fds[0]);
		write_until_killed(f, fault, fds[1]);
	}
	(void)close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	fixture_open(f, NULL, 0);
	acks = check_acknowledged(f, fds[0]);
	(void)close(fds[0]);
	intents = raw_int(f, "SELECT COUNT(*) FROM cert_status");
	print_message("%s: %u acknowledged, %lld stored\n", fault, acks, (long long)intents);
	assert_true(acks > 0);
	assert_true((int64_t)acks <= intents);
	assert_int_equal(raw_int(f, "SELECT n FROM counters WHERE name = 'intents'"), intents);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_info"), intents);
	OK(f, audit_verify(f->db, &rows, &f->e));
	assert_int_equal(rows, intents + 1);
}

static void
kill_before_commit_loses_nothing_acknowledged(void **state)
{
	kill_at(*state, "db-before-commit:kill:7");
	assert_int_equal(unsetenv("V2GPKI_FAULT"), 0);
}

static void
kill_after_commit_loses_nothing_acknowledged(void **state)
{
	kill_at(*state, "db-after-commit:kill:7");
	assert_int_equal(unsetenv("V2GPKI_FAULT"), 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(commits_hold_many_writes_when_syncs_are_slow),
		T(batch_delay_gathers_many_and_does_not_hold_one),
		T(concurrent_requests_with_one_id_make_one_intent),
		T(failing_job_fails_nobody_else),
		T(full_queue_is_busy_at_once),
		T(failed_sync_fails_its_batch_and_nothing_else),
		T(full_disk_fails_the_write_and_the_next_one_works),
		T(close_finishes_what_is_queued),
		T(readers_run_beside_the_writer),
		T(kill_before_commit_loses_nothing_acknowledged),
		T(kill_after_commit_loses_nothing_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
