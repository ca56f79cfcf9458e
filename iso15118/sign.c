/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/sign.h"

#include <string.h>

#include "base/der.h"
#include "base/ec.h"

#define CANONICAL_EXI "http://www.w3.org/TR/canonical-exi/"

/* Signature and digest algorithms that belong together; no names: not used in messages yet. */
struct suite {
	const char *signature, *digest;
};

static const struct suite suites[ALGO_COUNT] = {
	[ALGO_P256] = {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
		       "http://www.w3.org/2001/04/xmlenc#sha256"},
	[ALGO_P521] = {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
		       "http://www.w3.org/2001/04/xmlenc#sha512"},
};

static enum err_code
software_sign(void *ctx, struct span digest, struct buf *raw_sig, struct err *e)
{
	const struct sign_software *key = ctx;

	return ec_sign_digest(key->algo, key->scalar, digest, raw_sig, e);
}

struct msg_signer
sign_with_scalar(struct sign_software *key)
{
	return (struct msg_signer){key, key->algo, software_sign};
}

/* Hash of an element as a fragment of the set, or of a SignedInfo over the xmldsig set. */
static enum err_code
fragment_digest(enum exi_set set, const struct exi_tree *t, uint32_t node, const struct algo *a,
		uint8_t out[DIGEST_MAX], struct err *e)
{
	struct buf fragment = {0};
	enum err_code rc = exi_encode(set, t, node, &fragment, e);

	if (rc == E_OK)
		rc = digest_for(a, buf_span(&fragment), out, e);
	buf_free(&fragment);
	return rc;
}

static void
put_algorithm(struct exi_tree *t, enum exi_item item, const char *uri)
{
	uint32_t node = exi_open(t, item);

	exi_put_bytes(t, EXI_Algorithm, EXI_STRING, span_str(uri));
	exi_close(t, node);
}

static void
put_reference(struct exi_tree *t, const struct sign_info *info, const struct sign_reference *ref)
{
	uint32_t node = exi_open(t, EXI_Reference), transforms;

	exi_put_bytes(t, EXI_URI, EXI_STRING, ref->uri);
	transforms = exi_open(t, EXI_Transforms);
	put_algorithm(t, EXI_Transform, CANONICAL_EXI);
	exi_close(t, transforms);
	put_algorithm(t, EXI_DigestMethod, suites[info->algo->id].digest);
	exi_put_bytes(t, EXI_DigestValue, EXI_BINARY,
		      (struct span){ref->digest, info->algo->digest_len});
	exi_close(t, node);
}

static uint32_t
put_signed_info(struct exi_tree *t, const struct sign_info *info)
{
	uint32_t node = exi_open(t, EXI_SignedInfo);

	put_algorithm(t, EXI_CanonicalizationMethod, CANONICAL_EXI);
	put_algorithm(t, EXI_SignatureMethod, suites[info->algo->id].signature);
	for (unsigned i = 0; i < info->n; i++)
		put_reference(t, info, &info->ref[i]);
	exi_close(t, node);
	return node;
}

void
sign_put(struct exi_tree *t, const struct sign_info *info)
{
	uint32_t node = exi_open(t, EXI_Signature), value;

	put_signed_info(t, info);
	value = exi_open(t, EXI_SignatureValue);
	exi_set_bytes(t, value, EXI_BINARY, (struct span){info->value, info->algo->sig_len});
	exi_close(t, value);
	exi_close(t, node);
}

static enum err_code
sign_value(const struct msg_signer *signer, struct sign_info *info, struct err *e)
{
	uint8_t digest[DIGEST_MAX];
	struct buf raw = {0};
	struct exi_tree t;
	enum err_code rc;
	uint32_t node;

	if ((rc = exi_tree_init(&t, 16 * (info->n + 1), 1024 * (size_t)(info->n + 1), e)) != E_OK)
		return rc;
	node = put_signed_info(&t, info);
	if ((rc = exi_tree_ok(&t, e)) != E_OK ||
	    (rc = fragment_digest(EXI_XMLDSIG_FRAG, &t, node, info->algo, digest, e)) != E_OK ||
	    (rc = signer->sign(signer->ctx, (struct span){digest, info->algo->digest_len}, &raw,
			       e)) != E_OK)
		goto out;
	if (raw.n != info->algo->sig_len) {
		rc = err_set(e, E_INTERNAL, "signature of %zu bytes: expected %zu", raw.n,
			     info->algo->sig_len);
		goto out;
	}
	memcpy(info->value, raw.p, raw.n);
out:
	buf_free(&raw);
	exi_tree_free(&t);
	return rc;
}

