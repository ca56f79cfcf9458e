/* SPDX-License-Identifier: Apache-2.0 */
/* A car, a contract and a CPS for tests: keys, and certificates that have the structure of X.509
 * and the right public key, but no valid signature. */
#ifndef TESTS_ISO15118_PARTIES_H
#define TESTS_ISO15118_PARTIES_H

#include "iso15118/install.h"

struct party {
	struct secret scalar;
	struct buf point, certificate;
};

/* A key on P-256 and a certificate for it, filled up to about size bytes; owned by the caller. */
void party_make(struct party *p, size_t size);
void party_free(struct party *p);

/* Signs with the party's key; key has to outlive the signer. */
struct msg_signer party_signer(const struct party *p, struct sign_software *key);

struct parties {
	struct party car, contract, cps, sub;
};
void parties_make(struct parties *p);
void parties_free(struct parties *p);

/* A request of the car and a bundle for it, appended. */
void parties_request(const struct parties *p, struct buf *exi);
void parties_bundle(const struct parties *p, struct buf *exi);

#endif
