/* SPDX-License-Identifier: Apache-2.0 */
/* Why threads: a PKCS#11 call cannot be cancelled. A caller that made it itself would hang with the
 * module; here it leaves at its deadline, and the worker that hangs is given up with its session.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hsm/token.h"

#include "base/clock.h"
#include "base/log.h"

#include <openssl/err.h>

struct job *
job_new(enum outcome (*run)(struct worker *w, struct job *j), int64_t limit_us)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	if (sem_init(&j->done, 0, 0) != 0) {
		free(j);
		return NULL;
	}
	j->run = run;
	j->limit_us = limit_us;
	return j;
}

void
job_free(struct job *j)
{
	if (j == NULL)
		return;
	sem_destroy(&j->done);
	buf_free(&j->in);
	buf_free(&j->out);
	free(j);
}

/* The caller signals t->work, best after it gave up the lock that the worker will want. */
static void
enqueue(struct token *t, struct job *j, bool first)
{
	j->state = JOB_QUEUED;
	if (first) {
		j->next = t->head;
		t->head = j;
		if (j->next == NULL)
			t->tail = &j->next;
	} else {
		j->next = NULL;
		*t->tail = j;
		t->tail = &j->next;
	}
	t->waiting++;
}

static void
dequeue(struct token *t, struct job *j)
{
	struct job **at = &t->head;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	if (*at == NULL)
		t->tail = at;
	j->next = NULL;
	t->waiting--;
}

/* Hands the result over, or frees the job when nobody is left to take it. */
static void
job_end(struct job *j)
{
	j->state = JOB_DONE;
	if (j->left) {
		job_free(j);
		return;
	}
	atomic_store_explicit(&j->ended, true, memory_order_release);
	sem_post(&j->done); /* j may be gone from here on */
}

static void
job_fail(struct job *j, const struct err *why)
{
	err_clear(&j->err);
	j->rc = err_set(&j->err, why->code, "%s", why->text);
	job_end(j);
}

void
pool_fail_queue(struct token *t)
{
	struct job *j;

	while ((j = t->head) != NULL) {
		dequeue(t, j);
		job_fail(j, &t->why);
	}
}

