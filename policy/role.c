/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/role.h"

#include <string.h>

#include "base/str.h"

static const struct {
	uint32_t role;
	const char *name;
} role_rows[] = {
	{ROLE_CPO, "CPO"},
	{ROLE_OEM, "OEM"},
	{ROLE_MO_V2G, "MO_HUBJECT_PKI"},
	{ROLE_MO_OWN, "MO_EXTERNAL_PKI"},
	{ROLE_CPS, "CPS"},
	{ROLE_ADMIN, "ADMIN"},
	{ROLE_OPERATOR, "OPERATOR"},
	{ROLE_APPROVER, "APPROVER"},
	{ROLE_AUDITOR, "AUDITOR"},
};

/* clang-format off */
#define EVERYONE                                                                                   \
	{ROLE_OEM, SCOPE_ALL}, {ROLE_CPO, SCOPE_ALL}, {ROLE_MO_OWN, SCOPE_ALL},                    \
	{ROLE_MO_V2G, SCOPE_ALL}, {ROLE_CPS, SCOPE_ALL}, {ROLE_ADMIN, SCOPE_ALL}

/* spec/protocols 1.4 with the choices D5 to D9 and D39 of spec/differences */
const struct access_rule access_rules[CALL_COUNT] = {
	[CALL_ROOT_READ] = {CALL_ROOT_READ, "root.read", {EVERYONE}},
	[CALL_ROOT_WRITE] = {CALL_ROOT_WRITE, "root.write", {{ROLE_ADMIN, SCOPE_ALL}}},
	[CALL_VEHICLE_WRITE] = {CALL_VEHICLE_WRITE, "vehicle.write", {{ROLE_OEM, SCOPE_WMI}}},
	[CALL_VEHICLE_READ] = {CALL_VEHICLE_READ, "vehicle.read",
		{{ROLE_OEM, SCOPE_WMI}, {ROLE_MO_OWN, SCOPE_ALL}, {ROLE_MO_V2G, SCOPE_ALL},
		 {ROLE_CPS, SCOPE_ALL}}}, /* D5 */
	[CALL_SIGNER_READ] = {CALL_SIGNER_READ, "signer.read", {EVERYONE}}, /* D39 */
	[CALL_CONTRACT_SIGN] = {CALL_CONTRACT_SIGN, "contract.sign",
		{{ROLE_MO_OWN, SCOPE_PROVIDER}}},
	[CALL_CONTRACT_GENERATE] = {CALL_CONTRACT_GENERATE, "contract.generate",
		{{ROLE_MO_V2G, SCOPE_PROVIDER}}},
	[CALL_INSTALL] = {CALL_INSTALL, "install", {{ROLE_CPO, SCOPE_ALL}}},
	[CALL_BUNDLE_WRITE] = {CALL_BUNDLE_WRITE, "bundle.write",
		{{ROLE_CPS, SCOPE_ALL}, {ROLE_MO_OWN, SCOPE_PROVIDER},
		 {ROLE_MO_V2G, SCOPE_PROVIDER}}}, /* D6 */
	[CALL_CONTRACT_DELETE] = {CALL_CONTRACT_DELETE, "contract.delete",
		{{ROLE_MO_OWN, SCOPE_PROVIDER}, {ROLE_MO_V2G, SCOPE_PROVIDER}}},
	[CALL_CONTRACT_LOOKUP] = {CALL_CONTRACT_LOOKUP, "contract.lookup",
		{{ROLE_MO_OWN, SCOPE_PROVIDER}, {ROLE_MO_V2G, SCOPE_PROVIDER}}}, /* D7 */
	[CALL_CONTRACT_LIST] = {CALL_CONTRACT_LIST, "contract.list", {{ROLE_OEM, SCOPE_WMI}}},
	[CALL_BUNDLE_FETCH] = {CALL_BUNDLE_FETCH, "bundle.fetch", {{ROLE_OEM, SCOPE_WMI}}},
	[CALL_CONTRACT_DEFAULT] = {CALL_CONTRACT_DEFAULT, "contract.default",
		{{ROLE_OEM, SCOPE_WMI}}}, /* D8 */
	[CALL_EST_CACERTS] = {CALL_EST_CACERTS, "est.cacerts", {EVERYONE}}, /* D9 */
	[CALL_EST_CPO] = {CALL_EST_CPO, "est.cpo", {{ROLE_CPO, SCOPE_OPERATOR}}},
	[CALL_EST_MO] = {CALL_EST_MO, "est.mo", {{ROLE_MO_V2G, SCOPE_PROVIDER}}},
	[CALL_EST_OEM] = {CALL_EST_OEM, "est.oem", {{ROLE_OEM, SCOPE_WMI}}},
	[CALL_EST_CPS] = {CALL_EST_CPS, "est.cps", {{ROLE_CPS, SCOPE_ALL}}}, /* D9 */
	[CALL_EST_VEH] = {CALL_EST_VEH, "est.veh", {{ROLE_OEM, SCOPE_WMI}}},
	[CALL_ADMIN_READ] = {CALL_ADMIN_READ, "admin.read",
		{{ROLE_ADMIN, SCOPE_ALL}, {ROLE_OPERATOR, SCOPE_ALL}, {ROLE_APPROVER, SCOPE_ALL},
		 {ROLE_AUDITOR, SCOPE_ALL}}},
	/* Who writes makes participants with any role: an OPERATOR must not make himself an ADMIN. */
	[CALL_ADMIN_WRITE] = {CALL_ADMIN_WRITE, "admin.write", {{ROLE_ADMIN, SCOPE_ALL}}},
};
/* clang-format on */

