/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/fixture.h"

#include <string.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/digest.h"

static int
setup(void **state)
{
	int rc = fixture_setup(state);

	make_ca(*state, "cpo-sub2");
	make_ca(*state, "mo-sub2");
	return rc;
}

static void
ca_takes_its_certificate_later_and_keeps_its_key(void **state)
{
	struct fixture *f = *state;
	struct ca_row rows[4],
		ca = {.token = "main", .name = "cps-leaf", .key_id = "k", .key_id_len = 1};
	size_t n;

	OK(f, ca_store_put(f->db, &ca, &audit_any, &f->e));
	buf_put_str(&ca.cert, "DER");
	OK(f, ca_store_put(f->db, &ca, &audit_any, &f->e));
	OK(f, ca_store_list(f->db, rows, 4, &n, &f->e));
	assert_int_equal(n, 3);
	assert_string_equal(rows[0].name, "cpo-sub2");
	assert_string_equal(rows[2].name, "cps-leaf");
	assert_memory_equal(rows[2].cert.p, "DER", 3);
	while (n > 0)
		ca_row_free(&rows[--n]);
	ca.key_id[0] = 'x';
	FAILS(f, E_CA_EXISTS, ca_store_put(f->db, &ca, &audit_any, &f->e));
	ca_row_free(&ca);
}

static void
intent_then_certificate_is_found_by_every_key(void **state)
{
	struct fixture *f = *state;
	struct cert_row in = make_intent("cpo-sub2", 7), r;
	struct span der = SPAN_LIT("the certificate");
	int64_t id = 0;

	OK(f, cert_store_intent(f->db, &in, &audit_any, &id, &f->e));
	OK(f, cert_store_by_request(f->db, "request-7", &r, &f->e));
	assert_int_equal(r.state, CERT_INTENT);
	assert_int_equal(r.der.n, 0);
	assert_memory_equal(r.tbs_hash, in.tbs_hash, 32);
	cert_row_free(&r);
	OK(f, cert_store_issued(f->db, id, der, &audit_any, &f->e));
	OK(f, cert_store_by_serial(f->db, "cpo-sub2", (struct span){in.serial, 16}, &r, &f->e));
	assert_int_equal(r.state, CERT_ISSUED);
	assert_int_equal(r.status, CERT_GOOD);
	assert_true(span_equal(buf_span(&r.der), der));
	assert_string_equal(r.subject_cn, "DEABCE7");
	assert_int_equal(r.not_after, 2000);
	assert_false(r.claimed);
	cert_row_free(&r);
	OK(f, sha256(der, in.fingerprint, &f->e));
	OK(f, cert_store_by_fingerprint(f->db, in.fingerprint, &r, &f->e));
	assert_int_equal(r.id, id);
	cert_row_free(&r);
}

static void
what_is_not_there_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct cert_row in = make_intent("nobody", 1), r;
	int64_t id;

	FAILS(f, E_NOT_FOUND, cert_store_by_request(f->db, "x", &r, &f->e));
	FAILS(f, E_NOT_FOUND, cert_store_by_serial(f->db, "cpo-sub2", SPAN_LIT("x"), &r, &f->e));
	FAILS(f, E_NOT_FOUND, cert_store_by_fingerprint(f->db, in.spki_hash, &r, &f->e));
	FAILS(f, E_CA_UNKNOWN, cert_store_intent(f->db, &in, &audit_any, &id, &f->e));
	FAILS(f, E_NOT_FOUND, cert_store_issued(f->db, 99, SPAN_LIT("x"), &audit_any, &f->e));
	FAILS(f, E_NOT_FOUND, cert_store_claim(f->db, 99, &f->e));
	FAILS(f, E_NOT_FOUND, cert_store_revoke(f->db, 99, 0, 1, false, &audit_any, &f->e));
}

