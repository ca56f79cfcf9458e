/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/profile.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "policy/name.h"

#define YEAR 31557600 /* seconds, 365.25 days */

#define KU_CA (KU_KEY_CERT_SIGN | KU_CRL_SIGN)
#define KU_CONTRACT \
	(KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION | KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT)
#define DER_MAX_2   800  /* bytes, ISO 15118-2 [V2G2-010] */
#define DER_MAX_TLS 2048 /* bytes; no limit of ISO 15118 */

/* clang-format off */
#define ROOT(ID, NAME, DC)                                                                         \
	{.id = (ID), .name = (NAME), .edition = EDITION_2, .dc = (DC), .algo = ALGO_P256,          \
	 .validity = 40LL * YEAR, .validity_max = 40LL * YEAR, .is_ca = true, .path_len = -1,      \
	 .ku = KU_CA, .der_max = DER_MAX_2, .issuer = (ID),                                        \
	 .clause = "ISO 15118-2 Annex F table F.1, [V2G2-011]"}
#define SUB1(ID, NAME, DC, ISSUER, CLAUSE)                                                         \
	{.id = (ID), .name = (NAME), .edition = EDITION_2, .dc = (DC), .algo = ALGO_P256,          \
	 .validity = 20LL * YEAR, .validity_max = 40LL * YEAR, .is_ca = true, .path_len = 1,       \
	 .ku = KU_CA, .aia = true, .policy = true, .der_max = DER_MAX_2, .issuer = (ISSUER),       \
	 .clause = (CLAUSE)}
#define SUB2(ID, NAME, DC, ISSUER, KU_SWITCH, CLAUSE)                                              \
	{.id = (ID), .name = (NAME), .edition = EDITION_2, .dc = (DC), .algo = ALGO_P256,          \
	 .validity = 10LL * YEAR, .validity_max = 20LL * YEAR, .is_ca = true, .path_len = 0,       \
	 .ku = KU_CA, .ku_switch = (KU_SWITCH), .aia = true, .policy = true,                       \
	 .der_max = DER_MAX_2, .issuer = (ISSUER), .clause = (CLAUSE)}

