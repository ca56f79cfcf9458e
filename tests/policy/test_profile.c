/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/profile.h"
#include "sample.h"

static void
every_profile_builds_lints_and_reads_back(void **state)
{
	enum profile_id id;

	(void)state;
	for (id = 0; id < PROFILE_COUNT; id++) {
		struct sample issuer = {0}, s = {0};
		const struct profile *p = &profiles[id];

		assert_int_equal(p->id, id);
		if (p->issuer != id)
			sample_issue(&issuer, PROFILE_V2G_ROOT, NULL, "Issuer", NULL);
		sample_issue(&s, id, p->issuer != id ? &issuer : NULL, "1234567890", NULL);
		sample_free(&s);
		sample_free(&issuer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_profile_builds_lints_and_reads_back),
	};

	return cmocka_run_group_tests(tests, sample_setup, NULL);
}
