/* SPDX-License-Identifier: Apache-2.0 */
/* I-36: a signed bundle verifies at write and at read; EMAID and PCID are unique; it is replaced
 * atomically; what is deleted, ended or altered is never served. */
#include "tests/pool/fixture.h"

#include <stdlib.h>
#include <string.h>

#define KEY_A   "DEABCC12345678"
#define KEY_B   "DEABCC00000001"
#define NO_CERT "FAILED_NoCertificateAvailable"

static const struct audit_record audit = {.actor = "thief", .action = "contract.altered"};

static int
setup(void **state)
{
	struct fixture *f;

	(void)fixture_setup(state);
	f = *state;
	put_vehicle(f, &f->car);
	put_contract(f, EMAID_A, PCID_A);
	return 0;
}

/* Writes into the store behind the pool's back. */
static void
alter(struct fixture *f, const struct contract_row *c, const struct variant_row *v)
{
	expect(f, contract_store_put(f->db, c, v, &audit, &f->e), E_OK);
}

static void
load(struct fixture *f, const char *key, struct contract_row *c, struct variant_row *v)
{
	memset(v, 0, sizeof(*v));
	get_contract(f, key, c);
	expect(f, variant_store_get(f->db, c->id, NULL, v, &f->e), E_OK);
}

static void
not_served(struct fixture *f)
{
	struct install_answer out;

	install_gives(f, &f->car, NO_CERT);
	expect(f,
	       pool_bundle_fetch(f->pool,
				 &(struct bundle_query){"r", EMAID_A, PCID_A, NULL, NULL, NULL},
				 &out, &f->e),
	       E_CONTRACT_UNKNOWN);
}

static void
altered_bit_anywhere_in_the_signed_part_is_never_served(void **state)
{
	struct fixture *f = *state;
	struct contract_row c;
	struct variant_row v;

	load(f, KEY_A, &c, &v);
	install_gives(f, &f->car, "OK");
	/* The SessionID is in the first octets; everything behind it is covered. */
	for (size_t at = 8; at < v.exi.n - 1; at += v.exi.n / 150) {
		v.exi.p[at] ^= 0x10;
		alter(f, &c, &v);
		not_served(f);
		v.exi.p[at] ^= 0x10;
	}
	alter(f, &c, &v);
	install_gives(f, &f->car, "OK");
	variant_row_free(&v);
	contract_row_free(&c);
}

/* The memory of good bundles is of their bytes: it does not make a second one good. */
static void
bundle_of_another_contract_is_never_served(void **state)
{
	struct fixture *f = *state;
	struct contract_row a, b;
	struct variant_row va, vb;

	put_contract(f, EMAID_B, PCID_A);
	load(f, KEY_A, &a, &va);
	load(f, KEY_B, &b, &vb);
	install_gives(f, &f->car, "OK");
	alter(f, &a, &vb);
	not_served(f);
	variant_row_free(&vb);
	contract_row_free(&b);
	variant_row_free(&va);
	contract_row_free(&a);
}

static void
bundle_under_another_root_than_stored_is_never_served(void **state)
{
	struct fixture *f = *state;
	const enum soft_name roots[] = {SOFT_V2G_ROOT_B};
	struct install_answer out;
	struct contract_row c;
	struct variant_row v;
	struct buf exi = {0};

	load(f, KEY_A, &c, &v);
	hex_encode((struct span){f->root[ROW_V2G_B].fingerprint, 32}, v.cps_root,
		   sizeof(v.cps_root));
	alter(f, &c, &v);
	make_request(f, &f->car, roots, 1, &exi);
	install(f, &exi, NO_CERT, &out);
	install_answer_free(&out);
	buf_free(&exi);
	variant_row_free(&v);
	contract_row_free(&c);
}

