/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of real messages (Hubject, CharIN), and what the message layer refuses. */
#include "iso15118/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/ec.h"
#include "base/str.h"
#include "iso15118/exi_json.h"
#include "iso15118/install.h"
#include "tests/iso15118/vectors.h"

static const struct {
	const char *kind;
	const char *ids[4];
	enum exi_item items[4];
} signed_elements[] = {
	{"CertificateInstallationRes",
	 {"ID1", "ID2", "ID3", "ID4"},
	 {EXI_ContractSignatureCertChain, EXI_ContractSignatureEncryptedPrivateKey, EXI_DHpublickey,
	  EXI_eMAID}},
	{"CertificateInstallationReq", {"ID1"}, {EXI_CertificateInstallationReq}},
};

static void
assert_hex(struct span got, const json_t *o, const char *member)
{
	struct buf expected = vectors_hex(o, member);

	assert_true(span_equal(got, buf_span(&expected)));
	buf_free(&expected);
}

static struct iso2_msg
decode_message(const json_t *v)
{
	struct buf exi = {0};
	struct iso2_msg m = {0};
	struct err e = {0};

	if (json_need_base64(v, "exi_base64", 10000, &exi, &e) != E_OK ||
	    iso2_decode(buf_span(&exi), &m, &e) != E_OK)
		fail_msg("%s", e.text);
	buf_free(&exi);
	return m;
}

static void
check_fragments(const json_t *v, const struct iso2_msg *m)
{
	const char *kind = json_string_value(json_object_get(v, "message"));
	unsigned k = strcmp(kind, signed_elements[0].kind) == 0 ? 0 : 1;

	for (unsigned i = 0; i < 4 && signed_elements[k].ids[i] != NULL; i++) {
		uint8_t digest[SHA256_LEN];
		struct buf fragment = {0};

		assert_int_equal(iso2_fragment(m, signed_elements[k].items[i], &fragment, NULL),
				 E_OK);
		assert_hex(buf_span(&fragment), json_object_get(v, "fragments_hex"),
			   signed_elements[k].ids[i]);
		assert_int_equal(sha256(buf_span(&fragment), digest, NULL), E_OK);
		assert_hex((struct span){digest, sizeof(digest)}, json_object_get(v, "digests"),
			   signed_elements[k].ids[i]);
		buf_free(&fragment);
	}
}

static void
check_signature(const json_t *v, const struct iso2_msg *m)
{
	struct buf octets = {0}, certificate = vectors_hex(v, "signer_certificate_hex");
	const json_t *order = json_object_get(v, "reference_order");
	uint32_t signed_info = exi_child(&m->tree, m->signature, EXI_SignedInfo);
	struct sign_info info;
	struct err e = {0};

	assert_int_equal(sign_read(&m->tree, m->signature, &info, &e), E_OK);
	assert_int_equal(info.n, json_array_size(order));
	for (unsigned i = 0; i < info.n; i++)
		assert_memory_equal(info.ref[i].uri.p + 1,
				    json_string_value(json_array_get(order, i)), 3);
	assert_hex((struct span){info.value, 64}, v, "signature_hex");
	assert_int_equal(exi_encode(EXI_XMLDSIG_FRAG, &m->tree, signed_info, &octets, &e), E_OK);
	assert_hex(buf_span(&octets), v, "signed_info_fragment_hex");
	if (m->kind == ISO2_INSTALL_REQ) {
		assert_true(span_equal(m->oem_certificate, buf_span(&certificate)));
		assert_int_equal(install_req_verify(m, &e), E_OK);
	} else {
		assert_true(span_equal(m->sa_chain.leaf, buf_span(&certificate)));
		assert_int_equal(install_res_verify_signature(m, &e), E_OK);
	}
	buf_free(&octets);
	buf_free(&certificate);
}

static void
real_messages_verify_with_their_digests(void **state)
{
	json_t *all;

	(void)state; /* cmocka */
	if (!vectors_have_shared())
		skip();
	all = vectors_json_list("signatures-iso2.json");
	assert_int_equal(json_array_size(all), 3);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *v = json_array_get(all, i);
		struct iso2_msg m = decode_message(v);

		check_fragments(v, &m);
		check_signature(v, &m);
		iso2_msg_free(&m);
	}
	json_decref(all);
}

