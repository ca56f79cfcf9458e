/* SPDX-License-Identifier: Apache-2.0 */
/* The lint shares no code with policy/tbs.c beyond base/der.h's reader: what the builder gets wrong
 * must not be right here. It reads the bytes that will be signed, never the request alone. */
#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "base/der.h"
#include "base/digest.h"
#include "policy/profile.h"

#define EXT_MAX 12 /* extensions of a certificate */

struct ext {
	struct span oid, value;
	bool critical, seen;
};

struct lint {
	const struct tbs_request *rq;
	const struct profile *profile;
	struct err *e;
	struct span subject, point; /* as found */
	struct ext ext[EXT_MAX];
	size_t ext_count;
};

static enum err_code
deviates(struct lint *l, const char *field, const char *expected, const char *clause)
{
	return err_set(l->e, E_LINT, "lint of %s: %s: expected %s (%s)", l->profile->name, field,
		       expected, clause);
}

/* The next value, which must be these very bytes, header included. */
static enum err_code
lint_exact(struct lint *l, struct span *in, struct span expected, const char *field,
	   const char *text, const char *clause)
{
	if (in->n < expected.n || memcmp(in->p, expected.p, expected.n) != 0)
		return deviates(l, field, text, clause);
	in->p += expected.n;
	in->n -= expected.n;
	return E_OK;
}

/* The next value, which must have this tag. */
static enum err_code
lint_take(struct lint *l, struct span *in, uint8_t tag, struct span *content, const char *field)
{
	if (der_take(in, tag, content, NULL, NULL) != E_OK)
		return deviates(l, field, "another ASN.1 type, or DER", l->profile->clause);
	return E_OK;
}

/* I-3; RFC 5280 4.1.2.2: positive, at most 20 octets; ours are 16 with the first bit 0. */
static enum err_code
lint_serial(struct lint *l, struct span *tbs)
{
	struct span v = {0};
	enum err_code rc;

	if ((rc = lint_take(l, tbs, DER_INTEGER, &v, "serial number")) != E_OK)
		return rc;
	if (v.n != SERIAL_LEN || v.p[0] == 0 || (v.p[0] & 0x80) != 0)
		return deviates(l, "serial number", "16 octets, positive, first octet not 0",
				"RFC 5280 4.1.2.2");
	if (!span_equal(v, l->rq->serial))
		return deviates(l, "serial number", "the one of the request", "RFC 5280 4.1.2.2");
	return E_OK;
}

/* One RDN with one attribute, absent when value is NULL or "". */
static enum err_code
lint_rdn(struct lint *l, struct span *name, struct span oid, uint8_t tag, const char *value,
	 const char *field)
{
	struct span set = {0}, seq = {0}, type = {0}, text = {0};
	size_t n = value != NULL ? strlen(value) : 0;

	if (n == 0)
		return E_OK;
	if (der_take(name, DER_SET, &set, NULL, NULL) != E_OK ||
	    der_take(&set, DER_SEQUENCE, &seq, NULL, NULL) != E_OK || set.n != 0 ||
	    der_take(&seq, DER_OID, &type, NULL, NULL) != E_OK || !span_equal(type, oid))
		return deviates(l, field, "it here: the order is C, O, CN, DC",
				"spec/iso15118 A.5");
	if (der_take(&seq, tag, &text, NULL, NULL) != E_OK || seq.n != 0)
		return deviates(l, field,
				"PrintableString for C, UTF8String for O and CN, "
				"IA5String for DC",
				"RFC 5280 4.1.2.4");
	if (text.n != n || memcmp(text.p, value, n) != 0)
		return deviates(l, field, "the value of request and profile", l->profile->clause);
	if (n > 64)
		return deviates(l, field, "at most 64 octets", "RFC 5280 A.1");
	return E_OK;
}

