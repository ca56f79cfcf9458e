/* SPDX-License-Identifier: Apache-2.0 */
/* The key tests, on the module that argv[1] names: softhsm or nss. */
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/ec.h"

static struct fixture fx;
static struct hsm *h;
static bool is_nss;
static struct err e;

static void
open_hsm(void)
{
	err_clear(&e);
	if (hsm_open(&fx.conf, 1, &h, &e) != E_OK)
		fail_msg("hsm_open: %s", e.text);
	if (hsm_token_health(h, "main", &e) != E_OK)
		fail_msg("health: %s", e.text);
}

static void
make_key(const struct algo *a, uint8_t n, struct buf *point)
{
	err_clear(&e);
	buf_clear(point);
	if (hsm_key_generate(h, "main", a, fixture_id(n), "test key", point, &e) != E_OK)
		fail_msg("hsm_key_generate: %s", e.text);
	assert_int_equal(point->n, a->point_len);
}

static struct hsm_key *
find_key(uint8_t n)
{
	struct hsm_key *k;

	err_clear(&e);
	if (hsm_key_find(h, "main", fixture_id(n), &k, &e) != E_OK)
		fail_msg("hsm_key_find: %s", e.text);
	return k;
}

static void
sign_and_verify(struct hsm_key *k, const struct algo *a, struct span point)
{
	uint8_t digest[DIGEST_MAX];
	struct span message = SPAN_LIT("to be signed"), data = message;
	struct buf sig = {0};
	struct err why = {0};

	if (a->digest_len != 0) {
		assert_int_equal(digest_for(a, message, digest, &why), E_OK);
		data = (struct span){digest, a->digest_len};
	}
	if (hsm_sign(k, data, &sig, &why) != E_OK)
		fail_msg("hsm_sign: %s", why.text);
	assert_int_equal(ec_verify(a, point, message, buf_span(&sig), &why), E_OK);
	buf_free(&sig);
}

static void
every_algorithm_makes_a_key_that_signs(void **state)
{
	enum algo_id id;

	(void)state;
	for (id = ALGO_P256; id < ALGO_COUNT; id++) {
		const struct algo *a = algo_get(id);
		struct buf point = {0}, read = {0};
		struct hsm_key *k;

		if (is_nss && id == ALGO_ED448)
			continue; /* eddsa_is_refused_where_the_module_has_none */
		make_key(a, (uint8_t)id, &point);
		k = find_key((uint8_t)id);
		assert_int_equal(hsm_key_point(k, &read, &e), E_OK);
		assert_true(span_equal(buf_span(&read), buf_span(&point)));
		buf_free(&read);
		assert_ptr_equal(hsm_key_algo(k), a);
		sign_and_verify(k, a, buf_span(&point));
		assert_int_equal(hsm_key_signatures(k), 1);
		if (hsm_key_prove(k, a, buf_span(&point), false, &e) != E_OK)
			fail_msg("hsm_key_prove: %s", e.text);
		assert_ptr_equal(find_key((uint8_t)id), k);
		buf_free(&point);
	}
}

static void
eddsa_is_refused_where_the_module_has_none(void **state)
{
	struct buf point = {0};

	(void)state;
	if (!is_nss)
		skip();
	assert_int_equal(hsm_key_generate(h, "main", algo_get(ALGO_ED448), fixture_id(90), "x",
					  &point, NULL),
			 E_HSM_UNSUPPORTED);
	buf_free(&point);
}

static void
second_key_with_the_same_id_is_refused(void **state)
{
	struct buf point = {0};

	(void)state;
	make_key(algo_get(ALGO_P256), 10, &point);
	assert_int_equal(
		hsm_key_generate(h, "main", algo_get(ALGO_P256), fixture_id(10), "x", &point, NULL),
		E_HSM_KEY_EXISTS);
	buf_free(&point);
}

static void
missing_key_is_named(void **state)
{
	struct hsm_key *k;

	(void)state;
	err_clear(&e);
	assert_int_equal(hsm_key_find(h, "main", fixture_id(99), &k, &e), E_HSM_KEY_MISSING);
	assert_null(k);
	assert_non_null(strstr(e.text, "63636363"));
}

/* I-34: the key in the token must be the one of the certificate, proven by sign and verify. */
static void
key_of_another_certificate_is_refused(void **state)
{
	const struct algo *a = algo_get(ALGO_P256);
	struct buf p1 = {0}, p2 = {0};

	(void)state;
	make_key(a, 11, &p1);
	make_key(a, 12, &p2);
	assert_int_equal(hsm_key_prove(find_key(11), a, buf_span(&p2), false, NULL),
			 E_HSM_KEY_PROOF);
	assert_int_equal(hsm_key_prove(find_key(11), a, buf_span(&p1), false, NULL), E_OK);
	assert_int_equal(
		hsm_key_prove(find_key(11), algo_get(ALGO_P521), buf_span(&p1), false, NULL),
		E_HSM_KEY_PROOF);
	buf_free(&p1);
	buf_free(&p2);
}

