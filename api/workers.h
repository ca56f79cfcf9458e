/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded pool of threads with a bounded queue: slow requests run here from start to end. Private
 * to api/; owns its lock. */
#ifndef API_WORKERS_H
#define API_WORKERS_H

#include "api/http.h"

struct workers;
typedef void worker_run(struct http *h);

/* run is called on a worker for each request put; it hands the request back itself. */
enum err_code workers_start(unsigned threads, unsigned queue_max, worker_run *run,
			    struct workers **out, struct err *e) MUST_CHECK;
/* False when the queue is full or closed: the caller keeps the request. */
bool workers_put(struct workers *w, struct http *h);
/* Refuses what comes later, runs what is queued, joins the threads. */
void workers_stop(struct workers *w);

#endif
