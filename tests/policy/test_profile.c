/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"
#include "sample.h"

/* The generator of P-256 (FIPS 186-4 D.1.2.3): a fixed key makes fixed bytes. */
static const uint8_t generator[65] = {
	0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
	0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
	0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
	0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
	0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

static struct sample root, subject;

static struct tbs_request
request_for(enum profile_id id)
{
	return sample_request(id, &subject, profiles[id].issuer == id ? NULL : &root, "1234567890");
}

static void
put_bits(struct buf *out, const char *what, unsigned bits, const char *const *names)
{
	unsigned i;

	buf_printf(out, "%s:", what);
	for (i = 0; names[i] != NULL; i++)
		if ((bits & (1u << i)) != 0)
			buf_printf(out, " %s", names[i]);
	buf_put_u8(out, '\n');
}

static void
put_usages(struct buf *out, unsigned ku, unsigned eku)
{
	static const char *const ku_names[] = {"digitalSignature", "nonRepudiation",
					       "keyEncipherment",  "dataEncipherment",
					       "keyAgreement",     "keyCertSign",
					       "cRLSign",          "encipherOnly",
					       "decipherOnly",     NULL};
	static const char *const eku_names[] = {"serverAuth", "clientAuth", "OCSPSigning", "other",
						NULL};

	put_bits(out, "key usage", ku, ku_names);
	put_bits(out, "extended key usage", eku, eku_names);
}

static const char *
yes(bool b)
{
	return b ? "yes" : "no";
}

static void
put_profile(struct buf *out, const struct profile *p)
{
	static const char *const editions[] = {"none", "ISO 15118-2", "ISO 15118-20"};
	const struct profile *issuer = p->issuer < PROFILE_COUNT ? &profiles[p->issuer] : NULL;

	buf_printf(out, "profile: %s\nclause: %s\nedition: %s\n", p->name, p->clause,
		   editions[p->edition]);
	buf_printf(out, "issuer: %s\nDC: %s\nalgorithm: %s\n",
		   issuer == NULL ? "any CA"
		   : issuer == p  ? "itself"
				  : issuer->name,
		   p->dc != NULL ? p->dc : "none", algo_get(p->algo)->name);
	buf_printf(out, "validity: %lld s, at most %lld s\n", (long long)p->validity,
		   (long long)p->validity_max);
	buf_printf(out, "CA: %s\npath length: %d\n", yes(p->is_ca), p->path_len);
	put_usages(out, p->ku, p->eku);
	buf_printf(out, "key usage by switch: %x\n", p->ku_switch);
	buf_printf(out, "AIA: %s\nCRLDP: %s%s\npolicy: %s\nOCSP no check: %s\n", yes(p->aia),
		   yes(p->crldp), p->crldp_switch ? " (by switch)" : "", yes(p->policy),
		   yes(p->nocheck));
	buf_printf(out, "at most %zu bytes DER\n", p->der_max);
}

static void
put_name(struct buf *out, const char *what, struct span name)
{
	buf_printf(out, "%s: ", what);
	assert_int_equal(name_to_text(name, false, out, NULL), E_OK);
	buf_put_u8(out, '\n');
}

static void
put_text(struct buf *out, const char *what, struct span text)
{
	buf_printf(out, "%s: ", what);
	buf_put_span(out, text.n > 0 ? text : SPAN_LIT("none"));
	buf_put_u8(out, '\n');
}

static void
put_hex_lines(struct buf *out, struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i += 40) {
		buf_put_str(out, "  ");
		buf_put_hex(out, (struct span){s.p + i, s.n - i < 40 ? s.n - i : 40});
		buf_put_u8(out, '\n');
	}
}

static void
put_sample(struct buf *out, const struct cert *c)
{
	char from[RFC3339_LEN], to[RFC3339_LEN], hex[64];

	hex_encode(c->serial, hex, sizeof(hex));
	clock_format(c->not_before, from);
	clock_format(c->not_after, to);
	buf_printf(out, "\nsample of %zu bytes\nserial: %s\n", c->der.n, hex);
	put_name(out, "issuer", c->issuer);
	put_name(out, "subject", c->subject);
	buf_printf(out, "valid: %s to %s\n", from, to);
	buf_printf(out, "key: %s\nsignature: %s\n", c->algo->name, c->sig_algo->name);
	buf_printf(out, "basic constraints: %s, CA %s, path length %d\n",
		   c->has_bc ? "there" : "none", yes(c->is_ca), c->path_len);
	put_usages(out, c->ku, c->eku);
	hex_encode(c->ski, hex, sizeof(hex));
	buf_printf(out, "subject key identifier: %s\n", hex);
	hex_encode(c->aki, hex, sizeof(hex));
	buf_printf(out, "authority key identifier: %s\n", hex);
	put_text(out, "OCSP", c->ocsp_url);
	put_text(out, "CRL", c->crl_url);
	hex_encode(c->policy_oid, hex, sizeof(hex));
	put_text(out, "policy OID", span_str(hex));
	buf_printf(out, "OCSP no check: %s\nother critical extensions: %u\n",
		   yes(c->has_ocsp_nocheck), c->critical_unknown);
	buf_put_str(out, "to be signed:\n");
	put_hex_lines(out, c->tbs);
}

