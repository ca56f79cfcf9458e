/* SPDX-License-Identifier: Apache-2.0 */
#include "api/token.h"

#include "api/auth.h"
#include "api/http.h"
#include "api/jwt.h"
#include "base/json.h"
#include "base/str.h"

#include <openssl/crypto.h>

#include <string.h>
#include <strings.h>

#define TOKEN_BODY_MAX 8192 /* bytes */
#define FORM_MAX       12   /* parameters; more are refused */

/* One token request; strings are lent by json, form or basic. */
struct token_request {
	const char *grant, *id, *secret, *audience;
	bool by_basic;
	json_t *json;
	struct buf form, basic;
};

static void
token_request_free(struct token_request *t)
{
	json_decref(t->json);
	if (t->form.p != NULL)
		OPENSSL_cleanse(t->form.p, t->form.cap);
	if (t->basic.p != NULL)
		OPENSSL_cleanse(t->basic.p, t->basic.cap);
	buf_free(&t->form);
	buf_free(&t->basic);
}

/* RFC 6749 5.2: the error body of this call is not the one of the others. */
static enum err_code
oauth_error(struct request *rq, int status, const char *error, const char *description)
{
	reply_header(rq, "Cache-Control", "no-store");
	if (status == 401)
		reply_header(rq, "WWW-Authenticate", "Basic realm=\"v2gpki\"");
	return reply_json(
		rq, status,
		json_pack("{s:s, s:s}", "error", error, "error_description", description));
}

static bool
media_is(const char *type, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(type, name, n) == 0 &&
	       (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

static enum err_code
read_json(struct request *rq, struct token_request *t)
{
	struct err *e = &rq->err;
	enum err_code rc;

	if ((rc = json_parse(rq->body, &t->json, e)) != E_OK ||
	    (rc = json_opt_string(t->json, "grant_type", &t->grant, e)) != E_OK ||
	    (rc = json_opt_string(t->json, "client_id", &t->id, e)) != E_OK ||
	    (rc = json_opt_string(t->json, "client_secret", &t->secret, e)) != E_OK)
		return rc;
	return json_opt_string(t->json, "audience", &t->audience, e);
}

static enum err_code
read_form(struct request *rq, struct token_request *t)
{
	struct http_param params[FORM_MAX];
	size_t n = 0, i;
	enum err_code rc;

	buf_put_span(&t->form, rq->body);
	if (buf_cstr(&t->form) == NULL || strlen((const char *)t->form.p) != t->form.n)
		return err_set(&rq->err, E_BAD_VALUE, "body: expected form parameters");
	rc = http_split_form((char *)t->form.p, params, FORM_MAX, &n, &rq->err);
	for (i = 0; i < n; i++) {
		if (strcmp(params[i].name, "grant_type") == 0)
			t->grant = params[i].value;
		else if (strcmp(params[i].name, "client_id") == 0)
			t->id = params[i].value;
		else if (strcmp(params[i].name, "client_secret") == 0)
			t->secret = params[i].value;
		else if (strcmp(params[i].name, "audience") == 0)
			t->audience = params[i].value;
	}
	return rc;
}

/* RFC 6749 2.3.1: client id and secret in the Authorization header, not in the body as well. */
static enum err_code
read_basic(struct request *rq, struct token_request *t)
{
	const char *h = request_header(rq, "Authorization");
	const char *id = t->id;
	char *colon;

	if (h == NULL || strncasecmp(h, "Basic ", 6) != 0)
		return E_OK;
	if (base64_decode(span_str(h + 6), &t->basic, NULL) != E_OK ||
	    buf_cstr(&t->basic) == NULL || strlen((const char *)t->basic.p) != t->basic.n ||
	    (colon = strchr((char *)t->basic.p, ':')) == NULL)
		return err_set(&rq->err, E_BAD_VALUE,
			       "Authorization: expected base64 of id:secret");
	*colon = '\0';
	t->id = (const char *)t->basic.p;
	if (t->secret != NULL || (id != NULL && strcmp(id, t->id) != 0))
		return err_set(&rq->err, E_BAD_VALUE, "two different client authentications");
	t->secret = colon + 1;
	t->by_basic = true;
	return E_OK;
}

static enum err_code
read_request(struct request *rq, struct token_request *t)
{
	const char *type = request_header(rq, "Content-Type");
	enum err_code rc;

	if (type != NULL && media_is(type, "application/json"))
		rc = read_json(rq, t);
	else if (type == NULL || media_is(type, "application/x-www-form-urlencoded"))
		rc = read_form(rq, t);
	else
		return err_set(&rq->err, E_MEDIA_TYPE,
			       "Content-Type: expected application/json or "
			       "application/x-www-form-urlencoded");
	return rc == E_OK ? read_basic(rq, t) : rc;
}

static enum err_code
grant(struct request *rq, const struct principal *who)
{
	struct buf jwt = {0};
	int64_t expires = 0;
	enum err_code rc = auth_issue_token(rq->app->auth, who->id, &jwt, &expires, &rq->err);

	if (rc == E_OK) {
		reply_header(rq, "Cache-Control", "no-store");
		rc = reply_json(rq, 200,
				json_pack("{s:s%, s:s, s:I, s:s}", "access_token",
					  (const char *)jwt.p, jwt.n, "scope", JWT_SCOPE,
					  "expires_in", (json_int_t)expires, "token_type",
					  "Bearer"));
	}
	buf_free(&jwt);
	return rc;
}

/* Whoever checks the secret: a refusal becomes OAuth's, overload keeps its own status. */
static enum err_code
check_client(struct request *rq, const struct token_request *t, struct principal *who)
{
	enum err_code rc = auth_check_secret(rq->app->auth, false, t->id, t->secret, who, &rq->err);

	if (rc == E_OK)
		rq->who = *who;
	return rc;
}

static enum err_code
answer(struct request *rq, const struct token_request *t)
{
	struct principal who;
	enum err_code rc;

	if (t->grant == NULL || t->id == NULL || t->secret == NULL)
		return oauth_error(rq, 400, "invalid_request",
				   "expected grant_type, client_id and client_secret");
	if (strcmp(t->grant, "client_credentials") != 0)
		return oauth_error(rq, 400, "unsupported_grant_type",
				   "expected grant_type client_credentials");
	if (t->audience != NULL && !jwt_same_url(t->audience, rq->app->public_url))
		return oauth_error(rq, 400, "invalid_target",
				   "audience: expected the URL of this service, or none");
	rc = check_client(rq, t, &who);
	if (rc != E_OK && err_kind(rc) == KIND_UNAUTHENTICATED)
		return oauth_error(rq, 401, "invalid_client", rq->err.text);
	return rc == E_OK ? grant(rq, &who) : rc;
}

static enum err_code
post_token(struct request *rq)
{
	struct token_request t = {0};
	enum err_code rc = read_request(rq, &t);

	if (rc == E_OK)
		rc = answer(rq, &t);
	else if (err_kind(rc) == KIND_BAD_REQUEST)
		rc = oauth_error(rq, 400, "invalid_request", rq->err.text);
	token_request_free(&t);
	return rc;
}

const struct route routes_token[] = {
	{LISTEN_PARTICIPANT | LISTEN_ADMIN, "POST", "/oauth/token", post_token, WHO_ANYONE,
	 CALL_COUNT, SUBJECT_NONE, SLOW, false, TOKEN_BODY_MAX},
	{0},
};
