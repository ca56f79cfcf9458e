/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "base/der.h"
#include "base/digest.h"
#include "base/ec.h"
#include "policy/name.h"
#include "policy/profile.h"

#define OID_BASIC_CONSTRAINTS SPAN_LIT("\x55\x1d\x13")
#define OID_KEY_USAGE         SPAN_LIT("\x55\x1d\x0f")
#define OID_EXT_KEY_USAGE     SPAN_LIT("\x55\x1d\x25")
#define OID_SUBJECT_KEY_ID    SPAN_LIT("\x55\x1d\x0e")
#define OID_AUTHORITY_KEY_ID  SPAN_LIT("\x55\x1d\x23")
#define OID_SUBJECT_ALT_NAME  SPAN_LIT("\x55\x1d\x11")
#define OID_CRL_DIST_POINTS   SPAN_LIT("\x55\x1d\x1f")
#define OID_POLICIES          SPAN_LIT("\x55\x1d\x20")
#define OID_AUTHORITY_INFO    SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x01\x01")
#define OID_OCSP              SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x30\x01")
#define OID_OCSP_NOCHECK      SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x30\x01\x05")

#define SKI_LEN  8   /* octets: spec/iso15118 A.5; -20 needs 8 for its key transport */
#define URL_MAX  128 /* bytes */
#define HOST_MAX 253 /* characters, RFC 1035 */

struct ext_marks {
	size_t seq, octets;
};

static struct ext_marks
ext_begin(struct buf *b, struct span oid, bool critical)
{
	struct ext_marks m;

	m.seq = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, oid);
	if (critical)
		der_put(b, DER_BOOLEAN, SPAN_LIT("\xff"));
	m.octets = der_begin(b, DER_OCTET_STRING);
	return m;
}

static void
ext_end(struct buf *b, struct ext_marks m)
{
	der_finish(b, m.octets);
	der_finish(b, m.seq);
}

static void
put_basic_constraints(struct buf *b, const struct profile *p)
{
	struct ext_marks m = ext_begin(b, OID_BASIC_CONSTRAINTS, true);
	size_t seq = der_begin(b, DER_SEQUENCE);
	uint8_t len = (uint8_t)p->path_len;

	if (p->is_ca)
		der_put(b, DER_BOOLEAN, SPAN_LIT("\xff"));
	if (p->is_ca && p->path_len >= 0)
		der_put_unsigned(b, (struct span){&len, 1});
	der_finish(b, seq);
	ext_end(b, m);
}

/* A named bit list: trailing zero bits are not written (X.690 11.2.2). */
static void
put_key_usage(struct buf *b, unsigned ku)
{
	struct ext_marks m = ext_begin(b, OID_KEY_USAGE, true);
	uint8_t bits[3] = {0};
	unsigned i, last = 0;

	for (i = 0; i < 9; i++) {
		if ((ku & (1u << i)) == 0)
			continue;
		bits[1 + i / 8] = (uint8_t)(bits[1 + i / 8] | 0x80 >> i % 8);
		last = i;
	}
	bits[0] = (uint8_t)(7 - last % 8);
	der_put(b, DER_BIT_STRING, (struct span){bits, 2 + last / 8});
	ext_end(b, m);
}

static void
put_ext_key_usage(struct buf *b, unsigned eku)
{
	static const struct {
		unsigned bit;
		struct span oid;
	} rows[] = {
		{EKU_SERVER_AUTH, SPAN_INIT("\x2b\x06\x01\x05\x05\x07\x03\x01")},
		{EKU_CLIENT_AUTH, SPAN_INIT("\x2b\x06\x01\x05\x05\x07\x03\x02")},
		{EKU_OCSP_SIGNING, SPAN_INIT("\x2b\x06\x01\x05\x05\x07\x03\x09")},
	};
	struct ext_marks m;
	size_t seq, i;

	if (eku == 0)
		return;
	m = ext_begin(b, OID_EXT_KEY_USAGE, false);
	seq = der_begin(b, DER_SEQUENCE);
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if ((eku & rows[i].bit) != 0)
			der_put(b, DER_OID, rows[i].oid);
	der_finish(b, seq);
	ext_end(b, m);
}

