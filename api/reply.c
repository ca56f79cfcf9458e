/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http.h"
#include "base/json.h"
#include "base/str.h"

#include <string.h>

#define ERROR_TYPE "application/json"

static const int kind_status[] = {
	[KIND_OK] = 200,
	[KIND_USAGE] = 400,
	[KIND_BAD_REQUEST] = 400,
	[KIND_UNAUTHENTICATED] = 401,
	[KIND_FORBIDDEN] = 403,
	[KIND_NOT_FOUND] = 404,
	[KIND_METHOD] = 405,
	[KIND_REFUSED] = 400, /* the specifications declare no 409 or 422 (spec/protocols 1.3) */
	[KIND_TOO_LARGE] = 413,
	[KIND_MEDIA_TYPE] = 415,
	[KIND_TOO_MANY] = 429,
	[KIND_INTERNAL] = 500,
	[KIND_UPSTREAM] = 502,
	[KIND_UNAVAILABLE] = 503,
};

int
reply_status(enum err_code code)
{
	return kind_status[err_kind(code)];
}

enum err_code
reply_json(struct request *rq, int status, json_t *steals)
{
	enum err_code rc;

	buf_clear(&rq->reply);
	if (steals == NULL)
		return err_set(&rq->err, E_NO_MEMORY, "no memory for the answer");
	rc = json_dump(steals, &rq->reply, &rq->err);
	json_decref(steals);
	rq->status = status;
	rq->reply_type = "application/json";
	return rc;
}

enum err_code
reply_bytes(struct request *rq, int status, const char *type, struct span body)
{
	buf_clear(&rq->reply);
	buf_put_span(&rq->reply, body);
	rq->status = status;
	rq->reply_type = type;
	return buf_ok(&rq->reply, &rq->err);
}

enum err_code
reply_empty(struct request *rq, int status)
{
	buf_clear(&rq->reply);
	rq->status = status;
	rq->reply_type = NULL;
	return E_OK;
}

void
reply_header(struct request *rq, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < sizeof(rq->headers) / sizeof(rq->headers[0]); i++)
		if (rq->headers[i][0][0] == '\0') {
			if (!str_copy(rq->headers[i][0], sizeof(rq->headers[i][0]), name) ||
			    !str_copy(rq->headers[i][1], sizeof(rq->headers[i][1]), value))
				rq->headers[i][0][0] = '\0';
			return;
		}
}

/* What the caller may read: the text of what is wrong with his request, never why we fail. */
static const char *
public_text(const struct err *e)
{
	if (e->code == E_OVERLOAD || e->code == E_STOPPING)
		return e->text;
	switch (err_kind(e->code)) {
	case KIND_INTERNAL: return "internal error; the operator finds it by the traceId";
	case KIND_UPSTREAM: return "another service that this answer needs failed";
	case KIND_UNAVAILABLE: return "not available right now; try again later";
	case KIND_OK:
	case KIND_USAGE:
	case KIND_BAD_REQUEST:
	case KIND_UNAUTHENTICATED:
	case KIND_FORBIDDEN:
	case KIND_NOT_FOUND:
	case KIND_METHOD:
	case KIND_REFUSED:
	case KIND_TOO_LARGE:
	case KIND_MEDIA_TYPE:
	case KIND_TOO_MANY: break;
	}
	return e->text[0] != '\0' ? e->text : err_name(e->code);
}

/* Texts may quote what the caller sent: octets that are not UTF-8 become '?'. */
static json_t *
text_value(const char *text)
{
	char plain[ERR_TEXT_MAX];
	json_t *v = json_string(text);
	char *c;

	if (v != NULL || !str_copy(plain, sizeof(plain), text))
		return v;
	for (c = plain; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = '?';
	return json_string(plain);
}

bool
request_is_est(const struct request *rq)
{
	return rq->route != NULL && rq->route->who == WHO_CALLER &&
	       rq->route->call >= CALL_EST_CACERTS && rq->route->call <= CALL_EST_VEH;
}

/* RFC 9110: 401 names the schemes, 405 the methods, 429 and 503 when to come back. */
static void
error_headers(struct request *rq)
{
	switch (rq->status) {
	case 401:
		reply_header(rq, "WWW-Authenticate", "Bearer realm=\"v2gpki\"");
		if (request_is_est(rq)) /* libest looks for Basic after its first request */
			reply_header(rq, "WWW-Authenticate", "Basic realm=\"v2gpki\"");
		break;
	case 405: reply_header(rq, "Allow", rq->http->allowed); break;
	case 429: reply_header(rq, "Retry-After", "1"); break;
	case 503: reply_header(rq, "Retry-After", "5"); break;
	default: break;
	}
}

void
reply_error(struct request *rq)
{
	static const char last_resort[] = "{\"errorMessages\":[\"internal error\"]}";
	json_t *body;

	memset(rq->headers, 0, sizeof(rq->headers));
	rq->status = reply_status(rq->err.code);
	body = json_pack("{s:[o], s:s, s:s}", "errorMessages", text_value(public_text(&rq->err)),
			 "traceId", rq->id, "code", err_name(rq->err.code));
	if (body == NULL || reply_json(rq, rq->status, body) != E_OK) {
		buf_clear(&rq->reply);
		buf_put_str(&rq->reply, last_resort);
	}
	rq->reply_type = ERROR_TYPE;
	error_headers(rq);
}
