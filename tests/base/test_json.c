/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static void
members_have_types(void **state)
{
	struct err e = {0};
	struct buf b = {0};
	const char *s = NULL;
	bool yes = false;
	int64_t n = 0;
	json_t *o = NULL, *list = NULL;

	(void)state;
	assert_int_equal(json_parse(SPAN_LIT("{\"s\":\"x\",\"b\":true,\"n\":5,\"k\":\"Zm9v\","
					     "\"l\":[\"a\"],\"z\":null,\"nul\":\"a\\u0000b\"}"),
				    &o, NULL),
			 E_JSON); /* jansson refuses an inner NUL */
	assert_int_equal(json_parse(SPAN_LIT("{\"s\":\"x\",\"b\":true,\"n\":5,\"k\":\"Zm9v\","
					     "\"l\":[\"a\"],\"z\":null}"),
				    &o, &e),
			 E_OK);
	assert_int_equal(json_need_string(o, "s", &s, &e), E_OK);
	assert_string_equal(s, "x");
	assert_int_equal(json_opt_bool(o, "b", &yes, &e), E_OK);
	assert_true(yes);
	assert_int_equal(json_opt_int(o, "n", 0, 5, &n, &e), E_OK);
	assert_int_equal(json_need_base64(o, "k", 3, &b, &e), E_OK);
	assert_int_equal(json_opt_array(o, "l", 1, &list, &e), E_OK);
	assert_int_equal(json_opt_string(o, "z", &s, &e), E_OK);
	assert_int_equal(json_need_string(o, "z", &s, &e), E_JSON_MEMBER);
	assert_string_equal(e.text, "z is null: expected a string");
	assert_int_equal(json_need_string(o, "none", &s, NULL), E_JSON_MEMBER);
	assert_int_equal(json_need_string(o, "n", &s, NULL), E_JSON_MEMBER);
	assert_int_equal(json_opt_bool(o, "n", &yes, NULL), E_JSON_MEMBER);
	assert_int_equal(json_opt_int(o, "n", 0, 4, &n, NULL), E_JSON_MEMBER);
	assert_int_equal(json_opt_int(o, "s", 0, 4, &n, NULL), E_JSON_MEMBER);
	assert_int_equal(json_need_base64(o, "k", 2, &b, NULL), E_JSON_MEMBER);
	assert_int_equal(json_need_base64(o, "s", 2, &b, NULL), E_BASE64);
	assert_int_equal(json_need_base64(o, "none", 2, &b, NULL), E_JSON_MEMBER);
	assert_int_equal(json_opt_array(o, "l", 0, &list, NULL), E_JSON_MEMBER);
	assert_int_equal(json_opt_array(o, "s", 1, &list, NULL), E_JSON_MEMBER);
	assert_int_equal(json_need_object(o, "l", &list, NULL), E_JSON_MEMBER);
	json_decref(o);
	buf_free(&b);
}

static void
bad_texts_are_refused(void **state)
{
	static const char *const bad[] = {"", "[]", "{", "{\"a\":1,\"a\":2}", "{} x", "\"a\""};
	char deep[256] = "";
	json_t *o = NULL;
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(json_parse(span_str(bad[i]), &o, NULL), E_JSON);
	/* I-41: a reason quotes nothing of the text */
	assert_int_equal(json_parse(SPAN_LIT("{\"emaid\":DEABCC123456788}"), &o, &e), E_JSON);
	assert_null(strstr(e.text, "DEABC"));
	err_clear(&e);
	assert_int_equal(
		json_parse(SPAN_LIT("{\"DEABCC123456788\":1,\"DEABCC123456788\":1}"), &o, &e),
		E_JSON);
	assert_null(strstr(e.text, "DEABC"));
	err_clear(&e);
	for (i = 0; i < 40; i++)
		memcpy(deep + i * 5, "{\"a\":", 5);
	assert_int_equal(json_parse(span_str(deep), &o, NULL), E_JSON);
}

static void
values_are_written_compactly(void **state)
{
	json_t *o = json_pack("{s:o}", "k", json_base64(SPAN_LIT("foo")));
	struct buf b = {0};

	(void)state;
	assert_int_equal(json_dump(o, &b, NULL), E_OK);
	assert_string_equal(buf_cstr(&b), "{\"k\":\"Zm9v\"}");
	buf_free(&b);
	json_decref(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_have_types),
		cmocka_unit_test(bad_texts_are_refused),
		cmocka_unit_test(values_are_written_compactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
