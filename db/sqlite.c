/* SPDX-License-Identifier: Apache-2.0 */
#include "db/conn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#define PARAMS_MAX      24
#define BUSY_TIMEOUT_MS 5000
#define LOG_PAGES       6000 /* of 16 KB */
#define LOG_PAGES_MAX   16000

/* Control statements, prepared like the others: they run for every write. */
enum control { BEGIN, COMMIT, MARK, KEEP, UNDO, CONTROL_COUNT };

static const char *const control_text[CONTROL_COUNT] = {
	[BEGIN] = "BEGIN IMMEDIATE", [COMMIT] = "COMMIT",        [MARK] = "SAVEPOINT job",
	[KEEP] = "RELEASE job",      [UNDO] = "ROLLBACK TO job",
};

static const struct {
	const char *name, *sql;
} stmt_rows[STMT_COUNT] = {
#define STMT(id, sql) {#id, sql},
#include "db/stmt.def"
#undef STMT
};

struct conn {
	sqlite3 *h;
	sqlite3_stmt *stmts[STMT_COUNT];
	uint8_t params[STMT_COUNT];            /* how many it has */
	uint8_t index[STMT_COUNT][PARAMS_MAX]; /* SQLite numbers $k by first appearance */
	sqlite3_stmt *control[CONTROL_COUNT];
};

struct row {
	sqlite3_stmt *s;
	int col;
	enum err_code failed;
};

const char *
stmt_text(enum stmt_id id)
{
	return stmt_rows[id].sql;
}

const char *
stmt_name(enum stmt_id id)
{
	return stmt_rows[id].name;
}

/* SQLite's texts name tables, columns and files, never values. */
static enum err_code
fail(struct conn *c, const char *what, struct err *e)
{
	int x = sqlite3_extended_errcode(c->h);

	switch (x & 0xff) {
	case SQLITE_CONSTRAINT:
		if (x == SQLITE_CONSTRAINT_UNIQUE || x == SQLITE_CONSTRAINT_PRIMARYKEY ||
		    x == SQLITE_CONSTRAINT_ROWID)
			return err_set(e, E_DB_DUPLICATE, "%s: %s", what, sqlite3_errmsg(c->h));
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(e, E_DB_BUSY, "%s: another process holds the store", what);
	case SQLITE_NOMEM: return err_set(e, E_NO_MEMORY, "%s: no memory", what);
	default: break;
	}
	return err_set(e, E_DB, "%s: %s (SQLite %d)", what, sqlite3_errmsg(c->h), x);
}

