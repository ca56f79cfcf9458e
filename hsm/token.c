/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/token.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#define CLOSE_WAIT_US 2000000 /* for threads to leave the module at token_close */
#define TICK_US       1000000 /* of the keeper while nothing happens */

static void
token_free(struct token *t)
{
	struct hsm_key *k, *next;
	size_t i;

	if (t == NULL)
		return;
	for (k = t->keys; k != NULL; k = next) {
		next = k->next;
		free(k);
	}
	for (i = 0; i < SLOTS_PER_TOKEN; i++)
		free(t->slots[i]);
	free(t->pin_file);
	free(t->name);
	pthread_cond_destroy(&t->changed);
	pthread_cond_destroy(&t->keeper);
	pthread_cond_destroy(&t->work);
	pthread_mutex_destroy(&t->make_lock);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* The last thread of a token that was closed while a call hung frees it. */
void
token_thread_ends(struct token *t)
{
	bool last;

	t->threads--;
	last = t->orphan && t->threads == 0;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	if (last)
		token_free(t);
}

/* Signals stay with the main thread (sigwait). The thread is detached: token->threads counts it. */
bool
token_start_thread(struct token *t, void *(*main)(void *), void *arg, const char *name)
{
	sigset_t all, before;
	pthread_t id;
	bool ok;

	(void)sigfillset(&all); /* cannot fail */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ok = pthread_create(&id, NULL, main, arg) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!ok)
		return false;
	t->threads++;
	pthread_setname_np(id, name);
	pthread_detach(id);
	return true;
}

static void
set_down(struct token *t)
{
	t->state = TOKEN_DOWN;
	pool_fail_queue(t);
	pthread_cond_broadcast(&t->changed);
}

/* After a healthy time the token is opened again at once and jobs wait for it; when the last loss
 * was a moment ago the breaker opens instead. */
void
token_lost(struct token *t, uint64_t epoch, const struct err *why)
{
	int64_t now = clock_mono_us();

	if (t->epoch != epoch || t->state != TOKEN_UP)
		return;
	err_clear(&t->why);
	err_set(&t->why, E_HSM_SLOT, "token %s is lost: %s", t->name, why->text); /* kept */
	log_event(LOG_LEVEL_ERROR, "token.lost", "token=%s slot=%lu reason=\"%s\"", t->name,
		  t->slot, why->text);
	t->slot_index = (t->slot_index + 1) % t->slot_count;
	t->state = TOKEN_OPENING;
	if (t->last_lost_us != 0 && now - t->last_lost_us < RETRY_US)
		set_down(t);
	t->last_lost_us = now;
	pthread_cond_signal(&t->keeper);
}

void
token_find_hung(struct token *t, int64_t now)
{
	struct worker *w;

	for (w = t->workers; w != NULL; w = w->next) {
		/* a caller's deadline began a little before its job did: nine tenths are enough */
		if (w->job == NULL || w->abandoned ||
		    now - w->job->started_us < w->job->limit_us / 10 * 9)
			continue;
		w->abandoned = true;
		t->live--;
		t->hung++;
		log_event(LOG_LEVEL_ERROR, "token.hang", "token=%s ms=%lld hung=%u", t->name,
			  (long long)((now - w->job->started_us) / 1000), t->hung);
	}
	if (t->live == 0 && t->hung > 0 && t->state == TOKEN_UP) {
		err_clear(&t->why);
		err_set(&t->why, E_HSM_SLOT,
			"token %s: the module does not answer, %u calls "
			"hang in it",
			t->name, t->hung); /* kept */
		t->slot_index = (t->slot_index + 1) % t->slot_count;
		t->last_open_us = now;
		set_down(t);
	}
}

static enum err_code
login_result(CK_RV rv, bool *refused, struct err *e)
{
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return E_OK;
	*refused = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_EXPIRED ||
		   rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE ||
		   rv == CKR_USER_PIN_NOT_INITIALIZED;
	rv_error(e, *refused ? E_HSM_PIN : E_HSM_SLOT, "C_Login", rv); /* *refused says it */
	if (*refused)
		err_context(e, "not tried again before a restart");
	return *refused ? E_HSM_PIN : E_HSM_SLOT;
}

/* The PIN is read for each login and kept nowhere. A token that would lock at the next wrong PIN is
 * left to its operator: a daemon that is restarted must not lock it (I-35). */
static enum err_code
login(struct token *t, CK_SESSION_HANDLE s, const CK_TOKEN_INFO *info, bool *refused, struct err *e)
{
	struct secret pin = {0};
	enum err_code rc;

	if (t->pin_file == NULL)
		return E_OK;
	if ((info->flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) != 0) {
		*refused = true;
		return err_set(e, E_HSM_PIN,
			       "the token is locked, or will be at the next wrong "
			       "PIN: log in by hand once");
	}
	if ((rc = pin_read(t->pin_file, &pin, e)) != E_OK) {
		err_context(e, "PIN");
		return rc;
	}
	rc = login_result(t->module->f->C_Login(s, CKU_USER, pin.p, pin.n), refused, e);
	secret_free(&pin);
	return rc;
}

