/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/cert.h"

#include <string.h>

#include "base/der.h"
#include "base/ec.h"
#include "base/str.h"

#define SERIAL_MAX 20 /* octets, RFC 5280 4.1.2.2 */
#define PEM_BEGIN  "-----BEGIN CERTIFICATE-----"
#define PEM_END    "-----END CERTIFICATE-----"
#define URI_TAG    DER_CONTEXT(6) /* uniformResourceIdentifier of a GeneralName */

/* RFC 5280 4.2.1.9. An explicit FALSE is not DER, but occurs in the field (spec/iso15118 A.4). */
static enum err_code
read_basic_constraints(struct span *value, struct cert *c, struct err *e)
{
	struct span seq = {0}, v = {0};
	uint32_t n = 0;
	enum err_code rc;

	c->has_bc = true;
	if ((rc = der_take(value, DER_SEQUENCE, &seq, NULL, e)) != E_OK)
		return rc;
	if (der_peek(seq, DER_BOOLEAN)) {
		if ((rc = der_take(&seq, DER_BOOLEAN, &v, NULL, e)) != E_OK)
			return rc;
		if (v.n != 1 || (v.p[0] != 0 && v.p[0] != 0xff))
			return err_set(e, E_DER, "cA is not a DER BOOLEAN");
		c->is_ca = v.p[0] != 0;
	}
	if (der_peek(seq, DER_INTEGER)) {
		if ((rc = der_take(&seq, DER_INTEGER, &v, NULL, e)) != E_OK ||
		    (rc = der_small(v, 255, &n, e)) != E_OK)
			return rc;
		c->path_len = (int)n;
	}
	return der_end(seq, "pathLenConstraint", e);
}

static enum err_code
read_key_usage(struct span *value, struct cert *c, struct err *e)
{
	struct span bits = {0};
	enum err_code rc;
	size_t i;

	if ((rc = der_take(value, DER_BIT_STRING, &bits, NULL, e)) != E_OK)
		return rc;
	if (bits.n < 1 || bits.n > 3 || bits.p[0] > 7)
		return err_set(e, E_DER, "keyUsage is not a BIT STRING of at most 9 bits");
	c->has_ku = true;
	for (i = 0; i < (bits.n - 1) * 8 && i < 9; i++)
		if ((bits.p[1 + i / 8] & (0x80 >> i % 8)) != 0)
			c->ku |= 1u << i;
	return E_OK;
}

