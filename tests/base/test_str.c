/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static enum err_code
decode64(const char *text, struct buf *out)
{
	buf_clear(out);
	return base64_decode(span_str(text), out, NULL);
}

static void
base64_of_rfc4648_comes_out_and_back(void **state)
{
	static const char *const pairs[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
	};
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(pairs); i++) {
		buf_clear(&b);
		base64_encode(span_str(pairs[i][0]), 0, &b);
		assert_string_equal(buf_cstr(&b), pairs[i][1]);
		assert_int_equal(decode64(pairs[i][1], &b), E_OK);
		assert_true(span_equal(buf_span(&b), span_str(pairs[i][0])));
	}
	buf_free(&b);
}

static void
base64_lines_break_where_asked(void **state)
{
	struct buf b = {0};

	(void)state;
	base64_encode(SPAN_LIT("foobarfoobar"), 8, &b);
	assert_string_equal(buf_cstr(&b), "Zm9vYmFy\nZm9vYmFy\n");
	buf_free(&b);
}

static void
base64_with_breaks_and_without_padding_is_read(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(decode64("Zm9v\r\nYg", &b), E_OK);
	assert_true(span_equal(buf_span(&b), SPAN_LIT("foob")));
	buf_free(&b);
}

static void
bad_base64_is_refused(void **state)
{
	static const char *const bad[] = {"Z",    "Zg=",   "Zm9vY",    "Zh==", "Zm9=",   "Zg==Zg==",
					  "Z-9v", "Zm9v=", "Zm9v====", "Zg=a", "Zm\x01v"};
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(decode64(bad[i], &b), E_BASE64);
	buf_free(&b);
}

static void
base64url_has_no_padding(void **state)
{
	struct buf b = {0}, back = {0};

	(void)state;
	base64url_encode(SPAN_LIT("\xfb\xff\x01"), &b);
	base64url_encode(SPAN_LIT("f"), &b);
	assert_string_equal(buf_cstr(&b), "-_8BZg");
	assert_int_equal(base64url_decode(SPAN_LIT("-_8B"), &back, NULL), E_OK);
	assert_int_equal(base64url_decode(SPAN_LIT("Zg=="), &back, NULL), E_BASE64);
	assert_int_equal(base64url_decode(SPAN_LIT("+/8B"), &back, NULL), E_BASE64);
	buf_free(&b);
	buf_free(&back);
}

static void
hex_is_even_and_hex(void **state)
{
	struct buf b = {0};
	char text[HEX_LEN(3)];

	(void)state;
	assert_int_equal(hex_decode(SPAN_LIT("00fFa1"), &b, NULL), E_OK);
	hex_encode(buf_span(&b), text, sizeof(text));
	assert_string_equal(text, "00ffa1");
	assert_int_equal(hex_decode(SPAN_LIT("00f"), &b, NULL), E_HEX);
	assert_int_equal(hex_decode(SPAN_LIT("0g"), &b, NULL), E_HEX);
	hex_encode(SPAN_LIT("\x01\x02\x03"), text, 5);
	assert_string_equal(text, "0102");
	buf_free(&b);
}

static void
numbers_are_strict(void **state)
{
	static const char *const bad[] = {
		"", "010", "84x3", "+1", "-1", " 1", "1 ", "0x10", "18446744073709551616", "101"};
	uint64_t v = 0;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(str_to_u64(bad[i], 0, 100, &v, NULL), E_NUMBER);
	assert_int_equal(str_to_u64("18446744073709551615", 0, UINT64_MAX, &v, NULL), E_OK);
	assert_true(v == UINT64_MAX);
	assert_int_equal(str_to_u64("0", 0, 100, &v, NULL), E_OK);
	assert_int_equal(str_to_u64("4", 5, 100, &v, NULL), E_NUMBER);
}

static void
copies_refuse_what_does_not_fit(void **state)
{
	char small[4];

	(void)state;
	assert_true(str_copy(small, sizeof(small), "abc"));
	assert_false(str_copy(small, sizeof(small), "abcd"));
	assert_string_equal(small, "");
	assert_false(str_copy_span(small, sizeof(small), SPAN_LIT("a\0b")));
	assert_true(str_is_alnum("aZ09"));
	assert_false(str_is_alnum("a_b"));
	assert_false(str_is_alnum(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_of_rfc4648_comes_out_and_back),
		cmocka_unit_test(base64_lines_break_where_asked),
		cmocka_unit_test(base64_with_breaks_and_without_padding_is_read),
		cmocka_unit_test(bad_base64_is_refused),
		cmocka_unit_test(base64url_has_no_padding),
		cmocka_unit_test(hex_is_even_and_hex),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(copies_refuse_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
