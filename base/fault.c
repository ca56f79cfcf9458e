/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#ifdef TEST_HOOKS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void
act(const char *action)
{
	struct timespec ts;
	long ms;

	if (strncmp(action, "sleep", 5) == 0) {
		ms = strtol(action + 5, NULL, 10);
		ts = (struct timespec){ms / 1000, ms % 1000 * 1000000};
		(void)nanosleep(&ts, NULL); /* a shorter delay only weakens one test run */
	} else if (strncmp(action, "kill", 4) == 0) {
		(void)kill(getpid(), SIGKILL); /* does not return */
	}
}

void
fault_point(const char *name)
{
	static _Atomic long passings;
	const char *spec = getenv("V2GPKI_FAULT"), *action, *nth;
	size_t n = strlen(name);

	if (spec == NULL || strncmp(spec, name, n) != 0 || spec[n] != ':')
		return;
	action = spec + n + 1;
	nth = strchr(action, ':');
	if (nth == NULL || atomic_fetch_add(&passings, 1) + 1 == strtol(nth + 1, NULL, 10))
		act(action);
}
#endif
