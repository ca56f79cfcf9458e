/* SPDX-License-Identifier: Apache-2.0 */
/* The CA core: hierarchies with keys in tokens, and issuance in the one order of design §4
 * (authorise, build, lint, commit the intent, sign, verify, commit the certificate, answer). A
 * struct ca_set is shared by all threads; its table of CAs is replaced as a whole when one is
 * added. */
#ifndef CA_CA_H
#define CA_CA_H

#include "db/cert_store.h"
#include "hsm/hsm.h"
#include "policy/issuer.h"

struct ca_set;

struct ca_conf { /* strings are copied */
	struct db *db;
	struct hsm *hsm;
	struct profile_params params; /* crl_url is set per CA from crl_base */
	const char *crl_base;         /* "http://127.0.0.1:8080/crl/": CRLDP is {base}{ca}.crl */
};

/* Reads the CAs of the store and proves every key against its certificate with one signature
 * (I-34). A key whose token is away does not stop the start: its CA answers E_HSM_* until it is
 * back and proven. A key that is there and does not fit stops it: E_HSM_KEY_PROOF. *proofs (may be
 * NULL): signatures made; each has its audit record "key.proof". */
enum err_code ca_open(const struct ca_conf *conf, struct ca_set **out, unsigned *proofs,
		      struct err *e) MUST_CHECK;
void ca_close(struct ca_set *set);

/* --- ceremony --- */
struct ca_spec {          /* strings are lent for the call */
	const char *name; /* "cpo-sub2", also of its CRL and files */
	enum profile_id profile;
	const char *issuer; /* name of the CA above; NULL: self-signed root */
	const char *token;  /* where the key is made */
	const char *o, *cn;
	int64_t not_before, not_after; /* 0: now, and the profile's default within the issuer's */
};
/* Makes key (if the row has none yet) and certificate, in an order that can be repeated after a
 * crash at any point without a second key. Leaves with keys in the token (cps-leaf, token-signer,
 * ocsp signers) are made by the same call. E_CA_EXISTS when it is complete already. */
enum err_code ca_create(struct ca_set *set, const struct ca_spec *spec, const char *actor,
			struct err *e) MUST_CHECK;

/* --- issuing and revoking --- */
/* Profile's default issuer and chain: see ca/hierarchy.c for the table. Order and refusals as in
 * design §4; lint before signing; the signature is verified before it is stored. Idempotent in
 * request_id (1 to 64 printable characters without spaces): the same content gives the same
 * certificate, E_REQUEST_REUSED for other content, E_CERT_REVOKED when it has been revoked since.
 * E_PROFILE_UNKNOWN for what only a ceremony makes, E_CA_UNKNOWN, E_CA_NO_ISSUER, E_CSR_KEY (I-7,
 * I-8), E_VALIDITY (nothing is cut, I-6), E_KEY_BLOCKED, E_HSM_* (after the intent an orphan stays;
 * the same request id may be tried again). */
enum err_code ca_issue(struct ca_set *set, const struct issue_request *rq, struct issued *out,
		       struct err *e) MUST_CHECK;

/* Somebody holds the certificate: it is not the reconciler's to revoke. Not for requests that say
 * answered, nor for pool entries, which claim in their own transaction. */
enum err_code ca_claim(struct ca_set *set, int64_t cert_id, struct err *e) MUST_CHECK;

/* By certificate (DER) or by CA and serial, which orphans have too; idempotent. reason: RFC 5280
 * 5.3.1, 0 to 5, 9, 10 (E_BAD_VALUE else); 1 also blocks the key and revokes all its certificates
 * (I-7). E_NOT_FOUND for what is not ours. A CA that is revoked issues nothing from then on. */
enum err_code ca_revoke(struct ca_set *set, const char *request_id, struct span cert_der,
			unsigned reason, const char *actor, struct err *e) MUST_CHECK;
enum err_code ca_revoke_serial(struct ca_set *set, const char *ca, struct span serial,
			       unsigned reason, const char *actor, struct err *e) MUST_CHECK;

/* What the reconciler found and did (design §4 step 6, F-1). Run at start and every minute.
 * Certificates of CAs are left to their ceremony. */
struct reconcile_report {
	int64_t orphaned; /* intents older than the limit, now listed as orphans */
	int64_t revoked;  /* issued certificates that nobody claimed, revoked as superseded */
};
enum err_code ca_reconcile(struct ca_set *set, int64_t older_than_seconds,
			   struct reconcile_report *out, struct err *e) MUST_CHECK;

/* --- reading --- */
/* Chain above leaves of a profile, Sub 2, Sub 1, root (leaf stays empty). name: the issuing CA's,
 * or NULL for the default one. */
enum err_code ca_chain(struct ca_set *set, enum profile_id leaf, const char *name, struct issued *out,
		       struct err *e) MUST_CHECK;
/* Certificate of a CA or signing leaf by name, DER, appended. E_CA_UNKNOWN. */
enum err_code
ca_cert(struct ca_set *set, const char *name, struct buf *der, struct err *e) MUST_CHECK;

struct ca_info { /* plain data, for lists */
	char name[CA_NAME_MAX], profile[33], issuer[CA_NAME_MAX], token[33];
	char subject[256];    /* RFC 4514 */
	char fingerprint[65]; /* SHA-256, lower hex */
	int64_t not_before, not_after;
	bool key_ready; /* proven since start */
	uint64_t signatures;
};
/* *rows: array of *count owned by the caller (free). */
enum err_code
ca_list(struct ca_set *set, struct ca_info **rows, size_t *count, struct err *e) MUST_CHECK;

/* Raw signature over a digest with the key of a signing leaf ("token-signer", "cps-leaf"). audit:
 * records the signature as this action, or NULL (access tokens are counted per checkpoint, I-2). */
enum err_code ca_sign(struct ca_set *set, const char *name, struct span digest, const char *action,
		      const char *request_id, struct buf *raw_sig, struct err *e) MUST_CHECK;

/* The tables through which pools see this set. */
struct issuer ca_issuer(struct ca_set *set);
struct signer ca_signer(struct ca_set *set);

#endif
