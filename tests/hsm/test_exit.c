/* SPDX-License-Identifier: Apache-2.0 */
/* A process that has signed ends with status 0, with hsm_close ("close") and without ("leave"):
 * SoftHSM beside OpenSSL 3 is known to crash at exit (openssl issue 22508). No cmocka around it,
 * because what is tested comes after main. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static struct hsm *h; /* still reachable when the process leaves without hsm_close */

int
main(int argc, char **argv)
{
	uint8_t digest[32] = {1};
	struct fixture fx;
	struct hsm_key *k;
	struct buf b = {0};
	struct err e = {0};

	if (argc != 2)
		return 2;
	if (!fixture_softhsm(&fx, "exit"))
		return 77; /* meson: skipped */
	if (hsm_open(&fx.conf, 1, &h, &e) != E_OK ||
	    hsm_key_generate(h, "main", algo_get(ALGO_P256), fixture_id(1), "k", &b, &e) != E_OK ||
	    hsm_key_find(h, "main", fixture_id(1), &k, &e) != E_OK ||
	    hsm_sign(k, (struct span){digest, sizeof(digest)}, &b, &e) != E_OK) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	buf_free(&b);
	if (strcmp(argv[1], "close") == 0)
		hsm_close(h);
	fixture_free(&fx);
	return 0;
}
