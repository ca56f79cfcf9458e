/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/install.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "tests/iso15118/parties.h"

static struct parties all;

static struct iso2_msg
decode(struct buf *exi)
{
	struct iso2_msg m = {0};
	struct err e = {0};

	if (iso2_decode(buf_span(exi), &m, &e) != E_OK)
		fail_msg("%s", e.text);
	buf_free(exi);
	return m;
}

static struct iso2_msg
own_bundle(void)
{
	struct buf exi = {0};

	parties_bundle(&all, &exi);
	return decode(&exi);
}

/* An answer with the values of m, signed by the CPS over whatever they are now. */
static struct iso2_msg
sign_again(const struct iso2_msg *m)
{
	struct sign_software key;
	const struct msg_signer signer = party_signer(&all.cps, &key);
	struct buf exi = {0};
	struct err e = {0};

	if (iso2_encode_signed(m, &signer, &exi, &e) != E_OK)
		fail_msg("%s", e.text);
	return decode(&exi);
}

static void
request_of_a_car_verifies(void **state)
{
	struct buf exi = {0};
	struct iso2_msg m = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	parties_request(&all, &exi);
	m = decode(&exi);
	assert_int_equal(m.kind, ISO2_INSTALL_REQ);
	assert_int_equal(m.n_roots, 2);
	assert_true(span_equal(m.root[0].issuer, SPAN_LIT("CN=V2G Root,DC=V2G,O=Test,C=DE")));
	assert_true(span_equal(m.root[0].serial, SPAN_LIT("\x7f\x01\x02\x03")));
	assert_true(span_equal(m.oem_certificate, buf_span(&all.car.certificate)));
	assert_int_equal(install_req_verify(&m, &e), E_OK);
	assert_int_equal(install_res_verify_signature(&m, &e), E_MSG_CONTENT);
	iso2_msg_free(&m);
}

static void
forged_request_is_refused(void **state)
{
	const struct install_req rq = {
		.session_id = SPAN_LIT("\x01"),
		.certificate = buf_span(&all.car.certificate),
		.scalar = &all.cps.scalar, /* not the key of the certificate */
		.roots = &(struct iso2_root_id){SPAN_LIT("CN=R"), SPAN_LIT("\x01"), false},
		.n_roots = 1,
	};
	struct buf exi = {0};
	struct iso2_msg m = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(install_req_make(&rq, &exi, &e), E_OK);
	m = decode(&exi);
	assert_int_equal(install_req_verify(&m, &e), E_MSG_SIGNATURE);
	iso2_msg_free(&m);
}

static void
request_needs_certificate_roots_and_a_short_session(void **state)
{
	struct iso2_root_id roots[ISO2_ROOTS_MAX + 1] = {
		{SPAN_LIT("CN=R"), SPAN_LIT("\x01"), false}};
	uint8_t big[801] = {0};
	struct install_req rq = {
		.session_id = SPAN_LIT("\x01"),
		.scalar = &all.car.scalar,
		.roots = roots,
		.n_roots = 1,
	};
	struct buf exi = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(install_req_make(&rq, &exi, NULL), E_MSG_CONTENT);
	rq.certificate = (struct span){big, sizeof(big)};
	assert_int_equal(install_req_make(&rq, &exi, &e), E_EXI_LIMIT);
	assert_non_null(strstr(e.text, "801 bytes: at most 800"));
	rq.certificate = buf_span(&all.car.certificate);
	rq.n_roots = 0;
	assert_int_equal(install_req_make(&rq, &exi, NULL), E_MSG_CONTENT);
	rq.n_roots = ISO2_ROOTS_MAX + 1;
	assert_int_equal(install_req_make(&rq, &exi, NULL), E_MSG_CONTENT);
	rq.n_roots = 1;
	rq.session_id = SPAN_LIT("123456789");
	assert_int_equal(install_req_make(&rq, &exi, NULL), E_EXI_LIMIT);
	buf_free(&exi);
}

static void
request_with_a_certificate_that_is_none_is_refused(void **state)
{
	const struct install_req rq = {
		.session_id = SPAN_LIT("\x01"),
		.certificate = SPAN_LIT("\x30\x03\x02\x01\x01"),
		.scalar = &all.car.scalar,
		.roots = &(struct iso2_root_id){SPAN_LIT("CN=R"), SPAN_LIT("\x01"), false},
		.n_roots = 1,
	};
	struct buf exi = {0};
	struct iso2_msg m = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(install_req_make(&rq, &exi, &e), E_OK);
	m = decode(&exi);
	assert_int_equal(install_req_verify(&m, &e), E_MSG_CONTENT);
	assert_non_null(strstr(e.text, "OEMProvisioningCert"));
	iso2_msg_free(&m);
}

