/* SPDX-License-Identifier: Apache-2.0 */
/* The contract pool without its hot path: deletion, lists, ready bundles for OEM backends
 * (OPCP 1.0.0 CCP, spec/protocols 2.4 and 4). */
#include "base/clock.h"
#include "base/str.h"
#include "db/cert_store.h"
#include "pool/internal.h"

#include <stdlib.h>
#include <string.h>

#define SESSION_ID_MAX 8 /* bytes, ISO 15118-2 sessionIDType */

#define NO_SUCH_CONTRACT "emaid: no such contract in the pool"

void
contract_rows_free(struct contract_row *rows, size_t count)
{
	for (size_t i = 0; rows != NULL && i < count; i++)
		contract_row_free(&rows[i]);
	free(rows);
}

void
contract_views_free(struct contract_view *views, size_t count)
{
	for (size_t i = 0; views != NULL && i < count; i++)
		contract_row_free(&views[i].row);
	free(views);
}

static enum err_code
parse_emaid(struct pool *p, const char *text, struct emaid *out, struct err *e)
{
	enum err_code rc;

	/* A wrong check digit finds no other contract: only orders are held to it. */
	(void)p;
	if ((rc = emaid_parse(text, CHECK_OFF, out, e)) != E_OK)
		err_context(e, "emaid");
	return rc;
}

/* --- whether a contract may be handed out --- */

static enum err_code
check_own_status(struct pool *p, const struct contract_row *c, struct err *e)
{
	uint8_t fingerprint[SHA256_LEN];
	struct cert_row row = {0};
	enum err_code rc;

	if ((rc = sha256(buf_span(&c->cert), fingerprint, e)) != E_OK)
		return rc;
	rc = pool_missing(cert_store_by_fingerprint(p->conf.db, fingerprint, &row, e),
			  E_CERT_UNTRUSTED, "contract certificate: not one that we have issued", e);
	if (rc == E_OK && (row.status != CERT_GOOD || row.state != CERT_ISSUED))
		rc = err_set(e, E_CERT_REVOKED, "contract certificate: revoked");
	cert_row_free(&row);
	return rc;
}

enum err_code
contract_check(struct pool *p, const struct contract_row *c, int64_t now, bool early, struct err *e)
{
	char when[RFC3339_LEN];

	if (c->not_after < now) {
		clock_format(c->not_after, when);
		return err_set(e, E_CERT_EXPIRED, "contract certificate: ended at %s", when);
	}
	/* Stored ahead of its time, delivered when it has begun (spec/protocols 4, rule 7). */
	if (!early && c->not_before > now) {
		clock_format(c->not_before, when);
		return err_set(e, E_CERT_NOT_YET, "contract certificate: begins at %s", when);
	}
	if (c->ours)
		return check_own_status(p, c, e);
	return pool_status(p, "contract certificate", buf_span(&c->cert), (struct span){0}, e);
}

/* --- deletion --- */

static enum err_code
revoke_row(struct pool *p, const char *request_id, const char *actor,
	   const struct contract_row *row, struct err *e)
{
	const struct issuer *issuer = &p->conf.issuer;
	enum err_code rc;

	if (!row->ours)
		return E_OK;
	rc = issuer->revoke(issuer->ctx, request_id, buf_span(&row->cert), REASON_CESSATION, actor,
			    e);
	if (rc != E_OK) {
		err_context(e, "revocation of the contract certificate");
		pool_log(LOG_LEVEL_ERROR, "contract.revocation-failed",
			 (struct about){request_id, row->pcid, row->emaid_key}, "code=%s",
			 err_name(rc));
	}
	return rc;
}

/* Those before the newest: a car that never came back for an update holds one. */
static enum err_code
revoke_superseded(struct pool *p, const char *request_id, const char *actor, const char *emaid_key,
		  struct err *e)
{
	struct contract_row *rows = NULL;
	size_t count = 0;
	enum err_code rc;

	rc = contract_store_superseded(p->conf.db, emaid_key, &rows, &count, e);
	for (size_t i = 0; rc == E_OK && i < count; i++)
		rc = revoke_row(p, request_id, actor, &rows[i], e);
	contract_rows_free(rows, count);
	return rc;
}

enum err_code
contracts_revoke(struct pool *p, const char *request_id, const char *actor,
		 const struct contract_row *rows, size_t count, struct err *e)
{
	enum err_code rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < count; i++) {
		rc = revoke_row(p, request_id, actor, &rows[i], e);
		if (rc == E_OK)
			rc = revoke_superseded(p, request_id, actor, rows[i].emaid_key, e);
	}
	return rc;
}

