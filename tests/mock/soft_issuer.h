/* SPDX-License-Identifier: Apache-2.0 */
/* A PKI with software keys for tests: V2G, MO and OEM hierarchies, two CPS chains under two V2G
 * roots, made by the real profiles. It fills struct issuer and struct signer as the CA does, writes
 * the same certificate rows when it is given a store, and fails when it is told to: those switches
 * are for one thread, issuing is for many. */
#ifndef TESTS_MOCK_SOFT_ISSUER_H
#define TESTS_MOCK_SOFT_ISSUER_H

#include "base/secret.h"
#include "db/cert_store.h"
#include "policy/issuer.h"

#include <stdatomic.h>

enum soft_name {
	SOFT_V2G_ROOT,
	SOFT_CPS_SUB1,
	SOFT_CPS_SUB2,
	SOFT_CPS_LEAF,
	SOFT_V2G_ROOT_B, /* a second region with its own CPS */
	SOFT_CPS_SUB1_B,
	SOFT_CPS_SUB2_B,
	SOFT_CPS_LEAF_B,
	SOFT_MO_ROOT,
	SOFT_MO_SUB1,
	SOFT_MO_SUB2,
	SOFT_OEM_ROOT,
	SOFT_OEM_SUB1,
	SOFT_OEM_SUB2,
	SOFT_COUNT
};

struct soft_key {
	struct secret scalar;
	struct buf point, cert; /* DER */
};

struct soft_pki {
	struct db *db; /* NULL: no certificate rows */
	struct soft_key key[SOFT_COUNT];
	enum err_code fail_issue, fail_revoke, fail_sign; /* E_OK: works */
	bool bad_signature; /* the signer's signatures do not verify */
	void (*on_sign)(
		void *ctx); /* called once by the next signature of a CPS key; NULL: nobody */
	void *on_sign_ctx;
	atomic_uint issued, revoked, signatures;
};

enum err_code soft_pki_open(struct soft_pki *pki, struct db *db, struct err *e) MUST_CHECK;
void soft_pki_close(struct soft_pki *pki);
struct issuer soft_issuer(struct soft_pki *pki);
struct signer soft_signer(struct soft_pki *pki);

/* A certificate of a profile under one of the keys, appended to der; nothing is recorded. */
struct soft_leaf {
	enum soft_name issuer;
	enum profile_id profile;
	struct span point;
	const char *cn;
	int64_t not_before, not_after; /* 0: an hour ago, and 30 days from now */
};
enum err_code soft_mint(struct soft_pki *pki, const struct soft_leaf *leaf, struct buf *der,
			struct err *e) MUST_CHECK;

/* A car: key and provisioning certificate under SOFT_OEM_SUB2. */
enum err_code
soft_car(struct soft_pki *pki, const char *pcid, struct soft_key *car, struct err *e) MUST_CHECK;
void soft_key_free(struct soft_key *k);

#endif
