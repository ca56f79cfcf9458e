/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that settles what a crash or a lost reply left behind (design §4 step 6): once at the
 * start and then at an interval. Owns its lock; stops by a flag and is joined. */
#ifndef TOOLS_RECONCILER_H
#define TOOLS_RECONCILER_H

#include "ca/ca.h"

struct reconciler;

/* interval and older_than in seconds. */
enum err_code reconciler_start(struct ca_set *ca, int64_t interval, int64_t older_than,
			       struct reconciler **out, struct err *e) MUST_CHECK;
void reconciler_set(struct reconciler *r, int64_t interval, int64_t older_than);
void reconciler_stop(struct reconciler *r); /* waits for the run under way; accepts NULL */

#endif
