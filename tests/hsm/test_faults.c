/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of a token (F-3, F-4, I-35, I-40), made by p11_shim in front of SoftHSM. argv[1] is the
 * shim. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/ec.h"
#include "base/log.h"

#define RECOVERY_US 5000000 /* longest time to recovery, F-3 */
#define AT_ONCE_US  100000  /* an answer without a call into the module */

static const char *shim;
static struct fixture fx;
static struct hsm *h;
static struct hsm_key *key;
static struct buf point;
static struct err e;
static char control[96], trace[96], count_file[96];

static void
inject(const char *lines)
{
	char beside[112];
	FILE *out;

	snprintf(beside, sizeof(beside), "%s.new", control);
	out = fopen(beside, "w");
	assert_non_null(out);
	assert_true(fputs(lines, out) >= 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(rename(beside, control), 0);
}

static int
lines_with(const char *path, const char *word)
{
	char line[200];
	int n = 0;
	FILE *in = fopen(path, "r");

	if (in == NULL)
		return 0;
	while (fgets(line, sizeof(line), in) != NULL)
		n += strstr(line, word) != NULL;
	assert_int_equal(fclose(in), 0);
	return n;
}

static enum err_code
sign(struct buf *sig)
{
	uint8_t digest[DIGEST_MAX];

	err_clear(&e);
	buf_clear(sig);
	assert_int_equal(digest_for(algo_get(ALGO_P256), SPAN_LIT("x"), digest, &e), E_OK);
	return hsm_sign(key, (struct span){digest, 32}, sig, &e);
}

static void
sign_well(struct span p)
{
	struct buf sig = {0};

	if (sign(&sig) != E_OK)
		fail_msg("hsm_sign: %s", e.text);
	assert_int_equal(ec_verify(algo_get(ALGO_P256), p, SPAN_LIT("x"), buf_span(&sig), &e),
			 E_OK);
	buf_free(&sig);
}

/* Signs badly, and how long that took in microseconds. */
static int64_t
sign_badly(enum err_code expected)
{
	int64_t start = clock_mono_us();
	struct buf sig = {0};
	enum err_code rc = sign(&sig);

	if (rc != expected)
		fail_msg("hsm_sign: %s (%s), expected %s", err_name(rc), e.text,
			 err_name(expected));
	assert_int_equal(sig.n, 0);
	buf_free(&sig);
	return clock_mono_us() - start;
}

static void
wait_for_health(void)
{
	int64_t start = clock_mono_us();

	while (hsm_token_health(h, "main", NULL) != E_OK) {
		if (clock_mono_us() - start > RECOVERY_US)
			fail_msg("no recovery within 5 s");
		usleep(20000);
	}
}

static int
open_hsm(void **state)
{
	(void)state;
	inject("");
	unlink(trace); /* either may not be there yet */
	unlink(count_file);
	err_clear(&e);
	assert_int_equal(hsm_open(&fx.conf, 1, &h, &e), E_OK);
	if (hsm_token_health(h, "main", NULL) == E_OK &&
	    hsm_key_find(h, "main", fixture_id(1), &key, &e) != E_OK)
		fail_msg("hsm_key_find: %s", e.text);
	return 0;
}

static int
close_hsm(void **state)
{
	(void)state;
	inject("");
	hsm_close(h);
	h = NULL;
	return 0;
}

static void
lost_session_is_opened_again(void **state)
{
	(void)state;
	sign_well(buf_span(&point));
	inject("C_Sign rv 0xb3 1 -\n");
	sign_well(buf_span(&point));
	inject("C_SignInit rv 0xb0 1 -\n");
	sign_well(buf_span(&point));
	assert_int_equal(hsm_token_health(h, "main", NULL), E_OK);
}

static void
lost_handle_is_found_again_once(void **state)
{
	int before;

	(void)state;
	sign_well(buf_span(&point));
	before = lines_with(trace, "C_FindObjectsInit");
	inject("C_SignInit rv 0x82 1 -\n");
	sign_well(buf_span(&point));
	inject("C_SignInit rv 0x60 1 -\n");
	sign_well(buf_span(&point));
	assert_int_equal(lines_with(trace, "C_FindObjectsInit"), before + 2);
	inject("C_SignInit rv 0x82 -1 -\n");
	sign_badly(E_HSM_SIGN);
}

static void
no_search_per_signature(void **state)
{
	int i, before;

	(void)state;
	sign_well(buf_span(&point));
	before = lines_with(trace, "C_FindObjectsInit");
	for (i = 0; i < 50; i++)
		sign_well(buf_span(&point));
	assert_int_equal(lines_with(trace, "C_FindObjectsInit"), before);
}

static void
one_device_error_is_not_seen_by_the_caller(void **state)
{
	static const char *const faults[] = {"C_Sign rv 0x30 1 -\n", "C_Sign rv 0x32 1 -\n",
					     "C_SignInit rv 0xe0 1 -\n",
					     "C_SignInit rv 0x101 1 -\n"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(faults); i++) {
		close_hsm(NULL);
		open_hsm(NULL);
		inject(faults[i]);
		sign_well(buf_span(&point));
		assert_int_equal(hsm_token_health(h, "main", NULL), E_OK);
	}
}

/* The breaker opens once, answers at once, tries seldom, and closes by itself. */
static void
absent_token_is_refused_at_once_and_comes_back(void **state)
{
	int i, before;

	(void)state;
	sign_well(buf_span(&point));
	inject("* rv 0xe0 -1 -\n");
	sign_badly(E_HSM_SLOT);
	assert_int_equal(hsm_token_health(h, "main", NULL), E_HSM_SLOT);
	before = lines_with(trace, "C_OpenSession");
	for (i = 0; i < 300; i++) {
		assert_true(sign_badly(E_HSM_SLOT) < AT_ONCE_US);
		usleep(10000);
	}
	assert_in_range(lines_with(trace, "C_OpenSession") - before, 1, 3);
	inject("");
	wait_for_health();
	sign_well(buf_span(&point));
}

static void
token_that_fails_each_signature_is_down_until_it_works(void **state)
{
	int64_t start;

	(void)state;
	inject("C_Sign rv 0x30 -1 -\n");
	sign_badly(E_HSM_SLOT);
	assert_int_equal(hsm_token_health(h, "main", NULL), E_HSM_SLOT);
	assert_true(sign_badly(E_HSM_SLOT) < AT_ONCE_US);
	inject("");
	start = clock_mono_us();
	wait_for_health();
	sign_well(buf_span(&point));
	assert_true(clock_mono_us() - start < RECOVERY_US);
}

static void
signature_of_wrong_length_or_of_zeros_is_refused(void **state)
{
	uint64_t before = hsm_key_signatures(key);

	(void)state;
	inject("C_Sign short 0 1 -\n");
	sign_badly(E_HSM_SIGN);
	inject("C_Sign zero 0 1 -\n");
	sign_badly(E_HSM_SIGN);
	assert_int_equal(hsm_key_signatures(key), before);
	sign_well(buf_span(&point));
}

/* I-34: a token that signs wrongly does not get through the proof at start. */
static void
flipped_bit_fails_the_proof(void **state)
{
	const struct algo *a = algo_get(ALGO_P256);

	(void)state;
	inject("C_Sign flip 0 1 -\n");
	assert_int_equal(hsm_key_prove(key, a, buf_span(&point), false, NULL), E_HSM_KEY_PROOF);
	assert_int_equal(hsm_key_prove(key, a, buf_span(&point), false, NULL), E_OK);
}

static void
one_hanging_session_leaves_the_other(void **state)
{
	int64_t t;

	(void)state;
	inject("C_Sign hang 4000 1 -\n");
	t = sign_badly(E_HSM_BUSY);
	assert_in_range(t, 400000, 1500000); /* timeout_ms is 400 */
	sign_well(buf_span(&point));
	assert_int_equal(hsm_token_health(h, "main", NULL), E_OK);
}

static void *
sign_or_not(void *arg)
{
	int64_t *longest = arg, start = clock_mono_us();
	uint8_t digest[32] = {1};
	struct buf sig = {0};
	enum err_code rc = hsm_sign(key, (struct span){digest, 32}, &sig, NULL);

	*longest = rc == E_OK ? -1 : clock_mono_us() - start;
	buf_free(&sig);
	return NULL;
}

/* I-40 */
static void
hang_of_the_module_holds_no_caller(void **state)
{
	int64_t took[6];
	pthread_t t[6];
	size_t i;

	(void)state;
	inject("C_Sign hang 3000 -1 -\n");
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, sign_or_not, &took[i]), 0);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		pthread_join(t[i], NULL);
		assert_in_range(took[i], 1, 1500000);
	}
	assert_true(sign_badly(E_HSM_SLOT) < AT_ONCE_US);
	inject("");
	wait_for_health();
	sign_well(buf_span(&point));
}

