/* SPDX-License-Identifier: Apache-2.0 */
#include <spawn.h>
#include <sys/wait.h>

#include "test.h"

extern char **environ;

static void
write_pem(const char *name, struct span der, const char *mode)
{
	struct buf pem = {0};
	char path[128];
	FILE *file;

	cert_to_pem(der, &pem);
	(void)snprintf(path, sizeof(path), "%s/%s", fx.home, name);
	file = fopen(path, mode);
	assert_non_null(file);
	assert_int_equal(fwrite(pem.p, 1, pem.n, file), pem.n);
	assert_int_equal(fclose(file), 0);
	buf_free(&pem);
}

/* openssl verify of leaf.pem under root.pem by way of subs.pem. */
static int
openssl_verify(const char *purpose)
{
	char root[128], subs[128], leaf[128];
	const char *argv[] = {"openssl", "verify", "-x509_strict", "-CAfile", root, "-untrusted",
			      subs,      leaf,     NULL,           NULL,      NULL};
	size_t n = 7;
	int status;
	pid_t pid;

	(void)snprintf(root, sizeof(root), "%s/root.pem", fx.home);
	(void)snprintf(subs, sizeof(subs), "%s/subs.pem", fx.home);
	(void)snprintf(leaf, sizeof(leaf), "%s/leaf.pem", fx.home);
	if (purpose != NULL) {
		argv[n++] = "-purpose";
		argv[n++] = purpose;
		argv[n++] = leaf;
	}
	assert_int_equal(
		posix_spawnp(&pid, "openssl", NULL, NULL, (char **)(uintptr_t)argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
write_chain(const struct issued *out)
{
	write_pem("root.pem", buf_span(&out->root), "w");
	write_pem("subs.pem", buf_span(&out->root), "w"); /* never empty */
	if (out->sub1.n > 0)
		write_pem("subs.pem", buf_span(&out->sub1), "a");
	if (out->sub2.n > 0)
		write_pem("subs.pem", buf_span(&out->sub2), "a");
}

static void
openssl_accepts_every_chain(void **state)
{
	static const struct {
		enum profile_id profile;
		const char *cn, *purpose;
	} rows[] = {
		{PROFILE_SECC_LEAF, "DEABCE1", "sslserver"},
		{PROFILE_CONTRACT_LEAF, "DEXYZC000000011", NULL},
		{PROFILE_PROVISIONING_LEAF, "WVA00000000000001", NULL},
		{PROFILE_SERVICE_TLS_SERVER, "localhost", "sslserver"},
		{PROFILE_SERVICE_TLS_CLIENT, "participant-1", "sslclient"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf point = {0};
		struct issue_request rq =
			fixture_request(rows[i].cn, rows[i].profile, rows[i].cn, &point);
		struct issued out = {0};

		rq.san_dns[0] = rows[i].profile == PROFILE_SERVICE_TLS_SERVER ? "localhost" : NULL;
		fixture_issue(&fx, &rq, &out);
		write_chain(&out);
		write_pem("leaf.pem", buf_span(&out.leaf), "w");
		assert_int_equal(openssl_verify(rows[i].purpose), 0);
		issued_free(&out);
		buf_free(&point);
	}
}

static void
openssl_accepts_every_ca_and_signing_leaf(void **state)
{
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < fixture_spec_count; i++) {
		const struct ca_spec *s = &fixture_specs[i];
		struct issued above = {0};
		struct buf der = {0};

		assert_int_equal(ca_cert(fx.set, s->name, &der, &e), E_OK);
		write_pem("leaf.pem", buf_span(&der), "w");
		if (s->issuer != NULL)
			assert_int_equal(ca_chain(fx.set, s->profile, s->issuer, &above, &e), E_OK);
		else
			buf_put_span(&above.root, buf_span(&der));
		write_chain(&above);
		assert_int_equal(openssl_verify(NULL), 0);
		issued_free(&above);
		buf_free(&der);
	}
}

static void
certificates_of_cas_go_through_intent_and_audit(void **state)
{
	struct cert_row row = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(cert_store_by_request(fx.db, "ca/cpo-sub2", &row, &e), E_OK);
	assert_int_equal(row.state, CERT_ISSUED);
	assert_true(row.claimed);
	assert_string_equal(row.ca, "cpo-sub1");
	cert_row_free(&row);
	assert_int_equal(cert_store_by_request(fx.db, "ca/v2g-root", &row, &e), E_OK);
	assert_string_equal(row.ca, "v2g-root");
	cert_row_free(&row);
	assert_int_equal(fixture_audit_count(&fx, "ca.begun"), fixture_spec_count);
	assert_int_equal(fixture_audit_count(&fx, "ca.created"), fixture_spec_count);
}

static void
making_everything_again_makes_nothing(void **state)
{
	size_t rows = fixture_audit_count(&fx, NULL);
	uint64_t signatures = fixture_signatures(&fx, NULL);

	(void)state;
	fixture_create_all(&fx);
	assert_int_equal(fixture_audit_count(&fx, NULL), rows);
	assert_int_equal(fixture_signatures(&fx, NULL), signatures);
}

static enum err_code
create(const struct ca_spec *spec)
{
	struct err e = {0};

	return ca_create(fx.set, spec, "test", &e);
}

static void
wrong_specifications_are_refused(void **state)
{
	const struct ca_spec good = {.name = "cpo-sub2b",
				     .profile = PROFILE_CPO_SUB2,
				     .issuer = "cpo-sub1",
				     .token = "main",
				     .o = "TestOrg",
				     .cn = "CPOSUB2B"};
	struct ca_spec s = good;

	(void)state;
	s.name = "v2g-root";
	assert_int_equal(create(&s), E_CA_EXISTS);
	s.name = "../escape";
	assert_int_equal(create(&s), E_BAD_VALUE);
	s.name = "";
	assert_int_equal(create(&s), E_BAD_VALUE);
	s.name = "a-name-that-is-longer-than-32-char";
	assert_int_equal(create(&s), E_BAD_VALUE);
	s = good;
	s.profile = PROFILE_SECC_LEAF;
	assert_int_equal(create(&s), E_PROFILE_UNKNOWN);
	s.profile = PROFILE_COUNT;
	assert_int_equal(create(&s), E_PROFILE_UNKNOWN);
	s = good;
	s.issuer = NULL;
	assert_int_equal(create(&s), E_CA_NO_ISSUER);
	s.issuer = "nowhere";
	assert_int_equal(create(&s), E_CA_UNKNOWN);
	s.issuer = "mo-sub1";
	assert_int_equal(create(&s), E_CA_NO_ISSUER);
	s = good;
	s.profile = PROFILE_V2G_ROOT; /* a root under an issuer */
	assert_int_equal(create(&s), E_CA_NO_ISSUER);
	s = good;
	s.cn = NULL;
	assert_int_equal(create(&s), E_BAD_VALUE);
	s = good;
	s.token = "nowhere";
	assert_int_equal(create(&s), E_CONFIG);
}

/* A root made before the ceremony that failed above goes on with what was begun. */
static void
a_ceremony_that_was_begun_keeps_its_token(void **state)
{
	const struct ca_spec s = {.name = "cpo-sub2b",
				  .profile = PROFILE_CPO_SUB2,
				  .issuer = "cpo-sub1",
				  .token = "main",
				  .o = "TestOrg",
				  .cn = "CPOSUB2B"};

	(void)state;
	assert_int_equal(create(&s), E_CA_EXISTS); /* begun on token "nowhere" */
}

/* ca_spec: without dates a certificate ends with its issuer's; with dates nothing is cut. */
static void
validity_stays_within_the_issuer(void **state)
{
	struct ca_spec sub = {.name = "short-sub1",
			      .profile = PROFILE_CPO_SUB1,
			      .issuer = "short-root",
			      .token = "main",
			      .cn = "SHORTSUB1"};
	struct ca_spec root = {.name = "short-root",
			       .profile = PROFILE_V2G_ROOT,
			       .token = "main",
			       .cn = "SHORT",
			       .not_after = clock_now() + 100 * DAY};
	struct buf der = {0};
	struct cert c;
	struct err e = {0};

	(void)state;
	assert_int_equal(create(&root), E_OK);
	sub.not_after = root.not_after + 1;
	assert_int_equal(create(&sub), E_VALIDITY);
	sub.not_after = 0; /* the row is there: the ceremony goes on */
	assert_int_equal(create(&sub), E_OK);
	assert_int_equal(ca_cert(fx.set, "short-sub1", &der, &e), E_OK);
	assert_int_equal(cert_parse(buf_span(&der), &c, &e), E_OK);
	assert_int_equal(c.not_after, root.not_after);
	buf_free(&der);
}

static void
a_second_ca_issues_when_it_is_named(void **state)
{
	struct ca_spec sub2 = {.name = "mo-sub2b",
			       .profile = PROFILE_MO_SUB2,
			       .issuer = "mo-sub1",
			       .token = "main",
			       .o = "TestOrg",
			       .cn = "MOSUB2B"};
	struct buf point = {0};
	struct issue_request rq =
		fixture_request("second", PROFILE_CONTRACT_LEAF, "DEXYZC000000021", &point);
	struct issued out = {0};

	(void)state;
	assert_int_equal(create(&sub2), E_OK);
	rq.ca = "mo-sub2b";
	fixture_issue(&fx, &rq, &out);
	assert_string_equal(out.ca, "mo-sub2b");
	issued_free(&out);
	buf_free(&point);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_accepts_every_chain),
		cmocka_unit_test(openssl_accepts_every_ca_and_signing_leaf),
		cmocka_unit_test(certificates_of_cas_go_through_intent_and_audit),
		cmocka_unit_test(making_everything_again_makes_nothing),
		cmocka_unit_test(wrong_specifications_are_refused),
		cmocka_unit_test(a_ceremony_that_was_begun_keeps_its_token),
		cmocka_unit_test(validity_stays_within_the_issuer),
		cmocka_unit_test(a_second_ca_issues_when_it_is_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
