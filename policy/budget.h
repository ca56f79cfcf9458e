/* SPDX-License-Identifier: Apache-2.0 */
/* The size budget of a bundle: six certificates of at most 3390 bytes DER together, which keeps the
 * answer within 4200 bytes of EXI, 5600 base64 characters of OCPP 2.0.1 (spec/iso15118 A.5). */
#ifndef POLICY_BUDGET_H
#define POLICY_BUDGET_H

#include "policy/profile.h"

#define BUDGET_CERTS_MAX 3390 /* bytes DER of the six certificates of a bundle */
#define BUDGET_EXI_MAX	 4200 /* bytes of EXI */

struct budget_names { /* O and CN of the six certificates' subjects and their roots */
	const char *v2g_root_o, *v2g_root_cn, *mo_root_o, *mo_root_cn;
	const char *cps_sub1_o, *cps_sub1_cn, *cps_sub2_o, *cps_sub2_cn, *cps_o, *cps_cn;
	const char *mo_sub1_o, *mo_sub1_cn, *mo_sub2_o, *mo_sub2_cn, *contract_o;
	/* the contract's CN is an EMAID of 15 characters */
};

struct budget {
	size_t cps_sub1, cps_sub2, cps_leaf, mo_sub1, mo_sub2, contract; /* bytes DER, longest form */
	size_t sum;
};

/* Fills *out; E_SIZE_BUDGET with the sum, the limit and the largest parts when it is over. */
enum err_code budget_check(const struct profile_params *params, const struct budget_names *names,
			   struct budget *out, struct err *e) MUST_CHECK;

#endif
