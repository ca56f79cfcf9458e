/* SPDX-License-Identifier: Apache-2.0 */
/* Who is calling: tokens as issued and as forged, secrets, disabled participants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/str.h"
#include "tests/api/world.h"

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define JSON "Content-Type: application/json\r\n"
#define PATH "/v1/root/rootCerts"

static struct err e;

static void
post_token(struct world *w, const char *headers, const char *body, struct answer *a)
{
	client_call(w->port, "POST", "/oauth/token", headers, span_str(body), a);
}

/* Posts this and expects this status and, in the body, this text. */
static void
expect_token(struct world *w, const char *headers, const char *body, int status, const char *text)
{
	struct answer a;

	post_token(w, headers, body, &a);
	if (a.status != status || !answer_has(&a, text))
		fail_msg("%s: %d %s", body, a.status, (char *)a.body.p);
	answer_free(&a);
}

static void
tokens_are_issued_for_json_form_and_basic(void **state)
{
	struct world *w = *state;
	struct answer a, b;
	char headers[4096];

	post_token(
		w, JSON,
		"{\"grant_type\":\"client_credentials\",\"client_id\":\"cpo-1\",\"client_secret\":\"" WORLD_SECRET
		"\"}",
		&a);
	if (a.status != 200)
		fail_msg("%d %s", a.status, (char *)a.body.p);
	assert_string_equal(world_member(&a, "token_type"), "Bearer");
	assert_string_equal(world_member(&a, "scope"),
			    "rcpservice ccpservice pcpservice cpservice pkigateway");
	assert_true(answer_has(&a, "\"expires_in\":3600"));
	assert_string_equal(answer_header(&a, "Cache-Control"), "no-store");
	snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n",
		 world_member(&a, "access_token"));
	client_call(w->port, "GET", PATH, headers, (struct span){0}, &b);
	assert_int_equal(b.status, 200);
	answer_free(&b);
	answer_free(&a);
	expect_token(w, FORM,
		     "grant_type=client_credentials&client_id=cpo-1&client_secret=" WORLD_SECRET
		     "&audience=https%3A%2F%2Fpki.test%3A8443%2F",
		     200, "access_token");
	/* cpo-1:0123… */
	struct buf pair = {0}, basic = {0};

	buf_printf(&pair, "cpo-1:%s", WORLD_SECRET);
	buf_put_str(&basic, FORM "Authorization: Basic ");
	base64_encode(buf_span(&pair), 0, &basic);
	buf_put_str(&basic, "\r\n");
	expect_token(w, buf_cstr(&basic), "grant_type=client_credentials", 200, "access_token");
	expect_token(w, buf_cstr(&basic), "grant_type=client_credentials&client_id=cpo-1", 200,
		     "access_token");
	expect_token(w, buf_cstr(&basic), "grant_type=client_credentials&client_id=oem-1", 400,
		     "invalid_request");
	expect_token(w, buf_cstr(&basic), "grant_type=client_credentials&client_secret=x", 400,
		     "invalid_request");
	buf_free(&pair);
	buf_free(&basic);
}

static void
token_requests_are_refused_in_the_form_of_oauth(void **state)
{
	struct world *w = *state;
#define ID "client_id=cpo-1&client_secret=" WORLD_SECRET
	expect_token(w, FORM, "grant_type=client_credentials&" ID "&audience=https://other.test",
		     400, "\"error\":\"invalid_target\"");
	expect_token(w, FORM, "grant_type=password&" ID, 400, "unsupported_grant_type");
	expect_token(w, FORM, ID, 400, "invalid_request");
	expect_token(w, FORM, "grant_type=client_credentials&client_id=cpo-1", 400,
		     "\"error_description\":");
	expect_token(w, FORM, "grant_type=client_credentials&" ID "&client_id=oem-1", 400,
		     "invalid_request");
	expect_token(w, FORM, "grant_type=client_credentials&client_id=cpo-1&client_secret=wrong",
		     401, "\"error\":\"invalid_client\"");
	expect_token(w, FORM, "grant_type=client_credentials&client_id=nobody&client_secret=x", 401,
		     "invalid_client");
	expect_token(w, JSON, "{\"grant_type\":\"client_credentials\"", 400, "invalid_request");
	expect_token(w, JSON, "{\"grant_type\":5}", 400, "invalid_request");
	expect_token(w, "Content-Type: text/xml\r\n", "<x/>", 415, "http.media-type");
	/* a Basic user is no OAuth client */
	expect_token(w, FORM,
		     "grant_type=client_credentials&client_id=" WORLD_BASIC_USER
		     "&client_secret=" WORLD_SECRET,
		     401, "invalid_client");
}