/* What stands in a snapshot: the row and one certificate, byte by byte. */
static void
render(enum profile_id id, struct buf *out)
{
	struct tbs_request rq = request_for(id);
	uint8_t sig[64];
	struct buf tbs = {0}, der = {0};
	struct cert c;
	struct err e = {0};

	memset(sig, 0x41, sizeof(sig));
	if (rq.issuer_ski.n > 0) /* the issuer's own key is random */
		rq.issuer_ski = SPAN_LIT("\x41\x23\x45\x67\x89\xab\xcd\xef");
	if (tbs_build(&rq, &tbs, &e) != E_OK)
		fail_msg("%s", e.text);
	assert_int_equal(lint_tbs(buf_span(&tbs), &rq, INT64_MAX, &e), E_OK);
	assert_int_equal(tbs_finish(buf_span(&tbs), rq.issuer_algo, (struct span){sig, sizeof(sig)},
				    &der, &e),
			 E_OK);
	assert_int_equal(cert_parse(buf_span(&der), &c, &e), E_OK);
	put_profile(out, &profiles[id]);
	put_sample(out, &c);
	buf_free(&der);
	buf_free(&tbs);
}

static void
write_snapshot(const char *name, struct span text)
{
	char path[1024];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", getenv("SNAPSHOTS"), name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	(void)fclose(f);
}

/* Regenerate with UPDATE_SNAPSHOTS=1 (tests/snapshots/README). */
static void
every_profile_equals_its_snapshot(void **state)
{
	enum profile_id id;

	(void)state;
	for (id = 0; id < PROFILE_COUNT; id++) {
		struct buf now = {0}, then = {0};
		char name[64];

		(void)snprintf(name, sizeof(name), "profile-%s.txt", profiles[id].name);
		render(id, &now);
		if (getenv("UPDATE_SNAPSHOTS") != NULL)
			write_snapshot(name, buf_span(&now));
		assert_true(sample_read("SNAPSHOTS", name, &then));
		if (!span_equal(buf_span(&now), buf_span(&then)))
			fail_msg("tests/snapshots/%s differs; it is now:\n%s", name,
				 buf_cstr(&now));
		buf_free(&then);
		buf_free(&now);
	}
}

static void
rows_stand_at_their_id_and_are_found_by_name(void **state)
{
	enum profile_id id;

	(void)state;
	for (id = 0; id < PROFILE_COUNT; id++) {
		assert_int_equal(profiles[id].id, id);
		assert_ptr_equal(profile_by_name(profiles[id].name), &profiles[id]);
		assert_true(profiles[id].validity <= profiles[id].validity_max);
		assert_true(!profiles[id].is_ca || profiles[id].eku == 0);
	}
	assert_null(profile_by_name("no-such"));
}

