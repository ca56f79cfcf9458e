/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/csr.h"

#include <stdio.h>
#include <string.h>

#include "base/der.h"
#include "base/ec.h"
#include "base/str.h"
#include "policy/cert.h"
#include "policy/name.h"

#define CSR_MAX      8192 /* bytes DER; ours are about 250 */
#define CSR_ATTR_MAX 16   /* attributes, and extensions of an extensionRequest */

#define OID_EC_PUBLIC_KEY     SPAN_LIT("\x2a\x86\x48\xce\x3d\x02\x01")
#define OID_EXTENSION_REQUEST SPAN_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e")
#define OIDS_X509_EXTENSIONS  SPAN_LIT("\x55\x1d")                     /* 2.5.29 */
#define OIDS_PKIX_EXTENSIONS  SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x01") /* id-pe */

static const struct {
	struct span oid;
	const char *name;
} foreign_keys[] = {
	{SPAN_INIT("\x2b\x81\x04\x00\x22"), "secp384r1"},
	{SPAN_INIT("\x2b\x81\x04\x00\x21"), "secp224r1"},
	{SPAN_INIT("\x2b\x81\x04\x00\x0a"), "secp256k1"},
	{SPAN_INIT("\x2b\x24\x03\x03\x02\x08\x01\x01\x07"), "brainpoolP256r1"},
	{SPAN_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), "RSA"},
	{SPAN_INIT("\x2b\x65\x70"), "Ed25519"},
};

static void
describe_key(struct span oid, struct buf *out)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(foreign_keys); i++) {
		if (span_equal(foreign_keys[i].oid, oid)) {
			buf_put_str(out, foreign_keys[i].name);
			return;
		}
	}
	oid_to_text(oid, out);
}

/* Names the curve or key type found; alg is the content of the AlgorithmIdentifier. */
static enum err_code
refuse_key(struct span alg, struct err *e)
{
	struct buf found = {0};
	struct span oid = {0}, curve = {0};
	const char *text;
	enum err_code rc;

	if (der_take(&alg, DER_OID, &oid, NULL, NULL) == E_OK) {
		if (!span_equal(oid, OID_EC_PUBLIC_KEY))
			describe_key(oid, &found);
		else if (der_take(&alg, DER_OID, &curve, NULL, NULL) == E_OK)
			describe_key(curve, &found);
		else
			buf_put_str(&found, "EC with explicit parameters");
	}
	text = buf_cstr(&found);
	rc = err_set(e, E_CSR_KEY,
		     "key of type %.64s: expected secp256r1 (ISO 15118-2 [V2G2-007]), secp521r1 or "
		     "ed448 (ISO 15118-20 [V2G20-2674], [V2G20-2319])",
		     text != NULL && text[0] != '\0' ? text : "unknown");
	buf_free(&found);
	return rc;
}

static enum err_code
read_key(struct span *info, struct csr *out, struct err *e)
{
	struct span spki = {0}, alg = {0}, whole = {0}, bits = {0};
	enum err_code rc;

	if ((rc = der_take(info, DER_SEQUENCE, &spki, &out->spki, e)) != E_OK ||
	    (rc = der_take(&spki, DER_SEQUENCE, &alg, &whole, e)) != E_OK ||
	    (rc = der_take(&spki, DER_BIT_STRING, &bits, NULL, e)) != E_OK ||
	    (rc = der_end(spki, "the public key", e)) != E_OK)
		return rc;
	out->algo = algo_by_spki_alg(whole);
	if (out->algo == NULL)
		return refuse_key(alg, e);
	if (bits.n < 1 || bits.p[0] != 0)
		return err_set(e, E_DER, "the public key does not hold whole octets");
	out->point = (struct span){bits.p + 1, bits.n - 1};
	if (out->point.n != out->algo->point_len ||
	    (out->algo->id != ALGO_ED448 && out->point.p[0] != 0x04))
		return err_set(e, E_CSR_KEY,
			       "public key of %zu bytes: expected %zu, uncompressed (%s)",
			       out->point.n, out->algo->point_len, out->algo->name);
	return E_OK;
}

/* Extensions asked for never decide (I-9), but one that is critical and unknown is refused: its
 * requester counts on something that we would ignore (I-8). */
