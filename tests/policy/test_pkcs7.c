/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "policy/issuer.h"
#include "policy/pkcs7.h"
#include "sample.h"

static struct sample root, sub1, sub2;

static struct buf
message(void)
{
	const struct span in[] = {buf_span(&sub2.der), buf_span(&sub1.der), buf_span(&root.der)};
	struct buf out = {0};

	assert_int_equal(pkcs7_certs_only(in, 3, &out, NULL), E_OK);
	return out;
}

static void
certificates_keep_their_order(void **state)
{
	struct buf m = message();
	struct span certs[3];
	size_t count = 0;

	(void)state;
	assert_int_equal(pkcs7_read_certs(buf_span(&m), certs, 3, &count, NULL), E_OK);
	assert_int_equal(count, 3);
	assert_true(span_equal(certs[0], buf_span(&sub2.der)));
	assert_true(span_equal(certs[1], buf_span(&sub1.der)));
	assert_true(span_equal(certs[2], buf_span(&root.der)));
	buf_free(&m);
}

static void
openssl_reads_the_same_order(void **state)
{
	struct buf m = message();
	const unsigned char *p = m.p;
	PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)m.n);
	const struct sample *const want[] = {&sub2, &sub1, &root};
	STACK_OF(X509) * certs;
	int i;

	(void)state;
	assert_non_null(p7);
	assert_ptr_equal(p, m.p + m.n);
	certs = p7->d.sign->cert;
	assert_int_equal(sk_X509_num(certs), 3);
	for (i = 0; i < 3; i++) {
		unsigned char *der = NULL;
		int n = i2d_X509(sk_X509_value(certs, i), &der);

		assert_int_equal(n, want[i]->der.n);
		assert_memory_equal(der, want[i]->der.p, (size_t)n);
		OPENSSL_free(der);
	}
	PKCS7_free(p7);
	buf_free(&m);
}

static void
too_many_and_malformed_messages_are_refused(void **state)
{
	struct buf m = message();
	struct span certs[3];
	size_t count = 0, n;

	(void)state;
	assert_int_equal(pkcs7_read_certs(buf_span(&m), certs, 2, &count, NULL), E_TOO_BIG);
	for (n = 0; n < m.n; n += 7)
		assert_int_equal(pkcs7_read_certs((struct span){m.p, n}, certs, 3, &count, NULL),
				 E_DER);
	m.p[14] ^= 1; /* the last octet of the OID of SignedData */
	assert_int_equal(pkcs7_read_certs(buf_span(&m), certs, 3, &count, NULL), E_DER);
	buf_free(&m);
}

static void
an_empty_message_has_no_certificates(void **state)
{
	struct buf m = {0};
	struct span certs[1];
	size_t count = 9;

	(void)state;
	assert_int_equal(pkcs7_certs_only(NULL, 0, &m, NULL), E_OK);
	assert_int_equal(pkcs7_read_certs(buf_span(&m), certs, 1, &count, NULL), E_OK);
	assert_int_equal(count, 0);
	buf_free(&m);
}

static void
results_of_the_seam_are_freed_and_left_empty(void **state)
{
	struct issued i = {0};
	struct cps_chain c = {0};

	(void)state;
	buf_put_str(&i.leaf, "x");
	buf_put_str(&i.root, "x");
	issued_free(&i);
	assert_null(i.leaf.p);
	buf_put_str(&c.sub1, "x");
	cps_chain_free(&c);
	assert_null(c.sub1.p);
	issued_free(NULL);
	cps_chain_free(NULL);
}

static int
make_certs(void **state)
{
	if (sample_setup(state) != 0)
		return -1;
	sample_issue(&root, PROFILE_V2G_ROOT, NULL, "Root", NULL);
	sample_issue(&sub1, PROFILE_CPO_SUB1, &root, "Sub 1", NULL);
	sample_issue(&sub2, PROFILE_CPO_SUB2, &sub1, "Sub 2", NULL);
	return 0;
}

static int
drop_certs(void **state)
{
	(void)state;
	sample_free(&root);
	sample_free(&sub1);
	sample_free(&sub2);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_keep_their_order),
		cmocka_unit_test(openssl_reads_the_same_order),
		cmocka_unit_test(too_many_and_malformed_messages_are_refused),
		cmocka_unit_test(an_empty_message_has_no_certificates),
		cmocka_unit_test(results_of_the_seam_are_freed_and_left_empty),
	};

	return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