static void
refused(struct tbs_request rq, enum err_code code, const char *part)
{
	struct buf out = {0};
	struct err e = {0};

	assert_int_equal(tbs_build(&rq, &out, &e), code);
	if (strstr(e.text, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, part);
	buf_free(&out);
}

static void
wrong_keys_are_refused(void **state)
{
	struct tbs_request rq = request_for(PROFILE_SECC_LEAF);

	(void)state;
	rq.algo = algo_get(ALGO_P521);
	refused(rq, E_CSR_KEY, "secp521r1");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.issuer_algo = algo_get(ALGO_ED448);
	refused(rq, E_CSR_KEY, "ed448");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.point.n--;
	refused(rq, E_CSR_KEY, "64 bytes");
}

static void
wrong_dates_are_refused(void **state)
{
	struct tbs_request rq = request_for(PROFILE_CONTRACT_LEAF);

	(void)state;
	rq.not_after = rq.not_before + 731 * DAY - 1;
	refused(rq, E_OK, "");
	rq.not_after++; /* notAfter is inclusive: one second too long */
	refused(rq, E_VALIDITY, "731");
	rq.not_after = rq.not_before - 1;
	refused(rq, E_VALIDITY, "before it begins");
}

static void
wrong_names_are_refused(void **state)
{
	struct tbs_request rq = request_for(PROFILE_SECC_LEAF);
	char long_name[66];

	(void)state;
	memset(long_name, 'x', 65);
	long_name[65] = '\0';
	rq.cn = "";
	refused(rq, E_BAD_VALUE, "CN");
	rq.cn = NULL;
	refused(rq, E_BAD_VALUE, "CN");
	rq.cn = long_name;
	refused(rq, E_BAD_VALUE, "65 bytes");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.o = long_name;
	refused(rq, E_BAD_VALUE, "(O)");
	rq.o = "a\x01"
	       "b";
	refused(rq, E_BAD_VALUE, "control");
	rq.o = "\xff";
	refused(rq, E_BAD_VALUE, "UTF-8");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.params.country = "de";
	refused(rq, E_BAD_VALUE, "country");
	rq.params.country = "DEU";
	refused(rq, E_BAD_VALUE, "country");
	rq.params.country = NULL;
	refused(rq, E_OK, "");
}

static void
wrong_urls_are_refused_and_missing_ones_too(void **state)
{
	struct tbs_request rq = request_for(PROFILE_SECC_LEAF);
	char url[140] = "http://";

	(void)state;
	memset(url + 7, 'x', 122);
	rq.params.ocsp_url = url;
	refused(rq, E_BAD_VALUE, "129 bytes");
	rq.params.ocsp_url = "https://x/ocsp";
	refused(rq, E_BAD_VALUE, "http://");
	rq.params.ocsp_url = "http://x/a b";
	refused(rq, E_BAD_VALUE, "character 11");
	rq.params.ocsp_url = NULL;
	refused(rq, E_OK, "");
	rq.params.ocsp_url = "";
	refused(rq, E_OK, "");
	rq.params.crl_url = NULL;
	refused(rq, E_BAD_VALUE, "no CRL URL");
	rq = request_for(PROFILE_CPS_LEAF);
	rq.params.crl_url = NULL; /* this profile has none */
	refused(rq, E_OK, "");
	rq.params.policy_oid = "1.2.x";
	refused(rq, E_BAD_VALUE, "OID");
}

static void
host_names_are_for_servers_only_and_needed_there(void **state)
{
	struct tbs_request rq = request_for(PROFILE_SERVICE_TLS_SERVER);

	(void)state;
	rq.san_dns[0] = NULL;
	refused(rq, E_BAD_VALUE, "needs a host name");
	rq.san_dns[0] = "a b";
	refused(rq, E_BAD_VALUE, "host name 1");
	rq.san_dns[0] = "";
	refused(rq, E_BAD_VALUE, "host name 1");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.san_dns[0] = "localhost";
	refused(rq, E_BAD_VALUE, "carries no host names");
}

static void
serial_and_issuer_must_fit(void **state)
{
	struct tbs_request rq = request_for(PROFILE_SECC_LEAF);
	static const uint8_t high[SERIAL_LEN] = {0x80}, zero[SERIAL_LEN] = {0, 1};

	(void)state;
	rq.serial = (struct span){high, sizeof(high)};
	refused(rq, E_BAD_VALUE, "serial");
	rq.serial = (struct span){zero, sizeof(zero)};
	refused(rq, E_BAD_VALUE, "serial");
	rq.serial.n = 8;
	refused(rq, E_BAD_VALUE, "serial");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.issuer_name = (struct span){0};
	refused(rq, E_BAD_VALUE, "needs an issuer");
	rq = request_for(PROFILE_V2G_ROOT);
	rq.issuer_name = root.cert.subject;
	refused(rq, E_BAD_VALUE, "self-issued");
}

/* I-11: 800 bytes in the longest form and not one more. */
static void
certificate_of_801_bytes_is_refused(void **state)
{
	struct tbs_request rq = request_for(PROFILE_SECC_LEAF);
	char url[129] = "http://", o[65] = "";
	struct buf out = {0};
	size_t n;
	bool reached = false;

	(void)state;
	memset(url + 7, 'x', 121);
	memset(o, 'o', 64);
	rq.params.ocsp_url = url;
	rq.o = o;
	for (n = 1; n < 122 && !reached; n++) {
		char crl[129] = "http://";
		size_t size;
		enum err_code rc;

		memset(crl + 7, 'y', n);
		rq.params.crl_url = crl;
		buf_clear(&out);
		rc = tbs_build(&rq, &out, NULL);
		size = tbs_cert_size(out.n, rq.issuer_algo);
		assert_int_equal(rc, size <= 800 ? E_OK : E_CERT_TOO_BIG);
		reached = size == 801;
	}
	assert_true(reached);
	buf_free(&out);
}

static void
switches_add_what_they_say(void **state)
{
	struct profile_params params = sample_params;

	(void)state;
	assert_int_equal(profile_ku(&profiles[PROFILE_MO_SUB2], &params),
			 KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_false(profile_has_crldp(&profiles[PROFILE_PROVISIONING_LEAF], &params));
	params.mo_sub2_signs = params.provisioning_crldp = true;
	assert_int_equal(profile_ku(&profiles[PROFILE_MO_SUB2], &params),
			 KU_KEY_CERT_SIGN | KU_CRL_SIGN | KU_DIGITAL_SIGNATURE);
	assert_int_equal(profile_ku(&profiles[PROFILE_CPO_SUB2], &params),
			 KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_true(profile_has_crldp(&profiles[PROFILE_PROVISIONING_LEAF], &params));
	assert_false(profile_has_crldp(&profiles[PROFILE_CONTRACT_LEAF], &params));
}

/* RFC 5280 4.2.1.2 (2) */
static void
key_identifier_is_0100_and_60_bits_of_sha1_of_the_key_bits(void **state)
{
	struct sample s = {0};
	uint8_t md[20], want[8];

	(void)state;
	sample_issue(&s, PROFILE_SECC_LEAF, &root, "x", NULL);
	assert_int_equal(sha1(s.cert.point, md, NULL), E_OK);
	memcpy(want, md + 12, 8);
	want[0] = (uint8_t)(0x40 | (want[0] & 0x0f));
	assert_true(span_equal(s.cert.ski, (struct span){want, 8}));
	assert_true(span_equal(s.cert.aki, root.cert.ski));
	sample_free(&s);
}

/* I-3: over 1e5 serials each of the 127 bits is set about half of the time, and none repeats its
 * first 64 bits in sorted order. */
static int
compare_u64(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
serials_are_random_positive_and_different(void **state)
{
	enum { N = 100000 };
	static unsigned set[SERIAL_LEN * 8];
	uint64_t *heads = calloc(N, sizeof(*heads));
	uint8_t serial[SERIAL_LEN];
	double chi = 0;
	size_t i, k;

	(void)state;
	assert_non_null(heads);
	for (i = 0; i < N; i++) {
		assert_int_equal(serial_make(serial, NULL), E_OK);
		assert_true(serial[0] != 0 && serial[0] < 0x80);
		for (k = 0; k < SERIAL_LEN * 8; k++)
			set[k] += serial[k / 8] >> (7 - k % 8) & 1u;
		memcpy(&heads[i], serial + 1, 8);
	}
	assert_int_equal(set[0], 0);
	for (k = 8; k < SERIAL_LEN * 8; k++) { /* the first octet is never 0: slightly biased */
		double d = (double)set[k] - N / 2.0;

		chi += d * d / (N / 4.0);
	}
	/* 120 degrees of freedom: mean 120, deviation 15.5; 7 deviations away never happens */
	if (chi > 230 || chi < 40)
		fail_msg("chi-square over the bits of the serials is %.1f", chi);
	for (k = 1; k < 8; k++)
		assert_true(set[k] > N * 48 / 100 && set[k] < N * 53 / 100);
	qsort(heads, N, sizeof(*heads), compare_u64);
	for (i = 1; i < N; i++)
		assert_true(heads[i] != heads[i - 1]);
	free(heads);
}

static int
make_keys(void **state)
{
	static const uint8_t serial[SERIAL_LEN] = {0x11, 0x22};
	struct tbs_request rq;

	if (sample_setup(state) != 0)
		return -1;
	buf_put(&subject.point, generator, sizeof(generator));
	sample_key(&root, algo_get(ALGO_P256));
	rq = sample_request(PROFILE_V2G_ROOT, &root, NULL, "Issuer");
	rq.serial = (struct span){serial, sizeof(serial)};
	sample_issue(&root, PROFILE_V2G_ROOT, NULL, "Issuer", &rq);
	return 0;
}

static int
drop_keys(void **state)
{
	(void)state;
	sample_free(&root);
	sample_free(&subject);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_profile_equals_its_snapshot),
		cmocka_unit_test(rows_stand_at_their_id_and_are_found_by_name),
		cmocka_unit_test(wrong_keys_are_refused),
		cmocka_unit_test(wrong_dates_are_refused),
		cmocka_unit_test(wrong_names_are_refused),
		cmocka_unit_test(wrong_urls_are_refused_and_missing_ones_too),
		cmocka_unit_test(host_names_are_for_servers_only_and_needed_there),
		cmocka_unit_test(serial_and_issuer_must_fit),
		cmocka_unit_test(certificate_of_801_bytes_is_refused),
		cmocka_unit_test(switches_add_what_they_say),
		cmocka_unit_test(key_identifier_is_0100_and_60_bits_of_sha1_of_the_key_bits),
		cmocka_unit_test(serials_are_random_positive_and_different),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
