/* SPDX-License-Identifier: Apache-2.0 */
#include "base/der.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

/* The length octets after the tag: short form, or up to four octets, minimal (X.690 10.1). */
static enum err_code
take_length(struct span in, size_t *header, size_t *length, struct err *e)
{
	size_t octets, i, n = 0;

	if (in.n < 2)
		return err_set(e, E_DER, "DER ends inside a header");
	if (in.p[1] < 0x80) {
		*header = 2;
		*length = in.p[1];
		return E_OK;
	}
	octets = in.p[1] & 0x7f;
	if (octets == 0 || octets > 4 || in.n < 2 + octets)
		return err_set(e, E_DER, "DER length in %zu octets: expected 1 to 4", octets);
	for (i = 0; i < octets; i++)
		n = n << 8 | in.p[2 + i];
	if (n < 0x80 || in.p[2] == 0)
		return err_set(e, E_DER, "DER length is not in its shortest form");
	*header = 2 + octets;
	*length = n;
	return E_OK;
}

enum err_code
der_next(struct span *in, uint8_t *tag, struct span *content, struct span *whole, struct err *e)
{
	size_t header = 0, length = 0;
	enum err_code rc;

	if ((rc = take_length(*in, &header, &length, e)) != E_OK)
		return rc;
	if ((in->p[0] & 0x1f) == 0x1f)
		return err_set(e, E_DER, "DER tag %02x: expected a tag of one octet", in->p[0]);
	if (length > in->n - header)
		return err_set(e, E_DER, "DER value of %zu bytes, %zu are left", length,
			       in->n - header);
	*tag = in->p[0];
	*content = (struct span){in->p + header, length};
	if (whole != NULL)
		*whole = (struct span){in->p, header + length};
	in->p += header + length;
	in->n -= header + length;
	return E_OK;
}

enum err_code
der_take(struct span *in, uint8_t tag, struct span *content, struct span *whole, struct err *e)
{
	struct span rest = *in;
	uint8_t found = 0;
	enum err_code rc;

	if ((rc = der_next(&rest, &found, content, whole, e)) != E_OK)
		return rc;
	if (found != tag)
		return err_set(e, E_DER, "DER tag %02x: expected %02x", found, tag);
	*in = rest;
	return E_OK;
}

bool
der_peek(struct span in, uint8_t tag)
{
	return in.n > 0 && in.p[0] == tag;
}

enum err_code
der_end(struct span in, const char *what, struct err *e)
{
	if (in.n != 0)
		return err_set(e, E_DER, "%zu bytes follow %s", in.n, what);
	return E_OK;
}

enum err_code
der_unsigned(struct span content, struct span *magnitude, struct err *e)
{
	if (content.n == 0 || (content.p[0] & 0x80) != 0)
		return err_set(e, E_DER, "DER INTEGER is empty or negative");
	if (content.n > 1 && content.p[0] == 0 && (content.p[1] & 0x80) == 0)
		return err_set(e, E_DER, "DER INTEGER is not in its shortest form");
	if (content.n > 1 && content.p[0] == 0) {
		content.p++;
		content.n--;
	}
	*magnitude = content;
	return E_OK;
}

enum err_code
der_small(struct span content, uint32_t max, uint32_t *out, struct err *e)
{
	struct span m = {0};
	uint64_t v = 0;
	size_t i;
	enum err_code rc;

	if ((rc = der_unsigned(content, &m, e)) != E_OK)
		return rc;
	for (i = 0; i < m.n && v <= max; i++)
		v = v << 8 | m.p[i];
	if (v > max)
		return err_set(e, E_DER, "DER INTEGER over %u", max);
	*out = (uint32_t)v;
	return E_OK;
}

static bool
two_digits(const uint8_t *p, int *out)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*out = (p[0] - '0') * 10 + (p[1] - '0');
	return true;
}

enum err_code
der_time(uint8_t tag, struct span content, int64_t *out, struct err *e)
{
	int century = 0, f[6] = {0};
	struct span s = content;
	size_t i;

	if (tag == DER_GENERALIZED_TIME && s.n == 15) {
		if (!two_digits(s.p, &century))
			return err_set(e, E_DER, "time has no year");
		s.p += 2;
		s.n -= 2;
	} else if (tag != DER_UTC_TIME) {
		return err_set(e, E_DER, "tag %02x, %zu bytes: expected a UTC time", tag, s.n);
	}
	if (s.n != 13 || s.p[12] != 'Z')
		return err_set(e, E_DER, "time is not YYMMDDHHMMSSZ (RFC 5280 4.1.2.5)");
	for (i = 0; i < 6; i++)
		if (!two_digits(s.p + 2 * i, &f[i]))
			return err_set(e, E_DER, "time has something else than digits");
	if (tag == DER_UTC_TIME)
		century = f[0] >= 50 ? 19 : 20;
	if (!clock_from_civil(century * 100 + f[0], f[1], f[2], f[3], f[4], f[5], out))
		return err_set(e, E_DER, "no such time: %02d%02d-%02d-%02d %02d:%02d:%02d", century,
			       f[0], f[1], f[2], f[3], f[4], f[5]);
	return E_OK;
}

