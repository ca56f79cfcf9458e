/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pool/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_A "DEABCC12345678"

static int
setup(void **state)
{
	struct fixture *f;

	(void)fixture_setup(state);
	f = *state;
	put_vehicle(f, &f->car);
	return 0;
}

static void
refused(struct fixture *f, const struct contract_order *o, enum err_code code, const char *text)
{
	expect_text(f, pool_contract_generate(f->pool, o, &f->e), code, text);
	assert_int_equal(count_contracts(f, PCID_A), 0);
}

/* The stored bundle, decoded; the caller frees. */
static void
get_bundle(struct fixture *f, const char *key, struct variant_row *v, struct iso2_msg *m)
{
	struct contract_row c;

	get_contract(f, key, &c);
	memset(v, 0, sizeof(*v));
	expect(f, variant_store_get(f->db, c.id, NULL, v, &f->e), E_OK);
	expect(f, iso2_decode(buf_span(&v->exi), m, &f->e), E_OK);
	contract_row_free(&c);
}

static void
order_makes_what_the_car_can_open(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);
	struct secret contract_key = {0};
	struct contract_row c;
	struct variant_row v;
	struct iso2_msg m;
	struct cert cert;

	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_OK);
	get_contract(f, KEY_A, &c);
	assert_string_equal(c.emaid, EMAID_A);
	assert_string_equal(c.pcid, PCID_A);
	assert_string_equal(c.participant, MO);
	assert_true(c.is_default);
	assert_true(c.ours);
	assert_int_equal(c.not_before, o.begins);
	assert_int_equal(c.not_after, o.ends);
	get_bundle(f, KEY_A, &v, &m);
	expect(f, install_res_verify(&m, &f->car.scalar, &contract_key, &f->e), E_OK);
	assert_int_equal(contract_key.n, 32);
	expect(f, cert_parse(m.contract_chain.leaf, &cert, &f->e), E_OK);
	assert_true(span_equal(name_attr(cert.subject, OID_CN), span_str(EMAID_A)));
	assert_true(span_equal(name_attr(cert.subject, OID_O), SPAN_LIT("v2gpki")));
	assert_true(span_equal(m.session_id, SPAN_LIT("\0")));
	assert_true(v.exi.n <= 4200);
	assert_int_equal(f->pki.issued, 1);
	assert_int_equal(f->pki.signatures, 1);
	assert_int_equal(count_events(f, "oem.contract.created"), 1);
	secret_free(&contract_key);
	iso2_msg_free(&m);
	variant_row_free(&v);
	contract_row_free(&c);
}

static void
certificate_is_claimed_with_its_entry(void **state)
{
	struct fixture *f = *state;
	struct cert_row rows[2] = {0};
	size_t n = 0;

	put_contract(f, EMAID_A, PCID_A);
	expect(f, cert_store_unclaimed(f->db, clock_now() + 60, rows, 2, &n, &f->e), E_OK);
	assert_int_equal(n, 0);
	/* A signer that fails leaves the certificate to the reconciler. */
	f->pki.fail_sign = E_HSM_BUSY;
	struct contract_order o = order_of(f, EMAID_B, PCID_A);
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_HSM_BUSY);
	expect(f, cert_store_unclaimed(f->db, clock_now() + 60, rows, 2, &n, &f->e), E_OK);
	assert_int_equal(n, 1);
	cert_row_free(&rows[0]);
	assert_int_equal(count_contracts(f, PCID_A), 1);
}

static void
no_secret_outlives_its_order(void **state)
{
	struct fixture *f = *state;
	struct contract_order o;
	size_t before;

	put_contract(f, EMAID_A, PCID_A);
	before = secret_used();
	put_contract(f, EMAID_A, PCID_A);
	assert_int_equal(secret_used(), before);
	f->pki.fail_issue = E_CA_NO_ISSUER;
	o = order_of(f, EMAID_A, PCID_A);
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_CA_NO_ISSUER);
	assert_int_equal(secret_used(), before);
}

static void
namespace_of_the_order_is_checked(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);

	o.xmlns = NULL;
	refused(f, &o, E_NAMESPACE, "missing");
	o.xmlns = "urn:iso:15118:2:2010:MsgDef";
	refused(f, &o, E_NAMESPACE, "xsdMsgDefNamespace");
	o.xmlns = "urn:iso:15118:20:2022:MsgDef";
	refused(f, &o, E_EDITION, "xsdMsgDefNamespace");
}

static void
ids_of_the_order_are_checked(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, "DEABC", PCID_A);

	refused(f, &o, E_EMAID, "emaid");
	o.emaid = "DEABC_123456788"; /* D35 */
	refused(f, &o, E_EMAID, "emaid");
	o.emaid = "DEABCC1234567890"; /* 16 without separators: not for -2 */
	refused(f, &o, E_EMAID, "emaid");
	o = order_of(f, EMAID_A, "WVA");
	refused(f, &o, E_PCID, "pcid");
	o.pcid = PCID_B;
	refused(f, &o, E_PCID_UNKNOWN, "pcid");
}