enum err_code
conn_script(struct conn *c, const char *sql, struct err *e)
{
	if (sqlite3_exec(c->h, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(c, "script", e);
	return E_OK;
}

/* Readers never wait for the writer in WAL; the timeout is for a second process. secure_delete
 * wipes freed content, so that an erased subject key is gone from the file (I-42). */
static const char writer_setup[] = "PRAGMA page_size=16384;"
				   "PRAGMA journal_mode=WAL;"
				   "PRAGMA synchronous=FULL;"
				   "PRAGMA foreign_keys=ON;"
				   "PRAGMA secure_delete=ON;"
				   "PRAGMA temp_store=MEMORY;"
				   "PRAGMA trusted_schema=OFF;"
				   "PRAGMA cache_size=-65536;";
static const char reader_setup[] = "PRAGMA query_only=ON;"
				   "PRAGMA temp_store=MEMORY;"
				   "PRAGMA trusted_schema=OFF;"
				   "PRAGMA cache_size=-16384;";

/* The log goes back into the main file every 96 MB. Readers can keep it from starting anew; at 256
 * MB the committer waits for them once, so that it stays bounded. A checkpoint that fails is tried
 * again at the next commit: nothing is lost, the log holds it all. */
static int
on_log(void *unused, sqlite3 *h, const char *name, int pages)
{
	(void)unused; /* no state */
	if (pages >= LOG_PAGES_MAX)
		(void)sqlite3_wal_checkpoint_v2(h, name, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	else if (pages >= LOG_PAGES)
		(void)sqlite3_wal_checkpoint_v2(h, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

enum err_code
conn_open(const struct conn_conf *conf, struct conn **out, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	struct conn *c = calloc(1, sizeof(*c));
	enum err_code rc;

	*out = NULL;
	if (c == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for a connection");
	if (conf->create && !conf->reader)
		flags |= SQLITE_OPEN_CREATE;
	if (sqlite3_open_v2(conf->path, &c->h, flags, conf->vfs) != SQLITE_OK) {
		rc = fail(c, conf->path, e);
		conn_close(c);
		return rc;
	}
	(void)sqlite3_busy_timeout(c->h, BUSY_TIMEOUT_MS); /* fails for a bad handle only */
	if ((rc = conn_script(c, conf->reader ? reader_setup : writer_setup, e)) != E_OK) {
		conn_close(c);
		return rc;
	}
	if (!conf->reader)
		(void)sqlite3_wal_hook(c->h, on_log, NULL); /* gives the previous argument: none */
	*out = c;
	return E_OK;
}

void
conn_close(struct conn *c)
{
	size_t i;

	if (c == NULL)
		return;
	/* sqlite3_finalize repeats the error of the last step, which was reported then. */
	for (i = 0; i < STMT_COUNT; i++)
		(void)sqlite3_finalize(c->stmts[i]);
	for (i = 0; i < CONTROL_COUNT; i++)
		(void)sqlite3_finalize(c->control[i]);
	(void)sqlite3_close_v2(c->h); /* always SQLITE_OK */
	free(c);
}

static enum err_code
prepare(struct conn *c, const char *sql, sqlite3_stmt **out, struct err *e)
{
	if (*out != NULL)
		return E_OK;
	if (sqlite3_prepare_v3(c->h, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
		return fail(c, "statement", e);
	return E_OK;
}

static enum err_code
prepare_row(struct conn *c, enum stmt_id id, struct err *e)
{
	char name[8];
	int i, n;
	enum err_code rc;

	if (c->stmts[id] != NULL)
		return E_OK;
	if ((rc = prepare(c, stmt_rows[id].sql, &c->stmts[id], e)) != E_OK) {
		err_context(e, "%s", stmt_rows[id].name);
		return rc;
	}
	n = sqlite3_bind_parameter_count(c->stmts[id]);
	assert(n <= PARAMS_MAX);
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "$%d", i + 1); /* fits: i < 24 */
		c->index[id][i] = (uint8_t)sqlite3_bind_parameter_index(c->stmts[id], name);
	}
	c->params[id] = (uint8_t)n;
	return E_OK;
}

static int
bind(sqlite3_stmt *s, int at, const struct arg *a)
{
	/* An empty value is not NULL: bytes and text need an address for that. */
	const void *p = a->s.p != NULL ? (const void *)a->s.p : "";

	switch (a->type) {
	case ARG_INT: return sqlite3_bind_int64(s, at, a->i);
	case ARG_TEXT: return sqlite3_bind_text(s, at, p, (int)a->s.n, SQLITE_STATIC);
	case ARG_BYTES: return sqlite3_bind_blob(s, at, p, (int)a->s.n, SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

static enum err_code
bind_all(struct conn *c, enum stmt_id id, struct args a, struct err *e)
{
	enum err_code rc = prepare_row(c, id, e);
	size_t i;

	if (rc != E_OK)
		return rc;
	assert(a.n == c->params[id]);
	for (i = 0; i < a.n; i++)
		if (bind(c->stmts[id], c->index[id][i], &a.p[i]) != SQLITE_OK)
			return fail(c, stmt_rows[id].name, e);
	return E_OK;
}

enum err_code
conn_run(struct conn *c, enum stmt_id id, struct args a, int64_t *changed, struct err *e)
{
	enum err_code rc = bind_all(c, id, a, e);

	if (rc != E_OK)
		return rc;
	if (sqlite3_step(c->stmts[id]) != SQLITE_DONE)
		rc = fail(c, stmt_rows[id].name, e);
	else if (changed != NULL)
		*changed = sqlite3_changes64(c->h);
	(void)sqlite3_reset(c->stmts[id]); /* repeats the error of the step */
	return rc;
}

enum err_code
conn_read(struct conn *c, enum stmt_id id, struct args a, struct sink s, size_t *count,
	  struct err *e)
{
	enum err_code rc = bind_all(c, id, a, e);
	size_t n = 0;
	int step = SQLITE_ERROR;

	if (rc != E_OK)
		return rc;
	while (rc == E_OK && (step = sqlite3_step(c->stmts[id])) == SQLITE_ROW) {
		struct row r = {c->stmts[id], 0, E_OK};

		s.fn(&r, s.out);
		n++;
		if (r.failed != E_OK)
			rc = err_set(e, r.failed, "%s: column %d does not fit", stmt_rows[id].name,
				     r.col);
	}
	if (rc == E_OK && step != SQLITE_DONE)
		rc = fail(c, stmt_rows[id].name, e);
	(void)sqlite3_reset(c->stmts[id]); /* repeats the error of the step */
	if (rc == E_OK && count != NULL)
		*count = n;
	return rc;
}

/* --- columns --- */
int64_t
take_int(struct row *r)
{
	return sqlite3_column_int64(r->s, r->col++);
}

struct span
take_span(struct row *r)
{
	const void *p = sqlite3_column_blob(r->s, r->col); /* before the length: it converts */

	return (struct span){p, (size_t)sqlite3_column_bytes(r->s, r->col++)};
}

void
take_text(struct row *r, char *dst, size_t cap)
{
	struct span s = take_span(r);

	dst[0] = '\0';
	if (s.n >= cap) {
		row_fail(r, E_DB);
		return;
	}
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
}

void
take_bytes(struct row *r, uint8_t *dst, size_t cap, size_t *n)
{
	struct span s = take_span(r);

	if (s.n > cap || (n == NULL && s.n != 0 && s.n != cap)) {
		row_fail(r, E_DB);
		return;
	}
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	if (n != NULL)
		*n = s.n;
	else if (s.n == 0)
		memset(dst, 0, cap);
}

void
take_buf(struct row *r, struct buf *dst)
{
	buf_put_span(dst, take_span(r));
	if (dst->failed)
		row_fail(r, E_NO_MEMORY);
}

void
row_fail(struct row *r, enum err_code code)
{
	if (r->failed == E_OK)
		r->failed = code;
}

void
sink_int(struct row *r, void *out)
{
	*(int64_t *)out = take_int(r);
}

/* --- transactions --- */
static enum err_code
control(struct conn *c, enum control what, struct err *e)
{
	enum err_code rc = prepare(c, control_text[what], &c->control[what], e);

	if (rc != E_OK)
		return rc;
	if (sqlite3_step(c->control[what]) != SQLITE_DONE)
		rc = fail(c, control_text[what], e);
	(void)sqlite3_reset(c->control[what]); /* repeats the error of the step */
	return rc;
}

enum err_code
conn_begin(struct conn *c, struct err *e)
{
	return control(c, BEGIN, e);
}

enum err_code
conn_commit(struct conn *c, struct err *e)
{
	return control(c, COMMIT, e);
}

void
conn_rollback(struct conn *c)
{
	/* Fails when SQLite has rolled back by itself already: then there is nothing left to do. */
	if (sqlite3_get_autocommit(c->h) == 0)
		(void)sqlite3_exec(c->h, "ROLLBACK", NULL, NULL, NULL);
}

enum err_code
conn_mark(struct conn *c, struct err *e)
{
	return control(c, MARK, e);
}

enum err_code
conn_keep(struct conn *c, struct err *e)
{
	return control(c, KEEP, e);
}

enum err_code
conn_undo(struct conn *c, struct err *e)
{
	enum err_code rc = control(c, UNDO, e);

	return rc == E_OK ? control(c, KEEP, e) : rc;
}

int
conn_synchronous(struct conn *c)
{
	sqlite3_stmt *s = NULL;
	int level = -1;

	if (sqlite3_prepare_v2(c->h, "PRAGMA synchronous", -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		level = sqlite3_column_int(s, 0);
	(void)sqlite3_finalize(s); /* a failure leaves -1 */
	return level;
}

enum err_code
conn_checkpoint(struct conn *c, struct err *e)
{
	if (sqlite3_wal_checkpoint_v2(c->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) !=
	    SQLITE_OK)
		return fail(c, "checkpoint", e);
	return E_OK;
}
