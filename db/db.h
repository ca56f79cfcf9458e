/* SPDX-License-Identifier: Apache-2.0 */
/* The store: verbs of the domain, never query text (db/stmt.def holds every statement). Writes go
 * through one committer that groups what is queued into one durable commit and returns to each
 * caller only after it; reads run beside it on their own connections. A struct db is shared by all
 * threads. SQLite today; the interface hides which. Rows that a call fills in are overwritten: free
 * what they held before; after an error there is nothing to free. */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/buf.h"

struct db;

/* url: "sqlite:PATH" (WAL, synchronous=FULL). Creates the file when create is true; migrations run
 * (numbered, resumable; an unknown newer version is E_DB_VERSION). vfs: name of an SQLite VFS or
 * NULL (fault tests). readers: connections for reading, 1 to 64. */
struct db_conf {
	const char *url;
	const char *vfs;
	bool create;
	unsigned readers;
	unsigned queue_max;      /* writes waiting; beyond: E_DB_BUSY */
	unsigned batch_delay_us; /* most that the committer waits for writes it expects; never longer
				  * than half a commit; 0: never */
};
enum err_code db_open(const struct db_conf *conf, struct db **out, struct err *e) MUST_CHECK;

/* Finishes what is queued, refuses what comes later, checkpoints, closes. */
void db_close(struct db *db);

/* Figures for status, metrics and the benchmark. */
struct db_figures {
	uint64_t commits; /* durable commits */
	uint64_t writes;  /* acknowledged writes */
	uint64_t queue_now;
	int synchronous; /* PRAGMA synchronous as the connection answers: 2 = FULL */
};
enum err_code db_figures(struct db *db, struct db_figures *out, struct err *e) MUST_CHECK;

/* Whether the store answers, for /readyz. */
enum err_code db_ping(struct db *db, struct err *e) MUST_CHECK;

/* A small key-value table for facts about the deployment ("name", "public_url", "ocsp_url", …). */
enum err_code db_meta_get(struct db *db, const char *key, struct buf *value,
			  struct err *e) MUST_CHECK; /* E_NOT_FOUND */
enum err_code
db_meta_set(struct db *db, const char *key, const char *value, struct err *e) MUST_CHECK;

/* A single job (a CRL, a cleansing run) runs where its lease is: *got tells whether holder has it
 * for so many seconds from now. Taking it again prolongs it. */
enum err_code db_lease_take(struct db *db, const char *name, const char *holder, int64_t seconds,
			    bool *got, struct err *e) MUST_CHECK;
enum err_code
db_lease_drop(struct db *db, const char *name, const char *holder, struct err *e) MUST_CHECK;

/* What every write records in the same transaction (sequence, previous hash and hash are filled by
 * the committer). subject_kind is "pcid", "emaid" or NULL; subject is the clear value: the store
 * keeps its pseudonym and a field sealed under the subject's own key, never the clear value. */
struct audit_record {
	const char *actor;      /* participant id, "system", or "init" */
	const char *action;     /* "certificate.intent", "contract.deleted", … */
	const char *object;     /* serial, fingerprint, CA name: nothing personal; or NULL */
	const char *request_id; /* or NULL */
	const char *subject_kind, *subject;
	const char *detail; /* short, nothing personal; or NULL */
};
enum err_code audit_append(struct db *db, const struct audit_record *a, struct err *e) MUST_CHECK;

struct audit_row { /* strings are owned by the row (audit_row_free), "" where there is none */
	int64_t seq, at;
	/* subject: the pseudonym */
	char *actor, *action, *object, *request_id, *subject, *detail;
	uint8_t hash[32], prev[32];
};
void audit_row_free(struct audit_row *r);
/* Rows after this sequence number, in order, at most cap; *count of them filled. */
enum err_code audit_list(struct db *db, int64_t after, struct audit_row *rows, size_t cap,
			 size_t *count, struct err *e) MUST_CHECK;
/* Walks the whole chain; E_DB naming the first sequence number that does not fit. */
enum err_code audit_verify(struct db *db, int64_t *rows, struct err *e) MUST_CHECK;

/* What an auditor may see: the clear subject of a row, appended. E_NOT_FOUND when the row has none
 * or the subject's key was erased. */
enum err_code
audit_open_subject(struct db *db, int64_t seq, struct buf *clear, struct err *e) MUST_CHECK;
/* Erases a subject's key and with it every sealed value (I-42); hashes stay valid. The log is
 * written back, so that no copy of the key stays in the store's files. Not an error when there is
 * none. */
enum err_code audit_erase_subject(struct db *db, const char *kind, const char *value,
				  const struct audit_record *a, struct err *e) MUST_CHECK;

#endif
