/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server_conn.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define SWEEP_MAX_MS 1000
#define SWEEP_MIN_MS 50

struct conn {
	int fd;
	int64_t deadline_us; /* 0: no request is awaited */
	struct conn *next, *prev;
};

struct conn_list {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t sweeper;
	struct conn *first;
	int64_t request_us, idle_us;
	bool stop;
};

struct conn *
conn_add(struct conn_list *l, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fd = fd;
	c->deadline_us = clock_mono_us() + l->request_us;
	pthread_mutex_lock(&l->lock);
	c->next = l->first;
	if (c->next != NULL)
		c->next->prev = c;
	l->first = c;
	pthread_mutex_unlock(&l->lock);
	return c;
}

void
conn_remove(struct conn_list *l, struct conn *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		l->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	pthread_mutex_unlock(&l->lock);
	free(c);
}

static void
set_deadline(struct conn_list *l, struct conn *c, int64_t deadline_us)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	c->deadline_us = deadline_us;
	pthread_mutex_unlock(&l->lock);
}

void
conn_request_read(struct conn_list *l, struct conn *c)
{
	set_deadline(l, c, 0);
}

void
conn_request_awaited(struct conn_list *l, struct conn *c)
{
	set_deadline(l, c, clock_mono_us() + l->idle_us + l->request_us);
}

/* Sockets are only shut down here: the network thread that owns them sees the end and closes. */
static void
sweep(struct conn_list *l)
{
	int64_t now = clock_mono_us();
	struct conn *c;

	for (c = l->first; c != NULL; c = c->next)
		if (c->deadline_us != 0 && c->deadline_us < now) {
			c->deadline_us = 0;
			(void)shutdown(c->fd, SHUT_RDWR); /* it may have gone already */
		}
}

static void *
sweep_loop(void *arg)
{
	struct conn_list *l = arg;
	int64_t ms = l->request_us / 1000 / 4;
	struct timespec at;

	ms = ms > SWEEP_MAX_MS ? SWEEP_MAX_MS : ms < SWEEP_MIN_MS ? SWEEP_MIN_MS : ms;
	pthread_mutex_lock(&l->lock);
	while (!l->stop) {
		(void)clock_gettime(CLOCK_MONOTONIC, &at); /* cannot fail for this clock */
		at.tv_nsec += (ms % 1000) * 1000000;
		at.tv_sec += ms / 1000 + at.tv_nsec / 1000000000;
		at.tv_nsec %= 1000000000;
		(void)pthread_cond_timedwait(&l->wake, &l->lock, &at); /* either way: look */
		sweep(l);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

enum err_code
conn_list_start(int64_t request_timeout_us, int64_t idle_timeout_us, struct conn_list **out,
		struct err *e)
{
	struct conn_list *l = calloc(1, sizeof(*l));
	pthread_condattr_t attr;

	if (l == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for connections");
	l->request_us = request_timeout_us;
	l->idle_us = idle_timeout_us;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&l->sweeper, NULL, sweep_loop, l) != 0) {
		pthread_cond_destroy(&l->wake);
		pthread_mutex_destroy(&l->lock);
		free(l);
		return err_set(e, E_INTERNAL, "cannot start the thread that watches connections");
	}
	*out = l;
	return E_OK;
}

void
conn_list_stop(struct conn_list *l)
{
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->sweeper, NULL);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
