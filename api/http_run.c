/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth.h"
#include "api/http.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/privacy.h"

#include <openssl/crypto.h>

#include <stdlib.h>
#include <string.h>

struct http *
http_new(struct server *s, struct app *app, enum listener which, const char *target)
{
	struct http *h = calloc(1, sizeof(*h));
	size_t n = strlen(target);

	if (h == NULL)
		return NULL;
	h->server = s;
	h->listener = which;
	h->started_us = clock_mono_us();
	h->rq.app = app;
	h->rq.http = h;
	h->rq.method = "";
	h->rq.path = "";
	h->target_refused = n > HTTP_TARGET_MAX;
	if (h->target_refused)
		target = "/";
	h->target = strdup(target);
	h->scratch = calloc(1, strlen(target) + 1);
	if (h->target == NULL || h->scratch == NULL || random_uuid(h->rq.id, &h->rq.err) != E_OK) {
		http_free(h);
		return NULL;
	}
	return h;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	buf_free(&h->rq.reply);
	if (h->body.p != NULL) /* a token request has a secret in it */
		OPENSSL_cleanse(h->body.p, h->body.n);
	buf_free(&h->body);
	free(h->query_copy);
	free(h->scratch);
	free(h->target);
	free(h);
}

/* --- what handlers ask for --- */

const char *
request_query(const struct request *rq, const char *name)
{
	const struct http *h = rq->http;
	size_t i;

	for (i = 0; i < h->param_count; i++)
		if (strcmp(h->params[i].name, name) == 0)
			return h->params[i].value;
	return NULL;
}

/* --- before the body --- */

static enum err_code
take_target(struct http *h)
{
	struct err *e = &h->rq.err;
	enum err_code rc;

	if (h->target_refused)
		return err_set(e, E_HTTP_TARGET,
			       "request target: expected at most %d octets between single spaces",
			       HTTP_TARGET_MAX);
	if ((rc = http_check_target(h->target, e)) != E_OK)
		return rc;
	h->query = strchr(h->target, '?');
	if (h->query != NULL)
		*h->query++ = '\0';
	h->rq.path = h->target;
	if (h->query == NULL)
		return E_OK;
	h->query_copy = strdup(h->query);
	if (h->query_copy == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for a query");
	return http_split_form(h->query_copy, h->params, HTTP_PARAMS_MAX, &h->param_count, e);
}

static size_t
body_max(const struct http *h)
{
	return h->rq.route == NULL ? 0 : h->rq.route->body_max;
}

static void
too_large(struct http *h)
{
	/* the caller's text when there is an error already: the first one counts */
	(void)err_set(&h->rq.err, E_BODY_TOO_LARGE, "body: expected at most %zu octets",
		      body_max(h));
}

static enum err_code
take_route(struct http *h)
{
	struct route_match m;
	enum err_code rc =
		route_find(h->listener, h->rq.method, h->rq.path, h->scratch, &m, &h->rq.err);

	h->rq.route = m.route;
	memcpy(h->rq.args, m.args, sizeof(m.args));
	memcpy(h->allowed, m.allowed, sizeof(m.allowed));
	return rc;
}

void
http_begin(struct http *h, const char *method, const char *version, const struct http_facts *facts)
{
	struct err *e = &h->rq.err;

	h->begun = true;
	h->rq.method = method;
	if (http_check_framing(facts, version, e) != E_OK || take_target(h) != E_OK) {
		h->close = true;
		return;
	}
	if (take_route(h) == E_OK && facts->lengths > 0 && facts->length > body_max(h))
		too_large(h);
	if (e->code != E_OK && facts->lengths > 0 && facts->length > HTTP_DRAIN_MAX)
		h->close = true;
	if (e->code != E_OK && facts->expects_continue)
		h->close = true;
}

void
http_body(struct http *h, const void *p, size_t n)
{
	h->received += n;
	if (h->rq.err.code != E_OK)
		return;
	if (h->received > body_max(h))
		too_large(h);
	else
		buf_put(&h->body, p, n);
}

/* --- the log line --- */

/* The path's parameters by the names of the pattern: identifiers of people's contracts and cars
 * only as pseudonyms (I-41), the rest quoted. */
static void
log_args(const struct http *h, struct buf *out)
{
	const char *at = h->rq.route == NULL ? NULL : strchr(h->rq.route->path, '{');
	char hidden[PSEUDONYM_LEN], quoted[LOG_VALUE_MAX];
	size_t i;

	for (i = 0; at != NULL && i < REQUEST_ARGS_MAX; i++, at = strchr(at + 1, '{')) {
		size_t n = strcspn(at + 1, "?}");
		const char *value = h->rq.args[i];

		if (value == NULL)
			continue;
		if (strncmp(at, "{pcid", 5) == 0 || strncmp(at, "{emaid", 6) == 0) {
			privacy_pseudonym(at[1] == 'p' ? "pcid" : "emaid", value, hidden);
			value = hidden;
		} else {
			value = log_quote(value, quoted);
		}
		buf_printf(out, " %.*s=%s", (int)n, at + 1, value);
	}
}

static bool
is_id_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '*';
}

