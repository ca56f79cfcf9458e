/* SPDX-License-Identifier: Apache-2.0 */
/* A store on a real file in a directory of its own, for the tests of db/. */
#ifndef TESTS_DB_FIXTURE_H
#define TESTS_DB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/cert_store.h"
#include "db/db.h"
#include "db/party_store.h"
#include "db/pool_store.h"

struct fixture {
	char dir[64];
	char path[96], url[112];
	struct db *db;
	struct err e;
};

/* cmocka setup and teardown; *state is the fixture. The store is open with 4 readers. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Closes and opens again; vfs may be NULL. */
void fixture_open(struct fixture *f, const char *vfs, unsigned batch_delay_us);
void fixture_close(struct fixture *f);

/* Checks that a call returned this code, and prints its text otherwise; forgets the error. */
void expect(struct fixture *f, enum err_code want, enum err_code got);
#define OK(f, call)          expect(f, E_OK, call)
#define FAILS(f, code, call) expect(f, code, call)

/* Rows with everything filled in; n tells them apart. */
void make_ca(struct fixture *f, const char *name);
struct cert_row make_intent(const char *ca, unsigned n);
int64_t make_cert(struct fixture *f, const char *ca, unsigned n); /* issued */
void make_vehicle(struct fixture *f, const char *pcid, uint8_t key);
/* Contract of an EMAID for a PCID with one variant; cert tells versions apart. */
enum err_code
put_contract(struct fixture *f, const char *emaid_key, const char *pcid, uint8_t cert);

/* A statement run on the file behind the store's back; the first column of the first row. */
int64_t raw_int(struct fixture *f, const char *sql);
void raw_exec(struct fixture *f, const char *sql);
/* The result code instead of a failed test. */
int raw_try(struct fixture *f, const char *sql);

extern const struct audit_record audit_any;

#endif