static struct timespec
timespec_of(int64_t us)
{
	return (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
}

/* The caller leaves at its deadline: out of the queue, or away from a job that still runs. False:
 * the job has ended meanwhile. */
static bool
leave(struct token *t, struct job *j, struct err *e)
{
	size_t inside = 0;
	struct worker *w;

	if (j->state == JOB_DONE)
		return false;
	for (w = t->workers; w != NULL; w = w->next)
		inside += w->job != NULL;
	err_set(e, E_HSM_BUSY,
		"token %s: not done within %lld ms (%zu waiting, %zu in the module, %u calls "
		"that hang)",
		t->name, (long long)(j->limit_us / 1000), t->waiting, inside, t->hung);
	if (j->state == JOB_QUEUED)
		dequeue(t, j);
	else
		j->left = true;
	token_find_hung(t, clock_mono_us());
	return true;
}

/* Puts the job in the queue unless the token is known to be unable. */
static enum err_code
submit(struct token *t, struct job *j, struct err *e)
{
	enum err_code rc = E_OK;

	pthread_mutex_lock(&t->lock);
	if (t->stop)
		rc = err_set(e, E_STOPPING, "token %s: closed", t->name);
	else if (t->state == TOKEN_DOWN)
		rc = err_set(e, t->why.code, "%s", t->why.text);
	else
		enqueue(t, j, false);
	pthread_mutex_unlock(&t->lock);
	if (rc == E_OK)
		pthread_cond_signal(&t->work);
	return rc;
}

enum err_code
job_run(struct token *t, struct job *j, bool *keep, struct err *e)
{
	struct timespec deadline = timespec_of(clock_mono_us() + j->limit_us);
	enum err_code rc;
	bool left = false;
	int wait;

	*keep = true;
	if ((rc = submit(t, j, e)) != E_OK)
		return rc;
	do
		wait = sem_clockwait(&j->done, CLOCK_MONOTONIC, &deadline);
	while (wait != 0 && errno == EINTR);
	if (wait != 0 || !atomic_load_explicit(&j->ended, memory_order_acquire)) {
		pthread_mutex_lock(&t->lock);
		left = leave(t, j, e);
		*keep = !left || !j->left;
		pthread_mutex_unlock(&t->lock);
	}
	if (left)
		return E_HSM_BUSY;
	if (j->rc != E_OK)
		err_set(e, j->rc, "%s", j->err.text);
	return j->rc;
}

/* A handle of an earlier generation of the module may mean another session by now. Inside
 * module_enter. */
static void
close_session(struct worker *w, uint64_t generation)
{
	if (w->session != 0 && w->session_generation == generation)
		(void)w->token->module->f->C_CloseSession(w->session); /* it may be gone already */
	w->session = 0;
}

/* Opens the worker's session in the epoch of its job. */
static enum outcome
session_ready(struct worker *w, struct job *j)
{
	CK_RV rv;

	if (w->session != 0 && w->session_epoch == w->epoch)
		return OUT_DONE;
	close_session(w, w->generation);
	rv = w->token->module->f->C_OpenSession(w->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
						NULL, &w->session);
	if (rv == CKR_OK) {
		w->session_epoch = w->epoch;
		w->session_generation = w->generation;
		return OUT_DONE;
	}
	w->session = 0;
	j->rc = rv_error(&j->err, rv == CKR_SESSION_COUNT ? E_HSM_BUSY : E_HSM_SLOT,
			 "C_OpenSession", rv);
	return rv == CKR_SESSION_COUNT ? OUT_DONE : OUT_TOKEN_LOST;
}

static enum outcome
run_in_session(struct worker *w, struct job *j)
{
	enum outcome o = OUT_DONE;
	int i;

	for (i = 0; i < 2; i++) {
		err_clear(&j->err);
		j->rc = E_OK;
		if ((o = session_ready(w, j)) != OUT_DONE || j->rc != E_OK)
			break;
		if ((o = j->run(w, j)) != OUT_SESSION_LOST)
			break;
		close_session(w, w->generation);
	}
	/* SoftHSM leaves entries on libcrypto's queue of this thread */
	ERR_clear_error();
	return o == OUT_SESSION_LOST ? OUT_TOKEN_LOST : o;
}

static enum outcome
run_in_module(struct worker *w, struct job *j)
{
	struct module *m = w->token->module;
	enum outcome o = OUT_TOKEN_LOST;

	if (module_enter(m) == w->generation) {
		o = run_in_session(w, j);
	} else {
		err_clear(&j->err);
		j->rc = err_set(&j->err, E_HSM_SLOT, "the module was initialised anew");
	}
	module_leave(m);
	return o;
}

/* Under the lock: the token lets us have fewer sessions than configured. */
static bool
one_session_too_many(struct worker *w, const struct job *j)
{
	struct token *t = w->token;

	if (w->session != 0 || j->rc != E_HSM_BUSY || t->live < 2)
		return false;
	t->want = t->live - 1;
	log_event(LOG_LEVEL_WARN, "token.sessions", "token=%s configured=%u granted=%u", t->name,
		  t->sessions, t->want);
	return true;
}

/* Takes one job to its end or back into the queue. Under the lock, which it gives up while the
 * module works. False: the worker must go. */
static bool
work_once(struct worker *w)
{
	struct token *t = w->token;
	struct job *j = t->head;
	enum outcome o;

	dequeue(t, j);
	j->state = JOB_RUNNING;
	j->started_us = clock_mono_us();
	w->job = j;
	w->epoch = t->epoch;
	w->slot = t->slot;
	w->generation = t->generation;
	pthread_mutex_unlock(&t->lock);
	o = run_in_module(w, j);
	pthread_mutex_lock(&t->lock);
	w->job = NULL;
	if (w->abandoned) {
		job_end(j);
		return false;
	}
	if (one_session_too_many(w, j)) {
		enqueue(t, j, true);
		pthread_cond_signal(&t->work);
		return false;
	}
	if (o == OUT_TOKEN_LOST)
		token_lost(t, w->epoch, &j->err);
	if (o == OUT_TOKEN_LOST && t->state == TOKEN_DOWN) {
		job_fail(j, &t->why);
	} else if (o != OUT_TOKEN_LOST || j->retried || j->left) {
		job_end(j);
	} else {
		j->retried = true;
		enqueue(t, j, true);
	}
	return true;
}

/* Takes the lock over and gives it up. */
static void
worker_gone(struct worker *w)
{
	struct token *t = w->token;
	struct worker **at = &t->workers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (w->abandoned)
		t->hung--;
	else
		t->live--;
	free(w);
	token_thread_ends(t);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct token *t = w->token;
	bool go_on = true;

	pthread_mutex_lock(&t->lock);
	while (go_on) {
		while (!t->stop && (t->head == NULL || t->state != TOKEN_UP))
			pthread_cond_wait(&t->work, &t->lock);
		go_on = !t->stop && work_once(w);
	}
	pthread_mutex_unlock(&t->lock);
	close_session(w, module_enter(t->module));
	module_leave(t->module);
	ERR_clear_error();
	OPENSSL_thread_stop();
	pthread_mutex_lock(&t->lock);
	worker_gone(w);
	return NULL;
}

void
pool_fill(struct token *t)
{
	while (t->live < t->want && t->hung < SESSIONS_MAX) {
		struct worker *w = calloc(1, sizeof(*w));

		if (w == NULL)
			return; /* the keeper comes back */
		w->token = t;
		w->next = t->workers;
		t->workers = w;
		t->live++;
		if (!token_start_thread(t, worker_main, w, "hsm-session")) {
			t->workers = w->next;
			t->live--;
			free(w);
			return;
		}
	}
}