static enum err_code
lint_subject(struct lint *l, struct span *tbs)
{
	const struct tbs_request *rq = l->rq;
	struct span name = {0};
	enum err_code rc;

	if (der_take(tbs, DER_SEQUENCE, &name, &l->subject, NULL) != E_OK)
		return deviates(l, "subject", "a Name", "RFC 5280 4.1.2.6");
	if (rq->cn == NULL || rq->cn[0] == '\0')
		return deviates(l, "subject CN", "a name", l->profile->clause);
	if ((rc = lint_rdn(l, &name, OID_C, DER_PRINTABLE_STRING, rq->params.country,
			   "subject C")) != E_OK ||
	    (rc = lint_rdn(l, &name, OID_O, DER_UTF8_STRING, rq->o, "subject O")) != E_OK ||
	    (rc = lint_rdn(l, &name, OID_CN, DER_UTF8_STRING, rq->cn, "subject CN")) != E_OK ||
	    (rc = lint_rdn(l, &name, OID_DC, DER_IA5_STRING, l->profile->dc, "subject DC")) != E_OK)
		return rc;
	if (name.n != 0)
		return deviates(l, "subject", "no other attribute", "spec/iso15118 A.5");
	return E_OK;
}

/* RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime after. */
static enum err_code
lint_time(struct lint *l, struct span *in, int64_t expected, const char *field)
{
	struct span text = {0};
	uint8_t tag = 0;
	int64_t t = 0;

	if (der_next(in, &tag, &text, NULL, NULL) != E_OK || der_time(tag, text, &t, NULL) != E_OK)
		return deviates(l, field, "a time", "RFC 5280 4.1.2.5");
	if ((tag == DER_UTC_TIME) != (clock_to_civil(t).year < 2050))
		return deviates(l, field, "UTCTime through 2049, GeneralizedTime after",
				"RFC 5280 4.1.2.5");
	if (t != expected)
		return deviates(l, field, "the time of the request", "I-6");
	return E_OK;
}

/* I-6: both ends belong to the validity, so it is one second longer than their difference. */
static enum err_code
lint_validity(struct lint *l, struct span *tbs, int64_t issuer_not_after)
{
	const struct tbs_request *rq = l->rq;
	int64_t seconds = rq->not_after + 1 - rq->not_before;
	struct span v = {0};
	enum err_code rc;

	if ((rc = lint_take(l, tbs, DER_SEQUENCE, &v, "validity")) != E_OK ||
	    (rc = lint_time(l, &v, rq->not_before, "notBefore")) != E_OK ||
	    (rc = lint_time(l, &v, rq->not_after, "notAfter")) != E_OK)
		return rc;
	if (v.n != 0)
		return deviates(l, "validity", "two times", "RFC 5280 4.1.2.5");
	if (seconds <= 0)
		return err_set(l->e, E_VALIDITY, "validity ends before it begins");
	if (seconds > l->profile->validity_max)
		return err_set(l->e, E_VALIDITY,
			       "validity of %lld seconds: %s may have %lld (I-6; %s)",
			       (long long)seconds, l->profile->name,
			       (long long)l->profile->validity_max, l->profile->clause);
	if (rq->not_after > issuer_not_after)
		return err_set(l->e, E_VALIDITY,
			       "validity ends %lld seconds after the issuing CA's (I-6)",
			       (long long)(rq->not_after - issuer_not_after));
	return E_OK;
}

static enum err_code
lint_key(struct lint *l, struct span *tbs)
{
	const struct algo *a = algo_get(l->profile->algo);
	struct span spki = {0}, content = {0}, alg = {0}, bits = {0};

	if (der_take(tbs, DER_SEQUENCE, &spki, NULL, NULL) != E_OK ||
	    der_take(&spki, DER_SEQUENCE, &content, &alg, NULL) != E_OK ||
	    der_take(&spki, DER_BIT_STRING, &bits, NULL, NULL) != E_OK || spki.n != 0)
		return deviates(l, "public key", "a SubjectPublicKeyInfo", "RFC 5280 4.1.2.7");
	if (!span_equal(alg, a->spki_alg))
		return deviates(l, "public key", a->name, l->profile->clause);
	if (bits.n != a->point_len + 1 || bits.p[0] != 0)
		return deviates(l, "public key", "a point of the right length", "RFC 5480 2.2");
	l->point = (struct span){bits.p + 1, bits.n - 1};
	if (!span_equal(l->point, l->rq->point))
		return deviates(l, "public key", "the one of the request", "I-9");
	return E_OK;
}

