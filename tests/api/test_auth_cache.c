/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/auth_cache.h"

static struct err e;

/* Keys that differ in their last octet stand in one set. */
static const uint8_t *
key(uint8_t last)
{
	static uint8_t k[SHA256_LEN];

	k[SHA256_LEN - 1] = last;
	return k;
}

static void
entries_count_until_their_end_and_not_longer(void **state)
{
	struct auth_cache *c = NULL;
	char party[65] = "";

	(void)state;
	assert_int_equal(auth_cache_open(16, &c, &e), E_OK);
	assert_false(auth_cache_get(c, key(1), 5, party));
	auth_cache_put(c, key(1), "cpo-1", 10);
	assert_true(auth_cache_get(c, key(1), 9, party));
	assert_string_equal(party, "cpo-1");
	assert_false(auth_cache_get(c, key(1), 10, party));
	assert_false(auth_cache_get(c, key(2), 9, party));
	auth_cache_put(c, key(1), "cpo-2", 20);
	assert_true(auth_cache_get(c, key(1), 15, party));
	assert_string_equal(party, "cpo-2");
	auth_cache_close(c);
}

static void
the_entry_that_ends_first_gives_way(void **state)
{
	struct auth_cache *c = NULL;
	char party[65] = "";
	uint8_t i;

	(void)state;
	assert_int_equal(auth_cache_open(16, &c, &e), E_OK);
	for (i = 0; i < 5; i++)
		auth_cache_put(c, key(i), "x", 100 + i);
	assert_false(auth_cache_get(c, key(0), 1, party));
	for (i = 1; i < 5; i++)
		assert_true(auth_cache_get(c, key(i), 1, party));
	auth_cache_close(c);
	auth_cache_close(NULL);
}

static void
a_free_place_is_no_entry_of_the_zero_key(void **state)
{
	static const uint8_t zero[SHA256_LEN];
	struct auth_cache *c = NULL;
	char party[65] = "";

	(void)state;
	assert_int_equal(auth_cache_open(16, &c, &e), E_OK);
	assert_false(auth_cache_get(c, zero, 0, party));
	assert_false(auth_cache_get(c, zero, 1, party));
	auth_cache_close(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_count_until_their_end_and_not_longer),
		cmocka_unit_test(the_entry_that_ends_first_gives_way),
		cmocka_unit_test(a_free_place_is_no_entry_of_the_zero_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
