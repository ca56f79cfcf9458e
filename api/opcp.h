/* SPDX-License-Identifier: Apache-2.0 */
/* What the OPCP 1.0.0 handlers share: reading bodies and headers, writing the members that several
 * answers have. Every function that adds a member does nothing on a NULL object, so that one check
 * at the end is enough. */
#ifndef API_OPCP_H
#define API_OPCP_H

#include "api/route.h"

#define OPCP_BODY_MAX      65536 /* bytes (spec/protocols 9) */
#define OPCP_METADATA_MAX  2048  /* characters (spec/differences 3) */
#define OPCP_LEAF_CERT_MAX 1600  /* bytes DER before the edition is known (D11) */
#define OPCP_ROOT_CERT_MAX 4096  /* bytes DER */

/* The body as JSON, owned by the caller; E_MEDIA_TYPE unless the Content-Type says JSON or nothing.
 */
enum err_code opcp_body(struct request *rq, json_t **out) MUST_CHECK;

/* A header that is "true" or "false" in any case; absent: def. */
enum err_code opcp_flag(struct request *rq, const char *header, bool def, bool *out) MUST_CHECK;

/* Free text that is stored verbatim, at most OPCP_METADATA_MAX characters. */
enum err_code
opcp_text(struct request *rq, const json_t *body, const char *member, const char **out) MUST_CHECK;

/* A time as RFC 3339, in seconds since 1970. */
enum err_code
opcp_time(struct request *rq, const json_t *body, const char *member, int64_t *out) MUST_CHECK;

void opcp_put_bytes(json_t *o, const char *name, struct span s); /* base64; nothing when empty */
void opcp_put_text(json_t *o, const char *name, const char *s);  /* nothing when NULL or "" */
void opcp_put_buf(json_t *o, const char *name, const struct buf *b); /* stored text */
void opcp_put_time(json_t *o, const char *name, int64_t t);

#endif
