/* SPDX-License-Identifier: Apache-2.0 */
/* A stored bundle, verified as a car does it (ISO 15118-2 7.9.2.4, spec/iso15118 C.3), at every
 * write and every read (I-36). What costs is remembered: signatures by a hash of what they cover.
 * Dates and trust are looked at anew each time. */
#include "base/str.h"
#include "pool/internal.h"

#include <stdio.h>
#include <string.h>

#define PATH_SUBS 2 /* ISO 15118-2 [V2G2-009]: three certificates below the root */

/* A chain of the bundle, leaf first, in the order in which each is signed by the next. */
struct path {
	struct cert c[1 + PATH_SUBS];
	size_t n;
	const struct anchor *root;
};

/* The hash under which a good bundle is remembered: all of it, and the row that it belongs to. */
static enum err_code
bundle_key(const struct contract_row *c, const struct variant_row *v, uint8_t key[SHA256_LEN],
	   struct err *e)
{
	uint8_t pair[2 * SHA256_LEN];
	enum err_code rc;

	if ((rc = sha256(buf_span(&v->exi), pair, e)) != E_OK ||
	    (rc = sha256(buf_span(&c->cert), pair + SHA256_LEN, e)) != E_OK)
		return rc;
	return sha256((struct span){pair, sizeof(pair)}, key, e);
}

/* Sub-CAs may stand in either order: verifiers must not depend on it (spec/protocols 5.2). */
static enum err_code
path_read(const struct iso2_chain *chain, const char *what, struct path *path, struct err *e)
{
	struct cert swap;
	enum err_code rc;

	memset(path, 0, sizeof(*path));
	if (chain->n_sub < 1 || chain->n_sub > PATH_SUBS)
		return err_set(
			e, E_CERT_CHAIN,
			"%s: %u sub-CA certificates, expected 1 or 2 (ISO 15118-2 [V2G2-009])",
			what, chain->n_sub);
	rc = cert_parse(chain->leaf, &path->c[0], e);
	for (unsigned i = 0; rc == E_OK && i < chain->n_sub; i++)
		rc = cert_parse(chain->sub[i], &path->c[1 + i], e);
	if (rc != E_OK) {
		err_context(e, "%s", what);
		return rc;
	}
	path->n = 1 + (size_t)chain->n_sub;
	if (path->n == 3 && !span_equal(path->c[0].issuer, path->c[1].subject)) {
		swap = path->c[1];
		path->c[1] = path->c[2];
		path->c[2] = swap;
	}
	return E_OK;
}

/* Names, roles and dates of a path, and its anchor. The link of the leaf is left to the caller: a
 * contract's is its own, everything above is shared by many. */
static enum err_code
path_check(struct pool *p, const struct anchors *set, struct path *path, unsigned types,
	   const char *what, int64_t now, struct err *e)
{
	enum err_code rc;

	for (size_t i = 0; i < path->n; i++) {
		const struct cert *c = &path->c[i];

		if ((rc = pool_valid_now(c, what, now, 0, e)) != E_OK)
			return rc;
		if (i == 0 ? c->is_ca : !c->is_ca)
			return err_set(e, E_CERT_PROFILE, "%s: certificate %zu is %s CA", what, i,
				       c->is_ca ? "a" : "no");
		if (i > 0 && c->path_len >= 0 && (size_t)c->path_len < i - 1)
			return err_set(
				e, E_CERT_CHAIN,
				"%s: pathLenConstraint of certificate %zu (RFC 5280 4.2.1.9)", what,
				i);
		if (i > 1 && (rc = pool_link(p, &path->c[i - 1], c, e)) != E_OK) {
			err_context(e, "%s", what);
			return rc;
		}
	}
	path->root = anchor_of(p, set, &path->c[path->n - 1], types);
	if (path->root == NULL)
		return err_set(e, E_CERT_UNTRUSTED, "%s: its root is not in the root pool", what);
	return pool_valid_now(&path->root->cert, what, now, 0, e);
}

