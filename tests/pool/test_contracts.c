/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pool/fixture.h"

#include <stdlib.h>
#include <string.h>

#define KEY_A   "DEABCC12345678"
#define NO_CERT "FAILED_NoCertificateAvailable"

static int
setup(void **state)
{
	struct fixture *f;

	(void)fixture_setup(state);
	f = *state;
	put_vehicle(f, &f->car);
	return 0;
}

/* --- deletion --- */

static void
deletion_revokes_then_deletes(void **state)
{
	struct fixture *f = *state;
	struct contract_row c;

	put_contract(f, EMAID_A, PCID_A);
	get_contract(f, KEY_A, &c);
	expect(f, pool_contract_delete(f->pool, "d", MO, "de-abc-c12345678", false, &f->e), E_OK);
	assert_true(is_revoked(f, &c.cert));
	assert_int_equal(count_contracts(f, PCID_A), 0);
	assert_int_equal(count_events(f, "oem.contract.deleted"), 1);
	install_gives(f, &f->car, NO_CERT);
	expect(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, false, &f->e),
	       E_CONTRACT_UNKNOWN);
	contract_row_free(&c);
}

static void
failed_revocation_keeps_the_contract(void **state)
{
	struct fixture *f = *state;

	put_contract(f, EMAID_A, PCID_A);
	f->pki.fail_revoke = E_HSM_BUSY;
	expect_text(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, false, &f->e), E_HSM_BUSY,
		    "revocation");
	assert_int_equal(count_contracts(f, PCID_A), 1);
	assert_int_equal(count_events(f, "oem.contract.deleted"), 0);
	install_gives(f, &f->car, "OK");
}

static void
revocation_can_be_skipped_for_tests(void **state)
{
	struct fixture *f = *state;
	struct contract_row c;

	put_contract(f, EMAID_A, PCID_A);
	get_contract(f, KEY_A, &c);
	expect(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, true, &f->e), E_OK);
	assert_false(is_revoked(f, &c.cert));
	assert_int_equal(count_contracts(f, PCID_A), 0);
	contract_row_free(&c);
}

/* A car keeps what it has until it installs the next. */
static void
deletion_revokes_what_updates_replaced(void **state)
{
	struct fixture *f = *state;
	struct contract_row first, second;

	put_contract(f, EMAID_A, PCID_A);
	get_contract(f, KEY_A, &first);
	put_contract(f, EMAID_A, PCID_A);
	get_contract(f, KEY_A, &second);
	assert_false(is_revoked(f, &first.cert));
	expect(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, false, &f->e), E_OK);
	assert_true(is_revoked(f, &first.cert));
	assert_true(is_revoked(f, &second.cert));
	contract_row_free(&first);
	contract_row_free(&second);
	/* what comes under the same EMAID later is a contract of its own */
	put_contract(f, EMAID_A, PCID_A);
	install_gives(f, &f->car, "OK");
	expect(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, false, &f->e), E_OK);
	assert_int_equal(f->pki.revoked, 3);
}

/* An issuer that gives the contract a new certificate right after it has revoked the old one. */
struct overtaken {
	struct fixture *f;
	struct issuer real;
	unsigned orders; /* still to come */
	struct contract_row newest;
};

static enum err_code
pass_issue(void *ctx, const struct issue_request *rq, struct issued *out, struct err *e)
{
	struct overtaken *o = ctx;

	return o->real.issue(o->real.ctx, rq, out, e);
}

static enum err_code
pass_chain(void *ctx, enum profile_id leaf, const char *ca, struct issued *out, struct err *e)
{
	struct overtaken *o = ctx;

	return o->real.chain(o->real.ctx, leaf, ca, out, e);
}

static enum err_code
revoke_then_order(void *ctx, const char *request_id, struct span cert, unsigned reason,
		  const char *participant, struct err *e)
{
	struct overtaken *o = ctx;
	enum err_code rc = o->real.revoke(o->real.ctx, request_id, cert, reason, participant, e);

	if (o->orders > 0) {
		o->orders--;
		put_contract(o->f, EMAID_A, PCID_A);
		contract_row_free(&o->newest);
		get_contract(o->f, KEY_A, &o->newest);
	}
	return rc;
}

static void
overtake(struct fixture *f, struct overtaken *o, unsigned orders)
{
	put_contract(f, EMAID_A, PCID_A);
	*o = (struct overtaken){.f = f, .real = soft_issuer(&f->pki), .orders = orders};
	f->conf.issuer = (struct issuer){o, pass_issue, revoke_then_order, pass_chain};
	fixture_reopen(f);
}

