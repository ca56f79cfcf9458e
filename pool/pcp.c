/* SPDX-License-Identifier: Apache-2.0 */
/* Provisioning certificate pool (OPCP 1.0.0 PCP, spec/protocols 2.2 and 5.1). */
#include "base/clock.h"
#include "base/ec.h"
#include "base/str.h"
#include "pool/internal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define ANCHOR_TYPES   (ROOT_OEM | ROOT_V2G) /* where provisioning chains may end */
#define CANDIDATES_MAX 16                    /* roots of one name that a chain is tried with */
#define AKI_TEXT_MAX   4096                  /* bytes of v2gRootAuthorityKeyIdentifiers */
#define FIELD_LEAF     "vehicleCertificate"
#define FIELD_SUB2     "subCA2Certificate"
#define FIELD_SUB1     "subCA1Certificate"

void
vehicle_view_free(struct vehicle_view *v)
{
	vehicle_row_free(&v->row);
}

static enum err_code
parse_field(struct span der, const char *field, bool optional, struct cert *c, struct err *e)
{
	enum err_code rc;

	memset(c, 0, sizeof(*c));
	if (der.n == 0 && optional)
		return E_OK;
	if (der.n == 0)
		return err_set(e, E_BAD_VALUE, "%s: missing (OPCP 1.0.0 PCP)", field);
	if ((rc = cert_parse(der, c, e)) != E_OK)
		err_context(e, "%s", field);
	return rc;
}

static enum err_code
parse_chain(struct span leaf, struct span sub2, struct span sub1, struct vehicle_chain *c,
	    struct err *e)
{
	enum err_code rc;

	c->root = NULL;
	if ((rc = parse_field(leaf, FIELD_LEAF, false, &c->leaf, e)) != E_OK ||
	    (rc = parse_field(sub2, FIELD_SUB2, true, &c->sub2, e)) != E_OK)
		return rc;
	return parse_field(sub1, FIELD_SUB1, false, &c->sub1, e);
}

/* Check 1: the PCID is the common name of the leaf. */
static enum err_code
read_pcid(const struct cert *leaf, char given[PCID_MAX], struct pcid *pcid, struct err *e)
{
	enum err_code rc;

	if (!str_copy_span(given, PCID_MAX, name_attr(leaf->subject, OID_CN)))
		return err_set(e, E_PCID,
			       FIELD_LEAF ": its CN is not a PCID, expected 17 or 18 letters and "
					  "digits (VDE-AR-E 2802-100-1)");
	if ((rc = pcid_parse(given, pcid, e)) != E_OK)
		err_context(e, FIELD_LEAF);
	return rc;
}

/* Check 2: every certificate is valid now (shell model); the root follows with its chain. */
static enum err_code
check_dates(const struct vehicle_chain *c, int64_t now, int64_t skew, struct err *e)
{
	enum err_code rc;

	if ((rc = pool_valid_now(&c->leaf, FIELD_LEAF, now, skew, e)) != E_OK)
		return rc;
	if (c->sub2.der.n != 0 && (rc = pool_valid_now(&c->sub2, FIELD_SUB2, now, skew, e)) != E_OK)
		return rc;
	return pool_valid_now(&c->sub1, FIELD_SUB1, now, skew, e);
}

/* What a car's certificate must be able to do: its key agrees on the key that wraps the contract's
 * (ISO 15118-2 [V2G2-822]). Older leaves of the field carry no keyUsage at all. */
static enum err_code
check_leaf(const struct cert *leaf, struct err *e)
{
	struct err why = {0};
	EVP_PKEY *key = NULL;

	if (leaf->is_ca)
		return err_set(e, E_CERT_PROFILE,
			       FIELD_LEAF ": is a CA, expected a leaf (ISO 15118-2 Annex F.5)");
	if (leaf->has_ku && (leaf->ku & KU_KEY_AGREEMENT) == 0)
		return err_set(e, E_CERT_PROFILE,
			       FIELD_LEAF
			       ": keyUsage without keyAgreement (ISO 15118-2 [V2G2-822])");
	if (leaf->algo != NULL && ec_public_key(leaf->algo, leaf->point, &key, &why) != E_OK)
		return err_set(e, E_CERT_PROFILE, FIELD_LEAF ": public key: %s", why.text);
	EVP_PKEY_free(key);
	return E_OK;
}

/* Check 3: status of every certificate, each from its own issuer. */
static enum err_code
check_status(struct pool *p, const struct vehicle_chain *c, struct err *e)
{
	bool two = c->sub2.der.n != 0;
	struct span root = {0};
	enum err_code rc;

	if (c->root != NULL)
		root = c->root->cert.der;
	if ((rc = pool_status(p, FIELD_LEAF, c->leaf.der, two ? c->sub2.der : c->sub1.der, e)) !=
	    E_OK)
		return rc;
	if (two && (rc = pool_status(p, FIELD_SUB2, c->sub2.der, c->sub1.der, e)) != E_OK)
		return rc;
	return pool_status(p, FIELD_SUB1, c->sub1.der, root, e);
}

