/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/admin_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/json.h"

#define ANSWER_MAX      16777216 /* bytes */
#define CONNECT_SECONDS 10L
#define ANSWER_SECONDS  120L

struct admin_client {
	CURL *curl;
	struct curl_slist *headers;
	char url[1024]; /* of the admin listener, without a slash at the end */
};

static const char *
option_or_env(const char *option, const char *variable)
{
	const char *value = option != NULL ? option : getenv(variable);

	return value == NULL || value[0] == '\0' ? NULL : value;
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct buf *b = arg;

	buf_put(b, p, size * n);
	return b->failed ? 0 : size * n;
}

/* --- one exchange --- */

static enum err_code
code_of_status(long status)
{
	switch (status) {
	case 400: return E_BAD_VALUE;
	case 401: return E_AUTH_CREDENTIAL;
	case 403: return E_ROLE;
	case 404: return E_NOT_FOUND;
	case 405: return E_METHOD;
	case 413: return E_BODY_TOO_LARGE;
	case 415: return E_MEDIA_TYPE;
	case 429: return E_RATE;
	case 502:
	case 503: return E_BUSY;
	default: return E_INTERNAL;
	}
}

/* The daemon's code as ours where both know it, so that the exit status is that of its kind. */
static enum err_code
code_of_name(const char *name, long status)
{
	int code;

	for (code = 1; name != NULL && code < ERR_CODE_COUNT; code++)
		if (strcmp(err_name((enum err_code)code), name) == 0)
			return (enum err_code)code;
	return code_of_status(status);
}

static enum err_code
refusal(long status, struct span body, struct err *e)
{
	const char *name = NULL, *trace = NULL, *text = NULL;
	json_t *o = NULL;
	enum err_code rc;

	if (json_parse(body, &o, NULL) == E_OK) {
		name = json_string_value(json_object_get(o, "code"));
		trace = json_string_value(json_object_get(o, "traceId"));
		text = json_string_value(json_array_get(json_object_get(o, "errorMessages"), 0));
		if (text == NULL)
			text = json_string_value(json_object_get(o, "error_description"));
	}
	rc = err_set(e, code_of_name(name, status), "%s [HTTP %ld%s%s]",
		     text != NULL ? text : "the daemon refuses", status,
		     trace != NULL ? ", trace " : "", trace != NULL ? trace : "");
	json_decref(o);
	return rc;
}

static enum err_code
transport_fault(struct admin_client *c, CURLcode cc, struct err *e)
{
	enum err_code code = E_IO;

	if (cc == CURLE_COULDNT_CONNECT || cc == CURLE_OPERATION_TIMEDOUT ||
	    cc == CURLE_GOT_NOTHING || cc == CURLE_RECV_ERROR || cc == CURLE_SEND_ERROR)
		code = E_BUSY;
	return err_set(e, code, "%s: %s", c->url, curl_easy_strerror(cc));
}

static enum err_code
exchange(struct admin_client *c, const char *method, const char *url, const struct buf *body,
	 struct buf *answer, struct err *e)
{
	long status = 0;
	CURLcode cc;

	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, answer);
	if (body != NULL) {
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)body->n);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, (const char *)body->p);
	} else {
		curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
	}
	cc = curl_easy_perform(c->curl);
	if (cc != CURLE_OK)
		return transport_fault(c, cc, e);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		return refusal(status, buf_span(answer), e);
	return E_OK;
}

enum err_code
admin_call(struct admin_client *c, const char *method, const char *path, const json_t *body,
	   json_t **answer, struct err *e)
{
	struct buf url = {0}, text = {0}, reply = {.limit = ANSWER_MAX};
	const char *full;
	enum err_code rc = E_OK;

	buf_printf(&url, "%s%s", c->url, path);
	full = buf_cstr(&url);
	if (body != NULL)
		rc = json_dump(body, &text, e);
	if (rc == E_OK && full == NULL)
		rc = err_set(e, E_NO_MEMORY, "no memory for a URL");
	if (rc == E_OK)
		rc = exchange(c, method, full, body != NULL ? &text : NULL, &reply, e);
	if (rc == E_OK && answer != NULL)
		rc = json_parse(buf_span(&reply), answer, e);
	buf_free(&url);
	buf_free(&text);
	buf_free(&reply);
	return rc;
}

/* --- opening --- */