static struct span
id_of(const struct exi_tree *t, uint32_t node)
{
	uint32_t id = exi_child(t, node, EXI_Id);

	return id != 0 ? exi_bytes(t, id) : (struct span){NULL, 0};
}

enum err_code
sign_make(const struct sign_scope *scope, const struct msg_signer *signer, struct sign_info *info,
	  struct buf *uris, struct err *e)
{
	size_t start[SIGN_REFERENCES_MAX + 1] = {uris->n};
	const struct exi_tree *t = scope->tree;
	enum err_code rc;

	*info = (struct sign_info){.algo = signer->algo, .n = scope->n};
	if (scope->n == 0 || scope->n > SIGN_REFERENCES_MAX ||
	    suites[signer->algo->id].signature == NULL)
		return err_set(e, E_INTERNAL, "cannot sign %u elements with %s", scope->n,
			       signer->algo->name);
	for (unsigned i = 0; i < scope->n; i++) {
		struct span id = id_of(t, scope->node[i]);

		if (id.n == 0)
			return err_set(e, E_MSG_CONTENT, "%s has no Id to sign it by",
				       exi_item_names[t->node[scope->node[i]].item]);
		buf_put_u8(uris, '#');
		buf_put_span(uris, id);
		start[i + 1] = uris->n;
		rc = fragment_digest(scope->set, t, scope->node[i], info->algo, info->ref[i].digest,
				     e);
		if (rc != E_OK)
			return rc;
	}
	if ((rc = buf_ok(uris, e)) != E_OK)
		return rc;
	for (unsigned i = 0; i < scope->n; i++)
		info->ref[i].uri = (struct span){uris->p + start[i], start[i + 1] - start[i]};
	return sign_value(signer, info, e);
}

static enum err_code
forbid(const struct exi_tree *t, uint32_t node, enum exi_item item, struct err *e)
{
	if (node == 0 || exi_child(t, node, item) == 0)
		return E_OK;
	return err_set(e, E_MSG_FORBIDDEN,
		       "%s has %s, which messages must not have (ISO 15118-2 [V2G2-771])",
		       exi_item_names[t->node[node].item], exi_item_names[item]);
}

#define SHOWN_MAX 81 /* characters of a value in an error text, with the NUL */

/* A value from outside for an error text: cut, and nothing but printable ASCII. */
static const char *
shown(struct span s, char out[SHOWN_MAX])
{
	size_t n = 0;

	for (; n < s.n && n < SHOWN_MAX - 1; n++)
		out[n] = (char)(s.p[n] >= 0x20 && s.p[n] < 0x7f ? s.p[n] : '?');
	out[n] = '\0';
	return out;
}

static enum err_code
need_algorithm(const struct exi_tree *t, uint32_t node, const char *uri, struct err *e)
{
	uint32_t attribute = exi_child(t, node, EXI_Algorithm);
	struct span found = exi_bytes(t, attribute);
	char text[SHOWN_MAX];

	if (span_equal(found, span_str(uri)))
		return E_OK;
	return err_set(e, E_MSG_FORBIDDEN, "%s is %s: expected %s",
		       exi_item_names[t->node[node].item], shown(found, text), uri);
}

static enum err_code
read_algo(const struct exi_tree *t, uint32_t signed_info, struct sign_info *info, struct err *e)
{
	uint32_t method = exi_child(t, signed_info, EXI_SignatureMethod);
	struct span uri = exi_bytes(t, exi_child(t, method, EXI_Algorithm));

	for (int i = 0; i < ALGO_COUNT; i++) {
		if (suites[i].signature == NULL || !span_equal(uri, span_str(suites[i].signature)))
			continue;
		info->algo = algo_get((enum algo_id)i);
		return E_OK;
	}
	return need_algorithm(t, method, suites[ALGO_P256].signature, e);
}