static void
car_opens_its_bundle(void **state)
{
	struct iso2_msg m = own_bundle();
	struct secret key = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(m.contract_chain.n_sub, 2);
	assert_true(span_equal(m.emaid.value, SPAN_LIT("DEABCC123ABC56")));
	assert_int_equal(install_res_verify(&m, &all.car.scalar, &key, &e), E_OK);
	assert_true(span_equal(secret_span(&key), secret_span(&all.contract.scalar)));
	assert_int_equal(install_req_verify(&m, &e), E_MSG_CONTENT);
	secret_free(&key);
	iso2_msg_free(&m);
}

static void
bundle_stays_good_under_another_session(void **state)
{
	struct buf exi = {0}, other = {0};
	struct secret key = {0};
	struct iso2_msg m = {0};

	(void)state; /* cmocka */
	parties_bundle(&all, &exi);
	assert_int_equal(
		iso2_set_session_id(buf_span(&exi), SPAN_LIT("\xff\xfe\xfd"), &other, NULL), E_OK);
	m = decode(&other);
	assert_true(span_equal(m.session_id, SPAN_LIT("\xff\xfe\xfd")));
	assert_int_equal(install_res_verify(&m, &all.car.scalar, &key, NULL), E_OK);
	secret_free(&key);
	iso2_msg_free(&m);
	buf_free(&exi);
}

static void
bundle_for_another_car_does_not_open(void **state)
{
	struct iso2_msg m = own_bundle();
	struct secret key = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(install_res_verify(&m, &all.cps.scalar, &key, &e), E_KEYWRAP);
	assert_null(key.p);
	iso2_msg_free(&m);
}

static void
negative_answer_opens_nothing(void **state)
{
	struct buf exi = {0};
	struct secret key = {0};
	struct iso2_msg m = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(iso2_negative_res(SPAN_LIT("\0"), ISO2_FAILED_NoCertificateAvailable, NULL,
					   &exi, &e),
			 E_OK);
	m = decode(&exi);
	assert_int_equal(install_res_verify(&m, &all.car.scalar, &key, &e), E_MSG_CONTENT);
	assert_non_null(strstr(e.text, "FAILED_NoCertificateAvailable"));
	iso2_msg_free(&m);
}

static void
answer_to_an_update_opens_too(void **state)
{
	struct iso2_msg m = own_bundle(), update;
	struct secret key = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	m.kind = ISO2_UPDATE_RES;
	m.has_retry_counter = true;
	m.retry_counter = -7;
	update = sign_again(&m);
	assert_int_equal(update.kind, ISO2_UPDATE_RES);
	assert_int_equal(update.retry_counter, -7);
	assert_int_equal(install_res_verify(&update, &all.car.scalar, &key, &e), E_OK);
	secret_free(&key);
	iso2_msg_free(&update);
	iso2_msg_free(&m);
}

static void
update_request_is_signed_by_the_old_contract(void **state)
{
	struct sign_software key;
	const struct msg_signer signer = party_signer(&all.contract, &key);
	struct iso2_msg m = {
		.kind = ISO2_UPDATE_REQ,
		.session_id = SPAN_LIT("\x01"),
		.fault = ISO2_NO_NOTIFICATION,
		.id = SPAN_LIT("id1"),
		.contract_chain = {.leaf = buf_span(&all.contract.certificate)},
		.emaid = {.value = SPAN_LIT("DEABCC123ABC56")},
		.root = {{SPAN_LIT("CN=R"), SPAN_LIT("\x01"), true}},
		.n_roots = 1,
	};
	struct buf exi = {0};
	struct iso2_msg got;
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(iso2_encode_signed(&m, &signer, &exi, &e), E_OK);
	got = decode(&exi);
	assert_int_equal(got.kind, ISO2_UPDATE_REQ);
	assert_true(got.root[0].negative);
	assert_true(span_equal(got.emaid.value, SPAN_LIT("DEABCC123ABC56")));
	assert_int_equal(install_req_verify(&got, &e), E_OK);
	iso2_msg_free(&got);
}

