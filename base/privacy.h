/* SPDX-License-Identifier: Apache-2.0 */
/* Personal data outside pool, certificate and request rows: a keyed pseudonym instead of a PCID or
 * EMAID (design §5, I-41), and sealed fields that die with their subject's key (I-42). */
#ifndef BASE_PRIVACY_H
#define BASE_PRIVACY_H

#include "base/secret.h"

#define PSEUDONYM_LEN 25        /* characters with the NUL: 96 bits as hex */
#define SEAL_KEY_LEN  32        /* bytes of a subject's key */
#define SEAL_OVERHEAD (12 + 16) /* bytes: IV and tag of AES-256-GCM */

/* Sets the deployment key (at least 32 bytes; copied to the locked heap). Once, at start. */
enum err_code privacy_init(struct span deployment_key, struct err *e) MUST_CHECK;
void privacy_done(void);

/* HMAC-SHA-256 under the deployment key over kind, a zero byte and the value upper-cased without
 * '-' or '*'; of an EMAID of 15 characters the first 14, because its check digit makes no other
 * contract (spec/protocols 8.1). kind is "pcid" or "emaid". Before privacy_init the pseudonym is
 * "unset". */
void privacy_pseudonym(const char *kind, const char *value, char out[PSEUDONYM_LEN]);

/* AES-256-GCM: IV | ciphertext | tag, appended to out; aad binds it to its row. */
enum err_code privacy_seal(struct span key, struct span aad, struct span clear, struct buf *out,
			   struct err *e) MUST_CHECK;
enum err_code privacy_open(struct span key, struct span aad, struct span sealed, struct buf *clear,
			   struct err *e) MUST_CHECK;

/* Wraps a subject's key under the deployment key, for the store; the same form as a seal. */
enum err_code privacy_wrap_key(struct span aad, struct span subject_key, struct buf *out,
			       struct err *e) MUST_CHECK;
enum err_code privacy_unwrap_key(struct span aad, struct span wrapped, struct secret *subject_key,
				 struct err *e) MUST_CHECK;

#endif
