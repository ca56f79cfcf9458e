/* SPDX-License-Identifier: Apache-2.0 */
/* The published vectors: every one decodes, encodes or is refused as it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "iso15118/exi_json.h"
#include "tests/iso15118/vectors.h"

struct counts {
	int accepted, refused, either;
};

static const char *
member(const json_t *v, const char *name)
{
	const char *s = json_string_value(json_object_get(v, name));

	return s != NULL ? s : "";
}

static void
check_json(const char *name, const struct exi_tree *t, const json_t *meaning)
{
	struct buf text = {0};
	struct err e = {0};
	json_t *got = NULL;

	if (exi_json_dump(t, &text, &e) != E_OK ||
	    exi_json_parse(buf_span(&text), &got, &e) != E_OK)
		fail_msg("%s: %s", name, e.text);
	assert_true(json_equal(got, meaning));
	json_decref(got);
	buf_free(&text);
	if (exi_json_from_tree(t, &got, &e) != E_OK)
		fail_msg("%s: %s", name, e.text);
	if (!json_equal(got, meaning)) {
		char *other = json_dumps(got, JSON_INDENT(1));

		fail_msg("%s: other meaning: %s", name, other);
	}
	json_decref(got);
}

static void
check_encode(const char *name, enum exi_set set, const struct exi_tree *t, struct span expected)
{
	struct buf out = {0};
	struct err e = {0};

	if (exi_encode(set, t, 0, &out, &e) != E_OK)
		fail_msg("%s: %s", name, e.text);
	if (!span_equal(buf_span(&out), expected))
		fail_msg("%s: other octets", name);
	buf_free(&out);
}

static void
accept_vector(const char *name, enum exi_set set, const json_t *v, struct span exi)
{
	const json_t *meaning = json_object_get(v, "meaning");
	struct exi_tree t = {0}, from_json = {0};
	struct err e = {0};

	if (exi_decode(set, exi, &t, &e) != E_OK)
		fail_msg("%s: %s", name, e.text);
	check_json(name, &t, meaning);
	check_encode(name, set, &t, exi);
	if (exi_json_to_tree(set, meaning, &from_json, &e) != E_OK)
		fail_msg("%s: %s", name, e.text);
	check_encode(name, set, &from_json, exi);
	exi_tree_free(&t);
	exi_tree_free(&from_json);
}

static void
check_vector(const char *name, const json_t *v, void *arg)
{
	struct counts *counts = arg;
	enum exi_set set = exi_set_by_name(member(v, "set"));
	const char *expect = member(v, "expect");
	struct buf exi = vectors_hex(v, "exi_hex");
	struct exi_tree t = {0};
	struct err e = {0};

	assert_int_not_equal(set, EXI_SET_COUNT);
	if (strcmp(expect, "accept") == 0) {
		accept_vector(name, set, v, buf_span(&exi));
		counts->accepted++;
	} else if (strcmp(expect, "reject") == 0) {
		if (exi_decode(set, buf_span(&exi), &t, &e) == E_OK)
			fail_msg("%s: accepted", name);
		assert_true(e.code == E_EXI || e.code == E_EXI_LIMIT);
		assert_non_null(strstr(e.text, "EXI bit "));
		assert_null(t.memory);
		counts->refused++;
	} else {
		if (exi_decode(set, buf_span(&exi), &t, &e) == E_OK)
			check_json(name, &t, json_object_get(v, "meaning"));
		exi_tree_free(&t);
		counts->either++;
	}
	buf_free(&exi);
}

static void
every_vector_is_read_and_written_as_it_says(void **state)
{
	struct counts counts = {0};
	int n = vectors_each(check_vector, &counts);

	(void)state; /* cmocka */
	assert_int_equal(n, vectors_have_shared() ? 92 : 82);
	assert_int_equal(counts.accepted, vectors_have_shared() ? 61 : 53);
	assert_int_equal(counts.refused, vectors_have_shared() ? 27 : 25);
	assert_int_equal(counts.either, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_is_read_and_written_as_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
