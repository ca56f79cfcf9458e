/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
	enum err_kind kind;
	const char *name;
};

static const struct err_row rows[ERR_CODE_COUNT] = {
	[E_OK] = {KIND_OK, ""},
#define ERR(code, kind, name) [code] = {kind, name},
#include "base/err.def"
#undef ERR
};

enum err_code
err_record(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return code;
	if (e->code != E_OK)
		return e->code;
	e->code = code;
	va_start(ap, fmt);
	if (vsnprintf(e->text, sizeof(e->text), fmt, ap) < 0)
		e->text[0] = '\0';
	va_end(ap);
	return code;
}

void
err_context(struct err *e, const char *fmt, ...)
{
	char front[ERR_TEXT_MAX];
	size_t n, room;
	va_list ap;

	if (e == NULL || e->code == E_OK)
		return;
	va_start(ap, fmt);
	if (vsnprintf(front, sizeof(front) - 2, fmt, ap) < 0)
		front[0] = '\0';
	va_end(ap);
	strncat(front, ": ", sizeof(front) - strlen(front) - 1);
	n = strlen(front);
	room = sizeof(e->text) - 1 - n;
	memmove(e->text + n, e->text, room);
	memcpy(e->text, front, n);
	e->text[sizeof(e->text) - 1] = '\0';
}

void
err_clear(struct err *e)
{
	e->code = E_OK;
	e->text[0] = '\0';
}

const char *
err_name(enum err_code code)
{
	return (unsigned)code < ERR_CODE_COUNT ? rows[code].name : "internal";
}

enum err_kind
err_kind(enum err_code code)
{
	return (unsigned)code < ERR_CODE_COUNT ? rows[code].kind : KIND_INTERNAL;
}
