/* SPDX-License-Identifier: Apache-2.0 */
/* Log: one line an event on stderr, key=value (journald and people read it alike). Values are
 * quoted and escaped where needed. No PCID and no EMAID in clear: log base/privacy.h pseudonyms
 * (I-41); no secrets: there is no way to pass a struct secret. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/compiler.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

void log_set_level(enum log_level least);

/* event is a fixed word ("issue.done"), fmt gives the fields, for example
 * log_event(LOG_LEVEL_INFO, "http.reply", "request=%s status=%d", id, status). A value that may
 * hold spaces or quotes goes through log_quote. */
void log_event(enum log_level level, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* s as a quoted value with control characters escaped, into out (terminated); returns out. */
#define LOG_VALUE_MAX 256
const char *log_quote(const char *s, char out[LOG_VALUE_MAX]);

#endif