static void
close_does_not_wait_for_a_hanging_call(void **state)
{
	int64_t start;

	(void)state;
	inject("C_Sign hang 5000 1 -\n");
	sign_badly(E_HSM_BUSY);
	start = clock_mono_us();
	hsm_close(h);
	h = NULL;
	assert_in_range(clock_mono_us() - start, 0, 3000000);
	sleep(4); /* the call comes back and frees what it held */
}

static void
queue_ends_at_the_deadline(void **state)
{
	int64_t took[12];
	pthread_t t[12];
	size_t i, late = 0;

	(void)state;
	inject("C_Sign hang 150 -1 -\n"); /* 2 sessions: 12 signatures would take 900 ms */
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, sign_or_not, &took[i]), 0);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		pthread_join(t[i], NULL);
		late += took[i] >= 0;
		assert_true(took[i] < 1000000);
	}
	assert_in_range(late, 1, 10);
	inject("");
	assert_int_equal(hsm_token_health(h, "main", NULL), E_OK); /* slow is not lost */
	sign_well(buf_span(&point));
}

/* I-35 */
static void
one_login_for_all_sessions(void **state)
{
	int64_t took[4];
	pthread_t t[4];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, sign_or_not, &took[i]), 0);
	for (i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(lines_with(trace, "C_Login"), 1);
}