static void
claims_are_those_of_the_specification(void **state)
{
	static const char *const members[] = {"iss", "sub", "aud", "azp", "gty", "scope", "jti"};
	struct world *w = *state;
	const char *dot = strchr(w->bearer[CPO], '.') + 1;
	struct buf text = {0};
	json_t *o = NULL;
	size_t i;

	assert_int_equal(
		base64url_decode((struct span){(const uint8_t *)dot, strcspn(dot, ".")}, &text, &e),
		E_OK);
	assert_int_equal(json_parse(buf_span(&text), &o, &e), E_OK);
	for (i = 0; i < ARRAY_LEN(members); i++)
		assert_true(json_is_string(json_object_get(o, members[i])));
	assert_string_equal(json_string_value(json_object_get(o, "iss")), WORLD_URL);
	assert_string_equal(json_string_value(json_object_get(o, "sub")), "cpo-1");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(o, WORLD_URL "/role"), 0)), "CPO");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(o, WORLD_URL "/pcid"), 0)), "WVA");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(o, WORLD_URL "/emaid"), 0)),
		"DEXYZ");
	assert_string_equal(json_string_value(json_object_get(o, WORLD_URL "/client_name")),
			    "Participant cpo-1");
	assert_int_equal(json_array_size(json_object_get(o, "permissions")), 5);
	assert_int_equal(json_integer_value(json_object_get(o, "exp")) -
				 json_integer_value(json_object_get(o, "iat")),
			 3600);
	json_decref(o);
	buf_free(&text);
}

/* --- forged tokens --- */

/* header.payload signed by the service's own key (or another), as an Authorization header. */
static void
forge(struct world *w, const char *header, const char *payload, bool own_key, char out[4096])
{
	struct buf text = {0}, sig = {0};
	uint8_t digest[SHA256_LEN];

	base64url_encode(span_str(header), &text);
	buf_put_u8(&text, '.');
	base64url_encode(span_str(payload), &text);
	assert_int_equal(sha256(buf_span(&text), digest, &e), E_OK);
	if (own_key) {
		assert_int_equal(ca_sign(w->f.set, "token-signer",
					 (struct span){digest, sizeof(digest)}, NULL, NULL, &sig,
					 &e),
				 E_OK);
	} else {
		struct secret scalar = {0};
		struct buf point = {0};

		assert_int_equal(ec_generate(algo_get(ALGO_P256), &scalar, &point, &e), E_OK);
		assert_int_equal(ec_sign(algo_get(ALGO_P256), &scalar, buf_span(&text), &sig, &e),
				 E_OK);
		secret_free(&scalar);
		buf_free(&point);
	}
	buf_put_u8(&text, '.');
	base64url_encode(buf_span(&sig), &text);
	snprintf(out, 4096, "Authorization: Bearer %.*s\r\n", (int)text.n, (char *)text.p);
	buf_free(&text);
	buf_free(&sig);
}

#define HEADER "{\"alg\":\"ES256\",\"typ\":\"JWT\"}"

