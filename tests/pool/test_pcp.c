/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pool/fixture.h"

#include <stdlib.h>
#include <string.h>

#define LEAF "vehicleCertificate"
#define SUB2 "subCA2Certificate"
#define SUB1 "subCA1Certificate"

static void
refused(struct fixture *f, const struct vehicle_put *in, enum err_code code, const char *text)
{
	struct vehicle_view view;

	expect_text(f, pool_vehicle_put(f->pool, in, &view, &f->e), code, text);
	expect(f, pool_vehicle_lookup(f->pool, PCID_A, &f->e), E_VEHICLE_UNKNOWN);
}

/* A leaf for the fixture's key with something else than usual. */
static void
refused_leaf(struct fixture *f, struct soft_leaf *leaf, enum err_code code, const char *text)
{
	struct vehicle_put in = vehicle_of(f, &f->car);
	struct buf der = {0};

	leaf->point = buf_span(&f->car.point);
	expect(f, soft_mint(&f->pki, leaf, &der, &f->e), E_OK);
	in.leaf = buf_span(&der);
	refused(f, &in, code, text);
	buf_free(&der);
}

static void
stored_vehicle_shows_its_root(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);
	struct vehicle_view put, got;
	struct cert root;
	char serial[65];

	in.previous_pcid = PCID_B;
	in.v2g_akis = "[\"aa:bb\"]";
	expect(f, pool_vehicle_put(f->pool, &in, &put, &f->e), E_OK);
	expect(f, cert_parse(buf_span(&f->pki.key[SOFT_OEM_ROOT].cert), &root, &f->e), E_OK);
	hex_encode(root.serial, serial, sizeof(serial));
	assert_string_equal(put.root_serial, serial);
	assert_string_equal(put.root_dn, "DC=OEM,CN=OEM Root,O=v2gpki");
	assert_int_equal(strlen(put.root_aki), root.ski.n * 3 - 1);
	assert_int_equal(strlen(put.fingerprint), 64);
	expect(f, pool_vehicle_get(f->pool, PCID_A, &got, &f->e), E_OK);
	assert_string_equal(got.row.pcid, PCID_A);
	assert_string_equal(got.row.previous_pcid, PCID_B);
	assert_string_equal(got.row.participant, OEM);
	assert_true(span_equal(buf_span(&got.row.v2g_akis), SPAN_LIT("[\"aa:bb\"]")));
	assert_true(span_equal(buf_span(&got.row.leaf), in.leaf));
	assert_string_equal(got.root_aki, put.root_aki);
	assert_string_equal(got.fingerprint, put.fingerprint);
	expect(f, pool_vehicle_lookup(f->pool, PCID_A, &f->e), E_OK);
	assert_int_equal(count_events(f, "mo.prov.cert.updated"), 0);
	vehicle_view_free(&got);
	vehicle_view_free(&put);
}

static void
pcid_in_lower_case_is_the_same(void **state)
{
	struct fixture *f = *state;
	struct soft_key car;
	struct vehicle_view view;

	expect(f, soft_car(&f->pki, "huboemprovcqa0615", &car, &f->e), E_OK);
	put_vehicle(f, &car);
	expect(f, pool_vehicle_get(f->pool, "HUBOEMPROVCQA0615", &view, &f->e), E_OK);
	assert_string_equal(view.row.given, "huboemprovcqa0615");
	vehicle_view_free(&view);
	soft_key_free(&car);
}

static void
chain_with_one_sub_ca_is_accepted(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);
	struct vehicle_view view;
	struct buf sub = {0};
	struct soft_leaf ca = {.issuer = SOFT_OEM_ROOT,
			       .profile = PROFILE_OEM_SUB2,
			       .point = buf_span(&f->pki.key[SOFT_OEM_SUB2].point),
			       .cn = "OEM Sub2"};

	expect(f, soft_mint(&f->pki, &ca, &sub, &f->e), E_OK);
	in.sub2 = (struct span){0};
	in.sub1 = buf_span(&sub);
	expect(f, pool_vehicle_put(f->pool, &in, &view, &f->e), E_OK);
	vehicle_view_free(&view);
	put_contract(f, EMAID_A, PCID_A);
	install_gives(f, &f->car, "OK");
	buf_free(&sub);
}

