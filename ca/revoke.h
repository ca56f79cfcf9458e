/* SPDX-License-Identifier: Apache-2.0 */
/* Revoking: certificates, intents and orphans alike; revoked stays revoked with its first date
 * (I-12). */
#ifndef CA_REVOKE_H
#define CA_REVOKE_H

#include "ca/set.h"

#define REASON_KEY_COMPROMISE 1 /* RFC 5280 5.3.1 */
#define REASON_SUPERSEDED     4

struct revocation {
	const char *request_id; /* or NULL */
	const char *actor;
	unsigned reason;
};

/* E_BAD_VALUE for a reason that may not be given. */
enum err_code revoke_row(struct ca_set *set, const struct cert_row *row, const struct revocation *r,
			 struct err *e) MUST_CHECK;

#endif
