/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "db/internal.h"

#define BATCH_MAX 512 /* jobs in one commit: bounds how long the first of them waits */

struct job { /* on the stack of the thread that waits for it */
	job_fn *fn;
	void *arg;
	const struct audit_record *audit;
	enum err_code rc;
	struct err err;
	sem_t done; /* each waiter has its own: a broadcast would wake all for one commit (perf.md)
		     */
	struct job *next;
};

struct batch {
	struct job *first, **last;
	size_t n;
};

struct writer {
	struct conn *c; /* the committer's alone */
	pthread_t thread;
	unsigned queue_max, batch_delay_us;
	_Atomic uint64_t *roots_version;
	int synchronous;

	pthread_mutex_t lock; /* guards what follows, never held across a statement */
	pthread_cond_t wake;
	struct batch queue;
	size_t company;    /* jobs worth waiting for: what the last commit held */
	int64_t commit_us; /* how long the last commit took */
	bool stopping;

	_Atomic uint64_t commits, writes;
};

static void
batch_clear(struct batch *b)
{
	b->first = NULL;
	b->last = &b->first;
	b->n = 0;
}

/* --- the committer --- */
static enum err_code
run_job(struct txn *t, struct job *j, struct err *e)
{
	enum err_code rc = E_OK;

	if (j->fn != NULL)
		rc = j->fn(t, j->arg, e);
	if (rc == E_OK && j->audit != NULL)
		rc = audit_write(t, j->audit, e);
	return rc;
}

/* Each job in its own savepoint: one that fails takes nobody along. E_OK unless the transaction
 * itself is broken. */
static enum err_code
run_in_savepoint(struct txn *t, struct job *j, struct err *e)
{
	struct txn before = *t;
	enum err_code rc;

	if ((rc = conn_mark(t->c, e)) != E_OK)
		return rc;
	j->rc = run_job(t, j, &j->err);
	if (j->rc == E_OK)
		return conn_keep(t->c, e);
	*t = before;
	return conn_undo(t->c, e);
}

static const char *const counter_names[COUNTERS] = {
	[COUNT_INTENTS] = "intents",     [COUNT_ISSUED] = "issued", [COUNT_ORPHANS] = "orphans",
	[COUNT_REVOKED] = "revoked",     [COUNT_ROOTS] = "roots",   [COUNT_VEHICLES] = "vehicles",
	[COUNT_CONTRACTS] = "contracts", [COUNT_OUTBOX] = "outbox",
};

static enum err_code
write_counts(struct txn *t, struct err *e)
{
	enum err_code rc = E_OK;
	size_t i;

	for (i = 0; i < COUNTERS && rc == E_OK; i++)
		if (t->counts[i] != 0)
			rc = conn_run(t->c, STMT_COUNTER_ADD,
				      ARGS(arg_text(counter_names[i]), arg_int(t->counts[i])), NULL,
				      e);
	return rc;
}

static enum err_code
run_batch(struct txn *t, struct batch *b, struct err *e)
{
	struct job *j;
	enum err_code rc;

	if ((rc = conn_begin(t->c, e)) != E_OK || (rc = audit_tail_load(t, e)) != E_OK)
		return rc;
	for (j = b->first; j != NULL && rc == E_OK; j = j->next)
		rc = run_in_savepoint(t, j, e);
	if (rc == E_OK)
		rc = write_counts(t, e);
	if (rc != E_OK)
		return rc;
	fault_point("db-before-commit");
	rc = conn_commit(t->c, e);
	fault_point("db-after-commit");
	return rc;
}

/* After a failed sync SQLite discards the frames and writes them anew at the same place, so the
 * next commit does not build on pages that never reached the disk (F-8): going on is safe. */
static void
fail_batch(struct batch *b, const struct err *why)
{
	struct job *j;

	for (j = b->first; j != NULL; j = j->next) {
		if (j->rc != E_OK)
			continue; /* has its own reason */
		err_clear(&j->err);
		j->rc = err_set(&j->err, why->code, "commit: %s", why->text);
	}
}

static void
wake_batch(struct writer *w, struct batch *b)
{
	struct job *j = b->first, *next;

	for (; j != NULL; j = next) {
		next = j->next; /* j is gone once its waiter runs */
		if (j->rc == E_OK)
			atomic_fetch_add(&w->writes, 1);
		(void)sem_post(&j->done); /* fails on overflow only: it is posted once */
	}
}

static void
commit_batch(struct writer *w, struct batch *b)
{
	struct txn t = {.c = w->c, .now = clock_now()};
	struct err e = {0};

	if (run_batch(&t, b, &e) != E_OK) {
		conn_rollback(w->c);
		fail_batch(b, &e);
	} else {
		atomic_fetch_add(&w->commits, 1);
		if (t.roots_changed)
			atomic_fetch_add(w->roots_version, 1);
	}
	wake_batch(w, b);
}

/* Those whom the last commit released are about to come back: a short wait for them makes one
 * commit of two. At most half as long as a commit takes, so that a wait in vain costs little; with
 * one writer there is nothing to wait for. Measured with 32 connections: batches of 16 instead of
 * 6 to 12 at the same rate, a third of the syncs saved. */
static void
wait_for_company(struct writer *w)
{
	int64_t wait_us = w->commit_us / 2;
	struct timespec until;

	if (wait_us > w->batch_delay_us)
		wait_us = w->batch_delay_us;
	if (wait_us == 0 || clock_gettime(CLOCK_MONOTONIC, &until) != 0)
		return;
	until.tv_nsec += (long)wait_us * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (w->queue.n < w->company && !w->stopping)
		if (pthread_cond_timedwait(&w->wake, &w->lock, &until) != 0)
			break;
}

