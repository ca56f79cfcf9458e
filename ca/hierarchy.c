/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/hierarchy.h"

#define BIT(profile) (UINT32_C(1) << (profile))
#define ANY_CA                                                                   \
	(BIT(PROFILE_V2G_ROOT) | BIT(PROFILE_MO_ROOT) | BIT(PROFILE_OEM_ROOT) |  \
	 BIT(PROFILE_CPO_SUB1) | BIT(PROFILE_CPO_SUB2) | BIT(PROFILE_CPS_SUB1) | \
	 BIT(PROFILE_CPS_SUB2) | BIT(PROFILE_MO_SUB1) | BIT(PROFILE_MO_SUB2) |   \
	 BIT(PROFILE_OEM_SUB1) | BIT(PROFILE_OEM_SUB2) | BIT(PROFILE_SERVICE_ROOT))
/* MO and OEM chains may end in a root of their own or in the V2G root (ISO 15118-2 Annex E). */
#define MO_ANCHORS  (BIT(PROFILE_MO_ROOT) | BIT(PROFILE_V2G_ROOT))
#define OEM_ANCHORS (BIT(PROFILE_OEM_ROOT) | BIT(PROFILE_V2G_ROOT))
#define SERVICE     BIT(PROFILE_SERVICE_ROOT)

/* clang-format off */
const struct hierarchy hierarchy[PROFILE_COUNT] = {
	/* profile                       name            default issuer  may stand above         ceremony */
	[PROFILE_V2G_ROOT]           = { "v2g-root",     NULL,           0,                      true },
	[PROFILE_MO_ROOT]            = { "mo-root",      NULL,           0,                      true },
	[PROFILE_OEM_ROOT]           = { "oem-root",     NULL,           0,                      true },
	[PROFILE_SERVICE_ROOT]       = { "service-root", NULL,           0,                      true },
	[PROFILE_CPO_SUB1]           = { "cpo-sub1",     "v2g-root",     BIT(PROFILE_V2G_ROOT),  true },
	[PROFILE_CPO_SUB2]           = { "cpo-sub2",     "cpo-sub1",     BIT(PROFILE_CPO_SUB1),  true },
	[PROFILE_CPS_SUB1]           = { "cps-sub1",     "v2g-root",     BIT(PROFILE_V2G_ROOT),  true },
	[PROFILE_CPS_SUB2]           = { "cps-sub2",     "cps-sub1",     BIT(PROFILE_CPS_SUB1),  true },
	[PROFILE_MO_SUB1]            = { "mo-sub1",      "mo-root",      MO_ANCHORS,             true },
	[PROFILE_MO_SUB2]            = { "mo-sub2",      "mo-sub1",      BIT(PROFILE_MO_SUB1),   true },
	[PROFILE_OEM_SUB1]           = { "oem-sub1",     "oem-root",     OEM_ANCHORS,            true },
	[PROFILE_OEM_SUB2]           = { "oem-sub2",     "oem-sub1",     BIT(PROFILE_OEM_SUB1),  true },
	[PROFILE_TOKEN_SIGNER]       = { "token-signer", "service-root", SERVICE,                true },
	[PROFILE_OCSP_SIGNER]        = { "ocsp-signer",  NULL,           ANY_CA,                 true },
	/* One CPS key is ours, in the token; foreign CPSs enrol theirs. */
	[PROFILE_CPS_LEAF]           = { "cps-leaf",     "cps-sub2",     BIT(PROFILE_CPS_SUB2),  false },
	[PROFILE_SECC_LEAF]          = { NULL,           "cpo-sub2",     BIT(PROFILE_CPO_SUB2),  false },
	[PROFILE_CONTRACT_LEAF]      = { NULL,           "mo-sub2",      BIT(PROFILE_MO_SUB2),   false },
	[PROFILE_PROVISIONING_LEAF]  = { NULL,           "oem-sub2",     BIT(PROFILE_OEM_SUB2),  false },
	[PROFILE_SERVICE_TLS_SERVER] = { NULL,           "service-root", SERVICE,                false },
	[PROFILE_SERVICE_TLS_CLIENT] = { NULL,           "service-root", SERVICE,                false },
};
/* clang-format on */

bool
hierarchy_allows(enum profile_id above, enum profile_id id)
{
	return above < PROFILE_COUNT && id < PROFILE_COUNT && (hierarchy[id].above & BIT(above));
}
