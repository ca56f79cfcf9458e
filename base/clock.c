/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"

#ifdef TEST_HOOKS
static int64_t
test_clock(int64_t real)
{
	const char *s = getenv("V2GPKI_TEST_CLOCK");
	char line[32] = "";
	FILE *f;

	if (s == NULL || s[0] == '\0')
		return real;
	if (s[0] == '/' && (f = fopen(s, "re")) != NULL) {
		s = fgets(line, sizeof(line), f) == NULL ? "+0" : line;
		(void)fclose(f); /* read only */
	}
	if (s[0] == '+' || s[0] == '-')
		return real + strtoll(s, NULL, 10);
	return s[0] >= '0' && s[0] <= '9' ? strtoll(s, NULL, 10) : real;
}
#endif

int64_t
clock_now(void)
{
	int64_t real = (int64_t)time(NULL);

#ifdef TEST_HOOKS
	return test_clock(real);
#else
	return real;
#endif
}

int64_t
clock_mono_us(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Days since 1970 of the proleptic Gregorian calendar, with March as the first month so that the
 * leap day comes last. */
static int64_t
days_from_civil(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct civil
clock_to_civil(int64_t t)
{
	int64_t days = t / DAY - (t % DAY < 0), secs = t - days * DAY;
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	struct civil c;

	c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c.year = (int)(yoe + era * 400 + (c.month <= 2));
	c.hour = (int)(secs / 3600);
	c.minute = (int)(secs / 60 % 60);
	c.second = (int)(secs % 60);
	return c;
}

bool
clock_from_civil(int year, int month, int day, int hour, int minute, int second, int64_t *out)
{
	struct civil back;

	if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 ||
	    hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	*out = days_from_civil(year, month, day) * DAY + (int64_t)hour * 3600 + (int64_t)minute * 60 +
	       second;
	back = clock_to_civil(*out);
	return back.day == day && back.month == month;
}

void
clock_format(int64_t t, char out[RFC3339_LEN])
{
	struct civil c = clock_to_civil(t);

	if (c.year < 0 || c.year > 9999)
		c = (struct civil){9999, 12, 31, 23, 59, 59};
	if (snprintf(out, RFC3339_LEN, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year % 10000,
		     c.month % 100, c.day % 100, c.hour % 100, c.minute % 100, c.second % 100) < 0)
		out[0] = '\0';
}

static bool
number(const char **s, size_t digits, char after, int *out)
{
	size_t i;

	*out = 0;
	for (i = 0; i < digits; i++) {
		if ((*s)[i] < '0' || (*s)[i] > '9')
			return false;
		*out = *out * 10 + ((*s)[i] - '0');
	}
	*s += digits;
	if (after == '\0')
		return true;
	if (**s != after && !(after == 'T' && (**s == 't' || **s == ' ')))
		return false;
	(*s)++;
	return true;
}

/* "Z" or "+hh:mm", to the end of the text; seconds east of UTC. */
static bool
zone(const char *s, int64_t *east)
{
	int sign, hours, minutes;

	*east = 0;
	if ((s[0] == 'Z' || s[0] == 'z') && s[1] == '\0')
		return true;
	if (s[0] != '+' && s[0] != '-')
		return false;
	sign = s[0] == '+' ? 1 : -1;
	s++;
	if (!number(&s, 2, ':', &hours) || !number(&s, 2, '\0', &minutes) || *s != '\0')
		return false;
	*east = sign * (int64_t)(hours * 3600 + minutes * 60);
	return hours <= 23 && minutes <= 59;
}

enum err_code
clock_parse(const char *s, int64_t *out, struct err *e)
{
	int f[6] = {0};
	int64_t east = 0;
	const char *p = s;
	bool ok;

	ok = number(&p, 4, '-', &f[0]) && number(&p, 2, '-', &f[1]) && number(&p, 2, 'T', &f[2]) &&
	     number(&p, 2, ':', &f[3]) && number(&p, 2, ':', &f[4]) && number(&p, 2, '\0', &f[5]);
	if (ok && *p == '.') {
		size_t digits = strspn(p + 1, "0123456789");

		ok = digits > 0;
		p += 1 + digits;
	}
	if (!ok || !zone(p, &east) || !clock_from_civil(f[0], f[1], f[2], f[3], f[4], f[5], out))
		return err_set(e, E_TIME,
			       "\"%.40s\": expected a time such as 2026-01-31T12:00:00Z (RFC 3339)",
			       s);
	*out -= east;
	return E_OK;
}
