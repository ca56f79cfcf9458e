/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of pool/ share and nobody else sees: the pool itself, the trust anchors decoded
 * from the root pool, and the memory of what has been verified already. Invariant: a lock is held
 * only while memory is copied, never across a call of the store, an issuer or a signer. */
#ifndef POOL_INTERNAL_H
#define POOL_INTERNAL_H

#include <pthread.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/str.h"
#include "iso15118/install.h"
#include "policy/chain.h"
#include "pool/pool.h"

#define CHANGED_TRIES    8    /* times that a deletion overtaken by an order is tried */
#define REASON_CESSATION 5    /* cessationOfOperation, RFC 5280 5.3.1 */
#define CLOCK_SKEW       300  /* seconds that another party's clock may run ahead of ours */
#define POOL_TEXT_MAX    2048 /* bytes of metadata and of a subscription URL (spec/differences 3) */
#define EDITION_LIST                  \
	{                             \
		EDITION_2, EDITION_20 \
	}

/* --- trust anchors --- */
struct anchor { /* cert points into row.der */
	struct root_row row;
	struct cert cert;
	char hex[HEX_LEN(SHA256_LEN)]; /* the fingerprint as text */
};
struct anchors { /* immutable but for refs, which pool.lock guards */
	unsigned refs;
	uint64_t version; /* of the root table when it was read */
	size_t n;
	struct anchor a[];
};

/* What has been verified already, by a hash of what was verified: a direct-mapped table, an older
 * entry gives way. Locks by itself. */
#define SEEN_SLOTS 8192
struct seen {
	pthread_mutex_t lock;
	uint8_t (*key)[SHA256_LEN]; /* SEEN_SLOTS of them; all zero: empty */
};

struct pool {
	struct pool_conf conf;
	pthread_mutex_t lock;    /* guards anchors and every refs */
	struct anchors *anchors; /* NULL before the first use */
	struct seen links;       /* issuer and subject certificates whose signature fits */
	struct seen bundles;     /* whole bundles, with the contract certificate of their row */
};

/* The anchors as the root table is now; give back with anchors_put. */
enum err_code anchors_get(struct pool *p, const struct anchors **out, struct err *e) MUST_CHECK;
void anchors_put(struct pool *p, const struct anchors *set);
void anchors_drop(struct pool *p); /* for pool_close */

/* NULL when there is none with one of these types. fingerprint: SHA-256 of the DER; hex: the same
 * as text; name: 64 hex in any case, colons tolerated, or the UUID of a root (D38). */
const struct anchor *anchor_by_fingerprint(const struct anchors *set,
					   const uint8_t fingerprint[SHA256_LEN], unsigned types);
const struct anchor *anchor_by_hex(const struct anchors *set, const char *hex, unsigned types);
const struct anchor *anchor_by_name(const struct anchors *set, const char *name, unsigned types);

/* The anchor whose key signed this certificate; NULL when none of these types did. */
const struct anchor *
anchor_of(struct pool *p, const struct anchors *set, const struct cert *child, unsigned types);

/* --- what has been verified --- */
enum err_code seen_open(struct seen *s, struct err *e) MUST_CHECK;
void seen_close(struct seen *s);
bool seen_has(struct seen *s, const uint8_t key[SHA256_LEN]);
void seen_add(struct seen *s, const uint8_t key[SHA256_LEN]);

/* cert_verify_link, remembered: for links that many bundles share (sub-CAs, CPS leaves). */
enum err_code pool_link(struct pool *p, const struct cert *child, const struct cert *issuer,
			struct err *e) MUST_CHECK;

/* --- small things --- */
/* The edition of a namespace; NULL is -2 where may_default. E_NAMESPACE, and E_EDITION for one that
 * contracts do not exist for. */
enum err_code
pool_edition(const char *xmlns, bool may_default, enum edition *out, struct err *e) MUST_CHECK;
enum err_code pool_edition_2(const char *xmlns, bool may_default, struct err *e) MUST_CHECK;

/* Turns the store's "not there" into the pool's own code and words; other codes pass. */
enum err_code pool_missing(enum err_code rc, enum err_code code, const char *text, struct err *e);

/* E_OK when now lies within the certificate's validity; field names it in the message. */
enum err_code pool_valid_now(const struct cert *c, const char *field, int64_t now, int64_t skew,
			     struct err *e) MUST_CHECK;

/* The seam for the status of foreign certificates (pool.h). */
enum err_code pool_status(struct pool *p, const char *field, struct span cert, struct span issuer,
			  struct err *e) MUST_CHECK;

/* The same for a certificate that may be ours: then our own record decides. */
enum err_code pool_cert_status(struct pool *p, const char *field, const struct cert *c,
			       struct span issuer, struct err *e) MUST_CHECK;

/* One line of the log with pseudonyms in place of PCID and EMAID key (I-41); NULL and "" leave one
 * out. fmt gives at least one more key=value. */
struct about {
	const char *request_id, *pcid, *emaid_key;
};
void pool_log(enum log_level level, const char *event, struct about about, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

enum err_code pool_name_text(struct span name, char *out, size_t cap, struct err *e) MUST_CHECK;
enum err_code pool_buf_copy(const struct buf *from, struct buf *to, struct err *e) MUST_CHECK;

/* --- PCP --- */
struct vehicle_chain {                /* cert spans point into the row */
	struct cert leaf, sub2, sub1; /* sub2.der.n == 0: the chain has one sub-CA */
	const struct anchor *root;
};
/* Whether a stored vehicle is good now: its root still in the RCP, validity of every certificate
 * (shell model), status. E_CERT_UNTRUSTED, E_CERT_EXPIRED, E_CERT_NOT_YET, E_CERT_REVOKED, …, the
 * text without its PCID. */
enum err_code vehicle_check(struct pool *p, const struct anchors *set, const struct vehicle_row *v,
			    int64_t now, struct vehicle_chain *out, struct err *e) MUST_CHECK;

/* --- bundles --- */
/* Whether a stored bundle is what a car will accept: CPS signature, both chains to roots of the
 * RCP, the V2G root named in v, the certificate of c, everything valid now (I-36). Remembered. */
enum err_code bundle_check(struct pool *p, const struct anchors *set, const struct contract_row *c,
			   const struct variant_row *v, int64_t now, struct err *e) MUST_CHECK;

/* --- contracts --- */
/* E_OK when the contract itself may be handed out now: begun (unless early), not ended, its
 * certificate not revoked. */
enum err_code contract_check(struct pool *p, const struct contract_row *c, int64_t now, bool early,
			     struct err *e) MUST_CHECK;

/* Revokes what our MO CA issued for these contracts, now and before; stops at the first failure. */
enum err_code
contracts_revoke(struct pool *p, const char *request_id, const char *actor,
		 const struct contract_row *rows, size_t count, struct err *e) MUST_CHECK;
void contract_rows_free(struct contract_row *rows, size_t count);

/* A positive answer from a checked bundle, with this SessionID; records the delivery. */
enum err_code
answer_fill(struct pool *p, const struct contract_row *c, const struct variant_row *v,
	    struct span session_id, struct install_answer *out, struct err *e) MUST_CHECK;

#endif