static void
digest_of_wrong_length_is_refused(void **state)
{
	struct buf point = {0}, sig = {0};
	struct hsm_key *k;

	(void)state;
	make_key(algo_get(ALGO_P256), 13, &point);
	k = find_key(13);
	assert_int_equal(hsm_sign(k, SPAN_LIT("31 bytes are not a SHA-256 sum."), &sig, NULL),
			 E_HSM_SIGN);
	assert_int_equal(sig.n, 0);
	assert_int_equal(hsm_key_signatures(k), 0);
	buf_free(&point);
	buf_free(&sig);
}

static void
keys_survive_a_restart(void **state)
{
	const struct algo *a = algo_get(ALGO_P256);
	struct buf point = {0};

	(void)state;
	make_key(a, 14, &point);
	hsm_close(h);
	open_hsm();
	sign_and_verify(find_key(14), a, buf_span(&point));
	buf_free(&point);
}

/* A key pair as another program may have made it. */
static void
make_foreign_key(uint8_t n, CK_BBOOL extractable)
{
	CK_FUNCTION_LIST *f = fixture_functions(&fx);
	CK_MECHANISM mech = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	uint8_t params[] = {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}, id[HSM_KEY_ID_LEN];
	CK_ATTRIBUTE public_t[] = {{CKA_TOKEN, &yes, 1},
				   {CKA_EC_PARAMS, params, sizeof(params)},
				   {CKA_ID, id, sizeof(id)}};
	CK_ATTRIBUTE private_t[] = {{CKA_TOKEN, &yes, 1},      {CKA_PRIVATE, &yes, 1},
				    {CKA_SENSITIVE, &yes, 1},  {CKA_SIGN, &yes, 1},
				    {CKA_ID, id, sizeof(id)},  {CKA_EXTRACTABLE, &extractable, 1},
				    {CKA_MODIFIABLE, &no, 1},  {CKA_DERIVE, &no, 1},
				    {CKA_DECRYPT, &no, 1},     {CKA_UNWRAP, &no, 1},
				    {CKA_SIGN_RECOVER, &no, 1}};
	CK_OBJECT_HANDLE public, private;
	CK_SESSION_HANDLE s;

	memset(id, n, sizeof(id));
	assert_int_equal(f->C_OpenSession(fixture_slot(&fx), CKF_SERIAL_SESSION | CKF_RW_SESSION,
					  NULL, NULL, &s),
			 CKR_OK);
	assert_int_equal(f->C_GenerateKeyPair(s, &mech, public_t, ARRAY_LEN(public_t), private_t,
					      ARRAY_LEN(private_t), &public, &private),
			 CKR_OK);
	assert_int_equal(f->C_CloseSession(s), CKR_OK);
}

/* I-34 */
static void
extractable_key_is_refused_unless_adopted(void **state)
{
	struct hsm_key *k;
	struct buf point = {0};

	(void)state;
	make_foreign_key(20, CK_TRUE);
	k = find_key(20);
	make_key(algo_get(ALGO_P256), 21, &point); /* any point: the attributes come first */
	err_clear(&e);
	assert_int_equal(hsm_key_prove(k, algo_get(ALGO_P256), buf_span(&point), false, &e),
			 E_HSM_KEY_PROOF);
	assert_non_null(strstr(e.text, "EXTRACTABLE"));
	err_clear(&e);
	assert_int_equal(hsm_key_prove(k, algo_get(ALGO_P256), buf_span(&point), true, &e),
			 E_HSM_KEY_PROOF);
	assert_null(strstr(e.text, "EXTRACTABLE")); /* lax: only the signature does not fit */
	buf_free(&point);
}

static void
two_keys_with_one_id_are_refused(void **state)
{
	struct hsm_key *k;

	(void)state;
	if (is_nss)
		skip(); /* softokn overwrites the first: all the more reason to look before */
	make_foreign_key(22, CK_FALSE);
	make_foreign_key(22, CK_FALSE);
	assert_int_equal(hsm_key_find(h, "main", fixture_id(22), &k, NULL), E_HSM_KEY_PROOF);
}

