/* SPDX-License-Identifier: Apache-2.0 */
/* A whole service in the test's process: the CAs of tests/ca/fixture.h on a SoftHSM token, pools,
 * participants with credentials, and the real server. The participant listener speaks plain HTTP on
 * world.port (so that tests write octets) and TLS on world.tls_port. One world a process. */
#ifndef TESTS_API_WORLD_H
#define TESTS_API_WORLD_H

#include "api/auth.h"
#include "api/server.h"
#include "tests/api/client.h"
#include "tests/ca/fixture.h"

#define WORLD_URL        "https://pki.test:8443"
#define WORLD_SECRET     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WORLD_BASIC_USER "est-user"
#define WORLD_PCID       "WVA12345678901234"
#define WORLD_EMAID      "DEXYZC123456789"
#define WORLD_STATION    "DE*ABC*E0001"

enum world_party { CPO, OEM, MO_V2G, MO_OWN, CPS, ADMIN, AUDITOR, WORLD_PARTIES };

struct world {
	struct fixture f;
	struct pool *pool;
	struct auth *auth;
	struct app app;
	struct server *server, *tls_server;
	uint16_t port, admin_port, plain_port, tls_port;
	char bearer[WORLD_PARTIES][2048]; /* "Authorization: Bearer …\r\n" */
};

extern const char *const world_ids[WORLD_PARTIES];

/* For cmocka group setup and teardown; *state becomes the world. */
int world_setup(void **state);
int world_teardown(void **state);

/* Insert or replace a participant of this kind. */
void world_put_party(struct world *w, const char *id, uint32_t roles, bool disabled);

/* A call on the participant listener as one of the participants (-1: nobody). body: JSON text, or
 * NULL. The caller frees the answer. */
void world_call(struct world *w, int who, const char *method, const char *path, const char *body,
		struct answer *a);

/* A certificate of the service root with a fresh key as PEM files HOME/name.pem and .key; der may
 * be NULL. */
void world_service_cert(struct world *w, enum profile_id profile, const char *cn, const char *name,
			struct buf *der);

/* A CSR with a fresh key: subject CN, O TestOrg, DC CPO. DER appended. */
void world_csr(const char *cn, enum algo_id id, struct buf *der);

/* Puts the vehicle WORLD_PCID under our OEM CA; the car's key goes to scalar. */
void world_put_vehicle(struct world *w, const char *pcid, struct secret *scalar, struct buf *leaf);

/* A member of a JSON answer, text; "" when it is not there. Valid until the next call. */
const char *world_member(const struct answer *a, const char *name);

#endif
