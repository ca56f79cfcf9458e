/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the pools: roots (RCP), vehicles (PCP), contracts and their signed variants (CCP), and
 * the outbox of events. PCID and EMAID stand in clear here and in certificate rows only. */
#ifndef DB_POOL_STORE_H
#define DB_POOL_STORE_H

#include "db/db.h"

/* --- RCP --- */
enum root_type { ROOT_V2G = 1, ROOT_MO = 2, ROOT_OEM = 4, ROOT_PE = 8 }; /* a set */

struct root_row {    /* owned by the caller: root_row_free */
	char id[37]; /* UUID */
	unsigned types;
	uint8_t fingerprint[32];
	struct buf der;
	int64_t not_before, not_after, created;
};
void root_row_free(struct root_row *r);
/* Insert, or add the types when the fingerprint is there already; r->id is then the old one. Queues
 * the event root.cert.added for a new one. */
enum err_code root_store_put(struct db *db, struct root_row *r, const struct audit_record *a,
			     struct err *e) MUST_CHECK;
enum err_code
root_store_get(struct db *db, const char *id, struct root_row *out, struct err *e) MUST_CHECK;
enum err_code root_store_delete(struct db *db, const char *id, const struct audit_record *a,
				struct err *e) MUST_CHECK;
/* All roots with one of these types, oldest first. *rows is an array of *count owned by the caller:
 * free each with root_row_free, then free(). */
enum err_code root_store_list(struct db *db, unsigned types, struct root_row **rows, size_t *count,
			      struct err *e) MUST_CHECK;
/* A number that grows with every change of the table, for caches. */
uint64_t root_store_version(struct db *db);

/* The contracts that a caller has read, and whose certificates it has revoked, before it takes them
 * away; lent. A deletion that meets another certificate of ours than these changes nothing and ends
 * with E_DB_CHANGED: read again, revoke that one too. NULL: no certificate is looked at. */
struct contract_row;
struct contract_set {
	const struct contract_row *rows;
	size_t count;
};

/* --- PCP --- */
struct vehicle_row {    /* owned by the caller: vehicle_row_free */
	char pcid[19];  /* normal form, the key */
	char given[19]; /* as in the certificate */
	int edition;    /* policy/ident.h */
	char participant[65];
	struct buf leaf, sub2, sub1;  /* DER; sub2 may be empty */
	struct buf point;             /* raw public key of the leaf */
	uint8_t root_fingerprint[32]; /* of its anchor */
	char previous_pcid[19];
	struct buf v2g_akis; /* v2gRootAuthorityKeyIdentifiers as JSON array text, or empty */
	int64_t not_after, created, changed;
};
void vehicle_row_free(struct vehicle_row *r);

/* Insert or replace. When the key differs from the stored one of this edition, the contracts of the
 * PCID in this edition (their bundles are made for that key) are deleted in the same transaction
 * and one event mo.prov.cert.updated each is queued (spec/protocols 2.2); *contracts_dropped counts
 * them. E_DB_CHANGED as above. */
enum err_code vehicle_store_put(struct db *db, const struct vehicle_row *r,
				const struct contract_set *dealt_with, const struct audit_record *a,
				int64_t *contracts_dropped, struct err *e) MUST_CHECK;
enum err_code vehicle_store_get(struct db *db, const char *pcid, int edition,
				struct vehicle_row *out, struct err *e) MUST_CHECK;
/* Deletes the vehicle and its contracts with their events (mo.prov.cert.deleted per EMAID).
 * E_DB_CHANGED as above. */
enum err_code
vehicle_store_delete(struct db *db, const char *pcid, const struct contract_set *dealt_with,
		     const struct audit_record *a, struct err *e) MUST_CHECK;
/* By PCID, all editions of one in the same page; cap at least 2. */
enum err_code vehicle_store_list(struct db *db, const char *after, struct vehicle_row *rows,
				 size_t cap, size_t *count, struct err *e) MUST_CHECK;

/* --- CCP --- */
struct contract_row { /* owned by the caller: contract_row_free */
	int64_t id;
	char emaid_key[37]; /* what identifies it (first 14) */
	char emaid[37];     /* as in the certificate's CN */
	char pcid[19];
	int edition;
	char participant[65]; /* the MO */
	bool is_default;
	bool ours;       /* issued by one of our MO CAs: revoke on delete */
	int64_t cert_id; /* row of our certificate, 0 for foreign ones */
	struct buf cert; /* contract certificate, DER */
	int64_t not_before, not_after, created, changed;
	char request_id[65];
	struct buf metadata;         /* verbatim text, ≤ 2 kB, or empty */
	struct buf subscription_url; /* or empty */
};
void contract_row_free(struct contract_row *r);