static enum err_code
read_reference(const struct exi_tree *t, uint32_t node, struct sign_info *info, struct err *e)
{
	uint32_t uri = exi_child(t, node, EXI_URI), transforms = exi_child(t, node, EXI_Transforms);
	uint32_t transform = transforms != 0 ? exi_child(t, transforms, EXI_Transform) : 0;
	struct span digest = exi_bytes(t, exi_child(t, node, EXI_DigestValue));
	struct sign_reference *ref = &info->ref[info->n++];
	enum err_code rc;

	if ((rc = forbid(t, node, EXI_Type, e)) != E_OK)
		return rc;
	ref->uri = uri != 0 ? exi_bytes(t, uri) : (struct span){NULL, 0};
	if (ref->uri.n < 2 || ref->uri.p[0] != '#')
		return err_set(e, E_MSG_FORBIDDEN, "Reference %u has no URI of the form #Id",
			       info->n);
	if (transform == 0 || exi_next(t, transforms, transform, EXI_Transform) != 0)
		return err_set(e, E_MSG_FORBIDDEN, "Reference %u: expected exactly one Transform",
			       info->n);
	if ((rc = need_algorithm(t, transform, CANONICAL_EXI, e)) != E_OK)
		return rc;
	rc = need_algorithm(t, exi_child(t, node, EXI_DigestMethod), suites[info->algo->id].digest,
			    e);
	if (rc != E_OK)
		return rc;
	if (digest.n != info->algo->digest_len)
		return err_set(e, E_MSG_FORBIDDEN, "DigestValue of %zu bytes: expected %zu",
			       digest.n, info->algo->digest_len);
	memcpy(ref->digest, digest.p, digest.n);
	return E_OK;
}

static enum err_code
read_references(const struct exi_tree *t, uint32_t signed_info, struct sign_info *info,
		struct err *e)
{
	uint32_t node = exi_child(t, signed_info, EXI_Reference);
	enum err_code rc;

	for (; node != 0; node = exi_next(t, signed_info, node, EXI_Reference)) {
		if (info->n == SIGN_REFERENCES_MAX)
			return err_set(e, E_MSG_FORBIDDEN,
				       "more than %d References (ISO 15118-2 [V2G2-909])",
				       SIGN_REFERENCES_MAX);
		if ((rc = read_reference(t, node, info, e)) != E_OK)
			return rc;
	}
	return E_OK;
}

enum err_code
sign_read(const struct exi_tree *t, uint32_t signature, struct sign_info *info, struct err *e)
{
	uint32_t signed_info, value;
	enum err_code rc;
	struct span raw;

	*info = (struct sign_info){.algo = algo_get(ALGO_P256)}; /* until the method is read */
	if (signature == 0)
		return err_set(e, E_MSG_SIGNATURE, "the message has no Signature in its header");
	signed_info = exi_child(t, signature, EXI_SignedInfo);
	value = exi_child(t, signature, EXI_SignatureValue);
	raw = exi_bytes(t, value);
	if ((rc = forbid(t, signed_info, EXI_Id, e)) != E_OK ||
	    (rc = forbid(t, value, EXI_Id, e)) != E_OK ||
	    (rc = forbid(t, signature, EXI_KeyInfo, e)) != E_OK ||
	    (rc = forbid(t, signature, EXI_Object, e)) != E_OK ||
	    (rc = forbid(t, exi_child(t, signed_info, EXI_SignatureMethod), EXI_HMACOutputLength,
			 e)) != E_OK ||
	    (rc = need_algorithm(t, exi_child(t, signed_info, EXI_CanonicalizationMethod),
				 CANONICAL_EXI, e)) != E_OK ||
	    (rc = read_algo(t, signed_info, info, e)) != E_OK ||
	    (rc = read_references(t, signed_info, info, e)) != E_OK)
		return rc;
	if (raw.n != info->algo->sig_len)
		return err_set(e, E_MSG_SIGNATURE,
			       "SignatureValue of %zu bytes: expected %zu, r and s raw", raw.n,
			       info->algo->sig_len);
	memcpy(info->value, raw.p, raw.n);
	return E_OK;
}

/* The signed element that a reference names. */
static uint32_t
find_target(const struct sign_scope *scope, struct span uri)
{
	for (unsigned i = 0; i < scope->n; i++)
		if (span_equal(id_of(scope->tree, scope->node[i]),
			       (struct span){uri.p + 1, uri.n - 1}))
			return scope->node[i];
	return 0;
}

