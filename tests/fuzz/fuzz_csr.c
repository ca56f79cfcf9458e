/* SPDX-License-Identifier: Apache-2.0 */
/* What an EST client may send: the body, the request in it; and the bytes as a certificate, a
 * PKCS#7 message and PEM, for what participants upload. */
#include "fuzz.h"

#include <stdlib.h>

#include "policy/cert.h"
#include "policy/csr.h"
#include "policy/pkcs7.h"

static void
as_request(struct span in)
{
	struct buf der = {0};
	struct csr csr;

	if (csr_from_body(in, &der, NULL) == E_OK &&
	    csr_parse(buf_span(&der), &csr, NULL) == E_OK && csr.point.n != csr.algo->point_len)
		abort();
	buf_free(&der);
}

static void
as_certificate(struct span in)
{
	struct buf text = {0};
	struct cert c;

	if (cert_parse(in, &c, NULL) != E_OK)
		return;
	if (c.der.n != in.n)
		abort();
	/* the text of a Name matches the Name, where its values are not too long for that */
	if (name_to_text(c.subject, true, &text, NULL) == E_OK && buf_cstr(&text) != NULL)
		(void)name_matches_text(c.subject, (const char *)text.p);
	(void)name_attr(c.subject, OID_CN);
	if (cert_verify_link(&c, &c, NULL) == E_OK && !span_equal(c.issuer, c.subject))
		abort();
	buf_free(&text);
}

static void
as_containers(struct span in)
{
	struct span certs[4], rest = in;
	size_t count = 0, i;
	struct buf der = {0};

	if (pkcs7_read_certs(in, certs, 4, &count, NULL) == E_OK)
		for (i = 0; i < count; i++)
			as_certificate(certs[i]);
	while (cert_from_pem(&rest, &der, NULL) == E_OK) {
		as_certificate(buf_span(&der));
		buf_clear(&der);
	}
	buf_free(&der);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span in = {data, size};

	as_request(in);
	as_certificate(in);
	as_containers(in);
	return 0;
}
