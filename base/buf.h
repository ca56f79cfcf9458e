/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes: a span borrows memory, a buf owns it and grows. A buf is sticky: after the first failed
 * append (no memory, over its limit) every later one does nothing, and one buf_ok at the end is
 * the only check needed. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/err.h"

struct span {
	const uint8_t *p;
	size_t n; /* bytes */
};

struct buf {
	uint8_t *p;
	size_t n, cap; /* bytes used, bytes allocated */
	size_t limit;  /* most bytes it may hold; 0: no limit of its own */
	bool failed;
};

#define SPAN_INIT(s)                                \
	{                                           \
		(const uint8_t *)(s), sizeof(s) - 1 \
	} /* in static initialisers */
#define SPAN_LIT(s) ((struct span)SPAN_INIT(s))

static inline struct span
span_str(const char *s)
{
	size_t n = 0;

	while (s != NULL && s[n] != '\0')
		n++;
	return (struct span){(const uint8_t *)s, n};
}

static inline struct span
buf_span(const struct buf *b)
{
	return (struct span){b->p, b->n};
}

bool span_equal(struct span a, struct span b);        /* not constant time */
bool span_equal_secret(struct span a, struct span b); /* constant time for equal lengths */

void buf_put(struct buf *b, const void *p, size_t n);
void buf_put_span(struct buf *b, struct span s);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Room for n more bytes at the end, uninitialised, counted as used; NULL when it fails. */
uint8_t *buf_grow(struct buf *b, size_t n);

/* E_OK, or E_NO_MEMORY when an append failed. */
enum err_code buf_ok(const struct buf *b, struct err *e) MUST_CHECK;

/* The content as a C string: appends a NUL that n does not count. NULL when it fails. */
const char *buf_cstr(struct buf *b);

void buf_clear(struct buf *b); /* keeps the memory */
void buf_free(struct buf *b);  /* accepts an empty buf; leaves it empty */

#endif