static enum err_code
read_extension(struct span ext, struct err *e)
{
	struct span oid = {0}, critical = {0}, value = {0};
	struct buf text = {0};
	bool known;
	enum err_code rc;

	if ((rc = der_take(&ext, DER_OID, &oid, NULL, e)) != E_OK)
		return rc;
	if (der_peek(ext, DER_BOOLEAN) &&
	    ((rc = der_take(&ext, DER_BOOLEAN, &critical, NULL, e)) != E_OK))
		return rc;
	if ((rc = der_take(&ext, DER_OCTET_STRING, &value, NULL, e)) != E_OK ||
	    (rc = der_end(ext, "an extension", e)) != E_OK)
		return rc;
	known = (oid.n == 3 && memcmp(oid.p, OIDS_X509_EXTENSIONS.p, 2) == 0) ||
		(oid.n == 8 && memcmp(oid.p, OIDS_PKIX_EXTENSIONS.p, 7) == 0);
	if (critical.n == 0 || critical.p[0] == 0 || known)
		return E_OK;
	oid_to_text(oid, &text);
	rc = err_set(e, E_CSR_MALFORMED, "critical extension %.80s is not known (RFC 5280 4.2)",
		     buf_cstr(&text) != NULL ? (const char *)text.p : "");
	buf_free(&text);
	return rc;
}

static enum err_code
read_extension_request(struct span values, struct err *e)
{
	struct span list = {0}, ext = {0};
	unsigned count = 0;
	enum err_code rc;

	if ((rc = der_take(&values, DER_SEQUENCE, &list, NULL, e)) != E_OK ||
	    (rc = der_end(values, "the extensionRequest", e)) != E_OK)
		return rc;
	while (list.n > 0) {
		if (++count > CSR_ATTR_MAX)
			return err_set(e, E_DER, "more than %d extensions", CSR_ATTR_MAX);
		if ((rc = der_take(&list, DER_SEQUENCE, &ext, NULL, e)) != E_OK ||
		    (rc = read_extension(ext, e)) != E_OK)
			return rc;
	}
	return E_OK;
}

/* Some encoders leave the empty attributes out although RFC 2986 4.1 has them not optional. */
static enum err_code
read_attributes(struct span *info, struct err *e)
{
	struct span list = {0}, attr = {0}, oid = {0}, values = {0};
	unsigned count = 0;
	enum err_code rc;

	if (info->n == 0)
		return E_OK;
	if ((rc = der_take(info, DER_CONTEXT_CONS(0), &list, NULL, e)) != E_OK)
		return rc;
	while (list.n > 0) {
		if (++count > CSR_ATTR_MAX)
			return err_set(e, E_DER, "more than %d attributes", CSR_ATTR_MAX);
		if ((rc = der_take(&list, DER_SEQUENCE, &attr, NULL, e)) != E_OK ||
		    (rc = der_take(&attr, DER_OID, &oid, NULL, e)) != E_OK ||
		    (rc = der_take(&attr, DER_SET, &values, NULL, e)) != E_OK ||
		    (rc = der_end(attr, "an attribute", e)) != E_OK)
			return rc;
		if (span_equal(oid, OID_EXTENSION_REQUEST) &&
		    (rc = read_extension_request(values, e)) != E_OK)
			return rc;
	}
	return E_OK;
}

static enum err_code
keep_value(const struct name_item *it, const char *what, char *to, size_t cap, struct err *e)
{
	if (to[0] != '\0')
		return err_set(e, E_CSR_SUBJECT, "%s is there twice in the subject", what);
	if (it->tag != DER_UTF8_STRING && it->tag != DER_PRINTABLE_STRING &&
	    it->tag != DER_IA5_STRING)
		return err_set(e, E_CSR_SUBJECT,
			       "%s has ASN.1 tag %02x: expected UTF8String or PrintableString "
			       "(RFC 5280 4.1.2.4)",
			       what, it->tag);
	if (it->value.n == 0 || !text_is_clean(it->value))
		return err_set(e, E_CSR_SUBJECT,
			       "%s is empty or not text without control characters", what);
	if (!str_copy_span(to, cap, it->value))
		return err_set(e, E_CSR_SUBJECT, "%s of %zu bytes: at most %zu (RFC 5280 A.1)",
			       what, it->value.n, cap - 1);
	return E_OK;
}