static void
wrong_check_digit_is_refused_only_where_enforced(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, KEY_A "9", PCID_A);

	f->conf.emaid_check = CHECK_ENFORCE;
	fixture_reopen(f);
	refused(f, &o, E_EMAID, "check digit");
	f->conf.emaid_check = CHECK_WARN;
	fixture_reopen(f);
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_OK);
}

static void
dates_of_the_order_are_checked(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);

	o.begins = clock_now() - 2 * DAY;
	o.ends = clock_now() - 1;
	refused(f, &o, E_CONTRACT_ENDED, "contractEnds");
	o.begins = o.ends = clock_now() + DAY;
	refused(f, &o, E_VALIDITY, "contractBegins");
	o.begins = clock_now();
	o.ends = o.begins + profiles[PROFILE_CONTRACT_LEAF].validity_max;
	refused(f, &o, E_VALIDITY, "at most");
	o.ends--;
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_OK);
}

static void
texts_of_the_order_are_bounded_and_kept(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);
	struct contract_row c;
	char text[2100];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	o.metadata = text;
	refused(f, &o, E_TOO_BIG, "metaData");
	o.metadata = "{\"a\": 1}";
	o.subscription_url = "ftp://example.com/";
	refused(f, &o, E_BAD_VALUE, "subscriptionUrl");
	memcpy(text, "https://", 8);
	o.subscription_url = text;
	refused(f, &o, E_TOO_BIG, "subscriptionUrl");
	o.subscription_url = "https://example.com/";
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_OK);
	get_contract(f, KEY_A, &c);
	assert_true(span_equal(buf_span(&c.metadata), SPAN_LIT("{\"a\": 1}")));
	assert_true(span_equal(buf_span(&c.subscription_url), SPAN_LIT("https://example.com/")));
	contract_row_free(&c);
}

static void
vehicle_must_be_good_at_the_order(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);

	f->status = E_CERT_REVOKED;
	refused(f, &o, E_CERT_REVOKED, "pcid");
	f->status = E_OK;
	expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_OEM].id, &f->e), E_OK);
	refused(f, &o, E_CERT_UNTRUSTED, "pcid");
	assert_int_equal(f->pki.issued, 0);
}

static void
expired_vehicle_gets_no_contract(void **state)
{
#ifdef TEST_HOOKS
	struct fixture *f = *state;
	struct contract_order o;

	setenv("V2GPKI_TEST_CLOCK", "+2678400", 1); /* 31 days */
	o = order_of(f, EMAID_A, PCID_A);
	refused(f, &o, E_CERT_EXPIRED, "pcid");
#else
	(void)state;
	skip();
#endif
}

static void
emaid_belongs_to_one_pcid(void **state)
{
	struct fixture *f = *state;
	struct soft_key other;
	struct contract_order o;

	expect(f, soft_car(&f->pki, PCID_B, &other, &f->e), E_OK);
	put_vehicle(f, &other);
	put_contract(f, EMAID_A, PCID_A);
	o = order_of(f, EMAID_A, PCID_B);
	expect_text(f, pool_contract_generate(f->pool, &o, &f->e), E_EMAID_TAKEN, "emaid");
	/* 14 characters, hyphens, lower case: the same contract. */
	o.emaid = "de-abc-c12345678";
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_EMAID_TAKEN);
	assert_int_equal(f->pki.issued, 1);
	assert_int_equal(count_contracts(f, PCID_B), 0);
	soft_key_free(&other);
}

static void
update_replaces_the_data_and_keeps_the_default(void **state)
{
	struct fixture *f = *state;
	struct contract_row first, again, second;

	put_contract(f, EMAID_A, PCID_A);
	put_contract(f, EMAID_B, PCID_A);
	get_contract(f, KEY_A, &first);
	put_contract(f, KEY_A, PCID_A); /* 14 characters: an update */
	get_contract(f, KEY_A, &again);
	get_contract(f, "DEABCC00000001", &second);
	assert_int_equal(again.id, first.id);
	assert_true(again.is_default);
	assert_false(second.is_default);
	assert_false(span_equal(buf_span(&first.cert), buf_span(&again.cert)));
	assert_string_equal(again.emaid, KEY_A);
	assert_int_equal(count_contracts(f, PCID_A), 2);
	assert_int_equal(count_events(f, "oem.contract.updated"), 1);
	contract_row_free(&second);
	contract_row_free(&again);
	contract_row_free(&first);
}

