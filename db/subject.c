/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/digest.h"
#include "base/privacy.h"
#include "base/str.h"
#include "db/internal.h"
#include "db/pool_store.h"

static void
read_buf(struct row *r, void *out)
{
	take_buf(r, out);
}

static enum err_code
make_key(struct txn *t, const char *pseudonym, struct secret *key, struct err *e)
{
	struct buf wrapped = {0};
	enum err_code rc;

	if ((rc = secret_alloc(key, SEAL_KEY_LEN, e)) != E_OK)
		return rc;
	if ((rc = random_bytes(key->p, key->n, e)) == E_OK)
		rc = privacy_wrap_key(span_str(pseudonym), secret_span(key), &wrapped, e);
	if (rc == E_OK)
		rc = conn_run(t->c, STMT_SUBJECT_PUT,
			      ARGS(arg_text(pseudonym), arg_buf(&wrapped), arg_int(t->now)), NULL,
			      e);
	buf_free(&wrapped);
	return rc;
}

/* The key of a subject, made at its first use; the caller frees it, also after an error. */
static enum err_code
subject_key(struct txn *t, const char *pseudonym, struct secret *key, struct err *e)
{
	struct buf wrapped = {0};
	size_t n = 0;
	enum err_code rc;

	rc = conn_read(t->c, STMT_SUBJECT_GET, ARGS(arg_text(pseudonym)),
		       (struct sink){read_buf, &wrapped}, &n, e);
	if (rc == E_OK && n == 0)
		rc = make_key(t, pseudonym, key, e);
	else if (rc == E_OK)
		rc = privacy_unwrap_key(span_str(pseudonym), buf_span(&wrapped), key, e);
	buf_free(&wrapped);
	return rc;
}

enum err_code
subject_refer(struct txn *t, const char *kind, const char *value, const char *context,
	      struct subject_ref *out, struct err *e)
{
	char pseudonym[PSEUDONYM_LEN];
	struct secret key = {0};
	enum err_code rc;

	memset(out, 0, sizeof(*out));
	if (value == NULL || value[0] == '\0')
		return E_OK;
	if (strcmp(kind, "pcid") != 0 && strcmp(kind, "emaid") != 0)
		return err_set(e, E_INTERNAL, "a subject of kind \"%s\"", kind);
	privacy_pseudonym(kind, value, pseudonym);
	(void)str_copy(out->pseudonym, sizeof(out->pseudonym), pseudonym); /* shorter */
	if ((rc = subject_key(t, pseudonym, &key, e)) == E_OK)
		rc = privacy_seal(secret_span(&key), span_str(context), span_str(value),
				  &out->sealed, e);
	secret_free(&key);
	if (rc != E_OK)
		buf_free(&out->sealed);
	return rc;
}

/* --- an auditor's look, and erasure --- */
struct sealed {
	char pseudonym[PSEUDONYM_LEN];
	struct buf field;
};

static void
read_sealed(struct row *r, void *out)
{
	struct sealed *s = out;

	take_text(r, s->pseudonym, sizeof(s->pseudonym));
	take_buf(r, &s->field);
}

static enum err_code
open_field(struct db *db, const struct sealed *s, const char *context, struct buf *clear,
	   struct err *e)
{
	struct buf wrapped = {0};
	struct secret key = {0};
	size_t n = 0;
	enum err_code rc;

	rc = db_read(db, STMT_SUBJECT_GET, ARGS(arg_text(s->pseudonym)),
		     (struct sink){read_buf, &wrapped}, &n, e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_NOT_FOUND, "the key of this subject was erased");
	if (rc == E_OK)
		rc = privacy_unwrap_key(span_str(s->pseudonym), buf_span(&wrapped), &key, e);
	if (rc == E_OK)
		rc = privacy_open(secret_span(&key), span_str(context), buf_span(&s->field), clear,
				  e);
	secret_free(&key);
	buf_free(&wrapped);
	return rc;
}

enum err_code
audit_open_subject(struct db *db, int64_t seq, struct buf *clear, struct err *e)
{
	struct sealed s = {0};
	enum err_code rc;

	rc = db_read(db, STMT_AUDIT_SUBJECT, ARGS(arg_int(seq)), (struct sink){read_sealed, &s},
		     NULL, e);
	if (rc == E_OK && s.field.n == 0)
		rc = err_set(e, E_NOT_FOUND, "audit row %lld names no subject", (long long)seq);
	if (rc == E_OK)
		rc = open_field(db, &s, "audit", clear, e);
	buf_free(&s.field);
	return rc;
}

struct sealed_pair {
	struct sealed pcid, emaid;
};

static void
read_pair(struct row *r, void *out)
{
	struct sealed_pair *p = out;

	read_sealed(r, &p->pcid);
	read_sealed(r, &p->emaid);
}

enum err_code
outbox_open(struct db *db, int64_t id, struct buf *pcid, struct buf *emaid, struct err *e)
{
	struct sealed_pair p = {0};
	size_t n = 0;
	enum err_code rc;

	rc = db_read(db, STMT_OUTBOX_SUBJECTS, ARGS(arg_int(id)), (struct sink){read_pair, &p}, &n,
		     e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_NOT_FOUND, "no event %lld", (long long)id);
	if (rc == E_OK && p.pcid.field.n > 0)
		rc = open_field(db, &p.pcid, "outbox", pcid, e);
	if (rc == E_OK && p.emaid.field.n > 0)
		rc = open_field(db, &p.emaid, "outbox", emaid, e);
	buf_free(&p.emaid.field);
	buf_free(&p.pcid.field);
	return rc;
}

static enum err_code
erase(struct txn *t, void *arg, struct err *e)
{
	return conn_run(t->c, STMT_SUBJECT_ERASE, ARGS(arg_text(arg)), NULL, e);
}

enum err_code
audit_erase_subject(struct db *db, const char *kind, const char *value,
		    const struct audit_record *a, struct err *e)
{
	char pseudonym[PSEUDONYM_LEN];
	enum err_code rc;

	privacy_pseudonym(kind, value, pseudonym);
	if ((rc = db_write(db, erase, pseudonym, a, e)) == E_OK)
		rc = db_flush(db, e);
	return rc;
}
