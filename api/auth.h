/* SPDX-License-Identifier: Apache-2.0 */
/* Who is calling: bearer token, TLS client certificate, HTTP Basic (design §3). Two credentials at
 * once must name the same participant. Tokens are ES256 JWS signed by the token key in the token
 * store and verified with libjose; claims are checked here. Owns its caches and their lock. */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/request.h"

struct auth;

struct auth_conf {
	struct db *db;
	struct ca_set *ca;
	const char *public_url;   /* iss and aud */
	const char *token_signer; /* name of the signing leaf: "token-signer" */
	int64_t token_seconds;    /* life of an access token */
};
enum err_code auth_open(const struct auth_conf *conf, struct auth **out, struct err *e) MUST_CHECK;
void auth_close(struct auth *a);

/* Forgets remembered secrets, certificates and participants: what an administrator changes takes
 * effect with the answer. Verified tokens stay: they name a participant, who is looked at anew. */
void auth_forget(struct auth *a);

/* Fills rq->who and rq->auth_method from the request's credentials; E_AUTH_* (401). needs_worker is
 * set instead when an answer needs scrypt or the store and the call came from a network thread. */
enum err_code auth_request(struct request *rq, bool on_worker, bool *needs_worker) MUST_CHECK;

/* A fresh access token for a participant, JSON members of RFC 6749 5.1 left to the caller. */
enum err_code auth_issue_token(struct auth *a, const char *party, struct buf *jwt,
			       int64_t *expires_in, struct err *e) MUST_CHECK;

/* Checks client id and secret (scrypt, at most 2 at once, remembered 60 s): fills who. E_RATE when
 * too many are under way. */
enum err_code auth_check_secret(struct auth *a, bool basic, const char *id, const char *secret,
				struct principal *who, struct err *e) MUST_CHECK;

/* scrypt (N = 2^14, r = 8, p = 1) of a new secret into salt and hash, for who makes credentials. */
enum err_code auth_hash_secret(const char *secret, const uint8_t salt[16], uint8_t hash[32],
			       struct err *e) MUST_CHECK;

#endif
