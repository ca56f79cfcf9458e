/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
hex_encode(struct span s, char *out, size_t cap)
{
	size_t i;

	if (cap == 0)
		return;
	for (i = 0; i < s.n && 2 * i + 2 < cap; i++) {
		out[2 * i] = hex_digits[s.p[i] >> 4];
		out[2 * i + 1] = hex_digits[s.p[i] & 15];
	}
	out[2 * i] = '\0';
}

void
buf_put_hex(struct buf *b, struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		buf_put_u8(b, (uint8_t)hex_digits[s.p[i] >> 4]);
		buf_put_u8(b, (uint8_t)hex_digits[s.p[i] & 15]);
	}
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum err_code
hex_decode(struct span text, struct buf *out, struct err *e)
{
	size_t i;

	if (text.n % 2 != 0)
		return err_set(e, E_HEX, "%zu hex digits: expected an even number", text.n);
	for (i = 0; i < text.n; i += 2) {
		int hi = hex_value(text.p[i]), lo = hex_value(text.p[i + 1]);

		if (hi < 0 || lo < 0)
			return err_set(e, E_HEX, "not a hex digit at offset %zu",
				       hi < 0 ? i : i + 1);
		buf_put_u8(out, (uint8_t)(hi << 4 | lo));
	}
	return buf_ok(out, e);
}

static void
encode_group(const uint8_t *p, size_t n, const char *alphabet, bool pad, struct buf *out)
{
	uint32_t v = (uint32_t)p[0] << 16;
	size_t i;

	if (n > 1)
		v |= (uint32_t)p[1] << 8;
	if (n > 2)
		v |= p[2];
	for (i = 0; i < 4; i++) {
		if (i <= n)
			buf_put_u8(out, (uint8_t)alphabet[v >> (18 - 6 * i) & 63]);
		else if (pad)
			buf_put_u8(out, '=');
	}
}

void
base64_encode(struct span s, size_t line_len, struct buf *out)
{
	size_t i, column = 0;

	for (i = 0; i < s.n; i += 3) {
		if (line_len != 0 && column + 4 > line_len) {
			buf_put_u8(out, '\n');
			column = 0;
		}
		encode_group(s.p + i, s.n - i < 3 ? s.n - i : 3, b64, true, out);
		column += 4;
	}
	if (line_len != 0 && column > 0)
		buf_put_u8(out, '\n');
}

void
base64url_encode(struct span s, struct buf *out)
{
	size_t i;

	for (i = 0; i < s.n; i += 3)
		encode_group(s.p + i, s.n - i < 3 ? s.n - i : 3, b64url, false, out);
}

static int
b64_value(uint8_t c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (uint8_t)c62)
		return 62;
	if (c == (uint8_t)c63)
		return 63;
	return -1;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct b64_state {
	uint32_t acc;
	unsigned digits, pads;
};

static void
take_digit(struct b64_state *s, int v, struct buf *out)
{
	s->acc = s->acc << 6 | (uint32_t)v;
	if (++s->digits % 4 == 0) {
		buf_put_u8(out, (uint8_t)(s->acc >> 16));
		buf_put_u8(out, (uint8_t)(s->acc >> 8));
		buf_put_u8(out, (uint8_t)s->acc);
		s->acc = 0;
	}
}

/* The last one to three digits; bits that no byte uses must be zero, so that one text has one
 * meaning. */
static enum err_code
finish(struct b64_state *s, struct buf *out, struct err *e)
{
	unsigned rest = s->digits % 4;

	if (rest == 1 || (s->pads != 0 && (rest == 0 || rest + s->pads != 4)))
		return err_set(e, E_BASE64, "base64 ends early: %u digits, %u padding characters",
			       s->digits, s->pads);
	if ((rest == 2 && (s->acc & 15) != 0) || (rest == 3 && (s->acc & 3) != 0))
		return err_set(e, E_BASE64, "base64 ends with bits that belong to no byte");
	if (rest == 2)
		buf_put_u8(out, (uint8_t)(s->acc >> 4));
	if (rest == 3) {
		buf_put_u8(out, (uint8_t)(s->acc >> 10));
		buf_put_u8(out, (uint8_t)(s->acc >> 2));
	}
	return buf_ok(out, e);
}

enum err_code
base64_decode(struct span text, struct buf *out, struct err *e)
{
	struct b64_state s = {0};
	size_t i;

	for (i = 0; i < text.n; i++) {
		int v = b64_value(text.p[i], '+', '/');

		if (is_space(text.p[i]))
			continue;
		if (text.p[i] == '=' && s.pads < 2)
			s.pads++;
		else if (v < 0 || s.pads > 0)
			return err_set(e, E_BASE64, "not base64 at offset %zu", i);
		else
			take_digit(&s, v, out);
	}
	return finish(&s, out, e);
}

enum err_code
base64url_decode(struct span text, struct buf *out, struct err *e)
{
	struct b64_state s = {0};
	size_t i;

	for (i = 0; i < text.n; i++) {
		int v = b64_value(text.p[i], '-', '_');

		if (v < 0)
			return err_set(e, E_BASE64, "not base64url at offset %zu", i);
		take_digit(&s, v, out);
	}
	return finish(&s, out, e);
}

enum err_code
str_to_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
	uint64_t v = 0;
	size_t i;

	if (s[0] == '\0' || (s[0] == '0' && s[1] != '\0'))
		return err_set(e, E_NUMBER,
			       "\"%.40s\": expected decimal digits without leading zero", s);
	for (i = 0; s[i] != '\0'; i++) {
		unsigned digit = (unsigned)(s[i] - '0');

		if (s[i] < '0' || s[i] > '9')
			return err_set(e, E_NUMBER, "\"%.40s\": not a decimal digit at offset %zu",
				       s, i);
		if (v > (UINT64_MAX - digit) / 10)
			return err_set(e, E_NUMBER, "\"%.40s\": too large", s);
		v = v * 10 + digit;
	}
	if (v < min || v > max)
		return err_set(e, E_NUMBER, "%s: expected %llu to %llu", s, (unsigned long long)min,
			       (unsigned long long)max);
	*out = v;
	return E_OK;
}

bool
str_copy_span(char *dst, size_t cap, struct span s)
{
	dst[0] = '\0';
	if (s.n >= cap || (s.n > 0 && memchr(s.p, '\0', s.n) != NULL))
		return false;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
	return true;
}

bool
str_copy(char *dst, size_t cap, const char *s)
{
	return str_copy_span(dst, cap, span_str(s));
}

bool
str_is_alnum(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		char c = s[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
			return false;
	}
	return i > 0;
}

void
str_upper(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'a' && *s <= 'z')
			*s = (char)(*s - 'a' + 'A');
}