static void
certificate_ordered_during_a_deletion_is_revoked_too(void **state)
{
	struct fixture *f = *state;
	struct overtaken o;

	overtake(f, &o, 1);
	expect(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, false, &f->e), E_OK);
	assert_int_equal(f->pki.revoked, 2);
	assert_true(is_revoked(f, &o.newest.cert));
	assert_int_equal(count_contracts(f, PCID_A), 0);
	assert_int_equal(count_events(f, "oem.contract.deleted"), 1);
	contract_row_free(&o.newest);
}

static void
certificate_ordered_while_its_vehicle_goes_is_revoked_too(void **state)
{
	struct fixture *f = *state;
	struct overtaken o;

	overtake(f, &o, 1);
	expect(f, pool_vehicle_delete(f->pool, OEM, PCID_A, &f->e), E_OK);
	assert_true(is_revoked(f, &o.newest.cert));
	assert_int_equal(count_contracts(f, PCID_A), 0);
	contract_row_free(&o.newest);
}

static void
certificate_ordered_while_its_vehicle_gets_a_key_is_revoked_too(void **state)
{
	struct fixture *f = *state;
	struct overtaken o;
	struct soft_key car;

	overtake(f, &o, 1);
	expect(f, soft_car(&f->pki, PCID_A, &car, &f->e), E_OK);
	put_vehicle(f, &car);
	assert_true(is_revoked(f, &o.newest.cert));
	assert_int_equal(count_contracts(f, PCID_A), 0);
	contract_row_free(&o.newest);
	soft_key_free(&car);
}

static void
deletion_that_is_overtaken_again_and_again_gives_up(void **state)
{
	struct fixture *f = *state;
	struct overtaken o;

	overtake(f, &o, 100);
	expect(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, false, &f->e), E_DB_CHANGED);
	assert_false(is_revoked(f, &o.newest.cert));
	assert_int_equal(count_contracts(f, PCID_A), 1);
	assert_int_equal(count_events(f, "oem.contract.deleted"), 0);
	contract_row_free(&o.newest);
}

static void
malformed_emaid_is_refused(void **state)
{
	struct fixture *f = *state;
	struct contract_view *views;
	size_t n;

	expect_text(f, pool_contract_delete(f->pool, "d", MO, "DE", false, &f->e), E_EMAID,
		    "emaid");
	expect_text(f, pool_contracts_by_emaid(f->pool, "DE", NULL, NULL, &views, &n, &f->e),
		    E_EMAID, "emaid");
}

/* --- lists --- */

static void
contract_is_found_by_every_form_of_its_emaid(void **state)
{
	static const char *forms[] = {EMAID_A, KEY_A, "de-abc-c12345678", "DE-ABC-C12345678-8"};
	struct fixture *f = *state;
	struct contract_view *views = NULL;
	size_t n = 0;

	put_contract(f, EMAID_A, PCID_A);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		expect(f, pool_contracts_by_emaid(f->pool, forms[i], NULL, NULL, &views, &n, &f->e),
		       E_OK);
		assert_int_equal(n, 1);
		assert_string_equal(views[0].row.emaid, EMAID_A);
		assert_string_equal(views[0].cps_root_dn, "DC=V2G,CN=V2G Root,O=v2gpki");
		assert_true(views[0].row.is_default);
		assert_true(views[0].row.cert.n > 0);
		contract_views_free(views, n);
	}
}

static void
list_by_emaid_is_filtered_by_namespace_and_root(void **state)
{
	struct fixture *f = *state;
	struct contract_view *views = NULL;
	size_t n = 0;

	put_contract(f, EMAID_A, PCID_A);
	expect(f,
	       pool_contracts_by_emaid(f->pool, EMAID_A, NAMESPACE_2, f->root[ROW_V2G].id, &views,
				       &n, &f->e),
	       E_OK);
	assert_int_equal(n, 1);
	contract_views_free(views, n);
	expect(f,
	       pool_contracts_by_emaid(f->pool, EMAID_A, NULL, f->root[ROW_V2G_B].id, &views, &n,
				       &f->e),
	       E_CONTRACT_UNKNOWN);
	expect(f,
	       pool_contracts_by_emaid(f->pool, EMAID_A, "urn:iso:15118:20:2022:MsgDef", NULL,
				       &views, &n, &f->e),
	       E_CONTRACT_UNKNOWN);
	expect_text(f, pool_contracts_by_emaid(f->pool, EMAID_A, NULL, "00", &views, &n, &f->e),
		    E_CPS_ROOT, "cpsV2GRootCertificateFingerprint");
	expect(f, pool_contracts_by_emaid(f->pool, EMAID_A, "urn:x", NULL, &views, &n, &f->e),
	       E_NAMESPACE);
	expect(f, pool_contracts_by_emaid(f->pool, EMAID_B, NULL, NULL, &views, &n, &f->e),
	       E_CONTRACT_UNKNOWN);
}

