/* SPDX-License-Identifier: Apache-2.0 */
#include "db/cert_store.h"

#include <string.h>

#include "base/digest.h"
#include "db/internal.h"

#define KEY_COMPROMISE 1 /* RFC 5280 5.3.1 */

/* --- rows --- */
void
cert_row_free(struct cert_row *r)
{
	buf_free(&r->der);
}

static void
free_row(void *row)
{
	cert_row_free(row);
}

static void
read_request(struct row *r, struct cert_row *x)
{
	take_text(r, x->request_id, sizeof(x->request_id));
	take_bytes(r, x->request_hash, sizeof(x->request_hash), NULL);
	take_bytes(r, x->tbs_hash, sizeof(x->tbs_hash), NULL);
	take_bytes(r, x->profile_hash, sizeof(x->profile_hash), NULL);
	take_text(r, x->profile, sizeof(x->profile));
	take_text(r, x->participant, sizeof(x->participant));
	take_text(r, x->subject_cn, sizeof(x->subject_cn));
	take_bytes(r, x->spki_hash, sizeof(x->spki_hash), NULL);
	x->not_before = take_int(r);
	x->not_after = take_int(r);
}

static void
read_row(struct row *r, void *out)
{
	struct cert_row *x = out;

	x->id = take_int(r);
	take_text(r, x->ca, sizeof(x->ca));
	take_bytes(r, x->serial, sizeof(x->serial), &x->serial_len);
	read_request(r, x);
	x->state = (enum cert_state)take_int(r);
	x->status = (enum cert_status)take_int(r);
	x->reason = (unsigned)take_int(r);
	x->created = take_int(r);
	x->issued_at = take_int(r);
	x->revoked_at = take_int(r);
	x->claimed = take_int(r) != 0;
	take_bytes(r, x->fingerprint, sizeof(x->fingerprint), NULL);
	take_buf(r, &x->der);
}

static const struct row_type cert_type = {sizeof(struct cert_row), read_row, free_row};

/* --- intents: durable before any signature (I-1) --- */
struct intent {
	const struct cert_row *row;
	int64_t id;
};

static enum err_code
check_key(struct txn *t, const uint8_t spki_hash[32], struct err *e)
{
	int64_t since = 0;
	size_t n = 0;
	enum err_code rc;

	rc = conn_read(t->c, STMT_KEY_BLOCKED, ARGS(arg_hash(spki_hash)),
		       (struct sink){sink_int, &since}, &n, e);
	if (rc == E_OK && n > 0)
		rc = err_set(e, E_KEY_BLOCKED,
			     "this public key is blocked (it was reported compromised or belongs "
			     "to a CA): use a new key");
	return rc;
}

static enum err_code
ca_id(struct txn *t, const char *name, int64_t *id, struct err *e)
{
	size_t n = 0;
	enum err_code rc;

	rc = conn_read(t->c, STMT_CA_ID, ARGS(arg_text(name)), (struct sink){sink_int, id}, &n, e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_CA_UNKNOWN, "no CA \"%s\"", name);
	return rc;
}

static enum err_code
insert_intent(struct txn *t, struct intent *x, int64_t ca, struct err *e)
{
	const struct cert_row *r = x->row;
	enum err_code rc;

	rc = conn_read(t->c, STMT_CERT_INTENT,
		       ARGS(arg_int(ca), arg_bytes((struct span){r->serial, r->serial_len}),
			    arg_int(r->not_after), arg_int(t->now), arg_int(r->claimed)),
		       (struct sink){sink_int, &x->id}, NULL, e);
	if (rc != E_OK)
		return rc;
	return conn_run(t->c, STMT_CERT_INFO_PUT,
			ARGS(arg_int(x->id), arg_text(r->request_id), arg_hash(r->request_hash),
			     arg_hash(r->tbs_hash), arg_hash(r->profile_hash), arg_text(r->profile),
			     arg_text(r->participant), arg_text(r->subject_cn),
			     arg_hash(r->spki_hash), arg_int(r->not_before)),
			NULL, e);
}