static void
answer_with_an_unusable_part_is_refused(void **state)
{
	struct iso2_msg m = own_bundle(), other = {0};
	struct secret key = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	m.emaid.value = SPAN_LIT("DEABC");
	other = sign_again(&m);
	assert_int_equal(install_res_verify(&other, &all.car.scalar, &key, &e), E_MSG_CONTENT);
	assert_non_null(strstr(e.text, "eMAID of 5"));
	iso2_msg_free(&other);
	m.emaid.value = SPAN_LIT("DEABCC123ABC56");
	m.contract_chain.leaf = SPAN_LIT("\x30\x00");
	other = sign_again(&m);
	e = (struct err){0};
	assert_int_equal(install_res_verify(&other, &all.car.scalar, &key, &e), E_MSG_CONTENT);
	assert_non_null(strstr(e.text, "the contract certificate"));
	iso2_msg_free(&other);
	iso2_msg_free(&m);
}

static void
bundle_of_a_certificate_too_big_or_missing_is_refused(void **state)
{
	uint8_t big[801] = {0};
	struct sign_software key;
	const struct msg_signer signer = party_signer(&all.cps, &key);
	struct keywrap wrap = {0};
	struct span ok = buf_span(&all.sub.certificate), too_big = {big, sizeof(big)};
	struct install_res rs = {.cps = {ok, ok, ok},
				 .contract = {ok, ok, too_big},
				 .key = &wrap,
				 .emaid = "DEABCC123ABC56"};
	struct buf exi = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(install_res_make(&rs, &signer, &exi, &e), E_EXI_LIMIT);
	assert_non_null(strstr(e.text, "Sub-CA 1 above the contract certificate has 801 bytes"));
	rs.contract.sub1 = (struct span){NULL, 0};
	assert_int_equal(install_res_make(&rs, &signer, &exi, NULL), E_OK);
	rs.contract.sub2 = (struct span){NULL, 0};
	assert_int_equal(install_res_make(&rs, &signer, &exi, NULL), E_MSG_CONTENT);
	rs.contract.sub2 = ok;
	rs.cps.leaf = too_big;
	assert_int_equal(install_res_make(&rs, &signer, &exi, NULL), E_EXI_LIMIT);
	rs.cps.leaf = ok;
	rs.emaid = "DEABCC123ABC5678";
	assert_int_equal(install_res_make(&rs, &signer, &exi, NULL), E_MSG_CONTENT);
	rs.emaid = "DEABCC123ABC56";
	rs.session_id = SPAN_LIT("123456789");
	assert_int_equal(install_res_make(&rs, &signer, &exi, NULL), E_EXI_LIMIT);
	buf_free(&exi);
}

/* A signer that hashes once more. */
static enum err_code
sign_defective(void *ctx, struct span digest, struct buf *raw_sig, struct err *e)
{
	struct sign_software key;
	const struct msg_signer good = party_signer(&all.cps, &key);
	uint8_t again[SHA256_LEN];

	(void)ctx; /* none */
	assert_int_equal(sha256(digest, again, e), E_OK);
	return good.sign(good.ctx, (struct span){again, sizeof(again)}, raw_sig, e);
}

static void
explanation_names_a_double_hash(void **state)
{
	const struct msg_signer bad = {NULL, algo_get(ALGO_P256), sign_defective};
	struct iso2_msg m = own_bundle(), other = {0};
	struct buf exi = {0};
	struct sign_report r;
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(iso2_encode_signed(&m, &bad, &exi, &e), E_OK);
	other = decode(&exi);
	assert_int_equal(install_explain(&other, &r, &e), E_OK);
	assert_false(r.signature_ok);
	assert_non_null(strstr(r.hint, "hashed twice"));
	iso2_msg_free(&m);
	iso2_msg_free(&other);
}

/* Builds the answer with its own Signature: digests of typed eMAID, value over the combined form.
 */
