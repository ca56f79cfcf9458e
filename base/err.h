/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: one code per reason (base/err.def), one text for people. The first failure wins: a
 * later err_set on the same struct err changes nothing, so cleanup code cannot hide the cause. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/compiler.h"

#define ERR_TEXT_MAX 512 /* bytes with the terminating NUL; longer texts are cut */

enum err_kind {
	KIND_OK,
	KIND_USAGE,
	KIND_BAD_REQUEST,
	KIND_UNAUTHENTICATED,
	KIND_FORBIDDEN,
	KIND_NOT_FOUND,
	KIND_METHOD,
	KIND_REFUSED,
	KIND_TOO_LARGE,
	KIND_MEDIA_TYPE,
	KIND_TOO_MANY,
	KIND_INTERNAL,
	KIND_UPSTREAM,
	KIND_UNAVAILABLE,
};

enum err_code {
	E_OK,
#define ERR(code, kind, name) code,
#include "base/err.def"
#undef ERR
	ERR_CODE_COUNT
};

struct err {
	enum err_code code;
	char text[ERR_TEXT_MAX]; /* for people: field, found, expected, clause; never a secret */
};

/* err_set(e, code, fmt, ...) records code and text unless e already holds an error, and returns the
 * code recorded first; never E_OK, which err_failed tells compilers and analyzers. e may be NULL: the
 * code is returned and the text dropped. */
enum err_code err_record(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
static inline enum err_code
err_failed(enum err_code code)
{
	if (code == E_OK)
		__builtin_unreachable();
	return code;
}
#define err_set(e, code, ...) err_failed(err_record((e), (code), __VA_ARGS__))

/* Puts "what: " in front of the text already recorded, to name the field or file it concerns. */
void err_context(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Forgets the error, for a caller that has dealt with it. */
void err_clear(struct err *e);

/* The stable string of a code ("" for E_OK) and its kind. */
const char *err_name(enum err_code code);
enum err_kind err_kind(enum err_code code);

#endif
