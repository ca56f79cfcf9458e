/* SPDX-License-Identifier: Apache-2.0 */
/* The CAs of a deployment in memory. A struct ca never changes once it stands in a table, but for
 * its proven key and its revocation, which are atomic; tables are replaced as a whole and live
 * until ca_close, so readers take no lock. */
#ifndef CA_SET_H
#define CA_SET_H

#include <pthread.h>
#include <stdatomic.h>

#include "ca/ca.h"
#include "ca/flight.h"

#define CA_COUNT_MAX 256   /* CAs and signing leaves of one deployment */
#define CA_REQUEST   "ca/" /* request ids of ceremonies; no one else may use them */

struct ca {
	char name[CA_NAME_MAX], token[33];
	const struct profile *profile;
	const struct algo *algo;
	struct ca *issuer; /* NULL: self-signed */
	uint8_t key_id[HSM_KEY_ID_MAX];
	size_t key_id_len;
	struct buf der;
	struct cert cert;              /* spans into der */
	char *crl_url;                 /* of the certificates it issues */
	pthread_mutex_t key_lock;      /* one thread at a time looks for the key */
	_Atomic(struct hsm_key *) key; /* NULL until it is proven */
	atomic_bool revoked;
};

struct ca_table {
	struct ca_table *older; /* readers may still hold it */
	size_t count;
	struct ca *cas[]; /* issuers before what they issued */
};

struct ca_set {
	struct db *db;
	struct hsm *hsm;
	struct profile_params params; /* strings are owned; crl_url is NULL */
	char *crl_base;
	_Atomic(struct ca_table *) table;
	pthread_mutex_t ceremony; /* one ceremony at a time; guards the replacing of table */
	struct flights flights;
};

/* A CA or signing leaf by name; NULL when there is none. Lent until ca_close. */
struct ca *set_find(struct ca_set *set, const char *name);

/* The CA that issues this profile: by name, or the default (NULL). E_CA_UNKNOWN, E_CA_NO_ISSUER. */
enum err_code set_issuer(struct ca_set *set, enum profile_id id, const char *name, struct ca **out,
			 struct err *e) MUST_CHECK;

/* The key of a CA, proven against its certificate; looked for again where its token was away. */
enum err_code
set_key(struct ca_set *set, struct ca *ca, struct hsm_key **key, struct err *e) MUST_CHECK;

/* Signs once with a key to prove it against its point, with the audit record that every signature
 * has (I-2, I-34). */
enum err_code set_prove(struct ca_set *set, const char *name, struct hsm_key *key,
			const struct algo *a, struct span point, struct err *e) MUST_CHECK;

/* Adds the CA of a complete row, with its key where that is proven already (else NULL), under
 * set->ceremony. */
enum err_code set_add(struct ca_set *set, const struct ca_row *row, struct hsm_key *key,
		      struct err *e) MUST_CHECK;

/* The URL of the CRL that certificates of this CA carry, owned by the caller (free); NULL: no
 * memory. */
char *set_crl_url(const struct ca_set *set, const char *name);

/* Sub 2, Sub 1 and root, from the issuing CA upwards, into out. */
enum err_code set_chain(const struct ca *issuing, struct issued *out, struct err *e) MUST_CHECK;

#endif