/* Claims with these members, and times from now on. */
static const char *
claims(const char *iss, const char *aud, int64_t nbf, int64_t exp, const char *sub)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "{\"iss\":\"%s\",\"aud\":%s,\"nbf\":%lld,\"exp\":%lld,\"sub\":%s}", iss, aud,
		 (long long)(clock_now() + nbf), (long long)(clock_now() + exp), sub);
	return text;
}

static int
status_with(struct world *w, const char *header)
{
	struct answer a;
	int status;

	client_call(w->port, "GET", PATH, header, (struct span){0}, &a);
	status = a.status;
	if (status == 401)
		assert_non_null(answer_header(&a, "WWW-Authenticate"));
	answer_free(&a);
	return status;
}

#define AUD "\"" WORLD_URL "\""
#define SUB "\"cpo-1\""

static void
well_made_tokens_are_accepted(void **state)
{
	struct world *w = *state;
	char header[4096];

	forge(w, HEADER, claims(WORLD_URL, AUD, 0, 60, SUB), true, header);
	assert_int_equal(status_with(w, header), 200);
	forge(w, HEADER, claims(WORLD_URL "/", "[\"x\",\"" WORLD_URL "/\"]", 0, 60, SUB), true,
	      header);
	assert_int_equal(status_with(w, header), 200);
}

static void
forged_tokens_are_refused(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"ES512\",\"typ\":\"JWT\"}",
		"{\"typ\":\"JWT\"}",
		"{\"alg\":\"ES256\"}",
		"{\"alg\":\"ES256\",\"typ\":\"JWE\"}",
		"{\"alg\":\"ES256\",\"typ\":\"JWT\",\"crit\":[\"exp\"]}",
		"{\"alg\":\"ES256\",\"typ\":\"JWT\",\"crit\":[]}",
		"{\"alg\":\"ES256\",\"alg\":\"ES256\",\"typ\":\"JWT\"}",
	};
	struct world *w = *state;
	char header[4096];
	size_t i;

	for (i = 0; i < ARRAY_LEN(headers); i++) {
		forge(w, headers[i], claims(WORLD_URL, AUD, 0, 60, SUB), true, header);
		if (status_with(w, header) != 401)
			fail_msg("%s", headers[i]);
	}
	forge(w, HEADER, claims(WORLD_URL, AUD, 0, 60, SUB), false, header);
	assert_int_equal(status_with(w, header), 401);
	forge(w, HEADER, claims(WORLD_URL, "\"https://other.test\"", 0, 60, SUB), true, header);
	assert_int_equal(status_with(w, header), 401);
	forge(w, HEADER, claims(WORLD_URL, "[]", 0, 60, SUB), true, header);
	assert_int_equal(status_with(w, header), 401);
	forge(w, HEADER, claims("https://other.test", AUD, 0, 60, SUB), true, header);
	assert_int_equal(status_with(w, header), 401);
	forge(w, HEADER, claims(WORLD_URL, AUD, -60, 0, SUB), true, header);
	assert_int_equal(status_with(w, header), 401);
	forge(w, HEADER, claims(WORLD_URL, AUD, 600, 1200, SUB), true, header);
	assert_int_equal(status_with(w, header), 401);
	forge(w, HEADER, claims(WORLD_URL, AUD, 0, 60, "5"), true, header);
	assert_int_equal(status_with(w, header), 401);
	forge(w, HEADER, claims(WORLD_URL, AUD, 0, 60, "\"nobody\""), true, header);
	assert_int_equal(status_with(w, header), 401);
	forge(w, HEADER, "{\"iss\":\"" WORLD_URL "\"}", true, header);
	assert_int_equal(status_with(w, header), 401);
}

