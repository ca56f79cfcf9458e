/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/http.h"

static void
every_error_has_a_status_of_its_kind(void **state)
{
	int code;

	(void)state;
	for (code = E_OK + 1; code < ERR_CODE_COUNT; code++) {
		int status = reply_status((enum err_code)code);

		if (status < 400 || status > 503 || status == 409 || status == 422)
			fail_msg("%s: %d", err_name((enum err_code)code), status);
	}
	assert_int_equal(reply_status(E_AUTH_REQUIRED), 401);
	assert_int_equal(reply_status(E_ROLE), 403);
	assert_int_equal(reply_status(E_METHOD), 405);
	assert_int_equal(reply_status(E_BODY_TOO_LARGE), 413);
	assert_int_equal(reply_status(E_MEDIA_TYPE), 415);
	assert_int_equal(reply_status(E_RATE), 429);
	assert_int_equal(reply_status(E_OVERLOAD), 503);
	assert_int_equal(reply_status(E_DB), 500);
	assert_int_equal(reply_status(E_EMAID_TAKEN), 400);
}

/* The reply to this error as one text; headers stay in rq. */
static const char *
reply_of(struct http *h, enum err_code code, const char *text)
{
	*h = (struct http){.rq = {.id = "3b6f0e0e-0000-4000-8000-000000000000"}};
	h->rq.http = h;
	assert_int_equal(err_set(&h->rq.err, code, "%s", text), code);
	reply_error(&h->rq);
	return buf_cstr(&h->rq.reply);
}

static void
bodies_have_texts_trace_id_and_code(void **state)
{
	struct http h;

	(void)state;
	assert_string_equal(
		reply_of(&h, E_PCID, "pcid: too short"),
		"{\"errorMessages\":[\"pcid: too short\"],\"traceId\":\"3b6f0e0e-0000-4000-"
		"8000-000000000000\",\"code\":\"pcid.invalid\"}");
	buf_free(&h.rq.reply);
}

static void
texts_that_are_not_utf8_are_made_so(void **state)
{
	struct http h;

	(void)state;
	assert_non_null(strstr(reply_of(&h, E_PCID, "found \xff\xfe"), "[\"found ??\"]"));
	buf_free(&h.rq.reply);
}

static void
internal_texts_stay_inside(void **state)
{
	static const enum err_code inside[] = {E_INTERNAL, E_DB,   E_CRYPTO,
					       E_HSM_SLOT, E_LINT, E_DB_BUSY};
	struct http h;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(inside); i++) {
		assert_null(strstr(reply_of(&h, inside[i], "/etc/secret path"), "secret"));
		buf_free(&h.rq.reply);
	}
}

static void
refusals_say_how_to_go_on(void **state)
{
	struct http h;

	(void)state;
	reply_of(&h, E_AUTH_REQUIRED, "x");
	assert_string_equal(h.rq.headers[0][0], "WWW-Authenticate");
	assert_non_null(strstr(h.rq.headers[0][1], "Bearer"));
	assert_string_equal(h.rq.headers[1][0], "");
	buf_free(&h.rq.reply);
	reply_of(&h, E_RATE, "x");
	assert_string_equal(h.rq.headers[0][0], "Retry-After");
	buf_free(&h.rq.reply);
	reply_of(&h, E_DB_BUSY, "x");
	assert_string_equal(h.rq.headers[0][0], "Retry-After");
	buf_free(&h.rq.reply);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_a_status_of_its_kind),
		cmocka_unit_test(bodies_have_texts_trace_id_and_code),
		cmocka_unit_test(texts_that_are_not_utf8_are_made_so),
		cmocka_unit_test(internal_texts_stay_inside),
		cmocka_unit_test(refusals_say_how_to_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
