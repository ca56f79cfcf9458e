/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/privacy.h"

static const char key[] = "0123456789abcdef0123456789abcdef";

static void
one_person_has_one_pseudonym_in_any_spelling(void **state)
{
	char a[PSEUDONYM_LEN], b[PSEUDONYM_LEN], c[PSEUDONYM_LEN];

	(void)state;
	privacy_pseudonym("emaid", "x", a);
	assert_string_equal(a, "unset");
	assert_int_equal(privacy_init(SPAN_LIT("short"), NULL), E_CONFIG);
	assert_int_equal(privacy_init(span_str(key), NULL), E_OK);
	privacy_pseudonym("emaid", "DE-ABC-C12345678", a);
	privacy_pseudonym("emaid", "deabcc12345678", b);
	privacy_pseudonym("emaid", "DE-ABC-C12345678-8", c); /* with its check digit */
	assert_string_equal(a, c);
	privacy_pseudonym("emaid", "DEABCC1234567888", c); /* 16: no check digit is known */
	assert_string_not_equal(a, c);
	privacy_pseudonym("pcid", "deabcc12345678", c);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	assert_int_equal(strlen(a), PSEUDONYM_LEN - 1);
	privacy_done();
}

static void
a_sealed_value_opens_with_its_key_and_row_only(void **state)
{
	struct buf sealed = {0}, clear = {0};

	(void)state;
	assert_int_equal(
		privacy_seal(span_str(key), SPAN_LIT("row 1"), SPAN_LIT("DEABC"), &sealed, NULL),
		E_OK);
	assert_int_equal(sealed.n, 5 + SEAL_OVERHEAD);
	assert_null(memmem(sealed.p, sealed.n, "DEABC", 5));
	assert_int_equal(
		privacy_open(span_str(key), SPAN_LIT("row 1"), buf_span(&sealed), &clear, NULL),
		E_OK);
	assert_true(span_equal(buf_span(&clear), SPAN_LIT("DEABC")));
	assert_int_equal(
		privacy_open(span_str(key), SPAN_LIT("row 2"), buf_span(&sealed), &clear, NULL),
		E_CRYPTO);
	assert_int_equal(clear.n, 5);
	sealed.p[14] ^= 1;
	assert_int_equal(
		privacy_open(span_str(key), SPAN_LIT("row 1"), buf_span(&sealed), &clear, NULL),
		E_CRYPTO);
	assert_int_equal(
		privacy_open(span_str(key), SPAN_LIT("row 1"), SPAN_LIT("x"), &clear, NULL),
		E_CRYPTO);
	assert_int_equal(privacy_seal(SPAN_LIT("k"), SPAN_LIT(""), SPAN_LIT("x"), &sealed, NULL),
			 E_INTERNAL);
	buf_free(&sealed);
	buf_free(&clear);
}

static void
a_subject_key_is_wrapped_under_the_deployment_key(void **state)
{
	struct buf wrapped = {0};
	struct secret back = {0};

	(void)state;
	assert_int_equal(privacy_wrap_key(SPAN_LIT("s"), span_str(key), &wrapped, NULL),
			 E_INTERNAL);
	assert_int_equal(privacy_init(span_str(key), NULL), E_OK);
	assert_int_equal(privacy_wrap_key(SPAN_LIT("s"), span_str(key), &wrapped, NULL), E_OK);
	assert_int_equal(privacy_unwrap_key(SPAN_LIT("s"), buf_span(&wrapped), &back, NULL), E_OK);
	assert_true(span_equal(secret_span(&back), span_str(key)));
	secret_free(&back);
	assert_int_equal(privacy_unwrap_key(SPAN_LIT("t"), buf_span(&wrapped), &back, NULL),
			 E_CRYPTO);
	assert_null(back.p);
	privacy_done();
	buf_free(&wrapped);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_person_has_one_pseudonym_in_any_spelling),
		cmocka_unit_test(a_sealed_value_opens_with_its_key_and_row_only),
		cmocka_unit_test(a_subject_key_is_wrapped_under_the_deployment_key),
	};

	if (secret_init(NULL) != E_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