/* Opens one slot: a session that holds the login. Without the lock. */
static enum err_code
open_slot(struct token *t, size_t index, CK_SLOT_ID *slot, CK_SESSION_HANDLE *s, bool *refused,
	  struct err *e)
{
	CK_FUNCTION_LIST *f = t->module->f;
	CK_TOKEN_INFO info;
	enum err_code rc;
	CK_RV rv;

	if ((rc = module_find_slot(t->module, t->slots[index], slot, &info, e)) != E_OK)
		return rc;
	rv = f->C_OpenSession(*slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, s);
	if (rv != CKR_OK)
		return rv_error(e, E_HSM_SLOT, "C_OpenSession", rv);
	if ((rc = login(t, *s, &info, refused, e)) != E_OK) {
		(void)f->C_CloseSession(*s); /* the login's error counts */
		return rc;
	}
	return E_OK;
}

struct opening {
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	size_t index;
	bool refused[SLOTS_PER_TOKEN];
};

/* Tries the slots in their order from o->index on. Without the lock. */
static enum err_code
open_any(struct token *t, struct opening *o, struct err *e)
{
	size_t i, first = o->index;
	enum err_code rc = E_HSM_SLOT;

	for (i = 0; i < t->slot_count; i++) {
		struct err one = {0};

		o->index = (first + i) % t->slot_count;
		if (o->refused[o->index])
			rc = err_set(&one, E_HSM_PIN,
				     "its PIN was refused before; not tried "
				     "again before a restart");
		else
			rc = open_slot(t, o->index, &o->slot, &o->session, &o->refused[o->index],
				       &one);
		if (rc == E_OK)
			return E_OK;
		/* kept and returned: the first slot's reason, unless another slot opens */
		err_set(e, one.code, "token %s, %s: %s", t->name, t->slots[o->index], one.text);
	}
	o->index = first;
	return e->code != E_OK ? e->code : rc;
}

static void
opened(struct token *t, const struct opening *o)
{
	t->slot = o->slot;
	t->slot_index = o->index;
	t->epoch++;
	t->state = TOKEN_UP;
	log_event(LOG_LEVEL_INFO, "token.open", "token=%s slot=%lu spec=\"%s\"", t->name, t->slot,
		  t->slots[o->index]);
	pool_fill(t);
	pthread_cond_broadcast(&t->work);
	pthread_cond_broadcast(&t->changed);
}

/* One attempt, under the lock, which it gives up meanwhile. */
static void
attempt(struct token *t)
{
	CK_SESSION_HANDLE old = t->main_session;
	struct opening o = {.index = t->slot_index};
	struct err e = {0};
	enum err_code rc;

	memcpy(o.refused, t->pin_refused, sizeof(o.refused));
	pthread_mutex_unlock(&t->lock);
	rc = open_any(t, &o, &e);
	if (rc == E_OK && old != 0)
		(void)t->module->f->C_CloseSession(old); /* most likely gone with the token */
	ERR_clear_error();
	pthread_mutex_lock(&t->lock);
	memcpy(t->pin_refused, o.refused, sizeof(o.refused));
	t->last_open_us = clock_mono_us();
	if (rc == E_OK) {
		t->main_session = o.session;
		opened(t, &o);
		return;
	}
	if (t->why.code != e.code || t->state == TOKEN_OPENING)
		log_event(LOG_LEVEL_ERROR, "token.down", "token=%s reason=\"%s\"", t->name, e.text);
	t->why = e;
	set_down(t);
}

static void
keeper_wait(struct token *t)
{
	int64_t until = clock_mono_us() + TICK_US;
	struct timespec ts;

	if (t->state == TOKEN_DOWN && t->last_open_us + RETRY_US < until)
		until = t->last_open_us + RETRY_US;
	ts = (struct timespec){.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
	pthread_cond_timedwait(&t->keeper, &t->lock, &ts);
}

static void *
keeper_main(void *arg)
{
	struct token *t = arg;

	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		int64_t now = clock_mono_us();

		token_find_hung(t, now);
		if (t->state == TOKEN_OPENING ||
		    (t->state == TOKEN_DOWN && now - t->last_open_us >= RETRY_US)) {
			attempt(t);
			continue;
		}
		if (t->state == TOKEN_UP)
			pool_fill(t);
		keeper_wait(t);
	}
	pthread_mutex_unlock(&t->lock);
	if (t->main_session != 0)
		(void)t->module->f->C_CloseSession(t->main_session); /* we leave anyway */
	ERR_clear_error();
	OPENSSL_thread_stop();
	pthread_mutex_lock(&t->lock);
	token_thread_ends(t);
	return NULL;
}

