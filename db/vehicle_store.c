/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"
#include "db/pool_store.h"

void
vehicle_row_free(struct vehicle_row *r)
{
	buf_free(&r->leaf);
	buf_free(&r->sub2);
	buf_free(&r->sub1);
	buf_free(&r->point);
	buf_free(&r->v2g_akis);
}

static void
free_row(void *row)
{
	vehicle_row_free(row);
}

static void
read_row(struct row *r, void *out)
{
	struct vehicle_row *x = out;

	take_text(r, x->pcid, sizeof(x->pcid));
	take_text(r, x->given, sizeof(x->given));
	x->edition = (int)take_int(r);
	take_text(r, x->participant, sizeof(x->participant));
	take_buf(r, &x->leaf);
	take_buf(r, &x->sub2);
	take_buf(r, &x->sub1);
	take_buf(r, &x->point);
	take_bytes(r, x->root_fingerprint, sizeof(x->root_fingerprint), NULL);
	take_text(r, x->previous_pcid, sizeof(x->previous_pcid));
	take_buf(r, &x->v2g_akis);
	x->not_after = take_int(r);
	x->created = take_int(r);
	x->changed = take_int(r);
}

static const struct row_type vehicle_type = {sizeof(struct vehicle_row), read_row, free_row};

/* --- writing --- */
struct put {
	const struct vehicle_row *row;
	const struct contract_set *dealt_with;
	int64_t dropped;
};

static void
read_buf(struct row *r, void *out)
{
	take_buf(r, out);
}

/* Bundles are made for one key: with another they are worth nothing (OPCP PCP, side effects). */
static enum err_code
drop_if_key_changes(struct txn *t, struct put *x, bool *known, struct err *e)
{
	const struct vehicle_row *r = x->row;
	const struct doomed_contracts doomed = {r->pcid, r->edition, "mo.prov.cert.updated",
						x->dealt_with};
	struct buf old = {0};
	size_t n = 0;
	enum err_code rc;

	rc = conn_read(t->c, STMT_VEHICLE_POINT, ARGS(arg_text(r->pcid), arg_int(r->edition)),
		       (struct sink){read_buf, &old}, &n, e);
	*known = n > 0;
	if (rc == E_OK && *known && !span_equal(buf_span(&old), buf_span(&r->point)))
		rc = contracts_drop(t, &doomed, &x->dropped, e);
	buf_free(&old);
	return rc;
}

static enum err_code
put(struct txn *t, void *arg, struct err *e)
{
	struct put *x = arg;
	const struct vehicle_row *r = x->row;
	bool known = false;
	enum err_code rc;

	if ((rc = drop_if_key_changes(t, x, &known, e)) != E_OK)
		return rc;
	if (!known)
		t->counts[COUNT_VEHICLES]++;
	return conn_run(t->c, STMT_VEHICLE_PUT,
			ARGS(arg_text(r->pcid), arg_text(r->given), arg_int(r->edition),
			     arg_text(r->participant), arg_buf(&r->leaf), arg_buf(&r->sub2),
			     arg_buf(&r->sub1), arg_buf(&r->point), arg_hash(r->root_fingerprint),
			     arg_text(r->previous_pcid),
			     (struct arg){ARG_TEXT, 0, buf_span(&r->v2g_akis)},
			     arg_int(r->not_after), arg_int(t->now), arg_int(t->now)),
			NULL, e);
}

enum err_code
vehicle_store_put(struct db *db, const struct vehicle_row *r, const struct contract_set *dealt_with,
		  const struct audit_record *a, int64_t *contracts_dropped, struct err *e)
{
	struct put x = {r, dealt_with, 0};
	enum err_code rc = db_write(db, put, &x, a, e);

	if (contracts_dropped != NULL)
		*contracts_dropped = rc == E_OK ? x.dropped : 0;
	return rc;
}

static enum err_code
drop(struct txn *t, void *arg, struct err *e)
{
	const struct doomed_contracts *d = arg;
	int64_t n = 0;
	enum err_code rc;

	rc = contracts_drop(t, d, NULL, e);
	if (rc == E_OK)
		rc = conn_run(t->c, STMT_VEHICLE_DELETE, ARGS(arg_text(d->pcid)), &n, e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_VEHICLE_UNKNOWN, "no vehicle with this PCID");
	t->counts[COUNT_VEHICLES] -= n;
	return rc;
}

enum err_code
vehicle_store_delete(struct db *db, const char *pcid, const struct contract_set *dealt_with,
		     const struct audit_record *a, struct err *e)
{
	struct doomed_contracts d = {pcid, 0, "mo.prov.cert.deleted", dealt_with};

	return db_write(db, drop, &d, a, e);
}

/* --- reading --- */
enum err_code
vehicle_store_get(struct db *db, const char *pcid, int edition, struct vehicle_row *out,
		  struct err *e)
{
	enum err_code rc = db_read_row(db, STMT_VEHICLE_GET, ARGS(arg_text(pcid), arg_int(edition)),
				       &vehicle_type, out, e);

	return rc == E_NOT_FOUND ? err_set(e, E_VEHICLE_UNKNOWN, "no vehicle with this PCID") : rc;
}

/* Pages go by PCID, which may have a row for each edition: a page never ends between them, because
 * the next one begins after the PCID. */
static void
cut_to_whole_pcids(struct vehicle_row *rows, size_t *count)
{
	char last[sizeof(rows[0].pcid)];

	memcpy(last, rows[*count - 1].pcid, sizeof(last));
	while (*count > 0 && strcmp(rows[*count - 1].pcid, last) == 0)
		vehicle_row_free(&rows[--*count]);
}

enum err_code
vehicle_store_list(struct db *db, const char *after, struct vehicle_row *rows, size_t cap,
		   size_t *count, struct err *e)
{
	struct list l;
	enum err_code rc;

	*count = 0;
	if (cap < 2)
		return err_set(e, E_INTERNAL, "a page of vehicles needs room for 2 rows");
	rc = db_read_all(db, STMT_VEHICLE_PAGE, ARGS(arg_text(after), arg_int((int64_t)cap + 1)),
			 &vehicle_type, &l, e);
	if (rc != E_OK)
		return rc;
	if (l.n > cap)
		cut_to_whole_pcids(l.rows, &l.n);
	if (l.n > 0)
		memcpy(rows, l.rows, l.n * sizeof(*rows));
	*count = l.n;
	free(l.rows);
	return E_OK;
}
