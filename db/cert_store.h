/* SPDX-License-Identifier: Apache-2.0 */
/* CAs, intents and certificates. An intent is committed before any signature (I-1); a certificate
 * row exists before anyone sees the certificate; status rows are small and stand apart. */
#ifndef DB_CERT_STORE_H
#define DB_CERT_STORE_H

#include "db/db.h"

/* --- CAs and signing leaves with keys in a token (cps-leaf is one too) --- */
struct ca_row { /* owned by the caller: ca_row_free */
	int64_t id;
	char name[33];    /* "cpo-sub2" */
	char profile[33]; /* name of its profile */
	char issuer[33];  /* name of the CA above; "" for roots */
	char token[33];
	char algo[16];
	uint8_t key_id[64];
	size_t key_id_len;
	struct buf cert; /* DER; empty while the ceremony is between key and certificate */
	int64_t created;
};
void ca_row_free(struct ca_row *r);
enum err_code ca_store_put(struct db *db, const struct ca_row *r, const struct audit_record *a,
			   struct err *e) MUST_CHECK; /* insert, or set cert of the same name */
enum err_code ca_store_list(struct db *db, struct ca_row *rows, size_t cap, size_t *count,
			    struct err *e) MUST_CHECK; /* in order of creation */

/* --- issuing --- */
enum cert_state { CERT_INTENT, CERT_ISSUED, CERT_ORPHAN };
enum cert_status { CERT_GOOD, CERT_REVOKED };

struct cert_row { /* owned by the caller: cert_row_free */
	int64_t id;
	char ca[33]; /* issuing CA */
	uint8_t serial[20];
	size_t serial_len;
	char request_id[65];
	uint8_t request_hash[32]; /* of the request's content: a reused id with other content */
	uint8_t tbs_hash[32];     /* SHA-256 of the to-be-signed bytes */
	uint8_t profile_hash[32]; /* I-10 */
	char profile[33];
	char participant[65];
	char subject_cn[65];
	uint8_t spki_hash[32];
	int64_t not_before, not_after;
	enum cert_state state;
	enum cert_status status;
	unsigned reason;
	int64_t created, issued_at, revoked_at;
	bool claimed; /* a pool entry or reply uses it (design §4 step 6); others are the reconciler's. In
		       * an intent: it counts as claimed once it is issued */
	uint8_t fingerprint[32]; /* SHA-256 of the DER */
	struct buf der;          /* empty for an intent */
};
void cert_row_free(struct cert_row *r);

/* Step 3: commits intent and audit. Refuses a blocked key (E_KEY_BLOCKED), a serial or request id
 * that exists (E_DB_DUPLICATE); the request id of an orphan is free again, so that a retry gets a
 * new serial (I-4). *id: the new row. */
enum err_code
cert_store_intent(struct db *db, const struct cert_row *r, const struct audit_record *a,
		  int64_t *id, struct err *e) MUST_CHECK;

/* Step 5: the certificate itself; the intent becomes issued. An orphan stays one: E_NOT_FOUND. */
enum err_code cert_store_issued(struct db *db, int64_t id, struct span der,
				const struct audit_record *a, struct err *e) MUST_CHECK;

/* Its signature failed, or the process that began it is gone: the intent becomes an orphan now.
 * Other states: nothing. */
enum err_code cert_store_abandon(struct db *db, int64_t id, const struct audit_record *a,
				 struct err *e) MUST_CHECK;

/* Step 6, for certificates that no pool entry holds (EST, service TLS): somebody has it. Pool
 * writes claim in their own transaction. */
enum err_code cert_store_claim(struct db *db, int64_t id, struct err *e) MUST_CHECK;

/* The intent or certificate of a request; orphans are left out. */
enum err_code cert_store_by_request(struct db *db, const char *request_id, struct cert_row *out,
				    struct err *e) MUST_CHECK; /* E_NOT_FOUND */
enum err_code cert_store_by_serial(struct db *db, const char *ca, struct span serial,
				   struct cert_row *out, struct err *e) MUST_CHECK;
enum err_code cert_store_by_fingerprint(struct db *db, const uint8_t sha256[32],
					struct cert_row *out, struct err *e) MUST_CHECK;
/* Page by id; optional filters (NULL: any). */
enum err_code
cert_store_list(struct db *db, const char *ca, const char *participant, int64_t after,
		struct cert_row *rows, size_t cap, size_t *count, struct err *e) MUST_CHECK;

/* Idempotent: a revoked certificate stays revoked with its first date (I-12). Intents and orphans
 * can be revoked too. block_key also blocks the SPKI and revokes all its certificates (I-7). */
enum err_code
cert_store_revoke(struct db *db, int64_t id, unsigned reason, int64_t at, bool block_key,
		  const struct audit_record *a, struct err *e) MUST_CHECK;

/* For the reconciler: intents made before older_than (seconds since 1970) become orphans; issued,
 * good and unclaimed ones from before it are listed, oldest first. */
enum err_code
cert_store_orphan(struct db *db, int64_t older_than, int64_t *count, struct err *e) MUST_CHECK;
enum err_code cert_store_unclaimed(struct db *db, int64_t older_than, struct cert_row *rows,
				   size_t cap, size_t *count, struct err *e) MUST_CHECK;

/* No new intent for this key; revokes nothing (a CA's own key is blocked this way). */
enum err_code key_store_block(struct db *db, const uint8_t spki_hash[32],
			      const struct audit_record *a, struct err *e) MUST_CHECK;

/* Counts for status: intents, issued, orphans, revoked. */
struct cert_counts {
	int64_t intents, issued, orphans, revoked;
};
enum err_code cert_store_counts(struct db *db, struct cert_counts *out, struct err *e) MUST_CHECK;

#endif
