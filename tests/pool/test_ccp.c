/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pool/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_A   "DEABCC12345678"
#define NO_CERT "FAILED_NoCertificateAvailable"
#define CHAIN   "FAILED_CertChainError"

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
no_answer(struct fixture *f, struct span exi, const char *xmlns, enum err_code code,
	  const char *text)
{
	struct install_query q = {"install", "cpo-1", exi, xmlns};
	struct install_answer out;

	expect_text(f, pool_install(f->pool, &q, &out, &f->e), code, text);
	assert_int_equal(out.exi.n, 0);
}

static void
order_until(struct fixture *f, const char *emaid, int64_t begins, int64_t ends)
{
	struct contract_order o = order_of(f, emaid, PCID_A);

	o.begins = begins;
	o.ends = ends;
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_OK);
}

/* The whole main job: what comes back is verified and opened as a car does it. */
static void
car_gets_its_contract(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_A);
	struct secret key = {0};
	struct buf point = {0}, exi = {0};
	struct install_answer out;
	struct iso2_msg m;
	struct cert cert;

	o.metadata = "{\"tariff\": 7}";
	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_OK);
	make_request(f, &f->car, NULL, 0, &exi);
	install(f, &exi, "OK", &out);
	assert_string_equal(out.emaid, EMAID_A);
	assert_int_equal(strlen(out.cps_root), 64);
	assert_true(span_equal(buf_span(&out.metadata), SPAN_LIT("{\"tariff\": 7}")));
	expect(f, iso2_decode(buf_span(&out.exi), &m, &f->e), E_OK);
	assert_true(span_equal(m.session_id, SPAN_LIT(SESSION_ID)));
	expect(f, install_res_verify(&m, &f->car.scalar, &key, &f->e), E_OK);
	expect(f, cert_parse(m.contract_chain.leaf, &cert, &f->e), E_OK);
	expect(f, ec_point_of(algo_get(ALGO_P256), &key, &point, &f->e), E_OK);
	assert_true(span_equal(buf_span(&point), cert.point));
	assert_true(span_equal(m.emaid.value, span_str(EMAID_A)));
	assert_int_equal(count_events(f, "mo.contract.delivered.to.oem"), 1);
	iso2_msg_free(&m);
	buf_free(&point);
	secret_free(&key);
	install_answer_free(&out);
	buf_free(&exi);
}

static void
unreadable_requests_get_no_answer(void **state)
{
	struct fixture *f = *state;
	struct buf exi = {0};

	make_request(f, &f->car, NULL, 0, &exi);
	no_answer(f, SPAN_LIT("\x80\x98\x00"), NAMESPACE_2, E_EXI, "certificateInstallationReq");
	no_answer(f, (struct span){0}, NAMESPACE_2, E_EXI, NULL);
	no_answer(f, buf_span(&exi), NULL, E_NAMESPACE, "xsdMsgDefNamespace");
	no_answer(f, buf_span(&exi), "urn:x", E_NAMESPACE, "xsdMsgDefNamespace");
	no_answer(f, buf_span(&exi), "urn:iso:std:iso:15118:-20:CommonMessages", E_EDITION, NULL);
	buf_free(&exi);
}

static void
answer_sent_as_request_gets_no_answer(void **state)
{
	struct fixture *f = *state;
	struct install_answer out;
	struct buf exi = {0};

	put_contract(f, EMAID_A, PCID_A);
	make_request(f, &f->car, NULL, 0, &exi);
	install(f, &exi, "OK", &out);
	no_answer(f, buf_span(&out.exi), NAMESPACE_2, E_MSG_CONTENT, "CertificateInstallationReq");
	install_answer_free(&out);
	buf_free(&exi);
}

