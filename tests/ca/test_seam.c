/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

static void
the_issuer_table_issues_revokes_and_shows_its_chain(void **state)
{
	struct issuer is = ca_issuer(fx.set);
	struct buf point = {0};
	struct issue_request rq =
		fixture_request("seam", PROFILE_CONTRACT_LEAF, "DEXYZC000000011", &point);
	struct issued out = {0}, chain = {0};
	struct cert_row row = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(is.issue(is.ctx, &rq, &out, &e), E_OK);
	assert_int_equal(is.chain(is.ctx, PROFILE_CONTRACT_LEAF, NULL, &chain, &e), E_OK);
	assert_true(span_equal(buf_span(&out.sub2), buf_span(&chain.sub2)));
	assert_int_equal(is.revoke(is.ctx, "seam-r", buf_span(&out.leaf), 5, "mo", &e), E_OK);
	assert_int_equal(is.revoke(is.ctx, "seam-r", buf_span(&out.leaf), 5, "mo", &e), E_OK);
	assert_int_equal(cert_store_by_request(fx.db, "seam", &row, &e), E_OK);
	assert_int_equal(row.status, CERT_REVOKED);
	assert_int_equal(row.reason, 5);
	cert_row_free(&row);
	issued_free(&out);
	issued_free(&chain);
	buf_free(&point);
}

/* I-36, as far as the CA goes: what it hands out as signature verifies with the certificate that it
 * hands out as signer. */
static void
i36_the_cps_signs_with_the_key_of_its_chain(void **state)
{
	static const uint8_t digest[32] = {7};
	struct signer s = ca_signer(fx.set);
	struct cps_chain chain = {0};
	struct cert leaf, sub2, sub1, root;
	struct buf sig = {0};
	uint8_t hash[32];
	char hex[65];
	struct err e = {0};

	(void)state;
	assert_int_equal(s.chain(s.ctx, 0, &chain, &e), E_OK);
	assert_string_equal(chain.name, "cps-leaf");
	assert_int_equal(cert_parse(buf_span(&chain.leaf), &leaf, &e), E_OK);
	assert_int_equal(cert_parse(buf_span(&chain.sub2), &sub2, &e), E_OK);
	assert_int_equal(cert_parse(buf_span(&chain.sub1), &sub1, &e), E_OK);
	assert_int_equal(cert_parse(buf_span(&chain.root), &root, &e), E_OK);
	assert_int_equal(cert_verify_link(&leaf, &sub2, &e), E_OK);
	assert_int_equal(cert_verify_link(&sub2, &sub1, &e), E_OK);
	assert_int_equal(cert_verify_link(&sub1, &root, &e), E_OK);
	assert_int_equal(sha256(buf_span(&chain.root), hash, &e), E_OK);
	hex_encode((struct span){hash, 32}, hex, sizeof(hex));
	assert_string_equal(chain.root_fingerprint, hex);
	assert_int_equal(s.sign(s.ctx, "b1", chain.name, (struct span){digest, 32}, &sig, &e),
			 E_OK);
	assert_int_equal(ec_verify_digest(leaf.algo, leaf.point, (struct span){digest, 32},
					  buf_span(&sig), &e),
			 E_OK);
	assert_int_equal(fixture_audit_count(&fx, "bundle.signed"), 1);
	buf_free(&sig);
	cps_chain_free(&chain);
	assert_int_equal(s.chain(s.ctx, 1, &chain, &e), E_NOT_FOUND);
}

static void
the_signer_table_reaches_cps_keys_only(void **state)
{
	static const uint8_t digest[32] = {7};
	struct signer s = ca_signer(fx.set);
	struct buf sig = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(s.sign(s.ctx, "b2", "token-signer", (struct span){digest, 32}, &sig, &e),
			 E_CA_UNKNOWN);
	err_clear(&e);
	assert_int_equal(s.sign(s.ctx, "b2", "cps-sub2", (struct span){digest, 32}, &sig, &e),
			 E_CA_UNKNOWN);
	assert_int_equal(sig.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_issuer_table_issues_revokes_and_shows_its_chain),
		cmocka_unit_test(i36_the_cps_signs_with_the_key_of_its_chain),
		cmocka_unit_test(the_signer_table_reaches_cps_keys_only),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
