/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call what: the matrix of spec/protocols 1.4 as data. api/access.c is the only caller that
 * decides with it; handlers never test a role. Pure. */
#ifndef POLICY_ROLE_H
#define POLICY_ROLE_H

#include "base/buf.h"
#include "policy/ident.h"

enum role {
	ROLE_CPO = 1 << 0,
	ROLE_OEM = 1 << 1,
	ROLE_MO_V2G = 1 << 2, /* MO_HUBJECT_PKI: contracts from our MO CA */
	ROLE_MO_OWN = 1 << 3, /* MO_EXTERNAL_PKI: has its own PKI */
	ROLE_CPS = 1 << 4,
	ROLE_ADMIN = 1 << 5,
	ROLE_OPERATOR = 1 << 6,
	ROLE_APPROVER = 1 << 7,
	ROLE_AUDITOR = 1 << 8,
	ROLE_COUNT = 9
};
#define ROLE_MO	 (ROLE_MO_V2G | ROLE_MO_OWN)
#define ROLE_ANY ((1 << ROLE_COUNT) - 1)

/* Names as tokens carry them: "CPO", "MO_HUBJECT_PKI", … ; 0 or NULL when unknown. */
uint32_t role_from_name(const char *name);
const char *role_name(uint32_t role);

enum scope {
	SCOPE_ALL, /* no prefix is compared */
	SCOPE_WMI, /* the PCID's first 3 characters are the caller's */
	SCOPE_PROVIDER, /* the EMAID's first 5 */
	SCOPE_OPERATOR, /* the EVSEID's or SECCID's first 5 */
};

/* Calls of both protocols; one handler core each. */
enum call {
	CALL_ROOT_READ,
	CALL_ROOT_WRITE,
	CALL_VEHICLE_WRITE,
	CALL_VEHICLE_READ,
	CALL_SIGNER_READ,
	CALL_CONTRACT_SIGN,
	CALL_CONTRACT_GENERATE,
	CALL_INSTALL,
	CALL_BUNDLE_WRITE,
	CALL_CONTRACT_DELETE,
	CALL_CONTRACT_LOOKUP,
	CALL_CONTRACT_LIST, /* by PCID */
	CALL_BUNDLE_FETCH,  /* ready Res without a Req */
	CALL_CONTRACT_DEFAULT,
	CALL_EST_CACERTS,
	CALL_EST_CPO,
	CALL_EST_MO,
	CALL_EST_OEM,
	CALL_EST_CPS,
	CALL_EST_VEH,
	CALL_ADMIN_READ,
	CALL_ADMIN_WRITE,
	CALL_COUNT
};

struct grant {
	uint32_t role; /* one bit; 0 ends the list */
	enum scope scope;
};

struct access_rule {
	enum call call;
	const char *name; /* "vehicle.write" */
	struct grant grants[10];
};

extern const struct access_rule access_rules[CALL_COUNT]; /* indexed by call */

/* An authenticated caller. Plain data; lives as long as its request. */
#define PREFIXES_MAX 32
struct principal {
	char id[65]; /* participant id */
	uint32_t roles;
	char wmi[PREFIXES_MAX][PREFIX_MAX];
	char provider[PREFIXES_MAX][PREFIX_MAX];
	char operator_id[PREFIXES_MAX][PREFIX_MAX];
	size_t wmis, providers, operators;
};

/* Whether p has any role that the call grants: E_OK or E_ROLE. */
enum err_code access_role(enum call call, const struct principal *p, struct err *e) MUST_CHECK;

/* Whether one of p's granted roles reaches this subject (PCID, EMAID or station name, as the scope
 * of the call says; any spelling): E_OK or E_SCOPE_WMI/_PROVIDER/_OPERATOR naming the prefix. */
enum err_code access_scope(enum call call, const struct principal *p, const char *subject,
			   struct err *e) MUST_CHECK;

#endif
