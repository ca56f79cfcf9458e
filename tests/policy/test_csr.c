/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ec.h"
#include "base/str.h"
#include "policy/csr.h"
#include "sample.h"

/* The DER of tests/vectors/csr/FILE, which goes through csr_from_body. */
static struct buf
request(const char *file)
{
	struct buf body = {0}, der = {0};
	struct err e = {0};
	char name[64];

	(void)snprintf(name, sizeof(name), "csr/%s", file);
	assert_true(sample_read("VECTORS", name, &body));
	if (csr_from_body(buf_span(&body), &der, &e) != E_OK)
		fail_msg("%s: %s", file, e.text);
	buf_free(&body);
	return der;
}

static void
refused(const char *file, enum err_code code, const char *part)
{
	struct buf der = request(file);
	struct csr csr;
	struct err e = {0};

	assert_int_equal(csr_parse(buf_span(&der), &csr, &e), code);
	if (strstr(e.text, part) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", file, e.text, part);
	buf_free(&der);
}

static void
accepted(const char *file, enum algo_id algo, const char *o, const char *cn)
{
	struct buf der = request(file);
	struct csr csr;
	struct err e = {0};

	if (csr_parse(buf_span(&der), &csr, &e) != E_OK)
		fail_msg("%s: %s", file, e.text);
	assert_int_equal(csr.algo->id, algo);
	assert_string_equal(csr.o, o);
	assert_string_equal(csr.cn, cn);
	assert_int_equal(csr.point.n, csr.algo->point_len);
	assert_true(span_equal(csr.der, buf_span(&der)));
	buf_free(&der);
}

static void
requests_of_openssl_are_read(void **state)
{
	(void)state;
	accepted("p256.pem", ALGO_P256, "V2G Demo", "DE*ABC*E0001");
	accepted("p256.der", ALGO_P256, "V2G Demo", "DE*ABC*E0001");
	accepted("p521.pem", ALGO_P521, "", "DE*ABC*E0001");
	accepted("ed448.pem", ALGO_ED448, "", "DE*ABC*E0001");
	accepted("utf8.pem", ALGO_P256, "Lades\xc3\xa4ulen GmbH", "DE*ABC*E0001");
	accepted("challenge.pem", ALGO_P256, "", "DE*ABC*E0001");
	accepted("critical-known.pem", ALGO_P256, "", "DE*ABC*E0001");
}

static void
request_of_everest_is_read_and_one_without_cn_too(void **state)
{
	(void)state;
	accepted("everest.pem", ALGO_P256, "Pionix", "DE*ABC*E0001");
	accepted("no-cn.pem", ALGO_P256, "Pionix", "");
	accepted("empty-subject.pem", ALGO_P256, "", "");
}

static void
other_keys_are_refused_by_name(void **state)
{
	(void)state;
	refused("p384.pem", E_CSR_KEY, "secp384r1");
	refused("p384.pem", E_CSR_KEY, "expected secp256r1");
	refused("k256.pem", E_CSR_KEY, "secp256k1");
	refused("rsa.pem", E_CSR_KEY, "RSA");
	refused("ed25519.pem", E_CSR_KEY, "Ed25519");
	refused("explicit.pem", E_CSR_KEY, "explicit");
	refused("compressed.pem", E_CSR_KEY, "uncompressed");
}

static void
another_hash_than_the_keys_is_refused(void **state)
{
	(void)state;
	refused("sha384.pem", E_CSR_POP, "SHA256");
}

static void
critical_unknown_extension_is_refused(void **state)
{
	(void)state;
	refused("critical-unknown.pem", E_CSR_MALFORMED, "1.3.6.1.4.1.55555.9");
}

static void
two_common_names_are_refused(void **state)
{
	(void)state;
	refused("two-cn.pem", E_CSR_SUBJECT, "twice");
}

static void
trailing_bytes_and_cut_requests_are_refused(void **state)
{
	struct buf der = request("p256.pem");
	struct csr csr;
	struct err e = {0};
	size_t n;

	(void)state;
	for (n = 0; n < der.n; n++)
		assert_int_equal(csr_parse((struct span){der.p, n}, &csr, NULL), E_CSR_MALFORMED);
	buf_put_u8(&der, 0);
	assert_int_equal(csr_parse(buf_span(&der), &csr, &e), E_CSR_MALFORMED);
	assert_non_null(strstr(e.text, "1 bytes follow"));
	buf_free(&der);
}

static void
every_changed_bit_is_refused(void **state)
{
	struct buf der = request("everest.pem");
	struct csr csr;
	size_t i;

	(void)state;
	for (i = 0; i < der.n * 8; i++) {
		der.p[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_not_equal(csr_parse(buf_span(&der), &csr, NULL), E_OK);
		der.p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	assert_int_equal(csr_parse(buf_span(&der), &csr, NULL), E_OK);
	buf_free(&der);
}

static void
bad_signature_fails_the_proof_of_possession(void **state)
{
	struct buf der = request("p256.pem");
	struct csr csr;
	struct err e = {0};

	(void)state;
	der.p[der.n - 1] ^= 1;
	assert_int_equal(csr_parse(buf_span(&der), &csr, &e), E_CSR_POP);
	assert_non_null(strstr(e.text, "proof of possession"));
	buf_free(&der);
}

static void
a_point_that_is_not_on_the_curve_is_refused(void **state)
{
	struct buf der = request("p256.pem");
	struct csr csr;
	struct err e = {0};

	(void)state;
	assert_int_equal(csr_parse(buf_span(&der), &csr, &e), E_OK);
	der.p[csr.point.p - der.p + 64] ^= 1;
	assert_int_equal(csr_parse(buf_span(&der), &csr, &e), E_CSR_KEY);
	buf_free(&der);
}

static void
a_request_that_is_too_large_is_refused(void **state)
{
	struct buf der = {0};
	struct csr csr;
	struct err e = {0};

	(void)state;
	memset(buf_grow(&der, 9000), 0x30, 9000);
	assert_int_equal(csr_parse(buf_span(&der), &csr, &e), E_CSR_MALFORMED);
	assert_non_null(strstr(e.text, "at most 8192"));
	buf_free(&der);
}

static struct buf
body_of(const char *text, enum err_code code)
{
	struct buf der = {0};

	assert_int_equal(csr_from_body(span_str(text), &der, NULL), code);
	return der;
}

static void
bodies_in_base64_with_any_breaks_pem_and_der_are_the_same(void **state)
{
	struct buf der = request("p256.der"), text = {0}, got = {0}, spaced = {0};
	size_t i;
	const size_t lines[] = {0, 64, 76};

	(void)state;
	for (i = 0; i < ARRAY_LEN(lines); i++) {
		size_t k;

		buf_clear(&text);
		buf_clear(&spaced);
		base64_encode(buf_span(&der), lines[i], &text);
		for (k = 0; k < text.n; k++) { /* CR LF, as Windows clients write it */
			if (text.p[k] == '\n')
				buf_put_u8(&spaced, '\r');
			buf_put_u8(&spaced, text.p[k]);
		}
		got = body_of(buf_cstr(&spaced), E_OK);
		assert_true(span_equal(buf_span(&got), buf_span(&der)));
		buf_free(&got);
	}
	buf_clear(&text);
	buf_put_str(&text, "preamble\n-----BEGIN NEW CERTIFICATE REQUEST-----\n");
	base64_encode(buf_span(&der), 64, &text);
	buf_put_str(&text, "-----END NEW CERTIFICATE REQUEST-----\r\n\n");
	got = body_of(buf_cstr(&text), E_OK);
	assert_true(span_equal(buf_span(&got), buf_span(&der)));
	buf_free(&got);
	buf_free(&spaced);
	buf_free(&text);
	buf_free(&der);
}

static void
bodies_of_another_kind_are_refused(void **state)
{
	struct buf b;
	size_t i;
	static const char *const bad[] = {
		"",
		" \r\n ",
		"not base64 !",
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n",
		"-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\nx",
		"-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
		"{\"csr\":\"MIIB\"}",
	};

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		b = body_of(bad[i], E_CSR_MALFORMED);
		buf_free(&b);
	}
}

static void
what_csr_make_writes_is_read_again(void **state)
{
	enum algo_id id;

	(void)state;
	for (id = ALGO_P256; id < ALGO_COUNT; id++) {
		const struct algo *a = algo_get(id);
		struct secret key = {0};
		struct buf point = {0}, der = {0};
		struct csr csr;
		struct err e = {0};

		assert_int_equal(ec_generate(a, &key, &point, &e), E_OK);
		assert_int_equal(csr_make(a, &key, "Org", "DE*ABC*E1", "CPO", &der, &e), E_OK);
		if (csr_parse(buf_span(&der), &csr, &e) != E_OK)
			fail_msg("%s", e.text);
		assert_string_equal(csr.cn, "DE*ABC*E1");
		assert_string_equal(csr.o, "Org");
		assert_true(span_equal(csr.point, buf_span(&point)));
		assert_true(span_equal(name_attr(csr.subject, OID_DC), SPAN_LIT("CPO")));
		buf_clear(&der);
		assert_int_equal(csr_make(a, &key, NULL, "x", NULL, &der, &e), E_OK);
		assert_int_equal(csr_parse(buf_span(&der), &csr, &e), E_OK);
		assert_string_equal(csr.o, "");
		buf_clear(&der);
		assert_int_equal(csr_make(a, &key, NULL, "a\nb", NULL, &der, &e), E_BAD_VALUE);
		buf_free(&der);
		buf_free(&point);
		secret_free(&key);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_of_openssl_are_read),
		cmocka_unit_test(request_of_everest_is_read_and_one_without_cn_too),
		cmocka_unit_test(other_keys_are_refused_by_name),
		cmocka_unit_test(another_hash_than_the_keys_is_refused),
		cmocka_unit_test(critical_unknown_extension_is_refused),
		cmocka_unit_test(two_common_names_are_refused),
		cmocka_unit_test(trailing_bytes_and_cut_requests_are_refused),
		cmocka_unit_test(every_changed_bit_is_refused),
		cmocka_unit_test(bad_signature_fails_the_proof_of_possession),
		cmocka_unit_test(a_point_that_is_not_on_the_curve_is_refused),
		cmocka_unit_test(a_request_that_is_too_large_is_refused),
		cmocka_unit_test(bodies_in_base64_with_any_breaks_pem_and_der_are_the_same),
		cmocka_unit_test(bodies_of_another_kind_are_refused),
		cmocka_unit_test(what_csr_make_writes_is_read_again),
	};

	return cmocka_run_group_tests(tests, sample_setup, NULL);
}
