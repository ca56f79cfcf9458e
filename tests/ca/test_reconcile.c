/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#define LIMIT 60 /* seconds, design §4 step 6 */

static void
reconcile_at(const char *clock, struct reconcile_report *report)
{
	struct err e = {0};

	assert_int_equal(setenv("V2GPKI_TEST_CLOCK", clock, 1), 0);
	assert_int_equal(ca_reconcile(fx.set, LIMIT, report, &e), E_OK);
	assert_int_equal(unsetenv("V2GPKI_TEST_CLOCK"), 0);
}

static void
row_of(const char *request_id, struct cert_row *row)
{
	struct err e = {0};

	assert_int_equal(cert_store_by_request(fx.db, request_id, row, &e), E_OK);
}

static void
a_certificate_that_nobody_claims_is_revoked_after_the_limit(void **state)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request("claimed", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued claimed = {0}, unclaimed = {0};
	struct reconcile_report report;
	struct cert_row row = {0};
	struct err e = {0};

	(void)state;
	fixture_issue(&fx, &rq, &claimed);
	assert_int_equal(ca_claim(fx.set, claimed.cert_id, &e), E_OK);
	rq.request_id = "unclaimed";
	fixture_issue(&fx, &rq, &unclaimed);
	reconcile_at("+30", &report);
	assert_int_equal(report.revoked, 0);
	reconcile_at("+90", &report);
	assert_int_equal(report.revoked, 1);
	assert_int_equal(report.orphaned, 0);
	row_of("unclaimed", &row);
	assert_int_equal(row.status, CERT_REVOKED);
	assert_int_equal(row.reason, 4);
	cert_row_free(&row);
	row_of("claimed", &row);
	assert_int_equal(row.status, CERT_GOOD);
	cert_row_free(&row);
	row_of("ca/cpo-sub2", &row);
	assert_int_equal(row.status, CERT_GOOD);
	cert_row_free(&row);
	reconcile_at("+90", &report);
	assert_int_equal(report.revoked, 0);
	/* Too late: what was revoked cannot be claimed. */
	assert_true(ca_claim(fx.set, unclaimed.cert_id, &e) != E_OK);
	issued_free(&claimed);
	issued_free(&unclaimed);
	buf_free(&point);
}

static void
more_than_one_page_is_revoked(void **state)
{
	struct reconcile_report report;
	char id[16];
	int i;

	(void)state;
	for (i = 0; i < 150; i++) {
		struct buf point = {0};
		struct issue_request rq = fixture_request(id, PROFILE_SECC_LEAF, "DEABCE1", &point);
		struct issued out = {0};

		(void)snprintf(id, sizeof(id), "page-%d", i);
		fixture_issue(&fx, &rq, &out);
		issued_free(&out);
		buf_free(&point);
	}
	reconcile_at("+90", &report);
	assert_int_equal(report.revoked, 150);
}

/* I-1, F-1: an intent whose process is gone is listed as orphan and can be revoked by serial. */
static void
an_old_intent_becomes_an_orphan_that_can_be_revoked(void **state)
{
	struct cert_row intent = {.ca = "cpo-sub2",
				  .serial = {0x11, 0x22},
				  .serial_len = 2,
				  .request_id = "lost",
				  .profile = "secc-leaf",
				  .subject_cn = "DEABCE1",
				  .not_after = clock_now() + DAY};
	struct audit_record a = {.actor = "test", .action = "certificate.intent"};
	struct cert_row row = {0};
	struct reconcile_report report;
	struct err e = {0};
	int64_t id = 0;

	(void)state;
	assert_int_equal(cert_store_intent(fx.db, &intent, &a, &id, &e), E_OK);
	reconcile_at("+30", &report);
	assert_int_equal(report.orphaned, 0);
	reconcile_at("+90", &report);
	assert_int_equal(report.orphaned, 1);
	assert_int_equal(cert_store_by_serial(fx.db, "cpo-sub2", SPAN_LIT("\x11\x22"), &row, &e),
			 E_OK);
	assert_int_equal(row.state, CERT_ORPHAN);
	cert_row_free(&row);
	assert_int_equal(ca_revoke_serial(fx.set, "cpo-sub2", SPAN_LIT("\x11\x22"), 4, "admin", &e),
			 E_OK);
	assert_int_equal(cert_store_by_serial(fx.db, "cpo-sub2", SPAN_LIT("\x11\x22"), &row, &e),
			 E_OK);
	assert_int_equal(row.status, CERT_REVOKED);
	cert_row_free(&row);
	assert_true(cert_store_issued(fx.db, id, SPAN_LIT("late"), &a, &e) != E_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_that_nobody_claims_is_revoked_after_the_limit),
		cmocka_unit_test(more_than_one_page_is_revoked),
		cmocka_unit_test(an_old_intent_becomes_an_orphan_that_can_be_revoked),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