/* spec/iso15118 A.5 */
const struct profile profiles[PROFILE_COUNT] = {
	[PROFILE_V2G_ROOT] = ROOT(PROFILE_V2G_ROOT, "v2g-root", "V2G"),
	[PROFILE_MO_ROOT] = ROOT(PROFILE_MO_ROOT, "mo-root", "MO"),
	[PROFILE_OEM_ROOT] = ROOT(PROFILE_OEM_ROOT, "oem-root", "OEM"),
	[PROFILE_CPO_SUB1] = SUB1(PROFILE_CPO_SUB1, "cpo-sub1", "CPO", PROFILE_V2G_ROOT,
		"ISO 15118-2 Annex F table F.2"),
	[PROFILE_CPO_SUB2] = SUB2(PROFILE_CPO_SUB2, "cpo-sub2", "CPO", PROFILE_CPO_SUB1, 0,
		"ISO 15118-2 Annex F table F.2"),
	[PROFILE_CPS_SUB1] = SUB1(PROFILE_CPS_SUB1, "cps-sub1", "CPS", PROFILE_V2G_ROOT,
		"ISO 15118-2 Annex F table F.3"),
	[PROFILE_CPS_SUB2] = SUB2(PROFILE_CPS_SUB2, "cps-sub2", "CPS", PROFILE_CPS_SUB1, 0,
		"ISO 15118-2 Annex F table F.3"),
	[PROFILE_MO_SUB1] = SUB1(PROFILE_MO_SUB1, "mo-sub1", "MO", PROFILE_MO_ROOT,
		"ISO 15118-2 Annex F table F.4"),
	[PROFILE_MO_SUB2] = SUB2(PROFILE_MO_SUB2, "mo-sub2", "MO", PROFILE_MO_SUB1,
		KU_DIGITAL_SIGNATURE, "ISO 15118-2 Annex F table F.4"),
	[PROFILE_OEM_SUB1] = SUB1(PROFILE_OEM_SUB1, "oem-sub1", "OEM", PROFILE_OEM_ROOT,
		"ISO 15118-2 Annex F table F.5"),
	[PROFILE_OEM_SUB2] = SUB2(PROFILE_OEM_SUB2, "oem-sub2", "OEM", PROFILE_OEM_SUB1, 0,
		"ISO 15118-2 Annex F table F.5"),
	[PROFILE_SECC_LEAF] = {
		.id = PROFILE_SECC_LEAF, .name = "secc-leaf", .edition = EDITION_2, .dc = "CPO",
		.algo = ALGO_P256, .validity = 90LL * DAY, .validity_max = 366LL * DAY,
		.path_len = -1, .ku = KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT,
		.aia = true, .crldp = true, .policy = true, .der_max = DER_MAX_2,
		.issuer = PROFILE_CPO_SUB2,
		.clause = "ISO 15118-2 Annex F table F.2, [V2G2-925]"},
	[PROFILE_CPS_LEAF] = {
		.id = PROFILE_CPS_LEAF, .name = "cps-leaf", .edition = EDITION_2, .dc = "CPS",
		.algo = ALGO_P256, .validity = 2LL * YEAR, .validity_max = 731LL * DAY,
		.path_len = -1, .ku = KU_DIGITAL_SIGNATURE,
		.aia = true, .policy = true, .der_max = DER_MAX_2, .issuer = PROFILE_CPS_SUB2,
		.clause = "ISO 15118-2 Annex F table F.3"},
	[PROFILE_CONTRACT_LEAF] = {
		.id = PROFILE_CONTRACT_LEAF, .name = "contract-leaf", .edition = EDITION_2,
		.dc = "MO", .algo = ALGO_P256, .validity = 2LL * YEAR, .validity_max = 731LL * DAY,
		.path_len = -1, .ku = KU_CONTRACT,
		.aia = true, .policy = true, .der_max = DER_MAX_2, .issuer = PROFILE_MO_SUB2,
		.clause = "ISO 15118-2 Annex F table F.4, [V2G2-108]"},
	[PROFILE_PROVISIONING_LEAF] = {
		.id = PROFILE_PROVISIONING_LEAF, .name = "provisioning-leaf",
		.edition = EDITION_2, .dc = "OEM", .algo = ALGO_P256, .validity = 4LL * YEAR,
		.validity_max = 20LL * YEAR, .path_len = -1,
		.ku = KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT,
		.aia = true, .crldp_switch = true, .policy = true, .der_max = DER_MAX_2,
		.issuer = PROFILE_OEM_SUB2,
		.clause = "ISO 15118-2 Annex F table F.5, [V2G2-822], [V2G2-933]"},
	[PROFILE_OCSP_SIGNER] = {
		.id = PROFILE_OCSP_SIGNER, .name = "ocsp-signer", .edition = EDITION_2,
		.algo = ALGO_P256, .validity = 30LL * DAY, .validity_max = 90LL * DAY,
		.path_len = -1, .ku = KU_DIGITAL_SIGNATURE, .eku = EKU_OCSP_SIGNING,
		.policy = true, .nocheck = true, .der_max = DER_MAX_2, .issuer = PROFILE_COUNT,
		.clause = "ISO 15118-2 Annex F table F.2, RFC 6960 4.2.2.2"},
	[PROFILE_TOKEN_SIGNER] = {
		.id = PROFILE_TOKEN_SIGNER, .name = "token-signer", .edition = EDITION_NONE,
		.algo = ALGO_P256, .validity = 2LL * YEAR, .validity_max = 731LL * DAY,
		.path_len = -1, .ku = KU_DIGITAL_SIGNATURE, .policy = true,
		.der_max = DER_MAX_TLS, .issuer = PROFILE_SERVICE_ROOT, .clause = "RFC 5280 4.2"},
	[PROFILE_SERVICE_ROOT] = {
		.id = PROFILE_SERVICE_ROOT, .name = "service-root", .edition = EDITION_NONE,
		.algo = ALGO_P256, .validity = 20LL * YEAR, .validity_max = 40LL * YEAR,
		.is_ca = true, .path_len = -1, .ku = KU_CA, .der_max = DER_MAX_TLS,
		.issuer = PROFILE_SERVICE_ROOT, .clause = "RFC 5280 4.2"},
	[PROFILE_SERVICE_TLS_SERVER] = {
		.id = PROFILE_SERVICE_TLS_SERVER, .name = "service-tls-server",
		.edition = EDITION_NONE, .algo = ALGO_P256, .validity = 90LL * DAY,
		.validity_max = 398LL * DAY, .path_len = -1, .ku = KU_DIGITAL_SIGNATURE,
		.eku = EKU_SERVER_AUTH, .crldp = true, .policy = true, .der_max = DER_MAX_TLS,
		.issuer = PROFILE_SERVICE_ROOT, .clause = "RFC 9525 6, RFC 5280 4.2"},
	[PROFILE_SERVICE_TLS_CLIENT] = {
		.id = PROFILE_SERVICE_TLS_CLIENT, .name = "service-tls-client",
		.edition = EDITION_NONE, .algo = ALGO_P256, .validity = 365LL * DAY,
		.validity_max = 731LL * DAY, .path_len = -1, .ku = KU_DIGITAL_SIGNATURE,
		.eku = EKU_CLIENT_AUTH, .crldp = true, .policy = true, .der_max = DER_MAX_TLS,
		.issuer = PROFILE_SERVICE_ROOT, .clause = "RFC 5280 4.2"},
};
/* clang-format on */

