/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

static void
issue(const char *id, enum profile_id profile, const char *cn, struct issued *out)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request(id, profile, cn, &point);

	fixture_issue(&fx, &rq, out);
	buf_free(&point);
}

static void
row_of(const char *request_id, struct cert_row *row)
{
	struct err e = {0};

	assert_int_equal(cert_store_by_request(fx.db, request_id, row, &e), E_OK);
}

/* I-12 */
static void
i12_revoked_stays_revoked_with_its_first_date(void **state)
{
	struct issued out = {0};
	struct cert_row row = {0};
	int64_t at;
	struct err e = {0};

	(void)state;
	issue("r1", PROFILE_SECC_LEAF, "DEABCE1", &out);
	assert_int_equal(ca_revoke(fx.set, "x", buf_span(&out.leaf), 4, "cpo", &e), E_OK);
	row_of("r1", &row);
	assert_int_equal(row.status, CERT_REVOKED);
	assert_int_equal(row.reason, 4);
	at = row.revoked_at;
	cert_row_free(&row);
	assert_int_equal(setenv("V2GPKI_TEST_CLOCK", "+100", 1), 0);
	assert_int_equal(ca_revoke(fx.set, "x", buf_span(&out.leaf), 5, "cpo", &e), E_OK);
	assert_int_equal(unsetenv("V2GPKI_TEST_CLOCK"), 0);
	row_of("r1", &row);
	assert_int_equal(row.revoked_at, at);
	cert_row_free(&row);
	issued_free(&out);
}

static void
reasons_that_cannot_be_given_are_refused(void **state)
{
	const unsigned bad[] = {6, 7, 8, 11, 255}; /* hold and removeFromCRL are not enabled */
	struct issued out = {0};
	struct cert_row row = {0};
	size_t i;

	(void)state;
	issue("r2", PROFILE_SECC_LEAF, "DEABCE1", &out);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};

		assert_int_equal(ca_revoke(fx.set, "x", buf_span(&out.leaf), bad[i], "cpo", &e),
				 E_BAD_VALUE);
	}
	row_of("r2", &row);
	assert_int_equal(row.status, CERT_GOOD);
	cert_row_free(&row);
	issued_free(&out);
}

static void
what_is_not_ours_is_not_found(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(ca_revoke(fx.set, "x", SPAN_LIT("foreign"), 0, "cpo", &e), E_NOT_FOUND);
	err_clear(&e);
	assert_int_equal(ca_revoke_serial(fx.set, "cpo-sub2", SPAN_LIT("\x01"), 0, "cpo", &e),
			 E_NOT_FOUND);
}

static void
a_serial_is_enough(void **state)
{
	struct issued out = {0};
	struct cert_row row = {0};
	struct err e = {0};

	(void)state;
	issue("r3", PROFILE_SECC_LEAF, "DEABCE1", &out);
	row_of("r3", &row);
	assert_int_equal(ca_revoke_serial(fx.set, "cpo-sub2",
					  (struct span){row.serial, row.serial_len}, 0, "admin",
					  &e),
			 E_OK);
	cert_row_free(&row);
	row_of("r3", &row);
	assert_int_equal(row.status, CERT_REVOKED);
	cert_row_free(&row);
	issued_free(&out);
}

/* I-7: a compromised key falls with all its certificates and is taken no more. */
static void
i07_a_compromised_key_is_blocked_with_all_its_certificates(void **state)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request("r4-a", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued first = {0}, second = {0}, third = {0};
	struct cert_row row = {0};
	struct err e = {0};

	(void)state;
	fixture_issue(&fx, &rq, &first);
	rq.request_id = "r4-b";
	fixture_issue(&fx, &rq, &second);
	assert_int_equal(ca_revoke(fx.set, "x", buf_span(&first.leaf), 1, "cpo", &e), E_OK);
	row_of("r4-b", &row);
	assert_int_equal(row.status, CERT_REVOKED);
	assert_int_equal(row.reason, 1);
	cert_row_free(&row);
	rq.request_id = "r4-c";
	assert_int_equal(ca_issue(fx.set, &rq, &third, &e), E_KEY_BLOCKED);
	issued_free(&first);
	issued_free(&second);
	buf_free(&point);
}

static void
a_request_whose_certificate_is_revoked_needs_a_new_id(void **state)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request("r5", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued out = {0};
	struct err e = {0};

	(void)state;
	fixture_issue(&fx, &rq, &out);
	assert_int_equal(ca_revoke(fx.set, "x", buf_span(&out.leaf), 4, "cpo", &e), E_OK);
	issued_free(&out);
	assert_int_equal(ca_issue(fx.set, &rq, &out, &e), E_CERT_REVOKED);
	rq.request_id = "r5-again";
	fixture_issue(&fx, &rq, &out);
	issued_free(&out);
	buf_free(&point);
}

static void
a_revoked_ca_issues_nothing(void **state)
{
	struct buf point = {0}, der = {0};
	struct issue_request rq =
		fixture_request("r6", PROFILE_PROVISIONING_LEAF, "WVA00000000000001", &point);
	struct issued out = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(ca_cert(fx.set, "oem-sub2", &der, &e), E_OK);
	assert_int_equal(ca_revoke(fx.set, "x", buf_span(&der), 5, "admin", &e), E_OK);
	assert_int_equal(ca_issue(fx.set, &rq, &out, &e), E_CA_NO_ISSUER);
	fixture_close(&fx);
	fixture_open(&fx);
	err_clear(&e);
	assert_int_equal(ca_issue(fx.set, &rq, &out, &e), E_CA_NO_ISSUER);
	buf_free(&der);
	buf_free(&point);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(i12_revoked_stays_revoked_with_its_first_date),
		cmocka_unit_test(reasons_that_cannot_be_given_are_refused),
		cmocka_unit_test(what_is_not_ours_is_not_found),
		cmocka_unit_test(a_serial_is_enough),
		cmocka_unit_test(i07_a_compromised_key_is_blocked_with_all_its_certificates),
		cmocka_unit_test(a_request_whose_certificate_is_revoked_needs_a_new_id),
		cmocka_unit_test(a_revoked_ca_issues_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
