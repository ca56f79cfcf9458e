/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void
the_first_failure_wins(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(err_set(&e, E_PCID, "first %d", 1), E_PCID);
	assert_int_equal(err_set(&e, E_DB, "second"), E_PCID);
	assert_string_equal(e.text, "first 1");
	err_context(&e, "field %s", "x");
	assert_string_equal(e.text, "field x: first 1");
	err_clear(&e);
	assert_int_equal(err_set(&e, E_DB, "third"), E_DB);
	assert_int_equal(err_set(NULL, E_DB, "nobody listens"), E_DB);
}

static void
long_texts_are_cut_and_terminated(void **state)
{
	struct err e = {0};
	char text[2 * ERR_TEXT_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(err_set(&e, E_DB, "%s", text), E_DB);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	err_context(&e, "%s", text);
	assert_true(strlen(e.text) < ERR_TEXT_MAX);
}

static void
every_code_has_a_name_and_a_kind(void **state)
{
	int c;

	(void)state;
	assert_string_equal(err_name(E_OK), "");
	for (c = E_OK + 1; c < ERR_CODE_COUNT; c++) {
		assert_true(strlen(err_name((enum err_code)c)) > 0);
		assert_int_not_equal(err_kind((enum err_code)c), KIND_OK);
	}
	assert_string_equal(err_name(ERR_CODE_COUNT), "internal");
	assert_int_equal(err_kind(ERR_CODE_COUNT), KIND_INTERNAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_failure_wins),
		cmocka_unit_test(long_texts_are_cut_and_terminated),
		cmocka_unit_test(every_code_has_a_name_and_a_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