/* I-3 */
static void
serial_is_unique_per_issuer_by_the_database_itself(void **state)
{
	struct fixture *f = *state;
	struct cert_row a = make_intent("cpo-sub2", 1), b = make_intent("cpo-sub2", 2);
	int64_t id;

	memcpy(b.serial, a.serial, sizeof(b.serial));
	OK(f, cert_store_intent(f->db, &a, &audit_any, &id, &f->e));
	FAILS(f, E_DB_DUPLICATE, cert_store_intent(f->db, &b, &audit_any, &id, &f->e));
	assert_int_equal(id, 0);
	memcpy(b.ca, "mo-sub2", 8);
	OK(f, cert_store_intent(f->db, &b, &audit_any, &id, &f->e));
	assert_int_equal(raw_try(f, "INSERT INTO cert_status (ca_id, serial, state, status, reason,"
				    "not_after, created, issued_at, revoked_at, claimed) SELECT "
				    "ca_id, serial, 0, 0, 0, 0, 0, 0, 0, 0 FROM cert_status"),
			 SQLITE_CONSTRAINT);
}

/* I-4 */
static void
request_id_is_used_once(void **state)
{
	struct fixture *f = *state;
	struct cert_row a = make_intent("cpo-sub2", 1), b = make_intent("cpo-sub2", 2);
	int64_t id;

	memcpy(b.request_id, a.request_id, sizeof(b.request_id));
	OK(f, cert_store_intent(f->db, &a, &audit_any, &id, &f->e));
	FAILS(f, E_DB_DUPLICATE, cert_store_intent(f->db, &b, &audit_any, &id, &f->e));
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_status"), 1); /* nothing half */
}

/* I-1: the row is in the file when the call returns, read through another connection. */
static void
intent_is_durable_before_the_call_returns(void **state)
{
	struct fixture *f = *state;
	struct cert_row a = make_intent("cpo-sub2", 1);
	int64_t id;
	struct db_figures before, after;

	OK(f, db_figures(f->db, &before, &f->e));
	OK(f, cert_store_intent(f->db, &a, &audit_any, &id, &f->e));
	OK(f, db_figures(f->db, &after, &f->e));
	assert_int_equal(after.commits, before.commits + 1);
	assert_int_equal(after.synchronous, 2);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_status WHERE state = 0"), 1);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_info WHERE request_id='request-1'"),
			 1);
}

static void
same_certificate_again_is_fine_another_is_not(void **state)
{
	struct fixture *f = *state;
	struct cert_row a = make_intent("cpo-sub2", 1);
	int64_t id;

	OK(f, cert_store_intent(f->db, &a, &audit_any, &id, &f->e));
	OK(f, cert_store_issued(f->db, id, SPAN_LIT("one"), &audit_any, &f->e));
	OK(f, cert_store_issued(f->db, id, SPAN_LIT("one"), &audit_any, &f->e));
	FAILS(f, E_DB_DUPLICATE, cert_store_issued(f->db, id, SPAN_LIT("two"), &audit_any, &f->e));
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_der"), 1);
}

/* I-7 */
static void
key_compromise_revokes_all_of_the_key_intents_too(void **state)
{
	struct fixture *f = *state;
	struct cert_row a = make_intent("cpo-sub2", 1), b = make_intent("mo-sub2", 2), r;
	struct cert_counts counts;
	int64_t first, intent, other = make_cert(f, "cpo-sub2", 3), id;

	memcpy(b.spki_hash, a.spki_hash, sizeof(b.spki_hash));
	OK(f, cert_store_intent(f->db, &a, &audit_any, &first, &f->e));
	OK(f, cert_store_issued(f->db, first, SPAN_LIT("a"), &audit_any, &f->e));
	OK(f, cert_store_intent(f->db, &b, &audit_any, &intent, &f->e));
	OK(f, cert_store_revoke(f->db, first, 1, 777, true, &audit_any, &f->e));
	OK(f, cert_store_by_request(f->db, "request-2", &r, &f->e));
	assert_int_equal(r.status, CERT_REVOKED);
	assert_int_equal(r.reason, 1);
	assert_int_equal(r.revoked_at, 777);
	cert_row_free(&r);
	FAILS(f, E_CERT_REVOKED,
	      cert_store_issued(f->db, intent, SPAN_LIT("b"), &audit_any, &f->e));
	OK(f, cert_store_by_request(f->db, "request-3", &r, &f->e));
	assert_int_equal(r.id, other);
	assert_int_equal(r.status, CERT_GOOD);
	cert_row_free(&r);
	OK(f, cert_store_counts(f->db, &counts, &f->e));
	assert_int_equal(counts.revoked, 2);
	a = make_intent("cpo-sub2", 9);
	memcpy(a.spki_hash, b.spki_hash, sizeof(a.spki_hash));
	FAILS(f, E_KEY_BLOCKED, cert_store_intent(f->db, &a, &audit_any, &id, &f->e));
}

