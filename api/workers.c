/* SPDX-License-Identifier: Apache-2.0 */
#include "api/workers.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct http *first, **last;
	unsigned queued, queue_max;
	bool closed;
	worker_run *run;
	unsigned count;
	pthread_t threads[];
};

static struct http *
take(struct workers *w)
{
	struct http *h;

	pthread_mutex_lock(&w->lock);
	while (w->first == NULL && !w->closed)
		pthread_cond_wait(&w->more, &w->lock);
	h = w->first;
	if (h != NULL) {
		w->first = h->next;
		if (w->first == NULL)
			w->last = &w->first;
		w->queued--;
	}
	pthread_mutex_unlock(&w->lock);
	return h;
}

static void *
work(void *arg)
{
	struct workers *w = arg;
	struct http *h;

	while ((h = take(w)) != NULL)
		w->run(h);
	return NULL;
}

bool
workers_put(struct workers *w, struct http *h)
{
	bool put = false;

	h->next = NULL;
	h->queued_us = clock_mono_us();
	pthread_mutex_lock(&w->lock);
	if (!w->closed && w->queued < w->queue_max) {
		*w->last = h;
		w->last = &h->next;
		w->queued++;
		put = true;
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
	return put;
}

enum err_code
workers_start(unsigned threads, unsigned queue_max, worker_run *run, struct workers **out,
	      struct err *e)
{
	struct workers *w = calloc(1, sizeof(*w) + threads * sizeof(w->threads[0]));

	if (w == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for workers");
	*w = (struct workers){.queue_max = queue_max, .run = run};
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	for (; w->count < threads; w->count++)
		if (pthread_create(&w->threads[w->count], NULL, work, w) != 0) {
			workers_stop(w);
			return err_set(e, E_INTERNAL, "cannot start %u workers", threads);
		}
	*out = w;
	return E_OK;
}

void
workers_stop(struct workers *w)
{
	unsigned i;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->closed = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (i = 0; i < w->count; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
