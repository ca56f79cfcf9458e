/* SPDX-License-Identifier: Apache-2.0 */
#include "api/opcp.h"

#include "base/clock.h"
#include "base/json.h"

#include <string.h>
#include <strings.h>

enum err_code
opcp_body(struct request *rq, json_t **out)
{
	static const char json[] = "application/json";
	const char *type = request_header(rq, "Content-Type");
	size_t n = sizeof(json) - 1;

	if (type != NULL && (strncasecmp(type, json, n) != 0 ||
			     (type[n] != '\0' && type[n] != ';' && type[n] != ' ')))
		return err_set(&rq->err, E_MEDIA_TYPE, "Content-Type: expected %s", json);
	return json_parse(rq->body, out, &rq->err);
}

enum err_code
opcp_flag(struct request *rq, const char *header, bool def, bool *out)
{
	const char *value = request_header(rq, header);

	*out = def;
	if (value == NULL || *value == '\0')
		return E_OK;
	*out = strcasecmp(value, "true") == 0;
	if (!*out && strcasecmp(value, "false") != 0)
		return err_set(&rq->err, E_BAD_VALUE, "header %s: expected true or false", header);
	return E_OK;
}

enum err_code
opcp_text(struct request *rq, const json_t *body, const char *member, const char **out)
{
	enum err_code rc = json_opt_string(body, member, out, &rq->err);

	if (rc == E_OK && *out != NULL && strlen(*out) > OPCP_METADATA_MAX)
		return err_set(&rq->err, E_BAD_VALUE, "%s: expected at most %d characters", member,
			       OPCP_METADATA_MAX);
	return rc;
}

enum err_code
opcp_time(struct request *rq, const json_t *body, const char *member, int64_t *out)
{
	const char *text = NULL;
	enum err_code rc;

	if ((rc = json_need_string(body, member, &text, &rq->err)) != E_OK)
		return rc;
	if ((rc = clock_parse(text, out, &rq->err)) != E_OK)
		err_context(&rq->err, "%s", member);
	return rc;
}

/* A member that cannot be made leaves the object without it; for lack of memory only, which the
 * writing of the answer then meets too. */
static void
put(json_t *o, const char *name, json_t *steals)
{
	if (o == NULL)
		json_decref(steals);
	else if (json_object_set_new(o, name, steals) != 0)
		return;
}

void
opcp_put_bytes(json_t *o, const char *name, struct span s)
{
	if (s.n > 0)
		put(o, name, json_base64(s));
}

void
opcp_put_text(json_t *o, const char *name, const char *s)
{
	if (s != NULL && *s != '\0')
		put(o, name, json_string(s));
}

void
opcp_put_buf(json_t *o, const char *name, const struct buf *b)
{
	if (b->n > 0)
		put(o, name, json_stringn((const char *)b->p, b->n));
}

void
opcp_put_time(json_t *o, const char *name, int64_t t)
{
	char text[RFC3339_LEN];

	clock_format(t, text);
	put(o, name, json_string(text));
}
