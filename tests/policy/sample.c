/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/ec.h"

const struct profile_params sample_params = {
	.country = "DE",
	.policy_oid = "1.3.6.1.4.1.55555.1",
	.ocsp_url = "http://127.0.0.1:8080/ocsp",
	.crl_url = "http://127.0.0.1:8080/crl/cpo-sub2.crl",
};

int
sample_setup(void **state)
{
	(void)state;
	return secret_init(NULL) == E_OK ? 0 : -1;
}

void
sample_key(struct sample *s, const struct algo *a)
{
	struct err e = {0};

	if (s->key.n == 0)
		assert_int_equal(ec_generate(a, &s->key, &s->point, &e), E_OK);
}

struct tbs_request
sample_request(enum profile_id id, const struct sample *subject, const struct sample *issuer,
	       const char *cn)
{
	static const uint8_t serial[SERIAL_LEN] = {0x5a, 1, 2,  3,  4,  5,  6,  7,
						   8,    9, 10, 11, 12, 13, 14, 15};
	const struct profile *p = &profiles[id];
	struct tbs_request rq = {.profile = p, .params = sample_params};

	rq.algo = rq.issuer_algo = algo_get(p->algo);
	if (issuer != NULL) {
		rq.issuer_name = issuer->cert.subject;
		rq.issuer_ski = issuer->cert.ski;
	}
	rq.serial = (struct span){serial, sizeof(serial)};
	rq.not_before = SAMPLE_NOW;
	rq.not_after = SAMPLE_NOW + p->validity - 1;
	rq.point = buf_span(&subject->point);
	rq.o = "V2G Demo";
	rq.cn = cn;
	if ((p->eku & EKU_SERVER_AUTH) != 0) {
		rq.san_dns[0] = "localhost";
		rq.san_dns[1] = "127.0.0.1";
		rq.san_dns[2] = "::1";
	}
	return rq;
}

void
sample_issue(struct sample *s, enum profile_id id, const struct sample *issuer, const char *cn,
	     const struct tbs_request *rq)
{
	struct tbs_request own;
	struct buf tbs = {0}, sig = {0};
	struct err e = {0};
	uint8_t serial[SERIAL_LEN];
	const struct secret *key;

	sample_key(s, algo_get(profiles[id].algo));
	own = sample_request(id, s, issuer, cn);
	assert_int_equal(serial_make(serial, &e), E_OK);
	own.serial = (struct span){serial, sizeof(serial)};
	if (rq == NULL)
		rq = &own;
	key = issuer != NULL ? &issuer->key : &s->key;
	if (tbs_build(rq, &tbs, &e) != E_OK)
		fail_msg("%s", e.text);
	if (lint_tbs(buf_span(&tbs), rq, INT64_MAX, &e) != E_OK)
		fail_msg("%s", e.text);
	assert_int_equal(ec_sign(rq->issuer_algo, key, buf_span(&tbs), &sig, &e), E_OK);
	buf_clear(&s->der);
	assert_int_equal(tbs_finish(buf_span(&tbs), rq->issuer_algo, buf_span(&sig), &s->der, &e),
			 E_OK);
	assert_int_equal(cert_parse(buf_span(&s->der), &s->cert, &e), E_OK);
	s->profile = id;
	buf_free(&sig);
	buf_free(&tbs);
}

void
sample_free(struct sample *s)
{
	secret_free(&s->key);
	buf_free(&s->point);
	buf_free(&s->der);
	*s = (struct sample){0};
}

bool
sample_read(const char *env, const char *name, struct buf *out)
{
	char path[1024];
	const char *folder = getenv(env);
	FILE *f;
	int c;

	if (folder == NULL)
		return false;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return false;
	while ((c = fgetc(f)) != EOF)
		buf_put_u8(out, (uint8_t)c);
	(void)fclose(f);
	return true;
}
