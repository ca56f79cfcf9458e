/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/internal.h"
#include "db/pool_store.h"

/* --- rows --- */
void
contract_row_free(struct contract_row *r)
{
	buf_free(&r->cert);
	buf_free(&r->metadata);
	buf_free(&r->subscription_url);
}

static void
free_row(void *row)
{
	contract_row_free(row);
}

static void
read_row(struct row *r, void *out)
{
	struct contract_row *x = out;

	x->id = take_int(r);
	take_text(r, x->emaid_key, sizeof(x->emaid_key));
	take_text(r, x->emaid, sizeof(x->emaid));
	take_text(r, x->pcid, sizeof(x->pcid));
	x->edition = (int)take_int(r);
	take_text(r, x->participant, sizeof(x->participant));
	x->is_default = take_int(r) != 0;
	x->ours = take_int(r) != 0;
	x->cert_id = take_int(r);
	take_buf(r, &x->cert);
	x->not_before = take_int(r);
	x->not_after = take_int(r);
	x->created = take_int(r);
	x->changed = take_int(r);
	take_text(r, x->request_id, sizeof(x->request_id));
	take_buf(r, &x->metadata);
	take_buf(r, &x->subscription_url);
}

static const struct row_type contract_type = {sizeof(struct contract_row), read_row, free_row};

void
variant_row_free(struct variant_row *r)
{
	buf_free(&r->exi);
}

static void
free_variant(void *row)
{
	variant_row_free(row);
}

static void
read_variant(struct row *r, void *out)
{
	struct variant_row *x = out;

	take_text(r, x->cps_root, sizeof(x->cps_root));
	take_buf(r, &x->exi);
	x->cps_not_after = take_int(r);
}

static const struct row_type variant_type = {sizeof(struct variant_row), read_variant,
					     free_variant};

/* --- writing --- */
struct put {
	const struct contract_row *c;
	const struct variant_row *v;
	char oem[65]; /* whom the event goes to */
};

struct text {
	char s[65];
};

static void
read_text(struct row *r, void *out)
{
	struct text *t = out;

	take_text(r, t->s, sizeof(t->s));
}

static enum err_code
find_oem(struct txn *t, const char *pcid, int edition, char oem[65], struct err *e)
{
	struct text found = {0};
	size_t n = 0;
	enum err_code rc;

	rc = conn_read(t->c, STMT_VEHICLE_OEM, ARGS(arg_text(pcid), arg_int(edition)),
		       (struct sink){read_text, &found}, &n, e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_PCID_UNKNOWN,
			     "pcid: no provisioning certificate of this PCID is in the pool");
	memcpy(oem, found.s, sizeof(found.s));
	return rc;
}

static enum err_code
bind_emaid(struct txn *t, const char *emaid_key, const char *pcid, struct err *e)
{
	struct text owner = {0};
	enum err_code rc;

	rc = conn_run(t->c, STMT_EMAID_BIND, ARGS(arg_text(emaid_key), arg_text(pcid)), NULL, e);
	if (rc == E_OK)
		rc = conn_read(t->c, STMT_EMAID_PCID, ARGS(arg_text(emaid_key)),
			       (struct sink){read_text, &owner}, NULL, e);
	if (rc == E_OK && strcmp(owner.s, pcid) != 0)
		rc = err_set(e, E_EMAID_TAKEN,
			     "emaid: this EMAID belongs to another PCID (OPCP, contract rule 1)");
	return rc;
}

struct old {
	int64_t id;
	struct buf cert;
	bool ours;
	int64_t cert_id;
};

static void
read_old(struct row *r, void *out)
{
	struct old *o = out;

	o->id = take_int(r);
	take_buf(r, &o->cert);
	o->ours = take_int(r) != 0;
	o->cert_id = take_int(r);
}

/* The bundles of a replaced certificate go; the certificate is remembered, for the day on which the
 * contract ends. */