/* Reads, revokes (unless skip) and deletes; E_DB_CHANGED when an order came in between. */
static enum err_code
revoke_and_delete(struct pool *p, const char *emaid_key, bool skip,
		  const struct audit_record *audit, struct err *e)
{
	struct contract_row *rows = NULL;
	struct contract_set revoked = {0};
	enum err_code rc;

	rc = contract_store_by_emaid(p->conf.db, emaid_key, EDITION_NONE, &rows, &revoked.count, e);
	if (rc == E_OK && revoked.count == 0)
		rc = err_set(e, E_CONTRACT_UNKNOWN, NO_SUCH_CONTRACT);
	if (rc == E_OK && !skip)
		rc = contracts_revoke(p, audit->request_id, audit->actor, rows, revoked.count, e);
	revoked.rows = rows;
	if (rc == E_OK)
		rc = pool_missing(contract_store_delete(p->conf.db, emaid_key,
							skip ? NULL : &revoked, audit, e),
				  E_CONTRACT_UNKNOWN, NO_SUCH_CONTRACT, e);
	contract_rows_free(rows, revoked.count);
	return rc;
}

enum err_code
pool_contract_delete(struct pool *p, const char *request_id, const char *actor,
		     const char *emaid_text, bool skip_revocation, struct err *e)
{
	struct emaid emaid;
	struct audit_record audit = {.actor = actor,
				     .action = "contract.deleted",
				     .request_id = request_id,
				     .subject_kind = "emaid",
				     .subject = emaid.key};
	enum err_code rc;

	if ((rc = parse_emaid(p, emaid_text, &emaid, e)) != E_OK)
		return rc;
	if (skip_revocation)
		audit.detail = "without revocation";
	rc = E_DB_CHANGED;
	for (unsigned i = 0; rc == E_DB_CHANGED && i < CHANGED_TRIES; i++) {
		err_clear(e);
		rc = revoke_and_delete(p, emaid.key, skip_revocation, &audit, e);
	}
	if (rc == E_OK)
		pool_log(LOG_LEVEL_INFO, "contract.deleted",
			 (struct about){request_id, NULL, emaid.key}, "revocation=%s",
			 skip_revocation ? "skipped" : "done");
	return rc;
}

/* --- lists --- */

struct view_list {
	struct contract_view *v;
	size_t n, cap;
};

static enum err_code
copy_row(const struct contract_row *from, struct contract_row *to, struct err *e)
{
	enum err_code rc;

	*to = *from;
	to->cert = to->metadata = to->subscription_url = (struct buf){0};
	if ((rc = pool_buf_copy(&from->cert, &to->cert, e)) != E_OK ||
	    (rc = pool_buf_copy(&from->metadata, &to->metadata, e)) != E_OK)
		return rc;
	return pool_buf_copy(&from->subscription_url, &to->subscription_url, e);
}

static enum err_code
add_view(struct view_list *list, const struct anchors *set, const struct contract_row *row,
	 const char *cps_root, struct err *e)
{
	struct contract_view *v;
	const struct anchor *a;
	enum err_code rc;

	if (list->n == list->cap) {
		size_t cap = list->cap == 0 ? 8 : list->cap * 2;

		v = realloc(list->v, cap * sizeof(*v));
		if (v == NULL)
			return err_set(e, E_NO_MEMORY, "no memory for a list of contracts");
		list->v = v;
		list->cap = cap;
	}
	v = &list->v[list->n++];
	memset(v, 0, sizeof(*v));
	if ((rc = copy_row(row, &v->row, e)) != E_OK)
		return rc;
	(void)str_copy(v->cps_root, sizeof(v->cps_root), cps_root);
	if ((a = anchor_by_hex(set, cps_root, ROOT_V2G)) != NULL)
		rc = pool_name_text(a->cert.subject, v->cps_root_dn, sizeof(v->cps_root_dn), e);
	return rc;
}

/* One view for each signed variant of a contract, those under only (hex) when it is not NULL. */
static enum err_code
add_views(struct pool *p, struct view_list *list, const struct anchors *set,
	  const struct contract_row *row, const char *only, struct err *e)
{
	struct variant_row *variants = NULL;
	size_t count = 0;
	enum err_code rc;

	rc = variant_store_list(p->conf.db, row->id, &variants, &count, e);
	for (size_t i = 0; rc == E_OK && i < count; i++) {
		if (only == NULL || strcmp(only, variants[i].cps_root) == 0)
			rc = add_view(list, set, row, variants[i].cps_root, e);
	}
	for (size_t i = 0; i < count; i++)
		variant_row_free(&variants[i]);
	free(variants);
	return rc;
}

