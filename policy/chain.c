/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/chain.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/clock.h"

/* libcrypto has a macro of this name with another value (0x04); policy/cert.h's bit is meant. */
#undef KU_KEY_CERT_SIGN

#define CERTS_MAX    3    /* not self-signed: ISO 15118-2 [V2G2-009] */
#define CLOCK_SKEW   300  /* seconds that a foreign CA's clock may be ahead */
#define DER_MAX_2    800  /* bytes, ISO 15118-2 [V2G2-010] */
#define DER_MAX_20   1600 /* bytes, ISO 15118-20 certificateType */
#define DER_MAX_ROOT 4096 /* bytes, D11 */

struct path { /* leaf first; the last one's issuer is the root */
	struct cert cert[CERTS_MAX];
	const char *field[CERTS_MAX];
	size_t count;
};

struct anchors {
	const struct span *roots; /* DER */
	size_t count;
	int64_t now;
};

static enum err_code
add_cert(struct path *path, struct span der, const char *field, enum edition edition, struct err *e)
{
	size_t max = edition == EDITION_20 ? DER_MAX_20 : DER_MAX_2;
	enum err_code rc;

	if (der.n > max)
		return err_set(e, E_CERT_TOO_BIG, "%s of %zu bytes DER: at most %zu (%s)", field,
			       der.n, max,
			       edition == EDITION_20 ? "ISO 15118-20" : "ISO 15118-2 [V2G2-010]");
	if ((rc = cert_parse(der, &path->cert[path->count], e)) != E_OK) {
		err_context(e, "%s", field);
		return rc;
	}
	path->field[path->count++] = field;
	return E_OK;
}

static enum err_code
read_path(const struct chain *c, struct path *path, struct err *e)
{
	enum err_code rc;

	path->count = 0;
	if (c->edition == EDITION_NONE)
		return err_set(e, E_EDITION, "a chain without an edition of ISO 15118");
	if (c->sub1.n == 0)
		return err_set(e, E_CERT_CHAIN,
			       "subCA1Certificate is missing: a root does not "
			       "issue leaves (ISO 15118-2 [V2G2-867])");
	if ((rc = add_cert(path, c->leaf,
			   c->leaf_field != NULL ? c->leaf_field : "vehicleCertificate", c->edition,
			   e)) != E_OK)
		return rc;
	if (c->sub2.n != 0 &&
	    (rc = add_cert(path, c->sub2, "subCA2Certificate", c->edition, e)) != E_OK)
		return rc;
	return add_cert(path, c->sub1, "subCA1Certificate", c->edition, e);
}

/* Key and signature as the edition has them: [V2G2-006], [V2G2-007]; [V2G20-2674], [V2G20-2319]. */
static bool
fits_edition(const struct algo *a, enum edition edition)
{
	if (a == NULL)
		return false;
	return edition == EDITION_2 ? a->id == ALGO_P256
				    : a->id == ALGO_P521 || a->id == ALGO_ED448;
}

static enum err_code
check_profile(const struct cert *c, const char *field, bool is_leaf, enum edition edition,
	      struct err *e)
{
	if (!fits_edition(c->algo, edition) || !fits_edition(c->sig_algo, edition))
		return err_set(
			e, E_CERT_PROFILE, "%s: %s: expected %s", field,
			fits_edition(c->algo, edition) ? "signature" : "public key",
			edition == EDITION_2
				? "secp256r1 with SHA-256 (ISO 15118-2 [V2G2-006], [V2G2-007])"
				: "secp521r1 with SHA-512, or Ed448 (ISO 15118-20 [V2G20-2674], "
				  "[V2G20-2319])");
	if (is_leaf && c->is_ca)
		return err_set(e, E_CERT_PROFILE, "%s: is a CA certificate (RFC 5280 4.2.1.9)",
			       field);
	if (!is_leaf && (!c->is_ca || (c->has_ku && (c->ku & KU_KEY_CERT_SIGN) == 0)))
		return err_set(e, E_CERT_PROFILE,
			       "%s: is not a CA certificate: expected basicConstraints with cA and "
			       "keyUsage with keyCertSign (RFC 5280 4.2.1.9, 4.2.1.3)",
			       field);
	return E_OK;
}

static enum err_code
check_dates(const struct cert *c, const char *field, int64_t now, struct err *e)
{
	char text[RFC3339_LEN];

	if (now > c->not_after) {
		clock_format(c->not_after, text);
		return err_set(e, E_CERT_EXPIRED, "%s: expired at %s", field, text);
	}
	if (now + CLOCK_SKEW < c->not_before) {
		clock_format(c->not_before, text);
		return err_set(e, E_CERT_NOT_YET, "%s: is not valid before %s", field, text);
	}
	return E_OK;
}

/* Names byte by byte; key identifiers where both are written (RFC 5280 4.2.1.1). */
static bool
is_issuer(const struct cert *child, const struct cert *issuer)
{
	if (!span_equal(child->issuer, issuer->subject))
		return false;
	return child->aki.n == 0 || issuer->ski.n == 0 || span_equal(child->aki, issuer->ski);
}

static enum err_code
check_links(const struct path *path, struct err *e)
{
	enum err_code rc;
	size_t i;

	for (i = 0; i + 1 < path->count; i++) {
		if (!is_issuer(&path->cert[i], &path->cert[i + 1]))
			return err_set(e, E_CERT_CHAIN,
				       "%s: issuer name or key identifier is not the one of %s "
				       "(RFC 5280 6.1.3)",
				       path->field[i], path->field[i + 1]);
		if ((rc = cert_verify_link(&path->cert[i], &path->cert[i + 1], e)) != E_OK) {
			err_context(e, "%s", path->field[i]);
			return rc;
		}
	}
	return E_OK;
}