/* Check 4: a chain to an OEM or V2G root of the RCP. Only roots of the right name are tried: their
 * decoding is what costs. */
static enum err_code
check_chain(const struct anchors *set, enum edition edition, int64_t now, struct vehicle_chain *c,
	    struct err *e)
{
	struct chain chain = {
		.leaf = c->leaf.der, .sub2 = c->sub2.der, .sub1 = c->sub1.der, .edition = edition};
	const struct anchor *candidate[CANDIDATES_MAX];
	struct span der[CANDIDATES_MAX];
	size_t n = 0, found = 0;
	enum err_code rc;

	for (size_t i = 0; i < set->n && n < CANDIDATES_MAX; i++) {
		if ((set->a[i].row.types & ANCHOR_TYPES) == 0 ||
		    !span_equal(set->a[i].cert.subject, c->sub1.issuer))
			continue;
		candidate[n] = &set->a[i];
		der[n++] = set->a[i].cert.der;
	}
	if ((rc = chain_verify(&chain, der, n, now, &found, e)) == E_OK)
		c->root = candidate[found];
	return rc;
}

static const struct anchor *
root_by_name(const struct anchors *set, struct span issuer)
{
	for (size_t i = 0; i < set->n; i++) {
		if ((set->a[i].row.types & ANCHOR_TYPES) != 0 &&
		    span_equal(set->a[i].cert.subject, issuer))
			return &set->a[i];
	}
	return NULL;
}

/* The checks of spec/protocols 5.1 in their order; the first that fails decides. */
static enum err_code
check_put(struct pool *p, const struct anchors *set, const struct vehicle_put *in,
	  struct vehicle_row *row, struct vehicle_chain *c, struct err *e)
{
	int64_t now = clock_now();
	struct pcid pcid, previous;
	enum edition edition;
	enum err_code rc;

	if ((rc = pool_edition(in->xmlns, true, &edition, e)) != E_OK ||
	    (rc = parse_chain(in->leaf, in->sub2, in->sub1, c, e)) != E_OK ||
	    (rc = read_pcid(&c->leaf, row->given, &pcid, e)) != E_OK)
		return rc;
	if (in->previous_pcid != NULL) {
		if ((rc = pcid_parse(in->previous_pcid, &previous, e)) != E_OK) {
			err_context(e, "previousPcid");
			return rc;
		}
		(void)str_copy(row->previous_pcid, sizeof(row->previous_pcid), previous.normal);
	}
	if ((rc = check_dates(c, now, CLOCK_SKEW, e)) != E_OK ||
	    (rc = check_leaf(&c->leaf, e)) != E_OK)
		return rc;
	c->root = root_by_name(set, c->sub1.issuer);
	if ((rc = check_status(p, c, e)) != E_OK ||
	    (rc = check_chain(set, edition, now, c, e)) != E_OK)
		return rc;
	(void)str_copy(row->pcid, sizeof(row->pcid), pcid.normal);
	row->edition = (int)edition;
	return E_OK;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static enum err_code
fill_row(const struct vehicle_put *in, const struct vehicle_chain *c, struct vehicle_row *row,
	 struct err *e)
{
	enum err_code rc;

	if (!str_copy(row->participant, sizeof(row->participant), in->actor))
		return err_set(e, E_BAD_VALUE, "the participant's id has more than 64 characters");
	buf_put_span(&row->leaf, in->leaf);
	buf_put_span(&row->sub2, in->sub2);
	buf_put_span(&row->sub1, in->sub1);
	buf_put_span(&row->point, c->leaf.point);
	if (in->v2g_akis != NULL) {
		row->v2g_akis.limit = AKI_TEXT_MAX;
		buf_put_str(&row->v2g_akis, in->v2g_akis);
		if (row->v2g_akis.failed)
			return err_set(e, E_TOO_BIG,
				       "v2gRootAuthorityKeyIdentifiers: more than %d bytes",
				       AKI_TEXT_MAX);
	}
	if ((rc = buf_ok(&row->leaf, e)) != E_OK || (rc = buf_ok(&row->sub2, e)) != E_OK ||
	    (rc = buf_ok(&row->sub1, e)) != E_OK || (rc = buf_ok(&row->point, e)) != E_OK)
		return rc;
	memcpy(row->root_fingerprint, c->root->row.fingerprint, SHA256_LEN);
	/* The day on which the first link of the chain ends (shell model). */
	row->not_after = earlier(c->leaf.not_after, c->sub1.not_after);
	row->not_after = earlier(row->not_after, c->root->cert.not_after);
	if (c->sub2.der.n != 0)
		row->not_after = earlier(row->not_after, c->sub2.not_after);
	row->created = row->changed = clock_now();
	return E_OK;
}

/* Lower-case hex with colons, as OPCP writes key identifiers in the PCP. */
static void
colon_hex(struct span s, char *out, size_t cap)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < s.n && n + 4 <= cap; i++) {
		if (i > 0)
			out[n++] = ':';
		hex_encode((struct span){s.p + i, 1}, out + n, cap - n);
		n += 2;
	}
}

