/* SPDX-License-Identifier: Apache-2.0 */
#include "db/cert_store.h"
#include "db/internal.h"

void
ca_row_free(struct ca_row *r)
{
	buf_free(&r->cert);
}

static void
free_row(void *row)
{
	ca_row_free(row);
}

static void
read_row(struct row *r, void *out)
{
	struct ca_row *x = out;

	x->id = take_int(r);
	take_text(r, x->name, sizeof(x->name));
	take_text(r, x->profile, sizeof(x->profile));
	take_text(r, x->issuer, sizeof(x->issuer));
	take_text(r, x->token, sizeof(x->token));
	take_text(r, x->algo, sizeof(x->algo));
	take_bytes(r, x->key_id, sizeof(x->key_id), &x->key_id_len);
	take_buf(r, &x->cert);
	x->created = take_int(r);
}

/* The same name with the same key takes the certificate; another key is another CA. */
static enum err_code
put(struct txn *t, void *arg, struct err *e)
{
	const struct ca_row *r = arg;
	int64_t changed = 0;
	enum err_code rc;

	rc = conn_run(t->c, STMT_CA_PUT,
		      ARGS(arg_text(r->name), arg_text(r->profile), arg_text(r->issuer),
			   arg_text(r->token), arg_text(r->algo),
			   arg_bytes((struct span){r->key_id, r->key_id_len}), arg_buf(&r->cert),
			   arg_int(r->created != 0 ? r->created : t->now)),
		      &changed, e);
	if (rc == E_OK && changed == 0)
		rc = err_set(e, E_CA_EXISTS, "%s exists with another key", r->name);
	return rc;
}

enum err_code
ca_store_put(struct db *db, const struct ca_row *r, const struct audit_record *a, struct err *e)
{
	struct ca_row copy = *r; /* borrows the buffer of r */

	return db_write(db, put, &copy, a, e);
}

enum err_code
ca_store_list(struct db *db, struct ca_row *rows, size_t cap, size_t *count, struct err *e)
{
	static const struct row_type type = {sizeof(struct ca_row), read_row, free_row};

	return db_read_page(db, STMT_CA_LIST, ARGS(arg_int((int64_t)cap)), &type,
			    (struct page){rows, cap, count}, e);
}
