/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/exi_bits.h"

#include <endian.h>
#include <string.h>

static uint64_t
load_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static void
store_be64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

void
exi_reader_init(struct exi_reader *r, struct span in)
{
	*r = (struct exi_reader){.p = in.p, .octets = in.n, .pos = 0, .end = in.n * 8};
}

bool
exi_read_bits(struct exi_reader *r, unsigned n, uint32_t *out)
{
	size_t first = r->pos / 8, octets = (r->pos % 8 + n + 7) / 8;
	uint64_t v = 0;

	if (n > r->end - r->pos)
		return false;
	if (first + 8 <= r->octets) {
		v = load_be64(r->p + first) << (r->pos % 8);
		v = n == 0 ? 0 : v >> (64 - n);
	} else {
		for (size_t i = 0; i < octets; i++)
			v = v << 8 | r->p[first + i];
		v >>= octets * 8 - r->pos % 8 - n;
		v &= (UINT64_C(1) << n) - 1;
	}
	r->pos += n;
	*out = (uint32_t)v;
	return true;
}

bool
exi_read_octets(struct exi_reader *r, uint8_t *out, size_t n)
{
	const uint8_t *s = r->p + r->pos / 8;
	unsigned shift = r->pos % 8;
	size_t i = 0;

	if (n > (r->end - r->pos) / 8)
		return false;
	r->pos += n * 8;
	if (n == 0)
		return true;
	if (shift == 0) {
		memcpy(out, s, n);
		return true;
	}
	/* n whole octets are left after shift bits, so s[n] exists. */
	for (; i + 8 <= n; i += 8)
		store_be64(out + i, load_be64(s + i) << shift | s[i + 8] >> (8 - shift));
	for (; i < n; i++)
		out[i] = (uint8_t)(s[i] << shift | s[i + 1] >> (8 - shift));
	return true;
}

enum exi_uint_error
exi_read_septets(struct exi_reader *r, unsigned max_octets, uint8_t *out, size_t *n)
{
	uint32_t octet;

	for (unsigned i = 0; i < max_octets; i++) {
		if (!exi_read_bits(r, 8, &octet))
			return EXI_UINT_END;
		out[i] = octet & 0x7f;
		if ((octet & 0x80) == 0) {
			*n = i + 1;
			return octet == 0 && i > 0 ? EXI_UINT_PADDED : EXI_UINT_OK;
		}
	}
	return EXI_UINT_LONG;
}

enum exi_uint_error
exi_read_uint(struct exi_reader *r, unsigned max_octets, uint64_t *out)
{
	uint64_t v = 0;
	uint32_t octet;

	for (unsigned i = 0; i < max_octets; i++) {
		if (!exi_read_bits(r, 8, &octet))
			return EXI_UINT_END;
		if (i == 9 && octet > 1) /* over 64 bits */
			return EXI_UINT_LONG;
		v |= (uint64_t)(octet & 0x7f) << (7 * i);
		if ((octet & 0x80) == 0) {
			*out = v;
			return octet == 0 && i > 0 ? EXI_UINT_PADDED : EXI_UINT_OK;
		}
	}
	return EXI_UINT_LONG;
}

void
exi_write_bits(struct exi_writer *w, unsigned n, uint32_t v)
{
	w->acc = w->acc << n | v;
	w->held += n;
	while (w->held >= 8) {
		w->held -= 8;
		w->p[w->n++] = (uint8_t)(w->acc >> w->held);
	}
	w->acc &= (UINT64_C(1) << w->held) - 1;
}

void
exi_write_octets(struct exi_writer *w, struct span s)
{
	unsigned h = w->held;
	uint64_t acc = w->acc, v;
	uint8_t *o = w->p + w->n;
	size_t i = 0;

	if (s.n == 0)
		return;
	if (h == 0) {
		memcpy(o, s.p, s.n);
		w->n += s.n;
		return;
	}
	for (; i + 8 <= s.n; i += 8) {
		v = load_be64(s.p + i);
		store_be64(o + i, acc << (64 - h) | v >> h);
		acc = v & ((UINT64_C(1) << h) - 1);
	}
	for (; i < s.n; i++) {
		o[i] = (uint8_t)(acc << (8 - h) | s.p[i] >> h);
		acc = s.p[i] & ((1U << h) - 1);
	}
	w->acc = acc;
	w->n += s.n;
}

void
exi_write_uint(struct exi_writer *w, uint64_t v)
{
	while (v > 0x7f) {
		exi_write_bits(w, 8, 0x80 | (uint32_t)(v & 0x7f));
		v >>= 7;
	}
	exi_write_bits(w, 8, (uint32_t)v);
}

void
exi_write_pad(struct exi_writer *w)
{
	if (w->held > 0)
		exi_write_bits(w, 8 - w->held, 0);
}

bool
exi_is_xml_char(uint64_t c)
{
	return c == 0x9 || c == 0xa || c == 0xd || (c >= 0x20 && c <= 0xd7ff) ||
	       (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}
