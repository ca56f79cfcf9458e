/* SPDX-License-Identifier: Apache-2.0 */
/* Path validation of foreign certificates (RFC 5280 6, shell model: every certificate valid now)
 * with OpenSSL's verifier plus the rules of ISO 15118 (at most two sub-CAs, sizes, curve and
 * signature of the edition). Pure: trust anchors are arguments. */
#ifndef POLICY_CHAIN_H
#define POLICY_CHAIN_H

#include "policy/cert.h"
#include "policy/ident.h"

struct chain {
	struct span leaf, sub2, sub1; /* DER; sub2 is the leaf's issuer. One sub-CA: sub2 empty, sub1
				       * alone, as OPCP allows (subCA2Certificate optional) */
	enum edition edition;
	const char *leaf_field; /* what messages call the leaf; NULL: vehicleCertificate */
};

/* Finds the anchor among roots (DER) and validates at time now. *anchor: index of the root.
 * Refusals: E_CERT_EXPIRED, E_CERT_NOT_YET, E_CERT_UNTRUSTED (chain is sound but its root is not
 * among roots), E_CERT_CHAIN, E_CERT_SIGNATURE, E_CERT_TOO_BIG, E_CERT_PROFILE; the text names
 * which certificate (field names as OPCP: vehicleCertificate, subCA2Certificate, …). */
enum err_code chain_verify(const struct chain *c, const struct span *roots, size_t root_count,
			   int64_t now, size_t *anchor, struct err *e) MUST_CHECK;

#endif