/* D19 */
static void
list_of_a_known_vehicle_may_be_empty(void **state)
{
	struct fixture *f = *state;
	struct contract_view *views = NULL;
	size_t n = 1;

	expect(f, pool_contracts_by_pcid(f->pool, PCID_A, NULL, &views, &n, &f->e), E_OK);
	assert_int_equal(n, 0);
	contract_views_free(views, n);
	expect(f, pool_contracts_by_pcid(f->pool, PCID_B, NULL, &views, &n, &f->e),
	       E_VEHICLE_UNKNOWN);
	expect(f, pool_contracts_by_pcid(f->pool, "WVA", NULL, &views, &n, &f->e), E_PCID);
	expect(f, pool_contracts_by_pcid(f->pool, PCID_A, "urn:x", &views, &n, &f->e), E_NAMESPACE);
}

static void
list_of_a_vehicle_has_all_its_contracts(void **state)
{
	static const char *more[] = {"DEABCC00000002", "DEABCC00000003", "DEABCC00000004",
				     "DEABCC00000005", "DEABCC00000006", "DEABCC00000007",
				     "DEABCC00000008", "DEABCC00000009"};
	struct fixture *f = *state;
	struct contract_view *views = NULL;
	size_t n = 0, defaults = 0;

	put_contract(f, EMAID_A, PCID_A);
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		put_contract(f, more[i], PCID_A);
	expect(f, pool_contracts_by_pcid(f->pool, "wva12345678901234", NULL, &views, &n, &f->e),
	       E_OK);
	assert_int_equal(n, 1 + ARRAY_LEN(more));
	for (size_t i = 0; i < n; i++)
		defaults += views[i].row.is_default;
	assert_int_equal(defaults, 1);
	contract_views_free(views, n);
}

/* --- ready bundles --- */

static void
fetch_is(struct fixture *f, const char *session_id, struct span expected)
{
	struct secret key = {0};
	struct install_answer out;
	struct iso2_msg m;

	expect(f,
	       pool_bundle_fetch(
		       f->pool,
		       &(struct bundle_query){"r", EMAID_A, PCID_A, session_id, NULL, NULL}, &out,
		       &f->e),
	       E_OK);
	expect(f, iso2_decode(buf_span(&out.exi), &m, &f->e), E_OK);
	assert_true(span_equal(m.session_id, expected));
	expect(f, install_res_verify(&m, &f->car.scalar, &key, &f->e), E_OK);
	assert_string_equal(out.emaid, EMAID_A);
	secret_free(&key);
	iso2_msg_free(&m);
	install_answer_free(&out);
}

/* D38; nothing counts as handed out that was not. */
static void
fetched_bundle_is_under_the_root_asked_for(void **state)
{
	struct fixture *f = *state;
	struct bundle_query q = {.request_id = "r", .emaid = EMAID_A, .pcid = PCID_A};
	struct install_answer out;
	char hex[HEX_LEN(SHA256_LEN)];

	put_contract(f, EMAID_A, PCID_A);
	hex_encode((struct span){f->root[ROW_V2G].fingerprint, SHA256_LEN}, hex, sizeof(hex));
	q.cps_root = hex;
	expect(f, pool_bundle_fetch(f->pool, &q, &out, &f->e), E_OK);
	install_answer_free(&out);
	q.cps_root = f->root[ROW_V2G].id;
	expect(f, pool_bundle_fetch(f->pool, &q, &out, &f->e), E_OK);
	assert_string_equal(out.cps_root, hex);
	install_answer_free(&out);
	assert_int_equal(count_events(f, "mo.contract.delivered.to.oem"), 2);
	q.cps_root = f->root[ROW_V2G_B].id;
	expect(f, pool_bundle_fetch(f->pool, &q, &out, &f->e), E_CONTRACT_UNKNOWN);
	q.cps_root = "00";
	expect(f, pool_bundle_fetch(f->pool, &q, &out, &f->e), E_CONTRACT_UNKNOWN);
	assert_int_equal(count_events(f, "mo.contract.delivered.to.oem"), 2);
}