/* An attacker with the store but without keys: a whole bundle by a CPS of his own. */
static void
bundle_of_a_strange_cps_is_never_served(void **state)
{
	struct fixture *f = *state;
	struct soft_pki other;
	struct contract_row c;
	struct variant_row v;
	struct iso2_msg m;
	struct keywrap key;
	struct sign_software soft;
	struct msg_signer signer;
	struct install_res rs = {.session_id = SPAN_LIT("\0"), .key = &key, .emaid = EMAID_A};
	struct buf exi = {0};

	load(f, KEY_A, &c, &v);
	expect(f, soft_pki_open(&other, NULL, &f->e), E_OK);
	expect(f, iso2_decode(buf_span(&v.exi), &m, &f->e), E_OK);
	memcpy(key.field, m.encrypted_key.value.p, sizeof(key.field));
	memcpy(key.dh, m.dh_key.value.p, sizeof(key.dh));
	rs.contract = (struct install_chain){m.contract_chain.leaf, m.contract_chain.sub[0],
					     m.contract_chain.sub[1]};
	rs.cps = (struct install_chain){buf_span(&other.key[SOFT_CPS_LEAF].cert),
					buf_span(&other.key[SOFT_CPS_SUB2].cert),
					buf_span(&other.key[SOFT_CPS_SUB1].cert)};
	soft = (struct sign_software){algo_get(ALGO_P256), &other.key[SOFT_CPS_LEAF].scalar};
	signer = sign_with_scalar(&soft);
	expect(f, install_res_make(&rs, &signer, &exi, &f->e), E_OK);
	buf_clear(&v.exi);
	buf_put_span(&v.exi, buf_span(&exi));
	alter(f, &c, &v);
	not_served(f);
	buf_free(&exi);
	iso2_msg_free(&m);
	soft_pki_close(&other);
	variant_row_free(&v);
	contract_row_free(&c);
}

static void
bundle_with_a_bad_signature_is_never_written(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_B, PCID_A);

	f->pki.bad_signature = true;
	expect_text(f, pool_contract_generate(f->pool, &o, &f->e), E_MSG_SIGNATURE, "CPS");
	assert_int_equal(count_contracts(f, PCID_A), 1);
	/* An update that fails leaves what was there. */
	o = order_of(f, EMAID_A, PCID_A);
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_MSG_SIGNATURE);
	install_gives(f, &f->car, "OK");
}

static void
update_replaces_the_bundle_as_a_whole(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);
	struct variant_row *rows = NULL;
	struct contract_row c;
	size_t n = 0;

	/* Under another root: the bundle of the old certificate must not stay beside it. */
	o.cps_root = f->root[ROW_V2G_B].id;
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_OK);
	get_contract(f, KEY_A, &c);
	expect(f, variant_store_list(f->db, c.id, &rows, &n, &f->e), E_OK);
	assert_int_equal(n, 1);
	variant_row_free(&rows[0]);
	free(rows);
	contract_row_free(&c);
	install_gives(f, &f->car, NO_CERT); /* it knows the first root only */
}

static void
certificate_that_nobody_issued_is_never_served(void **state)
{
	struct fixture *f = *state;
	struct soft_leaf leaf = {.issuer = SOFT_MO_SUB2,
				 .profile = PROFILE_CONTRACT_LEAF,
				 .point = buf_span(&f->car.point),
				 .cn = EMAID_A};
	struct contract_row c;
	struct variant_row v;

	load(f, KEY_A, &c, &v);
	buf_clear(&c.cert);
	expect(f, soft_mint(&f->pki, &leaf, &c.cert, &f->e), E_OK);
	alter(f, &c, &v);
	not_served(f);
	variant_row_free(&v);
	contract_row_free(&c);
}

static void
deleted_contract_is_never_served(void **state)
{
	struct fixture *f = *state;

	install_gives(f, &f->car, "OK");
	expect(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, true, &f->e), E_OK);
	not_served(f);
}

static void
ended_contract_is_never_served(void **state)
{
#ifdef TEST_HOOKS
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);

	o.ends = clock_now() + DAY;
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_OK);
	install_gives(f, &f->car, "OK");
	setenv("V2GPKI_TEST_CLOCK", "+86402", 1);
	not_served(f);
#else
	(void)state;
	skip();
#endif
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(altered_bit_anywhere_in_the_signed_part_is_never_served),
		T(bundle_of_another_contract_is_never_served),
		T(bundle_under_another_root_than_stored_is_never_served),
		T(bundle_of_a_strange_cps_is_never_served),
		T(bundle_with_a_bad_signature_is_never_written),
		T(update_replaces_the_bundle_as_a_whole),
		T(certificate_that_nobody_issued_is_never_served),
		T(deleted_contract_is_never_served),
		T(ended_contract_is_never_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
