/* SPDX-License-Identifier: Apache-2.0 */
/* Message signatures of ISO 15118 (XML signatures over EXI): made through a table with one
 * function, verified with the signer's raw public key. What is hashed is always encoded by us from
 * decoded values. Invariant: a signature is good only when exactly the expected elements are
 * referenced, every digest fits, the form has nothing that [V2G2-771] forbids, and the value
 * verifies. */
#ifndef ISO15118_SIGN_H
#define ISO15118_SIGN_H

#include "base/algo.h"
#include "base/digest.h"
#include "base/secret.h"
#include "iso15118/exi.h"

#define SIGN_REFERENCES_MAX 4   /* [V2G2-909] */
#define SIGN_VALUE_MAX      132 /* bytes: r|s on P-521 */

/* Whoever holds the key: digest in, raw signature (r|s, algo->sig_len bytes) appended to raw_sig.
 */
struct msg_signer {
	void *ctx;
	const struct algo *algo;
	enum err_code (*sign)(void *ctx, struct span digest, struct buf *raw_sig, struct err *e);
};

/* A signer for a software key (cars, tests); scalar is lent and has to outlive it. */
struct sign_software {
	const struct algo *algo;
	const struct secret *scalar;
};
struct msg_signer sign_with_scalar(struct sign_software *key);

/* A signature as values. Spans are lent. */
struct sign_reference {
	struct span uri; /* "#id1" */
	uint8_t digest[DIGEST_MAX];
};
struct sign_info {
	const struct algo *algo;
	unsigned n;
	struct sign_reference ref[SIGN_REFERENCES_MAX];
	uint8_t value[SIGN_VALUE_MAX]; /* algo->sig_len bytes */
};

/* The elements that a signature covers: nodes of a tree, each with an attribute Id, and the
 * fragment set of the edition. */
struct sign_scope {
	enum exi_set set;
	const struct exi_tree *tree; /* lent */
	uint32_t node[SIGN_REFERENCES_MAX];
	unsigned n; /* 1..SIGN_REFERENCES_MAX */
};

/* Signs the elements, in this order. uris: room for the URIs, owned by the caller, has to outlive
 * info. */
enum err_code sign_make(const struct sign_scope *scope, const struct msg_signer *signer,
			struct sign_info *info, struct buf *uris, struct err *e) MUST_CHECK;

/* Appends the element Signature to a tree that is being built. */
void sign_put(struct exi_tree *t, const struct sign_info *info);

/* Reads the Signature at a node: E_MSG_FORBIDDEN names an item that ISO 15118 forbids or an
 * algorithm that it does not have. Spans are lent from the tree. */
enum err_code sign_read(const struct exi_tree *t, uint32_t signature, struct sign_info *info,
			struct err *e) MUST_CHECK;

/* Verifies the Signature at a node (0: there is none) over exactly these elements, in any order,
 * with the signer's public point (spec C.3, C.4, C.5). E_MSG_FORBIDDEN, E_MSG_DIGEST (a reference
 * is unknown, missing, twice there, or its digest differs), E_MSG_SIGNATURE. */
enum err_code sign_verify(const struct sign_scope *scope, uint32_t signature, struct span point,
			  struct err *e) MUST_CHECK;

/* What sign_verify looks at, for people: filled even where something does not fit. */
struct sign_report_ref {
	struct span uri;
	uint32_t node; /* the element, 0: no signed element has this Id */
	bool ok;
	uint8_t found[DIGEST_MAX], computed[DIGEST_MAX];
	const char *hint; /* how the digest would fit, or NULL */
};
struct sign_report {
	const struct algo *algo;
	unsigned n;
	struct sign_report_ref ref[SIGN_REFERENCES_MAX];
	uint32_t missing[SIGN_REFERENCES_MAX]; /* signed elements without a reference */
	unsigned n_missing;
	bool signature_ok;
	const char *hint; /* how the signature would verify, or NULL */
};
/* E_OK also where the signature is wrong: then the report says so. Errors as sign_read. */
enum err_code sign_explain(const struct sign_scope *scope, uint32_t signature, struct span point,
			   struct sign_report *out, struct err *e) MUST_CHECK;

/* The subject's public key in a certificate: algorithm and raw point, a span into der. Looks at
 * nothing else. E_CERT_MALFORMED. */
enum err_code sign_cert_point(struct span der, const struct algo **algo, struct span *point,
			      struct err *e) MUST_CHECK;

#endif