static void
order_may_name_the_root_of_its_signer(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);
	char hex[65], upper[96];
	struct variant_row v;
	struct iso2_msg m;
	size_t n = 0;

	hex_encode((struct span){f->root[ROW_V2G_B].fingerprint, 32}, hex, sizeof(hex));
	for (size_t i = 0; i < 32; i++)
		n += (size_t)snprintf(upper + n, sizeof(upper) - n, "%s%02X", i > 0 ? ":" : "",
				      f->root[ROW_V2G_B].fingerprint[i]);
	const char *forms[] = {hex, upper, f->root[ROW_V2G_B].id}; /* D38 */

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		o = order_of(f, EMAID_A, PCID_A);
		o.cps_root = forms[i];
		expect(f, pool_contract_generate(f->pool, &o, &f->e), E_OK);
		get_bundle(f, KEY_A, &v, &m);
		assert_string_equal(v.cps_root, hex);
		assert_true(
			span_equal(m.sa_chain.leaf, buf_span(&f->pki.key[SOFT_CPS_LEAF_B].cert)));
		iso2_msg_free(&m);
		variant_row_free(&v);
	}
}

static void
root_without_signer_is_refused(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);
	struct soft_pki other;
	struct root_row row;

	o.cps_root = "0011";
	refused(f, &o, E_CPS_ROOT, "cpsV2GRootCertificateFingerprint");
	o.cps_root = f->root[ROW_MO].id; /* in the pool, but no V2G root */
	refused(f, &o, E_CPS_ROOT, "cpsV2GRootCertificateFingerprint");
	expect(f, soft_pki_open(&other, NULL, &f->e), E_OK);
	expect(f,
	       pool_root_put(f->pool, "admin", buf_span(&other.key[SOFT_V2G_ROOT].cert), ROOT_V2G,
			     &row, &f->e),
	       E_OK);
	o.cps_root = row.id;
	refused(f, &o, E_CPS_ROOT, "no CPS signer");
	root_row_free(&row);
	soft_pki_close(&other);
}

static void
signer_suits_the_roots_that_the_car_knows(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);
	struct vehicle_view view;
	struct variant_row v;
	struct iso2_msg m;
	struct cert root;
	char list[128] = "[\"00:11\", \"", hex[64];
	size_t n = strlen(list);

	expect(f, cert_parse(buf_span(&f->pki.key[SOFT_V2G_ROOT_B].cert), &root, &f->e), E_OK);
	hex_encode(root.ski, hex, sizeof(hex));
	for (size_t i = 0; i < root.ski.n; i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%02X", i > 0 ? ":" : "",
				      root.ski.p[i]);
	(void)snprintf(list + n, sizeof(list) - n, "\"]");
	in.v2g_akis = list;
	expect(f, pool_vehicle_put(f->pool, &in, &view, &f->e), E_OK);
	vehicle_view_free(&view);
	put_contract(f, EMAID_A, PCID_A);
	get_bundle(f, KEY_A, &v, &m);
	assert_true(span_equal(m.sa_chain.leaf, buf_span(&f->pki.key[SOFT_CPS_LEAF_B].cert)));
	iso2_msg_free(&m);
	variant_row_free(&v);
}

static void
list_of_roots_is_a_hint_and_never_a_refusal(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);
	struct vehicle_view view;

	in.v2g_akis = "[\"00:11:22\"]";
	expect(f, pool_vehicle_put(f->pool, &in, &view, &f->e), E_OK);
	vehicle_view_free(&view);
	put_contract(f, EMAID_A, PCID_A);
}

static void
signer_under_a_root_that_left_the_pool_is_not_used(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);
	struct variant_row v;
	struct iso2_msg m;

	expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_V2G].id, &f->e), E_OK);
	put_contract(f, EMAID_A, PCID_A);
	get_bundle(f, KEY_A, &v, &m);
	assert_true(span_equal(m.sa_chain.leaf, buf_span(&f->pki.key[SOFT_CPS_LEAF_B].cert)));
	iso2_msg_free(&m);
	variant_row_free(&v);
	expect(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, false, &f->e), E_OK);
	expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_V2G_B].id, &f->e), E_OK);
	o = order_of(f, EMAID_A, PCID_A);
	refused(f, &o, E_CA_NO_ISSUER, "CPS");
}

static void
nothing_is_issued_under_a_root_that_no_car_could_use(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);

	expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_MO].id, &f->e), E_OK);
	refused(f, &o, E_CA_NO_ISSUER, "root pool");
	assert_int_equal(f->pki.issued, 0);
}

static void
failing_ca_or_token_leaves_no_entry(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);

	f->pki.fail_issue = E_CA_NO_ISSUER;
	refused(f, &o, E_CA_NO_ISSUER, NULL);
	f->pki.fail_issue = E_OK;
	f->pki.fail_sign = E_HSM_BUSY;
	refused(f, &o, E_HSM_BUSY, NULL);
}