static enum err_code
collect_extensions(struct lint *l, struct span *tbs)
{
	struct span tagged = {0}, list = {0}, ext = {0}, critical = {0};

	if (der_take(tbs, DER_CONTEXT_CONS(3), &tagged, NULL, NULL) != E_OK ||
	    der_take(&tagged, DER_SEQUENCE, &list, NULL, NULL) != E_OK || tagged.n != 0)
		return deviates(l, "extensions", "a list of them and nothing else",
				"RFC 5280 4.1.2.9");
	while (list.n > 0) {
		struct ext *x = &l->ext[l->ext_count];

		if (l->ext_count == EXT_MAX)
			return deviates(l, "extensions", "fewer of them", l->profile->clause);
		*x = (struct ext){0};
		if (der_take(&list, DER_SEQUENCE, &ext, NULL, NULL) != E_OK ||
		    der_take(&ext, DER_OID, &x->oid, NULL, NULL) != E_OK)
			return deviates(l, "extensions", "an OID first", "RFC 5280 4.1.2.9");
		if (der_take(&ext, DER_BOOLEAN, &critical, NULL, NULL) == E_OK) {
			if (critical.n != 1 || critical.p[0] != 0xff)
				return deviates(l, "extensions", "critical TRUE or absent",
						"X.690 11.5");
			x->critical = true;
		}
		if (der_take(&ext, DER_OCTET_STRING, &x->value, NULL, NULL) != E_OK || ext.n != 0)
			return deviates(l, "extensions", "an OCTET STRING last",
					"RFC 5280 4.1.2.9");
		l->ext_count++;
	}
	return E_OK;
}

/* Finds an extension that the profile demands, with this criticality. */
static enum err_code
need_ext(struct lint *l, struct span oid, bool critical, const char *name, struct span *value)
{
	size_t i;

	for (i = 0; i < l->ext_count; i++) {
		struct ext *x = &l->ext[i];

		if (x->seen || !span_equal(x->oid, oid))
			continue;
		x->seen = true;
		*value = x->value;
		if (x->critical != critical)
			return deviates(l, name, critical ? "it critical" : "it not critical",
					"spec/iso15118 A.5");
		return E_OK;
	}
	return deviates(l, name, "it to be there", l->profile->clause);
}

static enum err_code
lint_basic_constraints(struct lint *l)
{
	const uint8_t limited[] = {0x30, 6, 1, 1, 0xff, 2, 1, (uint8_t)l->profile->path_len};
	struct span value = {0}, want;
	enum err_code rc;

	if ((rc = need_ext(l, SPAN_LIT("\x55\x1d\x13"), true, "basicConstraints", &value)) != E_OK)
		return rc;
	if (!l->profile->is_ca)
		want = SPAN_LIT("\x30\x00");
	else if (l->profile->path_len < 0)
		want = SPAN_LIT("\x30\x03\x01\x01\xff");
	else
		want = (struct span){limited, sizeof(limited)};
	if (!span_equal(value, want))
		return deviates(l, "basicConstraints", "cA and pathLenConstraint of the profile",
				l->profile->clause);
	return E_OK;
}

static enum err_code
lint_key_usage(struct lint *l)
{
	struct span value = {0}, bits = {0};
	unsigned ku = 0, i;
	enum err_code rc;

	if ((rc = need_ext(l, SPAN_LIT("\x55\x1d\x0f"), true, "keyUsage", &value)) != E_OK)
		return rc;
	if (der_take(&value, DER_BIT_STRING, &bits, NULL, NULL) != E_OK || value.n != 0 ||
	    bits.n < 2 || bits.n > 3 || bits.p[0] > 7 ||
	    (bits.p[bits.n - 1] & (1u << bits.p[0])) == 0 ||
	    (bits.p[bits.n - 1] & ((1u << bits.p[0]) - 1)) != 0)
		return deviates(l, "keyUsage", "a BIT STRING without zero bits at its end",
				"X.690 11.2");
	for (i = 0; i < (bits.n - 1) * 8 && i < 9; i++)
		if ((bits.p[1 + i / 8] & (0x80 >> i % 8)) != 0)
			ku |= 1u << i;
	if (ku != profile_ku(l->profile, &l->rq->params))
		return deviates(l, "keyUsage", "the bits of the profile", l->profile->clause);
	return E_OK;
}

