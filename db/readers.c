/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>

#include "db/internal.h"

#define READERS_MAX 64

/* A stack: the connection given back last has the warmest cache. */
struct readers {
	pthread_mutex_t lock; /* guards what follows, never held across a statement */
	pthread_cond_t given;
	struct conn *free[READERS_MAX];
	size_t n, total;
};

struct conn *
readers_take(struct readers *r)
{
	struct conn *c;

	(void)pthread_mutex_lock(&r->lock); /* a plain mutex of ours: cannot fail */
	while (r->n == 0)
		(void)pthread_cond_wait(&r->given, &r->lock); /* the loop looks again */
	c = r->free[--r->n];
	(void)pthread_mutex_unlock(&r->lock); /* held: cannot fail */
	return c;
}

void
readers_give(struct readers *r, struct conn *c)
{
	(void)pthread_mutex_lock(&r->lock); /* a plain mutex of ours: cannot fail */
	r->free[r->n++] = c;
	(void)pthread_cond_signal(&r->given); /* cannot fail */
	(void)pthread_mutex_unlock(&r->lock); /* held: cannot fail */
}

enum err_code
readers_open(const struct conn_conf *conf, unsigned n, struct readers **out, struct err *e)
{
	struct readers *r;
	enum err_code rc = E_OK;

	if (n < 1 || n > READERS_MAX)
		return err_set(e, E_CONFIG, "%u reading connections: expected 1 to %d", n,
			       READERS_MAX);
	r = calloc(1, sizeof(*r));
	if (r == NULL || pthread_mutex_init(&r->lock, NULL) != 0 ||
	    pthread_cond_init(&r->given, NULL) != 0) {
		free(r);
		return err_set(e, E_NO_MEMORY, "no memory for the readers");
	}
	while (rc == E_OK && r->total < n)
		if ((rc = conn_open(conf, &r->free[r->total], e)) == E_OK)
			r->n = ++r->total;
	if (rc != E_OK) {
		readers_close(r);
		return rc;
	}
	*out = r;
	return E_OK;
}

void
readers_close(struct readers *r)
{
	if (r == NULL)
		return;
	for (; r->total > 0; r->total--)
		conn_close(readers_take(r));
	(void)pthread_cond_destroy(&r->given); /* nobody waits any more */
	(void)pthread_mutex_destroy(&r->lock); /* nobody holds it */
	free(r);
}
