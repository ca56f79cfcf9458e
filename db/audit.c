/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "db/internal.h"

#define TEXTS       8
#define VERIFY_PAGE 512

/* One row as it is hashed: texts in the order of the table. */
struct entry {
	int64_t seq, at;
	struct span text[TEXTS]; /* actor action object request_id kind subject sealed detail */
	uint8_t prev[32];
};

static void
put_u64(struct buf *b, uint64_t v)
{
	int shift;

	for (shift = 56; shift >= 0; shift -= 8)
		buf_put_u8(b, (uint8_t)(v >> shift));
}

/* Canonical: fixed-size numbers, then every text behind its length, so that no two rows encode
 * alike. The sealed field is hashed as ciphertext: erasing its key changes nothing here. */
static enum err_code
hash_entry(const struct entry *x, uint8_t hash[32], struct err *e)
{
	struct buf b = {0};
	enum err_code rc;
	size_t i;

	buf_put(&b, x->prev, sizeof(x->prev));
	put_u64(&b, (uint64_t)x->seq);
	put_u64(&b, (uint64_t)x->at);
	for (i = 0; i < TEXTS; i++) {
		put_u64(&b, x->text[i].n);
		buf_put_span(&b, x->text[i]);
	}
	if ((rc = buf_ok(&b, e)) == E_OK)
		rc = sha256(buf_span(&b), hash, e);
	buf_free(&b);
	return rc;
}

static void
read_tail(struct row *r, void *out)
{
	struct audit_tail *tail = out;

	tail->seq = take_int(r);
	take_bytes(r, tail->hash, sizeof(tail->hash), NULL);
}

enum err_code
audit_tail_load(struct txn *t, struct err *e)
{
	memset(&t->tail, 0, sizeof(t->tail));
	return conn_read(t->c, STMT_AUDIT_TAIL, NO_ARGS, (struct sink){read_tail, &t->tail}, NULL,
			 e);
}

static enum err_code
insert(struct txn *t, const struct entry *x, const uint8_t hash[32], struct err *e)
{
	const struct span *s = x->text;
	struct arg a[12] = {arg_int(x->seq), arg_int(x->at)};
	size_t i;

	for (i = 0; i < TEXTS; i++)
		a[2 + i] = (struct arg){i == 6 ? ARG_BYTES : ARG_TEXT, 0, s[i]};
	a[10] = arg_hash(x->prev);
	a[11] = arg_hash(hash);
	return conn_run(t->c, STMT_AUDIT_PUT, (struct args){a, ARRAY_LEN(a)}, NULL, e);
}

enum err_code
audit_write(struct txn *t, const struct audit_record *a, struct err *e)
{
	const char *kind = a->subject_kind != NULL && a->subject != NULL ? a->subject_kind : "";
	struct subject_ref subject;
	struct entry x = {.seq = t->tail.seq + 1, .at = t->now};
	uint8_t hash[32];
	enum err_code rc;

	rc = subject_refer(t, kind, kind[0] != '\0' ? a->subject : "", "audit", &subject, e);
	if (rc != E_OK)
		return rc;
	x.text[0] = span_str(a->actor);
	x.text[1] = span_str(a->action);
	x.text[2] = span_str(a->object);
	x.text[3] = span_str(a->request_id);
	x.text[4] = span_str(kind);
	x.text[5] = span_str(subject.pseudonym);
	x.text[6] = buf_span(&subject.sealed);
	x.text[7] = span_str(a->detail);
	memcpy(x.prev, t->tail.hash, sizeof(x.prev));
	if ((rc = hash_entry(&x, hash, e)) == E_OK && (rc = insert(t, &x, hash, e)) == E_OK) {
		t->tail.seq = x.seq;
		memcpy(t->tail.hash, hash, sizeof(hash));
	}
	buf_free(&subject.sealed);
	return rc;
}

enum err_code
audit_append(struct db *db, const struct audit_record *a, struct err *e)
{
	return db_write(db, NULL, NULL, a, e);
}

/* --- reading --- */
void
audit_row_free(struct audit_row *r)
{
	free(r->actor);
	free(r->action);
	free(r->object);
	free(r->request_id);
	free(r->subject);
	free(r->detail);
	memset(r, 0, sizeof(*r));
}

static void
free_row(void *row)
{
	audit_row_free(row);
}

static char *
take_string(struct row *r)
{
	struct span s = take_span(r);
	char *p = malloc(s.n + 1);

	if (p == NULL) {
		row_fail(r, E_NO_MEMORY);
		return NULL;
	}
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

static void
read_row(struct row *r, void *out)
{
	struct audit_row *x = out;

	x->seq = take_int(r);
	x->at = take_int(r);
	x->actor = take_string(r);
	x->action = take_string(r);
	x->object = take_string(r);
	x->request_id = take_string(r);
	(void)take_span(r); /* the kind: the action says it */
	x->subject = take_string(r);
	(void)take_span(r); /* sealed: audit_open_subject */
	x->detail = take_string(r);
	take_bytes(r, x->prev, sizeof(x->prev), NULL);
	take_bytes(r, x->hash, sizeof(x->hash), NULL);
}

enum err_code
audit_list(struct db *db, int64_t after, struct audit_row *rows, size_t cap, size_t *count,
	   struct err *e)
{
	static const struct row_type type = {sizeof(struct audit_row), read_row, free_row};

	return db_read_page(db, STMT_AUDIT_PAGE, ARGS(arg_int(after), arg_int((int64_t)cap)), &type,
			    (struct page){rows, cap, count}, e);
}

/* --- the chain --- */
struct walk {
	struct audit_tail tail; /* of the rows seen so far */
	int64_t bad;            /* first sequence number that does not fit; 0: none */
	int64_t found;          /* the number that stands in its place */
};

static void
check_row(struct row *r, void *out)
{
	struct walk *w = out;
	struct entry x = {0};
	uint8_t stored[32], hash[32] = {0};
	size_t i;
	bool fits;

	x.seq = take_int(r);
	x.at = take_int(r);
	for (i = 0; i < TEXTS; i++)
		x.text[i] = take_span(r);
	take_bytes(r, x.prev, sizeof(x.prev), NULL);
	take_bytes(r, stored, sizeof(stored), NULL);
	if (w->bad != 0)
		return;
	fits = x.seq == w->tail.seq + 1 && memcmp(x.prev, w->tail.hash, sizeof(x.prev)) == 0 &&
	       hash_entry(&x, hash, NULL) == E_OK && memcmp(hash, stored, sizeof(hash)) == 0;
	if (!fits) {
		w->bad = w->tail.seq + 1;
		w->found = x.seq;
		return;
	}
	w->tail.seq = x.seq;
	memcpy(w->tail.hash, hash, sizeof(hash));
}

enum err_code
audit_verify(struct db *db, int64_t *rows, struct err *e)
{
	struct walk w = {0};
	size_t n = 0;
	enum err_code rc;

	do {
		rc = db_read(db, STMT_AUDIT_PAGE, ARGS(arg_int(w.tail.seq), arg_int(VERIFY_PAGE)),
			     (struct sink){check_row, &w}, &n, e);
	} while (rc == E_OK && w.bad == 0 && n == VERIFY_PAGE);
	if (rows != NULL)
		*rows = w.tail.seq;
	if (rc == E_OK && w.bad != 0)
		rc = err_set(e, E_DB,
			     "the audit chain breaks at row %lld (found row %lld): changed, "
			     "removed or out of order",
			     (long long)w.bad, (long long)w.found);
	return rc;
}
