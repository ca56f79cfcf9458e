/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of the token (F-3), made by p11_shim in front of SoftHSM: nothing that the token gets
 * wrong is stored as issued or handed out. argv[1] is the shim. */
#include <pthread.h>

#include "test.h"

#define RECOVERY_US 8000000 /* longest wait for a token that is back */

static char control[96], trace[96], counts[96];

static void
inject(const char *lines)
{
	char beside[112];
	FILE *out;

	(void)snprintf(beside, sizeof(beside), "%s.new", control);
	out = fopen(beside, "w");
	assert_non_null(out);
	assert_true(fputs(lines, out) >= 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(rename(beside, control), 0);
}

static size_t
lines_with(const char *path, const char *word)
{
	char line[256];
	size_t n = 0;
	FILE *in = fopen(path, "r");

	if (in == NULL)
		return 0;
	while (fgets(line, sizeof(line), in) != NULL)
		n += strstr(line, word) != NULL;
	(void)fclose(in); /* read only */
	return n;
}

static enum err_code
issue(const struct issue_request *rq, struct issued *out, struct err *e)
{
	err_clear(e);
	return ca_issue(fx.set, rq, out, e);
}

/* The state of the newest row under cpo-sub2. */
static void
newest(struct cert_row *out)
{
	static struct cert_row rows[64];
	int64_t after = 0;
	size_t n, i;
	struct err e = {0};

	do {
		memset(rows, 0, sizeof(rows));
		assert_int_equal(cert_store_list(fx.db, "cpo-sub2", NULL, after, rows,
						 ARRAY_LEN(rows), &n, &e),
				 E_OK);
		for (i = 0; i < n; i++) {
			after = rows[i].id;
			cert_row_free(out);
			*out = rows[i];
		}
	} while (n > 0);
}

/* I-4, I-5, F-3: the fault leaves an orphan that can be revoked by serial; the retry with the same
 * id has a new serial. */
static void
fault_leaves_an_orphan(const char *fault, enum err_code expected)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request(fault, PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct cert_row orphan = {0}, row = {0};
	struct issued out = {0};
	struct err e = {0};
	char id[32], line[96];

	(void)snprintf(id, sizeof(id), "fault-%s", fault);
	rq.request_id = id;
	(void)snprintf(line, sizeof(line), "C_Sign %s 0 1 -\n", fault);
	inject(line);
	assert_int_equal(issue(&rq, &out, &e), expected);
	assert_int_equal(out.leaf.n, 0);
	err_clear(&e);
	assert_int_equal(cert_store_by_request(fx.db, id, &row, &e), E_NOT_FOUND);
	newest(&orphan);
	assert_int_equal(orphan.state, CERT_ORPHAN);
	assert_string_equal(orphan.request_id, id);
	assert_int_equal(orphan.der.n, 0);
	inject("");
	assert_int_equal(issue(&rq, &out, &e), E_OK);
	assert_int_equal(cert_store_by_request(fx.db, id, &row, &e), E_OK);
	assert_int_equal(row.state, CERT_ISSUED);
	assert_memory_not_equal(row.serial, orphan.serial, SERIAL_LEN);
	err_clear(&e);
	assert_int_equal(ca_revoke_serial(fx.set, "cpo-sub2",
					  (struct span){orphan.serial, orphan.serial_len}, 4,
					  "admin", &e),
			 E_OK);
	cert_row_free(&orphan);
	cert_row_free(&row);
	issued_free(&out);
	buf_free(&point);
}

static void
i04_i05_a_flipped_signature_is_never_issued_and_the_retry_has_a_new_serial(void **state)
{
	(void)state;
	fault_leaves_an_orphan("flip", E_HSM_SIGN);
}

static void
a_signature_of_zeros_is_never_issued(void **state)
{
	(void)state;
	fault_leaves_an_orphan("zero", E_HSM_SIGN);
}

static void
a_short_signature_is_never_issued(void **state)
{
	(void)state;
	fault_leaves_an_orphan("short", E_HSM_SIGN);
}

static void
a_device_error_leaves_an_orphan(void **state)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request("rv", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct cert_row orphan = {0};
	struct issued out = {0};
	struct err e = {0};
	int64_t start = clock_mono_us();
	enum err_code rc;

	(void)state;
	inject("C_Sign rv 0x30 -1 -\n"); /* CKR_DEVICE_ERROR */
	rc = issue(&rq, &out, &e);
	assert_int_equal(err_kind(rc), KIND_UNAVAILABLE);
	newest(&orphan);
	assert_int_equal(orphan.state, CERT_ORPHAN);
	inject("");
	while ((rc = issue(&rq, &out, &e)) != E_OK && clock_mono_us() - start < RECOVERY_US)
		usleep(50000);
	assert_int_equal(rc, E_OK);
	cert_row_free(&orphan);
	issued_free(&out);
	buf_free(&point);
}

/* I-36 */
static void
i36_a_flipped_bundle_signature_is_not_handed_out(void **state)
{
	static const uint8_t digest[32] = {9};
	struct signer s = ca_signer(fx.set);
	struct buf sig = {0};
	struct err e = {0};

	(void)state;
	inject("C_Sign flip 0 1 -\n");
	assert_int_equal(s.sign(s.ctx, "f1", "cps-leaf", (struct span){digest, 32}, &sig, &e),
			 E_HSM_SIGN);
	assert_int_equal(sig.n, 0);
	inject("");
	err_clear(&e);
	assert_int_equal(s.sign(s.ctx, "f1", "cps-leaf", (struct span){digest, 32}, &sig, &e),
			 E_OK);
	buf_free(&sig);
}

/* I-2, counted where the token is: with faults there are more records than signatures, never less.
 */
static void
i02_there_are_never_more_signatures_than_audit_records(void **state)
{
	size_t signatures = lines_with(counts, "");
	size_t records = fixture_audit_count(&fx, "certificate.intent") +
			 fixture_audit_count(&fx, "key.proof") +
			 fixture_audit_count(&fx, "bundle.signed");

	(void)state;
	assert_true(signatures > fixture_spec_count);
	assert_true(signatures <= records);
}

static void *
issue_ten(void *arg)
{
	enum err_code *rc = arg;
	struct buf point = {0};
	char id[32];
	int i;

	for (i = 0; i < 10; i++) {
		struct issue_request rq = fixture_request(id, PROFILE_SECC_LEAF, "DEABCE1", &point);
		struct issued out = {0};
		struct err e = {0};

		(void)snprintf(id, sizeof(id), "login-%p-%d", arg, i);
		if ((*rc = ca_issue(fx.set, &rq, &out, &e)) != E_OK)
			break;
		issued_free(&out);
	}
	buf_free(&point);
	return NULL;
}

/* I-35: one login, however many threads issue. */
static void
i35_one_login_serves_all_threads(void **state)
{
	pthread_t threads[16];
	enum err_code rc[16];
	size_t i, before, logins;

	(void)state;
	fixture_close(&fx);
	before = lines_with(trace, "C_Login");
	fixture_open(&fx);
	for (i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, issue_ten, &rc[i]), 0);
	for (i = 0; i < ARRAY_LEN(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(rc[i], E_OK);
	}
	logins = lines_with(trace, "C_Login") - before;
	assert_int_equal(logins, 1);
}

/* I-34: a token that is away does not stop the start; its keys are proven when it is back. */
static void
i34_a_token_that_is_away_is_proven_when_it_is_back(void **state)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request("away", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued out = {0};
	struct ca_info *rows = NULL;
	struct err e = {0};
	size_t n = 0, intents, records, proofs;
	int64_t start;
	enum err_code rc;

	(void)state;
	fixture_close(&fx);
	inject("* rv 0xe0 -1 -\n"); /* CKR_TOKEN_NOT_PRESENT */
	fixture_open(&fx);
	assert_int_equal(fx.proofs, 0);
	assert_int_equal(ca_list(fx.set, &rows, &n, &e), E_OK);
	assert_false(rows[0].key_ready);
	free(rows);
	intents = fixture_audit_count(&fx, "certificate.intent");
	records = fixture_audit_count(&fx, NULL);
	rc = issue(&rq, &out, &e);
	assert_int_equal(err_kind(rc), KIND_UNAVAILABLE);
	assert_int_equal(fixture_audit_count(&fx, "certificate.intent"), intents);
	assert_int_equal(fixture_audit_count(&fx, NULL), records);
	proofs = fixture_audit_count(&fx, "key.proof");
	inject("");
	start = clock_mono_us();
	while ((rc = issue(&rq, &out, &e)) != E_OK && clock_mono_us() - start < RECOVERY_US)
		usleep(50000);
	assert_int_equal(rc, E_OK);
	assert_int_equal(fixture_audit_count(&fx, "key.proof"), proofs + 1);
	issued_free(&out);
	buf_free(&point);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			i04_i05_a_flipped_signature_is_never_issued_and_the_retry_has_a_new_serial),
		cmocka_unit_test(a_signature_of_zeros_is_never_issued),
		cmocka_unit_test(a_short_signature_is_never_issued),
		cmocka_unit_test(a_device_error_leaves_an_orphan),
		cmocka_unit_test(i36_a_flipped_bundle_signature_is_not_handed_out),
		cmocka_unit_test(i02_there_are_never_more_signatures_than_audit_records),
		cmocka_unit_test(i35_one_login_serves_all_threads),
		cmocka_unit_test(i34_a_token_that_is_away_is_proven_when_it_is_back),
	};
	char base[] = "/tmp/ca-shim-XXXXXX";
	int failed;

	if (argc != 2 || mkdtemp(base) == NULL)
		return 2;
	(void)snprintf(control, sizeof(control), "%s/control", base);
	(void)snprintf(trace, sizeof(trace), "%s/trace", base);
	(void)snprintf(counts, sizeof(counts), "%s/counts", base);
	if (setenv("V2GPKI_TEST_MODULE", argv[1], 1) != 0 ||
	    setenv("V2GPKI_SHIM_MODULE", SOFTHSM_MODULE, 1) != 0 ||
	    setenv("V2GPKI_SHIM_CONTROL", control, 1) != 0 ||
	    setenv("V2GPKI_SHIM_TRACE", trace, 1) != 0 ||
	    setenv("V2GPKI_SHIM_COUNT", counts, 1) != 0)
		return 2;
	failed = cmocka_run_group_tests(tests, setup, teardown);
	(void)remove(control);
	(void)remove(trace);
	(void)remove(counts);
	(void)rmdir(base);
	return failed;
}
