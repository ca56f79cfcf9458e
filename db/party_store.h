/* SPDX-License-Identifier: Apache-2.0 */
/* Participants, their roles, prefixes and credentials. */
#ifndef DB_PARTY_STORE_H
#define DB_PARTY_STORE_H

#include "db/db.h"

#define PARTY_PREFIXES 32

struct party { /* plain data */
	char id[65];
	char name[129];
	uint32_t roles; /* policy/role.h bits */
	char wmi[PARTY_PREFIXES][6], provider[PARTY_PREFIXES][6], operator_id[PARTY_PREFIXES][6];
	size_t wmis, providers, operators;
	bool disabled;
	int64_t created, changed;
};
enum err_code party_store_put(struct db *db, const struct party *p, const struct audit_record *a,
			      struct err *e) MUST_CHECK; /* insert or replace */
enum err_code
party_store_get(struct db *db, const char *id, struct party *out, struct err *e) MUST_CHECK;
enum err_code party_store_list(struct db *db, const char *after, struct party *rows, size_t cap,
			       size_t *count, struct err *e) MUST_CHECK;
enum err_code party_store_delete(struct db *db, const char *id, const struct audit_record *a,
				 struct err *e) MUST_CHECK;

enum credential_kind { CREDENTIAL_SECRET, CREDENTIAL_CERT, CREDENTIAL_BASIC };

struct credential { /* plain data */
	char party[65];
	enum credential_kind kind;
	char key[129]; /* secret: client id; certificate: SHA-256 of its DER, lower hex; basic: user
			*/
	uint8_t salt[16];
	uint8_t hash[32];         /* scrypt of the secret; unused for certificates */
	int64_t created, expires; /* 0: never */
};
enum err_code credential_store_put(struct db *db, const struct credential *c,
				   const struct audit_record *a, struct err *e) MUST_CHECK;
enum err_code credential_store_get(struct db *db, enum credential_kind kind, const char *key,
				   struct credential *out, struct err *e) MUST_CHECK;
enum err_code credential_store_delete(struct db *db, enum credential_kind kind, const char *key,
				      const struct audit_record *a, struct err *e) MUST_CHECK;
enum err_code credential_store_list(struct db *db, const char *party, struct credential *rows,
				    size_t cap, size_t *count, struct err *e) MUST_CHECK;

#endif