static void
forged_signature_is_a_signature_error(void **state)
{
	struct fixture *f = *state;
	struct soft_key thief = f->car;
	struct buf exi = {0};
	struct secret other = {0};
	struct buf point = {0};
	struct install_answer out;

	put_contract(f, EMAID_A, PCID_A);
	expect(f, ec_generate(algo_get(ALGO_P256), &other, &point, &f->e), E_OK);
	thief.scalar = other; /* the car's certificate without its key */
	make_request(f, &thief, NULL, 0, &exi);
	install(f, &exi, "FAILED_SignatureError", &out);
	assert_string_equal(out.emaid, "");
	install_answer_free(&out);
	buf_free(&exi);
	buf_free(&point);
	secret_free(&other);
}

static void
unsigned_request_is_a_signature_error(void **state)
{
	struct fixture *f = *state;
	struct install_answer out;
	struct iso2_msg m;
	struct buf exi = {0}, bare = {0};

	make_request(f, &f->car, NULL, 0, &exi);
	expect(f, iso2_decode(buf_span(&exi), &m, &f->e), E_OK);
	expect(f, iso2_encode(&m, NULL, &bare, &f->e), E_OK);
	install(f, &bare, "FAILED_SignatureError", &out);
	install_answer_free(&out);
	iso2_msg_free(&m);
	buf_free(&bare);
	buf_free(&exi);
}

static void
another_key_under_the_same_pcid_is_a_chain_error(void **state)
{
	struct fixture *f = *state;
	struct soft_key other;

	put_contract(f, EMAID_A, PCID_A);
	expect(f, soft_car(&f->pki, PCID_A, &other, &f->e), E_OK);
	install_gives(f, &other, CHAIN);
	soft_key_free(&other);
}

static void
same_key_certified_by_a_stranger_is_a_chain_error(void **state)
{
	struct fixture *f = *state;
	struct soft_key copy = f->car;
	struct soft_pki other;
	struct soft_leaf leaf = {.issuer = SOFT_OEM_SUB2,
				 .profile = PROFILE_PROVISIONING_LEAF,
				 .point = buf_span(&f->car.point),
				 .cn = PCID_A};

	put_contract(f, EMAID_A, PCID_A);
	expect(f, soft_pki_open(&other, NULL, &f->e), E_OK);
	copy.cert = (struct buf){0};
	expect(f, soft_mint(&other, &leaf, &copy.cert, &f->e), E_OK);
	install_gives(f, &copy, CHAIN);
	buf_free(&copy.cert);
	soft_pki_close(&other);
}

static void
other_certificate_of_the_car_may_not_be_expired(void **state)
{
	struct fixture *f = *state;
	struct soft_key copy = f->car;
	struct soft_leaf leaf = {.issuer = SOFT_OEM_SUB2,
				 .profile = PROFILE_PROVISIONING_LEAF,
				 .point = buf_span(&f->car.point),
				 .cn = PCID_A,
				 .not_before = clock_now() - 10 * DAY,
				 .not_after = clock_now() - 1};

	put_contract(f, EMAID_A, PCID_A);
	copy.cert = (struct buf){0};
	expect(f, soft_mint(&f->pki, &leaf, &copy.cert, &f->e), E_OK);
	install_gives(f, &copy, "FAILED_CertificateExpired");
	buf_free(&copy.cert);
}

static void
unknown_pcid_has_no_certificate(void **state)
{
	struct fixture *f = *state;
	struct soft_key other;

	expect(f, soft_car(&f->pki, PCID_B, &other, &f->e), E_OK);
	install_gives(f, &other, NO_CERT);
	soft_key_free(&other);
	/* A common name that is no PCID at all. */
	expect(f, soft_car(&f->pki, "NOT-A-PCID", &other, &f->e), E_OK);
	install_gives(f, &other, NO_CERT);
	soft_key_free(&other);
}

static void
vehicle_without_contract_has_no_certificate(void **state)
{
	struct fixture *f = *state;

	install_gives(f, &f->car, NO_CERT);
	assert_int_equal(count_events(f, "mo.contract.delivered.to.oem"), 0);
}

