/* SPDX-License-Identifier: Apache-2.0 */
/* What the decoder refuses, with the offset and the reason; messages are written as bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "iso15118/exi.h"

/* Bits as text: '0' and '1' count, everything else is for the reader. */
static struct buf
bits(const char *text)
{
	struct buf b = {0};
	unsigned n = 0;
	uint8_t octet = 0;

	for (; *text != '\0'; text++) {
		if (*text != '0' && *text != '1')
			continue;
		octet = (uint8_t)(octet << 1 | (*text - '0'));
		if (++n % 8 == 0)
			buf_put_u8(&b, octet);
	}
	if (n % 8 != 0)
		buf_put_u8(&b, (uint8_t)(octet << (8 - n % 8)));
	return b;
}

static void
refused(enum exi_set set, const char *text, enum err_code code, const char *why)
{
	struct buf b = bits(text);
	struct exi_tree t;
	struct err e = {0};

	assert_int_equal(exi_decode(set, buf_span(&b), &t, &e), code);
	if (strstr(e.text, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
	assert_null(t.memory);
	buf_free(&b);
}

static void
accepted(enum exi_set set, const char *text)
{
	struct buf b = bits(text), out = {0};
	struct exi_tree t;
	struct err e = {0};

	if (exi_decode(set, buf_span(&b), &t, &e) != E_OK)
		fail_msg("%s", e.text);
	assert_int_equal(exi_encode(set, &t, 0, &out, NULL), E_OK);
	assert_memory_equal(out.p, b.p, out.n);
	assert_in_range(b.n - out.n, 0, 1);
	exi_tree_free(&t);
	buf_free(&out);
	buf_free(&b);
}

/* A request in pieces; all but the last piece are good. spec/exi.md 8. */
#define HEAD    "10000000 1001100 0 0 0 00000001 00000000 0" /* up to SessionID 00 */
#define NO_SIG  "10 0"                                       /* end of Header, Body */
#define REQ_ID  "000101 0 00000011 01100001"                 /* request, Id "a" */
#define CERT    "0 0 00000001 00100010 0"
#define ROOT    "0 0 00000011 01100001 0 0 0 0 00000001 0 0" /* issuer "a", serial 1, ends */
#define ENDS    "01 0 0 0"
#define REQUEST HEAD NO_SIG REQ_ID CERT "0 0" ROOT ENDS

static void
worked_example_is_accepted(void **state)
{
	(void)state; /* cmocka */
	accepted(EXI_ISO2_DOC, REQUEST);
}

static void
headers_are_refused(void **state)
{
	(void)state; /* cmocka */
	refused(EXI_ISO2_DOC, "", E_EXI, "EXI bit 0 (octet 0) in the document: empty input");
	refused(EXI_ISO2_DOC, "10100000", E_EXI,
		"EXI bit 0 (octet 0) in the document: header is not 80");
	refused(EXI_ISO2_DOC, "10000001", E_EXI, "header is not 80");
	refused(EXI_ISO2_DOC, "10000000", E_EXI, "EXI bit 8 (octet 1) in the document: input ends");
	refused(EXI_ISO2_DOC, "10000000 1001101 0", E_EXI,
		"EXI bit 8 (octet 1) in the document: root element");
	refused(EXI_SET_COUNT, REQUEST, E_EXI, "unknown schema set");
}

static void
event_codes_outside_the_grammar_are_refused(void **state)
{
	(void)state; /* cmocka */
	refused(EXI_ISO2_DOC, "10000000 1001100 1", E_EXI,
		"EXI bit 15 (octet 1) in V2G_Message: event code that the grammar does not");
	refused(EXI_ISO2_DOC, "10000000 1001100 0 0 1", E_EXI,
		"EXI bit 17 (octet 2) in SessionID: undeclared content in a simple element");
	refused(EXI_ISO2_DOC, "10000000 1001100 0 0 0 00000001 00000000 1", E_EXI,
		"EXI bit 34 (octet 4) in SessionID: undeclared content after a simple value");
	refused(EXI_ISO2_DOC, HEAD "11", E_EXI, "EXI bit 35 (octet 4) in Header: event code");
	refused(EXI_ISO2_DOC, HEAD NO_SIG "000100", E_EXI, "in Body: event code");
}

static void
values_longer_than_the_input_are_refused(void **state)
{
	(void)state; /* cmocka */
	refused(EXI_ISO2_DOC, "10000000 1001100 0 0 0 00001000 00000000", E_EXI,
		"EXI bit 18 (octet 2) in SessionID: binary value longer than the input");
	refused(EXI_ISO2_DOC, HEAD NO_SIG "000101 0 01000000 0110", E_EXI, "in Id: string longer");
	refused(EXI_ISO2_DOC, "10000000 1001100 0 0 0 1000", E_EXI, "input ends inside the length");
	refused(EXI_ISO2_DOC,
		"10000000 1001100 0 0 0 10000001 10000001 10000001 10000001 10000001 0000",
		E_EXI_LIMIT, "EXI bit 18 (octet 2) in SessionID: length has too many octets");
	refused(EXI_ISO2_DOC, "10000000 1001100 0 0 0 10000001 00000000", E_EXI,
		"EXI bit 18 (octet 2) in SessionID: length not in its shortest form");
}

static void
values_over_their_maximum_are_refused(void **state)
{
	(void)state; /* cmocka */
	refused(EXI_ISO2_DOC,
		"10000000 1001100 0 0 0 00001001"
		"00000000 00000000 00000000 00000000 00000000"
		"00000000 00000000 00000000 00000000 0",
		E_EXI_LIMIT,
		"EXI bit 18 (octet 2) in SessionID: binary value over its maximum length");
	/* eMAID of 16 characters in a fragment: length + 2 = 18 */
	refused(EXI_ISO2_FRAG,
		"10000000 11101100 000000100 00000011 01100001 100000000 00010010"
		"01100001 01100001 01100001 01100001 01100001 01100001 01100001 01100001"
		"01100001 01100001 01100001 01100001 01100001 01100001 01100001 01100001"
		"11110100 11110100",
		E_EXI_LIMIT, "in eMAID: string over its maximum length");
}

static void
strings_are_refused(void **state)
{
	(void)state; /* cmocka */
	refused(EXI_ISO2_DOC, HEAD NO_SIG "000101 0 00000000 00000000", E_EXI,
		"in Id: string from the value table");
	refused(EXI_ISO2_DOC, HEAD NO_SIG "000101 0 00000001 00000000", E_EXI,
		"in Id: string from the value table");
	/* U+D800 is 0x00 0x30 in septets: 10000000 10110000 00000011 */
	refused(EXI_ISO2_DOC, HEAD NO_SIG "000101 0 00000011 10000000 10110000 00000011 0000",
		E_EXI, "character outside XML 1.0");
	refused(EXI_ISO2_DOC, HEAD NO_SIG "000101 0 00000011 00000000 00000000", E_EXI,
		"character outside XML 1.0");
	refused(EXI_ISO2_DOC, HEAD NO_SIG "000101 0 00000011 11111111 11111111 11111111 01111111 0",
		E_EXI_LIMIT, "character has too many octets");
	refused(EXI_ISO2_DOC, HEAD NO_SIG "000101 0 00000100 01100001 10000001", E_EXI,
		"input ends inside the character");
	refused(EXI_ISO2_DOC, HEAD NO_SIG "000101 0 10000001", E_EXI,
		"input ends inside the string length");
}

static void
integers_and_enumerations_are_refused(void **state)
{
	static const char serial[] = HEAD NO_SIG REQ_ID CERT "0 0 0 0 00000011 01100001 0 0 0 0";
	struct buf text = {0};

	(void)state; /* cmocka */
	refused(EXI_ISO2_DOC, serial, E_EXI, "in X509SerialNumber: input ends inside the integer");
	buf_printf(&text, "%s 10000001 00000000 0", serial);
	refused(EXI_ISO2_DOC, buf_cstr(&text), E_EXI, "integer not in its shortest form");
	buf_clear(&text);
	buf_put_str(&text, serial);
	for (int i = 0; i < EXI_INTEGER_OCTETS; i++)
		buf_put_str(&text, "11111111");
	refused(EXI_ISO2_DOC, buf_cstr(&text), E_EXI_LIMIT, "integer has too many octets");
	buf_free(&text);
	/* FaultCode has 3 values in 2 bits */
	refused(EXI_ISO2_DOC, HEAD "00 0 0 11 0", E_EXI,
		"EXI bit 39 (octet 4) in FaultCode: index outside the enumeration");
	refused(EXI_ISO2_DOC, HEAD "00 0 0", E_EXI, "octet 4");
}

/* Everything of an update answer up to {RetryCounter, EE}. */
#define CHAIN    "01 0 00000001 00000000 0 01"
#define ID_VALUE "0 00000011 01100001 0 00000001 00000000 0"
#define UPDATE                                                                       \
	HEAD NO_SIG "001000 0 0 00000 0 0" CHAIN "0" CHAIN "0" ID_VALUE "0" ID_VALUE \
		    "0 0 00000011 01100001 0 00000011 01100001 0"

static void
shorts_outside_their_range_are_refused(void **state)
{
	(void)state;                                                                /* cmocka */
	accepted(EXI_ISO2_DOC, UPDATE "00 0 1 11111111 11111111 00000001 0 0 0 0"); /* -32768 */
	refused(EXI_ISO2_DOC, UPDATE "00 0 0 10000000 10000000 00000010 0 0 0 0", E_EXI_LIMIT,
		"in RetryCounter: number outside xs:short");
	refused(EXI_ISO2_DOC, UPDATE "00 0 0 1000", E_EXI, "input ends inside the short");
}

static void
a_full_list_ends_with_one_bit(void **state)
{
	struct buf text = {0};
	size_t end;

	(void)state; /* cmocka */
	buf_put_str(&text, HEAD NO_SIG REQ_ID CERT "0 0" ROOT);
	for (int i = 1; i < 20; i++)
		buf_put_str(&text, "00" ROOT);
	end = text.n;
	buf_put_str(&text, "0 0 0 0");
	accepted(EXI_ISO2_DOC, buf_cstr(&text));
	text.p[end] = '1'; /* the escape */
	refused(EXI_ISO2_DOC, buf_cstr(&text), E_EXI, "in ListOfRootCertificateIDs: event code");
	buf_free(&text);
}

static void
fragments_must_end(void **state)
{
	(void)state; /* cmocka */
	accepted(EXI_ISO2_FRAG, "10000000 00101101" ID_VALUE "11110100");
	refused(EXI_ISO2_FRAG, "10000000 00101101" ID_VALUE "11110011", E_EXI,
		"in the document: end of the fragment expected");
	refused(EXI_ISO2_FRAG, "10000000 00101101" ID_VALUE, E_EXI, "in the document: input ends");
}

static void
only_one_zero_octet_may_follow(void **state)
{
	(void)state; /* cmocka: REQUEST has 119 bits */
	accepted(EXI_ISO2_DOC, REQUEST "0 00000000");
	refused(EXI_ISO2_DOC, REQUEST "0 00000000 00000000", E_EXI,
		"EXI bit 120 (octet 15) in the document: octets after the end");
	refused(EXI_ISO2_DOC, REQUEST "0 00000001", E_EXI, "octets after the end");
	refused(EXI_ISO2_DOC, REQUEST "1", E_EXI, "in the document: padding is not zero bits");
}

/* SignedInfo up to the event code after the Algorithm of its first child. */
#define METHOD "10000000 100000 01 0 00000011 01100001"

static void
unused_xmldsig_content_is_refused_by_name(void **state)
{
	(void)state; /* cmocka */
	refused(EXI_XMLDSIG_FRAG, METHOD "00", E_EXI,
		"in CanonicalizationMethod: undeclared content, which ISO 15118 does not use");
	refused(EXI_XMLDSIG_FRAG, METHOD "01 0 0 00000011 01100001 001", E_EXI,
		"in SignatureMethod: undeclared content");
	refused(EXI_XMLDSIG_FRAG, METHOD "01 0 0 00000011 01100001 010 0 011 0 0 00000010 000",
		E_EXI, "in Transform: XPath content");
}

static void
inputs_over_the_bounds_are_refused(void **state)
{
	struct span big = {calloc(EXI_INPUT_MAX + 1, 1), EXI_INPUT_MAX + 1};
	struct buf text = {0};
	struct exi_tree t;
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(exi_decode(EXI_ISO2_DOC, big, &t, &e), E_EXI_LIMIT);
	assert_non_null(strstr(e.text, "65537"));
	free((void *)(uintptr_t)big.p);
	/* one Reference with more Transforms than nodes fit */
	buf_put_str(&text, METHOD "01 0 0 00000011 01100001 010 0 011 0 0 00000010 010");
	for (int i = 0; i < EXI_NODES_MAX / 2; i++)
		buf_put_str(&text, "00 0 00000010 010");
	refused(EXI_XMLDSIG_FRAG, buf_cstr(&text), E_EXI_LIMIT, "too many elements");
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_example_is_accepted),
		cmocka_unit_test(headers_are_refused),
		cmocka_unit_test(event_codes_outside_the_grammar_are_refused),
		cmocka_unit_test(values_longer_than_the_input_are_refused),
		cmocka_unit_test(values_over_their_maximum_are_refused),
		cmocka_unit_test(strings_are_refused),
		cmocka_unit_test(integers_and_enumerations_are_refused),
		cmocka_unit_test(shorts_outside_their_range_are_refused),
		cmocka_unit_test(a_full_list_ends_with_one_bit),
		cmocka_unit_test(fragments_must_end),
		cmocka_unit_test(only_one_zero_octet_may_follow),
		cmocka_unit_test(unused_xmldsig_content_is_refused_by_name),
		cmocka_unit_test(inputs_over_the_bounds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