static enum err_code
fill_view(const struct vehicle_chain *c, struct vehicle_view *v, struct err *e)
{
	uint8_t hash[SHA256_LEN];
	enum err_code rc;

	if ((rc = sha256(c->leaf.der, hash, e)) != E_OK ||
	    (rc = pool_name_text(c->root->cert.subject, v->root_dn, sizeof(v->root_dn), e)) != E_OK)
		return rc;
	hex_encode((struct span){hash, sizeof(hash)}, v->fingerprint, sizeof(v->fingerprint));
	hex_encode(c->root->cert.serial, v->root_serial, sizeof(v->root_serial));
	colon_hex(c->root->cert.ski, v->root_aki, sizeof(v->root_aki));
	return E_OK;
}

/* A new key makes every contract of the car useless: the store drops them with the old key, and
 * what our MO CA issued for it must not stay good (OPCP 1.0.0 PCP; CCP delete: revoke first).
 * *rows: what was revoked, owned by the caller. */
static enum err_code
retire_old_key(struct pool *p, const struct vehicle_row *row, struct contract_row **rows,
	       size_t *count, struct err *e)
{
	struct vehicle_row old = {0};
	char request_id[UUID_LEN];
	enum err_code rc;

	rc = vehicle_store_get(p->conf.db, row->pcid, row->edition, &old, e);
	if (rc == E_NOT_FOUND || rc == E_VEHICLE_UNKNOWN) {
		err_clear(e);
		return E_OK;
	}
	if (rc != E_OK)
		return rc;
	if (!span_equal(buf_span(&old.point), buf_span(&row->point)) &&
	    (rc = random_uuid(request_id, e)) == E_OK &&
	    (rc = contract_store_by_pcid(p->conf.db, row->pcid, row->edition, rows, count, e)) ==
		    E_OK)
		rc = contracts_revoke(p, request_id, row->participant, *rows, *count, e);
	vehicle_row_free(&old);
	return rc;
}

static enum err_code
store_vehicle(struct pool *p, const struct vehicle_put *in, const struct vehicle_row *row,
	      struct err *e)
{
	struct audit_record audit = {
		.actor = in->actor,
		.action = "vehicle.stored",
		.subject_kind = "pcid",
		.subject = row->pcid,
	};
	int64_t dropped = 0;
	enum err_code rc = E_DB_CHANGED;

	for (unsigned i = 0; rc == E_DB_CHANGED && i < CHANGED_TRIES; i++) {
		struct contract_row *rows = NULL;
		struct contract_set revoked = {0};

		err_clear(e);
		if ((rc = retire_old_key(p, row, &rows, &revoked.count, e)) == E_OK) {
			revoked.rows = rows;
			rc = vehicle_store_put(p->conf.db, row, &revoked, &audit, &dropped, e);
		}
		contract_rows_free(rows, revoked.count);
	}
	if (rc != E_OK)
		return rc;
	pool_log(LOG_LEVEL_INFO, "vehicle.stored", (struct about){NULL, row->pcid, NULL},
		 "contracts_dropped=%lld", (long long)dropped);
	return E_OK;
}

enum err_code
pool_vehicle_put(struct pool *p, const struct vehicle_put *in, struct vehicle_view *out,
		 struct err *e)
{
	const struct anchors *set = NULL;
	struct vehicle_chain c;
	enum err_code rc;

	memset(out, 0, sizeof(*out));
	if ((rc = anchors_get(p, &set, e)) != E_OK ||
	    (rc = check_put(p, set, in, &out->row, &c, e)) != E_OK ||
	    (rc = fill_row(in, &c, &out->row, e)) != E_OK || (rc = fill_view(&c, out, e)) != E_OK)
		goto out;
	rc = store_vehicle(p, in, &out->row, e);
out:
	if (rc != E_OK) {
		vehicle_view_free(out);
		memset(out, 0, sizeof(*out));
	}
	anchors_put(p, set);
	return rc;
}

enum err_code
vehicle_check(struct pool *p, const struct anchors *set, const struct vehicle_row *v, int64_t now,
	      struct vehicle_chain *out, struct err *e)
{
	struct vehicle_chain *c = out;
	enum err_code rc;