static void
second_token_of_the_same_label_is_refused(void **state)
{
	struct secret so = {0};

	(void)state;
	assert_int_equal(secret_alloc(&so, 8, NULL), E_OK);
	memset(so.p, '1', 8);
	assert_int_equal(hsm_token_init(&fx.conf, fx.slot + strlen("label:"), &so, NULL),
			 E_HSM_KEY_EXISTS);
	secret_free(&so);
}

static void
wrong_configuration_is_refused(void **state)
{
	struct hsm_token_conf bad;
	struct hsm *other;

	(void)state;
	bad = fx.conf;
	bad.module = "/nonexistent.so";
	assert_int_equal(hsm_open(&bad, 1, &other, NULL), E_HSM_MODULE);
	bad.module = "/lib/x86_64-linux-gnu/libc.so.6";
	assert_int_equal(hsm_open(&bad, 1, &other, NULL), E_HSM_MODULE);
	bad = fx.conf;
	bad.slots[0] = "v2gpki";
	assert_int_equal(hsm_open(&bad, 1, &other, NULL), E_CONFIG);
	bad = fx.conf;
	bad.sessions = 0;
	assert_int_equal(hsm_open(&bad, 1, &other, NULL), E_CONFIG);
	bad.sessions = 65;
	assert_int_equal(hsm_open(&bad, 1, &other, NULL), E_CONFIG);
	bad = fx.conf;
	bad.slots[0] = NULL;
	assert_int_equal(hsm_open(&bad, 1, &other, NULL), E_CONFIG);
	assert_int_equal(hsm_token_health(h, "nobody", NULL), E_CONFIG);
}

static void
pin_comes_from_a_systemd_credential(void **state)
{
	struct hsm_token_conf c = fx.conf;
	struct hsm *other;

	(void)state;
	c.pin_file = "credential:pin";
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_int_equal(hsm_open(&c, 1, &other, &e), E_OK);
	assert_int_equal(hsm_token_health(other, "main", NULL), E_IO);
	hsm_close(other);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", fx.dir, 1), 0);
	assert_int_equal(hsm_open(&c, 1, &other, &e), E_OK);
	assert_int_equal(hsm_token_health(other, "main", NULL), E_OK);
	hsm_close(other);
}

struct signer {
	struct hsm_key *k;
	struct span point;
};

static void *
sign_many(void *arg)
{
	const struct signer *s = arg;
	int i;

	for (i = 0; i < 50; i++)
		sign_and_verify(s->k, algo_get(ALGO_P256), s->point);
	return NULL;
}

static void
eight_threads_share_two_sessions(void **state)
{
	struct buf point = {0};
	struct signer s;
	pthread_t t[8];
	size_t i;

	(void)state;
	make_key(algo_get(ALGO_P256), 15, &point);
	s = (struct signer){find_key(15), buf_span(&point)};
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, sign_many, &s), 0);
	for (i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(hsm_key_signatures(s.k), 400);
	buf_free(&point);
}

static void
check_reports_what_the_token_can_do(void **state)
{
	struct buf report = {0};

	(void)state;
	err_clear(&e);
	if (hsm_token_check(&fx.conf, &report, &e) != E_OK)
		fail_msg("hsm_token_check: %s", e.text);
	printf("%s", buf_cstr(&report));
	assert_non_null(strstr((char *)report.p, is_nss ? "NSS softokn" : "SoftHSM"));
	assert_non_null(strstr((char *)report.p, "100 P-256 signatures"));
	buf_free(&report);
}

static int
setup(void **state)
{
	(void)state;
	if (is_nss ? !fixture_nss(&fx) : !fixture_softhsm(&fx, "v2gpki"))
		exit(77); /* meson: skipped */
	open_hsm();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hsm_close(h);
	fixture_free(&fx);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_makes_a_key_that_signs),
		cmocka_unit_test(eddsa_is_refused_where_the_module_has_none),
		cmocka_unit_test(second_key_with_the_same_id_is_refused),
		cmocka_unit_test(missing_key_is_named),
		cmocka_unit_test(key_of_another_certificate_is_refused),
		cmocka_unit_test(digest_of_wrong_length_is_refused),
		cmocka_unit_test(extractable_key_is_refused_unless_adopted),
		cmocka_unit_test(two_keys_with_one_id_are_refused),
		cmocka_unit_test(second_token_of_the_same_label_is_refused),
		cmocka_unit_test(wrong_configuration_is_refused),
		cmocka_unit_test(pin_comes_from_a_systemd_credential),
		cmocka_unit_test(keys_survive_a_restart),
		cmocka_unit_test(eight_threads_share_two_sessions),
		cmocka_unit_test(check_reports_what_the_token_can_do),
	};

	is_nss = argc > 1 && strcmp(argv[1], "nss") == 0;
	return cmocka_run_group_tests(tests, setup, teardown);
}
