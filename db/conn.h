/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to the store, as the rest of db/ sees it: statements by number (db/stmt.def),
 * arguments and columns with types. Only the driver behind it (db/sqlite.c) knows the library. A
 * connection belongs to one thread at a time. */
#ifndef DB_CONN_H
#define DB_CONN_H

#include "base/buf.h"

enum stmt_id {
#define STMT(id, sql) STMT_##id,
#include "db/stmt.def"
#undef STMT
	STMT_COUNT
};

enum arg_type { ARG_INT, ARG_TEXT, ARG_BYTES };

struct arg { /* one value for $1, $2, …; lent until the call returns */
	enum arg_type type;
	int64_t i;
	struct span s;
};

struct args {
	const struct arg *p;
	size_t n;
};

static inline struct arg
arg_int(int64_t v)
{
	return (struct arg){ARG_INT, v, {NULL, 0}};
}

static inline struct arg
arg_text(const char *s) /* NULL counts as "" */
{
	return (struct arg){ARG_TEXT, 0, span_str(s)};
}

static inline struct arg
arg_bytes(struct span s)
{
	return (struct arg){ARG_BYTES, 0, s};
}

static inline struct arg
arg_buf(const struct buf *b)
{
	return arg_bytes(buf_span(b));
}

static inline struct arg
arg_hash(const uint8_t h[32])
{
	return arg_bytes((struct span){h, 32});
}

#define NO_ARGS ((struct args){NULL, 0})
#define ARGS(...)                                         \
	((struct args){(const struct arg[]){__VA_ARGS__}, \
		       sizeof((const struct arg[]){__VA_ARGS__}) / sizeof(struct arg)})

/* One row of a result, valid inside the callback. Each take reads the next column, from the left; a
 * value that does not fit makes the whole read fail. */
struct row;
int64_t take_int(struct row *r);
void take_text(struct row *r, char *dst, size_t cap);
void take_bytes(struct row *r, uint8_t *dst, size_t cap, size_t *n); /* NULL for n: cap or none */
void take_buf(struct row *r, struct buf *dst);                       /* appended */
struct span take_span(struct row *r);             /* text or bytes, lent inside the callback */
void row_fail(struct row *r, enum err_code code); /* ends the read with this error */

struct sink { /* what happens with each row */
	void (*fn)(struct row *r, void *out);
	void *out;
};

struct conn;
struct conn_conf {
	const char *path;
	const char *vfs; /* NULL: the default */
	bool create;
	bool reader; /* refuses to write */
};

/* Opens and sets up a connection; the caller owns it (conn_close, which accepts NULL). */
enum err_code conn_open(const struct conn_conf *conf, struct conn **out, struct err *e) MUST_CHECK;
void conn_close(struct conn *c);

/* Runs a statement that gives no rows; *changed (or NULL) counts the rows it touched. A broken
 * unique constraint is E_DB_DUPLICATE, another process in the way E_DB_BUSY, the rest E_DB. */
enum err_code conn_run(struct conn *c, enum stmt_id id, struct args a, int64_t *changed,
		       struct err *e) MUST_CHECK;
/* Runs a statement and hands each row to the sink; *count (or NULL) of them. */
enum err_code conn_read(struct conn *c, enum stmt_id id, struct args a, struct sink s,
			size_t *count, struct err *e) MUST_CHECK;
/* A sink for one integer: out is an int64_t. */
void sink_int(struct row *r, void *out);

/* Statements of a migration. */
enum err_code conn_script(struct conn *c, const char *sql, struct err *e) MUST_CHECK;

/* Transactions: begin takes the write lock; commit is durable when it returns E_OK. Jobs nest in
 * it as savepoints: mark, then keep or undo. */
enum err_code conn_begin(struct conn *c, struct err *e) MUST_CHECK;
enum err_code conn_commit(struct conn *c, struct err *e) MUST_CHECK;
void conn_rollback(struct conn *c);
enum err_code conn_mark(struct conn *c, struct err *e) MUST_CHECK;
enum err_code conn_keep(struct conn *c, struct err *e) MUST_CHECK;
enum err_code conn_undo(struct conn *c, struct err *e) MUST_CHECK;

/* 2 is FULL. */
int conn_synchronous(struct conn *c);
/* Writes the log back into the main file and empties it. */
enum err_code conn_checkpoint(struct conn *c, struct err *e) MUST_CHECK;

/* The text of a statement, for tests and tools. */
const char *stmt_text(enum stmt_id id);
const char *stmt_name(enum stmt_id id);

#endif
