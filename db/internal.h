/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of db/ share: the committer (writer.c), the readers (readers.c), and the audit and
 * outbox rows that every write may add inside its own transaction. */
#ifndef DB_INTERNAL_H
#define DB_INTERNAL_H

#include <stdatomic.h>

#include "db/conn.h"
#include "db/db.h"

#define PCID_TEXT 19 /* characters with the NUL */

/* Counts that status shows; kept as rows, changed once a commit, so that nobody has to scan. */
enum counter {
	COUNT_INTENTS,
	COUNT_ISSUED,
	COUNT_ORPHANS,
	COUNT_REVOKED,
	COUNT_ROOTS,
	COUNT_VEHICLES,
	COUNT_CONTRACTS,
	COUNT_OUTBOX,
	COUNTERS
};

struct audit_tail { /* end of the chain */
	int64_t seq;
	uint8_t hash[32];
};

/* One transaction of the committer, as a job sees it. Plain data besides c: the committer copies
 * it before a job and puts it back when the job fails. */
struct txn {
	struct conn *c;
	int64_t now;
	struct audit_tail tail;
	int64_t counts[COUNTERS]; /* changes so far */
	bool roots_changed;
};

/* A job runs on the committer's thread inside its own savepoint; the caller waits, so arg may point
 * to its stack. What it writes through arg counts only when db_write returns E_OK. */
typedef enum err_code job_fn(struct txn *t, void *arg, struct err *e);

/* Queues fn (NULL: nothing but the audit row) and a (NULL: no audit row), waits until the commit
 * that holds them is durable. E_DB_BUSY when the queue is full, E_STOPPING after db_close. */
enum err_code db_write(struct db *db, job_fn *fn, void *arg, const struct audit_record *a,
		       struct err *e) MUST_CHECK;

/* One reading statement on a connection of the pool. */
enum err_code db_read(struct db *db, enum stmt_id id, struct args a, struct sink s, size_t *count,
		      struct err *e) MUST_CHECK;

/* Writes the log back into the main file and empties it. */
enum err_code db_flush(struct db *db, struct err *e) MUST_CHECK;

struct writer;
struct writer_conf {
	unsigned queue_max, batch_delay_us;
	_Atomic uint64_t *roots_version;
};
/* Takes conn over on success. */
enum err_code writer_start(const struct writer_conf *conf, struct conn *c, struct writer **out,
			   struct err *e) MUST_CHECK;
void writer_stop(struct writer *w); /* what is queued first; accepts NULL */
enum err_code writer_submit(struct writer *w, job_fn *fn, void *arg, const struct audit_record *a,
			    struct err *e) MUST_CHECK;
void writer_figures(struct writer *w, struct db_figures *out);

struct readers;
enum err_code readers_open(const struct conn_conf *conf, unsigned n, struct readers **out,
			   struct err *e) MUST_CHECK;
void readers_close(struct readers *r); /* waits for those in use; accepts NULL */
struct conn *readers_take(struct readers *r);
void readers_give(struct readers *r, struct conn *c);

/* Runs the migrations that the store lacks. */
enum err_code migrate(struct conn *c, struct err *e) MUST_CHECK;

/* audit.c: the row of a, at the end of the chain. */
enum err_code audit_tail_load(struct txn *t, struct err *e) MUST_CHECK;
enum err_code audit_write(struct txn *t, const struct audit_record *a, struct err *e) MUST_CHECK;

/* subject.c: pseudonym and sealed value of a PCID or EMAID ("" gives two empty ones). context binds
 * the sealed field to its use. */
struct subject_ref {
	char pseudonym[32];
	struct buf sealed;
};
enum err_code subject_refer(struct txn *t, const char *kind, const char *value, const char *context,
			    struct subject_ref *out, struct err *e) MUST_CHECK;

/* outbox.c: an event in this transaction. */
struct event {
	const char *type, *recipient; /* recipient: participant id, or "" */
	const char *pcid, *emaid;     /* in clear, or "" */
	const char *ref;              /* id of the row it is about, or "" */
};
enum err_code outbox_write(struct txn *t, const struct event *ev, struct err *e) MUST_CHECK;

/* Rows gathered into an array: list_sink reads each row into the next element. A page fills the
 * caller's array (cap elements, which the statement's LIMIT keeps to); a list grows its own. */
struct row_type {
	size_t size; /* bytes of one element */
	void (*read)(struct row *r, void *element);
	void (*free)(void *element); /* NULL: plain data */
};
struct list {
	const struct row_type *type;
	void *rows;
	size_t n, cap;
	bool fixed;
};
void list_sink(struct row *r, void *out);

/* Reads a page into rows; nothing is left to free when it fails. */
struct page {
	void *rows;
	size_t cap, *count;
};
enum err_code db_read_page(struct db *db, enum stmt_id id, struct args a,
			   const struct row_type *type, struct page page, struct err *e) MUST_CHECK;
/* Reads everything into a new array. */
enum err_code db_read_all(struct db *db, enum stmt_id id, struct args a,
			  const struct row_type *type, struct list *out, struct err *e) MUST_CHECK;
/* Reads one row; E_NOT_FOUND without a text when there is none. */
enum err_code db_read_row(struct db *db, enum stmt_id id, struct args a,
			  const struct row_type *type, void *out, struct err *e) MUST_CHECK;

/* --- pieces of contracts and vehicles that share a transaction --- */
/* Deletes contracts of a PCID (edition 0: any) with an event of this type for each EMAID.
 * E_DB_CHANGED: one of ours is not among those dealt with. */
struct contract_set;
struct doomed_contracts {
	const char *pcid;
	int edition;
	const char *event;
	const struct contract_set *dealt_with; /* NULL: not looked at */
};
enum err_code contracts_drop(struct txn *t, const struct doomed_contracts *d, int64_t *dropped,
			     struct err *e) MUST_CHECK;
/* certificate row is issued and good: somebody holds it now. */
enum err_code cert_claim(struct txn *t, int64_t id, struct err *e) MUST_CHECK;

#endif