/* A signed request of our own as JSON, to change items in. */
static struct secret car_key;
static struct buf car_point;

static json_t *
own_request(void)
{
	/* the smallest thing with a key in the place of one in a certificate */
	struct sign_software key = {algo_get(ALGO_P256), &car_key};
	const struct msg_signer signer = sign_with_scalar(&key);
	struct iso2_msg m = {
		.kind = ISO2_INSTALL_REQ,
		.session_id = SPAN_LIT("\x01\x02\x03\x04\x05\x06\x07\x08"),
		.fault = ISO2_NO_NOTIFICATION,
		.id = SPAN_LIT("id1"),
		.oem_certificate = SPAN_LIT("certificate"),
		.root = {{SPAN_LIT("CN=V2G Root"), SPAN_LIT("\x05"), false}},
		.n_roots = 1,
	};
	struct buf exi = {0};
	struct exi_tree t;
	json_t *v = NULL;

	assert_int_equal(iso2_encode_signed(&m, &signer, &exi, NULL), E_OK);
	assert_int_equal(exi_decode(EXI_ISO2_DOC, buf_span(&exi), &t, NULL), E_OK);
	assert_int_equal(exi_json_from_tree(&t, &v, NULL), E_OK);
	exi_tree_free(&t);
	buf_free(&exi);
	return v;
}

static json_t *
at(json_t *v, const char *path)
{
	char part[64];

	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		memcpy(part, path, n);
		part[n] = '\0';
		v = part[0] == '0' ? json_array_get(v, 0) : json_object_get(v, part);
		path += n + (path[n] == '/');
	}
	assert_non_null(v);
	return v;
}

#define SIGNATURE   "V2G_Message/Header/Signature"
#define SIGNED_INFO SIGNATURE "/SignedInfo"
#define REFERENCE   SIGNED_INFO "/Reference/0"

/* Verifies a request that came from own_request, after it was changed. */
static enum err_code
verify_json(json_t *v, struct err *e)
{
	struct sign_scope scope;
	struct buf exi = {0};
	struct exi_tree t;
	struct iso2_msg m = {0};
	enum err_code rc;

	*e = (struct err){0};
	rc = exi_json_to_tree(EXI_ISO2_DOC, v, &t, e);
	if (rc == E_OK)
		rc = exi_encode(EXI_ISO2_DOC, &t, 0, &exi, e);
	json_decref(v);
	if (rc != E_OK)
		fail_msg("%s", e->text);
	assert_int_equal(iso2_decode(buf_span(&exi), &m, e), E_OK);
	iso2_signed(&m, &scope);
	rc = sign_verify(&scope, m.signature, buf_span(&car_point), e);
	iso2_msg_free(&m);
	exi_tree_free(&t);
	buf_free(&exi);
	return rc;
}

static void
own_request_verifies(void **state)
{
	struct err e;

	(void)state; /* cmocka */
	assert_int_equal(verify_json(own_request(), &e), E_OK);
}

static void
forbidden_items_are_named(void **state)
{
	static const struct {
		const char *path, *member, *value, *named;
	} cases[] = {
		{SIGNED_INFO, "Id", "x", "SignedInfo has Id"},
		{SIGNATURE "/SignatureValue", "Id", "x", "SignatureValue has Id"},
		{REFERENCE, "Type", "x", "Reference has Type"},
		{SIGNED_INFO "/SignatureMethod", "HMACOutputLength", "128", "HMACOutputLength"},
		{SIGNED_INFO "/SignatureMethod", "Algorithm", "urn:x", "SignatureMethod is urn:x"},
		{SIGNED_INFO "/CanonicalizationMethod", "Algorithm", "urn:x",
		 "CanonicalizationMethod"},
		{REFERENCE "/Transforms/Transform/0", "Algorithm", "urn:x", "Transform is urn:x"},
		{REFERENCE "/DigestMethod", "Algorithm", "http://www.w3.org/2001/04/xmlenc#sha512",
		 "DigestMethod"},
		{REFERENCE, "URI", "id1", "no URI of the form #Id"},
		{REFERENCE, "DigestValue", "00", "DigestValue of 1 bytes"},
	};

	(void)state; /* cmocka */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *v = own_request();
		struct err e;

		(void)json_object_set_new(
			at(v, cases[i].path), cases[i].member,
			json_string(cases[i].value)); /* memory is not short here */
		assert_int_equal(verify_json(v, &e), E_MSG_FORBIDDEN);
		if (strstr(e.text, cases[i].named) == NULL)
			fail_msg("%s does not say %s", e.text, cases[i].named);
	}
}