static void
missing_certificates_are_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);

	in.leaf = (struct span){0};
	refused(f, &in, E_BAD_VALUE, LEAF);
	in = vehicle_of(f, &f->car);
	in.sub1 = (struct span){0};
	refused(f, &in, E_BAD_VALUE, SUB1);
}

static void
undecodable_certificates_are_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);

	in.leaf.n--;
	refused(f, &in, E_CERT_MALFORMED, LEAF);
	in = vehicle_of(f, &f->car);
	in.sub2.n--;
	refused(f, &in, E_CERT_MALFORMED, SUB2);
	in = vehicle_of(f, &f->car);
	in.sub1.n--;
	refused(f, &in, E_CERT_MALFORMED, SUB1);
}

static void
name_that_is_no_pcid_is_refused(void **state)
{
	struct soft_leaf leaf = {
		.issuer = SOFT_OEM_SUB2, .profile = PROFILE_PROVISIONING_LEAF, .cn = "WVA1234"};

	refused_leaf(*state, &leaf, E_PCID, LEAF);
	leaf.cn = "WVA-2345678901234";
	refused_leaf(*state, &leaf, E_PCID, LEAF);
	leaf.cn = PCID_A "567890";
	refused_leaf(*state, &leaf, E_PCID, LEAF);
}

static void
expired_leaf_is_refused(void **state)
{
	struct soft_leaf leaf = {.issuer = SOFT_OEM_SUB2,
				 .profile = PROFILE_PROVISIONING_LEAF,
				 .cn = PCID_A,
				 .not_before = clock_now() - 10 * DAY,
				 .not_after = clock_now() - 1};

	refused_leaf(*state, &leaf, E_CERT_EXPIRED, LEAF);
}

static void
expired_sub_cas_are_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);
	struct buf sub = {0};
	struct soft_leaf ca = {.issuer = SOFT_OEM_SUB1,
			       .profile = PROFILE_OEM_SUB2,
			       .point = buf_span(&f->pki.key[SOFT_OEM_SUB2].point),
			       .cn = "OEM Sub2",
			       .not_before = clock_now() - 10 * DAY,
			       .not_after = clock_now() - 1};

	expect(f, soft_mint(&f->pki, &ca, &sub, &f->e), E_OK);
	in.sub2 = buf_span(&sub);
	refused(f, &in, E_CERT_EXPIRED, SUB2);
	buf_clear(&sub);
	ca.issuer = SOFT_OEM_ROOT;
	ca.profile = PROFILE_OEM_SUB1;
	ca.cn = "OEM Sub1";
	ca.point = buf_span(&f->pki.key[SOFT_OEM_SUB1].point);
	expect(f, soft_mint(&f->pki, &ca, &sub, &f->e), E_OK);
	in = vehicle_of(f, &f->car);
	in.sub1 = buf_span(&sub);
	refused(f, &in, E_CERT_EXPIRED, SUB1);
	buf_free(&sub);
}

static void
leaf_of_a_clock_that_runs_ahead_is_accepted_for_five_minutes(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);
	struct vehicle_view view;
	struct buf der = {0};
	struct soft_leaf leaf = {.issuer = SOFT_OEM_SUB2,
				 .profile = PROFILE_PROVISIONING_LEAF,
				 .cn = PCID_A,
				 .not_before = clock_now() + 400};

	refused_leaf(f, &leaf, E_CERT_NOT_YET, LEAF);
	leaf.not_before = clock_now() + 200;
	expect(f, soft_mint(&f->pki, &leaf, &der, &f->e), E_OK);
	in.leaf = buf_span(&der);
	expect(f, pool_vehicle_put(f->pool, &in, &view, &f->e), E_OK);
	vehicle_view_free(&view);
	buf_free(&der);
}

static void
leaf_whose_key_may_not_agree_is_refused(void **state)
{
	struct soft_leaf leaf = {
		.issuer = SOFT_OEM_SUB2, .profile = PROFILE_CPS_LEAF, .cn = PCID_A};

	refused_leaf(*state, &leaf, E_CERT_PROFILE, "keyAgreement");
}

