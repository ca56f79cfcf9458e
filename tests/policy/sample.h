/* SPDX-License-Identifier: Apache-2.0 */
/* Sample certificates with software keys, built by the code under test. All cmocka assertions. */
#ifndef TESTS_POLICY_SAMPLE_H
#define TESTS_POLICY_SAMPLE_H

#include "base/secret.h"
#include "policy/profile.h"

#define SAMPLE_NOW 1790000000 /* 2026-09-21T14:13:20Z */

struct sample { /* a certificate and its key; zeroed before use */
	enum profile_id profile;
	struct secret key;
	struct buf point, der;
	struct cert cert; /* parsed der */
};

extern const struct profile_params sample_params; /* names of the budget's length */

/* Group set-up: the locked heap. */
int sample_setup(void **state);

/* A request that fits the profile: issuer NULL for roots. Strings are lent. */
struct tbs_request sample_request(enum profile_id id, const struct sample *subject,
				  const struct sample *issuer, const char *cn);

/* Makes a key (unless there is one) and issues; rq NULL: sample_request with cn. */
void sample_issue(struct sample *s, enum profile_id id, const struct sample *issuer, const char *cn,
		  const struct tbs_request *rq);
void sample_key(struct sample *s, const struct algo *a);
void sample_free(struct sample *s);

/* A whole file under the environment variable's folder; false when it is not there. */
bool sample_read(const char *env, const char *name, struct buf *out);

#endif