static struct iso2_msg
defective_bundle(const struct iso2_msg *m)
{
	struct sign_scope scope;
	struct sign_software key;
	const struct msg_signer signer = party_signer(&all.cps, &key);
	struct buf uris = {0}, fragment = {0}, raw = {0}, exi = {0};
	uint8_t digest[SHA256_LEN];
	struct sign_info info;
	struct iso2_msg other;
	struct exi_tree t;

	iso2_signed(m, &scope);
	assert_int_equal(sign_make(&scope, &signer, &info, &uris, NULL), E_OK);
	assert_int_equal(exi_encode(EXI_ISO2_FRAG_TYPED, &m->tree, scope.node[3], &fragment, NULL),
			 E_OK);
	assert_int_equal(sha256(buf_span(&fragment), info.ref[3].digest, NULL), E_OK);
	assert_int_equal(exi_tree_init(&t, 100, 4000, NULL), E_OK);
	sign_put(&t, &info);
	buf_clear(&fragment);
	assert_int_equal(exi_encode(EXI_ISO2_FRAG, &t, 1, &fragment, NULL), E_OK);
	assert_int_equal(sha256(buf_span(&fragment), digest, NULL), E_OK);
	assert_int_equal(signer.sign(signer.ctx, (struct span){digest, 32}, &raw, NULL), E_OK);
	memcpy(info.value, raw.p, raw.n);
	assert_int_equal(iso2_encode(m, &info, &exi, NULL), E_OK);
	other = decode(&exi);
	exi_tree_free(&t);
	buf_free(&uris);
	buf_free(&fragment);
	buf_free(&raw);
	return other;
}

static void
explanation_names_the_defects_of_other_stacks(void **state)
{
	struct iso2_msg m = own_bundle(), other = defective_bundle(&m);
	struct sign_report r;
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(install_explain(&other, &r, &e), E_OK);
	assert_int_equal(r.n, 4);
	assert_true(r.ref[0].ok && r.ref[1].ok && r.ref[2].ok);
	assert_null(r.ref[0].hint);
	assert_false(r.ref[3].ok);
	assert_non_null(strstr(r.ref[3].hint, "libcbv2g"));
	assert_false(r.signature_ok);
	assert_non_null(strstr(r.hint, "whole V2G schema set"));
	assert_int_equal(install_res_verify_signature(&other, &e), E_MSG_DIGEST);
	assert_non_null(strstr(e.text, "digest of eMAID"));
	iso2_msg_free(&other);
	assert_int_equal(install_explain(&m, &r, &e), E_OK);
	assert_true(r.signature_ok);
	assert_null(r.hint);
	assert_int_equal(r.n_missing, 0);
	iso2_msg_free(&m);
}

static void
missing_reference_is_refused_and_explained(void **state)
{
	struct iso2_msg m = own_bundle(), other = {0};
	struct sign_scope scope;
	struct sign_software key;
	const struct msg_signer signer = party_signer(&all.cps, &key);
	struct buf uris = {0}, exi = {0};
	struct sign_info info;
	struct sign_report r;
	struct err e = {0};

	(void)state; /* cmocka */
	iso2_signed(&m, &scope);
	assert_int_equal(scope.n--, 4);
	assert_int_equal(sign_make(&scope, &signer, &info, &uris, NULL), E_OK);
	assert_int_equal(iso2_encode(&m, &info, &exi, NULL), E_OK);
	other = decode(&exi);
	assert_int_equal(install_res_verify_signature(&other, &e), E_MSG_DIGEST);
	assert_non_null(strstr(e.text, "no Reference to eMAID"));
	assert_int_equal(install_explain(&other, &r, NULL), E_OK);
	assert_true(r.signature_ok);
	assert_int_equal(r.n_missing, 1);
	iso2_msg_free(&m);
	iso2_msg_free(&other);
	buf_free(&uris);
}

static int
set_up(void **state)
{
	(void)state; /* cmocka */
	if (secret_init(NULL) != E_OK)
		return -1;
	parties_make(&all);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state; /* cmocka */
	parties_free(&all);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_of_a_car_verifies),
		cmocka_unit_test(forged_request_is_refused),
		cmocka_unit_test(request_needs_certificate_roots_and_a_short_session),
		cmocka_unit_test(request_with_a_certificate_that_is_none_is_refused),
		cmocka_unit_test(car_opens_its_bundle),
		cmocka_unit_test(bundle_stays_good_under_another_session),
		cmocka_unit_test(bundle_for_another_car_does_not_open),
		cmocka_unit_test(negative_answer_opens_nothing),
		cmocka_unit_test(answer_to_an_update_opens_too),
		cmocka_unit_test(update_request_is_signed_by_the_old_contract),
		cmocka_unit_test(answer_with_an_unusable_part_is_refused),
		cmocka_unit_test(bundle_of_a_certificate_too_big_or_missing_is_refused),
		cmocka_unit_test(explanation_names_a_double_hash),
		cmocka_unit_test(explanation_names_the_defects_of_other_stacks),
		cmocka_unit_test(missing_reference_is_refused_and_explained),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
