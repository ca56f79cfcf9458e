/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_LEN 2048 /* bytes; longer lines are cut */

static _Atomic int least_level = LOG_LEVEL_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void
log_set_level(enum log_level least)
{
	atomic_store(&least_level, (int)least);
}

/* One write per line, so that lines of several threads never mix. */
void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	char line[LINE_MAX_LEN], when[RFC3339_LEN];
	va_list ap;
	int head, body;
	size_t n;

	if ((int)level < atomic_load(&least_level))
		return;
	clock_format(clock_now(), when);
	head = snprintf(line, sizeof(line), "time=%s level=%s event=%s ", when, level_names[level],
			event);
	if (head < 0 || (size_t)head >= sizeof(line))
		return;
	va_start(ap, fmt);
	body = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, fmt, ap);
	va_end(ap);
	n = (size_t)head + (body > 0 ? (size_t)body : 0);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nowhere left to say so */
}

const char *
log_quote(const char *s, char out[LOG_VALUE_MAX])
{
	size_t n = 0;

	out[n++] = '"';
	for (; *s != '\0' && n < LOG_VALUE_MAX - 3; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			out[n++] = '\\';
		out[n++] = *s;
		if (c < 0x20 || c == 0x7f)
			out[n - 1] = '?';
	}
	out[n++] = '"';
	out[n] = '\0';
	return out;
}