static enum err_code
read_subject(struct csr *out, struct err *e)
{
	struct name_walk w;
	struct name_item it = {0};
	bool more = false;
	enum err_code rc;

	if ((rc = name_walk_start(out->subject, &w, e)) != E_OK)
		return rc;
	while ((rc = name_walk_next(&w, &it, &more, e)) == E_OK && more) {
		if (span_equal(it.oid, OID_CN))
			rc = keep_value(&it, "CN", out->cn, sizeof(out->cn), e);
		else if (span_equal(it.oid, OID_O))
			rc = keep_value(&it, "O", out->o, sizeof(out->o), e);
		if (rc != E_OK)
			return rc;
	}
	return rc;
}

static enum err_code
read_info(struct span info, struct csr *out, struct err *e)
{
	struct span v = {0};
	uint32_t version = 0;
	enum err_code rc;

	if ((rc = der_take(&info, DER_INTEGER, &v, NULL, e)) != E_OK ||
	    (rc = der_small(v, 0, &version, e)) != E_OK ||
	    (rc = der_take(&info, DER_SEQUENCE, &v, &out->subject, e)) != E_OK ||
	    (rc = read_key(&info, out, e)) != E_OK || (rc = read_attributes(&info, e)) != E_OK ||
	    (rc = der_end(info, "the attributes", e)) != E_OK)
		return rc;
	return read_subject(out, e);
}

/* Proof of possession: the key asked for signed the request (RFC 2986 4.2). */
static enum err_code
verify(const struct csr *csr, struct span info, struct span sig_alg, struct span bits,
       struct err *e)
{
	struct buf raw = {0};
	struct err cause = {0};
	enum err_code rc;

	if (algo_by_sig_alg(sig_alg) != csr->algo)
		return err_set(
			e, E_CSR_POP, "signature algorithm: expected the one of %s keys with %s",
			csr->algo->name,
			csr->algo->digest != NULL ? csr->algo->digest : "no hash of its own");
	if (bits.n < 1 || bits.p[0] != 0)
		return err_set(e, E_DER, "the signature does not hold whole octets");
	rc = ec_sig_from_der(csr->algo, (struct span){bits.p + 1, bits.n - 1}, &raw, &cause);
	if (rc == E_OK)
		rc = ec_verify(csr->algo, csr->point, info, buf_span(&raw), &cause);
	buf_free(&raw);
	if (rc == E_OK)
		return E_OK;
	if (rc == E_CRYPTO)
		return err_set(e, E_CSR_KEY, "public key: %s", cause.text);
	if (rc == E_NO_MEMORY)
		return err_set(e, rc, "%s", cause.text);
	return err_set(e, E_CSR_POP, "proof of possession fails: %s (RFC 2986 4.2)", cause.text);
}

static enum err_code
read_request(struct span der, struct csr *out, struct err *e)
{
	struct span seq = {0}, info = {0}, signed_bytes = {0}, alg = {0}, sig_alg = {0}, bits = {0};
	enum err_code rc;

	if (der.n > CSR_MAX)
		return err_set(e, E_DER, "%zu bytes: at most %d", der.n, CSR_MAX);
	if ((rc = der_take(&der, DER_SEQUENCE, &seq, &out->der, e)) != E_OK ||
	    (rc = der_end(der, "the request", e)) != E_OK ||
	    (rc = der_take(&seq, DER_SEQUENCE, &info, &signed_bytes, e)) != E_OK ||
	    (rc = der_take(&seq, DER_SEQUENCE, &alg, &sig_alg, e)) != E_OK ||
	    (rc = der_take(&seq, DER_BIT_STRING, &bits, NULL, e)) != E_OK ||
	    (rc = der_end(seq, "the signature", e)) != E_OK ||
	    (rc = read_info(info, out, e)) != E_OK)
		return rc;
	return verify(out, signed_bytes, sig_alg, bits, e);
}

