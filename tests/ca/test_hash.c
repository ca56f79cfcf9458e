/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/hash.h"
#include "test.h"

static void
hash_of(const struct issue_request *rq, const char *ca, uint8_t out[32])
{
	struct err e = {0};

	assert_int_equal(hash_request(rq, ca, out, &e), E_OK);
}

static void
each_field_of_a_request_counts(void **state)
{
	struct issue_request base = {.request_id = "a",
				     .profile = PROFILE_SECC_LEAF,
				     .algo = algo_get(ALGO_P256),
				     .point = SPAN_LIT("point"),
				     .cn = "cn"};
	struct issue_request other[8];
	uint8_t a[32], b[32];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(other); i++)
		other[i] = base;
	other[0].profile = PROFILE_CONTRACT_LEAF;
	other[1].algo = algo_get(ALGO_P521);
	other[2].point = SPAN_LIT("poin");
	other[3].cn = "tcn"; /* the octet that left the point */
	other[4].o = "";
	other[5].not_before = 1;
	other[6].not_after = 1;
	other[7].san_dns[3] = "x";
	hash_of(&base, "cpo-sub2", a);
	for (i = 0; i < ARRAY_LEN(other); i++) {
		hash_of(&other[i], "cpo-sub2", b);
		assert_memory_not_equal(a, b, sizeof(a));
	}
	hash_of(&base, "cpo-sub3", b);
	assert_memory_not_equal(a, b, sizeof(a));
	base.request_id = "b"; /* not content */
	hash_of(&base, "cpo-sub2", b);
	assert_memory_equal(a, b, sizeof(a));
}

/* I-10 */
static void
i10_each_part_of_a_profile_counts(void **state)
{
	struct profile base = profiles[PROFILE_MO_SUB2], other[12];
	struct profile_params params = {.ocsp_url = "http://a/"}, moved = {.ocsp_url = "http://b/"};
	uint8_t a[32], b[32];
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(other); i++)
		other[i] = base;
	other[0].validity++;
	other[1].validity_max++;
	other[2].ku ^= KU_DIGITAL_SIGNATURE;
	other[3].eku = EKU_SERVER_AUTH;
	other[4].path_len = 1;
	other[5].aia = !base.aia;
	other[6].crldp = !base.crldp;
	other[7].policy = !base.policy;
	other[8].nocheck = !base.nocheck;
	other[9].dc = "V2G";
	other[10].der_max++;
	other[11].ku_switch = 0;
	assert_int_equal(hash_profile(&base, &params, a, &e), E_OK);
	for (i = 0; i < ARRAY_LEN(other); i++) {
		assert_int_equal(hash_profile(&other[i], &params, b, &e), E_OK);
		assert_memory_not_equal(a, b, sizeof(a));
	}
	assert_int_equal(hash_profile(&base, &moved, b, &e), E_OK);
	assert_memory_not_equal(a, b, sizeof(a));
	params.mo_sub2_signs = true;
	assert_int_equal(hash_profile(&base, &params, b, &e), E_OK);
	assert_memory_not_equal(a, b, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_of_a_request_counts),
		cmocka_unit_test(i10_each_part_of_a_profile_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
