/* SPDX-License-Identifier: Apache-2.0 */
/* Time: seconds since 1970 UTC as int64_t (roots run to the year 9999). Test builds
 * (-Dtest_hooks=true) read $V2GPKI_TEST_CLOCK: seconds since 1970, an offset such as +86400, or
 * the path of a file that holds one of these; release builds do not contain it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DAY 86400 /* seconds */

struct civil {
	int year, month, day, hour, minute, second;
};

int64_t clock_now(void);     /* seconds since 1970, UTC */
int64_t clock_mono_us(void); /* microseconds of a clock that only goes forward */

struct civil clock_to_civil(int64_t t);

/* False when there is no such time (month 13, February 30, second 60, year over 9999). */
bool clock_from_civil(int year, int month, int day, int hour, int minute, int second, int64_t *out);

/* RFC 3339: "2026-11-24T11:00:00Z". Parsing takes an offset and a fraction (dropped) too. */
#define RFC3339_LEN 21 /* characters with the NUL */
void clock_format(int64_t t, char out[RFC3339_LEN]);
enum err_code clock_parse(const char *s, int64_t *out, struct err *e) MUST_CHECK;

#endif
