/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/hash.h"
#include "test.h"

static enum err_code
issue_error(const struct issue_request *rq)
{
	struct issued out = {0};
	struct err e = {0};
	enum err_code rc = ca_issue(fx.set, rq, &out, &e);

	assert_int_equal(rc, e.code);
	assert_int_equal(out.leaf.n, 0);
	return rc;
}

static void
row_of(const char *request_id, struct cert_row *row)
{
	struct err e = {0};

	assert_int_equal(cert_store_by_request(fx.db, request_id, row, &e), E_OK);
}

static void
a_leaf_comes_with_its_chain(void **state)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request("chain-1", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued out = {0};
	struct cert leaf, sub2, sub1, root;
	struct err e = {0};

	(void)state;
	fixture_issue(&fx, &rq, &out);
	assert_string_equal(out.ca, "cpo-sub2");
	assert_true(out.cert_id > 0);
	assert_int_equal(cert_parse(buf_span(&out.leaf), &leaf, &e), E_OK);
	assert_int_equal(cert_parse(buf_span(&out.sub2), &sub2, &e), E_OK);
	assert_int_equal(cert_parse(buf_span(&out.sub1), &sub1, &e), E_OK);
	assert_int_equal(cert_parse(buf_span(&out.root), &root, &e), E_OK);
	assert_int_equal(cert_verify_link(&leaf, &sub2, &e), E_OK);
	assert_int_equal(cert_verify_link(&sub2, &sub1, &e), E_OK);
	assert_int_equal(cert_verify_link(&sub1, &root, &e), E_OK);
	assert_int_equal(cert_verify_link(&root, &root, &e), E_OK);
	issued_free(&out);
	rq = fixture_request("chain-2", PROFILE_SERVICE_TLS_CLIENT, "participant-1", &point);
	fixture_issue(&fx, &rq, &out);
	assert_int_equal(out.sub2.n + out.sub1.n, 0);
	assert_true(out.root.n > 0);
	issued_free(&out);
	buf_free(&point);
}

/* I-1: a signature costs a committed intent; where the store refuses it, the token signs nothing.
 */
static void
i01_no_signature_without_a_committed_intent(void **state)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request("i01", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct cert_row row = {0};
	struct issued out = {0};
	struct err e = {0};
	uint64_t before;

	(void)state;
	fixture_issue(&fx, &rq, &out);
	row_of("i01", &row);
	assert_int_equal(key_store_block(fx.db, row.spki_hash,
					 &(struct audit_record){.actor = "test", .action = "block"},
					 &e),
			 E_OK);
	before = fixture_signatures(&fx, "cpo-sub2");
	rq.request_id = "i01-blocked";
	assert_int_equal(issue_error(&rq), E_KEY_BLOCKED);
	assert_int_equal(fixture_signatures(&fx, "cpo-sub2"), before);
	cert_row_free(&row);
	issued_free(&out);
	buf_free(&point);
}

/* I-2: as many audit records of CA keys as signatures, when nothing failed. */
static void
i02_every_signature_has_its_audit_record(void **state)
{
	size_t issued = fixture_audit_count(&fx, "certificate.intent");
	size_t proofs = fixture_audit_count(&fx, "key.proof");
	uint64_t signatures = fixture_signatures(&fx, NULL);
	struct buf point = {0};
	struct issue_request rq =
		fixture_request("i02", PROFILE_CONTRACT_LEAF, "DEXYZC00000021", &point);
	struct issued out = {0};

	(void)state;
	assert_int_equal(signatures, issued + proofs);
	fixture_issue(&fx, &rq, &out);
	issued_free(&out);
	fixture_issue(&fx, &rq, &out); /* again: neither signature nor record */
	assert_int_equal(fixture_signatures(&fx, NULL), signatures + 1);
	assert_int_equal(fixture_audit_count(&fx, "certificate.intent"), issued + 1);
	assert_int_equal(fixture_audit_count(&fx, "key.proof"), proofs);
	issued_free(&out);
	buf_free(&point);
}

