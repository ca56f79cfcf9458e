/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/http.h"

static enum err_code
framing(const char *version, const char *const fields[][2])
{
	struct http_facts f = {0};
	size_t i;

	for (i = 0; fields[i][0] != NULL; i++)
		http_facts_add(&f, fields[i][0], fields[i][1]);
	return http_check_framing(&f, version, NULL);
}

#define FRAMING(version, ...) framing(version, (const char *const[][2]){__VA_ARGS__, {NULL, NULL}})
#define HOST                \
	{                   \
		"Host", "x" \
	}

static void
one_host_and_one_length_are_fine(void **state)
{
	(void)state;
	assert_int_equal(FRAMING("HTTP/1.1", HOST), E_OK);
	assert_int_equal(FRAMING("HTTP/1.0", {"Accept", "*/*"}), E_OK);
	assert_int_equal(FRAMING("HTTP/1.1", HOST, {"content-length", "5"}), E_OK);
	assert_int_equal(
		FRAMING("HTTP/1.1", HOST, {"Content-Length", "5"}, {"Content-Length", "5"}), E_OK);
	assert_int_equal(FRAMING("HTTP/1.1", HOST, {"Transfer-Encoding", "Chunked"}), E_OK);
}

static void
ambiguous_framing_is_refused(void **state)
{
	(void)state;
	assert_int_equal(FRAMING("HTTP/2.0", HOST), E_HTTP_FRAMING);
	assert_int_equal(FRAMING("HTTP/1.1", {"Accept", "x"}), E_HTTP_FRAMING);
	assert_int_equal(FRAMING("HTTP/1.1", HOST, HOST), E_HTTP_FRAMING);
	assert_int_equal(FRAMING("HTTP/1.1", HOST, {"Content-Length", "5"},
				 {"Transfer-Encoding", "chunked"}),
			 E_HTTP_FRAMING);
	assert_int_equal(
		FRAMING("HTTP/1.1", HOST, {"Content-Length", "5"}, {"Content-Length", "6"}),
		E_HTTP_FRAMING);
	assert_int_equal(FRAMING("HTTP/1.1", HOST, {"Content-Length", "5, 5"}), E_HTTP_FRAMING);
	assert_int_equal(FRAMING("HTTP/1.1", HOST, {"Content-Length", "-5"}), E_HTTP_FRAMING);
	assert_int_equal(FRAMING("HTTP/1.1", HOST, {"Content-Length", ""}), E_HTTP_FRAMING);
	assert_int_equal(FRAMING("HTTP/1.1", HOST, {"Transfer-Encoding", "identity"}),
			 E_HTTP_FRAMING);
	assert_int_equal(FRAMING("HTTP/1.1", HOST, {"Transfer-Encoding", "chunked"},
				 {"Transfer-Encoding", "chunked"}),
			 E_HTTP_FRAMING);
	assert_int_equal(FRAMING("HTTP/1.1", HOST, {"Authorization", "a"}, {"Authorization", "a"}),
			 E_HTTP_FRAMING);
}

static void
targets_have_one_form(void **state)
{
	static const char *const bad[] = {"",     "*",     "x",     "http://x/", "/a b", "/%",
					  "/%1",  "/%zz",  "/%00",  "/%2f",      "/%2F", "/a\\b",
					  "/a#b", "/\x7f", "/\xff", "/a?%00",    "/\t"};
	static const char *const good[] = {"/", "/a/b", "/%41", "/a?b=%2F", "/a+b", "/~x"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++)
		if (http_check_target(bad[i], NULL) != E_HTTP_TARGET)
			fail_msg("%s", bad[i]);
	for (i = 0; i < ARRAY_LEN(good); i++)
		if (http_check_target(good[i], NULL) != E_OK)
			fail_msg("%s", good[i]);
}

static void
forms_are_cut_and_decoded(void **state)
{
	char text[] = "a=1&b=%41+%42&&c&d=x=y";
	struct http_param p[4];
	size_t n = 0;

	(void)state;
	assert_int_equal(http_split_form(text, p, 4, &n, NULL), E_OK);
	assert_int_equal(n, 4);
	assert_string_equal(p[1].value, "A B");
	assert_string_equal(p[2].name, "c");
	assert_string_equal(p[2].value, "");
	assert_string_equal(p[3].value, "x=y");
}

static void
forms_with_repeats_bad_escapes_or_too_many_names_are_refused(void **state)
{
	char twice[] = "a=1&a=2", bad[] = "a=%4", zero[] = "a=%00", many[] = "a&b&c&d&e";
	struct http_param p[4];
	size_t n = 0;

	(void)state;
	assert_int_equal(http_split_form(twice, p, 4, &n, NULL), E_HTTP_TARGET);
	assert_int_equal(http_split_form(bad, p, 4, &n, NULL), E_HTTP_TARGET);
	assert_int_equal(http_split_form(zero, p, 4, &n, NULL), E_HTTP_TARGET);
	assert_int_equal(http_split_form(many, p, 4, &n, NULL), E_HTTP_TARGET);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_host_and_one_length_are_fine),
		cmocka_unit_test(ambiguous_framing_is_refused),
		cmocka_unit_test(targets_have_one_form),
		cmocka_unit_test(forms_are_cut_and_decoded),
		cmocka_unit_test(forms_with_repeats_bad_escapes_or_too_many_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