static enum err_code
add_header(struct admin_client *c, const char *line, struct err *e)
{
	struct curl_slist *grown = curl_slist_append(c->headers, line);

	if (grown == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for a header");
	c->headers = grown;
	return E_OK;
}

/* RFC 6749 4.4 with client credentials, at V2GPKI_TOKEN_URL or beside the admin routes. */
static enum err_code
ask_token(struct admin_client *c, const json_t *request, json_t **answer, struct err *e)
{
	const char *token_url = option_or_env(NULL, "V2GPKI_TOKEN_URL");
	struct buf text = {0}, reply = {.limit = ANSWER_MAX};
	enum err_code rc;

	if (token_url == NULL)
		return admin_call(c, "POST", "/oauth/token", request, answer, e);
	if ((rc = json_dump(request, &text, e)) == E_OK &&
	    (rc = exchange(c, "POST", token_url, &text, &reply, e)) == E_OK)
		rc = json_parse(buf_span(&reply), answer, e);
	if (text.p != NULL)
		explicit_bzero(text.p, text.cap);
	buf_free(&text);
	buf_free(&reply);
	return rc;
}

static enum err_code
use_secret(struct admin_client *c, const char *id, const char *secret, struct err *e)
{
	json_t *request = json_pack("{s:s, s:s, s:s}", "grant_type", "client_credentials",
				    "client_id", id, "client_secret", secret);
	json_t *answer = NULL;
	struct buf line = {0};
	const char *token = NULL;
	enum err_code rc;

	if (request == NULL)
		return err_set(e, E_USAGE, "V2GPKI_ID and V2GPKI_SECRET: expected UTF-8");
	if ((rc = ask_token(c, request, &answer, e)) == E_OK &&
	    (rc = json_need_string(answer, "access_token", &token, e)) == E_OK) {
		buf_printf(&line, "Authorization: Bearer %s", token);
		rc = buf_cstr(&line) != NULL ? add_header(c, (const char *)line.p, e)
					     : buf_ok(&line, e);
	}
	if (line.p != NULL)
		explicit_bzero(line.p, line.cap);
	buf_free(&line);
	json_decref(request);
	json_decref(answer);
	return rc;
}

static enum err_code
identify(struct admin_client *c, const struct common *o, struct err *e)
{
	const char *cert = option_or_env(o->cert, "V2GPKI_CERT");
	const char *key = option_or_env(o->key, "V2GPKI_KEY");
	const char *id = option_or_env(NULL, "V2GPKI_ID");
	const char *secret = option_or_env(NULL, "V2GPKI_SECRET");

	if (cert != NULL && key != NULL) {
		curl_easy_setopt(c->curl, CURLOPT_SSLCERT, cert);
		curl_easy_setopt(c->curl, CURLOPT_SSLKEY, key);
		return E_OK;
	}
	if (id == NULL || secret == NULL)
		return err_set(e, E_USAGE,
			       "who is calling? set V2GPKI_CERT and V2GPKI_KEY (--cert, --key), or "
			       "V2GPKI_ID and V2GPKI_SECRET");
	return use_secret(c, id, secret, e);
}

static enum err_code
configure(struct admin_client *c, const struct common *o, struct err *e)
{
	const char *url = option_or_env(o->url, "V2GPKI_ADMIN_URL");
	const char *ca = option_or_env(o->cacert, "V2GPKI_CA");
	enum err_code rc;
	size_t n;

	if (url == NULL)
		return err_set(e, E_USAGE, "where is the daemon? set V2GPKI_ADMIN_URL (--url)");
	n = strlen(url);
	while (n > 0 && url[n - 1] == '/')
		n--;
	if (n >= sizeof(c->url) || strncmp(url, "https://", 8) != 0)
		return err_set(e, E_USAGE, "%s: expected an https:// URL", url);
	memcpy(c->url, url, n);
	c->curl = curl_easy_init();
	if (c->curl == NULL)
		return err_set(e, E_NO_MEMORY, "libcurl does not start");
	if (ca != NULL)
		curl_easy_setopt(c->curl, CURLOPT_CAINFO, ca);
	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(c->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, ANSWER_SECONDS);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "v2gpki/" V2GPKI_VERSION);
	curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	if ((rc = add_header(c, "Content-Type: application/json", e)) != E_OK ||
	    (rc = add_header(c, "Accept: application/json", e)) != E_OK)
		return rc;
	return identify(c, o, e);
}

enum err_code
admin_open(const struct common *options, struct admin_client **out, struct err *e)
{
	struct admin_client *c = calloc(1, sizeof(*c));
	enum err_code rc;

	*out = NULL;
	if (c == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for the client");
	if ((rc = configure(c, options, e)) != E_OK) {
		admin_close(c);
		return rc;
	}
	*out = c;
	return E_OK;
}

void
admin_close(struct admin_client *c)
{
	if (c == NULL)
		return;
	curl_slist_free_all(c->headers);
	if (c->curl != NULL)
		curl_easy_cleanup(c->curl);
	free(c);
}

void
admin_put_segment(struct buf *path, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:";
	size_t i;

	for (i = 0; word[i] != '\0'; i++) {
		if (strchr(plain, word[i]) != NULL)
			buf_put_u8(path, (uint8_t)word[i]);
		else
			buf_printf(path, "%%%02X", (unsigned)(uint8_t)word[i]);
	}
}