static void
transforms_other_than_one_are_refused(void **state)
{
	json_t *v = own_request(), *list = at(v, REFERENCE "/Transforms/Transform");
	struct err e;

	(void)state; /* cmocka */
	assert_int_equal(json_array_append(list, json_array_get(list, 0)), 0);
	assert_int_equal(verify_json(v, &e), E_MSG_FORBIDDEN);
	v = own_request();
	assert_int_equal(json_object_del(at(v, REFERENCE), "Transforms"), 0);
	assert_int_equal(verify_json(v, &e), E_MSG_FORBIDDEN);
	assert_non_null(strstr(e.text, "exactly one Transform"));
}

static void
references_must_be_the_expected_ones(void **state)
{
	json_t *v = own_request(), *list = at(v, SIGNED_INFO "/Reference");
	struct err e;

	(void)state; /* cmocka */
	assert_int_equal(json_array_append(list, json_array_get(list, 0)), 0);
	assert_int_equal(verify_json(v, &e), E_MSG_DIGEST);
	assert_non_null(strstr(e.text, "there twice"));
	v = own_request();
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			json_array_append(at(v, SIGNED_INFO "/Reference"), at(v, REFERENCE)), 0);
	assert_int_equal(verify_json(v, &e), E_MSG_FORBIDDEN);
	assert_non_null(strstr(e.text, "more than 4"));
	v = own_request();
	(void)json_object_set_new(at(v, REFERENCE), "URI", json_string("#other")); /* as above */
	assert_int_equal(verify_json(v, &e), E_MSG_DIGEST);
	assert_non_null(strstr(e.text, "#other names no element"));
}

static void
changed_content_digest_or_value_is_refused(void **state)
{
	json_t *v = own_request();
	struct err e;

	(void)state; /* cmocka */
	(void)json_object_set_new(at(v, "V2G_Message/Body/CertificateInstallationReq"),
				  "OEMProvisioningCert", json_string("00")); /* as above */
	assert_int_equal(verify_json(v, &e), E_MSG_DIGEST);
	assert_non_null(strstr(e.text, "digest of CertificateInstallationReq"));
	v = own_request();
	(void)json_object_set_new(at(v, SIGNATURE "/SignatureValue"), "CONTENT",
				  json_string("00")); /* as above */
	assert_int_equal(verify_json(v, &e), E_MSG_SIGNATURE);
	assert_non_null(strstr(e.text, "1 bytes: expected 64"));
	v = own_request();
	car_point.p[5] ^= 1;
	assert_int_equal(verify_json(v, &e), E_MSG_SIGNATURE);
	car_point.p[5] ^= 1;
	v = own_request();
	assert_int_equal(json_object_del(at(v, "V2G_Message/Header"), "Signature"), 0);
	assert_int_equal(verify_json(v, &e), E_MSG_SIGNATURE);
	assert_non_null(strstr(e.text, "no Signature"));
}

static int
make_key(void **state)
{
	(void)state; /* cmocka */
	return secret_init(NULL) == E_OK &&
			       ec_generate(algo_get(ALGO_P256), &car_key, &car_point, NULL) == E_OK
		       ? 0
		       : -1;
}

static int
free_key(void **state)
{
	(void)state; /* cmocka */
	secret_free(&car_key);
	buf_free(&car_point);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_messages_verify_with_their_digests),
		cmocka_unit_test(own_request_verifies),
		cmocka_unit_test(forbidden_items_are_named),
		cmocka_unit_test(transforms_other_than_one_are_refused),
		cmocka_unit_test(references_must_be_the_expected_ones),
		cmocka_unit_test(changed_content_digest_or_value_is_refused),
	};

	return cmocka_run_group_tests(tests, make_key, free_key);
}
