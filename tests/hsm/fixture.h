/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary tokens for tests: a SoftHSM and an NSS database in a folder of their own under /tmp,
 * each with PIN file and token, made through hsm_token_init. */
#ifndef TESTS_HSM_FIXTURE_H
#define TESTS_HSM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <p11-kit/pkcs11.h>

#include "hsm/hsm.h"

#define FIXTURE_PIN "87654321"

struct fixture {
	char dir[64];
	char module[256]; /* the real PKCS#11 library; "" when it is not installed */
	char pin_file[96];
	char init_args[256];
	char slot[40];
	struct hsm_token_conf conf; /* named "main" */
};

/* Finds the library, makes the folder and the token. False: the library is absent, which is said
 * on stderr, and the test is to be skipped. */
bool fixture_softhsm(struct fixture *f, const char *label);
bool fixture_nss(struct fixture *f);
void fixture_free(struct fixture *f); /* removes the folder */

/* One more token on the fixture's SoftHSM. */
void fixture_add_token(struct fixture *f, const char *label);

/* The module's own functions, and the slot of the fixture's token, for what hsm.h cannot do. The
 * module must be open. */
CK_FUNCTION_LIST *fixture_functions(const struct fixture *f);
CK_SLOT_ID fixture_slot(const struct fixture *f);

/* A CKA_ID of 20 bytes n. */
struct span fixture_id(uint8_t n);

#endif
