/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in PKCS#11 tokens: bytes in, signature out, so that a separate signer process can take this
 * module's place. Several modules and tokens at once; each token is an ordered list of slots that
 * hold the same keys. A struct hsm is shared by all threads; sessions are pooled per token and
 * every call has a deadline. No key ever leaves a token. */
#ifndef HSM_HSM_H
#define HSM_HSM_H

#include "base/algo.h"
#include "base/secret.h"

#define HSM_KEY_ID_LEN 20 /* bytes of the CKA_ID that we make; foreign ones may be 1 to 64 */
#define HSM_KEY_ID_MAX 64

struct hsm;
struct hsm_key; /* a key found on a token; owned by the hsm, valid until hsm_close, thread-safe */

/* One token by configuration. Strings are copied by hsm_open. */
struct hsm_token_conf {
	const char *name;      /* "main": what keys name */
	const char *module;    /* path of the PKCS#11 library */
	const char *init_args; /* string for C_Initialize's reserved argument (NSS), or NULL */
	const char *slots[4];  /* ordered, NULL ends: "label:v2gpki", "serial:0123", "id:5" */
	const char
		*pin_file;   /* first line is the PIN; or "credential:NAME" for a systemd credential
			      * ($CREDENTIALS_DIRECTORY/NAME); NULL: no login */
	unsigned sessions;   /* most sessions and signatures in flight, 1 to 64 */
	unsigned timeout_ms; /* deadline of one signature, waiting included */
};

/* Loads modules, opens tokens, logs in once each (I-35). A token that is missing or refuses its PIN
 * is no error here: its keys answer E_HSM_SLOT or E_HSM_PIN, hsm_token_health says why, and a
 * missing one is tried again every 2 seconds until it is back. A refused PIN is never tried again.
 * Starts threads: call it after fork and after dropping privileges; the PIN file is read at each
 * login and must stay readable. */
enum err_code hsm_open(const struct hsm_token_conf *tokens, size_t count, struct hsm **out,
		       struct err *e) MUST_CHECK;

/* Ends sessions and threads; call it before main returns. No other call may be under way. Waits up
 * to 2 seconds for a call that hangs in a module, then leaves that call's memory behind. Accepts
 * NULL. */
void hsm_close(struct hsm *h);

/* Makes a token in an empty slot: C_InitToken, SO PIN, user PIN from pin_file (SoftHSM and friends;
 * a module that cannot says E_HSM_UNSUPPORTED). E_HSM_KEY_EXISTS when a token of that label is
 * there already. */
enum err_code hsm_token_init(const struct hsm_token_conf *conf, const char *label,
			     const struct secret *so_pin, struct err *e) MUST_CHECK;

/* Makes a key pair on a token: sensitive, not extractable, not modifiable, sign only, this CKA_ID
 * (looked up first: E_HSM_KEY_EXISTS). point: raw public key, appended. */
enum err_code
hsm_key_generate(struct hsm *h, const char *token, const struct algo *a, struct span id,
		 const char *label, struct buf *point, struct err *e) MUST_CHECK;

/* Finds a key by CKA_ID; the handle is cached and found again after a loss. E_HSM_KEY_MISSING; or
 * E_HSM_KEY_PROOF when two keys have that CKA_ID. A key of a token that is missing is given out
 * unseen: hsm_key_prove it when the token is back. */
enum err_code hsm_key_find(struct hsm *h, const char *token, struct span id, struct hsm_key **out,
			   struct err *e) MUST_CHECK;

/* Raw public key of a key on a token (a->point_len bytes), appended: how a ceremony goes on after a
 * crash between key and certificate. */
enum err_code hsm_key_point(struct hsm_key *k, struct buf *point, struct err *e) MUST_CHECK;

/* Signs and verifies once with the certificate's point, so that a wrong key is found at start and
 * not in the field (I-34). Also checks the key's attributes; what is laxer than we make it is an
 * error unless lax is true (adopted keys). */
enum err_code hsm_key_prove(struct hsm_key *k, const struct algo *a, struct span point, bool lax,
			    struct err *e) MUST_CHECK;

/* Signs a digest (a->digest_len bytes) or, for Ed448, the message: raw signature of a->sig_len
 * bytes, appended. Blocks at most the token's deadline. A lost token is tried once on the next
 * slot, else E_HSM_SLOT / E_HSM_BUSY. A signature of wrong length is an error, never returned. */
enum err_code
hsm_sign(struct hsm_key *k, struct span data, struct buf *raw_sig, struct err *e) MUST_CHECK;

/* NULL while the key was never seen, because its token is missing. */
const struct algo *hsm_key_algo(const struct hsm_key *k);

/* State of a token for /readyz and `v2gpki token`: E_OK, or why not. Never blocks on the module. */
enum err_code hsm_token_health(struct hsm *h, const char *token, struct err *e) MUST_CHECK;

/* Tries a token and writes what it can do as lines of text (module, token, mechanisms, which row of
 * the table of differences applies, speed of 100 signatures): for `v2gpki token check`. */
enum err_code
hsm_token_check(const struct hsm_token_conf *conf, struct buf *report, struct err *e) MUST_CHECK;

/* Signatures made by this process so far, per key, for audit and metrics. */
uint64_t hsm_key_signatures(const struct hsm_key *k);

#endif
