/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be provoked from outside: the random generator, the store and the assembly of a
 * certificate fail on demand. The linker puts these functions in front of the real ones. */
#include "test.h"

static bool no_random, no_commit, other_bytes;

enum err_code __real_random_bytes(uint8_t *out, size_t n, struct err *e);
enum err_code __wrap_random_bytes(uint8_t *out, size_t n, struct err *e);
enum err_code __real_cert_store_issued(struct db *db, int64_t id, struct span der,
				       const struct audit_record *a, struct err *e);
enum err_code __wrap_cert_store_issued(struct db *db, int64_t id, struct span der,
				       const struct audit_record *a, struct err *e);
enum err_code __real_tbs_finish(struct span tbs, const struct algo *a, struct span raw_sig,
				struct buf *out, struct err *e);
enum err_code __wrap_tbs_finish(struct span tbs, const struct algo *a, struct span raw_sig,
				struct buf *out, struct err *e);

enum err_code
__wrap_random_bytes(uint8_t *out, size_t n, struct err *e)
{
	if (no_random)
		return err_set(e, E_RANDOM, "the random generator gives nothing");
	return __real_random_bytes(out, n, e);
}

enum err_code
__wrap_cert_store_issued(struct db *db, int64_t id, struct span der, const struct audit_record *a,
			 struct err *e)
{
	if (no_commit)
		return err_set(e, E_DB, "disk full");
	return __real_cert_store_issued(db, id, der, a, e);
}

/* One octet of the serial changes after the lint, as if memory were written over. */
enum err_code
__wrap_tbs_finish(struct span tbs, const struct algo *a, struct span raw_sig, struct buf *out,
		  struct err *e)
{
	struct buf copy = {0};
	enum err_code rc;

	buf_put_span(&copy, tbs);
	if (other_bytes)
		copy.p[20] ^= 1;
	rc = __real_tbs_finish(buf_span(&copy), a, raw_sig, out, e);
	buf_free(&copy);
	return rc;
}

static void
issue_with(bool *breaks, const char *id, enum err_code expected)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request(id, PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued out = {0};
	struct cert_row row = {0};
	struct err e = {0};

	*breaks = true;
	assert_int_equal(ca_issue(fx.set, &rq, &out, &e), expected);
	*breaks = false;
	assert_int_equal(out.leaf.n, 0);
	err_clear(&e);
	assert_int_equal(cert_store_by_request(fx.db, id, &row, &e), E_NOT_FOUND);
	err_clear(&e);
	assert_int_equal(ca_issue(fx.set, &rq, &out, &e), E_OK);
	issued_free(&out);
	buf_free(&point);
}

/* F-13 */
static void
without_random_bytes_nothing_is_signed(void **state)
{
	uint64_t before = fixture_signatures(&fx, "cpo-sub2");
	size_t intents = fixture_audit_count(&fx, "certificate.intent");

	(void)state;
	issue_with(&no_random, "random", E_RANDOM);
	assert_int_equal(fixture_signatures(&fx, "cpo-sub2"), before + 1); /* of the second try */
	assert_int_equal(fixture_audit_count(&fx, "certificate.intent"), intents + 1);
}

/* F-2: a signed certificate that cannot be stored is not given out; its serial stays on record. */
static void
a_certificate_that_cannot_be_stored_is_an_orphan(void **state)
{
	struct cert_counts before, after;
	struct err e = {0};

	(void)state;
	assert_int_equal(cert_store_counts(fx.db, &before, &e), E_OK);
	issue_with(&no_commit, "store", E_DB);
	assert_int_equal(cert_store_counts(fx.db, &after, &e), E_OK);
	assert_int_equal(after.orphans, before.orphans + 1);
	assert_int_equal(after.issued, before.issued + 1);
}

/* I-5: TBS(lint) == TBS(final), byte for byte. */
static void
i05_bytes_that_changed_after_the_lint_are_never_issued(void **state)
{
	(void)state;
	issue_with(&other_bytes, "bytes", E_ISSUE_MISMATCH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_random_bytes_nothing_is_signed),
		cmocka_unit_test(a_certificate_that_cannot_be_stored_is_an_orphan),
		cmocka_unit_test(i05_bytes_that_changed_after_the_lint_are_never_issued),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