uint32_t
role_from_name(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(role_rows); i++)
		if (strcmp(role_rows[i].name, name) == 0)
			return role_rows[i].role;
	return 0;
}

const char *
role_name(uint32_t role)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(role_rows); i++)
		if (role_rows[i].role == role)
			return role_rows[i].name;
	return NULL;
}

enum err_code
access_role(enum call call, const struct principal *p, struct err *e)
{
	const struct grant *g;
	struct buf names = {0};
	const char *text;
	enum err_code rc;

	for (g = access_rules[call].grants; g->role != 0; g++)
		if ((p->roles & g->role) != 0)
			return E_OK;
	for (g = access_rules[call].grants; g->role != 0; g++) {
		buf_put_str(&names, names.n > 0 ? ", " : "");
		buf_put_str(&names, role_name(g->role));
	}
	text = buf_cstr(&names);
	rc = err_set(e, E_ROLE, "%s needs one of the roles %s", access_rules[call].name,
		     text != NULL ? text : "");
	buf_free(&names);
	return rc;
}

struct scope_row {
	const char (*owned)[PREFIX_MAX];
	size_t count, len;
	const char *what;
	enum err_code code;
};

/* The prefixes of p that a scope compares with. */
static struct scope_row
scope_row(enum scope scope, const struct principal *p)
{
	struct scope_row row = {NULL, 0, 0, NULL, E_ROLE};

	if (scope == SCOPE_WMI)
		row = (struct scope_row){p->wmi, p->wmis, 3, "WMI", E_SCOPE_WMI};
	if (scope == SCOPE_PROVIDER)
		row = (struct scope_row){p->provider, p->providers, 5, "provider id",
					 E_SCOPE_PROVIDER};
	if (scope == SCOPE_OPERATOR)
		row = (struct scope_row){p->operator_id, p->operators, 5, "operator id",
					 E_SCOPE_OPERATOR};
	return row;
}

/* The first len characters without separators, upper case; false when there are fewer. */
static bool
prefix_of(const char *subject, size_t len, char out[PREFIX_MAX])
{
	size_t n = 0;

	for (; n < len && *subject != '\0'; subject++)
		if (*subject != '-' && *subject != '*')
			out[n++] = *subject;
	out[n] = '\0';
	str_upper(out);
	return n == len;
}

enum err_code
access_scope(enum call call, const struct principal *p, const char *subject, struct err *e)
{
	const struct grant *g;
	struct scope_row refused = {0};
	char prefix[PREFIX_MAX] = "";
	size_t i;

	for (g = access_rules[call].grants; g->role != 0; g++) {
		struct scope_row row = scope_row(g->scope, p);

		if ((p->roles & g->role) == 0)
			continue;
		if (g->scope == SCOPE_ALL)
			return E_OK;
		refused = row;
		if (!prefix_of(subject, row.len, prefix))
			continue;
		for (i = 0; i < row.count; i++)
			if (strcmp(row.owned[i], prefix) == 0)
				return E_OK;
	}
	if (refused.what == NULL)
		return access_role(call, p, e);
	return err_set(e, refused.code, "%s \"%s\" does not belong to participant %s", refused.what,
		       prefix, p->id);
}
