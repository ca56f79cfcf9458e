/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "policy/cert.h"
#include "tools/file.h"

#define CELL_MAX 160 /* bytes of a value in a column or line */
#define CERT_MAX 65536

enum err_code
output_bytes(const struct common *c, struct span s, struct err *e)
{
	if (c->out != NULL && strcmp(c->out, "-") != 0)
		return file_write(c->out, c->private_out ? 0600 : 0644, s, e);
	if (fwrite(s.p, 1, s.n, stdout) != s.n || fflush(stdout) != 0)
		return err_set(e, E_IO, "standard output: %s", strerror(errno));
	return E_OK;
}

static enum err_code
output_buf(const struct common *c, struct buf *b, struct err *e)
{
	enum err_code rc = buf_ok(b, e);

	if (rc == E_OK)
		rc = output_bytes(c, buf_span(b), e);
	buf_free(b);
	return rc;
}

static enum err_code
output_json(const struct common *c, const json_t *answer, struct err *e)
{
	struct buf b = {0};
	enum err_code rc;

	if ((rc = json_dump(answer, &b, e)) != E_OK) {
		buf_free(&b);
		return rc;
	}
	buf_put_u8(&b, '\n');
	return output_buf(c, &b, e);
}

/* A scalar, or an array of them with commas between. Control characters become '?'. */
static void
cell_text(const json_t *v, char out[CELL_MAX])
{
	char part[CELL_MAX];
	const json_t *member;
	size_t i, n;

	out[0] = '\0';
	if (json_is_string(v)) {
		n = json_string_length(v) < CELL_MAX ? json_string_length(v) : CELL_MAX - 1;
		memcpy(out, json_string_value(v), n);
		for (i = 0; i < n; i++)
			if ((unsigned char)out[i] < ' ')
				out[i] = '?';
		out[n] = '\0';
	} else if (json_is_integer(v)) {
		(void)snprintf(out, CELL_MAX, "%lld", (long long)json_integer_value(v)); /* fits */
	} else if (json_is_boolean(v)) {
		(void)snprintf(out, CELL_MAX, "%s", json_is_true(v) ? "yes" : "no"); /* fits */
	} else if (json_is_array(v)) {
		json_array_foreach((json_t *)(uintptr_t)v, i, member)
		{
			cell_text(member, part);
			n = strlen(out);
			(void)snprintf(out + n, CELL_MAX - n, "%s%s", i > 0 ? "," : "",
				       part); /* cut where it is full */
		}
	}
}

enum err_code
output_list(const struct common *c, const json_t *answer, const char *member,
	    const struct column *columns, size_t count, struct err *e)
{
	const json_t *rows = json_object_get(answer, member);
	char cell[CELL_MAX];
	size_t width[16] = {0}, i, k;
	struct buf b = {0};

	if (c->json)
		return output_json(c, answer, e);
	for (k = 0; k < count && k < ARRAY_LEN(width); k++) {
		width[k] = strlen(columns[k].heading);
		for (i = 0; i < json_array_size(rows); i++) {
			cell_text(json_object_get(json_array_get(rows, i), columns[k].member),
				  cell);
			if (strlen(cell) > width[k])
				width[k] = strlen(cell);
		}
	}
	for (k = 0; k < count; k++)
		buf_printf(&b, "%-*s%s", k + 1 < count ? (int)width[k] : 0, columns[k].heading,
			   k + 1 < count ? "  " : "\n");
	for (i = 0; i < json_array_size(rows); i++) {
		for (k = 0; k < count; k++) {
			cell_text(json_object_get(json_array_get(rows, i), columns[k].member),
				  cell);
			buf_printf(&b, "%-*s%s", k + 1 < count ? (int)width[k] : 0, cell,
				   k + 1 < count ? "  " : "\n");
		}
	}
	return output_buf(c, &b, e);
}

static void
put_member(struct buf *b, const char *prefix, const char *name, const json_t *v)
{
	char cell[CELL_MAX], label[96];
	const char *key;
	json_t *inner;
	size_t i;

	(void)snprintf(label, sizeof(label), "%s%s%s", prefix, prefix[0] != '\0' ? "." : "",
		       name); /* cut where it is full */
	if (json_is_object(v)) {
		json_object_foreach((json_t *)(uintptr_t)v, key, inner)
			put_member(b, label, key, inner);
		return;
	}
	if (json_is_array(v) && json_is_object(json_array_get(v, 0))) {
		for (i = 0; i < json_array_size(v); i++)
			put_member(b, prefix, name, json_array_get(v, i));
		return;
	}
	if (json_is_string(v) && json_string_length(v) >= CELL_MAX) {
		buf_printf(b, "%-18s %s\n", label, json_string_value(v));
		return;
	}
	cell_text(v, cell);
	buf_printf(b, "%-18s %s\n", label, cell);
}

enum err_code
output_object(const struct common *c, const json_t *answer, struct err *e)
{
	struct buf b = {0};
	const char *key;
	json_t *v;

	if (c->json)
		return output_json(c, answer, e);
	json_object_foreach((json_t *)(uintptr_t)answer, key, v) put_member(&b, "", key, v);
	return output_buf(c, &b, e);
}

enum err_code
output_pem(const struct common *c, const json_t *answer, const char *member, struct err *e)
{
	struct buf der = {0}, pem = {0};
	enum err_code rc;

	if (c->json)
		return output_json(c, answer, e);
	if ((rc = json_need_base64(answer, member, CERT_MAX, &der, e)) == E_OK) {
		cert_to_pem(buf_span(&der), &pem);
		rc = output_buf(c, &pem, e);
	}
	buf_free(&der);
	return rc;
}