/* I-4 */
static void
request_of_an_orphan_may_try_again(void **state)
{
	struct fixture *f = *state;
	struct cert_row a = make_intent("cpo-sub2", 1), b = make_intent("cpo-sub2", 2), r;
	int64_t first, second, n;

	memcpy(b.request_id, a.request_id, sizeof(b.request_id));
	OK(f, cert_store_intent(f->db, &a, &audit_any, &first, &f->e));
	OK(f, cert_store_abandon(f->db, first, &audit_any, &f->e));
	OK(f, cert_store_abandon(f->db, first, &audit_any, &f->e));
	FAILS(f, E_NOT_FOUND, cert_store_by_request(f->db, a.request_id, &r, &f->e));
	OK(f, cert_store_intent(f->db, &b, &audit_any, &second, &f->e));
	OK(f, cert_store_by_request(f->db, a.request_id, &r, &f->e));
	assert_int_equal(r.id, second);
	cert_row_free(&r);
	OK(f, cert_store_by_serial(f->db, "cpo-sub2", (struct span){a.serial, 16}, &r, &f->e));
	assert_int_equal(r.state, CERT_ORPHAN);
	assert_string_equal(r.request_id, "request-1");
	cert_row_free(&r);
	OK(f, cert_store_orphan(f->db, clock_now() + 60, &n, &f->e));
	assert_int_equal(n, 1);
	b = make_intent("cpo-sub2", 3);
	memcpy(b.request_id, a.request_id, sizeof(b.request_id));
	OK(f, cert_store_intent(f->db, &b, &audit_any, &second, &f->e));
	OK(f, cert_store_issued(f->db, second, SPAN_LIT("x"), &audit_any, &f->e));
	OK(f, cert_store_abandon(f->db, second, &audit_any, &f->e)); /* issued: stays */
	OK(f, cert_store_by_request(f->db, a.request_id, &r, &f->e));
	assert_int_equal(r.state, CERT_ISSUED);
	cert_row_free(&r);
}

static void
blocked_key_gets_no_certificate(void **state)
{
	struct fixture *f = *state;
	struct cert_row a = make_intent("cpo-sub2", 1);
	int64_t id;

	OK(f, key_store_block(f->db, a.spki_hash, &audit_any, &f->e));
	OK(f, key_store_block(f->db, a.spki_hash, &audit_any, &f->e));
	FAILS(f, E_KEY_BLOCKED, cert_store_intent(f->db, &a, &audit_any, &id, &f->e));
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_status"), 0);
}

/* I-12 */
static void
revocation_is_monotone(void **state)
{
	struct fixture *f = *state;
	int64_t id = make_cert(f, "cpo-sub2", 1);
	struct cert_counts counts;
	struct cert_row r;

	OK(f, cert_store_revoke(f->db, id, 4, 100, false, &audit_any, &f->e));
	OK(f, cert_store_revoke(f->db, id, 5, 200, false, &audit_any, &f->e));
	OK(f, cert_store_by_request(f->db, "request-1", &r, &f->e));
	assert_int_equal(r.status, CERT_REVOKED);
	assert_int_equal(r.reason, 4);
	assert_int_equal(r.revoked_at, 100);
	cert_row_free(&r);
	OK(f, cert_store_revoke(f->db, id, 1, 300, true, &audit_any, &f->e));
	OK(f, cert_store_by_request(f->db, "request-1", &r, &f->e));
	assert_int_equal(r.reason, 1);
	assert_int_equal(r.revoked_at, 100);
	cert_row_free(&r);
	FAILS(f, E_CERT_REVOKED, cert_store_claim(f->db, id, &f->e));
	OK(f, cert_store_counts(f->db, &counts, &f->e));
	assert_int_equal(counts.revoked, 1);
}

