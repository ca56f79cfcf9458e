/* SPDX-License-Identifier: Apache-2.0 */
/* A deployment for the tests of ca: a SoftHSM token, an SQLite store and the hierarchies of design
 * §7, in a temporary home. One home a process: SoftHSM reads its configuration once. */
#ifndef TESTS_CA_FIXTURE_H
#define TESTS_CA_FIXTURE_H

#include "base/ec.h"
#include "ca/ca.h"

#define SOFTHSM_MODULE "/usr/lib/softhsm/libsofthsm2.so" /* or $V2GPKI_TEST_MODULE */
#define OCSP_URL       "http://127.0.0.1:8080/ocsp"

struct fixture {
	char home[64];
	struct db *db;
	struct hsm *hsm;
	struct ca_set *set;
	unsigned proofs;      /* signatures that ca_open made */
	const char *ocsp_url; /* NULL: OCSP_URL */
};

/* Everything below ends the test process with a message when it fails. */

/* A home with a token and an empty store; nothing is open yet. */
void fixture_make(struct fixture *f);
/* Opens token, store and CAs of f->home (which may be another process's). */
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
void fixture_remove(struct fixture *f); /* closes and deletes the home */

/* All CAs and signing leaves of the quickstart's contract; E_CA_EXISTS is fine. */
extern const struct ca_spec fixture_specs[];
extern const size_t fixture_spec_count;
void fixture_create_all(struct fixture *f);

/* A fresh software key's point. */
void fixture_point(enum algo_id id, struct buf *point);

/* A request for this profile with a fresh key in *point. */
struct issue_request
fixture_request(const char *request_id, enum profile_id profile, const char *cn, struct buf *point);
/* Issues it or ends the test. */
void fixture_issue(struct fixture *f, const struct issue_request *rq, struct issued *out);

/* Signatures made by the key of this CA in this process. */
uint64_t fixture_signatures(struct fixture *f, const char *ca);
/* Audit rows with this action (NULL: any). */
size_t fixture_audit_count(struct fixture *f, const char *action);
/* Whether any audit row shows this text in the clear. */
bool fixture_audit_shows(struct fixture *f, const char *text);

#endif
