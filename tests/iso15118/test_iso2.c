/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/iso2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "iso15118/exi_grammar.h"
#include "tests/iso15118/vectors.h"

/* Decodes a vector into the struct, writes the struct, and compares. */
static void
check_round_trip(const char *name, const json_t *v, void *arg)
{
	struct buf exi = vectors_hex(v, "exi_hex"), out = {0};
	int *seen = arg;
	struct iso2_msg m = {0};
	struct err e = {0};

	if (strcmp(json_string_value(json_object_get(v, "set")), "iso2-doc") == 0 &&
	    strcmp(json_string_value(json_object_get(v, "expect")), "accept") == 0) {
		assert_int_equal(iso2_decode(buf_span(&exi), &m, &e), E_OK);
		if (m.signature == 0) {
			if (iso2_encode(&m, NULL, &out, &e) != E_OK)
				fail_msg("%s: %s", name, e.text);
			if (!span_equal(buf_span(&exi), buf_span(&out)))
				fail_msg("%s: other octets", name);
			(*seen)++;
		}
		iso2_msg_free(&m);
	}
	buf_free(&exi);
	buf_free(&out);
}

static void
unsigned_vectors_pass_through_the_struct(void **state)
{
	int seen = 0;

	(void)state;                                 /* cmocka */
	(void)vectors_each(check_round_trip, &seen); /* how many there are is not asked here */
	assert_in_range(seen, 15, 31);
}

static void
response_names_are_those_of_the_grammar(void **state)
{
	(void)state; /* cmocka */
	assert_int_equal(exi_iso2_response_codes.n, ISO2_RESPONSE_CODE_COUNT);
	for (int i = 0; i < ISO2_RESPONSE_CODE_COUNT; i++) {
		const char *name = iso2_response_name((enum iso2_response_code)i);

		assert_string_equal(exi_iso2_response_codes.names[i], name);
		assert_int_equal(iso2_response_by_name(name), i);
	}
	assert_int_equal(iso2_response_by_name("FAILED_Other"), ISO2_RESPONSE_CODE_COUNT);
	assert_string_equal(iso2_response_name(ISO2_RESPONSE_CODE_COUNT), "");
	assert_int_equal(ISO2_FAILED_NoCertificateAvailable, 12);
}

static struct buf
published_negative(void)
{
	struct buf text = vectors_read(true, "protocol/opcp-cires-iso2-no-contract.b64"), exi = {0};

	assert_int_equal(base64_decode(buf_span(&text), &exi, NULL), E_OK);
	buf_free(&text);
	return exi;
}

static void
negative_answer_equals_the_published_one(void **state)
{
	struct buf exi, out = {0};

	(void)state; /* cmocka */
	if (!vectors_have_shared())
		skip();
	exi = published_negative();
	assert_int_equal(iso2_negative_res(SPAN_LIT("\x2a\x3d\xc6\xd7\x54\x11\xf6\x47"),
					   ISO2_FAILED_NoCertificateAvailable, NULL, &out, NULL),
			 E_OK);
	assert_true(span_equal(buf_span(&exi), buf_span(&out)));
	buf_free(&exi);
	buf_free(&out);
}

