/* SPDX-License-Identifier: Apache-2.0 */
/* What every test of the pools starts from: a real store in a temporary file, a PKI with software
 * keys whose roots are in the root pool, the pools on top of both, and one car. */
#ifndef TESTS_POOL_FIXTURE_H
#define TESTS_POOL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/ec.h"
#include "base/str.h"
#include "iso15118/install.h"
#include "pool/pool.h"
#include "tests/mock/soft_issuer.h"

#define PCID_A  "WVA12345678901234"
#define PCID_B  "WVAB2345678901234"
#define EMAID_A "DEABCC123456788" /* with its check digit */
#define EMAID_B "DEABCC00000001B"
#define OEM     "oem-1"
#define MO      "mo-1"

struct fixture {
	char dir[64];
	struct db *db;
	struct soft_pki pki;
	struct pool_conf conf;
	struct pool *pool;
	struct soft_key car;     /* PCID_A; not in the pool yet */
	struct root_row root[4]; /* V2G, V2G B, MO, OEM */
	/* What the status source answers for certificates with this prefix of bytes; E_OK: good. */
	enum err_code status;
	struct span status_of; /* the one certificate concerned; empty: every one */
	unsigned orders;       /* for request ids */
	struct err e;
};
enum { ROW_V2G, ROW_V2G_B, ROW_MO, ROW_OEM };

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Fails the test unless rc is want, then forgets the error. text: must be in the message. */
void expect(struct fixture *f, enum err_code rc, enum err_code want);
void expect_text(struct fixture *f, enum err_code rc, enum err_code want, const char *text);

/* A new pool on the same store, with what f->conf says now. */
void fixture_reopen(struct fixture *f);

/* The usual request of an OEM for a car under the PKI's OEM chain. */
struct vehicle_put vehicle_of(struct fixture *f, const struct soft_key *car);
void put_vehicle(struct fixture *f, const struct soft_key *car);

/* The usual order: from an hour ago for 30 days. Its request id is new. */
struct contract_order order_of(struct fixture *f, const char *emaid, const char *pcid);
void put_contract(struct fixture *f, const char *emaid, const char *pcid);

/* A signed request of a car that knows these roots (n of SOFT_…); none: the V2G root. */
void make_request(struct fixture *f, const struct soft_key *car, const enum soft_name *roots,
		  size_t n, struct buf *exi);
/* Sends it; the answer is the caller's. Fails the test unless the response code is this one. */
void
install(struct fixture *f, const struct buf *exi, const char *code, struct install_answer *out);
/* The same with a fresh usual request, answer thrown away. */
void install_gives(struct fixture *f, const struct soft_key *car, const char *code);

/* The only contract row of an EMAID, owned by the caller. */
void get_contract(struct fixture *f, const char *emaid_key, struct contract_row *out);
size_t count_contracts(struct fixture *f, const char *pcid);
size_t count_events(struct fixture *f, const char *type);
bool is_revoked(struct fixture *f, const struct buf *cert);

#define SESSION_ID "\x11\x22\x33\x44\x55\x66\x77\x88"

#endif
