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
set_state(struct token *t, enum token_state state)
{
	if (t->state == TOKEN_UP && state != TOKEN_UP)
		atomic_fetch_sub(&t->module->tokens_up, 1);
	if (t->state != TOKEN_UP && state == TOKEN_UP)
		atomic_fetch_add(&t->module->tokens_up, 1);
	t->state = state;
}

static void
set_down(struct token *t)
{
	set_state(t, TOKEN_DOWN);
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
	set_state(t, TOKEN_OPENING);
	if (t->last_lost_us != 0 && now - t->last_lost_us < RETRY_US)
		set_down(t);
	t->last_lost_us = now;
	pthread_cond_signal(&t->keeper);
}

void
token_suspect(struct token *t)
{
	t->suspect = true;
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

static void
opened(struct token *t, const struct opening *o)
{
	t->slot = o->slot;
	t->slot_index = o->index;
	t->epoch++;
	set_state(t, TOKEN_UP);
	log_event(LOG_LEVEL_INFO, "token.open", "token=%s slot=%lu spec=\"%s\"", t->name, t->slot,
		  t->slots[o->index]);
	pool_fill(t);
	pthread_cond_broadcast(&t->work);
	pthread_cond_broadcast(&t->changed);
}

/* Ids of keys that were seen, for open_token to look for. Under the lock. */
static void
known_keys(const struct token *t, struct opening *o)
{
	const struct hsm_key *k;

	o->id_count = 0;
	for (k = t->keys; k != NULL && o->id_count < OPENING_IDS; k = k->next) {
		if (k->algo == NULL)
			continue;
		memcpy(o->ids[o->id_count].id, k->id, k->id_len);
		o->ids[o->id_count++].n = k->id_len;
	}
}

/* One attempt, under the lock, which it gives up meanwhile. */
static void
attempt(struct token *t)
{
	struct opening o = {
		.index = t->slot_index, .generation = t->generation, .session = t->main_session};
	struct err e = {0};
	bool again = t->epoch != 0;
	enum err_code rc;

	memcpy(o.refused, t->pin_refused, sizeof(o.refused));
	known_keys(t, &o);
	t->suspect = false;
	pthread_mutex_unlock(&t->lock);
	rc = open_token(t, &o, &e);
	if (rc == E_HSM_SLOT && again && module_reinit(t->module)) {
		err_clear(&e);
		rc = open_token(t, &o, &e);
	}
	ERR_clear_error();
	pthread_mutex_lock(&t->lock);
	memcpy(t->pin_refused, o.refused, sizeof(o.refused));
	t->generation = o.generation;
	t->main_session = o.session;
	t->last_open_us = clock_mono_us();
	if (rc == E_OK) {
		opened(t, &o);
		return;
	}
	if (t->why.code != e.code || t->state == TOKEN_OPENING)
		log_event(LOG_LEVEL_ERROR, "token.down", "token=%s reason=\"%s\"", t->name, e.text);
	t->why = e;
	set_down(t);
}

/* A known key is missing. When all are, the token is not the one we opened, or its files are gone;
 * when only one is, that is one key's trouble. Under the lock, which it gives up meanwhile. */
static void
look_for_keys(struct token *t)
{
	struct opening o = {.generation = t->generation, .session = t->main_session};
	uint64_t epoch = t->epoch;
	struct err e = {0};
	enum err_code rc;

	known_keys(t, &o);
	t->suspect = false;
	t->last_look_us = clock_mono_us();
	pthread_mutex_unlock(&t->lock);
	rc = open_has_keys(t, &o, &e);
	ERR_clear_error();
	pthread_mutex_lock(&t->lock);
	if (rc != E_OK)
		token_lost(t, epoch, &e);
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
		if (t->state == TOKEN_UP && t->suspect &&
		    (t->last_look_us == 0 || now - t->last_look_us >= RETRY_US)) {
			look_for_keys(t);
			continue;
		}
		if (t->state == TOKEN_UP)
			pool_fill(t);
		keeper_wait(t);
	}
	pthread_mutex_unlock(&t->lock);
	if (module_enter(t->module) == t->generation && t->main_session != 0)
		(void)t->module->f->C_CloseSession(t->main_session); /* we leave anyway */
	module_leave(t->module);
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
	set_state(t, TOKEN_DOWN);
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
