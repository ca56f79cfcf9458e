/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/keywrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/ec.h"
#include "tests/iso15118/vectors.h"

static struct secret
hex_secret(const json_t *v, const char *member)
{
	struct buf b = vectors_hex(v, member);
	struct secret s = {0};

	assert_int_equal(secret_alloc(&s, b.n, NULL), E_OK);
	memcpy(s.p, b.p, b.n);
	buf_free(&b);
	return s;
}

static void
check_wrap(const json_t *v)
{
	struct secret ephemeral = hex_secret(v, "ephemeral_private");
	struct secret contract = hex_secret(v, "contract_private");
	struct buf receiver = vectors_hex(v, "oem_public"), iv = vectors_hex(v, "iv");
	struct buf field = vectors_hex(v, "ContractSignatureEncryptedPrivateKey"),
		   dh = vectors_hex(v, "DHpublickey");
	struct keywrap out;
	struct err e = {0};

	assert_int_equal(iv.n, KEYWRAP_IV_LEN);
	if (keywrap_wrap_with(buf_span(&receiver), &contract, &ephemeral, iv.p, &out, &e) != E_OK)
		fail_msg("%s", e.text);
	assert_true(span_equal(buf_span(&field), (struct span){out.field, sizeof(out.field)}));
	assert_true(span_equal(buf_span(&dh), (struct span){out.dh, sizeof(out.dh)}));
	secret_free(&ephemeral);
	secret_free(&contract);
	buf_free(&receiver);
	buf_free(&iv);
	buf_free(&field);
	buf_free(&dh);
}

static enum err_code
unwrap(const json_t *v, struct err *e)
{
	struct secret receiver = hex_secret(v, "oem_private"), got = {0};
	struct buf field = vectors_hex(v, "ContractSignatureEncryptedPrivateKey"),
		   dh = vectors_hex(v, "DHpublickey");
	struct buf expected = vectors_hex(v, "contract_private"),
		   point = vectors_hex(v, "contract_public");
	enum err_code rc;

	rc = keywrap_unwrap(&receiver, buf_span(&dh), buf_span(&field), buf_span(&point), &got, e);
	if (rc == E_OK)
		assert_true(span_equal(secret_span(&got), buf_span(&expected)));
	else
		assert_null(got.p);
	secret_free(&got);
	secret_free(&receiver);
	buf_free(&field);
	buf_free(&dh);
	buf_free(&expected);
	buf_free(&point);
	return rc;
}

static void
published_cases_open_or_are_refused(void **state)
{
	json_t *file = vectors_json(false, "keywrap.json"), *v;
	int valid = 0, refused = 0;
	size_t i;

	(void)state; /* cmocka */
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		struct err e = {0};

		if (strcmp(json_string_value(json_object_get(v, "part")), "2") != 0)
			continue;
		if (json_is_true(json_object_get(v, "valid"))) {
			check_wrap(v);
			assert_int_equal(unwrap(v, &e), E_OK);
			valid++;
		} else {
			assert_int_equal(unwrap(v, &e), E_KEYWRAP);
			assert_non_null(strstr(e.text, "V2G2-8"));
			refused++;
		}
	}
	assert_int_equal(valid, 6);
	assert_int_equal(refused, 9);
	json_decref(file);
}

static void
fresh_wraps_differ_and_open(void **state)
{
	struct secret car = {0}, contract = {0}, got = {0};
	struct buf car_point = {0}, contract_point = {0};
	struct keywrap a, b;

	(void)state; /* cmocka */
	assert_int_equal(ec_generate(algo_get(ALGO_P256), &car, &car_point, NULL), E_OK);
	assert_int_equal(ec_generate(algo_get(ALGO_P256), &contract, &contract_point, NULL), E_OK);
	assert_int_equal(keywrap_wrap(buf_span(&car_point), &contract, &a, NULL), E_OK);
	assert_int_equal(keywrap_wrap(buf_span(&car_point), &contract, &b, NULL), E_OK);
	assert_memory_not_equal(a.field, b.field, sizeof(a.field));
	assert_memory_not_equal(a.dh, b.dh, sizeof(a.dh));
	assert_int_equal(keywrap_unwrap(&car, (struct span){b.dh, sizeof(b.dh)},
					(struct span){b.field, sizeof(b.field)},
					buf_span(&contract_point), &got, NULL),
			 E_OK);
	assert_true(span_equal(secret_span(&got), secret_span(&contract)));
	secret_free(&got);
	secret_free(&car);
	secret_free(&contract);
	buf_free(&car_point);
	buf_free(&contract_point);
}

static void
contract_keys_of_other_sizes_and_bad_receivers_are_refused(void **state)
{
	struct secret shorter = {0}, key = {0};
	struct buf point = {0};
	struct keywrap out;
	struct err e = {0};

	(void)state; /* cmocka */
	assert_int_equal(secret_alloc(&shorter, 31, NULL), E_OK);
	assert_int_equal(ec_generate(algo_get(ALGO_P256), &key, &point, NULL), E_OK);
	assert_int_equal(keywrap_wrap(buf_span(&point), &shorter, &out, &e), E_KEYWRAP);
	assert_non_null(strstr(e.text, "31 bytes"));
	point.p[40] ^= 1;
	assert_int_equal(keywrap_wrap(buf_span(&point), &key, &out, NULL), E_KEYWRAP);
	secret_free(&shorter);
	secret_free(&key);
	buf_free(&point);
}

static void
nothing_secret_is_left(void **state)
{
	json_t *file = vectors_json(false, "keywrap.json");
	const json_t *v = json_array_get(json_object_get(file, "vectors"), 0);
	size_t before = secret_used();
	struct err e = {0};

	(void)state; /* cmocka */
	check_wrap(v);
	assert_int_equal(unwrap(v, &e), E_OK);
	assert_int_equal(secret_used(), before);
	json_decref(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_cases_open_or_are_refused),
		cmocka_unit_test(fresh_wraps_differ_and_open),
		cmocka_unit_test(contract_keys_of_other_sizes_and_bad_receivers_are_refused),
		cmocka_unit_test(nothing_secret_is_left),
	};

	if (secret_init(NULL) != E_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