/* Texts of our own failures are logged; what could be an identifier (14 characters and more with a
 * digit) is blanked, because a text may quote one. */
static void
scrub(char *s)
{
	while (*s != '\0') {
		size_t n = 0, i;
		bool digit = false;

		while (is_id_char(s[n])) {
			digit = digit || (s[n] >= '0' && s[n] <= '9');
			n++;
		}
		if (n >= 14 && digit)
			for (i = 0; i < n; i++)
				s[i] = '.';
		s += n > 0 ? n : 1;
	}
}

static void
log_failure(const struct http *h)
{
	char quoted[LOG_VALUE_MAX];
	struct err copy = h->rq.err;

	if (h->rq.status < 500 || copy.code == E_OVERLOAD || copy.code == E_STOPPING)
		return;
	scrub(copy.text);
	log_event(LOG_LEVEL_ERROR, "http.failure", "request=%s code=%s text=%s", h->rq.id,
		  err_name(copy.code), log_quote(copy.text, quoted));
}

static void
log_reply(const struct http *h)
{
	static const char *const methods[] = {"none", "bearer", "tls", "basic"};
	const struct request *rq = &h->rq;
	char who[LOG_VALUE_MAX];
	struct buf args = {0};
	const char *text;

	log_args(h, &args);
	text = args.n > 0 ? buf_cstr(&args) : "";
	log_event(
		LOG_LEVEL_INFO, "http.reply",
		"request=%s method=%s route=%s status=%d code=%s who=%s auth=%s us=%lld bytes=%zu%s",
		rq->id, rq->route == NULL ? "-" : rq->route->method,
		rq->route == NULL ? "-" : rq->route->path, rq->status,
		rq->err.code == E_OK ? "-" : err_name(rq->err.code),
		rq->who.id[0] == '\0' ? "-" : log_quote(rq->who.id, who), methods[rq->auth_method],
		(long long)(clock_mono_us() - h->started_us), rq->reply.n,
		text == NULL ? "" : text);
	buf_free(&args);
}

/* --- running it --- */

static bool
finish(struct http *h)
{
	struct request *rq = &h->rq;

	if (rq->err.code == E_OK && rq->status == 0)
		(void)err_set(&rq->err, E_INTERNAL, "the handler left no answer"); /* now a 500 */
	/* a handler may answer a refusal in its protocol's own form: status set beside the error */
	if (rq->err.code != E_OK && rq->status == 0)
		reply_error(rq);
	log_failure(h);
	log_reply(h);
	h->state = HTTP_DONE;
	return true;
}

void
http_refuse(struct http *h, enum err_code code, const char *text)
{
	(void)err_set(&h->rq.err, code, "%s", text); /* the reply says it */
	h->rq.status = 0;
	(void)finish(h); /* always done */
}

static void
call_handler(struct http *h)
{
	struct request *rq = &h->rq;
	enum err_code rc;

	rq->body = buf_span(&h->body);
	if (buf_ok(&h->body, &rq->err) != E_OK)
		return;
	rc = rq->route->handler(rq);
	if (rq->route->who == WHO_CALLER && rq->route->call == CALL_ADMIN_WRITE)
		auth_forget(rq->app->auth);
	if (rc != E_OK)
		rq->status = 0;
	if (access_after(rq) != E_OK)
		rq->status = 0;
	if (rc != E_OK && rq->err.code == E_OK)
		(void)err_set(&rq->err, rc, "%s", err_name(rc)); /* becomes the reply */
}

/* Authentication and access; false: it has to go on on a worker. */
static bool
admit(struct http *h, bool on_worker)
{
	struct request *rq = &h->rq;
	bool needs_worker = false;

	if (rq->route->who == WHO_ANYONE || h->authenticated)
		return true;
	if (auth_request(rq, on_worker, &needs_worker) != E_OK)
		return true;
	if (needs_worker)
		return false;
	h->authenticated = true;
	if (access_check(rq) != E_OK)
		rq->status = 0; /* the reply comes from rq->err */
	return true;
}

bool
http_execute(struct http *h, bool on_worker)
{
	if (h->rq.err.code != E_OK)
		return finish(h);
	if (on_worker && clock_mono_us() - h->queued_us > h->wait_max_us) {
		http_refuse(h, E_OVERLOAD, "waited too long for a worker");
		return true;
	}
	if (!admit(h, on_worker))
		return false;
	if (h->rq.err.code != E_OK)
		return finish(h);
	if (h->rq.route->speed == SLOW && !on_worker)
		return false;
	call_handler(h);
	return finish(h);
}