static enum err_code
retire(struct txn *t, const char *emaid_key, const struct old *o, struct err *e)
{
	enum err_code rc = conn_run(t->c, STMT_VARIANT_DROP, ARGS(arg_int(o->id)), NULL, e);

	if (rc == E_OK && o->ours && o->cert_id != 0)
		rc = conn_run(t->c, STMT_SUPERSEDED_PUT,
			      ARGS(arg_text(emaid_key), arg_int(o->cert_id)), NULL, e);
	return rc;
}

/* Variants belong to one certificate: with a new one the old bundles go in the same transaction,
 * so that nobody is ever served a mixture (I-36). *known: this is an update. */
static enum err_code
drop_stale_variants(struct txn *t, const struct contract_row *c, bool *known, struct err *e)
{
	struct old o = {0};
	size_t n = 0;
	enum err_code rc;

	rc = conn_read(t->c, STMT_CONTRACT_CERT, ARGS(arg_text(c->emaid_key), arg_int(c->edition)),
		       (struct sink){read_old, &o}, &n, e);
	*known = n > 0;
	if (rc == E_OK && *known && !span_equal(buf_span(&o.cert), buf_span(&c->cert)))
		rc = retire(t, c->emaid_key, &o, e);
	buf_free(&o.cert);
	return rc;
}

/* The first contract of a PCID is its default (OPCP, contract rule 3); an update keeps the flag. */
static enum err_code
insert(struct txn *t, const struct contract_row *c, int64_t *id, struct err *e)
{
	int64_t any = 0;
	size_t others = 0;
	enum err_code rc;

	rc = conn_read(t->c, STMT_CONTRACT_ANY, ARGS(arg_text(c->pcid), arg_int(c->edition)),
		       (struct sink){sink_int, &any}, &others, e);
	if (rc != E_OK)
		return rc;
	return conn_read(t->c, STMT_CONTRACT_PUT,
			 ARGS(arg_text(c->emaid_key), arg_text(c->emaid), arg_text(c->pcid),
			      arg_int(c->edition), arg_text(c->participant), arg_int(others == 0),
			      arg_int(c->ours), arg_int(c->cert_id), arg_buf(&c->cert),
			      arg_int(c->not_before), arg_int(c->not_after), arg_int(t->now),
			      arg_int(t->now), arg_text(c->request_id),
			      (struct arg){ARG_TEXT, 0, buf_span(&c->metadata)},
			      (struct arg){ARG_TEXT, 0, buf_span(&c->subscription_url)}),
			 (struct sink){sink_int, id}, NULL, e);
}

static enum err_code
put_rows(struct txn *t, const struct put *x, bool *known, struct err *e)
{
	const struct variant_row *v = x->v;
	int64_t id = 0;
	enum err_code rc;

	if ((rc = drop_stale_variants(t, x->c, known, e)) != E_OK ||
	    (rc = insert(t, x->c, &id, e)) != E_OK)
		return rc;
	if (x->c->cert_id != 0 && (rc = cert_claim(t, x->c->cert_id, e)) != E_OK)
		return rc;
	if (v == NULL)
		return E_OK;
	return conn_run(t->c, STMT_VARIANT_PUT,
			ARGS(arg_int(id), arg_text(v->cps_root), arg_buf(&v->exi),
			     arg_int(v->cps_not_after), arg_int(t->now)),
			NULL, e);
}

static void
read_point(struct row *r, void *out)
{
	take_buf(r, out);
}

/* A bundle is made for one key of the car: with another it could not be opened. */
static enum err_code
check_car(struct txn *t, const struct put *x, struct err *e)
{
	struct buf point = {0};
	enum err_code rc;

	if (x->v == NULL || x->v->car_point.n == 0)
		return E_OK;
	rc = conn_read(t->c, STMT_VEHICLE_POINT, ARGS(arg_text(x->c->pcid), arg_int(x->c->edition)),
		       (struct sink){read_point, &point}, NULL, e);
	if (rc == E_OK && !span_equal(buf_span(&point), x->v->car_point))
		rc = err_set(e, E_DB_CHANGED, "pcid: the vehicle has another key by now");
	buf_free(&point);
	return rc;
}