static enum err_code
put_intent(struct txn *t, void *arg, struct err *e)
{
	struct intent *x = arg;
	int64_t ca = 0;
	enum err_code rc;

	if ((rc = check_key(t, x->row->spki_hash, e)) != E_OK ||
	    (rc = ca_id(t, x->row->ca, &ca, e)) != E_OK ||
	    (rc = insert_intent(t, x, ca, e)) != E_OK)
		return rc;
	t->counts[COUNT_INTENTS]++;
	return E_OK;
}

enum err_code
cert_store_intent(struct db *db, const struct cert_row *r, const struct audit_record *a,
		  int64_t *id, struct err *e)
{
	struct intent x = {r, 0};
	enum err_code rc = db_write(db, put_intent, &x, a, e);

	*id = rc == E_OK ? x.id : 0;
	return rc;
}

/* --- the certificate --- */
struct issued {
	int64_t id;
	struct span der;
	uint8_t fingerprint[SHA256_LEN];
};

struct cert_mark {
	int64_t state, status, claimed;
};

static void
read_mark(struct row *r, void *out)
{
	struct cert_mark *m = out;

	m->state = take_int(r);
	m->status = take_int(r);
	m->claimed = take_int(r);
}

static enum err_code
get_mark(struct txn *t, int64_t id, struct cert_mark *m, struct err *e)
{
	size_t n = 0;
	enum err_code rc;

	rc = conn_read(t->c, STMT_CERT_STATE, ARGS(arg_int(id)), (struct sink){read_mark, m}, &n,
		       e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_NOT_FOUND, "no certificate row %lld", (long long)id);
	return rc;
}

static void
read_hash(struct row *r, void *out)
{
	take_bytes(r, out, SHA256_LEN, NULL);
}

/* Why a row did not become issued. The same bytes again are what a caller does whose commit was
 * ambiguous: they are there. */
static enum err_code
explain_not_open(struct txn *t, const struct issued *x, struct err *e)
{
	struct cert_mark m;
	uint8_t stored[SHA256_LEN] = {0};
	enum err_code rc;

	if ((rc = get_mark(t, x->id, &m, e)) != E_OK)
		return rc;
	if (m.status == CERT_REVOKED)
		return err_set(e, E_CERT_REVOKED, "row %lld was revoked before it was issued",
			       (long long)x->id);
	if (m.state == CERT_ORPHAN)
		return err_set(e, E_NOT_FOUND, "intent %lld was given up as an orphan",
			       (long long)x->id);
	rc = conn_read(t->c, STMT_CERT_FINGERPRINT, ARGS(arg_int(x->id)),
		       (struct sink){read_hash, stored}, NULL, e);
	if (rc == E_OK && memcmp(stored, x->fingerprint, sizeof(stored)) != 0)
		rc = err_set(e, E_DB_DUPLICATE, "row %lld holds another certificate",
			     (long long)x->id);
	return rc;
}

static enum err_code
put_issued(struct txn *t, void *arg, struct err *e)
{
	const struct issued *x = arg;
	int64_t changed = 0;
	enum err_code rc;

	rc = conn_run(t->c, STMT_CERT_ISSUED, ARGS(arg_int(x->id), arg_int(t->now)), &changed, e);
	if (rc != E_OK)
		return rc;
	if (changed == 0)
		return explain_not_open(t, x, e);
	t->counts[COUNT_INTENTS]--;
	t->counts[COUNT_ISSUED]++;
	return conn_run(t->c, STMT_CERT_DER_PUT,
			ARGS(arg_int(x->id), arg_hash(x->fingerprint), arg_bytes(x->der)), NULL, e);
}

enum err_code
cert_store_issued(struct db *db, int64_t id, struct span der, const struct audit_record *a,
		  struct err *e)
{
	struct issued x = {.id = id, .der = der};
	enum err_code rc;

	if ((rc = sha256(der, x.fingerprint, e)) != E_OK)
		return rc;
	return db_write(db, put_issued, &x, a, e);
}