enum err_code
csr_parse(struct span der, struct csr *out, struct err *e)
{
	struct err cause = {0};
	enum err_code rc;

	*out = (struct csr){0};
	rc = read_request(der, out, &cause);
	if (rc == E_DER)
		return err_set(e, E_CSR_MALFORMED, "not a DER PKCS#10 request (RFC 2986): %s",
			       cause.text);
	return rc == E_OK ? E_OK : err_set(e, rc, "CSR: %s", cause.text);
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span
trim(struct span s)
{
	while (s.n > 0 && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* The base64 between the armour lines; text may stand before them, nothing behind. */
static enum err_code
strip_armour(struct span *body, struct err *e)
{
	static const char *const labels[] = {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"};
	char begin[64], end[64];
	const uint8_t *from, *to, *limit = body->p + body->n;
	size_t i;

	for (i = 0; i < ARRAY_LEN(labels); i++) {
		int b = snprintf(begin, sizeof(begin), "-----BEGIN %s-----", labels[i]);
		int t = snprintf(end, sizeof(end), "-----END %s-----", labels[i]);

		from = memmem(body->p, body->n, begin, (size_t)b);
		if (from == NULL)
			continue;
		from += b;
		to = memmem(from, (size_t)(limit - from), end, (size_t)t);
		if (to == NULL)
			return err_set(e, E_CSR_MALFORMED, "PEM has no \"%s\"", end);
		if (trim((struct span){to + t, (size_t)(limit - to - t)}).n != 0)
			return err_set(e, E_CSR_MALFORMED, "something follows \"%s\"", end);
		*body = (struct span){from, (size_t)(to - from)};
		return E_OK;
	}
	return err_set(e, E_CSR_MALFORMED, "PEM of another kind: expected CERTIFICATE REQUEST");
}

enum err_code
csr_from_body(struct span body, struct buf *out, struct err *e)
{
	struct err cause = {0};
	struct span text = trim(body);
	size_t before = out->n;
	enum err_code rc;

	if (text.n == 0)
		return err_set(e, E_CSR_MALFORMED, "the body is empty: expected a PKCS#10 request");
	/* 0x30 and a long-form length: base64 has no octet over 0x7f */
	if (body.n > 1 && body.p[0] == DER_SEQUENCE && body.p[1] >= 0x80) {
		buf_put_span(out, body);
		return buf_ok(out, e);
	}
	if (memmem(text.p, text.n, "-----BEGIN ", 11) != NULL &&
	    (rc = strip_armour(&text, e)) != E_OK)
		return rc;
	if (base64_decode(text, out, &cause) != E_OK)
		return err_set(e, E_CSR_MALFORMED,
			       "the body is neither DER nor PEM nor base64 (RFC 7030 4.2.1): %s",
			       cause.text);
	if (out->n == before)
		return err_set(e, E_CSR_MALFORMED, "the body holds no request");
	return E_OK;
}

/* Ed448 points are not in base/ec.h as an operation of their own: they come from the key's PEM. */
static enum err_code
own_point(const struct algo *a, const struct secret *scalar, struct buf *point, struct err *e)
{
	struct secret pem = {0}, again = {0};
	const struct algo *found = NULL;
	enum err_code rc;

	if (a->id != ALGO_ED448)
		return ec_point_of(a, scalar, point, e);
	if ((rc = ec_private_to_pem(a, scalar, &pem, e)) == E_OK)
		rc = ec_private_from_pem(secret_span(&pem), &found, &again, point, e);
	secret_free(&again);
	secret_free(&pem);
	return rc;
}

enum err_code
/* NOLINTNEXTLINE(readability-function-size): the parts of a subject as parameters */
csr_make(const struct algo *a, const struct secret *scalar, const char *o, const char *cn,
	 const char *dc, struct buf *der, struct err *e)
{
	struct name_parts parts = {.o = o, .cn = cn, .dc = dc};
	struct buf info = {0}, point = {0}, raw = {0}, sig = {0};
	size_t outer, mark;
	enum err_code rc;

	if ((rc = own_point(a, scalar, &point, e)) != E_OK)
		goto out;
	outer = der_begin(&info, DER_SEQUENCE);
	der_put_unsigned(&info, SPAN_LIT("\x00"));
	if ((rc = name_build(&parts, &info, e)) != E_OK)
		goto out;
	mark = der_begin(&info, DER_SEQUENCE);
	buf_put_span(&info, a->spki_alg);
	der_put_bits(&info, buf_span(&point));
	der_finish(&info, mark);
	der_put(&info, DER_CONTEXT_CONS(0), (struct span){0});
	der_finish(&info, outer);
	if ((rc = buf_ok(&info, e)) != E_OK ||
	    (rc = ec_sign(a, scalar, buf_span(&info), &raw, e)) != E_OK ||
	    (rc = ec_sig_to_der(a, buf_span(&raw), &sig, e)) != E_OK)
		goto out;
	outer = der_begin(der, DER_SEQUENCE);
	buf_put_span(der, buf_span(&info));
	buf_put_span(der, a->sig_alg);
	der_put_bits(der, buf_span(&sig));
	der_finish(der, outer);
	rc = buf_ok(der, e);
out:
	buf_free(&sig);
	buf_free(&raw);
	buf_free(&point);
	buf_free(&info);
	return rc;
}
