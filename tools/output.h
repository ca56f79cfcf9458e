/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the daemon for people: lists as columns, objects as "member: value" lines; with --json
 * the daemon's own JSON. Data goes to standard output, or to the file of -o. */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <jansson.h>

#include "base/buf.h"
#include "tools/options.h"

struct column {
	const char *member; /* of each row */
	const char *heading;
};

enum err_code output_list(const struct common *c, const json_t *answer, const char *member,
			  const struct column *columns, size_t count, struct err *e) MUST_CHECK;
enum err_code output_object(const struct common *c, const json_t *answer, struct err *e) MUST_CHECK;

/* A base64 member of the answer as PEM (CERTIFICATE). */
enum err_code output_pem(const struct common *c, const json_t *answer, const char *member,
			 struct err *e) MUST_CHECK;
enum err_code output_bytes(const struct common *c, struct span s, struct err *e) MUST_CHECK;

#endif