static enum err_code
put(struct txn *t, void *arg, struct err *e)
{
	struct put *x = arg;
	struct event ev = {.recipient = x->oem, .pcid = x->c->pcid, .emaid = x->c->emaid_key};
	bool known = false;
	enum err_code rc;

	if ((rc = find_oem(t, x->c->pcid, x->c->edition, x->oem, e)) != E_OK ||
	    (rc = check_car(t, x, e)) != E_OK ||
	    (rc = bind_emaid(t, x->c->emaid_key, x->c->pcid, e)) != E_OK ||
	    (rc = put_rows(t, x, &known, e)) != E_OK)
		return rc;
	if (!known)
		t->counts[COUNT_CONTRACTS]++;
	ev.type = known ? "oem.contract.updated" : "oem.contract.created";
	return outbox_write(t, &ev, e);
}

enum err_code
contract_store_put(struct db *db, const struct contract_row *c, const struct variant_row *v,
		   const struct audit_record *a, struct err *e)
{
	struct put x = {.c = c, .v = v};

	return db_write(db, put, &x, a, e);
}

/* --- deleting --- */

/* Whether everything of ours in the list has been dealt with as it is now: an order may have put
 * another certificate in its place since the caller looked. */
static enum err_code
check_dealt_with(const struct list *l, const struct contract_set *set, struct err *e)
{
	const struct contract_row *rows = l->rows;
	size_t i, k;

	for (i = 0; set != NULL && i < l->n; i++) {
		for (k = 0; k < set->count; k++)
			if (set->rows[k].cert_id == rows[i].cert_id)
				break;
		if (rows[i].ours && k == set->count)
			return err_set(e, E_DB_CHANGED, "a contract has changed meanwhile");
	}
	return E_OK;
}

static enum err_code
delete_one(struct txn *t, const struct contract_row *c, struct err *e)
{
	enum err_code rc;

	if ((rc = conn_run(t->c, STMT_VARIANT_DROP, ARGS(arg_int(c->id)), NULL, e)) == E_OK)
		rc = conn_run(t->c, STMT_CONTRACT_DELETE, ARGS(arg_int(c->id)), NULL, e);
	if (rc == E_OK)
		rc = conn_run(t->c, STMT_SUPERSEDED_DROP, ARGS(arg_text(c->emaid_key)), NULL, e);
	if (rc == E_OK)
		rc = conn_run(t->c, STMT_EMAID_FREE, ARGS(arg_text(c->emaid_key)), NULL, e);
	if (rc == E_OK)
		t->counts[COUNT_CONTRACTS]--;
	return rc;
}

static void
free_list(struct list *l)
{
	struct contract_row *rows = l->rows;
	size_t i;

	for (i = 0; i < l->n; i++)
		contract_row_free(&rows[i]);
	free(rows);
}

/* Whether an earlier row of the list has the same EMAID in another edition: one event is enough. */
static bool
seen_before(const struct contract_row *rows, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (strcmp(rows[k].emaid_key, rows[i].emaid_key) == 0)
			return true;
	return false;
}

static enum err_code
drop_all(struct txn *t, const struct list *l, const char *event, struct err *e)
{
	const struct contract_row *rows = l->rows;
	enum err_code rc = E_OK;
	size_t i;

	for (i = 0; i < l->n && rc == E_OK; i++) {
		struct event ev = {.type = event,
				   .recipient = rows[i].participant,
				   .pcid = rows[i].pcid,
				   .emaid = rows[i].emaid_key};

		rc = delete_one(t, &rows[i], e);
		if (rc == E_OK && !seen_before(rows, i))
			rc = outbox_write(t, &ev, e);
	}
	return rc;
}

