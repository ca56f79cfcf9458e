/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

static const uint8_t digest[32] = {1, 2, 3};

static struct span
point_of(const char *name, struct buf *der, struct cert *c)
{
	struct err e = {0};

	buf_clear(der);
	assert_int_equal(ca_cert(fx.set, name, der, &e), E_OK);
	assert_int_equal(cert_parse(buf_span(der), c, &e), E_OK);
	return c->point;
}

/* I-2: a signature of the CPS key is on record before it is made; those of the token signer are
 * counted per checkpoint. */
static void
i02_signatures_of_leaves_are_recorded_when_asked(void **state)
{
	size_t before = fixture_audit_count(&fx, NULL);
	struct buf sig = {0}, der = {0};
	struct span d = {digest, sizeof(digest)};
	struct cert c;
	struct err e = {0};

	(void)state;
	assert_int_equal(ca_sign(fx.set, "cps-leaf", d, "bundle.signed", "r1", &sig, &e), E_OK);
	assert_int_equal(sig.n, 64);
	assert_int_equal(ec_verify_digest(algo_get(ALGO_P256), point_of("cps-leaf", &der, &c), d,
					  buf_span(&sig), &e),
			 E_OK);
	assert_int_equal(fixture_audit_count(&fx, NULL), before + 1);
	assert_int_equal(fixture_audit_count(&fx, "bundle.signed"), 1);
	assert_true(fixture_audit_shows(&fx, "r1"));
	buf_clear(&sig);
	assert_int_equal(ca_sign(fx.set, "token-signer", d, NULL, NULL, &sig, &e), E_OK);
	assert_int_equal(ec_verify_digest(algo_get(ALGO_P256), point_of("token-signer", &der, &c),
					  d, buf_span(&sig), &e),
			 E_OK);
	assert_int_equal(fixture_audit_count(&fx, NULL), before + 1);
	buf_free(&der);
	buf_free(&sig);
}

static enum err_code
sign_error(const char *name, size_t n)
{
	struct buf sig = {0};
	struct err e = {0};
	enum err_code rc = ca_sign(fx.set, name, (struct span){digest, n}, "x", NULL, &sig, &e);

	assert_int_equal(sig.n, 0);
	return rc;
}

static void
keys_of_cas_sign_certificates_only(void **state)
{
	uint64_t before = fixture_signatures(&fx, NULL);

	(void)state;
	assert_int_equal(sign_error("cps-sub2", 32), E_CA_UNKNOWN);
	assert_int_equal(sign_error("v2g-root", 32), E_CA_UNKNOWN);
	assert_int_equal(sign_error("nowhere", 32), E_CA_UNKNOWN);
	assert_int_equal(fixture_signatures(&fx, NULL), before);
}

static void
a_digest_of_another_length_is_refused(void **state)
{
	(void)state;
	assert_int_equal(sign_error("cps-leaf", 31), E_BAD_VALUE);
	assert_int_equal(sign_error("cps-leaf", 0), E_BAD_VALUE);
}

static void
a_revoked_leaf_signs_no_more(void **state)
{
	struct buf der = {0};
	struct cert c;
	struct err e = {0};

	(void)state;
	(void)point_of("token-signer", &der, &c); /* for der */
	assert_int_equal(ca_revoke(fx.set, "r", buf_span(&der), 4, "test", &e), E_OK);
	assert_int_equal(sign_error("token-signer", 32), E_CA_NO_ISSUER);
	fixture_close(&fx);
	fixture_open(&fx); /* and not after a restart either */
	assert_int_equal(sign_error("token-signer", 32), E_CA_NO_ISSUER);
	buf_free(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(i02_signatures_of_leaves_are_recorded_when_asked),
		cmocka_unit_test(keys_of_cas_sign_certificates_only),
		cmocka_unit_test(a_digest_of_another_length_is_refused),
		cmocka_unit_test(a_revoked_leaf_signs_no_more),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
