/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/flight.h"

#include <string.h>

/* Locks and conditions with default attributes do not fail when used as here (POSIX: EINVAL and
 * EDEADLK are programmer errors), so their results are not looked at. */

void
flights_init(struct flights *all)
{
	all->first = NULL;
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->landed, NULL);
}

void
flights_destroy(struct flights *all)
{
	pthread_cond_destroy(&all->landed);
	pthread_mutex_destroy(&all->lock);
}

static struct flight *
find(struct flights *all, const char *request_id)
{
	struct flight *f;

	for (f = all->first; f != NULL; f = f->next)
		if (strcmp(f->request_id, request_id) == 0)
			return f;
	return NULL;
}

void
flight_begin(struct flights *all, struct flight *f, const char *request_id)
{
	struct flight *other;

	pthread_mutex_lock(&all->lock);
	while ((other = find(all, request_id)) != NULL) {
		other->awaited = true;
		pthread_cond_wait(&all->landed, &all->lock);
	}
	*f = (struct flight){.next = all->first, .request_id = request_id};
	all->first = f;
	pthread_mutex_unlock(&all->lock);
}

void
flight_end(struct flights *all, struct flight *f)
{
	struct flight **at;

	pthread_mutex_lock(&all->lock);
	for (at = &all->first; *at != f; at = &(*at)->next)
		continue;
	*at = f->next;
	if (f->awaited)
		pthread_cond_broadcast(&all->landed);
	pthread_mutex_unlock(&all->lock);
}
