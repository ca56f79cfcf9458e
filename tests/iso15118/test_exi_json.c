/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/exi_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#define ROOT "{\"X509IssuerName\":\"CN=R\",\"X509SerialNumber\":\"%s\"}"
#define REQ                                                                             \
	"{\"CertificateInstallationReq\":{\"Id\":\"a\",\"OEMProvisioningCert\":\"%s\"," \
	"\"ListOfRootCertificateIDs\":{\"RootCertificateID\":[" ROOT "]}}}"

static enum err_code
read_text(enum exi_set set, const char *text, struct exi_tree *t, struct err *e)
{
	json_t *v = NULL;
	enum err_code rc;

	*e = (struct err){0};
	*t = (struct exi_tree){0};
	rc = exi_json_parse(span_str(text), &v, e);
	if (rc == E_OK)
		rc = exi_json_to_tree(set, v, t, e);
	json_decref(v);
	return rc;
}

static void
refused(enum exi_set set, const char *text, const char *why)
{
	struct exi_tree t;
	struct err e;
	enum err_code rc = read_text(set, text, &t, &e);

	if (rc == E_OK || strstr(e.text, why) == NULL)
		fail_msg("%d \"%s\" does not say \"%s\"", rc, e.text, why);
	assert_null(t.memory);
}

static void
refused_req(const char *certificate, const char *serial, const char *why)
{
	struct buf text = {0};

	buf_printf(&text, REQ, certificate, serial);
	refused(EXI_ISO2_FRAG, buf_cstr(&text), why);
	buf_free(&text);
}

static void
values_of_another_form_are_refused(void **state)
{
	(void)state; /* cmocka */
	refused_req("0g", "1", "OEMProvisioningCert");
	refused_req("012", "1", "OEMProvisioningCert");
	refused_req("01", "", "X509SerialNumber: expected a decimal number");
	refused_req("01", "-", "X509SerialNumber: expected a decimal number");
	refused_req("01", "0x1", "X509SerialNumber: expected a decimal number");
	refused_req("01",
		    "99999999999999999999999999999999999999999999999999999999999999999999999999"
		    "999999999999999999999999999999999999999999999999999999999999999999999999999",
		    "X509SerialNumber: expected a number of at most 448 bits");
	refused(EXI_ISO2_FRAG, "{\"DHpublickey\":{\"Id\":1,\"CONTENT\":\"00\"}}",
		"Id: expected a string");
	refused(EXI_ISO2_FRAG, "{\"DHpublickey\":\"00\"}", "DHpublickey: expected an object");
}

static void
missing_and_unknown_members_are_named(void **state)
{
	(void)state; /* cmocka */
	refused(EXI_ISO2_FRAG, "{\"DHpublickey\":{\"CONTENT\":\"00\"}}",
		"DHpublickey: member Id is missing");
	refused(EXI_ISO2_FRAG, "{\"DHpublickey\":{\"Id\":\"a\"}}",
		"DHpublickey: expected a string");
	refused(EXI_ISO2_FRAG, "{\"DHpublickey\":{\"Id\":\"a\",\"CONTENT\":\"00\",\"x\":1}}",
		"DHpublickey has a member, or a repetition, too many");
	refused(EXI_ISO2_FRAG, "{\"DHpublickey\":{},\"eMAID\":{}}", "expected one member");
	refused(EXI_ISO2_FRAG, "{\"V2G_Message\":{}}",
		"expected one member that is a root element of iso2-frag");
	refused(EXI_SET_COUNT, "{\"V2G_Message\":{}}", "unknown schema set");
}

static void
lists_are_arrays_within_their_bounds(void **state)
{
	static const char chain[] = "{\"ContractSignatureCertChain\":{\"Certificate\":\"00\","
				    "\"SubCertificates\":{\"Certificate\":%s}}}";
	struct buf text = {0}, out = {0};
	struct exi_tree t;
	struct err e;

	(void)state; /* cmocka */
	buf_printf(&text, chain, "\"00\"");
	refused(EXI_ISO2_FRAG, buf_cstr(&text), "SubCertificates: member Certificate is missing");
	buf_clear(&text);
	buf_printf(&text, chain, "[]");
	refused(EXI_ISO2_FRAG, buf_cstr(&text), "SubCertificates: member Certificate is missing");
	buf_clear(&text);
	buf_printf(&text, chain, "[\"00\",\"01\",\"02\",\"03\",\"04\"]");
	refused(EXI_ISO2_FRAG, buf_cstr(&text),
		"SubCertificates has a member, or a repetition, too many");
	buf_clear(&text);
	buf_printf(&text, chain, "[\"00\",\"01\",\"02\",\"03\"]");
	assert_int_equal(read_text(EXI_ISO2_FRAG, buf_cstr(&text), &t, &e), E_OK);
	assert_int_equal(exi_encode(EXI_ISO2_FRAG, &t, 0, &out, &e), E_OK);
	exi_tree_free(&t);
	buf_free(&text);
	buf_free(&out);
}