static void
damaged_tokens_and_other_schemes_are_refused(void **state)
{
	struct world *w = *state;
	char header[4096], *at;

	snprintf(header, sizeof(header), "%s", w->bearer[CPO]);
	at = strrchr(header, '.') + 5;
	*at = *at == 'A' ? 'B' : 'A';
	assert_int_equal(status_with(w, header), 401);
	snprintf(header, sizeof(header), "%s", w->bearer[CPO]);
	at = strchr(header, '.') + 5;
	*at = *at == 'A' ? 'B' : 'A';
	assert_int_equal(status_with(w, header), 401);
	/* without its signature, with a fourth part, empty, other words */
	snprintf(header, sizeof(header), "%.*s\r\n",
		 (int)(strrchr(w->bearer[CPO], '.') - w->bearer[CPO]), w->bearer[CPO]);
	assert_int_equal(status_with(w, header), 401);
	snprintf(header, sizeof(header), "%.*s.x\r\n", (int)strcspn(w->bearer[CPO], "\r"),
		 w->bearer[CPO]);
	assert_int_equal(status_with(w, header), 401);
	assert_int_equal(status_with(w, "Authorization: Bearer\r\n"), 401);
	assert_int_equal(status_with(w, "Authorization: Bearer a.b.c\r\n"), 401);
	assert_int_equal(status_with(w, "Authorization: Digest x\r\n"), 401);
	assert_int_equal(status_with(w, ""), 401);
	/* a second copy of the token elsewhere changes nothing (MaEVe sends one) */
	snprintf(header, sizeof(header), "x-api-key: %s", w->bearer[CPO] + 22);
	assert_int_equal(status_with(w, header), 401);
	snprintf(header, sizeof(header), "%sx-api-key: nonsense\r\n", w->bearer[CPO]);
	assert_int_equal(status_with(w, header), 200);
}

static void
a_disabled_participant_is_out_within_five_seconds(void **state)
{
	struct world *w = *state;
	int64_t begun;

	assert_int_equal(status_with(w, w->bearer[AUDITOR]), 403);
	world_put_party(w, world_ids[AUDITOR], ROLE_AUDITOR, true);
	begun = clock_mono_us();
	while (status_with(w, w->bearer[AUDITOR]) != 401) {
		assert_true(clock_mono_us() - begun < 5000000);
		usleep(100000);
	}
	expect_token(
		w, FORM,
		"grant_type=client_credentials&client_id=auditor-1&client_secret=" WORLD_SECRET,
		401, "invalid_client");
	world_put_party(w, world_ids[AUDITOR], ROLE_AUDITOR, false);
	begun = clock_mono_us();
	while (status_with(w, w->bearer[AUDITOR]) != 403) {
		assert_true(clock_mono_us() - begun < 5000000);
		usleep(100000);
	}
}

static void *
guess(void *arg)
{
	struct answer a;
	int status;

	post_token(arg, FORM, "grant_type=client_credentials&client_id=cpo-1&client_secret=guess",
		   &a);
	status = a.status;
	if (status == 429)
		assert_non_null(answer_header(&a, "Retry-After"));
	answer_free(&a);
	return (void *)(intptr_t)status;
}

static void
guessing_secrets_is_slowed_down(void **state)
{
	pthread_t threads[8];
	int i, refused = 0, slowed = 0;

	for (i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, guess, *state);
	for (i = 0; i < 8; i++) {
		void *status;

		pthread_join(threads[i], &status);
		refused += (intptr_t)status == 401;
		slowed += (intptr_t)status == 429;
	}
	assert_int_equal(refused + slowed, 8);
	assert_true(slowed >= 1);
	/* who is remembered is not slowed down */
	expect_token(*state, FORM, "grant_type=client_credentials&" ID, 200, "access_token");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_are_issued_for_json_form_and_basic),
		cmocka_unit_test(token_requests_are_refused_in_the_form_of_oauth),
		cmocka_unit_test(claims_are_those_of_the_specification),
		cmocka_unit_test(well_made_tokens_are_accepted),
		cmocka_unit_test(forged_tokens_are_refused),
		cmocka_unit_test(damaged_tokens_and_other_schemes_are_refused),
		cmocka_unit_test(a_disabled_participant_is_out_within_five_seconds),
		cmocka_unit_test(guessing_secrets_is_slowed_down),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