static void
negative_answer_says_its_code(void **state)
{
	struct buf out = {0};
	struct iso2_msg m = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(
		iso2_negative_res(SPAN_LIT("\x01"), ISO2_FAILED_SignatureError, "no", &out, &e),
		E_OK);
	assert_int_equal(iso2_decode(buf_span(&out), &m, &e), E_OK);
	assert_int_equal(m.kind, ISO2_INSTALL_RES);
	assert_int_equal(m.code, ISO2_FAILED_SignatureError);
	assert_int_equal(m.fault, ISO2_UNKNOWN_ERROR);
	assert_true(span_equal(m.fault_msg, SPAN_LIT("no")));
	assert_true(span_equal(m.session_id, SPAN_LIT("\x01")));
	iso2_msg_free(&m);
	buf_clear(&out);
	assert_int_equal(iso2_negative_res(SPAN_LIT("123456789"), ISO2_FAILED, NULL, &out, &e),
			 E_EXI_LIMIT);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

/* For every length before and after: the same as encoding the message with the other SessionID. */
static void
session_id_is_replaced_without_touching_the_rest(void **state)
{
	static const uint8_t id[] = {0xf1, 0xe2, 0xd3, 0xc4, 0xb5, 0xa6, 0x97, 0x88};

	(void)state; /* cmocka */
	for (size_t old = 0; old <= 8; old++) {
		for (size_t new = 0; new <= 8; new ++) {
			struct buf before = {0}, expected = {0}, got = {0};
			struct span was = {(const uint8_t *)"\x11\x22\x33\x44\x55\x66\x77\x88",
					   old};

			assert_int_equal(iso2_negative_res(was, ISO2_FAILED, "x", &before, NULL),
					 E_OK);
			assert_int_equal(iso2_negative_res((struct span){id, new}, ISO2_FAILED, "x",
							   &expected, NULL),
					 E_OK);
			assert_int_equal(iso2_set_session_id(buf_span(&before),
							     (struct span){id, new}, &got, NULL),
					 E_OK);
			assert_true(span_equal(buf_span(&got), buf_span(&expected)));
			buf_free(&before);
			buf_free(&expected);
			buf_free(&got);
		}
	}
}

static void
session_id_of_something_else_is_refused(void **state)
{
	struct buf out = {0};

	(void)state; /* cmocka */
	assert_int_equal(
		iso2_set_session_id(SPAN_LIT("\x80\x98\x00\x40"), SPAN_LIT("\0"), &out, NULL),
		E_EXI);
	assert_int_equal(iso2_set_session_id(SPAN_LIT("\x80\x1c\x00\x40\x10\x50"), SPAN_LIT("\0"),
					     &out, NULL),
			 E_EXI);
	assert_int_equal(iso2_set_session_id(SPAN_LIT("\x80\x98\x40\x40\x10\x50"), SPAN_LIT("\0"),
					     &out, NULL),
			 E_EXI);
	/* length 9, and a length that leaves nothing */
	assert_int_equal(iso2_set_session_id(SPAN_LIT("\x80\x98\x02\x40\x10\x50"), SPAN_LIT("\0"),
					     &out, NULL),
			 E_EXI);
	assert_int_equal(iso2_set_session_id(SPAN_LIT("\x80\x98\x01\x40\x10\x50"), SPAN_LIT("\0"),
					     &out, NULL),
			 E_EXI);
	assert_int_equal(iso2_set_session_id(SPAN_LIT("\x80\x98\x00\x40\x10\x50"),
					     SPAN_LIT("123456789"), &out, NULL),
			 E_EXI_LIMIT);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

static void
too_many_certificates_or_roots_are_refused(void **state)
{
	struct iso2_msg m = {.kind = ISO2_INSTALL_REQ, .n_roots = ISO2_ROOTS_MAX + 1};
	struct buf out = {0};

	(void)state; /* cmocka */
	assert_int_equal(iso2_encode(&m, NULL, &out, NULL), E_EXI_LIMIT);
	m.n_roots = 0;
	assert_int_equal(iso2_encode(&m, NULL, &out, NULL), E_EXI);
	m.contract_chain.n_sub = ISO2_SUBS_MAX + 1;
	assert_int_equal(iso2_encode(&m, NULL, &out, NULL), E_EXI_LIMIT);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

static void
fragments_of_elements_not_signed_are_refused(void **state)
{
	struct iso2_msg m = {.kind = ISO2_UPDATE_REQ};
	struct buf out = {0};
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(iso2_fragment(&m, EXI_eMAID, &out, &e), E_EXI);
	assert_non_null(strstr(e.text, "eMAID is not signed"));
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsigned_vectors_pass_through_the_struct),
		cmocka_unit_test(response_names_are_those_of_the_grammar),
		cmocka_unit_test(negative_answer_equals_the_published_one),
		cmocka_unit_test(negative_answer_says_its_code),
		cmocka_unit_test(session_id_is_replaced_without_touching_the_rest),
		cmocka_unit_test(session_id_of_something_else_is_refused),
		cmocka_unit_test(too_many_certificates_or_roots_are_refused),
		cmocka_unit_test(fragments_of_elements_not_signed_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
