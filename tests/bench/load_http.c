/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static size_t
take_answer(char *p, size_t size, size_t n, void *arg)
{
	buf_put(arg, p, size * n);
	return size * n;
}

static bool
prepare(struct connection *c)
{
	if (c->curl != NULL)
		return true;
	c->curl = curl_easy_init();
	c->answer.limit = 1 << 20;
	return c->curl != NULL &&
	       curl_easy_setopt(c->curl, CURLOPT_CAINFO, c->load->ca) == CURLE_OK &&
	       curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK &&
	       curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &c->answer) == CURLE_OK &&
	       curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, 20000L) == CURLE_OK &&
	       curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

long
load_request(struct connection *c, const char *method, const char *path, const char *token,
	     const char *type, struct span body)
{
	struct curl_slist *headers = NULL;
	char url[512], auth[4096], content[128];
	long status = 0;

	if (!prepare(c))
		return 0;
	buf_clear(&c->answer);
	(void)snprintf(url, sizeof(url), "%s%s", c->load->url, path);
	if (token != NULL) {
		(void)snprintf(auth, sizeof(auth), "Authorization: Bearer %s", token);
		headers = curl_slist_append(headers, auth);
	}
	(void)snprintf(content, sizeof(content), "Content-Type: %s", type);
	headers = curl_slist_append(headers, content);
	headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	if (strcmp(method, "GET") == 0) {
		curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
	} else {
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)body.n);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.p);
	}
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
	if (curl_easy_perform(c->curl) == CURLE_OK)
		curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	c->last_status = status;
	return status;
}

static const char *
participant(const char *who, const char *what)
{
	char name[64];
	const char *v;

	(void)snprintf(name, sizeof(name), "V2GPKI_%s_%s", who, what);
	v = getenv(name);
	if (v == NULL)
		fprintf(stderr, "load: %s is not set: source the env file of quickstart.sh\n", name);
	return v;
}

char *
load_token(struct load *l, const char *who)
{
	struct connection c = {.load = l};
	const char *id = participant(who, "ID"), *secret = participant(who, "SECRET"), *token = NULL;
	struct buf body = {0};
	json_t *o = NULL;
	char *copy = NULL;

	if (id == NULL || secret == NULL)
		return NULL;
	o = json_pack("{s:s, s:s, s:s}", "grant_type", "client_credentials", "client_id", id,
		      "client_secret", secret);
	if (json_dump(o, &body, NULL) == E_OK &&
	    load_request(&c, "POST", "/oauth/token", NULL, "application/json", buf_span(&body)) ==
		    200) {
		json_decref(o);
		o = NULL;
		if (json_parse(buf_span(&c.answer), &o, NULL) == E_OK &&
		    json_need_string(o, "access_token", &token, NULL) == E_OK)
			copy = strdup(token);
	}
	if (copy == NULL)
		fprintf(stderr, "load: no access token for %s (status %ld)\n", who, c.last_status);
	json_decref(o);
	buf_free(&body);
	buf_free(&c.answer);
	curl_easy_cleanup(c.curl);
	return copy;
}