static int
compare_serials(const void *a, const void *b)
{
	return memcmp(a, b, SERIAL_LEN);
}

/* I-3: 1e5 serials are positive, at most 20 octets, all different, and each of their free bits is
 * set in half of them (4.5 sigma: 50000 +- 712). */
static void
i03_serials_are_unique_and_random(void **state)
{
	enum { COUNT = 100000 };
	uint8_t(*all)[SERIAL_LEN] = calloc(COUNT, SERIAL_LEN);
	unsigned ones[8 * SERIAL_LEN] = {0};
	struct err e = {0};
	size_t i, bit;

	(void)state;
	assert_non_null(all);
	for (i = 0; i < COUNT; i++) {
		assert_int_equal(serial_make(all[i], &e), E_OK);
		assert_true(all[i][0] > 0 && all[i][0] < 0x80);
		for (bit = 0; bit < 8 * SERIAL_LEN; bit++)
			ones[bit] += (all[i][bit / 8] >> (7 - bit % 8)) & 1;
	}
	for (bit = 8; bit < 8 * SERIAL_LEN; bit++)
		assert_in_range(ones[bit], COUNT / 2 - 712, COUNT / 2 + 712);
	qsort(all, COUNT, SERIAL_LEN, compare_serials);
	for (i = 1; i < COUNT; i++)
		assert_memory_not_equal(all[i - 1], all[i], SERIAL_LEN);
	free(all);
}

/* I-3: the store holds a serial of an issuer once. */
static void
i03_a_serial_stands_once_under_an_issuer(void **state)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request("i03", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued out = {0};
	struct cert_row row = {0};
	struct cert c;
	struct err e = {0};
	int64_t id;

	(void)state;
	fixture_issue(&fx, &rq, &out);
	row_of("i03", &row);
	assert_int_equal(cert_parse(buf_span(&out.leaf), &c, &e), E_OK);
	assert_true(span_equal(c.serial, (struct span){row.serial, row.serial_len}));
	assert_true(str_copy(row.request_id, sizeof(row.request_id), "i03-other"));
	assert_int_equal(cert_store_intent(fx.db, &row,
					   &(struct audit_record){.actor = "test", .action = "x"},
					   &id, &e),
			 E_DB_DUPLICATE);
	cert_row_free(&row);
	issued_free(&out);
	buf_free(&point);
}

/* I-4: an id asked for again gives the certificate of the first time. */
static void
i04_the_same_request_gives_the_same_certificate(void **state)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request("i04", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued first = {0}, second = {0};
	uint64_t before;

	(void)state;
	fixture_issue(&fx, &rq, &first);
	before = fixture_signatures(&fx, "cpo-sub2");
	fixture_issue(&fx, &rq, &second);
	assert_int_equal(fixture_signatures(&fx, "cpo-sub2"), before);
	assert_true(span_equal(buf_span(&first.leaf), buf_span(&second.leaf)));
	assert_int_equal(first.cert_id, second.cert_id);
	issued_free(&first);
	issued_free(&second);
	buf_free(&point);
}

