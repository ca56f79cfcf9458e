/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "iso15118/exi.h"

static void
build(struct exi_tree *t)
{
	uint32_t list, id;

	assert_int_equal(exi_tree_init(t, 8, 64, NULL), E_OK);
	list = exi_open(t, EXI_ListOfRootCertificateIDs);
	for (int i = 0; i < 2; i++) {
		id = exi_open(t, EXI_RootCertificateID);
		exi_put_bytes(t, EXI_X509IssuerName, EXI_STRING,
			      i == 0 ? SPAN_LIT("a") : SPAN_LIT("b"));
		exi_put_number(t, EXI_X509SerialNumber, EXI_UNSIGNED, (uint64_t)i);
		exi_close(t, id);
	}
	exi_close(t, list);
	assert_int_equal(exi_tree_ok(t, NULL), E_OK);
}

static void
children_are_found_by_name(void **state)
{
	struct exi_tree t;
	uint32_t first, second;

	(void)state; /* cmocka */
	build(&t);
	first = exi_child(&t, 0, EXI_RootCertificateID);
	second = exi_next(&t, 0, first, EXI_RootCertificateID);
	assert_int_equal(first, 1);
	assert_int_equal(second, 4);
	assert_int_equal(exi_next(&t, 0, second, EXI_RootCertificateID), 0);
	assert_int_equal(exi_child(&t, 0, EXI_X509IssuerName), 0); /* a grandchild */
	assert_true(span_equal(exi_bytes(&t, exi_child(&t, second, EXI_X509IssuerName)),
			       SPAN_LIT("b")));
	assert_int_equal(exi_bytes(&t, 0).n, 0);
	exi_tree_free(&t);
}

static void
elements_are_copied_with_what_is_below_them(void **state)
{
	struct exi_tree from, to;
	uint32_t copy;

	(void)state; /* cmocka */
	build(&from);
	assert_int_equal(exi_tree_init(&to, 8, 64, NULL), E_OK);
	assert_int_equal(exi_open(&to, EXI_Body), 0);
	exi_put_copy(&to, &from, 4);
	exi_close(&to, 0);
	assert_int_equal(exi_tree_ok(&to, NULL), E_OK);
	copy = exi_child(&to, 0, EXI_RootCertificateID);
	assert_int_equal(to.node[copy].end, 4);
	assert_true(span_equal(exi_bytes(&to, 2), SPAN_LIT("b")));
	assert_int_equal(to.node[3].v.number, 1);
	exi_tree_free(&from);
	exi_tree_free(&to);
}

static void
a_tree_that_is_full_stays_failed(void **state)
{
	struct exi_tree t, from;
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(exi_tree_init(&t, 2, 3, NULL), E_OK);
	exi_put_bytes(&t, EXI_Id, EXI_STRING, SPAN_LIT("abc"));
	assert_false(t.failed);
	exi_put_bytes(&t, EXI_Id, EXI_STRING, SPAN_LIT("d"));
	assert_true(t.failed);
	exi_put_number(&t, EXI_TimeStamp, EXI_UNSIGNED, 1);
	exi_close(&t, exi_open(&t, EXI_Body));
	assert_int_equal(exi_tree_ok(&t, &e), E_EXI_LIMIT);
	exi_tree_free(&t);
	build(&from);
	assert_int_equal(exi_tree_init(&t, 2, 64, NULL), E_OK);
	exi_put_copy(&t, &from, 0);
	assert_int_equal(exi_tree_ok(&t, NULL), E_EXI_LIMIT);
	exi_tree_free(&t);
	exi_tree_free(&from);
	exi_tree_free(&t); /* an empty one */
}

static void
trees_over_the_bounds_are_refused(void **state)
{
	struct exi_tree t;

	(void)state; /* cmocka */
	assert_int_equal(exi_tree_init(&t, EXI_NODES_MAX + 1, 0, NULL), E_EXI_LIMIT);
	assert_int_equal(exi_tree_init(&t, 1, 4 * EXI_INPUT_MAX + 1, NULL), E_EXI_LIMIT);
	assert_null(t.memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_are_found_by_name),
		cmocka_unit_test(elements_are_copied_with_what_is_below_them),
		cmocka_unit_test(a_tree_that_is_full_stays_failed),
		cmocka_unit_test(trees_over_the_bounds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
