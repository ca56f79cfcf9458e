/* SPDX-License-Identifier: Apache-2.0 */
#include "api/admin_json.h"

#include "base/clock.h"
#include "base/str.h"

enum err_code
admin_page(const struct request *rq, bool number, struct admin_page *out, struct err *e)
{
	const char *limit = request_query(rq, "limit"), *after = request_query(rq, "after");
	uint64_t v = ADMIN_PAGE;
	enum err_code rc;

	*out = (struct admin_page){.after = after == NULL ? "" : after};
	if (limit != NULL && (rc = str_to_u64(limit, 1, ADMIN_PAGE_MAX, &v, e)) != E_OK) {
		err_context(e, "limit");
		return rc;
	}
	out->limit = (size_t)v;
	v = 0;
	if (number && after != NULL && (rc = str_to_u64(after, 0, INT64_MAX, &v, e)) != E_OK) {
		err_context(e, "after");
		return rc;
	}
	out->after_number = (int64_t)v;
	return E_OK;
}

enum err_code
admin_reply_list(struct request *rq, const char *member, json_t *rows, json_t *next)
{
	json_t *o = json_pack("{s:o}", member, rows);

	if (next != NULL && json_object_set_new(o, "next", next) != 0) {
		json_decref(o);
		o = NULL;
	}
	return reply_json(rq, 200, o);
}

json_t *
admin_time(int64_t t)
{
	char text[RFC3339_LEN];

	if (t == 0)
		return json_null();
	clock_format(t, text);
	return json_string(text);
}

json_t *
admin_hex(struct span s)
{
	struct buf b = {0};
	json_t *v;

	buf_put_hex(&b, s);
	v = b.failed || b.n == 0 ? json_null() : json_stringn((const char *)b.p, b.n);
	buf_free(&b);
	return v;
}

json_t *
admin_text(struct span s)
{
	json_t *v = s.n == 0 ? NULL : json_stringn((const char *)s.p, s.n);

	return v == NULL ? json_null() : v;
}

json_t *
admin_edition(int edition)
{
	return json_string(edition == EDITION_20 ? "ISO15118-20" : "ISO15118-2");
}

enum err_code
admin_body(struct request *rq, json_t **out)
{
	if (rq->body.n > 0)
		return json_parse(rq->body, out, &rq->err);
	*out = json_object();
	return *out != NULL ? E_OK : err_set(&rq->err, E_NO_MEMORY, "no memory for the request");
}

struct audit_record
admin_audit(const struct request *rq, const char *action, const char *object)
{
	return (struct audit_record){
		.actor = rq->who.id, .action = action, .object = object, .request_id = rq->id};
}