static void
reconciler_finds_open_intents_and_unclaimed_certificates(void **state)
{
	struct fixture *f = *state;
	struct cert_row a = make_intent("cpo-sub2", 1), rows[4];
	int64_t id, claimed = make_cert(f, "cpo-sub2", 2), open = make_cert(f, "cpo-sub2", 3), n;
	struct cert_counts counts;
	size_t count;

	OK(f, cert_store_intent(f->db, &a, &audit_any, &id, &f->e));
	OK(f, cert_store_claim(f->db, claimed, &f->e));
	OK(f, cert_store_claim(f->db, claimed, &f->e));
	OK(f, cert_store_orphan(f->db, clock_now() - 60, &n, &f->e));
	assert_int_equal(n, 0);
	OK(f, cert_store_orphan(f->db, clock_now() + 60, &n, &f->e));
	assert_int_equal(n, 1);
	FAILS(f, E_NOT_FOUND, cert_store_issued(f->db, id, SPAN_LIT("x"), &audit_any, &f->e));
	OK(f, cert_store_unclaimed(f->db, clock_now() - 60, rows, 4, &count, &f->e));
	assert_int_equal(count, 0);
	OK(f, cert_store_unclaimed(f->db, clock_now() + 60, rows, 4, &count, &f->e));
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].id, open);
	cert_row_free(&rows[0]);
	OK(f, cert_store_revoke(f->db, id, 4, 100, false, &audit_any, &f->e)); /* an orphan */
	OK(f, cert_store_counts(f->db, &counts, &f->e));
	assert_int_equal(counts.intents, 0);
	assert_int_equal(counts.orphans, 1);
	assert_int_equal(counts.issued, 2);
	assert_int_equal(counts.revoked, 1);
}

static size_t
walk(struct fixture *f, const char *ca, const char *participant)
{
	struct cert_row rows[2];
	size_t n, total = 0, i;
	int64_t after = 0;

	do {
		OK(f, cert_store_list(f->db, ca, participant, after, rows, 2, &n, &f->e));
		for (i = 0; i < n; i++) {
			assert_true(rows[i].id > after);
			assert_true(ca == NULL || strcmp(rows[i].ca, ca) == 0);
			assert_true(participant == NULL ||
				    strcmp(rows[i].participant, participant) == 0);
			after = rows[i].id;
			cert_row_free(&rows[i]);
		}
		total += n;
	} while (n == 2);
	return total;
}

static void
list_pages_by_key_with_any_filter(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	for (i = 0; i < 9; i++)
		(void)make_cert(f, i < 6 ? "cpo-sub2" : "mo-sub2", i);
	assert_int_equal(walk(f, NULL, NULL), 9);
	assert_int_equal(walk(f, "cpo-sub2", NULL), 6);
	assert_int_equal(walk(f, NULL, "cpo1"), 3);
	assert_int_equal(walk(f, "mo-sub2", "cpo1"), 1);
	assert_int_equal(walk(f, "nobody", NULL), 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(ca_takes_its_certificate_later_and_keeps_its_key),
		T(intent_then_certificate_is_found_by_every_key),
		T(what_is_not_there_is_not_found),
		T(serial_is_unique_per_issuer_by_the_database_itself),
		T(request_id_is_used_once),
		T(intent_is_durable_before_the_call_returns),
		T(same_certificate_again_is_fine_another_is_not),
		T(key_compromise_revokes_all_of_the_key_intents_too),
		T(request_of_an_orphan_may_try_again),
		T(blocked_key_gets_no_certificate),
		T(revocation_is_monotone),
		T(reconciler_finds_open_intents_and_unclaimed_certificates),
		T(list_pages_by_key_with_any_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