static void
i04_a_request_id_with_other_content_is_refused(void **state)
{
	struct buf point = {0}, other = {0};
	struct issue_request rq =
		fixture_request("i04-other", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issue_request changed[6];
	struct issued out = {0};
	size_t i;

	(void)state;
	fixture_issue(&fx, &rq, &out);
	fixture_point(ALGO_P256, &other);
	for (i = 0; i < ARRAY_LEN(changed); i++)
		changed[i] = rq;
	changed[0].cn = "DEABCE2";
	changed[1].o = NULL;
	changed[2].point = buf_span(&other);
	changed[3].not_after = clock_now() + DAY;
	changed[4].participant = "participant-2";
	changed[5].profile = PROFILE_PROVISIONING_LEAF;
	for (i = 0; i < ARRAY_LEN(changed); i++)
		assert_int_equal(issue_error(&changed[i]), E_REQUEST_REUSED);
	issued_free(&out);
	buf_free(&other);
	buf_free(&point);
}

/* I-5: what is stored, what is returned and what was linted are the same bytes. */
static void
i05_stored_returned_and_linted_bytes_are_the_same(void **state)
{
	struct buf point = {0};
	struct issue_request rq = fixture_request("i05", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued out = {0};
	struct cert_row row = {0};
	uint8_t hash[SHA256_LEN];
	struct cert c;
	struct err e = {0};

	(void)state;
	fixture_issue(&fx, &rq, &out);
	row_of("i05", &row);
	assert_true(span_equal(buf_span(&row.der), buf_span(&out.leaf)));
	assert_int_equal(sha256(buf_span(&out.leaf), hash, &e), E_OK);
	assert_memory_equal(hash, row.fingerprint, sizeof(hash));
	assert_int_equal(cert_parse(buf_span(&out.leaf), &c, &e), E_OK);
	assert_int_equal(sha256(c.tbs, hash, &e), E_OK);
	assert_memory_equal(hash, row.tbs_hash, sizeof(hash));
	assert_int_equal(sha256(c.spki, hash, &e), E_OK);
	assert_memory_equal(hash, row.spki_hash, sizeof(hash));
	cert_row_free(&row);
	issued_free(&out);
	buf_free(&point);
}

/* I-6: both ends count, the issuer's end is not passed, and no date is bent. */
static void
i06_validity_is_exact_and_within_the_issuer(void **state)
{
	struct buf point = {0}, der = {0};
	struct issue_request rq = fixture_request("i06", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued out = {0};
	struct cert c, issuer;
	struct err e = {0};
	int64_t now = clock_now();

	(void)state;
	fixture_issue(&fx, &rq, &out);
	assert_int_equal(cert_parse(buf_span(&out.leaf), &c, &e), E_OK);
	assert_int_equal(c.not_after + 1 - c.not_before, profiles[PROFILE_SECC_LEAF].validity);
	assert_in_range(c.not_before, now, now + 60);
	issued_free(&out);

	rq.request_id = "i06-long";
	rq.not_before = now;
	rq.not_after = now + profiles[PROFILE_SECC_LEAF].validity_max; /* one second too many */
	assert_int_equal(issue_error(&rq), E_VALIDITY);
	rq.not_after--;
	fixture_issue(&fx, &rq, &out);
	issued_free(&out);

	rq.request_id = "i06-back";
	rq.not_before = now - 2 * DAY;
	rq.not_after = now + DAY;
	assert_int_equal(issue_error(&rq), E_VALIDITY);
	rq.not_before = now + 2 * DAY;
	assert_int_equal(issue_error(&rq), E_VALIDITY);
	rq.not_before = now - DAY;
	rq.not_after = now - 60;
	assert_int_equal(issue_error(&rq), E_VALIDITY);

	rq = fixture_request("i06-issuer", PROFILE_CONTRACT_LEAF, "DEXYZC00000031", &point);
	assert_int_equal(ca_cert(fx.set, "mo-sub2", &der, &e), E_OK);
	assert_int_equal(cert_parse(buf_span(&der), &issuer, &e), E_OK);
	rq.not_after = issuer.not_after + 1;
	rq.not_before = rq.not_after - 365 * DAY;
	assert_int_equal(issue_error(&rq), E_VALIDITY);
	rq.not_after = issuer.not_after;
	fixture_issue(&fx, &rq, &out);
	issued_free(&out);
	buf_free(&der);
	buf_free(&point);
}

/* I-7: a CA's key stands in the CA's certificate only. */
static void
i07_the_key_of_a_ca_is_refused_for_a_leaf(void **state)
{
	const char *names[] = {"cpo-sub2", "v2g-root", "service-root", "cps-leaf"};
	struct buf point = {0}, der = {0};
	struct issue_request rq = fixture_request("i07", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct cert c;
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(names); i++) {
		buf_clear(&der);
		assert_int_equal(ca_cert(fx.set, names[i], &der, &e), E_OK);
		assert_int_equal(cert_parse(buf_span(&der), &c, &e), E_OK);
		rq.point = c.point;
		assert_int_equal(issue_error(&rq), E_CSR_KEY);
	}
	buf_free(&der);
	buf_free(&point);
}

/* I-8: keys of another kind, or that are no point of the curve. */
static void
i08_keys_that_are_not_points_of_the_curve_are_refused(void **state)
{
	struct buf point = {0}, p521 = {0};
	struct issue_request rq = fixture_request("i08", PROFILE_SECC_LEAF, "DEABCE1", &point);

	(void)state;
	point.p[64] ^= 1; /* y of no point with this x */
	assert_int_equal(issue_error(&rq), E_CSR_KEY);
	point.p[64] ^= 1;
	rq.point.n--;
	assert_int_equal(issue_error(&rq), E_CSR_KEY);
	rq.point.n++;
	point.p[0] = 0x06; /* hybrid form, X9.62 4.3.6 */
	assert_int_equal(issue_error(&rq), E_CSR_KEY);
	point.p[0] = 0x04;
	fixture_point(ALGO_P521, &p521);
	rq.algo = algo_get(ALGO_P521);
	rq.point = buf_span(&p521);
	assert_int_equal(issue_error(&rq), E_CSR_KEY);
	buf_free(&p521);
	buf_free(&point);
}

/* I-9: the subject says what was authorised, and extensions what the profile says. */
static void
i09_nothing_but_profile_and_request_decides_the_content(void **state)
{
	const struct profile *p = &profiles[PROFILE_SECC_LEAF];
	struct buf point = {0};
	struct issue_request rq = fixture_request("i09", PROFILE_SECC_LEAF, "DEABCE9", &point);
	struct issued out = {0};
	struct cert c;
	struct err e = {0};

	(void)state;
	rq.san_dns[0] = "evil.example";
	assert_true(issue_error(&rq) != E_OK);
	rq.san_dns[0] = NULL;
	fixture_issue(&fx, &rq, &out);
	assert_int_equal(cert_parse(buf_span(&out.leaf), &c, &e), E_OK);
	assert_true(span_equal(name_attr(c.subject, OID_CN), span_str("DEABCE9")));
	assert_true(span_equal(name_attr(c.subject, OID_O), span_str("TestOrg")));
	assert_true(span_equal(name_attr(c.subject, OID_DC), span_str(p->dc)));
	assert_true(span_equal(c.point, buf_span(&point)));
	assert_int_equal(c.ku, p->ku);
	assert_int_equal(c.eku, 0);
	assert_false(c.is_ca);
	assert_true(span_equal(c.ocsp_url, span_str(OCSP_URL)));
	assert_true(span_equal(c.crl_url, span_str("http://127.0.0.1:8080/crl/cpo-sub2.crl")));
	assert_true(c.policy_oid.n > 0);
	issued_free(&out);
	buf_free(&point);
}

static void
profile_hash(enum profile_id id, const char *ocsp_url, const char *crl_url, uint8_t out[32])
{
	struct profile_params params = {.country = "DE",
					.policy_oid = "1.3.6.1.4.1.55555.1",
					.ocsp_url = ocsp_url,
					.crl_url = crl_url};
	struct err e = {0};

	assert_int_equal(hash_profile(&profiles[id], &params, out, &e), E_OK);
}

/* I-10: each certificate carries the hash of the profile and parameters that made it; a change is
 * there from one certificate to the next, and what was issued before keeps its own. */
static void
i10_the_profile_of_each_certificate_is_on_record(void **state)
{
	const char *crl = "http://127.0.0.1:8080/crl/cpo-sub2.crl", *moved = "http://ocsp.example/";
	struct buf point = {0};
	struct issue_request rq = fixture_request("i10-old", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issued out = {0};
	struct cert_row row = {0};
	uint8_t old[32], new[32];
	struct cert c;
	struct err e = {0};

	(void)state;
	profile_hash(PROFILE_SECC_LEAF, OCSP_URL, crl, old);
	profile_hash(PROFILE_SECC_LEAF, moved, crl, new);
	assert_memory_not_equal(old, new, sizeof(old));
	fixture_issue(&fx, &rq, &out);
	issued_free(&out);
	fixture_close(&fx);
	fx.ocsp_url = moved;
	fixture_open(&fx);
	rq = fixture_request("i10-new", PROFILE_SECC_LEAF, "DEABCE1", &point);
	fixture_issue(&fx, &rq, &out);
	assert_int_equal(cert_parse(buf_span(&out.leaf), &c, &e), E_OK);
	assert_true(span_equal(c.ocsp_url, span_str(moved)));
	issued_free(&out);
	row_of("i10-new", &row);
	assert_memory_equal(row.profile_hash, new, sizeof(new));
	cert_row_free(&row);
	row_of("i10-old", &row);
	assert_memory_equal(row.profile_hash, old, sizeof(old));
	cert_row_free(&row);
	fixture_close(&fx);
	fx.ocsp_url = NULL;
	fixture_open(&fx);
	buf_free(&point);
}

/* I-11: [V2G2-010]; names that would make it longer are refused before the signature. */
static void
i11_leaves_are_at_most_800_bytes(void **state)
{
	static const char longest[] =
		"0123456789012345678901234567890123456789012345678901234567890123";
	const struct {
		enum profile_id profile;
		const char *cn;
	} rows[] = {{PROFILE_SECC_LEAF, "DE*ABC*E1234567890123456789012345"},
		    {PROFILE_CONTRACT_LEAF, "DEXYZC000000051"},
		    {PROFILE_PROVISIONING_LEAF, "WVA12345678901234"}};
	char id[16];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf point = {0};
		struct issue_request rq = fixture_request(id, rows[i].profile, rows[i].cn, &point);
		struct issued out = {0};
		struct err e = {0};
		enum err_code rc;

		(void)snprintf(id, sizeof(id), "i11-%zu", i);
		fixture_issue(&fx, &rq, &out);
		assert_in_range(out.leaf.n, 300, 800);
		issued_free(&out);
		(void)snprintf(id, sizeof(id), "i11-long-%zu", i);
		rq.o = longest;
		rc = ca_issue(fx.set, &rq, &out, &e);
		assert_true(rc == E_CERT_TOO_BIG || (rc == E_OK && out.leaf.n <= 800));
		issued_free(&out);
		buf_free(&point);
	}
}

/* I-41: EMAID and PCID stand in certificate rows, not in audit rows and not in the log. */
static void
i41_no_emaid_or_pcid_in_audit_or_log(void **state)
{
	const char *emaid = "DEXYZC000000411", *pcid = "WVA41000000000411";
	struct buf point = {0};
	struct issue_request rq;
	struct issued out = {0};
	char path[96], log[8192] = "", pseudonym[PSEUDONYM_LEN];
	struct err e = {0};
	FILE *file;
	int saved = dup(2);
	size_t n;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/log", fx.home);
	assert_true(saved >= 0);
	assert_non_null(freopen(path, "w+", stderr));
	rq = fixture_request("i41-emaid", PROFILE_CONTRACT_LEAF, emaid, &point);
	fixture_issue(&fx, &rq, &out);
	assert_int_equal(ca_revoke(fx.set, "i41-r", buf_span(&out.leaf), 4, "mo", &e), E_OK);
	issued_free(&out);
	rq = fixture_request("i41-pcid", PROFILE_PROVISIONING_LEAF, pcid, &point);
	fixture_issue(&fx, &rq, &out);
	issued_free(&out);
	rq.cn = emaid; /* refused: other content */
	assert_int_equal(ca_issue(fx.set, &rq, &out, &e), E_REQUEST_REUSED);
	assert_null(strstr(e.text, emaid));
	(void)fflush(stderr);
	assert_true(dup2(saved, 2) >= 0);
	(void)close(saved);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(log, 1, sizeof(log) - 1, file);
	log[n] = '\0';
	(void)fclose(file);
	assert_non_null(strstr(log, "i41-emaid"));
	assert_null(strstr(log, emaid));
	assert_null(strstr(log, pcid));
	assert_false(fixture_audit_shows(&fx, emaid));
	assert_false(fixture_audit_shows(&fx, pcid));
	privacy_pseudonym("emaid", emaid, pseudonym);
	assert_true(fixture_audit_shows(&fx, pseudonym));
	privacy_pseudonym("pcid", pcid, pseudonym);
	assert_true(fixture_audit_shows(&fx, pseudonym));
	buf_free(&point);
}

static void
requests_that_make_no_sense_are_refused(void **state)
{
	struct buf point = {0};
	struct issue_request good = fixture_request("refuse", PROFILE_SECC_LEAF, "DEABCE1", &point);
	struct issue_request rq = good;

	(void)state;
	rq.profile = PROFILE_CPO_SUB2; /* only a ceremony makes CAs */
	assert_int_equal(issue_error(&rq), E_PROFILE_UNKNOWN);
	rq.profile = PROFILE_TOKEN_SIGNER;
	assert_int_equal(issue_error(&rq), E_PROFILE_UNKNOWN);
	rq.profile = PROFILE_COUNT;
	assert_int_equal(issue_error(&rq), E_PROFILE_UNKNOWN);
	rq = good;
	rq.ca = "nowhere";
	assert_int_equal(issue_error(&rq), E_CA_UNKNOWN);
	rq.ca = "mo-sub2"; /* another branch */
	assert_int_equal(issue_error(&rq), E_CA_NO_ISSUER);
	rq = good;
	rq.cn = "";
	assert_int_equal(issue_error(&rq), E_BAD_VALUE);
	rq = good;
	rq.request_id = "ca/cpo-sub2";
	assert_int_equal(issue_error(&rq), E_BAD_VALUE);
	rq.request_id = "with space";
	assert_int_equal(issue_error(&rq), E_BAD_VALUE);
	rq.request_id = NULL;
	assert_int_equal(issue_error(&rq), E_BAD_VALUE);
	rq.request_id = "01234567890123456789012345678901234567890123456789012345678901234";
	assert_int_equal(issue_error(&rq), E_BAD_VALUE);
	buf_free(&point);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(i02_every_signature_has_its_audit_record),
		cmocka_unit_test(a_leaf_comes_with_its_chain),
		cmocka_unit_test(i01_no_signature_without_a_committed_intent),
		cmocka_unit_test(i03_serials_are_unique_and_random),
		cmocka_unit_test(i03_a_serial_stands_once_under_an_issuer),
		cmocka_unit_test(i04_the_same_request_gives_the_same_certificate),
		cmocka_unit_test(i04_a_request_id_with_other_content_is_refused),
		cmocka_unit_test(i05_stored_returned_and_linted_bytes_are_the_same),
		cmocka_unit_test(i06_validity_is_exact_and_within_the_issuer),
		cmocka_unit_test(i07_the_key_of_a_ca_is_refused_for_a_leaf),
		cmocka_unit_test(i08_keys_that_are_not_points_of_the_curve_are_refused),
		cmocka_unit_test(i09_nothing_but_profile_and_request_decides_the_content),
		cmocka_unit_test(i10_the_profile_of_each_certificate_is_on_record),
		cmocka_unit_test(i11_leaves_are_at_most_800_bytes),
		cmocka_unit_test(i41_no_emaid_or_pcid_in_audit_or_log),
		cmocka_unit_test(requests_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
