/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "policy/role.h"

/* The matrix once more, cell by cell, as spec/protocols 1.4 prints it: OEM, CPO, MO with own PKI,
 * MO with V2G PKI, CPS, ADMIN, OPERATOR, APPROVER, AUDITOR. '-' refused, 'a' all, 'w' own WMI, 'p'
 * own provider id, 'o' own operator id. */
static const uint32_t columns[] = {ROLE_OEM,   ROLE_CPO,      ROLE_MO_OWN,   ROLE_MO_V2G, ROLE_CPS,
				   ROLE_ADMIN, ROLE_OPERATOR, ROLE_APPROVER, ROLE_AUDITOR};
static const struct {
	enum call call;
	const char *cells;
} matrix[] = {
	{CALL_ROOT_READ, "aaaaaa---"},
	{CALL_ROOT_WRITE, "-----a---"},
	{CALL_VEHICLE_WRITE, "w--------"},
	{CALL_VEHICLE_READ, "w-aaa----"},
	{CALL_SIGNER_READ, "aaaaaa---"},
	{CALL_CONTRACT_SIGN, "--p------"},
	{CALL_CONTRACT_GENERATE, "---p-----"},
	{CALL_INSTALL, "-a-------"},
	{CALL_BUNDLE_WRITE, "--ppa----"},
	{CALL_CONTRACT_DELETE, "--pp-----"},
	{CALL_CONTRACT_LOOKUP, "--pp-----"},
	{CALL_CONTRACT_LIST, "w--------"},
	{CALL_BUNDLE_FETCH, "w--------"},
	{CALL_CONTRACT_DEFAULT, "w--------"},
	{CALL_EST_CACERTS, "aaaaaa---"},
	{CALL_EST_CPO, "-o-------"},
	{CALL_EST_MO, "---p-----"},
	{CALL_EST_OEM, "w--------"},
	{CALL_EST_CPS, "----a----"},
	{CALL_EST_VEH, "w--------"},
	{CALL_ADMIN_READ, "-----aaaa"},
	{CALL_ADMIN_WRITE, "-----a---"},
};

static struct principal
caller(uint32_t roles)
{
	struct principal p = {.id = "someone", .roles = roles};

	(void)str_copy(p.wmi[p.wmis++], PREFIX_MAX, "WVA");
	(void)str_copy(p.wmi[p.wmis++], PREFIX_MAX, "WVB");
	(void)str_copy(p.provider[p.providers++], PREFIX_MAX, "DEXYZ");
	(void)str_copy(p.operator_id[p.operators++], PREFIX_MAX, "DEABC");
	return p;
}

static void
every_cell_of_the_matrix_holds(void **state)
{
	size_t i, k;

	(void)state;
	assert_int_equal(ARRAY_LEN(matrix), CALL_COUNT);
	for (i = 0; i < CALL_COUNT; i++) {
		assert_int_equal(access_rules[i].call, i);
		assert_int_equal(matrix[i].call, i);
		for (k = 0; k < ARRAY_LEN(columns); k++) {
			struct principal p = caller(columns[k]);
			char cell = matrix[i].cells[k];
			enum err_code own = cell == '-' ? E_ROLE : E_OK;

			assert_int_equal(access_role((enum call)i, &p, NULL), own);
			assert_int_equal(access_scope((enum call)i, &p, "ZZZZZ5678901234567", NULL),
					 cell == '-'   ? E_ROLE
					 : cell == 'a' ? E_OK
					 : cell == 'w' ? E_SCOPE_WMI
					 : cell == 'p' ? E_SCOPE_PROVIDER
						       : E_SCOPE_OPERATOR);
			assert_int_equal(access_scope((enum call)i, &p,
						      cell == 'w'   ? "wvb45678901234567"
						      : cell == 'p' ? "de-xyz-c12345678"
								    : "DE*ABC*E1*2",
						      NULL),
					 own);
		}
	}
}

static void
prefix_of_one_kind_does_not_open_another(void **state)
{
	struct principal p = caller(ROLE_CPO | ROLE_MO_V2G | ROLE_OEM);

	(void)state;
	assert_int_equal(access_scope(CALL_EST_CPO, &p, "DE*XYZ*E1", NULL), E_SCOPE_OPERATOR);
	assert_int_equal(access_scope(CALL_CONTRACT_GENERATE, &p, "DE-ABC-C12345678", NULL),
			 E_SCOPE_PROVIDER);
	assert_int_equal(access_scope(CALL_VEHICLE_WRITE, &p, "DEX45678901234567", NULL),
			 E_SCOPE_WMI);
}

static void
several_roles_add_up(void **state)
{
	struct principal p = caller(ROLE_OEM | ROLE_CPS);

	(void)state;
	assert_int_equal(access_scope(CALL_VEHICLE_READ, &p, "ZZZ45678901234567", NULL), E_OK);
	assert_int_equal(access_scope(CALL_VEHICLE_WRITE, &p, "ZZZ45678901234567", NULL),
			 E_SCOPE_WMI);
}

static void
no_prefix_and_short_subjects_are_refused(void **state)
{
	struct principal p = {.id = "none", .roles = ROLE_OEM};

	(void)state;
	assert_int_equal(access_scope(CALL_VEHICLE_WRITE, &p, "WVA45678901234567", NULL),
			 E_SCOPE_WMI);
	p = caller(ROLE_OEM);
	assert_int_equal(access_scope(CALL_VEHICLE_WRITE, &p, "WV", NULL), E_SCOPE_WMI);
	assert_int_equal(access_scope(CALL_VEHICLE_WRITE, &p, "", NULL), E_SCOPE_WMI);
	assert_int_equal(access_scope(CALL_VEHICLE_WRITE, &p, "-*-", NULL), E_SCOPE_WMI);
}

static void
refusals_name_the_prefix_and_the_roles_but_not_the_subject(void **state)
{
	struct principal p = caller(ROLE_OEM);
	struct err e = {0};

	(void)state;
	assert_int_equal(access_scope(CALL_VEHICLE_WRITE, &p, "zzz45678901234567", &e),
			 E_SCOPE_WMI);
	assert_non_null(strstr(e.text, "ZZZ"));
	assert_null(strstr(e.text, "45678"));
	err_clear(&e);
	assert_int_equal(access_role(CALL_CONTRACT_DELETE, &p, &e), E_ROLE);
	assert_non_null(strstr(e.text, "MO_EXTERNAL_PKI, MO_HUBJECT_PKI"));
}

static void
role_names_go_both_ways(void **state)
{
	uint32_t bit;

	(void)state;
	for (bit = 1; bit < 1u << ROLE_COUNT; bit <<= 1) {
		assert_non_null(role_name(bit));
		assert_int_equal(role_from_name(role_name(bit)), bit);
	}
	assert_int_equal(role_from_name("cpo"), 0);
	assert_int_equal(role_from_name(""), 0);
	assert_null(role_name(1u << ROLE_COUNT));
	assert_null(role_name(ROLE_MO));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_of_the_matrix_holds),
		cmocka_unit_test(prefix_of_one_kind_does_not_open_another),
		cmocka_unit_test(several_roles_add_up),
		cmocka_unit_test(no_prefix_and_short_subjects_are_refused),
		cmocka_unit_test(refusals_name_the_prefix_and_the_roles_but_not_the_subject),
		cmocka_unit_test(role_names_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