enum err_code
cert_claim(struct txn *t, int64_t id, struct err *e)
{
	struct cert_mark m;
	int64_t changed = 0;
	enum err_code rc;

	rc = conn_run(t->c, STMT_CERT_CLAIM, ARGS(arg_int(id)), &changed, e);
	if (rc != E_OK || changed != 0)
		return rc;
	if ((rc = get_mark(t, id, &m, e)) != E_OK)
		return rc;
	if (m.status == CERT_REVOKED)
		return err_set(e, E_CERT_REVOKED, "certificate row %lld is revoked", (long long)id);
	return err_set(e, E_NOT_FOUND, "certificate row %lld was not issued", (long long)id);
}

static enum err_code
claim(struct txn *t, void *arg, struct err *e)
{
	return cert_claim(t, *(const int64_t *)arg, e);
}

enum err_code
cert_store_claim(struct db *db, int64_t id, struct err *e)
{
	return db_write(db, claim, &id, NULL, e);
}

/* --- reading --- */
static enum err_code
not_found(enum err_code rc, const char *what, struct err *e)
{
	return rc == E_NOT_FOUND ? err_set(e, rc, "no certificate with this %s", what) : rc;
}

enum err_code
cert_store_by_request(struct db *db, const char *request_id, struct cert_row *out, struct err *e)
{
	enum err_code rc = db_read_row(db, STMT_CERT_BY_REQUEST, ARGS(arg_text(request_id)),
				       &cert_type, out, e);

	return not_found(rc, "request id", e);
}

enum err_code
cert_store_by_serial(struct db *db, const char *ca, struct span serial, struct cert_row *out,
		     struct err *e)
{
	enum err_code rc = db_read_row(db, STMT_CERT_BY_SERIAL,
				       ARGS(arg_text(ca), arg_bytes(serial)), &cert_type, out, e);

	return not_found(rc, "serial number", e);
}

enum err_code
cert_store_by_fingerprint(struct db *db, const uint8_t sha256_of_der[32], struct cert_row *out,
			  struct err *e)
{
	enum err_code rc = db_read_row(db, STMT_CERT_BY_FINGERPRINT, ARGS(arg_hash(sha256_of_der)),
				       &cert_type, out, e);

	return not_found(rc, "fingerprint", e);
}

enum err_code
cert_store_list(struct db *db, const char *ca, const char *participant, int64_t after,
		struct cert_row *rows, size_t cap, size_t *count, struct err *e)
{
	struct arg a[4] = {arg_int(after), arg_int((int64_t)cap)};
	enum stmt_id id = STMT_CERT_PAGE;
	size_t n = 2;

	if (participant != NULL) {
		id = ca != NULL ? STMT_CERT_PAGE_BOTH : STMT_CERT_PAGE_PARTY;
		a[n++] = arg_text(participant);
	} else if (ca != NULL) {
		id = STMT_CERT_PAGE_CA;
	}
	if (ca != NULL)
		a[n++] = arg_text(ca);
	return db_read_page(db, id, (struct args){a, n}, &cert_type,
			    (struct page){rows, cap, count}, e);
}

enum err_code
cert_store_unclaimed(struct db *db, int64_t older_than, struct cert_row *rows, size_t cap,
		     size_t *count, struct err *e)
{
	return db_read_page(db, STMT_CERT_UNCLAIMED,
			    ARGS(arg_int(older_than), arg_int((int64_t)cap)), &cert_type,
			    (struct page){rows, cap, count}, e);
}

/* --- revocation: monotone (I-12) --- */
struct revocation {
	int64_t id, at;
	unsigned reason;
	bool block_key;
};

/* I-7: nobody gets a certificate for this key again, and nobody keeps one, intents included. */
static enum err_code
revoke_key(struct txn *t, const struct revocation *x, struct err *e)
{
	uint8_t spki[SHA256_LEN] = {0};
	int64_t n = 0;
	enum err_code rc;

	rc = conn_read(t->c, STMT_CERT_SPKI, ARGS(arg_int(x->id)), (struct sink){read_hash, spki},
		       NULL, e);
	if (rc == E_OK)
		rc = conn_run(t->c, STMT_KEY_BLOCK, ARGS(arg_hash(spki), arg_int(t->now)), NULL, e);
	if (rc == E_OK)
		rc = conn_run(t->c, STMT_CERT_REVOKE_KEY, ARGS(arg_hash(spki), arg_int(x->at)), &n,
			      e);
	t->counts[COUNT_REVOKED] += n;
	return rc;
}