#define REQ_20                                                                                 \
	"{\"CertificateInstallationReq\":{\"Header\":{\"SessionID\":\"00\",\"TimeStamp\":%s}," \
	"\"OEMProvisioningCertificateChain\":{\"Id\":\"a\",\"Certificate\":\"00\"},"           \
	"\"ListOfRootCertificateIDs\":{\"RootCertificateID\":[{\"X509IssuerName\":\"\","       \
	"\"X509SerialNumber\":\"-1\"}]},\"MaximumContractCertificateChains\":%s}}"

static void
numbers_and_their_bounds_pass_through_text(void **state)
{
	static const char *const stamps[] = {"0",
					     "999999999999999999",
					     "1000000000000000000",
					     "9223372036854775807",
					     "9223372036854775808",
					     "18446744073709551615"};

	(void)state; /* cmocka */
	for (size_t i = 0; i < ARRAY_LEN(stamps); i++) {
		struct buf text = {0}, again = {0};
		struct exi_tree t;
		char member[64];
		struct err e;

		buf_printf(&text, REQ_20, stamps[i], "255");
		if (read_text(EXI_ISO20_DOC, buf_cstr(&text), &t, &e) != E_OK)
			fail_msg("%s", e.text);
		assert_int_equal(exi_json_dump(&t, &again, &e), E_OK);
		(void)snprintf(member, sizeof(member), "\"TimeStamp\": %s\n", stamps[i]); /* fits */
		assert_non_null(strstr(buf_cstr(&again), member));
		exi_tree_free(&t);
		buf_free(&text);
		buf_free(&again);
	}
}

static void
numbers_of_another_form_are_refused(void **state)
{
	static const struct {
		const char *stamp, *maximum, *why;
	} cases[] = {
		{"18446744073709551616", "1", "TimeStamp: "},
		{"-1", "1", "TimeStamp: expected a number"},
		{"1.5", "1", "TimeStamp: expected a number"},
		{"1", "\"1\"", "MaximumContractCertificateChains: expected a number"},
	};

	(void)state; /* cmocka */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text = {0};

		buf_printf(&text, REQ_20, cases[i].stamp, cases[i].maximum);
		refused(EXI_ISO20_DOC, buf_cstr(&text), cases[i].why);
		buf_free(&text);
	}
}

static void
unknown_enumeration_values_are_refused(void **state)
{
	(void)state; /* cmocka */
	refused(EXI_ISO2_DOC,
		"{\"V2G_Message\":{\"Header\":{\"SessionID\":\"00\","
		"\"Notification\":{\"FaultCode\":\"No\"}},"
		"\"Body\":{}}}",
		"FaultCode: \"No\" is not one of its 3 values");
}

static void
long_digits_inside_strings_stay_strings(void **state)
{
	static const char text[] =
		"{\"eMAID\":{\"Id\":\"a\\\"1234567890123456789012\",\"CONTENT\":\"b\"}}";
	struct exi_tree t;
	struct err e;

	(void)state; /* cmocka */
	assert_int_equal(read_text(EXI_ISO2_FRAG, text, &t, &e), E_OK);
	assert_true(span_equal(exi_bytes(&t, 1), SPAN_LIT("a\"1234567890123456789012")));
	exi_tree_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_another_form_are_refused),
		cmocka_unit_test(missing_and_unknown_members_are_named),
		cmocka_unit_test(lists_are_arrays_within_their_bounds),
		cmocka_unit_test(numbers_and_their_bounds_pass_through_text),
		cmocka_unit_test(numbers_of_another_form_are_refused),
		cmocka_unit_test(unknown_enumeration_values_are_refused),
		cmocka_unit_test(long_digits_inside_strings_stay_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
