/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/str.h"

static void
known_answers(void **state)
{
	uint8_t md[DIGEST_MAX];
	char hex[HEX_LEN(DIGEST_MAX)];

	(void)state;
	assert_int_equal(sha256(SPAN_LIT("abc"), md, NULL), E_OK);
	hex_encode((struct span){md, 32}, hex, sizeof(hex));
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(sha1(SPAN_LIT("abc"), md, NULL), E_OK);
	hex_encode((struct span){md, 20}, hex, sizeof(hex));
	assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
	/* RFC 4231, test case 2 */
	assert_int_equal(
		hmac_sha256(SPAN_LIT("Jefe"), SPAN_LIT("what do ya want for nothing?"), md, NULL),
		E_OK);
	hex_encode((struct span){md, 32}, hex, sizeof(hex));
	assert_string_equal(hex,
			    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_int_equal(digest_for(algo_get(ALGO_ED448), SPAN_LIT("abc"), md, NULL), E_CRYPTO);
	assert_int_equal(digest_for(algo_get(ALGO_P521), SPAN_LIT("abc"), md, NULL), E_OK);
	assert_int_equal(md[0], 0xdd);
}

static void
uuids_are_random_and_well_formed(void **state)
{
	char a[UUID_LEN], b[UUID_LEN];

	(void)state;
	assert_int_equal(random_uuid(a, NULL), E_OK);
	assert_int_equal(random_uuid(b, NULL), E_OK);
	assert_int_equal(strlen(a), 36);
	assert_int_equal(a[14], '4');
	assert_non_null(strchr("89ab", a[19]));
	assert_string_not_equal(a, b);
}

static void
algorithms_are_found_by_every_key(void **state)
{
	int id;

	(void)state;
	for (id = ALGO_NONE + 1; id < ALGO_COUNT; id++) {
		const struct algo *a = algo_get((enum algo_id)id);

		assert_non_null(a);
		assert_ptr_equal(algo_by_name(a->name), a);
		assert_ptr_equal(algo_by_spki_alg(a->spki_alg), a);
		assert_ptr_equal(algo_by_sig_alg(a->sig_alg), a);
	}
	assert_null(algo_get(ALGO_NONE));
	assert_null(algo_by_name("rsa"));
	assert_null(algo_by_spki_alg(SPAN_LIT("")));
	assert_null(algo_by_sig_alg(SPAN_LIT("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(uuids_are_random_and_well_formed),
		cmocka_unit_test(algorithms_are_found_by_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
