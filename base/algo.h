/* SPDX-License-Identifier: Apache-2.0 */
/* Algorithms as rows: one more algorithm is one more row. Immutable, safe from any thread. */
#ifndef BASE_ALGO_H
#define BASE_ALGO_H

#include "base/buf.h"

enum algo_id {
	ALGO_NONE,
	ALGO_P256,  /* ecdsa-with-SHA256, ISO 15118-2 [V2G2-006], [V2G2-007] */
	ALGO_P521,  /* ecdsa-with-SHA512, ISO 15118-20 [V2G20-2674] */
	ALGO_ED448, /* ISO 15118-20 [V2G20-2319] */
	ALGO_COUNT
};

struct algo {
	enum algo_id id;
	const char *name;     /* "secp256r1", as OPCP spells it */
	const char *group;    /* OpenSSL's name of the group or key type */
	const char *digest;   /* OpenSSL's name of the hash; NULL when the scheme hashes itself */
	size_t digest_len;    /* bytes; 0: sign the message itself */
	size_t point_len;     /* bytes of the public key in the BIT STRING */
	size_t scalar_len;    /* bytes of a private scalar, left-padded */
	size_t sig_len;       /* bytes of a raw signature, r|s for ECDSA */
	size_t sig_der_max;   /* bytes of the longest signature as X.509 carries it */
	struct span spki_alg; /* AlgorithmIdentifier of the public key, DER */
	struct span sig_alg;  /* AlgorithmIdentifier of the signature, DER */
	struct span curve_params; /* DER of the parameters, for CKA_EC_PARAMS */
};

/* NULL when unknown. */
const struct algo *algo_get(enum algo_id id);
const struct algo *algo_by_name(const char *name);
const struct algo *algo_by_spki_alg(struct span der);
const struct algo *algo_by_sig_alg(struct span der);

#endif