/* The first date stays; of reasons only keyCompromise may replace another. */
static enum err_code
revoke(struct txn *t, void *arg, struct err *e)
{
	const struct revocation *x = arg;
	struct cert_mark m;
	int64_t n = 0;
	enum err_code rc;

	if ((rc = get_mark(t, x->id, &m, e)) != E_OK)
		return rc;
	if (m.status == CERT_GOOD)
		rc = conn_run(t->c, STMT_CERT_REVOKE,
			      ARGS(arg_int(x->id), arg_int(x->reason), arg_int(x->at)), &n, e);
	else if (x->reason == KEY_COMPROMISE)
		rc = conn_run(t->c, STMT_CERT_COMPROMISED, ARGS(arg_int(x->id)), NULL, e);
	t->counts[COUNT_REVOKED] += n;
	if (rc == E_OK && x->block_key)
		rc = revoke_key(t, x, e);
	return rc;
}

enum err_code
cert_store_revoke(struct db *db, int64_t id, unsigned reason, int64_t at, bool block_key,
		  const struct audit_record *a, struct err *e)
{
	struct revocation x = {id, at, reason, block_key};

	return db_write(db, revoke, &x, a, e);
}

static enum err_code
block(struct txn *t, void *arg, struct err *e)
{
	return conn_run(t->c, STMT_KEY_BLOCK, ARGS(arg_hash(arg), arg_int(t->now)), NULL, e);
}

enum err_code
key_store_block(struct db *db, const uint8_t spki_hash[32], const struct audit_record *a,
		struct err *e)
{
	uint8_t copy[SHA256_LEN];

	memcpy(copy, spki_hash, sizeof(copy));
	return db_write(db, block, copy, a, e);
}

/* --- the reconciler --- */
struct orphans {
	int64_t older_than, n;
};

static enum err_code
orphan(struct txn *t, void *arg, struct err *e)
{
	struct orphans *x = arg;
	struct args before = ARGS(arg_int(x->older_than));
	enum err_code rc;

	if ((rc = conn_run(t->c, STMT_CERT_RETIRE_ALL, before, NULL, e)) == E_OK)
		rc = conn_run(t->c, STMT_CERT_ORPHAN, before, &x->n, e);
	if (rc == E_OK) {
		t->counts[COUNT_INTENTS] -= x->n;
		t->counts[COUNT_ORPHANS] += x->n;
	}
	return rc;
}

static enum err_code
abandon(struct txn *t, void *arg, struct err *e)
{
	struct args id = ARGS(arg_int(*(const int64_t *)arg));
	int64_t n = 0;
	enum err_code rc;

	rc = conn_run(t->c, STMT_CERT_ABANDON, id, &n, e);
	if (rc != E_OK || n == 0)
		return rc;
	t->counts[COUNT_INTENTS]--;
	t->counts[COUNT_ORPHANS]++;
	return conn_run(t->c, STMT_CERT_RETIRE, id, NULL, e);
}

enum err_code
cert_store_abandon(struct db *db, int64_t id, const struct audit_record *a, struct err *e)
{
	return db_write(db, abandon, &id, a, e);
}

enum err_code
cert_store_orphan(struct db *db, int64_t older_than, int64_t *count, struct err *e)
{
	struct orphans x = {older_than, 0};
	enum err_code rc = db_write(db, orphan, &x, NULL, e);

	*count = rc == E_OK ? x.n : 0;
	return rc;
}

static void
read_count(struct row *r, void *out)
{
	struct cert_counts *c = out;
	char name[33];
	int64_t n;

	take_text(r, name, sizeof(name));
	n = take_int(r);
	if (strcmp(name, "intents") == 0)
		c->intents = n;
	else if (strcmp(name, "issued") == 0)
		c->issued = n;
	else if (strcmp(name, "orphans") == 0)
		c->orphans = n;
	else if (strcmp(name, "revoked") == 0)
		c->revoked = n;
}

enum err_code
cert_store_counts(struct db *db, struct cert_counts *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	return db_read(db, STMT_COUNTERS, NO_ARGS, (struct sink){read_count, out}, NULL, e);
}