static void
ca_as_leaf_is_refused(void **state)
{
	struct soft_leaf leaf = {
		.issuer = SOFT_OEM_SUB2, .profile = PROFILE_OEM_SUB2, .cn = PCID_A};

	refused_leaf(*state, &leaf, E_CERT_PROFILE, "CA");
}

static void
bad_status_of_each_certificate_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);
	struct span der[] = {in.leaf, in.sub2, in.sub1};
	const char *name[] = {LEAF, SUB2, SUB1};

	for (size_t i = 0; i < ARRAY_LEN(der); i++) {
		f->status_of = der[i];
		f->status = E_CERT_REVOKED;
		refused(f, &in, E_CERT_REVOKED, name[i]);
		/* Nobody answers: nothing is stored, try later (D29). */
		f->status = E_BUSY;
		refused(f, &in, E_BUSY, name[i]);
	}
}

static void
chain_under_an_unknown_root_is_refused(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);
	struct soft_pki other;
	struct soft_key car;

	expect(f, soft_pki_open(&other, NULL, &f->e), E_OK);
	expect(f, soft_car(&other, PCID_A, &car, &f->e), E_OK);
	in.leaf = buf_span(&car.cert);
	in.sub2 = buf_span(&other.key[SOFT_OEM_SUB2].cert);
	in.sub1 = buf_span(&other.key[SOFT_OEM_SUB1].cert);
	refused(f, &in, E_CERT_UNTRUSTED, "root");
	/* The car asks anyway: nobody knows it. */
	install_gives(f, &car, "FAILED_NoCertificateAvailable");
	soft_key_free(&car);
	soft_pki_close(&other);
}

static void
root_of_another_type_anchors_no_vehicle(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);

	in.sub2 = buf_span(&f->pki.key[SOFT_MO_SUB2].cert);
	in.sub1 = buf_span(&f->pki.key[SOFT_MO_SUB1].cert);
	refused(f, &in, E_CERT_CHAIN, NULL);
	/* A whole chain, but under the MO root. */
	struct soft_leaf leaf = {.issuer = SOFT_MO_SUB2,
				 .profile = PROFILE_PROVISIONING_LEAF,
				 .point = buf_span(&f->car.point),
				 .cn = PCID_A};
	struct buf der = {0};

	expect(f, soft_mint(&f->pki, &leaf, &der, &f->e), E_OK);
	in.leaf = buf_span(&der);
	refused(f, &in, E_CERT_UNTRUSTED, NULL);
	buf_free(&der);
}

static void
forged_leaf_is_refused(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);

	f->car.cert.p[f->car.cert.n - 1] ^= 1;
	refused(f, &in, E_CERT_SIGNATURE, LEAF);
}

static void
keys_off_the_curve_are_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);
	struct buf sub = {0};
	struct cert c;

	buf_put_span(&sub, in.sub2);
	expect(f, buf_ok(&sub, &f->e), E_OK);
	expect(f, cert_parse(buf_span(&sub), &c, &f->e), E_OK);
	sub.p[c.point.p - sub.p] = 0x03;
	in.sub2 = buf_span(&sub);
	refused(f, &in, E_CERT_SIGNATURE, LEAF);
	expect(f, cert_parse(buf_span(&f->car.cert), &c, &f->e), E_OK);
	f->car.cert.p[c.point.p - f->car.cert.p] = 0x03;
	in = vehicle_of(f, &f->car);
	refused(f, &in, E_CERT_PROFILE, LEAF);
	buf_free(&sub);
}

static void
unknown_namespace_and_bad_previous_pcid_are_refused(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);

	in.xmlns = "urn:iso:15118:3";
	refused(f, &in, E_NAMESPACE, "xsdMsgDefNamespace");
	in = vehicle_of(f, &f->car);
	in.previous_pcid = "WVA";
	refused(f, &in, E_PCID, "previousPcid");
	/* A P-256 leaf is none of ISO 15118-20. */
	in = vehicle_of(f, &f->car);
	in.xmlns = "urn:iso:15118:20:2022:MsgDef";
	refused(f, &in, E_CERT_PROFILE, LEAF);
}