/* Several roots may share a name ([V2G2-878]): the signature decides, and one that is valid now
 * goes before one that is not. */
static enum err_code
find_anchor(const struct path *path, const struct anchors *from, struct cert *root, size_t *anchor,
	    struct err *e)
{
	const struct cert *top = &path->cert[path->count - 1];
	bool any = false;
	size_t i;

	for (i = 0; i < from->count; i++) {
		struct cert found = {0};
		bool valid;

		if (from->roots[i].n > DER_MAX_ROOT ||
		    cert_parse(from->roots[i], &found, NULL) != E_OK || !is_issuer(top, &found) ||
		    cert_verify_link(top, &found, NULL) != E_OK)
			continue;
		valid = check_dates(&found, "root", from->now, NULL) == E_OK;
		if (any && !valid)
			continue;
		*root = found;
		*anchor = i;
		any = true;
		if (valid)
			return E_OK;
	}
	if (!any)
		return err_set(e, E_CERT_UNTRUSTED,
			       "%s: its root is not among the roots of the pool (ISO 15118-2 "
			       "[V2G2-924])",
			       path->field[path->count - 1]);
	return check_dates(root, "root", from->now, e);
}

/* Whether all that OpenSSL did not handle is what -20 marks critical (spec/iso15118 A.3). */
static bool
only_tolerated_critical(const X509 *x)
{
	int i, nid;

	for (i = 0; i < X509_get_ext_count(x); i++) {
		X509_EXTENSION *ext = X509_get_ext(x, i);

		if (X509_EXTENSION_get_critical(ext) == 0 || X509_supported_extension(ext) == 1)
			continue;
		nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext));
		if (nid != NID_subject_key_identifier && nid != NID_authority_key_identifier &&
		    nid != NID_info_access && nid != NID_sinfo_access)
			return false;
	}
	return true;
}

static int
on_error(int ok, X509_STORE_CTX *ctx)
{
	if (ok == 1)
		return 1;
	return X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION &&
	       only_tolerated_critical(X509_STORE_CTX_get_current_cert(ctx));
}

static enum err_code
refused(const struct path *path, X509_STORE_CTX *ctx, struct err *e)
{
	int error = X509_STORE_CTX_get_error(ctx), depth = X509_STORE_CTX_get_error_depth(ctx);
	const char *field = depth >= 0 && (size_t)depth < path->count ? path->field[depth] : "root";
	enum err_code code = E_CERT_CHAIN;

	if (error == X509_V_ERR_CERT_SIGNATURE_FAILURE)
		code = E_CERT_SIGNATURE;
	else if (error == X509_V_ERR_INVALID_CA || error == X509_V_ERR_PATH_LENGTH_EXCEEDED ||
		 error == X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION)
		code = E_CERT_PROFILE;
	return err_set(e, code, "%s: %s (RFC 5280 6.1)", field,
		       X509_verify_cert_error_string(error));
}

static X509 *
decode(struct span der)
{
	const unsigned char *p = der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);

	if (x != NULL && p != der.p + der.n) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

/* What is left of RFC 5280 6.1: path lengths, constraints, critical extensions. Dates were checked
 * above, with the skew. */
static enum err_code
verify_with_openssl(const struct path *path, const struct cert *root, struct err *e)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *subs = sk_X509_new_null();
	X509 *leaf = decode(path->cert[0].der), *anchor = decode(root->der);
	enum err_code rc = E_OK;
	size_t i;

	if (store == NULL || ctx == NULL || subs == NULL) {
		rc = err_set(e, E_NO_MEMORY, "no memory to verify a chain");
		goto out;
	}
	for (i = 1; i < path->count && rc == E_OK; i++) {
		X509 *sub = decode(path->cert[i].der);

		if (sub == NULL || sk_X509_push(subs, sub) == 0) {
			X509_free(sub);
			rc = err_set(e, E_CERT_MALFORMED, "%s: libcrypto cannot read it",
				     path->field[i]);
		}
	}
	if (rc != E_OK)
		goto out;
	if (leaf == NULL || anchor == NULL || X509_STORE_add_cert(store, anchor) != 1 ||
	    X509_STORE_CTX_init(ctx, store, leaf, subs) != 1) {
		rc = err_set(e, E_CERT_MALFORMED, "%s: libcrypto cannot read it",
			     leaf == NULL ? path->field[0] : "root");
		goto out;
	}
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN);
	X509_STORE_CTX_set_verify_cb(ctx, on_error);
	if (X509_verify_cert(ctx) != 1)
		rc = refused(path, ctx, e);
out:
	ERR_clear_error();
	X509_free(anchor);
	X509_free(leaf);
	sk_X509_pop_free(subs, X509_free);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return rc;
}

enum err_code
chain_verify(const struct chain *c, const struct span *roots, size_t root_count, int64_t now,
	     size_t *anchor, struct err *e)
{
	const struct anchors anchors = {roots, root_count, now};
	struct path path = {.count = 0};
	struct cert root = {0};
	enum err_code rc;
	size_t i;

	if ((rc = read_path(c, &path, e)) != E_OK)
		return rc;
	for (i = 0; i < path.count; i++)
		if ((rc = check_profile(&path.cert[i], path.field[i], i == 0, c->edition, e)) !=
		    E_OK)
			return rc;
	for (i = 0; i < path.count; i++)
		if ((rc = check_dates(&path.cert[i], path.field[i], now, e)) != E_OK)
			return rc;
	if ((rc = check_links(&path, e)) != E_OK ||
	    (rc = find_anchor(&path, &anchors, &root, anchor, e)) != E_OK)
		return rc;
	return verify_with_openssl(&path, &root, e);
}
