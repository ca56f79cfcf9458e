/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "db/internal.h"
#include "db/pool_store.h"

void
root_row_free(struct root_row *r)
{
	buf_free(&r->der);
}

static void
free_row(void *row)
{
	root_row_free(row);
}

static void
read_row(struct row *r, void *out)
{
	struct root_row *x = out;

	take_text(r, x->id, sizeof(x->id));
	x->types = (unsigned)take_int(r);
	take_bytes(r, x->fingerprint, sizeof(x->fingerprint), NULL);
	take_buf(r, &x->der);
	x->not_before = take_int(r);
	x->not_after = take_int(r);
	x->created = take_int(r);
}

static const struct row_type root_type = {sizeof(struct root_row), read_row, free_row};

struct known {
	char id[37];
	unsigned types;
};

static void
read_known(struct row *r, void *out)
{
	struct known *k = out;

	take_text(r, k->id, sizeof(k->id));
	k->types = (unsigned)take_int(r);
}

static enum err_code
add_types(struct txn *t, struct root_row *r, struct err *e)
{
	struct known k = {0};
	enum err_code rc;

	rc = conn_read(t->c, STMT_ROOT_TYPES, ARGS(arg_hash(r->fingerprint), arg_int(r->types)),
		       (struct sink){read_known, &k}, NULL, e);
	if (rc == E_OK) {
		memcpy(r->id, k.id, sizeof(r->id));
		r->types = k.types;
	}
	return rc;
}

static enum err_code
put(struct txn *t, void *arg, struct err *e)
{
	struct root_row *r = arg;
	struct event ev = {.type = "root.cert.added", .ref = r->id};
	int64_t n = 0;
	enum err_code rc;

	rc = conn_run(t->c, STMT_ROOT_PUT,
		      ARGS(arg_text(r->id), arg_int(r->types), arg_hash(r->fingerprint),
			   arg_buf(&r->der), arg_int(r->not_before), arg_int(r->not_after),
			   arg_int(r->created != 0 ? r->created : t->now)),
		      &n, e);
	if (rc != E_OK)
		return rc;
	t->roots_changed = true;
	if (n == 0)
		return add_types(t, r, e);
	t->counts[COUNT_ROOTS]++;
	return outbox_write(t, &ev, e);
}

enum err_code
root_store_put(struct db *db, struct root_row *r, const struct audit_record *a, struct err *e)
{
	struct root_row copy = *r; /* borrows the bytes; r changes only when all is durable */
	enum err_code rc = db_write(db, put, &copy, a, e);

	if (rc == E_OK)
		*r = copy;
	return rc;
}

enum err_code
root_store_get(struct db *db, const char *id, struct root_row *out, struct err *e)
{
	enum err_code rc = db_read_row(db, STMT_ROOT_GET, ARGS(arg_text(id)), &root_type, out, e);

	return rc == E_NOT_FOUND ? err_set(e, E_ROOT_UNKNOWN, "no root with this id") : rc;
}

struct doomed {
	const char *id;
};

static enum err_code
drop(struct txn *t, void *arg, struct err *e)
{
	const struct doomed *d = arg;
	struct event ev = {.type = "root.cert.deleted", .ref = d->id};
	int64_t n = 0;
	enum err_code rc;

	if ((rc = conn_run(t->c, STMT_ROOT_DELETE, ARGS(arg_text(d->id)), &n, e)) != E_OK)
		return rc;
	if (n == 0)
		return err_set(e, E_ROOT_UNKNOWN, "no root with this id");
	t->counts[COUNT_ROOTS]--;
	t->roots_changed = true;
	return outbox_write(t, &ev, e);
}

enum err_code
root_store_delete(struct db *db, const char *id, const struct audit_record *a, struct err *e)
{
	struct doomed d = {id};

	return db_write(db, drop, &d, a, e);
}

enum err_code
root_store_list(struct db *db, unsigned types, struct root_row **rows, size_t *count, struct err *e)
{
	struct list l;
	enum err_code rc = db_read_all(db, STMT_ROOT_LIST, ARGS(arg_int(types)), &root_type, &l, e);

	*rows = l.rows;
	*count = l.n;
	return rc;
}
