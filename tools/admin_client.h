/* SPDX-License-Identifier: Apache-2.0 */
/* The commands' way to the daemon: HTTPS to the admin listener with a TLS client certificate, or
 * with client id and secret, which buy an access token first. Secrets come from the environment,
 * never from argv. */
#ifndef TOOLS_ADMIN_CLIENT_H
#define TOOLS_ADMIN_CLIENT_H

#include <jansson.h>

#include "base/buf.h"
#include "tools/options.h"

struct admin_client;

/* Options win over V2GPKI_ADMIN_URL, V2GPKI_CA, V2GPKI_CERT, V2GPKI_KEY. E_USAGE when neither says
 * where and as whom. */
enum err_code
admin_open(const struct common *options, struct admin_client **out, struct err *e) MUST_CHECK;
void admin_close(struct admin_client *c); /* accepts NULL */

/* method on path ("/admin/v1/cas"), body may be NULL (lent). *answer (may be NULL) is owned by the
 * caller (json_decref). The daemon's refusals come back with its texts; E_BUSY when it does not
 * answer. */
enum err_code admin_call(struct admin_client *c, const char *method, const char *path,
			 const json_t *body, json_t **answer, struct err *e) MUST_CHECK;

/* word percent-encoded as one path segment, appended. */
void admin_put_segment(struct buf *path, const char *word);

#endif
