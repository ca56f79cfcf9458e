/* SPDX-License-Identifier: Apache-2.0 */
#include "db/party_store.h"

#include <string.h>

#include "base/str.h"
#include "db/internal.h"

/* --- prefixes as a list of words --- */
#define PREFIX_LEN 6 /* bytes of one element with the NUL */

static void
join(struct buf *out, const char (*prefix)[PREFIX_LEN], size_t n)
{
	size_t i;

	for (i = 0; i < n && i < PARTY_PREFIXES; i++) {
		if (i > 0)
			buf_put_u8(out, ' ');
		buf_put_str(out, prefix[i]);
	}
}

static void
take_prefixes(struct row *r, char (*prefix)[PREFIX_LEN], size_t *n)
{
	struct span s = take_span(r);
	size_t i, start = 0;

	*n = 0;
	for (i = 0; i <= s.n && s.n > 0; i++) {
		if (i < s.n && s.p[i] != ' ')
			continue;
		if (*n == PARTY_PREFIXES ||
		    !str_copy_span(prefix[*n], PREFIX_LEN, (struct span){s.p + start, i - start})) {
			row_fail(r, E_DB);
			return;
		}
		(*n)++;
		start = i + 1;
	}
}

/* --- participants --- */
static void
read_party(struct row *r, void *out)
{
	struct party *p = out;

	take_text(r, p->id, sizeof(p->id));
	take_text(r, p->name, sizeof(p->name));
	p->roles = (uint32_t)take_int(r);
	take_prefixes(r, p->wmi, &p->wmis);
	take_prefixes(r, p->provider, &p->providers);
	take_prefixes(r, p->operator_id, &p->operators);
	p->disabled = take_int(r) != 0;
	p->created = take_int(r);
	p->changed = take_int(r);
}

static const struct row_type party_type = {sizeof(struct party), read_party, NULL};

static enum err_code
put_party(struct txn *t, void *arg, struct err *e)
{
	const struct party *p = arg;
	struct buf words[3] = {0};
	enum err_code rc;
	size_t i;

	join(&words[0], p->wmi, p->wmis);
	join(&words[1], p->provider, p->providers);
	join(&words[2], p->operator_id, p->operators);
	for (rc = E_OK, i = 0; i < ARRAY_LEN(words) && rc == E_OK; i++)
		rc = buf_ok(&words[i], e);
	if (rc == E_OK)
		rc = conn_run(t->c, STMT_PARTY_PUT,
			      ARGS(arg_text(p->id), arg_text(p->name), arg_int(p->roles),
				   (struct arg){ARG_TEXT, 0, buf_span(&words[0])},
				   (struct arg){ARG_TEXT, 0, buf_span(&words[1])},
				   (struct arg){ARG_TEXT, 0, buf_span(&words[2])},
				   arg_int(p->disabled), arg_int(t->now), arg_int(t->now)),
			      NULL, e);
	for (i = 0; i < ARRAY_LEN(words); i++)
		buf_free(&words[i]);
	return rc;
}

enum err_code
party_store_put(struct db *db, const struct party *p, const struct audit_record *a, struct err *e)
{
	struct party copy = *p;

	if (p->wmis > PARTY_PREFIXES || p->providers > PARTY_PREFIXES ||
	    p->operators > PARTY_PREFIXES)
		return err_set(e, E_TOO_BIG, "participant %s: at most %d prefixes of a kind", p->id,
			       PARTY_PREFIXES);
	return db_write(db, put_party, &copy, a, e);
}

enum err_code
party_store_get(struct db *db, const char *id, struct party *out, struct err *e)
{
	enum err_code rc = db_read_row(db, STMT_PARTY_GET, ARGS(arg_text(id)), &party_type, out, e);

	if (rc == E_NOT_FOUND)
		rc = err_set(e, E_PARTICIPANT_UNKNOWN, "no participant \"%s\"", id);
	return rc;
}

enum err_code
party_store_list(struct db *db, const char *after, struct party *rows, size_t cap, size_t *count,
		 struct err *e)
{
	return db_read_page(db, STMT_PARTY_PAGE, ARGS(arg_text(after), arg_int((int64_t)cap)),
			    &party_type, (struct page){rows, cap, count}, e);
}