static void
endless_lists_and_names_are_refused(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);
	char list[5000];

	memset(list, 'a', sizeof(list));
	list[sizeof(list) - 1] = '\0';
	in.v2g_akis = list;
	refused(f, &in, E_TOO_BIG, "v2gRootAuthorityKeyIdentifiers");
	in = vehicle_of(f, &f->car);
	in.actor = list;
	refused(f, &in, E_BAD_VALUE, NULL);
}

static void
unknown_and_malformed_pcid_are_not_found(void **state)
{
	struct fixture *f = *state;
	struct vehicle_view view;

	expect(f, pool_vehicle_get(f->pool, PCID_B, &view, &f->e), E_VEHICLE_UNKNOWN);
	expect(f, pool_vehicle_get(f->pool, "WVA", &view, &f->e), E_PCID);
	expect(f, pool_vehicle_lookup(f->pool, "WVA", &f->e), E_PCID);
	expect(f, pool_vehicle_delete(f->pool, OEM, PCID_B, &f->e), E_VEHICLE_UNKNOWN);
	expect(f, pool_vehicle_delete(f->pool, OEM, "WVA", &f->e), E_PCID);
}

static void
read_checks_again_and_answers_not_found(void **state)
{
	struct fixture *f = *state;
	struct vehicle_view view;

	put_vehicle(f, &f->car);
	f->status = E_CERT_REVOKED;
	expect_text(f, pool_vehicle_get(f->pool, PCID_A, &view, &f->e), E_VEHICLE_UNKNOWN, LEAF);
	/* Cannot be found out: try later (D28). */
	f->status = E_BUSY;
	expect(f, pool_vehicle_get(f->pool, PCID_A, &view, &f->e), E_BUSY);
	f->status = E_OK;
	expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_OEM].id, &f->e), E_OK);
	expect_text(f, pool_vehicle_get(f->pool, PCID_A, &view, &f->e), E_VEHICLE_UNKNOWN, "root");
}

static void
expired_vehicle_is_not_found(void **state)
{
#ifdef TEST_HOOKS
	struct fixture *f = *state;
	struct vehicle_view view;

	put_vehicle(f, &f->car);
	put_contract(f, EMAID_A, PCID_A);
	setenv("V2GPKI_TEST_CLOCK", "+2678400", 1); /* 31 days */
	expect_text(f, pool_vehicle_get(f->pool, PCID_A, &view, &f->e), E_VEHICLE_UNKNOWN,
		    "expired");
	install_gives(f, &f->car, "FAILED_CertificateExpired");
#else
	(void)state;
	skip();
#endif
}

static void
same_key_keeps_the_contracts(void **state)
{
	struct fixture *f = *state;
	struct soft_key renewed = f->car;
	struct soft_leaf leaf = {.issuer = SOFT_OEM_SUB2,
				 .profile = PROFILE_PROVISIONING_LEAF,
				 .point = buf_span(&f->car.point),
				 .cn = PCID_A};

	put_vehicle(f, &f->car);
	put_contract(f, EMAID_A, PCID_A);
	renewed.cert = (struct buf){0};
	expect(f, soft_mint(&f->pki, &leaf, &renewed.cert, &f->e), E_OK);
	put_vehicle(f, &renewed);
	assert_int_equal(count_contracts(f, PCID_A), 1);
	assert_int_equal(f->pki.revoked, 0);
	/* The car may still show the old certificate: it is the same key from the same sub-CA. */
	install_gives(f, &f->car, "OK");
	install_gives(f, &renewed, "OK");
	buf_free(&renewed.cert);
}