enum err_code
contracts_drop(struct txn *t, const struct doomed_contracts *d, int64_t *dropped, struct err *e)
{
	struct list l = {.type = &contract_type};
	struct sink s = {list_sink, &l};
	enum err_code rc;

	if (d->edition == 0)
		rc = conn_read(t->c, STMT_CONTRACT_BY_PCID, ARGS(arg_text(d->pcid)), s, NULL, e);
	else
		rc = conn_read(t->c, STMT_CONTRACT_BY_PCID_EDITION,
			       ARGS(arg_text(d->pcid), arg_int(d->edition)), s, NULL, e);
	if (rc == E_OK)
		rc = check_dealt_with(&l, d->dealt_with, e);
	if (rc == E_OK)
		rc = drop_all(t, &l, d->event, e);
	if (rc == E_OK && dropped != NULL)
		*dropped = (int64_t)l.n;
	free_list(&l);
	return rc;
}

struct key {
	const char *emaid_key;
	const struct contract_set *dealt_with;
};

/* The event goes to the OEM, whose car has the contract. */
static enum err_code
delete_emaid(struct txn *t, void *arg, struct err *e)
{
	const struct key *k = arg;
	struct list l = {.type = &contract_type};
	struct event ev = {.type = "oem.contract.deleted", .emaid = k->emaid_key};
	struct contract_row *rows;
	char oem[65];
	enum err_code rc;
	size_t i;

	rc = conn_read(t->c, STMT_CONTRACT_BY_EMAID, ARGS(arg_text(k->emaid_key)),
		       (struct sink){list_sink, &l}, NULL, e);
	rows = l.rows;
	if (rc == E_OK && l.n == 0)
		rc = err_set(e, E_CONTRACT_UNKNOWN, "no contract with this EMAID");
	if (rc == E_OK)
		rc = check_dealt_with(&l, k->dealt_with, e);
	if (rc == E_OK)
		rc = find_oem(t, rows[0].pcid, rows[0].edition, oem, e);
	for (i = 0; i < l.n && rc == E_OK; i++)
		rc = delete_one(t, &rows[i], e);
	if (rc == E_OK) {
		ev.recipient = oem;
		ev.pcid = rows[0].pcid;
		rc = outbox_write(t, &ev, e);
	}
	free_list(&l);
	return rc;
}

enum err_code
contract_store_delete(struct db *db, const char *emaid_key, const struct contract_set *dealt_with,
		      const struct audit_record *a, struct err *e)
{
	struct key k = {emaid_key, dealt_with};

	return db_write(db, delete_emaid, &k, a, e);
}

/* --- the default --- */
struct vehicle_key {
	char pcid[PCID_TEXT];
	int64_t edition;
};

static void
read_vehicle_key(struct row *r, void *out)
{
	struct vehicle_key *k = out;

	take_text(r, k->pcid, sizeof(k->pcid));
	k->edition = take_int(r);
}

static enum err_code
set_default(struct txn *t, void *arg, struct err *e)
{
	int64_t id = *(const int64_t *)arg;
	struct vehicle_key k = {0};
	size_t n = 0;
	enum err_code rc;

	rc = conn_read(t->c, STMT_CONTRACT_OF, ARGS(arg_int(id)),
		       (struct sink){read_vehicle_key, &k}, &n, e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_CONTRACT_UNKNOWN, "no such contract");
	if (rc == E_OK)
		rc = conn_run(t->c, STMT_CONTRACT_NO_DEFAULT,
			      ARGS(arg_text(k.pcid), arg_int(k.edition)), NULL, e);
	if (rc == E_OK)
		rc = conn_run(t->c, STMT_CONTRACT_DEFAULT, ARGS(arg_int(id)), NULL, e);
	return rc;
}

enum err_code
contract_store_set_default(struct db *db, int64_t contract_id, const struct audit_record *a,
			   struct err *e)
{
	return db_write(db, set_default, &contract_id, a, e);
}