/* D20 */
static void
fetched_bundle_has_the_session_asked_for(void **state)
{
	struct fixture *f = *state;

	put_contract(f, EMAID_A, PCID_A);
	fetch_is(f, NULL, SPAN_LIT("\0"));
	fetch_is(f, "", SPAN_LIT("\0"));
	fetch_is(f, "aB", SPAN_LIT("\xab"));
	fetch_is(f, "1122334455667788", SPAN_LIT(SESSION_ID));
	assert_int_equal(count_events(f, "mo.contract.delivered.to.oem"), 4);
}

static void
bad_session_ids_are_refused(void **state)
{
	struct fixture *f = *state;
	struct install_answer out;

	put_contract(f, EMAID_A, PCID_A);
	expect_text(
		f,
		pool_bundle_fetch(f->pool,
				  &(struct bundle_query){"r", EMAID_A, PCID_A, "abc", NULL, NULL},
				  &out, &f->e),
		E_HEX, "sessionID");
	expect_text(f,
		    pool_bundle_fetch(
			    f->pool, &(struct bundle_query){"r", EMAID_A, PCID_A, "xy", NULL, NULL},
			    &out, &f->e),
		    E_HEX, "sessionID");
	expect_text(f,
		    pool_bundle_fetch(f->pool,
				      &(struct bundle_query){"r", EMAID_A, PCID_A,
							     "112233445566778899", NULL, NULL},
				      &out, &f->e),
		    E_BAD_VALUE, "sessionID");
}

static void
fetch_needs_the_pair(void **state)
{
	struct fixture *f = *state;
	struct install_answer out;

	put_contract(f, EMAID_A, PCID_A);
	expect(f,
	       pool_bundle_fetch(f->pool,
				 &(struct bundle_query){"r", EMAID_A, PCID_B, NULL, NULL, NULL},
				 &out, &f->e),
	       E_CONTRACT_UNKNOWN);
	expect(f,
	       pool_bundle_fetch(f->pool,
				 &(struct bundle_query){"r", EMAID_B, PCID_A, NULL, NULL, NULL},
				 &out, &f->e),
	       E_CONTRACT_UNKNOWN);
	expect(f,
	       pool_bundle_fetch(f->pool,
				 &(struct bundle_query){"r", "DE", PCID_A, NULL, NULL, NULL}, &out,
				 &f->e),
	       E_EMAID);
	expect(f,
	       pool_bundle_fetch(f->pool,
				 &(struct bundle_query){"r", EMAID_A, "WVA", NULL, NULL, NULL},
				 &out, &f->e),
	       E_PCID);
	expect(f,
	       pool_bundle_fetch(f->pool,
				 &(struct bundle_query){"r", EMAID_A, PCID_A, NULL, "urn:x", NULL},
				 &out, &f->e),
	       E_NAMESPACE);
	assert_int_equal(out.exi.n, 0);
}

static void
oem_may_fetch_ahead_but_not_what_is_revoked(void **state)
{
	struct fixture *f = *state;
	struct issuer issuer = soft_issuer(&f->pki);
	struct contract_order o = order_of(f, EMAID_A, PCID_A);
	struct install_answer out;
	struct contract_row c;

	o.begins = clock_now() + DAY;
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_OK);
	fetch_is(f, NULL, SPAN_LIT("\0"));
	get_contract(f, KEY_A, &c);
	expect(f, issuer.revoke(issuer.ctx, "r", buf_span(&c.cert), 1, "admin", &f->e), E_OK);
	expect_text(f,
		    pool_bundle_fetch(
			    f->pool, &(struct bundle_query){"r", EMAID_A, PCID_A, NULL, NULL, NULL},
			    &out, &f->e),
		    E_CONTRACT_UNKNOWN, "revoked");
	contract_row_free(&c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(deletion_revokes_then_deletes),
		T(failed_revocation_keeps_the_contract),
		T(revocation_can_be_skipped_for_tests),
		T(deletion_revokes_what_updates_replaced),
		T(certificate_ordered_during_a_deletion_is_revoked_too),
		T(certificate_ordered_while_its_vehicle_goes_is_revoked_too),
		T(certificate_ordered_while_its_vehicle_gets_a_key_is_revoked_too),
		T(deletion_that_is_overtaken_again_and_again_gives_up),
		T(malformed_emaid_is_refused),
		T(contract_is_found_by_every_form_of_its_emaid),
		T(list_by_emaid_is_filtered_by_namespace_and_root),
		T(list_of_a_known_vehicle_may_be_empty),
		T(list_of_a_vehicle_has_all_its_contracts),
		T(fetched_bundle_has_the_session_asked_for),
		T(fetched_bundle_is_under_the_root_asked_for),
		T(bad_session_ids_are_refused),
		T(fetch_needs_the_pair),
		T(oem_may_fetch_ahead_but_not_what_is_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