static void
new_key_drops_and_revokes_the_contracts(void **state)
{
	struct fixture *f = *state;
	struct contract_row c;
	struct soft_key other;

	put_vehicle(f, &f->car);
	put_contract(f, EMAID_A, PCID_A);
	put_contract(f, EMAID_B, PCID_A);
	get_contract(f, "DEABCC12345678", &c);
	expect(f, soft_car(&f->pki, PCID_A, &other, &f->e), E_OK);
	put_vehicle(f, &other);
	assert_int_equal(count_contracts(f, PCID_A), 0);
	assert_int_equal(count_events(f, "mo.prov.cert.updated"), 2);
	assert_int_equal(f->pki.revoked, 2);
	assert_true(is_revoked(f, &c.cert));
	install_gives(f, &other, "FAILED_NoCertificateAvailable");
	install_gives(f, &f->car, "FAILED_CertChainError");
	soft_key_free(&other);
	contract_row_free(&c);
}

static void
new_key_changes_nothing_when_revocation_fails(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in;
	struct vehicle_view view;
	struct soft_key other;

	put_vehicle(f, &f->car);
	put_contract(f, EMAID_A, PCID_A);
	expect(f, soft_car(&f->pki, PCID_A, &other, &f->e), E_OK);
	f->pki.fail_revoke = E_HSM_BUSY;
	in = vehicle_of(f, &other);
	expect(f, pool_vehicle_put(f->pool, &in, &view, &f->e), E_HSM_BUSY);
	assert_int_equal(count_contracts(f, PCID_A), 1);
	install_gives(f, &f->car, "OK");
	soft_key_free(&other);
}

static void
deletion_revokes_first_and_tells_each_mo(void **state)
{
	struct fixture *f = *state;
	struct contract_row c;

	put_vehicle(f, &f->car);
	put_contract(f, EMAID_A, PCID_A);
	put_contract(f, EMAID_B, PCID_A);
	get_contract(f, "DEABCC12345678", &c);
	expect(f, pool_vehicle_delete(f->pool, OEM, PCID_A, &f->e), E_OK);
	assert_int_equal(f->pki.revoked, 2);
	assert_true(is_revoked(f, &c.cert));
	assert_int_equal(count_events(f, "mo.prov.cert.deleted"), 2);
	expect(f, pool_vehicle_lookup(f->pool, PCID_A, &f->e), E_VEHICLE_UNKNOWN);
	install_gives(f, &f->car, "FAILED_NoCertificateAvailable");
	contract_row_free(&c);
}

static void
deletion_keeps_everything_when_revocation_fails(void **state)
{
	struct fixture *f = *state;

	put_vehicle(f, &f->car);
	put_contract(f, EMAID_A, PCID_A);
	f->pki.fail_revoke = E_HSM_BUSY;
	expect_text(f, pool_vehicle_delete(f->pool, OEM, PCID_A, &f->e), E_HSM_BUSY, "revocation");
	f->pki.fail_revoke = E_OK;
	expect(f, pool_vehicle_lookup(f->pool, PCID_A, &f->e), E_OK);
	install_gives(f, &f->car, "OK");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(stored_vehicle_shows_its_root),
		T(pcid_in_lower_case_is_the_same),
		T(chain_with_one_sub_ca_is_accepted),
		T(missing_certificates_are_refused_by_name),
		T(undecodable_certificates_are_refused_by_name),
		T(name_that_is_no_pcid_is_refused),
		T(expired_leaf_is_refused),
		T(expired_sub_cas_are_refused_by_name),
		T(leaf_of_a_clock_that_runs_ahead_is_accepted_for_five_minutes),
		T(leaf_whose_key_may_not_agree_is_refused),
		T(ca_as_leaf_is_refused),
		T(bad_status_of_each_certificate_is_refused_by_name),
		T(chain_under_an_unknown_root_is_refused),
		T(root_of_another_type_anchors_no_vehicle),
		T(forged_leaf_is_refused),
		T(keys_off_the_curve_are_refused_by_name),
		T(unknown_namespace_and_bad_previous_pcid_are_refused),
		T(endless_lists_and_names_are_refused),
		T(unknown_and_malformed_pcid_are_not_found),
		T(read_checks_again_and_answers_not_found),
		T(expired_vehicle_is_not_found),
		T(same_key_keeps_the_contracts),
		T(new_key_drops_and_revokes_the_contracts),
		T(new_key_changes_nothing_when_revocation_fails),
		T(deletion_revokes_first_and_tells_each_mo),
		T(deletion_keeps_everything_when_revocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
