/* SPDX-License-Identifier: Apache-2.0 */
/* The seam between pools and CAs: two small tables of functions whose arguments are plain data and
 * which are idempotent in the request id. tools/v2gpkid.c fills them with the local CA; a queued or
 * remote one takes its place without touching a caller (design §2, zones). */
#ifndef POLICY_ISSUER_H
#define POLICY_ISSUER_H

#include "policy/profile.h"

#define REQUEST_ID_MAX 65
#define CA_NAME_MAX    33

/* One certificate to issue. Strings and spans are lent for the call. */
struct issue_request {
	const char *request_id; /* the same id with the same content gives the same certificate */
	enum profile_id profile;
	const char *ca; /* name of the issuing CA ("cpo-sub2"); NULL: the profile's default issuer */
	const struct algo *algo;
	struct span point; /* the subject's raw public key; possession is proven by the caller */
	const char *o, *cn;
	int64_t not_before, not_after; /* 0: now, and the profile's default */
	const char *participant; /* who asked */
	bool answered; /* only the answer will hold it (EST, TLS): claimed once it is issued */
	const char *san_dns[4];
};

struct issued { /* owned by the caller: issued_free */
	int64_t cert_id; /* row of the certificate */
	char ca[CA_NAME_MAX];
	struct buf leaf; /* DER */
	struct buf sub2, sub1, root; /* DER of the chain; empty where the chain is shorter */
};
void issued_free(struct issued *i);

struct issuer {
	void *ctx;
	enum err_code (*issue)(void *ctx, const struct issue_request *rq, struct issued *out,
			       struct err *e);
	/* Revokes a certificate that we issued; idempotent. reason: RFC 5280 5.3.1 code. */
	enum err_code (*revoke)(void *ctx, const char *request_id, struct span cert_der,
				unsigned reason, const char *participant, struct err *e);
	/* The chain above leaves of a profile: Sub 2, Sub 1, root as out->sub2, sub1, root. */
	enum err_code (*chain)(void *ctx, enum profile_id leaf, const char *ca, struct issued *out,
			       struct err *e);
};

/* CPS keys: one per V2G root. root_fingerprint: SHA-256 of the root's DER, lower hex; NULL: ours
 * to choose. */
struct cps_chain { /* owned by the caller: cps_chain_free */
	char name[CA_NAME_MAX]; /* of the signing key: "cps-leaf" */
	struct buf leaf, sub2, sub1, root; /* DER */
	char root_fingerprint[65];
};
void cps_chain_free(struct cps_chain *c);

struct signer {
	void *ctx;
	/* The i-th CPS chain; E_NOT_FOUND past the last. */
	enum err_code (*chain)(void *ctx, size_t i, struct cps_chain *out, struct err *e);
	/* A raw signature (r|s, 64 bytes) over a SHA-256 digest with the CPS key of this name; counted
	 * and audited (I-2). */
	enum err_code (*sign)(void *ctx, const char *request_id, const char *name,
			      struct span digest, struct buf *raw_sig, struct err *e);
};

#endif