static enum err_code
read_ext_key_usage(struct span *value, struct cert *c, struct err *e)
{
	struct span seq = {0}, oid = {0};
	enum err_code rc;

	if ((rc = der_take(value, DER_SEQUENCE, &seq, NULL, e)) != E_OK)
		return rc;
	while (seq.n > 0) {
		if ((rc = der_take(&seq, DER_OID, &oid, NULL, e)) != E_OK)
			return rc;
		if (span_equal(oid, SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x03\x01")))
			c->eku |= EKU_SERVER_AUTH;
		else if (span_equal(oid, SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x03\x02")))
			c->eku |= EKU_CLIENT_AUTH;
		else if (span_equal(oid, SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x03\x09")))
			c->eku |= EKU_OCSP_SIGNING;
		else
			c->eku |= EKU_OTHER;
	}
	return E_OK;
}

static enum err_code
read_subject_key_id(struct span *value, struct cert *c, struct err *e)
{
	return der_take(value, DER_OCTET_STRING, &c->ski, NULL, e);
}

static enum err_code
read_authority_key_id(struct span *value, struct cert *c, struct err *e)
{
	struct span seq = {0};
	enum err_code rc;

	if ((rc = der_take(value, DER_SEQUENCE, &seq, NULL, e)) != E_OK)
		return rc;
	if (!der_peek(seq, DER_CONTEXT(0)))
		return E_OK;
	return der_take(&seq, DER_CONTEXT(0), &c->aki, NULL, e);
}

static enum err_code
read_authority_info(struct span *value, struct cert *c, struct err *e)
{
	struct span seq = {0}, access = {0}, method = {0}, where = {0};
	uint8_t tag = 0;
	enum err_code rc;

	if ((rc = der_take(value, DER_SEQUENCE, &seq, NULL, e)) != E_OK)
		return rc;
	while (seq.n > 0) {
		if ((rc = der_take(&seq, DER_SEQUENCE, &access, NULL, e)) != E_OK ||
		    (rc = der_take(&access, DER_OID, &method, NULL, e)) != E_OK ||
		    (rc = der_next(&access, &tag, &where, NULL, e)) != E_OK)
			return rc;
		if (c->ocsp_url.n == 0 && tag == URI_TAG &&
		    span_equal(method, SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x30\x01")))
			c->ocsp_url = where;
	}
	return E_OK;
}

/* The first URI of one DistributionPoint's fullName. */
static enum err_code
read_dist_point(struct span point, struct cert *c, struct err *e)
{
	struct span name = {0}, full = {0}, uri = {0};
	uint8_t tag = 0;
	enum err_code rc;

	if (!der_peek(point, DER_CONTEXT_CONS(0)))
		return E_OK;
	if ((rc = der_take(&point, DER_CONTEXT_CONS(0), &name, NULL, e)) != E_OK)
		return rc;
	if (!der_peek(name, DER_CONTEXT_CONS(0)))
		return E_OK;
	if ((rc = der_take(&name, DER_CONTEXT_CONS(0), &full, NULL, e)) != E_OK)
		return rc;
	while (full.n > 0) {
		if ((rc = der_next(&full, &tag, &uri, NULL, e)) != E_OK)
			return rc;
		if (tag == URI_TAG && c->crl_url.n == 0)
			c->crl_url = uri;
	}
	return E_OK;
}

static enum err_code
read_dist_points(struct span *value, struct cert *c, struct err *e)
{
	struct span seq = {0}, point = {0};
	enum err_code rc;

	if ((rc = der_take(value, DER_SEQUENCE, &seq, NULL, e)) != E_OK)
		return rc;
	while (seq.n > 0)
		if ((rc = der_take(&seq, DER_SEQUENCE, &point, NULL, e)) != E_OK ||
		    (rc = read_dist_point(point, c, e)) != E_OK)
			return rc;
	return E_OK;
}

static enum err_code
read_policies(struct span *value, struct cert *c, struct err *e)
{
	struct span seq = {0}, info = {0}, oid = {0};
	enum err_code rc;

	if ((rc = der_take(value, DER_SEQUENCE, &seq, NULL, e)) != E_OK)
		return rc;
	while (seq.n > 0) {
		if ((rc = der_take(&seq, DER_SEQUENCE, &info, NULL, e)) != E_OK ||
		    (rc = der_take(&info, DER_OID, &oid, NULL, e)) != E_OK)
			return rc;
		if (c->policy_oid.n == 0)
			c->policy_oid = oid;
	}
	return E_OK;
}

static enum err_code
read_ocsp_nocheck(struct span *value, struct cert *c, struct err *e)
{
	struct span null = {0};

	c->has_ocsp_nocheck = true;
	return der_take(value, DER_NULL, &null, NULL, e);
}

static const struct ext_row {
	struct span oid;
	const char *name;
	enum err_code (*read)(struct span *value, struct cert *c, struct err *e);
} ext_rows[] = {
	{SPAN_INIT("\x55\x1d\x13"), "basicConstraints", read_basic_constraints},
	{SPAN_INIT("\x55\x1d\x0f"), "keyUsage", read_key_usage},
	{SPAN_INIT("\x55\x1d\x0e"), "subjectKeyIdentifier", read_subject_key_id},
	{SPAN_INIT("\x55\x1d\x23"), "authorityKeyIdentifier", read_authority_key_id},
	{SPAN_INIT("\x2b\x06\x01\x05\x05\x07\x01\x01"), "authorityInfoAccess", read_authority_info},
	{SPAN_INIT("\x55\x1d\x1f"), "cRLDistributionPoints", read_dist_points},
	{SPAN_INIT("\x55\x1d\x20"), "certificatePolicies", read_policies},
	{SPAN_INIT("\x55\x1d\x25"), "extKeyUsage", read_ext_key_usage},
	{SPAN_INIT("\x2b\x06\x01\x05\x05\x07\x30\x01\x05"), "ocspNoCheck", read_ocsp_nocheck},
};

static const struct ext_row *
find_row(struct span oid, unsigned *bit)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(ext_rows); i++) {
		*bit = 1u << i;
		if (span_equal(ext_rows[i].oid, oid))
			return &ext_rows[i];
	}
	return NULL;
}

/* RFC 5280 4.2: no extension twice. seen: one bit for each row. */
static enum err_code
read_extension(struct span ext, unsigned *seen, struct cert *c, struct err *e)
{
	struct span oid = {0}, critical = {0}, value = {0};
	const struct ext_row *row;
	unsigned bit = 0;
	enum err_code rc;

	if ((rc = der_take(&ext, DER_OID, &oid, NULL, e)) != E_OK)
		return rc;
	if (der_peek(ext, DER_BOOLEAN) &&
	    (rc = der_take(&ext, DER_BOOLEAN, &critical, NULL, e)) != E_OK)
		return rc;
	if ((rc = der_take(&ext, DER_OCTET_STRING, &value, NULL, e)) != E_OK ||
	    (rc = der_end(ext, "an extension", e)) != E_OK)
		return rc;
	row = find_row(oid, &bit);
	if (row == NULL) {
		if (critical.n == 1 && critical.p[0] != 0)
			c->critical_unknown++;
		return E_OK;
	}
	if ((*seen & bit) != 0)
		return err_set(e, E_DER, "extension %s is there twice", row->name);
	*seen |= bit;
	if ((rc = row->read(&value, c, e)) != E_OK ||
	    (rc = der_end(value, "the extension's value", e)) != E_OK)
		err_context(e, "%s", row->name);
	return rc;
}

static enum err_code
read_extensions(struct span tagged, struct cert *c, struct err *e)
{
	struct span list = {0}, ext = {0};
	unsigned seen = 0;
	enum err_code rc;

	if ((rc = der_take(&tagged, DER_SEQUENCE, &list, NULL, e)) != E_OK ||
	    (rc = der_end(tagged, "the extensions", e)) != E_OK)
		return rc;
	while (list.n > 0)
		if ((rc = der_take(&list, DER_SEQUENCE, &ext, NULL, e)) != E_OK ||
		    (rc = read_extension(ext, &seen, c, e)) != E_OK)
			return rc;
	return E_OK;
}

static enum err_code
read_bits(struct span *in, struct span *out, struct err *e)
{
	enum err_code rc;

	if ((rc = der_take(in, DER_BIT_STRING, out, NULL, e)) != E_OK)
		return rc;
	if (out->n < 1 || out->p[0] != 0)
		return err_set(e, E_DER, "BIT STRING does not hold whole octets");
	out->p++;
	out->n--;
	return E_OK;
}

static enum err_code
read_key(struct span *tbs, struct cert *c, struct err *e)
{
	struct span spki = {0}, content = {0}, alg = {0};
	enum err_code rc;

	if ((rc = der_take(tbs, DER_SEQUENCE, &spki, &c->spki, e)) != E_OK ||
	    (rc = der_take(&spki, DER_SEQUENCE, &content, &alg, e)) != E_OK ||
	    (rc = read_bits(&spki, &c->point, e)) != E_OK)
		return rc;
	c->algo = algo_by_spki_alg(alg);
	return der_end(spki, "the public key", e);
}

static enum err_code
read_validity(struct span *tbs, struct cert *c, struct err *e)
{
	struct span v = {0}, t = {0};
	uint8_t tag = 0;
	enum err_code rc;

	if ((rc = der_take(tbs, DER_SEQUENCE, &v, NULL, e)) != E_OK ||
	    (rc = der_next(&v, &tag, &t, NULL, e)) != E_OK ||
	    (rc = der_time(tag, t, &c->not_before, e)) != E_OK ||
	    (rc = der_next(&v, &tag, &t, NULL, e)) != E_OK ||
	    (rc = der_time(tag, t, &c->not_after, e)) != E_OK)
		return rc;
	return der_end(v, "the validity", e);
}

static enum err_code
read_version_and_serial(struct span *tbs, struct cert *c, struct err *e)
{
	struct span tagged = {0}, v = {0};
	uint32_t version = 0;
	enum err_code rc;

	if (der_peek(*tbs, DER_CONTEXT_CONS(0)) &&
	    ((rc = der_take(tbs, DER_CONTEXT_CONS(0), &tagged, NULL, e)) != E_OK ||
	     (rc = der_take(&tagged, DER_INTEGER, &v, NULL, e)) != E_OK ||
	     (rc = der_small(v, 2, &version, e)) != E_OK ||
	     (rc = der_end(tagged, "the version", e)) != E_OK))
		return rc;
	if ((rc = der_take(tbs, DER_INTEGER, &v, NULL, e)) != E_OK ||
	    (rc = der_unsigned(v, &c->serial, e)) != E_OK)
		return rc;
	if (c->serial.n > SERIAL_MAX)
		return err_set(e, E_DER,
			       "serial number of %zu octets: at most %d (RFC 5280 4.1.2.2)",
			       c->serial.n, SERIAL_MAX);
	return E_OK;
}

static enum err_code
skip_optional(struct span *tbs, uint8_t tag, struct err *e)
{
	struct span ignored = {0};

	return der_peek(*tbs, tag) ? der_take(tbs, tag, &ignored, NULL, e) : E_OK;
}

static enum err_code
read_tbs(struct span tbs, struct cert *c, struct err *e)
{
	struct span content = {0}, alg = {0};
	enum err_code rc;

	if ((rc = read_version_and_serial(&tbs, c, e)) != E_OK ||
	    (rc = der_take(&tbs, DER_SEQUENCE, &content, &alg, e)) != E_OK ||
	    (rc = der_take(&tbs, DER_SEQUENCE, &content, &c->issuer, e)) != E_OK ||
	    (rc = read_validity(&tbs, c, e)) != E_OK ||
	    (rc = der_take(&tbs, DER_SEQUENCE, &content, &c->subject, e)) != E_OK ||
	    (rc = read_key(&tbs, c, e)) != E_OK ||
	    (rc = skip_optional(&tbs, DER_CONTEXT(1), e)) != E_OK ||
	    (rc = skip_optional(&tbs, DER_CONTEXT(2), e)) != E_OK)
		return rc;
	if (!span_equal(alg, c->sig_alg)) /* RFC 5280 4.1.1.2 */
		return err_set(e, E_DER, "the two signature algorithms differ");
	if (!der_peek(tbs, DER_CONTEXT_CONS(3)))
		return der_end(tbs, "the TBSCertificate", e);
	if ((rc = der_take(&tbs, DER_CONTEXT_CONS(3), &content, NULL, e)) != E_OK ||
	    (rc = der_end(tbs, "the TBSCertificate", e)) != E_OK)
		return rc;
	return read_extensions(content, c, e);
}

static enum err_code
read_certificate(struct span der, struct cert *c, struct err *e)
{
	struct span seq = {0}, tbs = {0}, content = {0};
	enum err_code rc;

	if ((rc = der_take(&der, DER_SEQUENCE, &seq, &c->der, e)) != E_OK ||
	    (rc = der_end(der, "the certificate", e)) != E_OK ||
	    (rc = der_take(&seq, DER_SEQUENCE, &tbs, &c->tbs, e)) != E_OK ||
	    (rc = der_take(&seq, DER_SEQUENCE, &content, &c->sig_alg, e)) != E_OK ||
	    (rc = read_bits(&seq, &c->signature, e)) != E_OK ||
	    (rc = der_end(seq, "the signature", e)) != E_OK)
		return rc;
	c->sig_algo = algo_by_sig_alg(c->sig_alg);
	return read_tbs(tbs, c, e);
}

enum err_code
cert_parse(struct span der, struct cert *out, struct err *e)
{
	struct err cause = {0};

	*out = (struct cert){.path_len = -1};
	if (read_certificate(der, out, &cause) != E_OK)
		return err_set(e, E_CERT_MALFORMED, "not a DER certificate: %s", cause.text);
	return E_OK;
}

enum err_code
cert_verify_link(const struct cert *child, const struct cert *issuer, struct err *e)
{
	struct buf raw = {0};
	struct err why = {0};
	enum err_code rc;

	if (!span_equal(child->issuer, issuer->subject))
		return err_set(e, E_CERT_CHAIN,
			       "the issuer's name is not the name that the "
			       "certificate says (RFC 5280 6.1.3)");
	if (child->sig_algo == NULL || child->sig_algo != issuer->algo)
		return err_set(e, E_CERT_SIGNATURE,
			       "signature algorithm does not fit the issuer's "
			       "key, or is not one of ours");
	if ((rc = ec_sig_from_der(child->sig_algo, child->signature, &raw, &why)) == E_OK)
		rc = ec_verify(child->sig_algo, issuer->point, child->tbs, buf_span(&raw), &why);
	buf_free(&raw);
	if (rc == E_OK || rc == E_NO_MEMORY)
		return rc == E_OK ? E_OK : err_set(e, rc, "%s", why.text);
	/* A key that is no point on its curve is the certificate's fault, not ours. */
	return err_set(e, E_CERT_SIGNATURE, "%s", why.text);
}

/* What lies before mark in *in, which moves behind it; false when mark is not there. */
static bool
split_at(struct span *in, const char *mark, struct span *before)
{
	const uint8_t *at = in->n > 0 ? memmem(in->p, in->n, mark, strlen(mark)) : NULL;
	size_t n;

	if (at == NULL)
		return false;
	n = (size_t)(at - in->p);
	*before = (struct span){in->p, n};
	in->p += n + strlen(mark);
	in->n -= n + strlen(mark);
	return true;
}

enum err_code
cert_from_pem(struct span *pem, struct buf *out, struct err *e)
{
	struct span rest = *pem, body = {0};
	enum err_code rc;

	if (!split_at(&rest, PEM_BEGIN, &body))
		return err_set(e, E_NOT_FOUND, "no certificate in PEM is left");
	if (!split_at(&rest, PEM_END, &body))
		return err_set(e, E_CERT_MALFORMED, "PEM has no \"" PEM_END "\"");
	if ((rc = base64_decode(body, out, e)) != E_OK)
		return rc;
	*pem = rest;
	return E_OK;
}

void
cert_to_pem(struct span der, struct buf *out)
{
	buf_put_str(out, PEM_BEGIN "\n");
	base64_encode(der, 64, out);
	buf_put_str(out, PEM_END "\n");
}
