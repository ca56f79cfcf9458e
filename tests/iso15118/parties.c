/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/iso15118/parties.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <string.h>

#include "base/der.h"
#include "base/ec.h"

static const struct iso2_root_id roots[] = {
	{SPAN_INIT("CN=V2G Root,DC=V2G,O=Test,C=DE"), SPAN_INIT("\x7f\x01\x02\x03"), false},
	{SPAN_INIT("CN=Other Root"), SPAN_INIT("\x05"), false},
};

static void
put_certificate(struct buf *b, const struct algo *a, struct span point, size_t size)
{
	size_t cert = der_begin(b, DER_SEQUENCE), tbs = der_begin(b, DER_SEQUENCE), part;
	uint8_t filler[800] = {0};

	part = der_begin(b, DER_CONTEXT_CONS(0));
	der_put_unsigned(b, SPAN_LIT("\x02"));
	der_finish(b, part);
	der_put_unsigned(b, SPAN_LIT("\x01\x02"));
	for (int i = 0; i < 4; i++) { /* algorithm, issuer, validity, subject */
		part = der_begin(b, DER_SEQUENCE);
		if (i == 3 && size > 0)
			der_put(b, DER_UTF8_STRING, (struct span){filler, size});
		der_finish(b, part);
	}
	part = der_begin(b, DER_SEQUENCE);
	buf_put_span(b, a->spki_alg);
	der_put_bits(b, point);
	der_finish(b, part);
	der_finish(b, tbs);
	buf_put_span(b, a->sig_alg);
	der_put_bits(b, SPAN_LIT("signature"));
	der_finish(b, cert);
}

void
party_make(struct party *p, size_t size)
{
	const struct algo *a = algo_get(ALGO_P256);

	*p = (struct party){0};
	assert_int_equal(ec_generate(a, &p->scalar, &p->point, NULL), E_OK);
	put_certificate(&p->certificate, a, buf_span(&p->point), size > 140 ? size - 140 : 0);
	assert_false(p->certificate.failed);
}

void
party_free(struct party *p)
{
	secret_free(&p->scalar);
	buf_free(&p->point);
	buf_free(&p->certificate);
}

struct msg_signer
party_signer(const struct party *p, struct sign_software *key)
{
	*key = (struct sign_software){algo_get(ALGO_P256), &p->scalar};
	return sign_with_scalar(key);
}

void
parties_make(struct parties *p)
{
	party_make(&p->car, 500);
	party_make(&p->contract, 560);
	party_make(&p->cps, 560);
	party_make(&p->sub, 560);
}

void
parties_free(struct parties *p)
{
	party_free(&p->car);
	party_free(&p->contract);
	party_free(&p->cps);
	party_free(&p->sub);
}

void
parties_request(const struct parties *p, struct buf *exi)
{
	const struct install_req rq = {
		.session_id = SPAN_LIT("\x01\x02\x03\x04\x05\x06\x07\x08"),
		.certificate = buf_span(&p->car.certificate),
		.scalar = &p->car.scalar,
		.roots = roots,
		.n_roots = ARRAY_LEN(roots),
	};
	struct err e = {0};

	if (install_req_make(&rq, exi, &e) != E_OK)
		fail_msg("%s", e.text);
}

void
parties_bundle(const struct parties *p, struct buf *exi)
{
	struct span sub = buf_span(&p->sub.certificate);
	struct sign_software key;
	const struct msg_signer signer = party_signer(&p->cps, &key);
	struct keywrap wrap;
	const struct install_res rs = {
		.session_id = SPAN_LIT("\x01\x02\x03\x04\x05\x06\x07\x08"),
		.code = ISO2_OK,
		.cps = {buf_span(&p->cps.certificate), sub, sub},
		.contract = {buf_span(&p->contract.certificate), sub, sub},
		.key = &wrap,
		.emaid = "DEABCC123ABC56",
	};
	struct err e = {0};

	if (keywrap_wrap(buf_span(&p->car.point), &p->contract.scalar, &wrap, &e) != E_OK ||
	    install_res_make(&rs, &signer, exi, &e) != E_OK)
		fail_msg("%s", e.text);
}
