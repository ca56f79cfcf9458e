/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#define BUF_FIRST 256 /* bytes of the first allocation */

bool
span_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
span_equal_secret(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

/* One byte more than asked for stays allocated, so that buf_cstr never fails after an append. */
static bool
reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap == 0 ? BUF_FIRST : b->cap;
	uint8_t *p;

	if (b->failed || n > SIZE_MAX / 4 || (b->limit != 0 && b->n + n > b->limit)) {
		b->failed = true;
		return false;
	}
	if (b->cap != 0 && b->n + n < b->cap)
		return true;
	while (cap <= b->n + n)
		cap *= 2;
	p = realloc(b->p, cap);
	if (p == NULL) {
		b->failed = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

uint8_t *
buf_grow(struct buf *b, size_t n)
{
	if (!reserve(b, n))
		return NULL;
	b->n += n;
	return b->p + b->n - n;
}

void
buf_put(struct buf *b, const void *p, size_t n)
{
	uint8_t *to = buf_grow(b, n);

	if (to != NULL && n > 0)
		memcpy(to, p, n);
}

void
buf_put_span(struct buf *b, struct span s)
{
	buf_put(b, s.p, s.n);
}

void
buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void
buf_put_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0) {
		b->failed = true;
	} else if (reserve(b, (size_t)n + 1)) {
		(void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt,
				again); /* measured above */
		b->n += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

enum err_code
buf_ok(const struct buf *b, struct err *e)
{
	if (b->failed)
		return err_set(e, E_NO_MEMORY, "no memory for the answer, or it is over its limit");
	return E_OK;
}

const char *
buf_cstr(struct buf *b)
{
	if (!reserve(b, 1))
		return NULL;
	b->p[b->n] = '\0';
	return (const char *)b->p;
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}
