/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints of what decides a certificate: the request's content, so that a reused request id is
 * found, and the profile with its parameters, stored with each certificate (I-10). Every field goes
 * in with its length, so no two contents read alike. */
#ifndef CA_HASH_H
#define CA_HASH_H

#include "policy/issuer.h"

/* SHA-256 of everything in the request but its id, and of the name of the issuing CA. */
enum err_code hash_request(const struct issue_request *rq, const char *ca, uint8_t out[32],
			   struct err *e) MUST_CHECK;

/* SHA-256 of the profile's row and the deployment's parameters that it renders with. */
enum err_code hash_profile(const struct profile *p, const struct profile_params *params,
			   uint8_t out[32], struct err *e) MUST_CHECK;

#endif
