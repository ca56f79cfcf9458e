/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/remote.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "policy/cert.h"
#include "tools/commands.h"
#include "tools/file.h"

#define CERT_FILE_MAX 65536 /* bytes */

enum err_code
remote_call(const struct common *c, const char *method, const char *path, const json_t *body,
	    json_t **answer, struct err *e)
{
	struct admin_client *client = NULL;
	enum err_code rc;

	*answer = NULL;
	if (c->dry_run && strcmp(method, "GET") != 0) {
		fprintf(stderr, "v2gpki: would %s %s\n", method, path);
		return E_OK;
	}
	if ((rc = admin_open(c, &client, e)) == E_OK)
		rc = admin_call(client, method, path, body, answer, e);
	admin_close(client);
	return rc;
}

enum err_code
remote_path(struct buf *out, const char *area, const char *word, const char *tail, struct err *e)
{
	buf_printf(out, "/admin/v1/%s", area);
	if (word != NULL) {
		buf_put_u8(out, '/');
		admin_put_segment(out, word);
	}
	if (tail != NULL)
		buf_printf(out, "/%s", tail);
	return buf_cstr(out) != NULL ? E_OK : buf_ok(out, e);
}

static void
put_query(struct buf *path, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(path, "%c%s=", memchr(path->p, '?', path->n) == NULL ? '?' : '&', name);
	admin_put_segment(path, value);
}

static enum err_code
fetch_list(const struct common *c, const struct remote_list *l, struct buf *path, struct err *e)
{
	json_t *answer = NULL;
	char *next = NULL;
	enum err_code rc;

	if (buf_cstr(path) == NULL)
		return buf_ok(path, e);
	if ((rc = remote_call(c, "GET", (const char *)path->p, NULL, &answer, e)) == E_OK)
		rc = output_list(c, answer, l->area, l->columns, l->column_count, e);
	if (rc == E_OK && !c->json && json_object_get(answer, "next") != NULL) {
		next = json_dumps(json_object_get(answer, "next"), JSON_ENCODE_ANY);
		fprintf(stderr, "there may be more: --after %s\n", next != NULL ? next : "?");
		free(next);
	}
	json_decref(answer);
	return rc;
}

int
remote_list(const struct usage *u, const struct remote_list *l, int argc, char **argv)
{
	const char *after = NULL, *limit = NULL, *filter[2] = {NULL, NULL};
	struct opt own[4] = {
		{"after", "ID", &after, NULL, "go on behind this row"},
		{"limit", "N", &limit, NULL, "rows at most (100)"},
	};
	struct common common = {0};
	struct arguments args = {argv, argc};
	struct buf path = {0};
	struct err e = {0};
	size_t n = 2, i;
	int status;

	for (i = 0; i < ARRAY_LEN(l->filters) && l->filters[i].name != NULL; i++)
		own[n++] = (struct opt){l->filters[i].name, l->filters[i].arg, &filter[i], NULL,
					l->filters[i].help};
	if (!options_parse(u, own, n, &common, &args, &status))
		return status;
	buf_printf(&path, "/admin/v1/%s", l->area);
	put_query(&path, "after", after);
	put_query(&path, "limit", limit);
	for (i = 0; i < ARRAY_LEN(l->filters); i++)
		put_query(&path, l->filters[i].name, filter[i]);
	status = report(fetch_list(&common, l, &path, &e), &e);
	buf_free(&path);
	return status;
}

int
remote_act(const struct usage *u, const char *method, const char *area, const char *tail, int argc,
	   char **argv)
{
	struct common common = {0};
	struct arguments args = {argv, argc};
	struct buf path = {0};
	json_t *answer = NULL;
	struct err e = {0};
	enum err_code rc;
	int status;

	if (!options_parse(u, NULL, 0, &common, &args, &status))
		return status;
	if ((rc = remote_path(&path, area, args.n > 0 ? args.v[0] : NULL, tail, &e)) == E_OK &&
	    (rc = remote_call(&common, method, (const char *)path.p, NULL, &answer, &e)) == E_OK &&
	    answer != NULL)
		rc = output_object(&common, answer, &e);
	json_decref(answer);
	buf_free(&path);
	return report(rc, &e);
}

json_t *
remote_words(const char *text)
{
	json_t *list = json_array();
	size_t n;

	while (text != NULL && *text != '\0') {
		n = strcspn(text, ",");
		json_array_append_new(list, json_stringn(text, n));
		text += n;
		if (*text == ',')
			text++;
	}
	return list;
}

enum err_code
remote_cert(const char *path, struct buf *der, struct err *e)
{
	struct buf text = {0};
	struct span rest;
	enum err_code rc;

	if ((rc = file_read(path, CERT_FILE_MAX, &text, e)) == E_OK) {
		rest = buf_span(&text);
		if (memmem(text.p, text.n, "-----BEGIN", 10) != NULL)
			rc = cert_from_pem(&rest, der, e);
		else
			buf_put_span(der, rest);
	}
	buf_free(&text);
	return rc != E_OK ? rc : buf_ok(der, e);
}