static void
negative_answer_is_the_published_one(void **state)
{
	struct fixture *f = *state;
	const char *shared = getenv("SHARED");
	struct buf text = {0}, sample = {0}, exi = {0}, again = {0};
	struct install_answer out;
	struct iso2_msg m;
	char path[512], line[256];
	FILE *in = NULL;

	if (shared != NULL) {
		(void)snprintf(path, sizeof(path),
			       "%s/vectors/protocol/opcp-cires-iso2-no-contract.b64", shared);
		in = fopen(path, "re");
	}
	if (in == NULL) {
		print_message("the published sample is not here\n");
		skip();
	}
	while (fgets(line, sizeof(line), in) != NULL)
		buf_put_str(&text, line);
	(void)fclose(in);
	expect(f, base64_decode(buf_span(&text), &sample, &f->e), E_OK);
	expect(f, iso2_decode(buf_span(&sample), &m, &f->e), E_OK);
	make_request(f, &f->car, NULL, 0, &exi);
	/* The SessionID is outside the signature of a request, too. */
	expect(f, iso2_set_session_id(buf_span(&exi), m.session_id, &again, &f->e), E_OK);
	install(f, &again, NO_CERT, &out);
	assert_true(span_equal(buf_span(&out.exi), buf_span(&sample)));
	install_answer_free(&out);
	iso2_msg_free(&m);
	buf_free(&again);
	buf_free(&exi);
	buf_free(&sample);
	buf_free(&text);
}

static void
negative_answer_echoes_the_session(void **state)
{
	struct fixture *f = *state;
	struct install_answer out;
	struct buf exi = {0};
	struct iso2_msg m;

	make_request(f, &f->car, NULL, 0, &exi);
	install(f, &exi, NO_CERT, &out);
	expect(f, iso2_decode(buf_span(&out.exi), &m, &f->e), E_OK);
	assert_true(span_equal(m.session_id, SPAN_LIT(SESSION_ID)));
	assert_int_equal(m.signature, 0);
	assert_int_equal(m.code, ISO2_FAILED_NoCertificateAvailable);
	iso2_msg_free(&m);
	install_answer_free(&out);
	buf_free(&exi);
}

static void
root_of_the_vehicle_that_left_is_a_chain_error(void **state)
{
	struct fixture *f = *state;

	put_contract(f, EMAID_A, PCID_A);
	expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_OEM].id, &f->e), E_OK);
	install_gives(f, &f->car, CHAIN);
}

static void
status_of_the_vehicle_decides_the_code(void **state)
{
	struct fixture *f = *state;

	put_contract(f, EMAID_A, PCID_A);
	f->status = E_CERT_REVOKED;
	install_gives(f, &f->car, "FAILED_CertificateRevoked");
	f->status = E_BUSY; /* cannot be found out: D29 */
	install_gives(f, &f->car, NO_CERT);
}

static void
car_is_served_under_a_root_that_it_knows(void **state)
{
	struct fixture *f = *state;
	const enum soft_name only_b[] = {SOFT_V2G_ROOT_B};
	const enum soft_name both[] = {SOFT_V2G_ROOT_B, SOFT_V2G_ROOT}; /* the second DN reversed */
	const enum soft_name mo[] = {SOFT_MO_ROOT};
	struct install_answer out;
	struct buf exi = {0};

	put_contract(f, EMAID_A, PCID_A); /* under the first V2G root */
	make_request(f, &f->car, only_b, 1, &exi);
	install(f, &exi, NO_CERT, &out);
	install_answer_free(&out);
	buf_clear(&exi);
	make_request(f, &f->car, both, 2, &exi);
	install(f, &exi, "OK", &out);
	install_answer_free(&out);
	buf_clear(&exi);
	make_request(f, &f->car, mo, 1, &exi); /* no V2G root */
	install(f, &exi, NO_CERT, &out);
	install_answer_free(&out);
	buf_free(&exi);
}

