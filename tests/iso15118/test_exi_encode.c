/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "iso15118/exi.h"

/* A fragment DHpublickey with the given parts; kind of the value as given. */
static void
make_dh(struct exi_tree *t, enum exi_kind kind, struct span value)
{
	uint32_t node;

	assert_int_equal(exi_tree_init(t, 8, 10000, NULL), E_OK);
	node = exi_open(t, EXI_DHpublickey);
	exi_put_bytes(t, EXI_Id, EXI_STRING, SPAN_LIT("a"));
	exi_set_bytes(t, node, kind, value);
	exi_close(t, node);
	assert_int_equal(exi_tree_ok(t, NULL), E_OK);
}

static void
refused(enum exi_set set, struct exi_tree *t, enum err_code code, const char *why)
{
	struct buf out = {0};
	struct err e = {0};

	buf_put_str(&out, "kept");
	assert_int_equal(exi_encode(set, t, 0, &out, &e), code);
	if (strstr(e.text, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
	assert_int_equal(out.n, 4);
	exi_tree_free(t);
	buf_free(&out);
}

static void
encoding_is_appended(void **state)
{
	struct buf out = {0};
	struct exi_tree t;

	(void)state; /* cmocka */
	make_dh(&t, EXI_BINARY, SPAN_LIT("\x22"));
	buf_put_str(&out, "x");
	assert_int_equal(exi_encode(EXI_ISO2_FRAG, &t, 0, &out, NULL), E_OK);
	/* 80 2d | 0 00000011 01100001 | 0 00000001 00100010 0 | 11110100, from spec/exi.md 4 and 5
	 */
	assert_true(span_equal(buf_span(&out), SPAN_LIT("x\x80\x2d\x01\xb0\x80\x48\x9e\x80")));
	buf_free(&out);
	exi_tree_free(&t);
}

static void
other_roots_sets_and_kinds_are_refused(void **state)
{
	struct exi_tree t;

	(void)state; /* cmocka */
	make_dh(&t, EXI_BINARY, SPAN_LIT("\x22"));
	refused(EXI_ISO20_FRAG, &t, E_EXI, "DHpublickey: not a root element of the schema set");
	make_dh(&t, EXI_BINARY, SPAN_LIT("\x22"));
	refused(EXI_SET_COUNT, &t, E_EXI, "unknown schema set");
	make_dh(&t, EXI_STRING, SPAN_LIT("\x22"));
	refused(EXI_ISO2_FRAG, &t, E_EXI, "DHpublickey: value of another kind");
	assert_int_equal(exi_tree_init(&t, 1, 0, NULL), E_OK);
	refused(EXI_ISO2_FRAG, &t, E_EXI, "empty document");
}

static void
values_over_their_maximum_are_refused(void **state)
{
	uint8_t big[EXI_STRING_MAX + 1];
	struct exi_tree t;
	uint32_t node;

	(void)state; /* cmocka */
	memset(big, 'a', sizeof(big));
	make_dh(&t, EXI_BINARY, (struct span){big, 66});
	refused(EXI_ISO2_FRAG, &t, E_EXI_LIMIT,
		"DHpublickey: binary value over its maximum length");
	assert_int_equal(exi_tree_init(&t, 8, 4000, NULL), E_OK);
	node = exi_open(&t, EXI_DHpublickey);
	exi_put_bytes(&t, EXI_Id, EXI_STRING, (struct span){big, sizeof(big)});
	exi_close(&t, node);
	refused(EXI_ISO2_FRAG, &t, E_EXI_LIMIT, "Id: string over its maximum length");
}

static void
strings_that_are_not_xml_are_refused(void **state)
{
	static const struct span bad[] = {
		SPAN_INIT("\x80"),
		SPAN_INIT("\xc0\x80"),
		SPAN_INIT("\xc3"),
		SPAN_INIT("\xc3("),
		SPAN_INIT("\xe0\x80\x80"),
		SPAN_INIT("\xed\xa0\x80"),
		SPAN_INIT("\xf0\x80\x80\x80"),
		SPAN_INIT("\xf4\x90\x80\x80"),
		SPAN_INIT("\xf5\x80\x80\x80"),
		SPAN_INIT("\x01"),
		SPAN_INIT("a\0b"),
		SPAN_INIT("\xef\xbf\xbf"),
	};

	(void)state; /* cmocka */
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct exi_tree t;
		uint32_t node;

		assert_int_equal(exi_tree_init(&t, 8, 100, NULL), E_OK);
		node = exi_open(&t, EXI_DHpublickey);
		exi_put_bytes(&t, EXI_Id, EXI_STRING, bad[i]);
		exi_close(&t, node);
		refused(EXI_ISO2_FRAG, &t, E_EXI, "Id: value is not UTF-8 of XML characters");
	}
}

static void
missing_and_misplaced_elements_are_refused(void **state)
{
	struct exi_tree t;
	uint32_t node;

	(void)state; /* cmocka */
	assert_int_equal(exi_tree_init(&t, 8, 100, NULL), E_OK);
	node = exi_open(&t, EXI_DHpublickey);
	exi_close(&t, node);
	refused(EXI_ISO2_FRAG, &t, E_EXI, "DHpublickey: content is missing");
	assert_int_equal(exi_tree_init(&t, 8, 100, NULL), E_OK);
	node = exi_open(&t, EXI_ContractSignatureCertChain);
	exi_put_bytes(&t, EXI_eMAID, EXI_STRING, SPAN_LIT("a"));
	exi_close(&t, node);
	refused(EXI_ISO2_FRAG, &t, E_EXI,
		"eMAID: not expected there in ContractSignatureCertChain");
	assert_int_equal(exi_tree_init(&t, 8, 100, NULL), E_OK);
	node = exi_open(&t, EXI_ContractSignatureCertChain);
	exi_put_bytes(&t, EXI_Id, EXI_STRING, SPAN_LIT("a"));
	exi_close(&t, exi_open(&t, EXI_Certificate));
	exi_put_bytes(&t, EXI_Id, EXI_STRING, SPAN_LIT("a"));
	exi_close(&t, 2);
	exi_close(&t, node);
	refused(EXI_ISO2_FRAG, &t, E_EXI, "Certificate: content in a simple element");
}

/* RootCertificateID with this serial inside the smallest CertificateInstallationReq fragment. */
static void
make_serial(struct exi_tree *t, enum exi_kind kind, struct span serial)
{
	uint32_t request, list, id;

	assert_int_equal(exi_tree_init(t, 16, 1000, NULL), E_OK);
	request = exi_open(t, EXI_CertificateInstallationReq);
	exi_put_bytes(t, EXI_Id, EXI_STRING, SPAN_LIT("a"));
	exi_put_bytes(t, EXI_OEMProvisioningCert, EXI_BINARY, SPAN_LIT("c"));
	list = exi_open(t, EXI_ListOfRootCertificateIDs);
	id = exi_open(t, EXI_RootCertificateID);
	exi_put_bytes(t, EXI_X509IssuerName, EXI_STRING, SPAN_LIT("i"));
	exi_put_bytes(t, EXI_X509SerialNumber, kind, serial);
	exi_close(t, id);
	exi_close(t, list);
	exi_close(t, request);
}

static void
integers_outside_their_form_are_refused(void **state)
{
	uint8_t big[EXI_INTEGER_BYTES + 3] = {0, 1};
	struct exi_tree t;

	(void)state; /* cmocka */
	make_serial(&t, EXI_INTEGER, (struct span){big, 0});
	refused(EXI_ISO2_FRAG, &t, E_EXI, "X509SerialNumber: integer without sign");
	make_serial(&t, EXI_INTEGER, SPAN_LIT("\x02\x01"));
	refused(EXI_ISO2_FRAG, &t, E_EXI, "X509SerialNumber: integer without sign");
	make_serial(&t, EXI_INTEGER, SPAN_LIT("\x01"));
	refused(EXI_ISO2_FRAG, &t, E_EXI, "X509SerialNumber: integer without sign");
	make_serial(&t, EXI_INTEGER, (struct span){big, sizeof(big)});
	refused(EXI_ISO2_FRAG, &t, E_EXI_LIMIT, "X509SerialNumber: integer over 448 bits");
	make_serial(&t, EXI_INTEGER, (struct span){big, sizeof(big) - 1}); /* 2^448 */
	refused(EXI_ISO2_FRAG, &t, E_EXI_LIMIT, "X509SerialNumber: integer over 448 bits");
}

static void
the_smallest_integer_passes(void **state)
{
	uint8_t smallest[EXI_INTEGER_BYTES + 2] = {1, 1}; /* -2^448 */
	struct exi_tree t, back;
	struct buf out = {0};

	(void)state; /* cmocka */
	make_serial(&t, EXI_INTEGER, (struct span){smallest, sizeof(smallest)});
	assert_int_equal(exi_encode(EXI_ISO2_FRAG, &t, 0, &out, NULL), E_OK);
	assert_int_equal(exi_decode(EXI_ISO2_FRAG, buf_span(&out), &back, NULL), E_OK);
	assert_true(span_equal(exi_bytes(&back, 6), (struct span){smallest, sizeof(smallest)}));
	exi_tree_free(&t);
	exi_tree_free(&back);
	buf_free(&out);
}

/* An update answer with these numbers. */
static void
make_response(struct exi_tree *t, uint64_t code, uint64_t retry)
{
	static const enum exi_item chains[] = {EXI_SAProvisioningCertificateChain,
					       EXI_ContractSignatureCertChain};
	static const enum exi_item values[] = {EXI_ContractSignatureEncryptedPrivateKey,
					       EXI_DHpublickey, EXI_eMAID};
	uint32_t message, header, body, answer, node;

	assert_int_equal(exi_tree_init(t, 32, 1000, NULL), E_OK);
	message = exi_open(t, EXI_V2G_Message);
	header = exi_open(t, EXI_Header);
	exi_put_bytes(t, EXI_SessionID, EXI_BINARY, SPAN_LIT("s"));
	exi_close(t, header);
	body = exi_open(t, EXI_Body);
	answer = exi_open(t, EXI_CertificateUpdateRes);
	exi_put_number(t, EXI_ResponseCode, EXI_ENUM, code);
	for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
		node = exi_open(t, chains[i]);
		exi_put_bytes(t, EXI_Certificate, EXI_BINARY, SPAN_LIT("c"));
		exi_close(t, node);
	}
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		node = exi_open(t, values[i]);
		exi_put_bytes(t, EXI_Id, EXI_STRING, SPAN_LIT("a"));
		exi_set_bytes(t, node, i == 2 ? EXI_STRING : EXI_BINARY, SPAN_LIT("v"));
		exi_close(t, node);
	}
	exi_put_number(t, EXI_RetryCounter, EXI_SHORT, retry);
	exi_close(t, answer);
	exi_close(t, body);
	exi_close(t, message);
}

