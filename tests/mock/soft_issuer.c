/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/mock/soft_issuer.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/ec.h"
#include "base/str.h"

#include <string.h>

#define ROOT_LIFE (INT64_C(3650) * DAY)
#define NONE      SOFT_COUNT

static const struct soft_row {
	enum profile_id profile;
	enum soft_name issuer;
	const char *name, *cn;
} soft_rows[SOFT_COUNT] = {
	[SOFT_V2G_ROOT] = {PROFILE_V2G_ROOT, NONE, "v2g-root", "V2G Root"},
	[SOFT_CPS_SUB1] = {PROFILE_CPS_SUB1, SOFT_V2G_ROOT, "cps-sub1", "CPS Sub1"},
	[SOFT_CPS_SUB2] = {PROFILE_CPS_SUB2, SOFT_CPS_SUB1, "cps-sub2", "CPS Sub2"},
	[SOFT_CPS_LEAF] = {PROFILE_CPS_LEAF, SOFT_CPS_SUB2, "cps-leaf", "CPS"},
	[SOFT_V2G_ROOT_B] = {PROFILE_V2G_ROOT, NONE, "v2g-root-b", "V2G Root B"},
	[SOFT_CPS_SUB1_B] = {PROFILE_CPS_SUB1, SOFT_V2G_ROOT_B, "cps-sub1-b", "CPS Sub1 B"},
	[SOFT_CPS_SUB2_B] = {PROFILE_CPS_SUB2, SOFT_CPS_SUB1_B, "cps-sub2-b", "CPS Sub2 B"},
	[SOFT_CPS_LEAF_B] = {PROFILE_CPS_LEAF, SOFT_CPS_SUB2_B, "cps-leaf-b", "CPS B"},
	[SOFT_MO_ROOT] = {PROFILE_MO_ROOT, NONE, "mo-root", "MO Root"},
	[SOFT_MO_SUB1] = {PROFILE_MO_SUB1, SOFT_MO_ROOT, "mo-sub1", "MO Sub1"},
	[SOFT_MO_SUB2] = {PROFILE_MO_SUB2, SOFT_MO_SUB1, "mo-sub2", "MO Sub2"},
	[SOFT_OEM_ROOT] = {PROFILE_OEM_ROOT, NONE, "oem-root", "OEM Root"},
	[SOFT_OEM_SUB1] = {PROFILE_OEM_SUB1, SOFT_OEM_ROOT, "oem-sub1", "OEM Sub1"},
	[SOFT_OEM_SUB2] = {PROFILE_OEM_SUB2, SOFT_OEM_SUB1, "oem-sub2", "OEM Sub2"},
};

static const struct profile_params params = {
	.policy_oid = "1.3.6.1.4.1.55555.1",
	.ocsp_url = "http://127.0.0.1:8080/ocsp",
};

void
soft_key_free(struct soft_key *k)
{
	secret_free(&k->scalar);
	buf_free(&k->point);
	buf_free(&k->cert);
}

/* --- certificates --- */

static enum err_code
sign_tbs(struct span tbs, const struct secret *scalar, struct buf *der, struct err *e)
{
	const struct algo *a = algo_get(ALGO_P256);
	struct buf raw = {0};
	enum err_code rc;

	if ((rc = ec_sign(a, scalar, tbs, &raw, e)) == E_OK)
		rc = tbs_finish(tbs, a, buf_span(&raw), der, e);
	buf_free(&raw);
	return rc;
}

/* issuer NULL: self-signed with the key of signer. */
static enum err_code
mint(const struct soft_key *issuer, const struct soft_key *signer, struct tbs_request *rq,
     struct buf *der, struct err *e)
{
	uint8_t serial[SERIAL_LEN];
	struct buf tbs = {0};
	struct cert c;
	enum err_code rc;

	if (issuer != NULL) {
		if ((rc = cert_parse(buf_span(&issuer->cert), &c, e)) != E_OK)
			return rc;
		rq->issuer_name = c.subject;
		rq->issuer_ski = c.ski;
	}
	if ((rc = serial_make(serial, e)) != E_OK)
		return rc;
	rq->params = params;
	rq->serial = (struct span){serial, sizeof(serial)};
	rq->algo = rq->issuer_algo = algo_get(ALGO_P256);
	rq->o = "v2gpki";
	if ((rc = tbs_build(rq, &tbs, e)) == E_OK)
		rc = sign_tbs(buf_span(&tbs), &signer->scalar, der, e);
	buf_free(&tbs);
	return rc;
}

enum err_code
soft_mint(struct soft_pki *pki, const struct soft_leaf *leaf, struct buf *der, struct err *e)
{
	const struct soft_key *issuer = &pki->key[leaf->issuer];
	struct tbs_request rq = {
		.profile = &profiles[leaf->profile],
		.point = leaf->point,
		.cn = leaf->cn,
		.not_before = leaf->not_before != 0 ? leaf->not_before : clock_now() - 3600,
		.not_after = leaf->not_after != 0 ? leaf->not_after : clock_now() + 30 * DAY,
	};

	return mint(issuer, issuer, &rq, der, e);
}