struct key {
	enum credential_kind kind;
	const char *text; /* credential's key, or participant id */
};

static enum err_code
delete_party(struct txn *t, void *arg, struct err *e)
{
	const struct key *k = arg;
	int64_t n = 0;
	enum err_code rc;

	if ((rc = conn_run(t->c, STMT_CREDENTIAL_DROP, ARGS(arg_text(k->text)), NULL, e)) == E_OK)
		rc = conn_run(t->c, STMT_PARTY_DELETE, ARGS(arg_text(k->text)), &n, e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_PARTICIPANT_UNKNOWN, "no participant \"%s\"", k->text);
	return rc;
}

enum err_code
party_store_delete(struct db *db, const char *id, const struct audit_record *a, struct err *e)
{
	struct key k = {CREDENTIAL_SECRET, id};

	return db_write(db, delete_party, &k, a, e);
}

/* --- credentials --- */
static void
read_credential(struct row *r, void *out)
{
	struct credential *c = out;

	take_text(r, c->party, sizeof(c->party));
	c->kind = (enum credential_kind)take_int(r);
	take_text(r, c->key, sizeof(c->key));
	take_bytes(r, c->salt, sizeof(c->salt), NULL);
	take_bytes(r, c->hash, sizeof(c->hash), NULL);
	c->created = take_int(r);
	c->expires = take_int(r);
}

static const struct row_type credential_type = {sizeof(struct credential), read_credential, NULL};

static enum err_code
check_party(struct txn *t, const char *id, struct err *e)
{
	struct party p;
	size_t n = 0;
	enum err_code rc;

	rc = conn_read(t->c, STMT_PARTY_GET, ARGS(arg_text(id)), (struct sink){read_party, &p}, &n,
		       e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_PARTICIPANT_UNKNOWN, "no participant \"%s\"", id);
	return rc;
}

static enum err_code
put_credential(struct txn *t, void *arg, struct err *e)
{
	const struct credential *c = arg;
	int64_t n = 0;
	enum err_code rc;

	if ((rc = check_party(t, c->party, e)) != E_OK)
		return rc;
	rc = conn_run(t->c, STMT_CREDENTIAL_PUT,
		      ARGS(arg_text(c->party), arg_int(c->kind), arg_text(c->key),
			   arg_bytes((struct span){c->salt, sizeof(c->salt)}), arg_hash(c->hash),
			   arg_int(c->created != 0 ? c->created : t->now), arg_int(c->expires)),
		      &n, e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_DB_DUPLICATE, "credential \"%s\" belongs to another participant",
			     c->key);
	return rc;
}

enum err_code
credential_store_put(struct db *db, const struct credential *c, const struct audit_record *a,
		     struct err *e)
{
	struct credential copy = *c; /* a hash, nothing secret */

	return db_write(db, put_credential, &copy, a, e);
}

enum err_code
credential_store_get(struct db *db, enum credential_kind kind, const char *key,
		     struct credential *out, struct err *e)
{
	enum err_code rc = db_read_row(db, STMT_CREDENTIAL_GET, ARGS(arg_int(kind), arg_text(key)),
				       &credential_type, out, e);

	return rc == E_NOT_FOUND ? err_set(e, rc, "no such credential") : rc;
}

static enum err_code
delete_credential(struct txn *t, void *arg, struct err *e)
{
	const struct key *k = arg;
	int64_t n = 0;
	enum err_code rc;

	rc = conn_run(t->c, STMT_CREDENTIAL_DELETE, ARGS(arg_int(k->kind), arg_text(k->text)), &n,
		      e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_NOT_FOUND, "no such credential");
	return rc;
}

enum err_code
credential_store_delete(struct db *db, enum credential_kind kind, const char *key,
			const struct audit_record *a, struct err *e)
{
	struct key k = {kind, key};

	return db_write(db, delete_credential, &k, a, e);
}

enum err_code
credential_store_list(struct db *db, const char *party, struct credential *rows, size_t cap,
		      size_t *count, struct err *e)
{
	return db_read_page(db, STMT_CREDENTIAL_PAGE, ARGS(arg_text(party), arg_int((int64_t)cap)),
			    &credential_type, (struct page){rows, cap, count}, e);
}