size_t
der_begin(struct buf *b, uint8_t tag)
{
	buf_put_u8(b, tag);
	buf_put_u8(b, 0);
	return b->n;
}

/* The content moves right when its length needs more than the one octet reserved. */
void
der_finish(struct buf *b, size_t mark)
{
	size_t length, octets = 0, v, i;

	if (b->failed)
		return;
	length = b->n - mark;
	if (length < 0x80) {
		b->p[mark - 1] = (uint8_t)length;
		return;
	}
	for (v = length; v > 0; v >>= 8)
		octets++;
	if (buf_grow(b, octets) == NULL)
		return;
	memmove(b->p + mark + octets, b->p + mark, length);
	b->p[mark - 1] = (uint8_t)(0x80 | octets);
	for (i = 0; i < octets; i++)
		b->p[mark + i] = (uint8_t)(length >> 8 * (octets - 1 - i));
}

void
der_put(struct buf *b, uint8_t tag, struct span content)
{
	size_t mark = der_begin(b, tag);

	buf_put_span(b, content);
	der_finish(b, mark);
}

void
der_put_unsigned(struct buf *b, struct span magnitude)
{
	size_t mark = der_begin(b, DER_INTEGER);

	while (magnitude.n > 1 && magnitude.p[0] == 0) {
		magnitude.p++;
		magnitude.n--;
	}
	if (magnitude.n == 0 || (magnitude.p[0] & 0x80) != 0)
		buf_put_u8(b, 0);
	buf_put_span(b, magnitude);
	der_finish(b, mark);
}

void
der_put_bits(struct buf *b, struct span bytes)
{
	size_t mark = der_begin(b, DER_BIT_STRING);

	buf_put_u8(b, 0);
	buf_put_span(b, bytes);
	der_finish(b, mark);
}

void
der_put_time(struct buf *b, int64_t t)
{
	struct civil c = clock_to_civil(t);
	char text[32];
	int n;

	if (c.year >= 1950 && c.year < 2050)
		n = snprintf(text, sizeof(text), "%02d%02d%02d%02d%02d%02dZ", c.year % 100, c.month,
			     c.day, c.hour, c.minute, c.second);
	else
		n = snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02dZ", c.year, c.month,
			     c.day, c.hour, c.minute, c.second);
	if (n < 0) {
		b->failed = true;
		return;
	}
	der_put(b, n == 13 ? DER_UTC_TIME : DER_GENERALIZED_TIME, span_str(text));
}

static void
put_base128(struct buf *out, uint64_t v)
{
	int shift = 63;

	while (shift > 0 && v >> shift == 0)
		shift -= 7;
	for (; shift > 0; shift -= 7)
		buf_put_u8(out, (uint8_t)(0x80 | (v >> shift & 0x7f)));
	buf_put_u8(out, (uint8_t)(v & 0x7f));
}

enum err_code
der_oid_from_text(const char *dotted, struct buf *out, struct err *e)
{
	uint64_t arc = 0, first = 0;
	unsigned count = 0;
	const char *p = dotted;
	enum err_code rc;

	while (*p != '\0') {
		size_t n = strcspn(p, ".");
		char part[21];

		if (!str_copy_span(part, sizeof(part), (struct span){(const uint8_t *)p, n}))
			return err_set(e, E_BAD_VALUE, "\"%.80s\": not an OID", dotted);
		if ((rc = str_to_u64(part, 0, UINT32_MAX, &arc, e)) != E_OK)
			return rc;
		if (++count == 1)
			first = arc;
		else
			put_base128(out, count == 2 ? first * 40 + arc : arc);
		p += n;
		if (*p == '.')
			p++;
	}
	if (count < 2 || first > 2 || dotted[strlen(dotted) - 1] == '.')
		return err_set(e, E_BAD_VALUE, "\"%.80s\": not an OID", dotted);
	return buf_ok(out, e);
}
