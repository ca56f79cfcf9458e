/* SPDX-License-Identifier: Apache-2.0 */
/* What most commands are: one admin route asked, its answer printed. */
#ifndef TOOLS_REMOTE_H
#define TOOLS_REMOTE_H

#include "tools/admin_client.h"
#include "tools/output.h"

/* Opens the client, asks, closes. With --dry-run a call other than GET is told to stderr and not
 * made: *answer stays NULL. */
enum err_code remote_call(const struct common *c, const char *method, const char *path,
			  const json_t *body, json_t **answer, struct err *e) MUST_CHECK;

/* "/admin/v1/AREA/WORD" and, when tail is not NULL, "/TAIL"; owned by the caller. */
enum err_code remote_path(struct buf *out, const char *area, const char *word, const char *tail,
			  struct err *e) MUST_CHECK;

/* A list with --after, --limit and at most two filters (query parameters of that name). */
struct remote_filter {
	const char *name, *arg, *help;
};
struct remote_list {
	const char *area; /* "certs": path and member */
	const struct column *columns;
	size_t column_count;
	struct remote_filter filters[2];
};
int remote_list(const struct usage *u, const struct remote_list *l, int argc, char **argv);

/* METHOD on AREA/ARG[/TAIL] for the one argument; prints the answer as an object. */
int remote_act(const struct usage *u, const char *method, const char *area, const char *tail,
	       int argc, char **argv);

/* "A,B" as an array of strings; NULL gives an empty one. */
json_t *remote_words(const char *text);

/* A certificate from a file, PEM or DER, as DER appended; - is standard input. */
enum err_code remote_cert(const char *path, struct buf *der, struct err *e) MUST_CHECK;

#endif
