/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one certificate of each profile as NAME.pem into the folder given, each under its default
 * issuer, for test_openssl.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "sample.h"

static struct sample samples[PROFILE_COUNT];

/* The issuer first; OCSP signers belong to any CA, here CPO Sub-CA 2. */
static void
issue(enum profile_id id)
{
	const struct profile *p = &profiles[id];
	enum profile_id issuer = p->issuer == PROFILE_COUNT ? PROFILE_CPO_SUB2 : p->issuer;
	uint8_t serial[SERIAL_LEN];
	struct tbs_request rq;

	if (samples[id].der.n != 0)
		return;
	if (issuer != id)
		issue(issuer);
	sample_key(&samples[id], algo_get(p->algo));
	rq = sample_request(id, &samples[id], issuer != id ? &samples[issuer] : NULL, p->name);
	rq.not_before = clock_now() - 60;
	rq.not_after = rq.not_before + p->validity - 1;
	if (issuer != id && rq.not_after > samples[issuer].cert.not_after)
		rq.not_after = samples[issuer].cert.not_after;
	assert_int_equal(serial_make(serial, NULL), E_OK);
	rq.serial = (struct span){serial, sizeof(serial)};
	sample_issue(&samples[id], id, issuer != id ? &samples[issuer] : NULL, p->name, &rq);
}

static void
write_pem(enum profile_id id, const char *folder)
{
	char path[1024];
	struct buf pem = {0};
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.pem", folder, profiles[id].name);
	f = fopen(path, "w");
	if (f == NULL)
		exit(1);
	cert_to_pem(buf_span(&samples[id].der), &pem);
	(void)fwrite(pem.p, 1, pem.n, f);
	(void)fclose(f);
	buf_free(&pem);
}

int
main(int argc, char **argv)
{
	enum profile_id id;

	if (argc != 2 || sample_setup(NULL) != 0)
		return 2;
	for (id = 0; id < PROFILE_COUNT; id++)
		issue(id);
	for (id = 0; id < PROFILE_COUNT; id++) {
		write_pem(id, argv[1]);
		sample_free(&samples[id]);
	}
	return 0;
}
