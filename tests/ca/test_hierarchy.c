/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/hierarchy.h"
#include "test.h"

static void
every_profile_has_an_issuer_or_signs_itself(void **state)
{
	enum profile_id id, i;

	(void)state;
	for (id = 0; id < PROFILE_COUNT; id++) {
		const struct hierarchy *h = &hierarchy[id];
		unsigned above = 0;

		for (i = 0; i < PROFILE_COUNT; i++)
			above += hierarchy_allows(i, id);
		if (h->issuer == NULL) {
			assert_true(h->above == 0 || id == PROFILE_OCSP_SIGNER);
			assert_true(h->ceremony);
			continue;
		}
		assert_true(above > 0);
		for (i = 0; i < PROFILE_COUNT; i++)
			if (hierarchy[i].name != NULL && strcmp(hierarchy[i].name, h->issuer) == 0)
				break;
		assert_true(i < PROFILE_COUNT);
		assert_true(profiles[i].is_ca);
		assert_true(hierarchy_allows(i, id));
		assert_int_equal(profiles[id].issuer, i); /* the table of profiles says the same */
	}
}

static void
cas_are_made_by_ceremonies_only(void **state)
{
	size_t id;

	(void)state;
	for (id = 0; id < PROFILE_COUNT; id++) {
		if (profiles[id].is_ca) {
			assert_true(hierarchy[id].ceremony);
			assert_non_null(hierarchy[id].name);
		}
	}
}

static void
leaves_never_issue(void **state)
{
	enum profile_id id, leaf;

	(void)state;
	for (leaf = 0; leaf < PROFILE_COUNT; leaf++)
		for (id = 0; id < PROFILE_COUNT && !profiles[leaf].is_ca; id++)
			assert_false(hierarchy_allows(leaf, id));
	assert_false(hierarchy_allows(PROFILE_MO_SUB2, PROFILE_SECC_LEAF));
	assert_false(hierarchy_allows(PROFILE_CPO_SUB1, PROFILE_SECC_LEAF));
	assert_true(hierarchy_allows(PROFILE_V2G_ROOT, PROFILE_MO_SUB1));
}

/* design §7, the quickstart's contract */
static void
the_names_of_the_quickstart_are_there(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < fixture_spec_count; i++) {
		const struct ca_spec *s = &fixture_specs[i];

		assert_string_equal(hierarchy[s->profile].name, s->name);
		if (s->issuer != NULL)
			assert_string_equal(hierarchy[s->profile].issuer, s->issuer);
		else
			assert_null(hierarchy[s->profile].issuer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_profile_has_an_issuer_or_signs_itself),
		cmocka_unit_test(cas_are_made_by_ceremonies_only),
		cmocka_unit_test(leaves_never_issue),
		cmocka_unit_test(the_names_of_the_quickstart_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