/* Everything above the contract certificate, whose own status contract_check looks up. */
static enum err_code
path_status(struct pool *p, const struct path *path, size_t from, const char *what, struct err *e)
{
	enum err_code rc = E_OK;

	for (size_t i = from; rc == E_OK && i < path->n; i++) {
		const struct cert *above = i + 1 < path->n ? &path->c[i + 1] : &path->root->cert;

		rc = pool_cert_status(p, what, &path->c[i], above->der, e);
	}
	return rc;
}

/* The message says the same as the row that it was found under. */
static enum err_code
check_content(const struct contract_row *c, const struct iso2_msg *m, const struct path *contract,
	      struct err *e)
{
	struct span emaid = span_str(c->emaid);

	if (!span_equal(m->contract_chain.leaf, buf_span(&c->cert)))
		return err_set(e, E_MSG_CONTENT,
			       "ContractSignatureCertChain: not the certificate of this contract");
	if (!span_equal(m->emaid.value, emaid) ||
	    !span_equal(name_attr(contract->c[0].subject, OID_CN), emaid))
		return err_set(e, E_MSG_CONTENT,
			       "eMAID: not that of this contract and its certificate");
	return E_OK;
}

static enum err_code
check_signatures(const struct iso2_msg *m, const struct path *contract, struct err *e)
{
	enum err_code rc;

	if ((rc = cert_verify_link(&contract->c[0], &contract->c[1], e)) != E_OK) {
		err_context(e, "ContractSignatureCertChain");
		return rc;
	}
	if ((rc = install_res_verify_signature(m, e)) != E_OK)
		err_context(e, "CPS signature");
	return rc;
}

static enum err_code
check_message(struct pool *p, const struct anchors *set, const struct contract_row *c,
	      const struct variant_row *v, const struct iso2_msg *m, int64_t now, struct err *e)
{
	struct path contract, cps;
	uint8_t key[SHA256_LEN];
	enum err_code rc;

	if (m->kind != ISO2_INSTALL_RES || m->code != ISO2_OK)
		return err_set(e, E_MSG_CONTENT, "not a CertificateInstallationRes that says OK");
	if ((rc = path_read(&m->contract_chain, "ContractSignatureCertChain", &contract, e)) !=
		    E_OK ||
	    (rc = path_read(&m->sa_chain, "SAProvisioningCertificateChain", &cps, e)) != E_OK ||
	    (rc = check_content(c, m, &contract, e)) != E_OK ||
	    (rc = path_check(p, set, &contract, ROOT_MO | ROOT_V2G, "ContractSignatureCertChain",
			     now, e)) != E_OK ||
	    (rc = path_check(p, set, &cps, ROOT_V2G, "SAProvisioningCertificateChain", now, e)) !=
		    E_OK ||
	    (rc = pool_link(p, &cps.c[0], &cps.c[1], e)) != E_OK)
		return rc;
	if (strcmp(cps.root->hex, v->cps_root) != 0)
		return err_set(
			e, E_CERT_CHAIN,
			"SAProvisioningCertificateChain: under another V2G root than stored");
	if ((rc = path_status(p, &contract, 1, "ContractSignatureCertChain", e)) != E_OK ||
	    (rc = path_status(p, &cps, 0, "SAProvisioningCertificateChain", e)) != E_OK)
		return rc;
	if ((rc = bundle_key(c, v, key, e)) != E_OK || seen_has(&p->bundles, key))
		return rc;
	if ((rc = check_signatures(m, &contract, e)) == E_OK)
		seen_add(&p->bundles, key);
	return rc;
}

enum err_code
bundle_check(struct pool *p, const struct anchors *set, const struct contract_row *c,
	     const struct variant_row *v, int64_t now, struct err *e)
{
	struct iso2_msg m = {0};
	enum err_code rc;

	if ((rc = iso2_decode(buf_span(&v->exi), &m, e)) == E_OK)
		rc = check_message(p, set, c, v, &m, now, e);
	iso2_msg_free(&m);
	return rc;
}