static void
serial_of_the_root_counts_too(void **state)
{
	struct fixture *f = *state;
	struct iso2_root_id id = {0};
	struct install_req rq = {.session_id = SPAN_LIT(SESSION_ID),
				 .certificate = buf_span(&f->car.cert),
				 .scalar = &f->car.scalar,
				 .roots = &id,
				 .n_roots = 1};
	struct install_answer out;
	struct buf exi = {0};
	struct cert root;

	put_contract(f, EMAID_A, PCID_A);
	expect(f, cert_parse(buf_span(&f->pki.key[SOFT_V2G_ROOT].cert), &root, &f->e), E_OK);
	id.issuer = SPAN_LIT("dc=V2G, o=v2gpki , cn=V2G Root"); /* another order and spelling */
	id.serial = root.serial;
	expect(f, install_req_make(&rq, &exi, &f->e), E_OK);
	install(f, &exi, "OK", &out);
	install_answer_free(&out);
	buf_clear(&exi);
	id.negative = true;
	expect(f, install_req_make(&rq, &exi, &f->e), E_OK);
	install(f, &exi, NO_CERT, &out);
	install_answer_free(&out);
	buf_clear(&exi);
	id = (struct iso2_root_id){id.issuer, SPAN_LIT("\x30\x39"), false}; /* 12345 */
	expect(f, install_req_make(&rq, &exi, &f->e), E_OK);
	install(f, &exi, NO_CERT, &out);
	install_answer_free(&out);
	buf_free(&exi);
}

static void
default_contract_is_delivered(void **state)
{
	struct fixture *f = *state;
	const struct audit_record audit = {.actor = OEM, .action = "contract.default"};
	struct install_answer out;
	struct contract_row c;
	struct buf exi = {0};

	put_contract(f, EMAID_A, PCID_A);
	put_contract(f, EMAID_B, PCID_A);
	make_request(f, &f->car, NULL, 0, &exi);
	install(f, &exi, "OK", &out);
	assert_string_equal(out.emaid, EMAID_A);
	install_answer_free(&out);
	get_contract(f, "DEABCC00000001", &c);
	expect(f, contract_store_set_default(f->db, c.id, &audit, &f->e), E_OK);
	install(f, &exi, "OK", &out);
	assert_string_equal(out.emaid, EMAID_B);
	install_answer_free(&out);
	contract_row_free(&c);
	buf_free(&exi);
}

/* D27 */
static void
without_default_only_a_single_contract_is_delivered(void **state)
{
	struct fixture *f = *state;
	struct install_answer out;
	struct buf exi = {0};

	put_contract(f, EMAID_A, PCID_A);
	put_contract(f, EMAID_B, PCID_A);
	put_contract(f, "DEABCC00000002", PCID_A);
	expect(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, false, &f->e), E_OK);
	make_request(f, &f->car, NULL, 0, &exi);
	install(f, &exi, NO_CERT, &out);
	install_answer_free(&out);
	expect(f, pool_contract_delete(f->pool, "d", MO, "DEABCC00000002", false, &f->e), E_OK);
	install(f, &exi, "OK", &out);
	assert_string_equal(out.emaid, EMAID_B);
	install_answer_free(&out);
	buf_free(&exi);
}

/* D27: what cannot be handed out does not count as a second contract. */
static void
contract_that_has_not_begun_does_not_stand_in_the_way(void **state)
{
	struct fixture *f = *state;

	put_contract(f, EMAID_A, PCID_A);
	put_contract(f, EMAID_B, PCID_A);
	order_until(f, "DEABCC00000002", clock_now() + DAY, clock_now() + 30 * DAY);
	expect(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, false, &f->e), E_OK);
	install_gives(f, &f->car, "OK");
}

static void
default_that_cannot_be_delivered_is_not_replaced_by_another(void **state)
{
	struct fixture *f = *state;

	order_until(f, EMAID_A, clock_now() + DAY, clock_now() + 30 * DAY);
	put_contract(f, EMAID_B, PCID_A);
	install_gives(f, &f->car, NO_CERT);
}

static void
contract_is_delivered_from_its_first_second(void **state)
{
	struct fixture *f = *state;

	order_until(f, EMAID_A, clock_now() + 600, clock_now() + 30 * DAY);
	install_gives(f, &f->car, NO_CERT);
#ifdef TEST_HOOKS
	setenv("V2GPKI_TEST_CLOCK", "+601", 1);
	install_gives(f, &f->car, "OK");
#endif
}