const struct profile *
profile_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < PROFILE_COUNT; i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}

unsigned
profile_ku(const struct profile *p, const struct profile_params *params)
{
	return p->ku | (params->mo_sub2_signs ? p->ku_switch : 0);
}

bool
profile_has_crldp(const struct profile *p, const struct profile_params *params)
{
	return p->crldp || (p->crldp_switch && params->provisioning_crldp);
}

enum err_code
serial_make(uint8_t out[SERIAL_LEN], struct err *e)
{
	enum err_code rc;

	do {
		if ((rc = random_bytes(out, SERIAL_LEN, e)) != E_OK)
			return rc;
		out[0] &= 0x7f;
	} while (out[0] == 0);
	return E_OK;
}

enum err_code
/* NOLINTNEXTLINE(readability-function-size): eight parameters, all of them names */
profile_der_size(enum profile_id id, const struct profile_params *params, const char *issuer_o,
		 const char *issuer_cn, const char *o, const char *cn, size_t *bytes, struct err *e)
{
	static const uint8_t ones[133] = {4, 1}; /* any key: sizes do not depend on it */
	const struct profile *p = &profiles[id];
	const struct algo *a = algo_get(p->algo);
	struct name_parts issuer = {.country = params->country, .o = issuer_o, .cn = issuer_cn};
	struct buf name = {0}, tbs = {0};
	struct tbs_request rq = {.profile = p, .params = *params, .issuer_algo = a, .algo = a};
	enum err_code rc;

	rq.serial = (struct span){ones + 1, SERIAL_LEN};
	rq.point = (struct span){ones, a->point_len};
	rq.issuer_ski = (struct span){ones, 8};
	rq.not_before = clock_now();
	rq.not_after = rq.not_before + p->validity - 1;
	rq.o = o;
	rq.cn = cn;
	rq.san_dns[0] = p->eku == EKU_SERVER_AUTH ? cn : NULL;
	issuer.dc = p->issuer < PROFILE_COUNT ? profiles[p->issuer].dc : NULL;
	if (p->issuer != id && (rc = name_build(&issuer, &name, e)) != E_OK)
		goto out;
	rq.issuer_name = buf_span(&name);
	if ((rc = tbs_build(&rq, &tbs, e)) == E_OK)
		*bytes = tbs_cert_size(tbs.n, a);
out:
	buf_free(&tbs);
	buf_free(&name);
	return rc;
}
