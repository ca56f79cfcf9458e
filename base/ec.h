/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys and signatures without libcrypto's decoders, which cost more than a signature
 * (perf.md 1): keys go in as the raw point, ECDSA signatures as r|s. Software private keys are
 * for cars, contracts and tests; CA keys never come here. */
#ifndef BASE_EC_H
#define BASE_EC_H

#include <openssl/types.h>

#include "base/algo.h"
#include "base/secret.h"

/* A public key from its raw point (a->point_len bytes; uncompressed, on the curve), owned by the
 * caller (EVP_PKEY_free). */
enum err_code
ec_public_key(const struct algo *a, struct span point, EVP_PKEY **key, struct err *e) MUST_CHECK;

/* Verifies a raw signature (r|s, or Ed448) over a message; E_CERT_SIGNATURE when it does not fit.
 */
enum err_code ec_verify(const struct algo *a, struct span point, struct span message,
			struct span raw_sig, struct err *e) MUST_CHECK;

/* The same over the hash of the message, for ECDSA only. */
enum err_code ec_verify_digest(const struct algo *a, struct span point, struct span digest,
			       struct span raw_sig, struct err *e) MUST_CHECK;

/* A new key pair: scalar (a->scalar_len bytes, secret, owned by the caller) and raw point. */
enum err_code ec_generate(const struct algo *a, struct secret *scalar, struct buf *point,
			  struct err *e) MUST_CHECK;

/* The public point of a scalar; refuses 0 and values not below the order. ECDSA curves only. */
enum err_code ec_point_of(const struct algo *a, const struct secret *scalar, struct buf *point,
			  struct err *e) MUST_CHECK;

/* Raw signature over a message with a software key. */
enum err_code ec_sign(const struct algo *a, const struct secret *scalar, struct span message,
		      struct buf *raw_sig, struct err *e) MUST_CHECK;

/* The same over the hash of the message, for ECDSA only. */
enum err_code ec_sign_digest(const struct algo *a, const struct secret *scalar, struct span digest,
			     struct buf *raw_sig, struct err *e) MUST_CHECK;

/* x coordinate of scalar * peer point, a->scalar_len bytes big-endian, leading zeros kept. Refuses
 * a point that is not uncompressed or not on the curve. */
enum err_code ec_derive(const struct algo *a, const struct secret *scalar, struct span peer_point,
			struct secret *z, struct err *e) MUST_CHECK;

/* A private key from PEM or DER (PKCS#8 or SEC1) as scalar and point; the curve is found. */
enum err_code ec_private_from_pem(struct span pem, const struct algo **a, struct secret *scalar,
				  struct buf *point, struct err *e) MUST_CHECK;
/* PKCS#8 PEM (unencrypted) of a scalar, on the locked heap. */
enum err_code ec_private_to_pem(const struct algo *a, const struct secret *scalar,
				struct secret *pem, struct err *e) MUST_CHECK;

/* ECDSA-Sig-Value <-> r|s of a->sig_len bytes; Ed448 passes through. Appended to out. */
enum err_code
ec_sig_to_der(const struct algo *a, struct span raw, struct buf *out, struct err *e) MUST_CHECK;
enum err_code
ec_sig_from_der(const struct algo *a, struct span der, struct buf *out, struct err *e) MUST_CHECK;

#endif