static enum err_code
report_references(const struct sign_scope *scope, const struct sign_info *info,
		  struct sign_report *out, struct err *e)
{
	enum err_code rc = E_OK;

	for (unsigned i = 0; i < info->n && rc == E_OK; i++) {
		struct sign_report_ref *ref = &out->ref[out->n++];

		ref->uri = info->ref[i].uri;
		memcpy(ref->found, info->ref[i].digest, DIGEST_MAX);
		ref->node = find_target(scope, ref->uri);
		if (ref->node == 0)
			continue;
		rc = fragment_digest(scope->set, scope->tree, ref->node, info->algo, ref->computed,
				     e);
		ref->ok = memcmp(ref->found, ref->computed, DIGEST_MAX) == 0;
	}
	return rc;
}

static void
report_missing(const struct sign_scope *scope, struct sign_report *out)
{
	for (unsigned i = 0; i < scope->n; i++) {
		bool seen = false;

		for (unsigned j = 0; j < out->n; j++)
			seen = seen || out->ref[j].node == scope->node[i];
		if (!seen)
			out->missing[out->n_missing++] = scope->node[i];
	}
}

/* Everything but the signature value. */
static enum err_code
report(const struct sign_scope *scope, uint32_t signature, struct sign_info *info,
       struct sign_report *out, struct err *e)
{
	enum err_code rc;

	*out = (struct sign_report){0};
	if ((rc = sign_read(scope->tree, signature, info, e)) != E_OK)
		return rc;
	out->algo = info->algo;
	if ((rc = report_references(scope, info, out, e)) != E_OK)
		return rc;
	report_missing(scope, out);
	return E_OK;
}

/* E_OK or E_CERT_SIGNATURE for the value over SignedInfo as a fragment of the set. */
static enum err_code
check_value(enum exi_set set, const struct exi_tree *t, uint32_t signature,
	    const struct sign_info *info, struct span point, struct err *e)
{
	uint32_t signed_info = exi_child(t, signature, EXI_SignedInfo);
	uint8_t digest[DIGEST_MAX];
	enum err_code rc = fragment_digest(set, t, signed_info, info->algo, digest, e);

	if (rc != E_OK)
		return rc;
	return ec_verify_digest(info->algo, point, (struct span){digest, info->algo->digest_len},
				(struct span){info->value, info->algo->sig_len}, e);
}

/* Says what is wrong with the references, one finding. */
static enum err_code
judge(const struct exi_tree *t, const struct sign_report *r, struct err *e)
{
	char uri[SHOWN_MAX];

	for (unsigned i = 0; i < r->n; i++) {
		const struct sign_report_ref *ref = &r->ref[i];

		if (ref->node == 0)
			return err_set(e, E_MSG_DIGEST,
				       "Reference %s names no element that is signed",
				       shown(ref->uri, uri));
		for (unsigned j = 0; j < i; j++)
			if (r->ref[j].node == ref->node)
				return err_set(e, E_MSG_DIGEST, "Reference %s is there twice",
					       shown(ref->uri, uri));
		if (!ref->ok)
			return err_set(e, E_MSG_DIGEST, "digest of %s (Reference %s) does not fit",
				       exi_item_names[t->node[ref->node].item],
				       shown(ref->uri, uri));
	}
	if (r->n_missing > 0)
		return err_set(e, E_MSG_DIGEST, "no Reference to %s, which has to be signed",
			       exi_item_names[t->node[r->missing[0]].item]);
	return E_OK;
}

enum err_code
sign_verify(const struct sign_scope *scope, uint32_t signature, struct span point, struct err *e)
{
	struct sign_info info;
	struct sign_report r;
	struct err why = {0};
	enum err_code rc;

	if ((rc = report(scope, signature, &info, &r, e)) != E_OK)
		return rc;
	if ((rc = judge(scope->tree, &r, e)) != E_OK)
		return rc;
	rc = check_value(EXI_XMLDSIG_FRAG, scope->tree, signature, &info, point, &why);
	if (rc == E_OK)
		return E_OK;
	if (rc == E_CERT_SIGNATURE || rc == E_CRYPTO)
		return err_set(e, E_MSG_SIGNATURE,
			       "the signature over SignedInfo does not verify: %s", why.text);
	return err_set(e, rc, "%s", why.text);
}