static enum err_code
views_of(struct pool *p, const struct contract_row *rows, size_t rows_n, const char *cps_root,
	 struct contract_view **views, size_t *count, struct err *e)
{
	const struct anchors *set = NULL;
	const struct anchor *only = NULL;
	struct view_list list = {0};
	enum err_code rc;

	if ((rc = anchors_get(p, &set, e)) != E_OK)
		return rc;
	if (cps_root != NULL && (only = anchor_by_name(set, cps_root, ROOT_V2G)) == NULL)
		rc = err_set(e, E_CPS_ROOT,
			     "cpsV2GRootCertificateFingerprint: no V2G root of the pool, expected "
			     "the SHA-256 (64 hex) or the UUID of one");
	for (size_t i = 0; rc == E_OK && i < rows_n; i++)
		rc = add_views(p, &list, set, &rows[i], only == NULL ? NULL : only->hex, e);
	anchors_put(p, set);
	if (rc != E_OK) {
		contract_views_free(list.v, list.n);
		return rc;
	}
	*views = list.v;
	*count = list.n;
	return E_OK;
}

enum err_code
pool_contracts_by_emaid(struct pool *p, const char *emaid_text, const char *xmlns,
			const char *cps_root, struct contract_view **views, size_t *count,
			struct err *e)
{
	struct contract_row *rows = NULL;
	size_t rows_n = 0;
	struct emaid emaid;
	enum edition edition;
	enum err_code rc;

	*views = NULL;
	*count = 0;
	if ((rc = pool_edition(xmlns, true, &edition, e)) != E_OK ||
	    (rc = parse_emaid(p, emaid_text, &emaid, e)) != E_OK ||
	    (rc = contract_store_by_emaid(p->conf.db, emaid.key, (int)edition, &rows, &rows_n,
					  e)) != E_OK)
		goto out;
	if ((rc = views_of(p, rows, rows_n, cps_root, views, count, e)) == E_OK && *count == 0)
		rc = err_set(e, E_CONTRACT_UNKNOWN, NO_SUCH_CONTRACT);
out:
	contract_rows_free(rows, rows_n);
	return rc;
}

/* Whether the pool knows the car at all, in either edition (D19). */
static enum err_code
need_vehicle(struct pool *p, const char *pcid, struct err *e)
{
	const enum edition editions[] = EDITION_LIST;
	struct vehicle_row row = {0};
	enum err_code rc;

	for (size_t i = 0; i < ARRAY_LEN(editions); i++) {
		rc = vehicle_store_get(p->conf.db, pcid, (int)editions[i], &row, e);
		vehicle_row_free(&row);
		if (rc != E_NOT_FOUND && rc != E_VEHICLE_UNKNOWN)
			return rc;
		err_clear(e);
	}
	return err_set(e, E_VEHICLE_UNKNOWN, "pcid: no such vehicle in the pool");
}

enum err_code
pool_contracts_by_pcid(struct pool *p, const char *pcid_text, const char *xmlns,
		       struct contract_view **views, size_t *count, struct err *e)
{
	struct contract_row *rows = NULL;
	size_t rows_n = 0;
	struct pcid pcid;
	enum edition edition;
	enum err_code rc;

	*views = NULL;
	*count = 0;
	if ((rc = pool_edition(xmlns, true, &edition, e)) != E_OK ||
	    (rc = pcid_parse(pcid_text, &pcid, e)) != E_OK ||
	    (rc = need_vehicle(p, pcid.normal, e)) != E_OK ||
	    (rc = contract_store_by_pcid(p->conf.db, pcid.normal, (int)edition, &rows, &rows_n,
					 e)) != E_OK)
		goto out;
	rc = views_of(p, rows, rows_n, NULL, views, count, e);
out:
	contract_rows_free(rows, rows_n);
	return rc;
}

/* --- a ready answer without a request --- */

/* "" or NULL is the one octet 00 of published samples (D20). */
static enum err_code
parse_session_id(const char *hex, struct buf *out, struct err *e)
{
	size_t n = hex == NULL ? 0 : strlen(hex);
	enum err_code rc;

	if (n == 0) {
		buf_put_u8(out, 0);
		return buf_ok(out, e);
	}
	if (n > (size_t)2 * SESSION_ID_MAX)
		return err_set(e, E_BAD_VALUE,
			       "sessionID: %zu hex digits, at most %d (ISO 15118-2 sessionIDType)",
			       n, 2 * SESSION_ID_MAX);
	if ((rc = hex_decode(span_str(hex), out, e)) != E_OK)
		err_context(e, "sessionID");
	return rc;
}

