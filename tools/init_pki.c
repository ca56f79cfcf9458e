/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fault.h"
#include "tools/init.h"

/* clang-format off */
const struct init_ca init_cas[] = {
	/* name, profile, issuer, CN, published as */
	{"v2g-root", PROFILE_V2G_ROOT, NULL, "V2G Root 1", ROOT_V2G},
	{"mo-root", PROFILE_MO_ROOT, NULL, "MO Root G1", ROOT_MO},
	{"oem-root", PROFILE_OEM_ROOT, NULL, "OEM Root 1", ROOT_OEM},
	{"service-root", PROFILE_SERVICE_ROOT, NULL, "Service", 0},
	{"cpo-sub1", PROFILE_CPO_SUB1, "v2g-root", "CPO SubCA1", 0},
	{"cpo-sub2", PROFILE_CPO_SUB2, "cpo-sub1", "CPO SubCA2", 0},
	{"cps-sub1", PROFILE_CPS_SUB1, "v2g-root", "CPS SubCA1", 0},
	{"cps-sub2", PROFILE_CPS_SUB2, "cps-sub1", "CPS SubCA2", 0},
	{"mo-sub1", PROFILE_MO_SUB1, "mo-root", "MO SubCA 1", 0},
	{"mo-sub2", PROFILE_MO_SUB2, "mo-sub1", "MO SubCA 2", 0},
	{"oem-sub1", PROFILE_OEM_SUB1, "oem-root", "OEM SubCA1", 0},
	{"oem-sub2", PROFILE_OEM_SUB2, "oem-sub1", "OEM SubCA2", 0},
	{"cps-leaf", PROFILE_CPS_LEAF, "cps-sub2", "CPS Signer", 0},
	{"token-signer", PROFILE_TOKEN_SIGNER, "service-root", "Tokens", 0},
};
/* clang-format on */

const size_t init_ca_count = ARRAY_LEN(init_cas);

static const char *
cn_of(const char *name)
{
	size_t i;

	for (i = 0; i < init_ca_count; i++)
		if (strcmp(init_cas[i].name, name) == 0)
			return init_cas[i].cn;
	return "";
}

enum err_code
init_budget(const struct init *in, struct budget *out, struct err *e)
{
	struct profile_params params = runtime_params(in->conf);
	const char *o = conf_str(in->conf, "pki.name");
	struct budget_names names = {
		.v2g_root_o = o,
		.v2g_root_cn = cn_of("v2g-root"),
		.mo_root_o = o,
		.mo_root_cn = cn_of("mo-root"),
		.cps_sub1_o = o,
		.cps_sub1_cn = cn_of("cps-sub1"),
		.cps_sub2_o = o,
		.cps_sub2_cn = cn_of("cps-sub2"),
		.cps_o = o,
		.cps_cn = cn_of("cps-leaf"),
		.mo_sub1_o = o,
		.mo_sub1_cn = cn_of("mo-sub1"),
		.mo_sub2_o = o,
		.mo_sub2_cn = cn_of("mo-sub2"),
		.contract_o = o,
	};

	return budget_check(&params, &names, out, e);
}

enum err_code
init_hierarchies(struct init *in, bool *made, struct err *e)
{
	struct err refusal;
	enum err_code rc;
	size_t i;

	for (i = 0; i < init_ca_count; i++) {
		const struct init_ca *row = &init_cas[i];
		struct ca_spec spec = {
			.name = row->name,
			.profile = row->profile,
			.issuer = row->issuer,
			.token = INIT_TOKEN,
			.o = conf_str(in->conf, "pki.name"),
			.cn = row->cn,
		};

		refusal = (struct err){0};
		rc = ca_create(in->rt.ca, &spec, "init", &refusal);
		fault_point("init.ca-made");
		if (rc == E_CA_EXISTS)
			continue;
		if (rc != E_OK) {
			err_context(&refusal, "%s", row->name);
			return err_set(e, rc, "%s", refusal.text);
		}
		*made = true;
	}
	return E_OK;
}

static bool
is_published(const struct root_row *rows, size_t count, const uint8_t fingerprint[SHA256_LEN])
{
	size_t i;

	for (i = 0; i < count; i++)
		if (memcmp(rows[i].fingerprint, fingerprint, SHA256_LEN) == 0)
			return true;
	return false;
}

static enum err_code
publish(struct init *in, const struct init_ca *row, bool *made, struct err *e)
{
	uint8_t fingerprint[SHA256_LEN];
	struct root_row *rows = NULL, added = {0};
	struct buf der = {0};
	size_t count = 0, i;
	enum err_code rc;

	if ((rc = ca_cert(in->rt.ca, row->name, &der, e)) != E_OK ||
	    (rc = sha256(buf_span(&der), fingerprint, e)) != E_OK ||
	    (rc = pool_root_list(in->rt.pool, row->root_types, &rows, &count, e)) != E_OK)
		goto out;
	if (is_published(rows, count, fingerprint))
		goto out;
	rc = pool_root_put(in->rt.pool, "init", buf_span(&der), row->root_types, &added, e);
	*made = true;
out:
	for (i = 0; i < count; i++)
		root_row_free(&rows[i]);
	free(rows);
	root_row_free(&added);
	buf_free(&der);
	return rc;
}

enum err_code
init_roots(struct init *in, bool *made, struct err *e)
{
	enum err_code rc;
	size_t i;

	for (i = 0; i < init_ca_count; i++) {
		if (init_cas[i].root_types == 0)
			continue;
		if ((rc = publish(in, &init_cas[i], made, e)) != E_OK)
			return rc;
		fault_point("init.root-published");
	}
	return E_OK;
}

/* Facts about the deployment; "initialised" is the last thing that init makes. */
enum err_code
init_meta(struct init *in, bool *made, struct err *e)
{
	static const char *const facts[][2] = {
		{"name", "pki.name"},
		{"public_url", "pki.public_url"},
		{"ocsp_url", "pki.ocsp_url"},
		{"crl_base", "pki.crl_base"},
		{"policy_oid", "pki.policy_oid"},
	};
	struct buf value = {0};
	char now[RFC3339_LEN];
	enum err_code rc;
	size_t i;

	rc = db_meta_get(in->rt.db, "initialised", &value, NULL);
	buf_free(&value);
	if (rc == E_OK)
		return E_OK;
	*made = true;
	for (i = 0; i < ARRAY_LEN(facts); i++)
		if ((rc = db_meta_set(in->rt.db, facts[i][0], conf_str(in->conf, facts[i][1]),
				      e)) != E_OK)
			return rc;
	clock_format(clock_now(), now);
	return db_meta_set(in->rt.db, "initialised", now, e);
}