static enum err_code
lint_ext_key_usage(struct lint *l)
{
	struct span value = {0}, want = {0};
	enum err_code rc;

	if (l->profile->eku == 0)
		return E_OK;
	if ((rc = need_ext(l, SPAN_LIT("\x55\x1d\x25"), false, "extKeyUsage", &value)) != E_OK)
		return rc;
	if (l->profile->eku == EKU_SERVER_AUTH)
		want = SPAN_LIT("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01");
	else if (l->profile->eku == EKU_CLIENT_AUTH)
		want = SPAN_LIT("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02");
	else if (l->profile->eku == EKU_OCSP_SIGNING)
		want = SPAN_LIT("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x09");
	if (!span_equal(value, want))
		return deviates(l, "extKeyUsage", "the one purpose of the profile",
				l->profile->clause);
	return E_OK;
}

/* RFC 5280 4.2.1.2 (2), in words: the type 0100 and the least significant 60 bits of the hash. */
static enum err_code
lint_key_ids(struct lint *l)
{
	struct span value = {0}, own = {0}, seq = {0}, issuer = {0}, expected;
	uint8_t md[20];
	enum err_code rc;
	size_t i;

	if ((rc = need_ext(l, SPAN_LIT("\x55\x1d\x0e"), false, "subjectKeyIdentifier", &value)) !=
		    E_OK ||
	    (rc = sha1(l->point, md, l->e)) != E_OK)
		return rc;
	if (der_take(&value, DER_OCTET_STRING, &own, NULL, NULL) != E_OK || value.n != 0 ||
	    own.n != 8 || own.p[0] >> 4 != 4 || (own.p[0] & 15) != (md[12] & 15))
		return deviates(l, "subjectKeyIdentifier", "8 octets, the first 4x",
				"RFC 5280 4.2.1.2");
	for (i = 1; i < 8; i++)
		if (own.p[i] != md[12 + i])
			return deviates(l, "subjectKeyIdentifier", "60 bits of SHA-1 of the key",
					"RFC 5280 4.2.1.2");
	if ((rc = need_ext(l, SPAN_LIT("\x55\x1d\x23"), false, "authorityKeyIdentifier", &value)) !=
	    E_OK)
		return rc;
	expected = l->rq->issuer_ski.n > 0 ? l->rq->issuer_ski : own;
	if (der_take(&value, DER_SEQUENCE, &seq, NULL, NULL) != E_OK || value.n != 0 ||
	    der_take(&seq, DER_CONTEXT(0), &issuer, NULL, NULL) != E_OK || seq.n != 0 ||
	    !span_equal(issuer, expected))
		return deviates(l, "authorityKeyIdentifier", "the issuer's key identifier alone",
				"RFC 5280 4.2.1.1");
	return E_OK;
}

/* Takes n nested headers of these tags off, each of which must be alone. */
static bool
unwrap(struct span *v, const uint8_t *tags, size_t n)
{
	struct span inner = {0};
	size_t i;

	for (i = 0; i < n; i++) {
		if (der_take(v, tags[i], &inner, NULL, NULL) != E_OK || v->n != 0)
			return false;
		*v = inner;
	}
	return true;
}