/* Defects of other stacks that would explain a wrong digest. */
static const char *
hint_digest(const struct exi_tree *t, const struct sign_report_ref *ref, const struct algo *a)
{
	uint8_t digest[DIGEST_MAX] = {0};

	if (ref->node == 0 || ref->ok || t->node[ref->node].item != EXI_eMAID)
		return NULL;
	if (fragment_digest(EXI_ISO2_FRAG_TYPED, t, ref->node, a, digest, NULL) != E_OK ||
	    memcmp(digest, ref->found, DIGEST_MAX) != 0)
		return NULL;
	return "fits eMAID in the typed grammar: the defect of libcbv2g (cbexigen issue 60); "
	       "EXI 1.0 8.5.3 asks for the element fragment grammar";
}

static const char *
hint_value(enum exi_set set, const struct exi_tree *t, uint32_t signature,
	   const struct sign_info *info, struct span point)
{
	uint8_t once[DIGEST_MAX], twice[DIGEST_MAX];
	uint32_t signed_info = exi_child(t, signature, EXI_SignedInfo);
	const struct algo *a = info->algo;

	if (check_value(set, t, signature, info, point, NULL) == E_OK)
		return "verifies over SignedInfo encoded with the whole V2G schema set: "
		       "expected the xmldsig schema alone";
	if (fragment_digest(EXI_XMLDSIG_FRAG, t, signed_info, a, once, NULL) != E_OK ||
	    digest_for(a, (struct span){once, a->digest_len}, twice, NULL) != E_OK)
		return NULL;
	if (ec_verify_digest(a, point, (struct span){twice, a->digest_len},
			     (struct span){info->value, a->sig_len}, NULL) == E_OK)
		return "verifies over the hash of the hash: SignedInfo was hashed twice";
	return NULL;
}

enum err_code
sign_explain(const struct sign_scope *scope, uint32_t signature, struct span point,
	     struct sign_report *out, struct err *e)
{
	const struct exi_tree *t = scope->tree;
	struct sign_info info;
	enum err_code rc = report(scope, signature, &info, out, e);

	if (rc != E_OK)
		return rc;
	for (unsigned i = 0; i < out->n; i++)
		out->ref[i].hint = hint_digest(t, &out->ref[i], out->algo);
	out->signature_ok = check_value(EXI_XMLDSIG_FRAG, t, signature, &info, point, NULL) == E_OK;
	if (!out->signature_ok)
		out->hint = hint_value(scope->set, t, signature, &info, point);
	return E_OK;
}

enum err_code
sign_cert_point(struct span der, const struct algo **algo, struct span *point, struct err *e)
{
	static const uint8_t before_spki[] = {DER_INTEGER, DER_SEQUENCE, DER_SEQUENCE, DER_SEQUENCE,
					      DER_SEQUENCE};
	struct span cert, tbs, v, spki, alg;
	struct err why = {0};
	bool ok;

	ok = der_take(&der, DER_SEQUENCE, &cert, NULL, &why) == E_OK &&
	     der_end(der, "certificate", &why) == E_OK &&
	     der_take(&cert, DER_SEQUENCE, &tbs, NULL, &why) == E_OK &&
	     der_take(&tbs, DER_CONTEXT_CONS(0), &v, NULL, &why) == E_OK;
	for (size_t i = 0; ok && i < sizeof(before_spki); i++)
		ok = der_take(&tbs, before_spki[i], &v, NULL, &why) == E_OK;
	ok = ok && der_take(&tbs, DER_SEQUENCE, &spki, NULL, &why) == E_OK &&
	     der_take(&spki, DER_SEQUENCE, &v, &alg, &why) == E_OK &&
	     der_take(&spki, DER_BIT_STRING, &v, NULL, &why) == E_OK;
	if (!ok)
		return err_set(e, E_CERT_MALFORMED, "not an X.509 certificate: %s", why.text);
	*algo = algo_by_spki_alg(alg);
	if (*algo == NULL || v.n != 1 + (*algo)->point_len || v.p[0] != 0)
		return err_set(e, E_CERT_MALFORMED,
			       "the certificate's key is not on a curve that is used");
	*point = (struct span){v.p + 1, v.n - 1};
	return E_OK;
}
