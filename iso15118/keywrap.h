/* SPDX-License-Identifier: Apache-2.0 */
/* Contract key transport of ISO 15118-2 7.9.2.4.3: ECDH with a fresh key, concatenation KDF,
 * AES-128-CBC without padding. Secrets stand in struct secret only, for the time of one call.
 * Invariant: what keywrap_unwrap gives out is the private key of the certificate it is meant for.
 */
#ifndef ISO15118_KEYWRAP_H
#define ISO15118_KEYWRAP_H

#include "base/secret.h"

#define KEYWRAP_IV_LEN     16
#define KEYWRAP_SCALAR_LEN 32
#define KEYWRAP_FIELD_LEN  48 /* IV and encrypted scalar, [V2G2-817] */
#define KEYWRAP_DH_LEN     65 /* uncompressed point, [V2G2-819] */

struct keywrap {
	uint8_t field[KEYWRAP_FIELD_LEN]; /* ContractSignatureEncryptedPrivateKey */
	uint8_t dh[KEYWRAP_DH_LEN];       /* DHpublickey */
};

/* Encrypts a contract's scalar (32 bytes) for the holder of a public key: the provisioning leaf
 * ([V2G2-820]) or the old contract's ([V2G2-821]). New ephemeral key and IV each time. E_KEYWRAP
 * when the point is not an uncompressed one on P-256. */
enum err_code keywrap_wrap(struct span receiver_point, const struct secret *contract_scalar,
			   struct keywrap *out, struct err *e) MUST_CHECK;

/* The same with a given ephemeral scalar and IV, for known-answer tests. */
enum err_code keywrap_wrap_with(struct span receiver_point, const struct secret *contract_scalar,
				const struct secret *ephemeral, const uint8_t iv[KEYWRAP_IV_LEN],
				struct keywrap *out, struct err *e) MUST_CHECK;

/* Decrypts, and checks as [V2G2-823] asks: the scalar is in range and belongs to contract_point
 * (the key in the contract certificate). *scalar is owned by the caller (secret_free), empty after
 * an error. E_KEYWRAP says what does not fit. */
enum err_code
keywrap_unwrap(const struct secret *receiver_scalar, struct span dh, struct span field,
	       struct span contract_point, struct secret *scalar, struct err *e) MUST_CHECK;

#endif
