/* SPDX-License-Identifier: Apache-2.0 */
#include "db/internal.h"
#include "db/pool_store.h"

enum err_code
outbox_write(struct txn *t, const struct event *ev, struct err *e)
{
	struct subject_ref pcid = {0}, emaid = {0};
	enum err_code rc;

	if ((rc = subject_refer(t, "pcid", ev->pcid, "outbox", &pcid, e)) == E_OK)
		rc = subject_refer(t, "emaid", ev->emaid, "outbox", &emaid, e);
	if (rc == E_OK)
		rc = conn_run(t->c, STMT_OUTBOX_PUT,
			      ARGS(arg_int(t->now), arg_text(ev->type), arg_text(ev->recipient),
				   arg_text(pcid.pseudonym), arg_buf(&pcid.sealed),
				   arg_text(emaid.pseudonym), arg_buf(&emaid.sealed),
				   arg_text(ev->ref)),
			      NULL, e);
	if (rc == E_OK)
		t->counts[COUNT_OUTBOX]++;
	buf_free(&emaid.sealed);
	buf_free(&pcid.sealed);
	return rc;
}

static enum err_code
put(struct txn *t, void *arg, struct err *e)
{
	return outbox_write(t, arg, e);
}

enum err_code
outbox_put(struct db *db, const char *type, const char *pcid, const char *emaid, struct err *e)
{
	struct event ev = {.type = type, .pcid = pcid, .emaid = emaid};

	return db_write(db, put, &ev, NULL, e);
}

static void
read_event(struct row *r, void *out)
{
	struct outbox_row *o = out;

	o->id = take_int(r);
	o->at = take_int(r);
	take_text(r, o->type, sizeof(o->type));
	take_text(r, o->recipient, sizeof(o->recipient));
	take_text(r, o->pcid, sizeof(o->pcid));
	take_text(r, o->emaid, sizeof(o->emaid));
	take_text(r, o->ref, sizeof(o->ref));
}

enum err_code
outbox_list(struct db *db, int64_t after, struct outbox_row *rows, size_t cap, size_t *count,
	    struct err *e)
{
	static const struct row_type type = {sizeof(struct outbox_row), read_event, NULL};

	return db_read_page(db, STMT_OUTBOX_PAGE, ARGS(arg_int(after), arg_int((int64_t)cap)),
			    &type, (struct page){rows, cap, count}, e);
}
