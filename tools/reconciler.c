/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/reconciler.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

struct reconciler {
	struct ca_set *ca;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	int64_t interval, older_than; /* seconds */
	bool stop;
};

static void
run_once(struct ca_set *ca, int64_t older_than)
{
	struct reconcile_report found = {0};
	struct err e = {0};
	char text[LOG_VALUE_MAX];

	if (ca_reconcile(ca, older_than, &found, &e) != E_OK) {
		log_event(LOG_LEVEL_ERROR, "reconcile.failed", "error=%s code=%s",
			  log_quote(e.text, text), err_name(e.code));
		return;
	}
	if (found.orphaned > 0 || found.revoked > 0)
		log_event(LOG_LEVEL_WARN, "reconcile.done", "orphaned=%" PRId64 " revoked=%" PRId64,
			  found.orphaned, found.revoked);
}

/* Sleeps at most interval seconds; the lock is held before and after. */
static void
sleep_interval(struct reconciler *r)
{
	struct timespec until;
	int rc = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* this clock is always there */
	until.tv_sec += (time_t)r->interval;
	while (!r->stop && rc == 0)
		rc = pthread_cond_timedwait(&r->wake, &r->lock, &until);
}

static void *
run(void *arg)
{
	struct reconciler *r = arg;
	int64_t older_than;

	pthread_mutex_lock(&r->lock);
	while (!r->stop) {
		older_than = r->older_than;
		pthread_mutex_unlock(&r->lock);
		run_once(r->ca, older_than);
		pthread_mutex_lock(&r->lock);
		sleep_interval(r);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

enum err_code
reconciler_start(struct ca_set *ca, int64_t interval, int64_t older_than, struct reconciler **out,
		 struct err *e)
{
	struct reconciler *r = calloc(1, sizeof(*r));
	pthread_condattr_t attr;
	int rc;

	if (r == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for the reconciler");
	r->ca = ca;
	r->interval = interval;
	r->older_than = older_than;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&r->thread, NULL, run, r);
	if (rc != 0) {
		pthread_cond_destroy(&r->wake);
		pthread_mutex_destroy(&r->lock);
		free(r);
		return err_set(e, E_INTERNAL, "the reconciler's thread: %s", strerror(rc));
	}
	*out = r;
	return E_OK;
}

void
reconciler_set(struct reconciler *r, int64_t interval, int64_t older_than)
{
	pthread_mutex_lock(&r->lock);
	r->interval = interval;
	r->older_than = older_than;
	pthread_mutex_unlock(&r->lock);
}

void
reconciler_stop(struct reconciler *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