static void
ended_contract_is_not_delivered(void **state)
{
#ifdef TEST_HOOKS
	struct fixture *f = *state;

	order_until(f, EMAID_A, clock_now() - 60, clock_now() + 10 * DAY);
	install_gives(f, &f->car, "OK");
	setenv("V2GPKI_TEST_CLOCK", "+864001", 1);
	install_gives(f, &f->car, NO_CERT);
#else
	(void)state;
	skip();
#endif
}

static void
revoked_contract_is_not_delivered(void **state)
{
	struct fixture *f = *state;
	struct issuer issuer = soft_issuer(&f->pki);
	struct contract_row c;

	put_contract(f, EMAID_A, PCID_A);
	install_gives(f, &f->car, "OK");
	get_contract(f, KEY_A, &c);
	expect(f, issuer.revoke(issuer.ctx, "r", buf_span(&c.cert), 1, "admin", &f->e), E_OK);
	install_gives(f, &f->car, NO_CERT);
	contract_row_free(&c);
}

static void
bundle_with_a_revoked_certificate_above_is_not_delivered(void **state)
{
	static const enum soft_name above[] = {SOFT_CPS_LEAF, SOFT_CPS_SUB2, SOFT_CPS_SUB1,
					       SOFT_MO_SUB2, SOFT_MO_SUB1};
	struct fixture *f = *state;

	put_contract(f, EMAID_A, PCID_A);
	for (size_t i = 0; i < ARRAY_LEN(above); i++) {
		f->status_of = buf_span(&f->pki.key[above[i]].cert);
		f->status = E_CERT_REVOKED;
		install_gives(f, &f->car, NO_CERT);
		f->status = E_BUSY; /* D29 */
		install_gives(f, &f->car, NO_CERT);
		f->status = E_OK;
		install_gives(f, &f->car, "OK");
	}
}

static void
bundle_whose_roots_left_is_not_delivered(void **state)
{
	struct fixture *f = *state;
	struct root_row row;

	put_contract(f, EMAID_A, PCID_A);
	install_gives(f, &f->car, "OK");
	expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_MO].id, &f->e), E_OK);
	install_gives(f, &f->car, NO_CERT);
	expect(f,
	       pool_root_put(f->pool, "admin", buf_span(&f->pki.key[SOFT_MO_ROOT].cert), ROOT_MO,
			     &row, &f->e),
	       E_OK);
	root_row_free(&row);
	install_gives(f, &f->car, "OK");
	expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_V2G].id, &f->e), E_OK);
	install_gives(f, &f->car, NO_CERT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(car_gets_its_contract),
		T(unreadable_requests_get_no_answer),
		T(answer_sent_as_request_gets_no_answer),
		T(forged_signature_is_a_signature_error),
		T(unsigned_request_is_a_signature_error),
		T(another_key_under_the_same_pcid_is_a_chain_error),
		T(same_key_certified_by_a_stranger_is_a_chain_error),
		T(other_certificate_of_the_car_may_not_be_expired),
		T(unknown_pcid_has_no_certificate),
		T(vehicle_without_contract_has_no_certificate),
		T(negative_answer_is_the_published_one),
		T(negative_answer_echoes_the_session),
		T(root_of_the_vehicle_that_left_is_a_chain_error),
		T(status_of_the_vehicle_decides_the_code),
		T(car_is_served_under_a_root_that_it_knows),
		T(serial_of_the_root_counts_too),
		T(default_contract_is_delivered),
		T(without_default_only_a_single_contract_is_delivered),
		T(contract_that_has_not_begun_does_not_stand_in_the_way),
		T(default_that_cannot_be_delivered_is_not_replaced_by_another),
		T(contract_is_delivered_from_its_first_second),
		T(ended_contract_is_not_delivered),
		T(revoked_contract_is_not_delivered),
		T(bundle_with_a_revoked_certificate_above_is_not_delivered),
		T(bundle_whose_roots_left_is_not_delivered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