static void
numbers_outside_their_range_are_refused(void **state)
{
	struct buf out = {0};
	struct exi_tree t;

	(void)state; /* cmocka */
	make_response(&t, 26, 0);
	refused(EXI_ISO2_DOC, &t, E_EXI_LIMIT, "ResponseCode: number outside its range");
	make_response(&t, 0, 32768);
	refused(EXI_ISO2_DOC, &t, E_EXI_LIMIT, "RetryCounter: number outside xs:short");
	make_response(&t, 0, (uint64_t)INT64_C(-32769));
	refused(EXI_ISO2_DOC, &t, E_EXI_LIMIT, "RetryCounter: number outside xs:short");
	make_response(&t, 25, (uint64_t)INT64_C(-32768));
	assert_int_equal(exi_encode(EXI_ISO2_DOC, &t, 0, &out, NULL), E_OK);
	exi_tree_free(&t);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encoding_is_appended),
		cmocka_unit_test(other_roots_sets_and_kinds_are_refused),
		cmocka_unit_test(values_over_their_maximum_are_refused),
		cmocka_unit_test(strings_that_are_not_xml_are_refused),
		cmocka_unit_test(missing_and_misplaced_elements_are_refused),
		cmocka_unit_test(integers_outside_their_form_are_refused),
		cmocka_unit_test(the_smallest_integer_passes),
		cmocka_unit_test(numbers_outside_their_range_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
