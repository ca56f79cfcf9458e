/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#10 (RFC 2986): one strict pass over the DER, proof of possession, nothing of the request's
 * extensions ever decides (I-9). Pure. */
#ifndef POLICY_CSR_H
#define POLICY_CSR_H

#include "base/algo.h"
#include "base/buf.h"

struct csr { /* spans point into the DER given */
	struct span der, subject, spki, point;
	const struct algo *algo;
	char cn[65], o[65]; /* "" when absent; taken from the subject, UTF-8 */
};

/* Parses, refuses trailing bytes, non-canonical DER, keys that are not ours (E_CSR_KEY names curve
 * found and expected), critical unknown attributes, and verifies the signature (E_CSR_POP). */
enum err_code csr_parse(struct span der, struct csr *out, struct err *e) MUST_CHECK;

/* The body of an EST request: base64 DER with any line breaks, PEM, or raw DER (RFC 7030 4.2.1,
 * RFC 8951, spec/clients), as DER appended to out. */
enum err_code csr_from_body(struct span body, struct buf *out, struct err *e) MUST_CHECK;

/* A CSR made with a software key, for participants, tools and tests: subject O, CN, DC;
 * NULL leaves one out. */
struct secret;
enum err_code csr_make(const struct algo *a, const struct secret *scalar, const char *o,
		       const char *cn, const char *dc, struct buf *der, struct err *e) MUST_CHECK;

#endif
