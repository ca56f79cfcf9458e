/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#7 certs-only (RFC 2315, RFC 5652 5, RFC 7030 4.1.3): a degenerate SignedData that keeps the
 * order given, which clients rely on: Sub 2, Sub 1, root. */
#ifndef POLICY_PKCS7_H
#define POLICY_PKCS7_H

#include "base/buf.h"

enum err_code pkcs7_certs_only(const struct span *certs, size_t count, struct buf *out,
			       struct err *e) MUST_CHECK;

/* The certificates of such a message, in its order, as spans into der; at most cap. */
enum err_code pkcs7_read_certs(struct span der, struct span *certs, size_t cap, size_t *count,
			       struct err *e) MUST_CHECK;

#endif