/* I-35 */
static void
refused_pin_is_never_tried_again(void **state)
{
	struct hsm_key *k;

	(void)state;
	close_hsm(NULL);
	inject("C_Login rv 0xa0 -1 -\n");
	assert_int_equal(truncate(trace, 0), 0);
	assert_int_equal(hsm_open(&fx.conf, 1, &h, &e), E_OK);
	assert_int_equal(hsm_token_health(h, "main", NULL), E_HSM_PIN);
	assert_int_equal(hsm_key_find(h, "main", fixture_id(1), &k, NULL), E_OK);
	assert_null(hsm_key_algo(k));
	key = k;
	sign_badly(E_HSM_PIN);
	inject("");
	usleep(4500000); /* two attempts of the keeper */
	assert_int_equal(hsm_token_health(h, "main", NULL), E_HSM_PIN);
	assert_int_equal(lines_with(trace, "C_Login"), 1);
}

static void
key_of_an_absent_token_works_when_it_is_back(void **state)
{
	(void)state;
	close_hsm(NULL);
	inject("* rv 0xe0 -1 -\n");
	assert_int_equal(hsm_open(&fx.conf, 1, &h, &e), E_OK);
	assert_int_equal(hsm_key_find(h, "main", fixture_id(1), &key, NULL), E_OK);
	sign_badly(E_HSM_SLOT);
	inject("");
	wait_for_health();
	sign_well(buf_span(&point));
	assert_ptr_equal(hsm_key_algo(key), algo_get(ALGO_P256));
}

/* F-4: the same CKA_ID on a second token, here with another key so that it can be told apart. */
static void
lost_token_fails_over_to_the_next_slot(void **state)
{
	struct hsm_token_conf second = fx.conf, both = fx.conf;
	struct buf point2 = {0};

	(void)state;
	close_hsm(NULL);
	fixture_add_token(&fx, "second");
	second.slots[0] = "label:second";
	assert_int_equal(hsm_open(&second, 1, &h, &e), E_OK);
	assert_int_equal(
		hsm_key_generate(h, "main", algo_get(ALGO_P256), fixture_id(1), "k", &point2, &e),
		E_OK);
	close_hsm(NULL);
	both.slots[1] = "label:second";
	assert_int_equal(hsm_open(&both, 1, &h, &e), E_OK);
	assert_int_equal(hsm_key_find(h, "main", fixture_id(1), &key, &e), E_OK);
	sign_well(buf_span(&point));
	inject("* rv 0x32 -1 first\n");
	sign_well(buf_span(&point2));
	assert_int_equal(hsm_token_health(h, "main", NULL), E_OK);
	buf_free(&point2);
}

static void
slot_without_our_keys_is_no_failover(void **state)
{
	struct hsm_token_conf both = fx.conf;
	struct buf p = {0};

	(void)state;
	close_hsm(NULL);
	both.slots[1] = "label:second";
	assert_int_equal(hsm_open(&both, 1, &h, &e), E_OK);
	assert_int_equal(
		hsm_key_generate(h, "main", algo_get(ALGO_P256), fixture_id(2), "k", &p, &e), E_OK);
	assert_int_equal(hsm_key_find(h, "main", fixture_id(2), &key, &e), E_OK);
	inject("* rv 0x32 -1 first\n");
	sign_badly(E_HSM_SLOT);
	buf_free(&p);
}

