/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens: JWS compact serialisation with ES256 (RFC 7515, RFC 7519), claims as OPCP 1.0.0
 * shows them (spec/protocols 1.2). The signature is made by the token key in its token and verified
 * with libjose; header and claims are checked here, because libjose lets an unknown "crit" pass. */
#ifndef API_JWT_H
#define API_JWT_H

#include "base/buf.h"
#include "db/party_store.h"

#define JWT_MAX   8192 /* characters of a token */
#define JWT_SCOPE "rcpservice ccpservice pcpservice cpservice pkigateway"

struct jwt_key {
	struct span point; /* raw public key, P-256 */
	const char *url;   /* iss and aud, without trailing slash */
};

/* Header and payload as they are signed ("base64url.base64url"), appended to out. */
enum err_code jwt_to_be_signed(const char *url, const struct party *p, int64_t now, int64_t exp,
			       struct buf *out, struct err *e) MUST_CHECK;

/* Checks a token at time now; sub into party, exp into *exp. E_AUTH_TOKEN says what is wrong. */
enum err_code jwt_verify(const struct jwt_key *key, struct span token, int64_t now, char party[65],
			 int64_t *exp, struct err *e) MUST_CHECK;

/* Whether two URLs are the same but for a final slash. */
bool jwt_same_url(const char *a, const char *b);

#endif