static enum err_code
lint_authority_info(struct lint *l)
{
	static const uint8_t outer[] = {DER_SEQUENCE, DER_SEQUENCE}, uri[] = {DER_CONTEXT(6)};
	const char *url = l->rq->params.ocsp_url;
	struct span value = {0}, method = {0};
	enum err_code rc;

	if (!l->profile->aia || url == NULL || url[0] == '\0')
		return E_OK;
	if ((rc = need_ext(l, SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x01\x01"), false,
			   "authorityInfoAccess", &value)) != E_OK)
		return rc;
	if (!unwrap(&value, outer, sizeof(outer)) ||
	    der_take(&value, DER_OID, &method, NULL, NULL) != E_OK ||
	    !span_equal(method, SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x30\x01")) ||
	    !unwrap(&value, uri, sizeof(uri)) || !span_equal(value, span_str(url)))
		return deviates(l, "authorityInfoAccess", "the OCSP URL alone", "RFC 5280 4.2.2.1");
	return E_OK;
}

static enum err_code
lint_dist_points(struct lint *l)
{
	static const uint8_t tags[] = {DER_SEQUENCE, DER_SEQUENCE, DER_CONTEXT_CONS(0),
				       DER_CONTEXT_CONS(0), DER_CONTEXT(6)};
	const char *url = l->rq->params.crl_url;
	struct span value = {0};
	enum err_code rc;

	if (!profile_has_crldp(l->profile, &l->rq->params) || url == NULL || url[0] == '\0')
		return E_OK;
	if ((rc = need_ext(l, SPAN_LIT("\x55\x1d\x1f"), false, "cRLDistributionPoints", &value)) !=
	    E_OK)
		return rc;
	if (!unwrap(&value, tags, sizeof(tags)) || !span_equal(value, span_str(url)))
		return deviates(l, "cRLDistributionPoints", "the CRL URL alone",
				"RFC 5280 4.2.1.13");
	return E_OK;
}

static enum err_code
lint_policies(struct lint *l)
{
	static const uint8_t tags[] = {DER_SEQUENCE, DER_SEQUENCE, DER_OID};
	const char *dotted = l->rq->params.policy_oid;
	struct span value = {0};
	struct buf want = {0};
	bool same;
	enum err_code rc;

	if (!l->profile->policy || dotted == NULL || dotted[0] == '\0')
		return E_OK;
	if ((rc = need_ext(l, SPAN_LIT("\x55\x1d\x20"), false, "certificatePolicies", &value)) !=
	    E_OK)
		return rc;
	if ((rc = der_oid_from_text(dotted, &want, l->e)) != E_OK)
		goto out;
	same = unwrap(&value, tags, sizeof(tags)) && span_equal(value, buf_span(&want));
	rc = same ? E_OK
		  : deviates(l, "certificatePolicies", "one OID without qualifiers",
			     "RFC 5280 4.2.1.4");
out:
	buf_free(&want);
	return rc;
}

static bool
alt_name_is(uint8_t tag, struct span found, const char *want)
{
	uint8_t v4[4], v6[16];

	if (inet_pton(AF_INET, want, v4) == 1)
		return tag == DER_CONTEXT(7) && span_equal(found, (struct span){v4, sizeof(v4)});
	if (inet_pton(AF_INET6, want, v6) == 1)
		return tag == DER_CONTEXT(7) && span_equal(found, (struct span){v6, sizeof(v6)});
	return tag == DER_CONTEXT(2) && span_equal(found, span_str(want));
}

static enum err_code
lint_alt_names(struct lint *l)
{
	const char *const *want = l->rq->san_dns;
	struct span value = {0}, seq = {0}, name = {0};
	uint8_t tag = 0;
	size_t i;
	enum err_code rc;

	if (l->profile->id != PROFILE_SERVICE_TLS_SERVER)
		return E_OK;
	if ((rc = need_ext(l, SPAN_LIT("\x55\x1d\x11"), false, "subjectAltName", &value)) != E_OK)
		return rc;
	if (der_take(&value, DER_SEQUENCE, &seq, NULL, NULL) != E_OK || value.n != 0 || seq.n == 0)
		return deviates(l, "subjectAltName", "names", "RFC 5280 4.2.1.6");
	for (i = 0; i < ARRAY_LEN(l->rq->san_dns) && want[i] != NULL; i++)
		if (der_next(&seq, &tag, &name, NULL, NULL) != E_OK ||
		    !alt_name_is(tag, name, want[i]))
			return deviates(l, "subjectAltName",
					"the names of the request, addresses "
					"as iPAddress",
					"RFC 5280 4.2.1.6");
	if (seq.n != 0)
		return deviates(l, "subjectAltName", "no other name", "I-9");
	return E_OK;
}

static enum err_code
lint_nocheck(struct lint *l)
{
	struct span value = {0};
	enum err_code rc;

	if (!l->profile->nocheck)
		return E_OK;
	if ((rc = need_ext(l, SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x30\x01\x05"), false,
			   "ocsp-nocheck", &value)) != E_OK)
		return rc;
	if (!span_equal(value, SPAN_LIT("\x05\x00")))
		return deviates(l, "ocsp-nocheck", "NULL", "RFC 6960 4.2.2.2.1");
	return E_OK;
}

static enum err_code
lint_extensions(struct lint *l, struct span *tbs)
{
	enum err_code rc;
	size_t i;

	if ((rc = collect_extensions(l, tbs)) != E_OK || (rc = lint_basic_constraints(l)) != E_OK ||
	    (rc = lint_key_usage(l)) != E_OK || (rc = lint_ext_key_usage(l)) != E_OK ||
	    (rc = lint_key_ids(l)) != E_OK || (rc = lint_authority_info(l)) != E_OK ||
	    (rc = lint_dist_points(l)) != E_OK || (rc = lint_policies(l)) != E_OK ||
	    (rc = lint_alt_names(l)) != E_OK || (rc = lint_nocheck(l)) != E_OK)
		return rc;
	for (i = 0; i < l->ext_count; i++)
		if (!l->ext[i].seen)
			return deviates(l, "extensions", "none beyond those of the profile",
					l->profile->clause);
	return E_OK;
}

/* I-11: the certificate with its longest signature, [V2G2-010]. */
static enum err_code
lint_size(struct lint *l, size_t tbs_len)
{
	size_t n = tbs_cert_size(tbs_len, l->rq->issuer_algo);

	if (n > l->profile->der_max)
		return err_set(l->e, E_CERT_TOO_BIG,
			       "certificate of up to %zu bytes DER: %s may have %zu "
			       "(ISO 15118-2 [V2G2-010], I-11)",
			       n, l->profile->name, l->profile->der_max);
	return E_OK;
}

static enum err_code
lint_fields(struct lint *l, struct span tbs, int64_t issuer_not_after)
{
	const struct tbs_request *rq = l->rq;
	struct span issuer = {0}, content = {0};
	enum err_code rc;

	if ((rc = lint_exact(l, &tbs, SPAN_LIT("\xa0\x03\x02\x01\x02"), "version", "v3",
			     "RFC 5280 4.1.2.1")) != E_OK ||
	    (rc = lint_serial(l, &tbs)) != E_OK ||
	    (rc = lint_exact(l, &tbs, algo_get(l->profile->algo)->sig_alg, "signature algorithm",
			     algo_get(l->profile->algo)->name, l->profile->clause)) != E_OK)
		return rc;
	if (der_take(&tbs, DER_SEQUENCE, &content, &issuer, NULL) != E_OK)
		return deviates(l, "issuer", "a Name", "RFC 5280 4.1.2.4");
	if ((rc = lint_validity(l, &tbs, issuer_not_after)) != E_OK ||
	    (rc = lint_subject(l, &tbs)) != E_OK)
		return rc;
	if (!span_equal(issuer, rq->issuer_name.n > 0 ? rq->issuer_name : l->subject))
		return deviates(l, "issuer", "the issuing CA's name, byte by byte",
				"RFC 5280 4.1.2.4");
	if ((rc = lint_key(l, &tbs)) != E_OK || (rc = lint_extensions(l, &tbs)) != E_OK)
		return rc;
	if (tbs.n != 0)
		return deviates(l, "TBSCertificate", "nothing behind the extensions",
				"RFC 5280 4.1");
	return E_OK;
}

enum err_code
lint_tbs(struct span tbs, const struct tbs_request *rq, int64_t issuer_not_after, struct err *e)
{
	struct lint l;
	struct span in = tbs, content = {0};
	enum err_code rc;

	l.rq = rq;
	l.profile = rq->profile;
	l.e = e;
	l.ext_count = 0;
	if (der_take(&in, DER_SEQUENCE, &content, NULL, NULL) != E_OK || in.n != 0)
		return deviates(&l, "TBSCertificate", "one DER SEQUENCE", "RFC 5280 4.1");
	if ((rc = lint_fields(&l, content, issuer_not_after)) != E_OK)
		return rc;
	return lint_size(&l, tbs.n);
}
