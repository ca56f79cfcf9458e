/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

/* I-34: each key proves itself against its certificate at every start. */
static void
i34_every_key_is_proven_at_start(void **state)
{
	struct ca_info *rows = NULL;
	struct err e = {0};
	size_t n = 0, i;

	(void)state;
	fixture_close(&fx);
	fixture_open(&fx);
	assert_int_equal(fx.proofs, fixture_spec_count);
	assert_int_equal(ca_list(fx.set, &rows, &n, &e), E_OK);
	assert_int_equal(n, fixture_spec_count);
	for (i = 0; i < n; i++) {
		assert_true(rows[i].key_ready);
		assert_int_equal(rows[i].signatures, 1);
	}
	free(rows);
}

static enum err_code
open_again(struct err *e)
{
	struct ca_conf conf = {.db = fx.db,
			       .hsm = fx.hsm,
			       .crl_base = "http://127.0.0.1:8080/crl/",
			       .params = {.ocsp_url = OCSP_URL}};
	struct ca_set *set = NULL;
	enum err_code rc = ca_open(&conf, &set, NULL, e);

	ca_close(set);
	return rc;
}

static void
row_named(const char *name, struct ca_row *out)
{
	struct ca_row rows[32] = {0};
	struct err e = {0};
	size_t n = 0, i;

	assert_int_equal(ca_store_list(fx.db, rows, ARRAY_LEN(rows), &n, &e), E_OK);
	for (i = 0; i < n; i++) {
		if (strcmp(rows[i].name, name) == 0)
			*out = rows[i];
		else
			ca_row_free(&rows[i]);
	}
	assert_string_equal(out->name, name);
}

/* I-34: a key that is there but is not the certificate's stops the start. */
static void
i34_a_key_of_another_certificate_stops_the_start(void **state)
{
	struct ca_row row = {0}, other = {0};
	struct audit_record a = {.actor = "test", .action = "ca.swapped"};
	struct buf point = {0};
	struct err e = {0};

	(void)state;
	row_named("cpo-sub2", &row);
	row_named("v2g-root", &other);
	/* A row with a key of its own and the certificate of another one. */
	assert_true(str_copy(other.name, sizeof(other.name), "swapped"));
	row.key_id[0] ^= 1;
	memcpy(other.key_id, row.key_id, row.key_id_len);
	assert_int_equal(hsm_key_generate(fx.hsm, "main", algo_get(ALGO_P256),
					  (struct span){row.key_id, row.key_id_len}, "swapped",
					  &point, &e),
			 E_OK);
	assert_int_equal(ca_store_put(fx.db, &other, &a, &e), E_OK);
	assert_int_equal(open_again(&e), E_HSM_KEY_PROOF);
	assert_non_null(strstr(e.text, "swapped"));
	ca_row_free(&row);
	ca_row_free(&other);
	buf_free(&point);
}

static void
the_list_says_what_each_ca_is(void **state)
{
	struct ca_info *rows = NULL;
	struct err e = {0};
	size_t n = 0, i;

	(void)state;
	assert_int_equal(ca_list(fx.set, &rows, &n, &e), E_OK);
	assert_int_equal(n, fixture_spec_count);
	for (i = 0; i < n; i++) {
		const struct ca_spec *s = &fixture_specs[i];

		assert_string_equal(rows[i].name, s->name);
		assert_string_equal(rows[i].issuer, s->issuer != NULL ? s->issuer : "");
		assert_string_equal(rows[i].profile, profiles[s->profile].name);
		assert_string_equal(rows[i].token, "main");
		assert_non_null(strstr(rows[i].subject, s->cn));
		assert_int_equal(strlen(rows[i].fingerprint), 64);
		assert_true(rows[i].not_before < rows[i].not_after);
	}
	free(rows);
}

static void
chains_and_certificates_are_found_by_name(void **state)
{
	struct issued out = {0};
	struct buf der = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(ca_cert(fx.set, "cpo-sub2", &der, &e), E_OK);
	assert_int_equal(ca_chain(fx.set, PROFILE_SECC_LEAF, NULL, &out, &e), E_OK);
	assert_string_equal(out.ca, "cpo-sub2");
	assert_int_equal(out.leaf.n, 0);
	assert_true(span_equal(buf_span(&out.sub2), buf_span(&der)));
	issued_free(&out);
	assert_int_equal(ca_chain(fx.set, PROFILE_SERVICE_TLS_SERVER, NULL, &out, &e), E_OK);
	assert_int_equal(out.sub1.n + out.sub2.n, 0);
	issued_free(&out);
	assert_int_equal(ca_chain(fx.set, PROFILE_CPO_SUB2, NULL, &out, &e), E_OK);
	assert_int_equal(out.sub2.n, 0); /* one sub-CA alone is Sub 1 */
	assert_true(out.sub1.n > 0);
	issued_free(&out);
	assert_int_equal(ca_chain(fx.set, PROFILE_OCSP_SIGNER, NULL, &out, &e), E_CA_NO_ISSUER);
	err_clear(&e);
	assert_int_equal(ca_chain(fx.set, PROFILE_COUNT, NULL, &out, &e), E_PROFILE_UNKNOWN);
	err_clear(&e);
	assert_int_equal(ca_chain(fx.set, PROFILE_SECC_LEAF, "x", &out, &e), E_CA_UNKNOWN);
	err_clear(&e);
	assert_int_equal(ca_cert(fx.set, "x", &der, &e), E_CA_UNKNOWN);
	buf_free(&der);
}

static void
an_empty_store_opens_and_issues_nothing(void **state)
{
	struct db_conf conf = {.create = true, .readers = 1, .queue_max = 8};
	struct db *db = NULL;
	struct buf point = {0};
	struct issue_request rq = fixture_request("empty", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued out = {0};
	struct ca_conf ca = {.hsm = fx.hsm, .crl_base = "", .params = {.ocsp_url = ""}};
	struct ca_set *set = NULL;
	char url[128];
	unsigned proofs = 9;
	struct err e = {0};

	(void)state;
	(void)snprintf(url, sizeof(url), "sqlite:%s/empty.db", fx.home);
	conf.url = url;
	assert_int_equal(db_open(&conf, &db, &e), E_OK);
	ca.db = db;
	assert_int_equal(ca_open(&ca, &set, &proofs, &e), E_OK);
	assert_int_equal(proofs, 0);
	assert_int_equal(ca_issue(set, &rq, &out, &e), E_CA_NO_ISSUER);
	ca_close(set);
	db_close(db);
	buf_free(&point);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(i34_every_key_is_proven_at_start),
		cmocka_unit_test(the_list_says_what_each_ca_is),
		cmocka_unit_test(chains_and_certificates_are_found_by_name),
		cmocka_unit_test(an_empty_store_opens_and_issues_nothing),
		cmocka_unit_test(i34_a_key_of_another_certificate_stops_the_start),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