/* --- reading --- */
enum err_code
contract_store_owner(struct db *db, const char *emaid_key, char pcid[19], struct err *e)
{
	struct text owner = {0};
	enum err_code rc = db_read(db, STMT_EMAID_PCID, ARGS(arg_text(emaid_key)),
				   (struct sink){read_text, &owner}, NULL, e);

	memcpy(pcid, owner.s, PCID_TEXT - 1);
	pcid[PCID_TEXT - 1] = '\0';
	return rc;
}

static enum err_code
read_list(struct db *db, enum stmt_id id, struct args a, struct list *l, struct err *e)
{
	return db_read_all(db, id, a, &contract_type, l, e);
}

enum err_code
contract_store_by_emaid(struct db *db, const char *emaid_key, int edition,
			struct contract_row **rows, size_t *count, struct err *e)
{
	struct list l;
	enum err_code rc;

	if (edition == 0)
		rc = read_list(db, STMT_CONTRACT_BY_EMAID, ARGS(arg_text(emaid_key)), &l, e);
	else
		rc = read_list(db, STMT_CONTRACT_BY_EMAID_EDITION,
			       ARGS(arg_text(emaid_key), arg_int(edition)), &l, e);
	*rows = l.rows;
	*count = l.n;
	return rc;
}

enum err_code
contract_store_by_pcid(struct db *db, const char *pcid, int edition, struct contract_row **rows,
		       size_t *count, struct err *e)
{
	struct list l;
	enum err_code rc;

	if (edition == 0)
		rc = read_list(db, STMT_CONTRACT_BY_PCID, ARGS(arg_text(pcid)), &l, e);
	else
		rc = read_list(db, STMT_CONTRACT_BY_PCID_EDITION,
			       ARGS(arg_text(pcid), arg_int(edition)), &l, e);
	*rows = l.rows;
	*count = l.n;
	return rc;
}

static void
read_superseded(struct row *r, void *out)
{
	struct contract_row *x = out;

	x->ours = true;
	x->cert_id = take_int(r);
	take_buf(r, &x->cert);
}

static const struct row_type superseded_type = {sizeof(struct contract_row), read_superseded,
						free_row};

enum err_code
contract_store_superseded(struct db *db, const char *emaid_key, struct contract_row **rows,
			  size_t *count, struct err *e)
{
	struct list l;
	enum err_code rc = db_read_all(db, STMT_SUPERSEDED_LIST, ARGS(arg_text(emaid_key)),
				       &superseded_type, &l, e);
	size_t i;

	*rows = l.rows;
	*count = l.n;
	for (i = 0; i < l.n; i++)
		(void)str_copy((*rows)[i].emaid_key, sizeof((*rows)[i].emaid_key), emaid_key);
	return rc;
}

enum err_code
contract_store_list(struct db *db, int64_t after, struct contract_row **rows, size_t limit,
		    size_t *count, struct err *e)
{
	struct list l;
	enum err_code rc = read_list(db, STMT_CONTRACT_PAGE,
				     ARGS(arg_int(after), arg_int((int64_t)limit)), &l, e);

	*rows = l.rows;
	*count = l.n;
	return rc;
}

enum err_code
variant_store_get(struct db *db, int64_t contract_id, const char *cps_root, struct variant_row *out,
		  struct err *e)
{
	enum err_code rc;

	if (cps_root == NULL)
		rc = db_read_row(db, STMT_VARIANT_ANY, ARGS(arg_int(contract_id)), &variant_type,
				 out, e);
	else
		rc = db_read_row(db, STMT_VARIANT_GET,
				 ARGS(arg_int(contract_id), arg_text(cps_root)), &variant_type, out,
				 e);
	return rc == E_NOT_FOUND ? err_set(e, rc, "no signed bundle under this V2G root") : rc;
}

enum err_code
variant_store_list(struct db *db, int64_t contract_id, struct variant_row **rows, size_t *count,
		   struct err *e)
{
	struct list l;
	enum err_code rc = db_read_all(db, STMT_VARIANT_LIST, ARGS(arg_int(contract_id)),
				       &variant_type, &l, e);

	*rows = l.rows;
	*count = l.n;
	return rc;
}