	if ((rc = parse_chain(buf_span(&v->leaf), buf_span(&v->sub2), buf_span(&v->sub1), c, e)) !=
		    E_OK ||
	    (rc = check_dates(c, now, CLOCK_SKEW, e)) != E_OK)
		return rc;
	c->root = anchor_by_fingerprint(set, v->root_fingerprint, ANCHOR_TYPES);
	if (c->root == NULL)
		return err_set(e, E_CERT_UNTRUSTED,
			       FIELD_LEAF ": the root of its chain has left the root pool");
	if ((rc = pool_valid_now(&c->root->cert, "root", now, CLOCK_SKEW, e)) != E_OK)
		return rc;
	return check_status(p, c, e);
}

/* The row of either edition. */
static enum err_code
find_vehicle(struct pool *p, const char *pcid_text, struct vehicle_row *row, struct err *e)
{
	const enum edition editions[] = EDITION_LIST;
	struct pcid pcid;
	enum err_code rc;

	if ((rc = pcid_parse(pcid_text, &pcid, e)) != E_OK)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(editions); i++) {
		rc = vehicle_store_get(p->conf.db, pcid.normal, (int)editions[i], row, e);
		if (rc != E_NOT_FOUND && rc != E_VEHICLE_UNKNOWN)
			return rc;
		err_clear(e);
	}
	return err_set(e, E_VEHICLE_UNKNOWN, "pcid: no such vehicle in the pool");
}

/* A certificate that has ended is no entry of the pool any more, removed or not (D28). */
static enum err_code
hide_unusable(enum err_code rc, struct err *e)
{
	struct err why = e == NULL ? (struct err){0} : *e;

	if (err_kind(rc) != KIND_BAD_REQUEST)
		return rc;
	err_clear(e);
	return err_set(e, E_VEHICLE_UNKNOWN, "pcid: no usable entry: %s", why.text);
}

enum err_code
pool_vehicle_get(struct pool *p, const char *pcid, struct vehicle_view *out, struct err *e)
{
	const struct anchors *set = NULL;
	struct vehicle_chain c;
	enum err_code rc;

	memset(out, 0, sizeof(*out));
	if ((rc = anchors_get(p, &set, e)) != E_OK ||
	    (rc = find_vehicle(p, pcid, &out->row, e)) != E_OK)
		goto out;
	rc = hide_unusable(vehicle_check(p, set, &out->row, clock_now(), &c, e), e);
	if (rc == E_OK)
		rc = fill_view(&c, out, e);
out:
	if (rc != E_OK) {
		vehicle_view_free(out);
		memset(out, 0, sizeof(*out));
	}
	anchors_put(p, set);
	return rc;
}

enum err_code
pool_vehicle_lookup(struct pool *p, const char *pcid, struct err *e)
{
	struct vehicle_view v;
	enum err_code rc = pool_vehicle_get(p, pcid, &v, e);

	vehicle_view_free(&v);
	return rc;
}

/* Revocation comes first: when it fails, everything stays as it was (OPCP 1.0.0 CCP delete). What
 * an order puts in between is found by the store: E_DB_CHANGED. */
static enum err_code
revoke_and_delete(struct pool *p, const char *pcid, const struct audit_record *audit, struct err *e)
{
	struct contract_row *rows = NULL;
	struct contract_set revoked = {0};
	enum err_code rc;

	rc = contract_store_by_pcid(p->conf.db, pcid, EDITION_NONE, &rows, &revoked.count, e);
	if (rc == E_OK)
		rc = contracts_revoke(p, audit->request_id, audit->actor, rows, revoked.count, e);
	revoked.rows = rows;
	if (rc == E_OK)
		rc = pool_missing(vehicle_store_delete(p->conf.db, pcid, &revoked, audit, e),
				  E_VEHICLE_UNKNOWN, "pcid: no such vehicle in the pool", e);
	contract_rows_free(rows, revoked.count);
	return rc;
}

enum err_code
pool_vehicle_delete(struct pool *p, const char *actor, const char *pcid_text, struct err *e)
{
	char request_id[UUID_LEN];
	struct vehicle_row row = {0};
	struct audit_record audit = {.actor = actor,
				     .action = "vehicle.deleted",
				     .request_id = request_id,
				     .subject_kind = "pcid",
				     .subject = row.pcid};
	enum err_code rc;

	if ((rc = random_uuid(request_id, e)) != E_OK ||
	    (rc = find_vehicle(p, pcid_text, &row, e)) != E_OK)
		return rc;
	rc = E_DB_CHANGED;
	for (unsigned i = 0; rc == E_DB_CHANGED && i < CHANGED_TRIES; i++) {
		err_clear(e);
		rc = revoke_and_delete(p, row.pcid, &audit, e);
	}
	if (rc == E_OK)
		pool_log(LOG_LEVEL_INFO, "vehicle.deleted", (struct about){NULL, row.pcid, NULL},
			 "by=%s", actor);
	vehicle_row_free(&row);
	return rc;
}
