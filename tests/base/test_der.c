/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/der.h"

static void
written_values_are_read_back(void **state)
{
	static const uint8_t big[300] = {1};
	struct buf b = {0};
	struct span in, seq = {0}, content = {0}, whole = {0};
	uint32_t small = 0;
	size_t outer, inner;

	(void)state;
	outer = der_begin(&b, DER_SEQUENCE);
	der_put_unsigned(&b, SPAN_LIT("\x00\x80"));
	inner = der_begin(&b, DER_OCTET_STRING);
	buf_put(&b, big, sizeof(big));
	der_finish(&b, inner);
	der_put_bits(&b, SPAN_LIT("\x05"));
	der_finish(&b, outer);
	assert_int_equal(buf_ok(&b, NULL), E_OK);
	in = buf_span(&b);
	assert_int_equal(der_take(&in, DER_SEQUENCE, &seq, &whole, NULL), E_OK);
	assert_int_equal(whole.n, b.n);
	assert_int_equal(der_end(in, "it", NULL), E_OK);
	assert_int_equal(der_take(&seq, DER_INTEGER, &content, NULL, NULL), E_OK);
	assert_int_equal(der_small(content, 128, &small, NULL), E_OK);
	assert_int_equal(small, 128);
	assert_int_equal(der_small(content, 127, &small, NULL), E_DER);
	assert_true(der_peek(seq, DER_OCTET_STRING));
	assert_int_equal(der_take(&seq, DER_NULL, &content, NULL, NULL), E_DER);
	assert_int_equal(der_take(&seq, DER_OCTET_STRING, &content, NULL, NULL), E_OK);
	assert_int_equal(content.n, sizeof(big));
	buf_free(&b);
}

static void
what_is_not_der_is_refused(void **state)
{
	static const struct span bad[] = {
		SPAN_INIT(""),
		SPAN_INIT("\x30"),
		SPAN_INIT("\x30\x01"),
		SPAN_INIT("\x30\x80"),
		SPAN_INIT("\x30\x81\x05"
			  "aaaaa"),
		SPAN_INIT("\x30\x82\x00\x81"),
		SPAN_INIT("\x1f\x01\x00"),
		SPAN_INIT("\x30\x85\x01\x01\x01\x01\x01"),
		SPAN_INIT("\x30\x84\xff\xff\xff\xff"),
	};
	struct span content = {0}, in;
	uint8_t tag = 0;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		in = bad[i];
		assert_int_equal(der_next(&in, &tag, &content, NULL, NULL), E_DER);
	}
	assert_int_equal(der_unsigned(SPAN_LIT("\x80"), &content, NULL), E_DER);
	assert_int_equal(der_unsigned(SPAN_LIT("\x00\x01"), &content, NULL), E_DER);
	assert_int_equal(der_unsigned(SPAN_LIT(""), &content, NULL), E_DER);
	assert_int_equal(der_end(SPAN_LIT("x"), "it", NULL), E_DER);
}

static void
check_time(int64_t t, const char *text, uint8_t tag)
{
	struct buf b = {0};
	struct span in, content = {0};
	int64_t back = 0;

	der_put_time(&b, t);
	in = buf_span(&b);
	assert_int_equal(der_take(&in, tag, &content, NULL, NULL), E_OK);
	assert_true(span_equal(content, span_str(text)));
	assert_int_equal(der_time(tag, content, &back, NULL), E_OK);
	assert_true(back == t);
	buf_free(&b);
}

static void
times_change_form_in_2050(void **state)
{
	(void)state;
	check_time(0, "700101000000Z", DER_UTC_TIME);
	check_time(2524607999, "491231235959Z", DER_UTC_TIME);
	check_time(2524608000, "20500101000000Z", DER_GENERALIZED_TIME);
	check_time(253402300799, "99991231235959Z", DER_GENERALIZED_TIME);
}

static void
times_that_do_not_exist_are_refused(void **state)
{
	static const char *const bad[] = {"230229000000Z", "231301000000Z", "230101240000Z",
					  "2301010000Z",   "230101000000+", "23010100000aZ"};
	int64_t t;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(der_time(DER_UTC_TIME, span_str(bad[i]), &t, NULL), E_DER);
	assert_int_equal(der_time(DER_OID, span_str("230101000000Z"), &t, NULL), E_DER);
}

static void
oids_come_from_text(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(der_oid_from_text("1.2.840.10045.4.3.2", &b, NULL), E_OK);
	assert_true(span_equal(buf_span(&b), SPAN_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x02")));
	assert_int_equal(der_oid_from_text("1", &b, NULL), E_BAD_VALUE);
	assert_int_equal(der_oid_from_text("1.2.", &b, NULL), E_BAD_VALUE);
	assert_int_not_equal(der_oid_from_text("1..2", &b, NULL), E_OK);
	assert_int_not_equal(der_oid_from_text("a.b", &b, NULL), E_OK);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_values_are_read_back),
		cmocka_unit_test(what_is_not_der_is_refused),
		cmocka_unit_test(times_change_form_in_2050),
		cmocka_unit_test(times_that_do_not_exist_are_refused),
		cmocka_unit_test(oids_come_from_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