enum err_code
soft_car(struct soft_pki *pki, const char *pcid, struct soft_key *car, struct err *e)
{
	struct soft_leaf leaf = {
		.issuer = SOFT_OEM_SUB2, .profile = PROFILE_PROVISIONING_LEAF, .cn = pcid};
	enum err_code rc;

	memset(car, 0, sizeof(*car));
	if ((rc = ec_generate(algo_get(ALGO_P256), &car->scalar, &car->point, e)) != E_OK)
		return rc;
	leaf.point = buf_span(&car->point);
	return soft_mint(pki, &leaf, &car->cert, e);
}

static enum err_code
make_ca(struct soft_pki *pki, size_t i, struct err *e)
{
	const struct soft_row *row = &soft_rows[i];
	struct soft_key *k = &pki->key[i];
	int64_t now = clock_now();
	struct tbs_request rq = {
		.profile = &profiles[row->profile],
		.cn = row->cn,
		.not_before = now - 3600,
		.not_after = now + ROOT_LIFE,
	};
	enum err_code rc;

	if (rq.not_after - rq.not_before >= rq.profile->validity_max)
		rq.not_after = rq.not_before + rq.profile->validity_max - 1;
	if ((rc = ec_generate(algo_get(ALGO_P256), &k->scalar, &k->point, e)) != E_OK)
		return rc;
	rq.point = buf_span(&k->point);
	return mint(row->issuer == NONE ? NULL : &pki->key[row->issuer],
		    row->issuer == NONE ? k : &pki->key[row->issuer], &rq, &k->cert, e);
}

static enum err_code
record_ca(struct soft_pki *pki, size_t i, struct err *e)
{
	const struct soft_row *row = &soft_rows[i];
	const struct audit_record audit = {.actor = "init", .action = "ca.created"};
	struct ca_row r = {.key_id_len = 16, .cert = pki->key[i].cert, .created = clock_now()};

	(void)str_copy(r.name, sizeof(r.name), row->name);
	(void)str_copy(r.profile, sizeof(r.profile), profiles[row->profile].name);
	(void)str_copy(r.issuer, sizeof(r.issuer),
		       row->issuer == NONE ? "" : soft_rows[row->issuer].name);
	(void)str_copy(r.token, sizeof(r.token), "soft");
	(void)str_copy(r.algo, sizeof(r.algo), "secp256r1");
	memcpy(r.key_id, pki->key[i].point.p + 1, r.key_id_len);
	return ca_store_put(pki->db, &r, &audit, e);
}

enum err_code
soft_pki_open(struct soft_pki *pki, struct db *db, struct err *e)
{
	enum err_code rc;

	memset(pki, 0, sizeof(*pki));
	pki->db = db;
	for (size_t i = 0; i < SOFT_COUNT; i++) {
		if ((rc = make_ca(pki, i, e)) != E_OK ||
		    (db != NULL && (rc = record_ca(pki, i, e)) != E_OK)) {
			soft_pki_close(pki);
			return rc;
		}
	}
	return E_OK;
}

void
soft_pki_close(struct soft_pki *pki)
{
	for (size_t i = 0; i < SOFT_COUNT; i++)
		soft_key_free(&pki->key[i]);
}

/* --- struct issuer --- */

static enum err_code
copy_cert(const struct soft_key *k, struct buf *out, struct err *e)
{
	buf_put_span(out, buf_span(&k->cert));
	return buf_ok(out, e);
}

static enum err_code
issue_chain(void *ctx, enum profile_id leaf, const char *ca, struct issued *out, struct err *e)
{
	struct soft_pki *pki = ctx;
	enum err_code rc;

	(void)ca;
	if (leaf != PROFILE_CONTRACT_LEAF)
		return err_set(e, E_CA_NO_ISSUER, "only contracts are issued here");
	(void)str_copy(out->ca, sizeof(out->ca), "mo-sub2");
	if ((rc = copy_cert(&pki->key[SOFT_MO_SUB2], &out->sub2, e)) != E_OK ||
	    (rc = copy_cert(&pki->key[SOFT_MO_SUB1], &out->sub1, e)) != E_OK)
		return rc;
	return copy_cert(&pki->key[SOFT_MO_ROOT], &out->root, e);
}

/* The rows that the CA would have written. */
static enum err_code
record_issued(struct soft_pki *pki, const struct issue_request *rq, struct issued *out,
	      struct err *e)
{
	const struct audit_record audit = {.actor = rq->participant,
					   .action = "certificate.issued",
					   .request_id = rq->request_id,
					   .subject_kind = "emaid",
					   .subject = rq->cn};
	struct cert_row row = {0};
	struct cert c;
	enum err_code rc;