static bool
init_locks(struct token *t)
{
	pthread_condattr_t a;
	bool ok;

	if (pthread_condattr_init(&a) != 0)
		return false;
	ok = pthread_condattr_setclock(&a, CLOCK_MONOTONIC) == 0 &&
	     pthread_mutex_init(&t->lock, NULL) == 0 &&
	     pthread_mutex_init(&t->make_lock, NULL) == 0 &&
	     pthread_cond_init(&t->work, NULL) == 0 && pthread_cond_init(&t->keeper, &a) == 0 &&
	     pthread_cond_init(&t->changed, &a) == 0;
	pthread_condattr_destroy(&a);
	return ok;
}

static enum err_code
copy_conf(struct token *t, const struct hsm_token_conf *c, struct err *e)
{
	enum err_code rc;

	t->sessions = t->want = c->sessions;
	t->timeout_us = (int64_t)c->timeout_ms * 1000;
	if (c->sessions < 1 || c->sessions > SESSIONS_MAX || c->timeout_ms < 1)
		return err_set(e, E_CONFIG,
			       "sessions %u, timeout %u ms: expected 1 to %d and at "
			       "least 1",
			       c->sessions, c->timeout_ms, SESSIONS_MAX);
	for (; t->slot_count < SLOTS_PER_TOKEN && c->slots[t->slot_count] != NULL;
	     t->slot_count++) {
		if ((rc = slot_spec_check(c->slots[t->slot_count], e)) != E_OK)
			return rc;
		if ((t->slots[t->slot_count] = strdup(c->slots[t->slot_count])) == NULL)
			return err_set(e, E_NO_MEMORY, "out of memory");
	}
	if (t->slot_count == 0)
		return err_set(e, E_CONFIG, "no slot named");
	if ((t->name = strdup(c->name)) == NULL ||
	    (c->pin_file != NULL && (t->pin_file = strdup(c->pin_file)) == NULL))
		return err_set(e, E_NO_MEMORY, "out of memory");
	return E_OK;
}

enum err_code
token_open(const struct hsm_token_conf *conf, struct token **out, struct err *e)
{
	struct token *t = calloc(1, sizeof(*t));
	enum err_code rc;

	if (t == NULL || !init_locks(t)) {
		free(t);
		return err_set(e, E_NO_MEMORY, "out of memory");
	}
	t->tail = &t->head;
	if ((rc = copy_conf(t, conf, e)) != E_OK)
		goto out;
	if ((rc = module_load(conf->module, conf->init_args, &t->module, e)) != E_OK)
		goto out;
	err_set(&t->why, E_HSM_SLOT, "token %s is being opened", t->name); /* kept */
	pthread_mutex_lock(&t->lock);
	if (!token_start_thread(t, keeper_main, t, "hsm-keeper"))
		rc = err_set(e, E_NO_MEMORY, "no thread to be had");
	pthread_mutex_unlock(&t->lock);
out:
	if (rc != E_OK) {
		err_context(e, "token %s", conf->name);
		module_release(t->module, false);
		token_free(t);
		return rc;
	}
	*out = t;
	return E_OK;
}

/* Waits for a change of state or a thread's end; false when the time is over. */
static bool
wait_changed(struct token *t, int64_t until)
{
	struct timespec ts = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};

	return pthread_cond_timedwait(&t->changed, &t->lock, &ts) != ETIMEDOUT;
}

void
token_wait_first(struct token *t)
{
	int64_t until = clock_mono_us() + OP_LIMIT_US;
	bool in_time = true;

	pthread_mutex_lock(&t->lock);
	while (t->state == TOKEN_OPENING && in_time)
		in_time = wait_changed(t, until);
	pthread_mutex_unlock(&t->lock);
}

void
token_close(struct token *t)
{
	int64_t until = clock_mono_us() + CLOSE_WAIT_US;
	struct module *m;
	bool in_time = true, hung;

	if (t == NULL)
		return;
	m = t->module;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	err_clear(&t->why);
	err_set(&t->why, E_STOPPING, "token %s: closed", t->name); /* kept */
	pool_fail_queue(t);
	pthread_cond_broadcast(&t->work);
	pthread_cond_broadcast(&t->keeper);
	while (t->threads > 0 && in_time)
		in_time = wait_changed(t, until);
	hung = t->threads > 0;
	t->orphan = hung; /* a thread that hangs in the module uses t when it comes back */
	pthread_mutex_unlock(&t->lock);
	if (!hung)
		token_free(t);
	module_release(m, hung);
}
