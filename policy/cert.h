/* SPDX-License-Identifier: Apache-2.0 */
/* Reading certificates without libcrypto objects: one pass over the DER, spans into it, no
 * allocation. Lenient where the field deviates (spec/iso15118 A.4: explicit cA FALSE, leaves without
 * KU or BC, years to 9999), strict on structure. Verification of foreign chains is policy/chain.h. */
#ifndef POLICY_CERT_H
#define POLICY_CERT_H

#include "base/algo.h"
#include "base/buf.h"

enum key_usage { /* RFC 5280 4.2.1.3, bit 0 = digitalSignature */
	KU_DIGITAL_SIGNATURE = 1 << 0,
	KU_NON_REPUDIATION = 1 << 1,
	KU_KEY_ENCIPHERMENT = 1 << 2,
	KU_DATA_ENCIPHERMENT = 1 << 3,
	KU_KEY_AGREEMENT = 1 << 4,
	KU_KEY_CERT_SIGN = 1 << 5,
	KU_CRL_SIGN = 1 << 6,
	KU_ENCIPHER_ONLY = 1 << 7,
	KU_DECIPHER_ONLY = 1 << 8,
};
enum ext_key_usage { EKU_SERVER_AUTH = 1, EKU_CLIENT_AUTH = 2, EKU_OCSP_SIGNING = 4, EKU_OTHER = 8 };

struct cert { /* spans point into the DER given: keep it alive */
	struct span der;      /* the whole certificate */
	struct span tbs;      /* TBSCertificate with header: what is signed */
	struct span serial;   /* magnitude without leading zeros */
	struct span issuer;   /* Name with header: compare by bytes */
	struct span subject;
	struct span spki;     /* SubjectPublicKeyInfo with header */
	struct span point;    /* content of its BIT STRING */
	struct span sig_alg;  /* AlgorithmIdentifier with header */
	struct span signature; /* content of the BIT STRING: ECDSA-Sig-Value or raw Ed448 */
	const struct algo *algo;     /* of the key; NULL: one we do not know */
	const struct algo *sig_algo; /* of the signature; NULL: one we do not know */
	int64_t not_before, not_after;
	bool has_bc, is_ca, has_ku;
	int path_len; /* -1: none */
	unsigned ku, eku; /* bits of the enums above */
	bool has_ocsp_nocheck;
	struct span ski, aki; /* key identifiers; empty: none. Read, never recomputed */
	struct span ocsp_url, crl_url, policy_oid; /* first of each; empty: none */
	uint32_t critical_unknown; /* number of critical extensions not in this list */
};

enum err_code cert_parse(struct span der, struct cert *out, struct err *e) MUST_CHECK;

/* The first value of an attribute (OID content octets, for example OID_CN) of a DER Name, as
 * written; empty when absent. */
#define OID_CN SPAN_LIT("\x55\x04\x03")
#define OID_O  SPAN_LIT("\x55\x04\x0a")
#define OID_C  SPAN_LIT("\x55\x04\x06")
#define OID_DC SPAN_LIT("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19")
struct span name_attr(struct span name, struct span oid);

/* RFC 4514 text ("CN=x,O=y"), last RDN first when reversed. Appended. */
enum err_code name_to_text(struct span name, bool reversed, struct buf *out,
			   struct err *e) MUST_CHECK;

/* Whether a text DN ("DC=V2G,C=DE,O=…,CN=…", any order and spacing, attribute names in any case) is
 * this Name, compared as a set of attribute and value pairs (spec/protocols 5.4 step 7). */
bool name_matches_text(struct span name, const char *text);

/* Whether child's signature verifies with issuer's key and the names link; does not look at
 * validity or constraints. */
enum err_code cert_verify_link(const struct cert *child, const struct cert *issuer,
			       struct err *e) MUST_CHECK;

/* PEM text with one or more CERTIFICATE blocks: the next one as DER, appended to out; *pem moves
 * behind it. E_NOT_FOUND when there is none left. */
enum err_code cert_from_pem(struct span *pem, struct buf *out, struct err *e) MUST_CHECK;
void cert_to_pem(struct span der, struct buf *out);

#endif