/* The token's files go and come back under a running SoftHSM. What it answers meanwhile is its
 * affair, but nothing may crash and it must work again within 5 s. */
static void
token_on_a_disk_that_goes_and_comes_back(void **state)
{
	char here[112], away[112];
	struct buf sig = {0};
	int64_t start;

	(void)state;
	snprintf(here, sizeof(here), "%s/tokens", fx.dir);
	snprintf(away, sizeof(away), "%s/away", fx.dir);
	sign_well(buf_span(&point));
	assert_int_equal(rename(here, away), 0);
	assert_int_not_equal(sign(&sig), E_OK);
	sleep(3);
	assert_int_equal(hsm_token_health(h, "main", NULL), E_HSM_SLOT);
	assert_true(sign_badly(E_HSM_SLOT) < AT_ONCE_US);
	assert_int_equal(rename(away, here), 0);
	start = clock_mono_us();
	while (sign(&sig) != E_OK) {
		if (clock_mono_us() - start > RECOVERY_US)
			fail_msg("no recovery within 5 s: %s", e.text);
		usleep(50000);
	}
	sign_well(buf_span(&point));
	buf_free(&sig);
}

static void
shim_counts_signatures_by_key(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 7; i++)
		sign_well(buf_span(&point));
	assert_int_equal(lines_with(count_file, "0101010101010101010101010101010101010101"), 7);
}

static int
setup(void **state)
{
	(void)state;
	if (!fixture_softhsm(&fx, "first"))
		exit(77); /* meson: skipped */
	snprintf(control, sizeof(control), "%s/control", fx.dir);
	snprintf(trace, sizeof(trace), "%s/trace", fx.dir);
	snprintf(count_file, sizeof(count_file), "%s/count", fx.dir);
	assert_int_equal(setenv("V2GPKI_SHIM_MODULE", fx.module, 1), 0);
	assert_int_equal(setenv("V2GPKI_SHIM_CONTROL", control, 1), 0);
	assert_int_equal(setenv("V2GPKI_SHIM_TRACE", trace, 1), 0);
	assert_int_equal(setenv("V2GPKI_SHIM_COUNT", count_file, 1), 0);
	fx.conf.module = shim;
	fx.conf.timeout_ms = 400;
	inject("");
	assert_int_equal(hsm_open(&fx.conf, 1, &h, &e), E_OK);
	if (hsm_key_generate(h, "main", algo_get(ALGO_P256), fixture_id(1), "k", &point, &e) !=
	    E_OK)
		fail_msg("hsm_key_generate: %s", e.text);
	hsm_close(h);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_free(&point);
	fixture_free(&fx);
	return 0;
}

#define FAULT_TEST(f) cmocka_unit_test_setup_teardown(f, open_hsm, close_hsm)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(lost_session_is_opened_again),
		FAULT_TEST(lost_handle_is_found_again_once),
		FAULT_TEST(no_search_per_signature),
		FAULT_TEST(one_device_error_is_not_seen_by_the_caller),
		FAULT_TEST(absent_token_is_refused_at_once_and_comes_back),
		FAULT_TEST(token_that_fails_each_signature_is_down_until_it_works),
		FAULT_TEST(signature_of_wrong_length_or_of_zeros_is_refused),
		FAULT_TEST(flipped_bit_fails_the_proof),
		FAULT_TEST(queue_ends_at_the_deadline),
		FAULT_TEST(one_login_for_all_sessions),
		FAULT_TEST(refused_pin_is_never_tried_again),
		FAULT_TEST(key_of_an_absent_token_works_when_it_is_back),
		FAULT_TEST(lost_token_fails_over_to_the_next_slot),
		FAULT_TEST(slot_without_our_keys_is_no_failover),
		FAULT_TEST(token_on_a_disk_that_goes_and_comes_back),
		FAULT_TEST(shim_counts_signatures_by_key),
		FAULT_TEST(one_hanging_session_leaves_the_other),
		FAULT_TEST(hang_of_the_module_holds_no_caller),
		FAULT_TEST(close_does_not_wait_for_a_hanging_call),
	};

	if (argc < 2) {
		fprintf(stderr, "usage: test_faults P11_SHIM [TEST]\n");
		return 2;
	}
	shim = argv[1];
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	return cmocka_run_group_tests(tests, setup, teardown);
}
