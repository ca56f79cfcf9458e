/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "policy/budget.h"
#include "sample.h"

#define O  "12345678"
#define CN "1234567890"

/* spec/iso15118 A.5: O of 8, CNs of 10, URL of 26 octets, policy OID of 9 octets. */
static const struct budget_names names = {O, CN, O, CN, O, CN, O, CN, O, CN, O, CN, O, CN, O};

static void
names_of_the_budgets_full_length_fit(void **state)
{
	struct budget b;
	struct err e = {0};
	size_t shorter = 0;

	(void)state;
	if (budget_check(&sample_params, &names, &b, &e) != E_OK)
		fail_msg("%s", e.text);
	assert_int_equal(b.sum, 3389);
	assert_int_equal(b.sum,
			 b.cps_sub1 + b.cps_sub2 + b.cps_leaf + b.mo_sub1 + b.mo_sub2 + b.contract);
	/* the 3388 of A.5 were measured with an EMAID of 14 characters */
	assert_int_equal(profile_der_size(PROFILE_CONTRACT_LEAF, &sample_params, O, CN, O,
					  "DEABCC12345678", &shorter, &e),
			 E_OK);
	assert_int_equal(b.sum - b.contract + shorter, 3388);
}

static void
the_last_byte_fits_and_one_more_is_refused_with_the_sum(void **state)
{
	struct budget_names n = names;
	struct budget b;
	struct err e = {0};

	(void)state;
	n.contract_o = O "9";
	assert_int_equal(budget_check(&sample_params, &n, &b, &e), E_OK);
	assert_int_equal(b.sum, BUDGET_CERTS_MAX);
	n.contract_o = O "90";
	assert_int_equal(budget_check(&sample_params, &n, &b, &e), E_SIZE_BUDGET);
	assert_int_equal(b.sum, 3391);
	assert_non_null(strstr(e.text, "3391"));
	assert_non_null(strstr(e.text, "3390"));
	assert_non_null(strstr(e.text, "cps-sub1 567"));
}

static void
a_url_that_is_longer_is_refused(void **state)
{
	struct profile_params params = sample_params;
	struct budget b;

	(void)state;
	params.ocsp_url = "http://127.0.0.1:8080/ocsp1";
	assert_int_equal(budget_check(&params, &names, &b, NULL), E_SIZE_BUDGET);
	params.policy_oid = NULL;
	assert_int_equal(budget_check(&params, &names, &b, NULL), E_OK);
}

/* The sum is of the longest form: no real certificate is larger. */
static void
real_certificates_are_never_larger_than_their_size(void **state)
{
	struct sample root = {0}, sub = {0}, leaf = {0};
	size_t bytes = 0, i;
	bool reached = false;

	(void)state;
	sample_issue(&root, PROFILE_V2G_ROOT, NULL, CN, NULL);
	sample_issue(&sub, PROFILE_CPS_SUB1, &root, CN, NULL);
	assert_int_equal(profile_der_size(PROFILE_CPS_SUB2, &sample_params, "V2G Demo", CN,
					  "V2G Demo", CN, &bytes, NULL),
			 E_OK);
	for (i = 0; i < 64; i++) {
		sample_issue(&leaf, PROFILE_CPS_SUB2, &sub, CN, NULL);
		assert_true(leaf.der.n <= bytes);
		reached = reached || leaf.der.n == bytes;
	}
	assert_true(reached); /* one in four signatures has its longest form */
	sample_free(&leaf);
	sample_free(&sub);
	sample_free(&root);
}

static void
a_name_that_cannot_be_is_refused_with_its_certificate(void **state)
{
	struct budget_names n = names;
	struct budget b;
	struct err e = {0};

	(void)state;
	n.cps_cn = "";
	assert_int_equal(budget_check(&sample_params, &n, &b, &e), E_BAD_VALUE);
	assert_non_null(strstr(e.text, "cps-leaf: "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_the_budgets_full_length_fit),
		cmocka_unit_test(the_last_byte_fits_and_one_more_is_refused_with_the_sum),
		cmocka_unit_test(a_url_that_is_longer_is_refused),
		cmocka_unit_test(real_certificates_are_never_larger_than_their_size),
		cmocka_unit_test(a_name_that_cannot_be_is_refused_with_its_certificate),
	};

	return cmocka_run_group_tests(tests, sample_setup, NULL);
}