	if ((rc = cert_parse(buf_span(&out->leaf), &c, e)) != E_OK ||
	    (rc = sha256(c.tbs, row.tbs_hash, e)) != E_OK ||
	    (rc = sha256(c.spki, row.spki_hash, e)) != E_OK ||
	    (rc = sha256(c.tbs, row.request_hash, e)) != E_OK)
		return rc;
	(void)str_copy(row.ca, sizeof(row.ca), out->ca);
	(void)str_copy(row.request_id, sizeof(row.request_id), rq->request_id);
	(void)str_copy(row.profile, sizeof(row.profile), profiles[rq->profile].name);
	(void)str_copy(row.participant, sizeof(row.participant), rq->participant);
	(void)str_copy(row.subject_cn, sizeof(row.subject_cn), rq->cn);
	memcpy(row.serial, c.serial.p, c.serial.n);
	row.serial_len = c.serial.n;
	row.not_before = c.not_before;
	row.not_after = c.not_after;
	row.created = clock_now();
	if ((rc = cert_store_intent(pki->db, &row, &audit, &out->cert_id, e)) != E_OK)
		return rc;
	return cert_store_issued(pki->db, out->cert_id, c.der, &audit, e);
}

static enum err_code
issue(void *ctx, const struct issue_request *rq, struct issued *out, struct err *e)
{
	struct soft_pki *pki = ctx;
	struct soft_leaf leaf = {
		.issuer = SOFT_MO_SUB2,
		.profile = rq->profile,
		.point = rq->point,
		.cn = rq->cn,
		.not_before = rq->not_before,
		.not_after = rq->not_after,
	};
	enum err_code rc;

	if (pki->fail_issue != E_OK)
		return err_set(e, pki->fail_issue, "told to fail");
	if ((rc = issue_chain(ctx, rq->profile, NULL, out, e)) != E_OK ||
	    (rc = soft_mint(pki, &leaf, &out->leaf, e)) != E_OK)
		return rc;
	out->cert_id = 1;
	if (pki->db != NULL && (rc = record_issued(pki, rq, out, e)) != E_OK)
		return rc;
	pki->issued++;
	return E_OK;
}

static enum err_code
revoke(void *ctx, const char *request_id, struct span cert_der, unsigned reason,
       const char *participant, struct err *e)
{
	const struct audit_record audit = {
		.actor = participant, .action = "certificate.revoked", .request_id = request_id};
	struct soft_pki *pki = ctx;
	uint8_t fingerprint[SHA256_LEN];
	struct cert_row row = {0};
	enum err_code rc;

	if (pki->fail_revoke != E_OK)
		return err_set(e, pki->fail_revoke, "told to fail");
	pki->revoked++;
	if (pki->db == NULL)
		return E_OK;
	if ((rc = sha256(cert_der, fingerprint, e)) == E_OK &&
	    (rc = cert_store_by_fingerprint(pki->db, fingerprint, &row, e)) == E_OK)
		rc = cert_store_revoke(pki->db, row.id, reason, clock_now(), false, &audit, e);
	cert_row_free(&row);
	return rc;
}

struct issuer
soft_issuer(struct soft_pki *pki)
{
	return (struct issuer){.ctx = pki, .issue = issue, .revoke = revoke, .chain = issue_chain};
}

/* --- struct signer --- */

static enum err_code
signer_chain(void *ctx, size_t i, struct cps_chain *out, struct err *e)
{
	struct soft_pki *pki = ctx;
	const struct soft_key *k = &pki->key[i == 0 ? SOFT_V2G_ROOT : SOFT_V2G_ROOT_B];
	uint8_t hash[SHA256_LEN];
	enum err_code rc;

	if (i > 1)
		return err_set(e, E_NOT_FOUND, "two CPS chains only");
	(void)str_copy(out->name, sizeof(out->name), i == 0 ? "cps-leaf" : "cps-leaf-b");
	if ((rc = copy_cert(&k[0], &out->root, e)) != E_OK ||
	    (rc = copy_cert(&k[1], &out->sub1, e)) != E_OK ||
	    (rc = copy_cert(&k[2], &out->sub2, e)) != E_OK ||
	    (rc = copy_cert(&k[3], &out->leaf, e)) != E_OK ||
	    (rc = sha256(buf_span(&out->root), hash, e)) != E_OK)
		return rc;
	hex_encode((struct span){hash, sizeof(hash)}, out->root_fingerprint,
		   sizeof(out->root_fingerprint));
	return E_OK;
}

static enum err_code
signer_sign(void *ctx, const char *request_id, const char *name, struct span digest,
	    struct buf *raw_sig, struct err *e)
{
	struct soft_pki *pki = ctx;
	bool second = strcmp(name, "cps-leaf-b") == 0;
	const struct soft_key *k = &pki->key[second ? SOFT_CPS_LEAF_B : SOFT_CPS_LEAF];
	enum err_code rc;

	(void)request_id;
	if (pki->fail_sign != E_OK)
		return err_set(e, pki->fail_sign, "told to fail");
	pki->signatures++;
	if (pki->on_sign != NULL) {
		void (*act)(void *) = pki->on_sign;

		pki->on_sign = NULL;
		act(pki->on_sign_ctx);
	}
	rc = ec_sign_digest(algo_get(ALGO_P256), &k->scalar, digest, raw_sig, e);
	if (rc == E_OK && pki->bad_signature)
		raw_sig->p[raw_sig->n - 1] ^= 1;
	return rc;
}

struct signer
soft_signer(struct soft_pki *pki)
{
	return (struct signer){.ctx = pki, .chain = signer_chain, .sign = signer_sign};
}
