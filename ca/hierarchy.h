/* SPDX-License-Identifier: Apache-2.0 */
/* Which CA issues what, as one table: a profile's default issuer by name, the profiles that may
 * stand above it, and whether only a ceremony makes it (its key is in a token). Immutable. */
#ifndef CA_HIERARCHY_H
#define CA_HIERARCHY_H

#include "policy/profile.h"

struct hierarchy {
	const char *name;   /* usual name of the CA or signing leaf; NULL: end entities */
	const char *issuer; /* name of the default issuer; NULL: self-signed, or always named */
	uint32_t above;     /* bits (1 << enum profile_id) of the profiles that may issue it */
	bool ceremony;      /* its key is made in a token: ca_create only */
};

extern const struct hierarchy hierarchy[PROFILE_COUNT]; /* indexed by profile id */

/* Whether a CA of profile above may issue certificates of profile id. */
bool hierarchy_allows(enum profile_id above, enum profile_id id);

#endif