static void
put_key_ids(struct buf *b, struct span own, struct span issuer)
{
	struct ext_marks m = ext_begin(b, OID_SUBJECT_KEY_ID, false);
	size_t seq;

	der_put(b, DER_OCTET_STRING, own);
	ext_end(b, m);
	m = ext_begin(b, OID_AUTHORITY_KEY_ID, false);
	seq = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_CONTEXT(0), issuer.n > 0 ? issuer : own);
	der_finish(b, seq);
	ext_end(b, m);
}

static void
put_ocsp_url(struct buf *b, const char *url)
{
	struct ext_marks m = ext_begin(b, OID_AUTHORITY_INFO, false);
	size_t list = der_begin(b, DER_SEQUENCE), access = der_begin(b, DER_SEQUENCE);

	der_put(b, DER_OID, OID_OCSP);
	der_put(b, DER_CONTEXT(6), span_str(url));
	der_finish(b, access);
	der_finish(b, list);
	ext_end(b, m);
}

static void
put_crl_url(struct buf *b, const char *url)
{
	struct ext_marks m = ext_begin(b, OID_CRL_DIST_POINTS, false);
	size_t list = der_begin(b, DER_SEQUENCE), point = der_begin(b, DER_SEQUENCE);
	size_t name = der_begin(b, DER_CONTEXT_CONS(0)), full = der_begin(b, DER_CONTEXT_CONS(0));

	der_put(b, DER_CONTEXT(6), span_str(url));
	der_finish(b, full);
	der_finish(b, name);
	der_finish(b, point);
	der_finish(b, list);
	ext_end(b, m);
}

static enum err_code
put_policy(struct buf *b, const char *dotted, struct err *e)
{
	struct ext_marks m = ext_begin(b, OID_POLICIES, false);
	size_t list = der_begin(b, DER_SEQUENCE), info = der_begin(b, DER_SEQUENCE);
	size_t oid = der_begin(b, DER_OID);

	if (der_oid_from_text(dotted, b, NULL) != E_OK)
		return err_set(e, E_BAD_VALUE, "policy OID \"%.80s\": expected dotted numbers",
			       dotted);
	der_finish(b, oid);
	der_finish(b, info);
	der_finish(b, list);
	ext_end(b, m);
	return E_OK;
}

/* RFC 5280 4.2.1.6: addresses as iPAddress, all else as dNSName. */
static void
put_alt_name(struct buf *b, const char *name)
{
	uint8_t address[16];

	if (inet_pton(AF_INET, name, address) == 1)
		der_put(b, DER_CONTEXT(7), (struct span){address, 4});
	else if (inet_pton(AF_INET6, name, address) == 1)
		der_put(b, DER_CONTEXT(7), (struct span){address, 16});
	else
		der_put(b, DER_CONTEXT(2), span_str(name));
}

static void
put_alt_names(struct buf *b, const struct tbs_request *rq)
{
	struct ext_marks m;
	size_t seq, i;

	if (rq->san_dns[0] == NULL)
		return;
	m = ext_begin(b, OID_SUBJECT_ALT_NAME, false);
	seq = der_begin(b, DER_SEQUENCE);
	for (i = 0; i < ARRAY_LEN(rq->san_dns) && rq->san_dns[i] != NULL; i++)
		put_alt_name(b, rq->san_dns[i]);
	der_finish(b, seq);
	ext_end(b, m);
}

/* RFC 5280 4.2.1.2 (2): 0100 and the low 60 bits of SHA-1 over the key bits. */
static enum err_code
subject_key_id(struct span point, uint8_t out[SKI_LEN], struct err *e)
{
	uint8_t md[20];
	enum err_code rc;

	if ((rc = sha1(point, md, e)) != E_OK)
		return rc;
	memcpy(out, md + sizeof(md) - SKI_LEN, SKI_LEN);
	out[0] = (uint8_t)(0x40 | (out[0] & 0x0f));
	return E_OK;
}