/* The contract of this pair; *row stays empty when there is none. */
static enum err_code
find_pair(struct pool *p, const char *emaid_key, const char *pcid, struct contract_row *row,
	  struct err *e)
{
	struct contract_row *rows = NULL;
	size_t count = 0;
	bool found = false;
	enum err_code rc;

	if ((rc = contract_store_by_emaid(p->conf.db, emaid_key, EDITION_2, &rows, &count, e)) !=
	    E_OK)
		return rc;
	for (size_t i = 0; i < count && !found; i++) {
		if (strcmp(rows[i].pcid, pcid) != 0)
			continue;
		*row = rows[i];
		memset(&rows[i], 0, sizeof(rows[i]));
		found = true;
	}
	contract_rows_free(rows, count);
	if (!found)
		return err_set(e, E_CONTRACT_UNKNOWN,
			       "emaid, pcid: no contract of this pair in the pool");
	return E_OK;
}

/* The bundle under the root that was asked for. */
static enum err_code
find_variant(struct pool *p, const struct anchors *set, int64_t contract_id, const char *cps_root,
	     struct variant_row *v, struct err *e)
{
	const struct anchor *root = NULL;

	if (cps_root != NULL && (root = anchor_by_name(set, cps_root, ROOT_V2G)) == NULL)
		return err_set(e, E_CONTRACT_UNKNOWN,
			       "cpsV2GRootCertificateFingerprint: no V2G root of the pool");
	return pool_missing(
		variant_store_get(p->conf.db, contract_id, root == NULL ? NULL : root->hex, v, e),
		E_CONTRACT_UNKNOWN, "emaid, pcid: no signed bundle of this contract", e);
}

/* What is broken, ended or revoked is never served (I-36), the rest of ISO 15118-2 [V2G2-894] is
 * the backend's own to check. */
static enum err_code
load_bundle(struct pool *p, const struct contract_row *c, const char *cps_root,
	    struct variant_row *v, struct err *e)
{
	const struct anchors *set = NULL;
	int64_t now = clock_now();
	struct err why = {0};
	enum err_code rc;

	if ((rc = anchors_get(p, &set, e)) != E_OK)
		return rc;
	if ((rc = find_variant(p, set, c->id, cps_root, v, e)) != E_OK)
		goto out;
	if ((rc = contract_check(p, c, now, true, &why)) == E_OK)
		rc = bundle_check(p, set, c, v, c->not_before > now ? c->not_before : now, &why);
	if (rc != E_OK && err_kind(rc) == KIND_BAD_REQUEST)
		rc = err_set(e, E_CONTRACT_UNKNOWN, "emaid, pcid: not deliverable: %s", why.text);
	else if (rc != E_OK)
		rc = err_set(e, rc, "%s", why.text);
out:
	anchors_put(p, set);
	return rc;
}

enum err_code
pool_bundle_fetch(struct pool *p, const struct bundle_query *q, struct install_answer *out,
		  struct err *e)
{
	struct buf session_id = {0};
	struct contract_row c = {0};
	struct variant_row v = {0};
	struct emaid emaid;
	struct pcid pcid;
	enum err_code rc;

	memset(out, 0, sizeof(*out));
	if ((rc = pool_edition_2(q->xmlns, true, e)) != E_OK ||
	    (rc = parse_emaid(p, q->emaid, &emaid, e)) != E_OK ||
	    (rc = pcid_parse(q->pcid, &pcid, e)) != E_OK ||
	    (rc = parse_session_id(q->session_id, &session_id, e)) != E_OK ||
	    (rc = find_pair(p, emaid.key, pcid.normal, &c, e)) != E_OK ||
	    (rc = load_bundle(p, &c, q->cps_root, &v, e)) != E_OK)
		goto out;
	rc = answer_fill(p, &c, &v, buf_span(&session_id), out, e);
	if (rc == E_OK)
		pool_log(LOG_LEVEL_INFO, "contract.fetched",
			 (struct about){q->request_id, c.pcid, c.emaid_key}, "root=%s", v.cps_root);
out:
	if (rc != E_OK) {
		install_answer_free(out);
		memset(out, 0, sizeof(*out));
	}
	variant_row_free(&v);
	contract_row_free(&c);
	buf_free(&session_id);
	return rc;
}
