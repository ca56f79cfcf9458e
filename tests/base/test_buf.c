/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void
buf_grows_and_prints(void **state)
{
	struct buf b = {0};
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	assert_int_equal(buf_ok(&b, NULL), E_OK);
	assert_int_equal(b.n, 10 * 2 + 90 * 3 + 900 * 4);
	assert_int_equal(strlen(buf_cstr(&b)), b.n);
	buf_free(&b);
	assert_null(b.p);
	buf_free(&b);
}

static void
a_limit_makes_the_buffer_fail_and_stay_failed(void **state)
{
	struct buf b = {.limit = 4};
	struct err e = {0};

	(void)state;
	buf_put_str(&b, "abcd");
	assert_int_equal(buf_ok(&b, &e), E_OK);
	buf_put_u8(&b, 'e');
	buf_put_str(&b, "");
	assert_int_equal(buf_ok(&b, &e), E_NO_MEMORY);
	assert_int_equal(b.n, 4);
	buf_clear(&b);
	assert_int_equal(buf_ok(&b, NULL), E_OK);
	buf_free(&b);
}

static void
spans_compare_by_content(void **state)
{
	(void)state;
	assert_true(span_equal(SPAN_LIT("ab"), span_str("ab")));
	assert_false(span_equal(SPAN_LIT("ab"), SPAN_LIT("abc")));
	assert_true(span_equal_secret(SPAN_LIT("ab"), span_str("ab")));
	assert_false(span_equal_secret(SPAN_LIT("ab"), span_str("ac")));
	assert_true(span_equal((struct span){0}, span_str("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_grows_and_prints),
		cmocka_unit_test(a_limit_makes_the_buffer_fail_and_stay_failed),
		cmocka_unit_test(spans_compare_by_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
