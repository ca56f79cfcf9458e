/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/exi_bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* The input in memory of exactly its size, so that a sanitizer sees the first octet too many. */
static struct span
exact(const void *p, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);

	assert_non_null(copy);
	memcpy(copy, p, n);
	return (struct span){copy, n};
}

static void
release(struct span s)
{
	free((void *)(uintptr_t)s.p);
}

static uint32_t
bit_at(struct span s, size_t i)
{
	return s.p[i / 8] >> (7 - i % 8) & 1;
}

static void
every_width_is_read_at_every_position(void **state)
{
	uint8_t raw[13];
	struct exi_reader r;
	struct span in;
	uint32_t v, expected;

	(void)state; /* cmocka */
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * 57 + 0xa5);
	in = exact(raw, sizeof(raw));
	for (unsigned n = 0; n <= 32; n++) {
		for (size_t pos = 0; pos <= sizeof(raw) * 8; pos++) {
			exi_reader_init(&r, in);
			r.pos = pos;
			v = 0x5a;
			if (pos + n > sizeof(raw) * 8) {
				assert_false(exi_read_bits(&r, n, &v));
				assert_int_equal(r.pos, pos);
				continue;
			}
			expected = 0;
			for (unsigned i = 0; i < n; i++)
				expected = expected << 1 | bit_at(in, pos + i);
			assert_true(exi_read_bits(&r, n, &v));
			assert_int_equal(v, expected);
			assert_int_equal(r.pos, pos + n);
		}
	}
	release(in);
}

static void
octets_are_read_and_written_at_every_phase(void **state)
{
	uint8_t raw[40], out[64], back[40];
	uint32_t v;

	(void)state; /* cmocka */
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * 31 + 7);
	for (unsigned phase = 0; phase < 8; phase++) {
		for (size_t n = 0; n <= sizeof(raw); n++) {
			struct exi_writer w = {.p = out};
			struct exi_reader r;
			struct span in;

			exi_write_bits(&w, phase, (1U << phase) - 1);
			exi_write_octets(&w, (struct span){raw, n});
			exi_write_bits(&w, 3, 5);
			exi_write_pad(&w);
			assert_int_equal(w.n, (phase + n * 8 + 3 + 7) / 8);
			in = exact(out, w.n);
			exi_reader_init(&r, in);
			assert_true(exi_read_bits(&r, phase, &v));
			assert_int_equal(v, (1U << phase) - 1);
			assert_true(exi_read_octets(&r, back, n));
			assert_memory_equal(back, raw, n);
			assert_true(exi_read_bits(&r, 3, &v));
			assert_int_equal(v, 5);
			assert_false(exi_read_octets(&r, back, 1));
			release(in);
		}
	}
}

static enum exi_uint_error
read_uint(const void *p, size_t n, unsigned max, uint64_t *v)
{
	struct span in = exact(p, n);
	struct exi_reader r;
	enum exi_uint_error rc;

	exi_reader_init(&r, in);
	rc = exi_read_uint(&r, max, v);
	release(in);
	return rc;
}

static void
unsigned_integers_are_bounded_and_shortest(void **state)
{
	uint64_t v = 0;

	(void)state; /* cmocka */
	assert_int_equal(read_uint("\x00", 1, 5, &v), EXI_UINT_OK);
	assert_int_equal(v, 0);
	assert_int_equal(read_uint("\xff\x7f", 2, 5, &v), EXI_UINT_OK);
	assert_int_equal(v, 16383);
	assert_int_equal(read_uint("\x80", 1, 5, &v), EXI_UINT_END);
	assert_int_equal(read_uint("", 0, 5, &v), EXI_UINT_END);
	assert_int_equal(read_uint("\x81\x00", 2, 5, &v), EXI_UINT_PADDED);
	assert_int_equal(read_uint("\xff\xff\xff\x01", 4, 3, &v), EXI_UINT_LONG);
	assert_int_equal(read_uint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, 10, &v),
			 EXI_UINT_OK);
	assert_true(v == UINT64_MAX);
	assert_int_equal(read_uint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, 10, &v),
			 EXI_UINT_LONG);
}

static void
unsigned_integers_come_back_as_written(void **state)
{
	uint8_t out[16];

	(void)state; /* cmocka */
	for (unsigned shift = 0; shift < 64; shift++) {
		for (int delta = -1; delta <= 1; delta++) {
			uint64_t v = (UINT64_C(1) << shift) + (uint64_t)(int64_t)delta, got = 0;
			struct exi_writer w = {.p = out};

			exi_write_uint(&w, v);
			assert_int_equal(read_uint(out, w.n, 10, &got), EXI_UINT_OK);
			assert_true(got == v);
		}
	}
}

static void
septets_are_bounded_and_shortest(void **state)
{
	struct span in = exact("\x81\x82\x03\x80\x00\xff", 6);
	uint8_t septets[4];
	struct exi_reader r;
	size_t n = 0;

	(void)state; /* cmocka */
	exi_reader_init(&r, in);
	assert_int_equal(exi_read_septets(&r, 4, septets, &n), EXI_UINT_OK);
	assert_int_equal(n, 3);
	assert_memory_equal(septets, "\x01\x02\x03", 3);
	assert_int_equal(exi_read_septets(&r, 4, septets, &n), EXI_UINT_PADDED);
	assert_int_equal(exi_read_septets(&r, 4, septets, &n), EXI_UINT_END);
	r.pos = 0;
	assert_int_equal(exi_read_septets(&r, 2, septets, &n), EXI_UINT_LONG);
	release(in);
}

static void
xml_characters_are_told_from_others(void **state)
{
	static const uint32_t yes[] = {9, 10, 13, 0x20, 0xd7ff, 0xe000, 0xfffd, 0x10000, 0x10ffff};
	static const uint32_t no[] = {0, 8, 11, 31, 0xd800, 0xdfff, 0xfffe, 0xffff, 0x110000};

	(void)state; /* cmocka */
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(exi_is_xml_char(yes[i]));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(exi_is_xml_char(no[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_width_is_read_at_every_position),
		cmocka_unit_test(octets_are_read_and_written_at_every_phase),
		cmocka_unit_test(unsigned_integers_are_bounded_and_shortest),
		cmocka_unit_test(unsigned_integers_come_back_as_written),
		cmocka_unit_test(septets_are_bounded_and_shortest),
		cmocka_unit_test(xml_characters_are_told_from_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
