/* SPDX-License-Identifier: Apache-2.0 */
/* One request id is worked on by one thread at a time: others with the same id wait and then find
 * its result in the store (F-12). Its lock is never held across a call of another module. */
#ifndef CA_FLIGHT_H
#define CA_FLIGHT_H

#include <pthread.h>
#include <stdbool.h>

struct flight { /* on the stack of the thread that works */
	struct flight *next;
	const char *request_id;
	bool awaited;
};

struct flights {
	pthread_mutex_t lock;
	pthread_cond_t landed;
	struct flight *first; /* as many as threads at work */
};

void flights_init(struct flights *all);
void flights_destroy(struct flights *all);

/* Waits until no other thread works on this id, then enters it. */
void flight_begin(struct flights *all, struct flight *f, const char *request_id);
void flight_end(struct flights *all, struct flight *f);

#endif
