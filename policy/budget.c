/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/budget.h"

#define EMAID_SAMPLE "DEABCC12345678X" /* 15 characters, the longest of ISO 15118-2 */

struct part {
	enum profile_id profile;
	const char *issuer_o, *issuer_cn, *o, *cn;
	size_t *bytes;
};

static enum err_code
over_budget(const struct part *parts, size_t count, const struct budget *b, struct err *e)
{
	const struct part *first = &parts[0], *second = &parts[1];
	size_t i;

	for (i = 1; i < count; i++) {
		if (*parts[i].bytes > *first->bytes) {
			second = first;
			first = &parts[i];
		} else if (*parts[i].bytes > *second->bytes) {
			second = &parts[i];
		}
	}
	return err_set(e, E_SIZE_BUDGET,
		       "the six certificates of a bundle take up to %zu bytes DER, %d are allowed: "
		       "a bundle must fit 5600 characters of OCPP 2.0.1. Largest: %s %zu, %s %zu. "
		       "Shorten names, OCSP URL or policy OID",
		       b->sum, BUDGET_CERTS_MAX, profiles[first->profile].name, *first->bytes,
		       profiles[second->profile].name, *second->bytes);
}

enum err_code
budget_check(const struct profile_params *params, const struct budget_names *n, struct budget *out,
	     struct err *e)
{
	const struct part parts[] = {
		{PROFILE_CPS_SUB1, n->v2g_root_o, n->v2g_root_cn, n->cps_sub1_o, n->cps_sub1_cn,
		 &out->cps_sub1},
		{PROFILE_CPS_SUB2, n->cps_sub1_o, n->cps_sub1_cn, n->cps_sub2_o, n->cps_sub2_cn,
		 &out->cps_sub2},
		{PROFILE_CPS_LEAF, n->cps_sub2_o, n->cps_sub2_cn, n->cps_o, n->cps_cn,
		 &out->cps_leaf},
		{PROFILE_MO_SUB1, n->mo_root_o, n->mo_root_cn, n->mo_sub1_o, n->mo_sub1_cn,
		 &out->mo_sub1},
		{PROFILE_MO_SUB2, n->mo_sub1_o, n->mo_sub1_cn, n->mo_sub2_o, n->mo_sub2_cn,
		 &out->mo_sub2},
		{PROFILE_CONTRACT_LEAF, n->mo_sub2_o, n->mo_sub2_cn, n->contract_o, EMAID_SAMPLE,
		 &out->contract},
	};
	enum err_code rc;
	size_t i;

	*out = (struct budget){0};
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		const struct part *p = &parts[i];

		if ((rc = profile_der_size(p->profile, params, p->issuer_o, p->issuer_cn, p->o,
					   p->cn, p->bytes, e)) != E_OK) {
			err_context(e, "%s", profiles[p->profile].name);
			return rc;
		}
		out->sum += *p->bytes;
	}
	if (out->sum > BUDGET_CERTS_MAX)
		return over_budget(parts, ARRAY_LEN(parts), out, e);
	return E_OK;
}