struct meanwhile {
	struct fixture *f;
	struct soft_key other;
};

static void
new_key(void *ctx)
{
	struct meanwhile *m = ctx;

	put_vehicle(m->f, &m->other);
}

/* Another key, and a contract for it at once. */
static void
new_key_and_contract(void *ctx)
{
	struct meanwhile *m = ctx;

	put_vehicle(m->f, &m->other);
	put_contract(m->f, EMAID_A, PCID_A);
}

static void
vehicle_gone(void *ctx)
{
	struct meanwhile *m = ctx;

	expect(m->f, pool_vehicle_delete(m->f->pool, OEM, PCID_A, &m->f->e), E_OK);
}

static void
key_that_changes_during_the_order_gets_no_bundle_for_the_old_one(void **state)
{
	struct fixture *f = *state;
	struct meanwhile m = {.f = f};
	struct contract_order o = order_of(f, EMAID_A, PCID_A);

	expect(f, soft_car(&f->pki, PCID_A, &m.other, &f->e), E_OK);
	f->pki.on_sign = new_key;
	f->pki.on_sign_ctx = &m;
	refused(f, &o, E_BUSY, "order again");
	assert_int_equal(f->pki.revoked, 1);
	/* And a vehicle that leaves: the store sees it in the same transaction. */
	o = order_of(f, EMAID_A, PCID_A);
	f->pki.on_sign = vehicle_gone;
	refused(f, &o, E_PCID_UNKNOWN, "pcid");
	soft_key_free(&m.other);
}

static void
order_for_an_old_key_leaves_the_contract_of_the_new_one_alone(void **state)
{
	struct fixture *f = *state;
	struct meanwhile m = {.f = f};
	struct contract_order o = order_of(f, EMAID_A, PCID_A);

	expect(f, soft_car(&f->pki, PCID_A, &m.other, &f->e), E_OK);
	f->pki.on_sign = new_key_and_contract;
	f->pki.on_sign_ctx = &m;
	expect_text(f, pool_contract_generate(f->pool, &o, &f->e), E_BUSY, "order again");
	assert_int_equal(count_contracts(f, PCID_A), 1);
	install_gives(f, &m.other, "OK");
	soft_key_free(&m.other);
}

static void
order_with_endless_participant_is_refused(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);

	o.actor = "0123456789012345678901234567890123456789012345678901234567890123456789";
	refused(f, &o, E_BAD_VALUE, NULL);
}

static void
signers_are_listed_with_their_roots(void **state)
{
	struct fixture *f = *state;
	struct signer_view *views = NULL;
	size_t n = 0;
	char hex[65];

	expect(f, pool_signers(f->pool, &views, &n, &f->e), E_OK);
	assert_int_equal(n, 2);
	hex_encode((struct span){f->root[ROW_V2G].fingerprint, 32}, hex, sizeof(hex));
	assert_string_equal(views[0].chain.root_fingerprint, hex);
	assert_string_equal(views[0].cps_dn, "DC=CPS,CN=CPS,O=v2gpki");
	assert_string_equal(views[0].root_dn, "DC=V2G,CN=V2G Root,O=v2gpki");
	assert_string_equal(views[0].organisation, "v2gpki");
	assert_true(views[0].not_before < views[0].not_after);
	assert_string_equal(views[1].cps_dn, "DC=CPS,CN=CPS B,O=v2gpki");
	signer_views_free(views, n);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(order_makes_what_the_car_can_open),
		T(certificate_is_claimed_with_its_entry),
		T(no_secret_outlives_its_order),
		T(namespace_of_the_order_is_checked),
		T(ids_of_the_order_are_checked),
		T(wrong_check_digit_is_refused_only_where_enforced),
		T(dates_of_the_order_are_checked),
		T(texts_of_the_order_are_bounded_and_kept),
		T(vehicle_must_be_good_at_the_order),
		T(expired_vehicle_gets_no_contract),
		T(emaid_belongs_to_one_pcid),
		T(update_replaces_the_data_and_keeps_the_default),
		T(order_may_name_the_root_of_its_signer),
		T(root_without_signer_is_refused),
		T(signer_suits_the_roots_that_the_car_knows),
		T(list_of_roots_is_a_hint_and_never_a_refusal),
		T(signer_under_a_root_that_left_the_pool_is_not_used),
		T(nothing_is_issued_under_a_root_that_no_car_could_use),
		T(failing_ca_or_token_leaves_no_entry),
		T(key_that_changes_during_the_order_gets_no_bundle_for_the_old_one),
		T(order_for_an_old_key_leaves_the_contract_of_the_new_one_alone),
		T(order_with_endless_participant_is_refused),
		T(signers_are_listed_with_their_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