static bool
is_set(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static enum err_code
put_extensions(struct buf *b, const struct tbs_request *rq, struct err *e)
{
	const struct profile *p = rq->profile;
	size_t tagged = der_begin(b, DER_CONTEXT_CONS(3)), list = der_begin(b, DER_SEQUENCE);
	uint8_t ski[SKI_LEN];
	enum err_code rc;

	if ((rc = subject_key_id(rq->point, ski, e)) != E_OK)
		return rc;
	put_basic_constraints(b, p);
	put_key_usage(b, profile_ku(p, &rq->params));
	put_ext_key_usage(b, p->eku);
	put_key_ids(b, (struct span){ski, SKI_LEN}, rq->issuer_ski);
	if (p->aia && is_set(rq->params.ocsp_url))
		put_ocsp_url(b, rq->params.ocsp_url);
	if (profile_has_crldp(p, &rq->params) && is_set(rq->params.crl_url))
		put_crl_url(b, rq->params.crl_url);
	if (p->policy && is_set(rq->params.policy_oid) &&
	    (rc = put_policy(b, rq->params.policy_oid, e)) != E_OK)
		return rc;
	put_alt_names(b, rq);
	if (p->nocheck) {
		struct ext_marks m = ext_begin(b, OID_OCSP_NOCHECK, false);

		der_put(b, DER_NULL, (struct span){0});
		ext_end(b, m);
	}
	der_finish(b, list);
	der_finish(b, tagged);
	return E_OK;
}

static enum err_code
check_url(const char *what, const char *url, struct err *e)
{
	size_t n, i;

	if (url == NULL)
		return err_set(e, E_BAD_VALUE, "no %s is set, but the profile has one", what);
	n = strlen(url);
	for (i = 0; i < n; i++)
		if (url[i] <= 0x20 || url[i] >= 0x7f)
			return err_set(e, E_BAD_VALUE, "%s: character %zu is not printable ASCII",
				       what, i + 1);
	if (n > 0 && (n > URL_MAX || strncmp(url, "http://", 7) != 0))
		return err_set(e, E_BAD_VALUE,
			       "%s of %zu bytes: expected http://… of at most %d bytes", what, n,
			       URL_MAX);
	return E_OK;
}

static enum err_code
check_alt_names(const struct tbs_request *rq, struct err *e)
{
	bool server = (rq->profile->eku & EKU_SERVER_AUTH) != 0;
	size_t i, j;

	if (server != (rq->san_dns[0] != NULL))
		return err_set(e, E_BAD_VALUE,
			       server ? "%s needs a host name or IP address (RFC 9525 6)"
				      : "%s carries no host names",
			       rq->profile->name);
	for (i = 0; i < ARRAY_LEN(rq->san_dns) && rq->san_dns[i] != NULL; i++) {
		const char *s = rq->san_dns[i];

		for (j = 0; s[j] > 0x20 && s[j] < 0x7f; j++)
			;
		if (j == 0 || j > HOST_MAX || s[j] != '\0')
			return err_set(e, E_BAD_VALUE,
				       "host name %zu is empty, too long or not "
				       "printable ASCII",
				       i + 1);
	}
	return E_OK;
}

/* I-6: the seconds from notBefore to notAfter, both included. */
static enum err_code
check_dates(const struct tbs_request *rq, struct err *e)
{
	int64_t seconds = rq->not_after - rq->not_before + 1;

	if (rq->not_after < rq->not_before)
		return err_set(e, E_VALIDITY, "validity ends before it begins");
	if (seconds > rq->profile->validity_max)
		return err_set(e, E_VALIDITY, "validity of %lld days: %s may have %lld (%s)",
			       (long long)(seconds / DAY), rq->profile->name,
			       (long long)(rq->profile->validity_max / DAY), rq->profile->clause);
	return E_OK;
}

static enum err_code
check_request(const struct tbs_request *rq, struct err *e)
{
	const struct profile *p = rq->profile;
	const struct algo *a = algo_get(p->algo);
	enum err_code rc;

	if (rq->algo != a || rq->issuer_algo != a)
		return err_set(e, E_CSR_KEY, "%s key under a %s key: %s needs %s (%s)",
			       rq->algo->name, rq->issuer_algo->name, p->name, a->name, p->clause);
	if (rq->point.n != a->point_len)
		return err_set(e, E_CSR_KEY, "public key of %zu bytes: expected %zu", rq->point.n,
			       a->point_len);
	if (rq->serial.n != SERIAL_LEN || rq->serial.p[0] == 0 || rq->serial.p[0] > 0x7f)
		return err_set(e, E_BAD_VALUE, "serial is not one of serial_make (I-3)");
	if ((p->issuer == p->id) != (rq->issuer_name.n == 0))
		return err_set(e, E_BAD_VALUE, "%s %s", p->name,
			       p->issuer == p->id ? "is self-issued" : "needs an issuer's name");
	if (!is_set(rq->cn))
		return err_set(e, E_BAD_VALUE, "common name (CN) is missing");
	if (p->aia && rq->params.ocsp_url != NULL &&
	    (rc = check_url("OCSP URL", rq->params.ocsp_url, e)) != E_OK)
		return rc;
	if (profile_has_crldp(p, &rq->params) &&
	    (rc = check_url("CRL URL", rq->params.crl_url, e)) != E_OK)
		return rc;
	if ((rc = check_alt_names(rq, e)) != E_OK)
		return rc;
	return check_dates(rq, e);
}

static enum err_code
put_tbs(struct buf *b, const struct tbs_request *rq, struct err *e)
{
	struct name_parts subject = {rq->params.country, rq->o, rq->cn, rq->profile->dc};
	size_t tbs = der_begin(b, DER_SEQUENCE), mark;
	enum err_code rc;

	buf_put_span(b, SPAN_LIT("\xa0\x03\x02\x01\x02")); /* v3 */
	der_put_unsigned(b, rq->serial);
	buf_put_span(b, rq->issuer_algo->sig_alg);
	if (rq->issuer_name.n > 0)
		buf_put_span(b, rq->issuer_name);
	else if ((rc = name_build(&subject, b, e)) != E_OK)
		return rc;
	mark = der_begin(b, DER_SEQUENCE);
	der_put_time(b, rq->not_before);
	der_put_time(b, rq->not_after);
	der_finish(b, mark);
	if ((rc = name_build(&subject, b, e)) != E_OK)
		return rc;
	mark = der_begin(b, DER_SEQUENCE);
	buf_put_span(b, rq->algo->spki_alg);
	der_put_bits(b, rq->point);
	der_finish(b, mark);
	if ((rc = put_extensions(b, rq, e)) != E_OK)
		return rc;
	der_finish(b, tbs);
	return buf_ok(b, e);
}

size_t
tbs_cert_size(size_t tbs_len, const struct algo *issuer_algo)
{
	size_t sig = issuer_algo->sig_der_max + 1; /* and the octet of unused bits */
	size_t n = tbs_len + issuer_algo->sig_alg.n + sig + (sig < 0x80 ? 2 : 3);

	return n + (n < 0x80 ? 2 : n < 0x100 ? 3 : 4);
}

enum err_code
tbs_build(const struct tbs_request *rq, struct buf *out, struct err *e)
{
	size_t start = out->n, size;
	enum err_code rc;

	if ((rc = check_request(rq, e)) != E_OK)
		return rc;
	if ((rc = put_tbs(out, rq, e)) != E_OK) {
		out->n = start;
		return rc;
	}
	size = tbs_cert_size(out->n - start, rq->issuer_algo);
	if (size > rq->profile->der_max)
		return err_set(e, E_CERT_TOO_BIG,
			       "certificate of up to %zu bytes DER: %s may have %zu "
			       "(ISO 15118-2 [V2G2-010])",
			       size, rq->profile->name, rq->profile->der_max);
	return E_OK;
}

enum err_code
tbs_finish(struct span tbs, const struct algo *issuer_algo, struct span raw_sig, struct buf *out,
	   struct err *e)
{
	size_t cert, sig;
	enum err_code rc;

	cert = der_begin(out, DER_SEQUENCE);
	buf_put_span(out, tbs);
	buf_put_span(out, issuer_algo->sig_alg);
	sig = der_begin(out, DER_BIT_STRING);
	buf_put_u8(out, 0);
	if ((rc = ec_sig_to_der(issuer_algo, raw_sig, out, e)) != E_OK)
		return rc;
	der_finish(out, sig);
	der_finish(out, cert);
	return buf_ok(out, e);
}