struct variant_row { /* one signed bundle of a contract; owned by the caller: variant_row_free */
	char cps_root[65]; /* SHA-256 of the V2G root of the CPS chain, lower hex */
	struct buf exi;    /* CertificateInstallationRes as signed, SessionID 00 */
	int64_t cps_not_after;
	/* For writing, lent: the raw public key of the car that the bundle was made for; when the
	 * pool has another by now: E_DB_CHANGED. Empty: not compared. */
	struct span car_point;
};
void variant_row_free(struct variant_row *r);

/* Insert or update (same EMAID key, PCID, edition) contract and one variant (or NULL) in one
 * transaction; with another certificate the variants of the old one go. Claims the certificate row;
 * first contract of a PCID becomes default; an update keeps the flag. Queues oem.contract.created
 * or .updated. E_EMAID_TAKEN when the EMAID key belongs to another PCID; E_PCID_UNKNOWN when the
 * vehicle is not there (checked in the same transaction). */
enum err_code
contract_store_put(struct db *db, const struct contract_row *c, const struct variant_row *v,
		   const struct audit_record *a, struct err *e) MUST_CHECK;
/* The PCID that an EMAID key is bound to ("" when free). */
enum err_code
contract_store_owner(struct db *db, const char *emaid_key, char pcid[19], struct err *e) MUST_CHECK;
/* edition 0: any. *rows: array of *count owned by the caller (contract_row_free each, then free).
 */
enum err_code
contract_store_by_emaid(struct db *db, const char *emaid_key, int edition,
			struct contract_row **rows, size_t *count, struct err *e) MUST_CHECK;
enum err_code
contract_store_by_pcid(struct db *db, const char *pcid, int edition, struct contract_row **rows,
		       size_t *count, struct err *e) MUST_CHECK;
/* The certificates of ours that orders have put out of the pool under this key and that are not
 * revoked: rows with cert_id, cert, ours and emaid_key only. */
enum err_code
contract_store_superseded(struct db *db, const char *emaid_key, struct contract_row **rows,
			  size_t *count, struct err *e) MUST_CHECK;
enum err_code contract_store_list(struct db *db, int64_t after, struct contract_row **rows,
				  size_t limit, size_t *count, struct err *e) MUST_CHECK;
/* The stored bundle of a contract under one of these V2G roots (cps_root NULL: any). */
enum err_code variant_store_get(struct db *db, int64_t contract_id, const char *cps_root,
				struct variant_row *out, struct err *e) MUST_CHECK;
enum err_code variant_store_list(struct db *db, int64_t contract_id, struct variant_row **rows,
				 size_t *count, struct err *e) MUST_CHECK;
/* Deletes all editions and variants of an EMAID key; event oem.contract.deleted. E_DB_CHANGED as
 * above. */
enum err_code
contract_store_delete(struct db *db, const char *emaid_key, const struct contract_set *dealt_with,
		      const struct audit_record *a, struct err *e) MUST_CHECK;
enum err_code contract_store_set_default(struct db *db, int64_t contract_id,
					 const struct audit_record *a, struct err *e) MUST_CHECK;

/* Event without another change ("mo.contract.delivered.to.oem"). The row keeps the pseudonym and a
 * reference; the payload is made at delivery. */
enum err_code outbox_put(struct db *db, const char *type, const char *pcid, const char *emaid,
			 struct err *e) MUST_CHECK;

struct outbox_row { /* plain data; subjects as pseudonyms */
	int64_t id, at;
	char type[65], recipient[65]; /* recipient: participant id, or "" */
	char pcid[32], emaid[32], ref[65];
};
/* Events after this id, in order, at most cap. */
enum err_code outbox_list(struct db *db, int64_t after, struct outbox_row *rows, size_t cap,
			  size_t *count, struct err *e) MUST_CHECK;
/* The clear PCID and EMAID of an event, appended, for the payload at delivery; E_NOT_FOUND when the
 * subject's key was erased. */
enum err_code outbox_open(struct db *db, int64_t id, struct buf *pcid, struct buf *emaid,
			  struct err *e) MUST_CHECK;

struct pool_counts {
	int64_t roots, vehicles, contracts, outbox;
};
enum err_code pool_store_counts(struct db *db, struct pool_counts *out, struct err *e) MUST_CHECK;

#endif
