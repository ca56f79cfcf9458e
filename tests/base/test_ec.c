/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "base/ec.h"

static struct err e;

static void
signature_fits_and_a_changed_bit_does_not(void **state)
{
	enum algo_id id;

	(void)state;
	for (id = ALGO_P256; id < ALGO_COUNT; id++) {
		const struct algo *a = algo_get(id);
		struct secret d = {0};
		struct buf point = {0}, sig = {0};

		assert_int_equal(ec_generate(a, &d, &point, &e), E_OK);
		assert_int_equal(point.n, a->point_len);
		assert_int_equal(ec_sign(a, &d, SPAN_LIT("hello"), &sig, &e), E_OK);
		assert_int_equal(sig.n, a->sig_len);
		assert_int_equal(
			ec_verify(a, buf_span(&point), SPAN_LIT("hello"), buf_span(&sig), &e),
			E_OK);
		assert_int_equal(
			ec_verify(a, buf_span(&point), SPAN_LIT("hellp"), buf_span(&sig), NULL),
			E_CERT_SIGNATURE);
		sig.p[sig.n - 1] ^= 1;
		assert_int_not_equal(
			ec_verify(a, buf_span(&point), SPAN_LIT("hello"), buf_span(&sig), NULL),
			E_OK);
		buf_free(&sig);
		buf_free(&point);
		secret_free(&d);
	}
}

static void
both_sides_derive_the_same_and_points_off_the_curve_are_refused(void **state)
{
	const struct algo *a = algo_get(ALGO_P256);
	struct secret d1 = {0}, d2 = {0}, z1 = {0}, z2 = {0};
	struct buf p1 = {0}, p2 = {0}, again = {0};
	size_t before = secret_used(); /* the random generator keeps some */

	(void)state;
	assert_int_equal(ec_generate(a, &d1, &p1, &e), E_OK);
	assert_int_equal(ec_generate(a, &d2, &p2, &e), E_OK);
	assert_int_equal(ec_derive(a, &d1, buf_span(&p2), &z1, &e), E_OK);
	assert_int_equal(ec_derive(a, &d2, buf_span(&p1), &z2, &e), E_OK);
	assert_true(span_equal(secret_span(&z1), secret_span(&z2)));
	assert_int_equal(ec_point_of(a, &d1, &again, &e), E_OK);
	assert_true(span_equal(buf_span(&again), buf_span(&p1)));
	secret_free(&z1);
	p2.p[64] ^= 1;
	assert_int_not_equal(ec_derive(a, &d1, buf_span(&p2), &z1, NULL), E_OK);
	p2.p[64] ^= 1;
	p2.p[0] = 0x02;
	assert_int_not_equal(ec_derive(a, &d1, (struct span){p2.p, 33}, &z1, NULL), E_OK);
	secret_free(&d1);
	secret_free(&d2);
	secret_free(&z2);
	buf_free(&p1);
	buf_free(&p2);
	buf_free(&again);
	assert_int_equal(secret_used(), before);
}

static void
private_key_survives_pem(void **state)
{
	const struct algo *a = algo_get(ALGO_P256), *found = NULL;
	struct secret d = {0}, pem = {0}, back = {0};
	struct buf p = {0}, p2 = {0};

	(void)state;
	assert_int_equal(ec_generate(a, &d, &p, &e), E_OK);
	assert_int_equal(ec_private_to_pem(a, &d, &pem, &e), E_OK);
	assert_int_equal(ec_private_from_pem(secret_span(&pem), &found, &back, &p2, &e), E_OK);
	assert_ptr_equal(found, a);
	assert_true(span_equal(secret_span(&d), secret_span(&back)));
	assert_true(span_equal(buf_span(&p), buf_span(&p2)));
	secret_free(&d);
	secret_free(&pem);
	secret_free(&back);
	buf_free(&p);
	buf_free(&p2);
}

static void
scalars_out_of_range_are_refused(void **state)
{
	const struct algo *a = algo_get(ALGO_P256);
	struct secret d = {0};
	struct buf p = {0};

	(void)state;
	assert_int_equal(secret_alloc(&d, 32, &e), E_OK);
	assert_int_equal(ec_point_of(a, &d, &p, NULL), E_CRYPTO);
	for (size_t i = 0; i < 32; i++)
		d.p[i] = 0xff;
	assert_int_equal(ec_point_of(a, &d, &p, NULL), E_CRYPTO);
	secret_free(&d);
	buf_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signature_fits_and_a_changed_bit_does_not),
		cmocka_unit_test(both_sides_derive_the_same_and_points_off_the_curve_are_refused),
		cmocka_unit_test(private_key_survives_pem),
		cmocka_unit_test(scalars_out_of_range_are_refused),
	};

	if (secret_init(&e) != E_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
