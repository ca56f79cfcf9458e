/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pool/fixture.h"

#include <openssl/ec.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define YEAR_9999 INT64_C(253402300799)

static void
refused(struct fixture *f, struct span der, unsigned types, enum err_code code, const char *text)
{
	struct root_row row;

	expect_text(f, pool_root_put(f->pool, "admin", der, types, &row, &f->e), code, text);
	assert_int_equal(row.der.n, 0);
}

static size_t
count_roots(struct fixture *f, unsigned types)
{
	struct root_row *rows = NULL;
	size_t n = 0;

	expect(f, pool_root_list(f->pool, types, &rows, &n, &f->e), E_OK);
	for (size_t i = 0; i < n; i++)
		root_row_free(&rows[i]);
	free(rows);
	return n;
}

/* A root by another hand: any curve, with or without what ours always have. */
static void
openssl_root(const char *curve, bool ski, bool ca, struct buf *der)
{
	EVP_PKEY *key = EVP_EC_gen(curve);
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	unsigned char *p = NULL;
	int n;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	/* As published by a real OEM (spec/protocols 2.1). */
	assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notBefore(x), "19700101000000Z"), 1);
	assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notAfter(x), "99991231235959Z"), 1);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Other", -1, -1,
				   0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints,
				  ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	if (ski) {
		ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_key_identifier, "hash");
		X509_add_ext(x, ext, -1);
		X509_EXTENSION_free(ext);
	}
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	n = i2d_X509(x, &p);
	assert_true(n > 0);
	buf_put(der, p, (size_t)n);
	OPENSSL_free(p);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void
root_is_stored_and_found_by_type_and_id(void **state)
{
	struct fixture *f = *state;
	struct root_row row;

	assert_int_equal(count_roots(f, 0), 4);
	assert_int_equal(count_roots(f, ROOT_V2G), 2);
	assert_int_equal(count_roots(f, ROOT_V2G | ROOT_MO), 3);
	assert_int_equal(count_roots(f, ROOT_PE), 0);
	expect(f, pool_root_get(f->pool, f->root[ROW_MO].id, &row, &f->e), E_OK);
	assert_int_equal(row.types, ROOT_MO);
	assert_true(span_equal(buf_span(&row.der), buf_span(&f->pki.key[SOFT_MO_ROOT].cert)));
	root_row_free(&row);
	assert_int_equal(count_events(f, "root.cert.added"), 4);
}

static void
the_same_root_again_adds_its_types(void **state)
{
	struct fixture *f = *state;
	struct root_row row;

	expect(f,
	       pool_root_put(f->pool, "admin", buf_span(&f->root[ROW_V2G].der), ROOT_MO, &row,
			     &f->e),
	       E_OK);
	assert_string_equal(row.id, f->root[ROW_V2G].id);
	assert_int_equal(row.types, ROOT_V2G | ROOT_MO);
	root_row_free(&row);
	assert_int_equal(count_roots(f, 0), 4);
	assert_int_equal(count_events(f, "root.cert.added"), 4);
}

static void
root_valid_from_1970_to_9999_is_stored_unless_forged(void **state)
{
	struct fixture *f = *state;
	struct buf der = {0};
	struct root_row row;

	openssl_root("P-256", true, true, &der);
	expect(f, pool_root_put(f->pool, "admin", buf_span(&der), ROOT_OEM, &row, &f->e), E_OK);
	assert_int_equal(row.not_before, 0);
	assert_int_equal(row.not_after, YEAR_9999);
	root_row_free(&row);
	der.p[der.n - 1] ^= 1;
	refused(f, buf_span(&der), ROOT_OEM, E_ROOT_INVALID, "signature");
	buf_free(&der);
}

static void
root_without_type_is_refused(void **state)
{
	struct fixture *f = *state;

	refused(f, buf_span(&f->root[0].der), 0, E_BAD_VALUE, "rootType");
	refused(f, buf_span(&f->root[0].der), 16, E_BAD_VALUE, "rootType");
}

static void
what_is_no_certificate_is_refused(void **state)
{
	struct fixture *f = *state;

	refused(f, SPAN_LIT("\x30\x03\x02\x01\x01"), ROOT_V2G, E_CERT_MALFORMED, "caCertificate");
}

static void
root_of_more_than_4096_bytes_is_refused(void **state)
{
	static uint8_t large[4097];

	refused(*state, (struct span){large, sizeof(large)}, ROOT_V2G, E_CERT_TOO_BIG, "4096");
}

static void
leaf_and_sub_ca_are_refused_as_roots(void **state)
{
	struct fixture *f = *state;

	refused(f, buf_span(&f->car.cert), ROOT_V2G, E_ROOT_INVALID, "not a CA");
	refused(f, buf_span(&f->pki.key[SOFT_MO_SUB1].cert), ROOT_MO, E_ROOT_INVALID,
		"self-signed");
}

static void
foreign_root_needs_key_identifier_and_a_known_key(void **state)
{
	struct fixture *f = *state;
	struct buf good = {0}, no_ski = {0}, no_ca = {0}, p384 = {0};
	struct root_row row;

	openssl_root("P-256", true, true, &good);
	openssl_root("P-256", false, true, &no_ski);
	openssl_root("P-256", true, false, &no_ca);
	openssl_root("P-384", true, true, &p384);
	refused(f, buf_span(&no_ski), ROOT_OEM, E_ROOT_INVALID, "subjectKeyIdentifier");
	refused(f, buf_span(&no_ca), ROOT_OEM, E_ROOT_INVALID, "not a CA");
	refused(f, buf_span(&p384), ROOT_OEM, E_ROOT_INVALID, "key type");
	expect(f, pool_root_put(f->pool, "admin", buf_span(&good), ROOT_OEM, &row, &f->e), E_OK);
	root_row_free(&row);
	buf_free(&p384);
	buf_free(&no_ca);
	buf_free(&no_ski);
	buf_free(&good);
}

static void
expired_root_is_refused(void **state)
{
#ifdef TEST_HOOKS
	struct fixture *f = *state;

	setenv("V2GPKI_TEST_CLOCK", "+1576800000", 1); /* 50 years */
	refused(f, buf_span(&f->root[0].der), ROOT_V2G, E_ROOT_INVALID, "expired");
#else
	(void)state;
	skip();
#endif
}

static void
unknown_root_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct root_row row;

	expect(f, pool_root_get(f->pool, "0", &row, &f->e), E_ROOT_UNKNOWN);
	expect(f, pool_root_delete(f->pool, "admin", "0", &f->e), E_ROOT_UNKNOWN);
}

static void
deleted_root_is_gone_and_anchors_nothing_any_more(void **state)
{
	struct fixture *f = *state;
	struct vehicle_put in = vehicle_of(f, &f->car);
	struct vehicle_view view;

	expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_OEM].id, &f->e), E_OK);
	assert_int_equal(count_roots(f, ROOT_OEM), 0);
	expect(f, pool_vehicle_put(f->pool, &in, &view, &f->e), E_CERT_UNTRUSTED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(root_is_stored_and_found_by_type_and_id),
		T(the_same_root_again_adds_its_types),
		T(root_valid_from_1970_to_9999_is_stored_unless_forged),
		T(root_without_type_is_refused),
		T(what_is_no_certificate_is_refused),
		T(root_of_more_than_4096_bytes_is_refused),
		T(leaf_and_sub_ca_are_refused_as_roots),
		T(foreign_root_needs_key_identifier_and_a_known_key),
		T(expired_root_is_refused),
		T(unknown_root_is_not_found),
		T(deleted_root_is_gone_and_anchors_nothing_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
