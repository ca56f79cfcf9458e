/* SPDX-License-Identifier: Apache-2.0 */
/* The pools: roots (RCP), provisioning certificates (PCP), bundles (CPS) and contracts (CCP). Rules
 * and transactions; no HTTP, no JSON, no SQL, no PKCS#11. A CA is known only as struct issuer, CPS
 * keys only as struct signer. A struct pool is immutable after pool_open but for its caches, which
 * own their locks; shared by all threads. Callers have been authorised (api/access.c). */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "db/pool_store.h"
#include "policy/issuer.h"
#include "policy/role.h"

struct pool;

/* Status of a foreign certificate: today always E_OK (foreign OCSP and CRL come with their own
 * issue); the calls are where the checks of spec/protocols 5.1 stand. */
struct status_source {
	void *ctx;
	enum err_code (*check)(void *ctx, struct span cert, struct span issuer, struct err *e);
};

struct pool_conf {
	struct db *db;
	struct issuer issuer;
	struct signer signer;
	struct status_source status;
	enum check_policy emaid_check;
};
enum err_code pool_open(const struct pool_conf *conf, struct pool **out, struct err *e) MUST_CHECK;
void pool_close(struct pool *p);

/* --- RCP (spec/protocols 2.1) --- */
enum err_code pool_root_put(struct pool *p, const char *actor, struct span der, unsigned types,
			    struct root_row *out, struct err *e) MUST_CHECK;
enum err_code pool_root_list(struct pool *p, unsigned types, struct root_row **rows, size_t *count,
			     struct err *e) MUST_CHECK;
enum err_code
pool_root_get(struct pool *p, const char *id, struct root_row *out, struct err *e) MUST_CHECK;
enum err_code
pool_root_delete(struct pool *p, const char *actor, const char *id, struct err *e) MUST_CHECK;

/* --- PCP (2.2, 5.1) --- */
struct vehicle_put { /* spans lent */
	const char *actor;
	struct span leaf, sub2, sub1; /* sub2 may be empty */
	const char *xmlns;            /* NULL: -2 */
	const char *previous_pcid;    /* NULL: none */
	const char *v2g_akis;         /* JSON array text, NULL: none */
};
/* What a vehicle answer shows beside the stored row. */
struct vehicle_view {
	struct vehicle_row row;
	char root_dn[256];
	char root_serial[65]; /* lower hex */
	char root_aki[128];   /* lower colon hex */
	char fingerprint[65]; /* of the leaf */
};
void vehicle_view_free(struct vehicle_view *v);
enum err_code pool_vehicle_put(struct pool *p, const struct vehicle_put *in,
			       struct vehicle_view *out, struct err *e) MUST_CHECK;
/* E_VEHICLE_UNKNOWN; checks on read as in 5.1 (expired: E_VEHICLE_UNKNOWN, D28). */
enum err_code pool_vehicle_get(struct pool *p, const char *pcid, struct vehicle_view *out,
			       struct err *e) MUST_CHECK;
enum err_code
pool_vehicle_delete(struct pool *p, const char *actor, const char *pcid,
		    struct err *e) MUST_CHECK; /* revokes our contract certificates first */
enum err_code pool_vehicle_lookup(struct pool *p, const char *pcid, struct err *e) MUST_CHECK;

/* --- CPS (2.3, 5.2) --- */
struct contract_order {
	const char *request_id, *actor;
	const char *emaid, *pcid, *xmlns;
	int64_t begins, ends; /* seconds since 1970 */
	const char *cps_root; /* 64 hex or the UUID of a root in the RCP; NULL: ours to choose */
	const char *subscription_url, *metadata; /* NULL: none */
};
/* Key pair in secure memory, contract certificate from the MO CA, key wrapped for the car, bundle
 * signed by the CPS key, one row in the CCP. Repeating the same pair replaces the data. */
enum err_code
pool_contract_generate(struct pool *p, const struct contract_order *o, struct err *e) MUST_CHECK;

struct signer_view {
	struct cps_chain chain;
	char cps_dn[256], root_dn[256], organisation[129];
	int64_t not_before, not_after;
};
/* *views: array of *count owned by the caller: free with signer_views_free. */
enum err_code
pool_signers(struct pool *p, struct signer_view **views, size_t *count, struct err *e) MUST_CHECK;
void signer_views_free(struct signer_view *views, size_t count);

/* --- CCP (2.4, 5.4) --- */
struct install_query {
	const char *request_id, *actor;
	struct span exi; /* CertificateInstallationReq, decoded from base64 */
	const char *xmlns;
};
struct install_answer { /* owned by the caller: install_answer_free */
	bool positive;
	char emaid[37], cps_root[65];
	struct buf exi; /* CertificateInstallationRes, also when negative */
	struct buf metadata;
	const char *response_code; /* "OK", "FAILED_NoCertificateAvailable", … */
};
void install_answer_free(struct install_answer *a);
/* E_OK with a positive or a negative answer; E_EXI, E_NAMESPACE, … where no answer can be made
 * (400). The reason of a negative answer is also put into *e's text with e->code E_INSTALL_REFUSED
 * while the function returns E_OK. */
enum err_code pool_install(struct pool *p, const struct install_query *q,
			   struct install_answer *out, struct err *e) MUST_CHECK;

/* Revokes first where the certificate is ours (unless skip_revocation), then deletes. */
enum err_code
pool_contract_delete(struct pool *p, const char *request_id, const char *actor, const char *emaid,
		     bool skip_revocation, struct err *e) MUST_CHECK;

struct contract_view {
	struct contract_row row;
	char cps_root[65], cps_root_dn[256];
};
void contract_views_free(struct contract_view *views, size_t count);
/* By EMAID: E_CONTRACT_UNKNOWN. By PCID: E_VEHICLE_UNKNOWN, or an empty array (D19). */
enum err_code
pool_contracts_by_emaid(struct pool *p, const char *emaid, const char *xmlns, const char *cps_root,
			struct contract_view **views, size_t *count, struct err *e) MUST_CHECK;
enum err_code
pool_contracts_by_pcid(struct pool *p, const char *pcid, const char *xmlns,
		       struct contract_view **views, size_t *count, struct err *e) MUST_CHECK;
/* A ready Res for an OEM backend. */
struct bundle_query {
	const char *request_id, *emaid, *pcid;
	const char *session_id; /* hex; "" or NULL: one octet 00 (D20) */
	const char *xmlns;      /* NULL: -2 */
	const char *cps_root;   /* 64 hex or the UUID of a root in the RCP (D38); NULL: any */
};
/* E_CONTRACT_UNKNOWN also when there is no bundle under the root that was asked for. */
enum err_code pool_bundle_fetch(struct pool *p, const struct bundle_query *q,
				struct install_answer *out, struct err *e) MUST_CHECK;

#endif
