/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a bundle, and what open_with_openssl.sh needs to open its key, into a folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/ec.h"
#include "tests/iso15118/parties.h"

static const char *folder;

static void
put_file(const char *name, struct span s)
{
	char path[512];
	FILE *f;

	assert_in_range(snprintf(path, sizeof(path), "%s/%s", folder, name), 1, 511);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
	assert_int_equal(fclose(f), 0);
}

static void
bundle_is_written(void **state)
{
	struct parties p;
	struct secret pem = {0};
	struct buf exi = {0};
	struct iso2_msg m = {0};

	(void)state; /* cmocka */
	parties_make(&p);
	parties_bundle(&p, &exi);
	assert_int_equal(ec_private_to_pem(algo_get(ALGO_P256), &p.car.scalar, &pem, NULL), E_OK);
	assert_int_equal(iso2_decode(buf_span(&exi), &m, NULL), E_OK);
	put_file("bundle.exi", buf_span(&exi));
	put_file("car.pem", secret_span(&pem));
	put_file("dh.bin", m.dh_key.value);
	put_file("field.bin", m.encrypted_key.value);
	put_file("contract-point.bin", buf_span(&p.contract.point));
	iso2_msg_free(&m);
	secret_free(&pem);
	buf_free(&exi);
	parties_free(&p);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(bundle_is_written)};

	if (argc != 2 || secret_init(NULL) != E_OK)
		return 2;
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