/* What is queued, at most BATCH_MAX; false when nothing is left and the writer stops. */
static bool
take_batch(struct writer *w, struct batch *out)
{
	struct job **cut = &w->queue.first;
	size_t n = 0;

	batch_clear(out);
	(void)pthread_mutex_lock(&w->lock); /* a plain mutex of ours: cannot fail */
	while (w->queue.n == 0 && !w->stopping)
		(void)pthread_cond_wait(&w->wake, &w->lock); /* the loop looks again */
	wait_for_company(w);
	for (; *cut != NULL && n < BATCH_MAX; n++)
		cut = &(*cut)->next;
	if (n > 0) {
		out->first = w->queue.first;
		w->queue.first = *cut;
		*cut = NULL;
		out->n = n;
		w->queue.n -= n;
		if (w->queue.first == NULL)
			w->queue.last = &w->queue.first;
	}
	w->company = n;
	(void)pthread_mutex_unlock(&w->lock); /* held: cannot fail */
	return n > 0;
}

static void *
committer(void *arg)
{
	struct writer *w = arg;
	struct batch b;

	while (take_batch(w, &b)) {
		int64_t start = clock_mono_us();

		commit_batch(w, &b);
		w->commit_us = clock_mono_us() - start; /* the committer alone looks at it */
	}
	return NULL;
}

/* --- the callers --- */
static enum err_code
enqueue(struct writer *w, struct job *j, struct err *e)
{
	enum err_code rc = E_OK;

	(void)pthread_mutex_lock(&w->lock); /* a plain mutex of ours: cannot fail */
	if (w->stopping)
		rc = err_set(e, E_STOPPING, "the store is closing");
	else if (w->queue.n >= w->queue_max)
		rc = err_set(e, E_DB_BUSY, "%u writes are waiting already", w->queue_max);
	if (rc == E_OK) {
		*w->queue.last = j;
		w->queue.last = &j->next;
		w->queue.n++;
		if (w->queue.n == 1 || w->queue.n >= w->company)
			(void)pthread_cond_signal(&w->wake); /* cannot fail */
	}
	(void)pthread_mutex_unlock(&w->lock); /* held: cannot fail */
	return rc;
}

enum err_code
writer_submit(struct writer *w, job_fn *fn, void *arg, const struct audit_record *a, struct err *e)
{
	struct job j = {.fn = fn, .arg = arg, .audit = a};
	enum err_code rc;

	if (sem_init(&j.done, 0, 0) != 0)
		return err_set(e, E_INTERNAL, "sem_init failed");
	if ((rc = enqueue(w, &j, e)) == E_OK) {
		while (sem_wait(&j.done) != 0 && errno == EINTR)
			;
		rc = j.rc == E_OK ? E_OK : err_set(e, j.rc, "%s", j.err.text);
	}
	(void)sem_destroy(&j.done); /* nobody else knows it any more */
	return rc;
}

static enum err_code
init_locks(struct writer *w, struct err *e)
{
	pthread_condattr_t attr;
	bool ok;

	if (pthread_condattr_init(&attr) != 0)
		return err_set(e, E_NO_MEMORY, "no memory for the writer");
	ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	     pthread_mutex_init(&w->lock, NULL) == 0 && pthread_cond_init(&w->wake, &attr) == 0;
	(void)pthread_condattr_destroy(&attr); /* nothing depends on it */
	return ok ? E_OK : err_set(e, E_NO_MEMORY, "no memory for the writer");
}

enum err_code
writer_start(const struct writer_conf *conf, struct conn *c, struct writer **out, struct err *e)
{
	struct writer *w = calloc(1, sizeof(*w));
	enum err_code rc;

	if (w == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for the writer");
	w->c = c;
	w->queue_max = conf->queue_max;
	w->batch_delay_us = conf->batch_delay_us;
	w->roots_version = conf->roots_version;
	w->synchronous = conn_synchronous(c);
	batch_clear(&w->queue);
	rc = init_locks(w, e);
	if (rc == E_OK && pthread_create(&w->thread, NULL, committer, w) != 0)
		rc = err_set(e, E_INTERNAL, "the committer's thread does not start");
	if (rc != E_OK) {
		free(w);
		return rc;
	}
	(void)pthread_setname_np(w->thread, "committer"); /* for people reading ps only */
	*out = w;
	return E_OK;
}

void
writer_stop(struct writer *w)
{
	struct err e = {0};

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->lock); /* a plain mutex of ours: cannot fail */
	w->stopping = true;
	(void)pthread_cond_signal(&w->wake);  /* cannot fail */
	(void)pthread_mutex_unlock(&w->lock); /* held: cannot fail */
	(void)pthread_join(w->thread, NULL);  /* ours and joinable */
	if (conn_checkpoint(w->c, &e) != E_OK)
		log_event(LOG_LEVEL_WARN, "store.checkpoint", "error=\"%s\"", e.text);
	conn_close(w->c);
	(void)pthread_cond_destroy(&w->wake);  /* nobody waits any more */
	(void)pthread_mutex_destroy(&w->lock); /* nobody holds it */
	free(w);
}

void
writer_figures(struct writer *w, struct db_figures *out)
{
	(void)pthread_mutex_lock(&w->lock); /* a plain mutex of ours: cannot fail */
	out->queue_now = w->queue.n;
	(void)pthread_mutex_unlock(&w->lock); /* held: cannot fail */
	out->commits = atomic_load(&w->commits);
	out->writes = atomic_load(&w->writes);
	out->synchronous = w->synchronous;
}
