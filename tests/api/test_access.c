/* SPDX-License-Identifier: Apache-2.0 */
/* Every role against every call (spec/protocols 1.4, with the choices of spec/differences): 403 or
 * not. The table is written down a second time here on purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/privacy.h"
#include "tests/api/world.h"

#define P WORLD_PCID
#define M WORLD_EMAID

static const struct {
	const char *method, *path, *body;
	const char *allowed; /* one letter a party: cpo Oem v2g-mo oWn-mo cpS aDmin auditor */
} rows[] = {
	{"GET", "/v1/root/rootCerts", NULL, "cOvwSD"},
	{"GET", "/v1/root/rootCerts/x", NULL, "cOvwSD"},
	{"PUT", "/v1/root/rootCerts", "{}", "D"},
	{"DELETE", "/v1/root/rootCerts/x", NULL, "D"},
	{"PUT", "/v1/oem/provCerts", "{}", "O"},
	{"GET", "/v1/oem/provCerts/" P, NULL, "OvwS"},
	{"HEAD", "/v1/oem/provCerts/" P, NULL, "OvwS"},
	{"DELETE", "/v1/oem/provCerts/" P, NULL, "O"},
	{"GET", "/v1/oem/provCerts/lookupVehicle/" P, NULL, "OvwS"},
	{"HEAD", "/v1/oem/provCerts/lookupVehicle/" P, NULL, "OvwS"},
	{"PUT", "/v1/cps/generate/signedContractData", "{}", "v"},
	{"GET", "/v1/cps/signer", NULL, "cOvwSD"},
	{"GET", "/cps/signer", NULL, "cOvwSD"},
	{"POST", "/v1/ccp/signedContractData", "{}", "c"},
	{"DELETE", "/v1/ccp/signedContractData/" M, NULL, "vw"},
	{"GET", "/v1/ccp/signedContractData/" P, NULL, "O"},
	{"GET", "/v1/ccp/lookupContract/" M, NULL, "vw"},
	{"GET", "/v1/ccp/provideSignedContractData/" M "/" P, NULL, "O"},
	{"GET", "/cpo/cacerts/ISO15118-2", NULL, "cOvwSD"},
	{"POST", "/cpo/simpleenroll/ISO15118-2", "x", "c"},
	{"POST", "/mo/simpleenroll/ISO15118-2", "x", "v"},
	{"POST", "/oem/simpleenroll/ISO15118-2", "x", "O"},
	{"POST", "/cps/simpleenroll/ISO15118-2", "x", "S"},
	{"POST", "/veh/simpleenroll/ISO15118-2", "x", "O"},
};
static const char letters[WORLD_PARTIES + 1] = "cOvwSDa";

static void
every_role_reaches_its_calls_and_no_other(void **state)
{
	struct world *w = *state;
	size_t i;
	int who;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		for (who = 0; who < WORLD_PARTIES; who++) {
			bool allowed = strchr(rows[i].allowed, letters[who]) != NULL;
			struct answer a;

			world_call(w, who, rows[i].method, rows[i].path, rows[i].body, &a);
			if (a.status == 0 || a.status == 401 || a.status >= 500 ||
			    (a.status == 403) == allowed)
				fail_msg("%s %s as %s: %d %s", rows[i].method, rows[i].path,
					 world_ids[who], a.status, (char *)a.body.p);
			answer_free(&a);
		}
}

static void
nobody_gets_anywhere_without_credentials(void **state)
{
	struct world *w = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct answer a;

		world_call(w, -1, rows[i].method, rows[i].path, rows[i].body, &a);
		if (a.status != 401)
			fail_msg("%s %s: %d", rows[i].method, rows[i].path, a.status);
		answer_free(&a);
	}
}

static const struct {
	int who;
	const char *method, *path, *body, *code;
} foreign[] = {
	{OEM, "GET", "/v1/oem/provCerts/XYZ12345678901234", NULL, "access.wmi"},
	{OEM, "DELETE", "/v1/oem/provCerts/XYZ12345678901234", NULL, "access.wmi"},
	{OEM, "GET", "/v1/oem/provCerts/lookupVehicle/XYZ12345678901234", NULL, "access.wmi"},
	{OEM, "GET", "/v1/ccp/signedContractData/XYZ12345678901234", NULL, "access.wmi"},
	{OEM, "GET", "/v1/ccp/provideSignedContractData/" M "/XYZ12345678901234", NULL,
	 "access.wmi"},
	{MO_V2G, "DELETE", "/v1/ccp/signedContractData/DEABCC123456789", NULL,
	 "access.provider-id"},
	{MO_OWN, "DELETE", "/v1/ccp/signedContractData/de-abc-c12345678-9", NULL,
	 "access.provider-id"},
	{MO_V2G, "GET", "/v1/ccp/lookupContract/DEABCC123456789", NULL, "access.provider-id"},
	{MO_V2G, "PUT", "/v1/cps/generate/signedContractData", "{\"emaid\":\"DEABCC123456789\"}",
	 "access.provider-id"},
};

static void
foreign_prefixes_are_refused(void **state)
{
	struct world *w = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(foreign); i++) {
		struct answer a;

		world_call(w, foreign[i].who, foreign[i].method, foreign[i].path, foreign[i].body,
			   &a);
		if (a.status != 403 || !answer_has(&a, foreign[i].code))
			fail_msg("%s %s: %d %s", foreign[i].method, foreign[i].path, a.status,
				 (char *)a.body.p);
		answer_free(&a);
	}
}

static void
spelling_of_a_prefix_does_not_matter(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_call(w, OEM, "GET", "/v1/oem/provCerts/lookupVehicle/wva99999999999999", NULL, &a);
	assert_int_equal(a.status, 404);
	answer_free(&a);
	world_call(w, MO_V2G, "GET", "/v1/ccp/lookupContract/de-xyz-c99999999", NULL, &a);
	assert_int_equal(a.status, 404);
	answer_free(&a);
}

static const struct route *
any_admin_route(const struct route *const *table)
{
	const struct route *r = *table;

	return r->method != NULL && r->listeners == LISTEN_ADMIN ? r : NULL;
}

static void
admin_routes_are_unknown_on_the_other_listeners(void **state)
{
	struct world *w = *state;
	const uint16_t ports[] = {w->port, w->plain_port};
	const struct route *const *table;
	const struct route *r;
	size_t i;

	for (table = route_tables; *table != NULL; table++)
		for (r = any_admin_route(table); r != NULL && r->method != NULL; r++)
			for (i = 0; i < ARRAY_LEN(ports); i++) {
				struct answer a, b;
				char *at;

				client_call(ports[i], r->method, r->path, w->bearer[ADMIN],
					    (struct span){0}, &a);
				client_call(ports[i], r->method, "/no/such/path", w->bearer[ADMIN],
					    (struct span){0}, &b);
				if ((at = strstr((char *)a.body.p, "traceId")) != NULL)
					memset(at + 10, 'x', 36);
				if ((at = strstr((char *)b.body.p, "traceId")) != NULL)
					memset(at + 10, 'x', 36);
				if (a.status != 404 ||
				    strcmp((char *)a.body.p, (char *)b.body.p) != 0)
					fail_msg("%s %s: %d", r->method, r->path, a.status);
				answer_free(&a);
				answer_free(&b);
			}
}

/* Case of letters does not count. */
static bool
file_has(const char *path, const char *text)
{
	struct buf b = {0};
	FILE *f = fopen(path, "re");
	bool found;
	int c;

	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		buf_put_u8(&b, (uint8_t)c);
	fclose(f);
	found = buf_cstr(&b) != NULL && strcasestr((char *)b.p, text) != NULL;
	buf_free(&b);
	return found;
}

static void
log_lines_have_pseudonyms_and_never_an_identifier(void **state)
{
	static const char *const paths[] = {"/v1/oem/provCerts/" P,
					    "/v1/oem/provCerts/lookupVehicle/" P,
					    "/v1/oem/provCerts/" P "?x=" P,
					    "/v1/ccp/signedContractData/" P,
					    "/v1/ccp/provideSignedContractData/" M "/" P,
					    "/v1/ccp/lookupContract/" M,
					    "/no/such/" P,
					    "/v1/oem/provCerts/" P "/" M,
					    "/v1/oem/provCerts/" P "_"};
	struct world *w = *state;
	char path[128], hidden[PSEUDONYM_LEN];
	struct answer last;
	int saved = dup(2), fd;
	size_t i;
	int who;

	snprintf(path, sizeof(path), "%s/log", w->f.home);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(saved >= 0 && fd >= 0);
	assert_int_equal(dup2(fd, 2), 2);
	log_set_level(LOG_LEVEL_DEBUG);
	for (i = 0; i < ARRAY_LEN(paths); i++)
		for (who = 0; who < WORLD_PARTIES; who++) {
			struct answer a;

			world_call(w, who, "GET", paths[i], NULL, &a);
			answer_free(&a);
			world_call(w, who, "DELETE", paths[i], NULL, &a);
			answer_free(&a);
		}
	world_call(w, MO_V2G, "PUT", "/v1/cps/generate/signedContractData",
		   "{\"emaid\":\"" M "\",\"pcid\":\"" P "\"}", &last);
	answer_free(&last);
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(dup2(saved, 2), 2);
	close(saved);
	close(fd);
	assert_true(file_has(path, "event=http.reply"));
	assert_false(file_has(path, P));
	assert_false(file_has(path, M));
	privacy_pseudonym("pcid", P, hidden);
	assert_true(file_has(path, hidden));
	privacy_pseudonym("emaid", M, hidden);
	assert_true(file_has(path, hidden));
}

/* A handler that succeeds without asking whose subject it was. */
static enum err_code
forgetful(struct request *rq)
{
	return reply_empty(rq, 200);
}

enum err_code access_after(struct request *rq) MUST_CHECK;

static void
a_forgotten_scope_check_is_an_internal_error(void **state)
{
	const struct route r = {
		.who = WHO_CALLER, .subject = SUBJECT_BODY, .method = "PUT", .path = "/x"};
	struct request *rq = calloc(1, sizeof(*rq));

	(void)state;
	assert_non_null(rq);
	rq->route = &r;
	assert_int_equal(forgetful(rq), E_OK);
	assert_int_equal(access_after(rq), E_INTERNAL);
	err_clear(&rq->err);
	rq->scope_checked = true;
	assert_int_equal(access_after(rq), E_OK);
	rq->scope_checked = false;
	rq->status = 400;
	assert_int_equal(access_after(rq), E_OK);
	free(rq);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_role_reaches_its_calls_and_no_other),
		cmocka_unit_test(nobody_gets_anywhere_without_credentials),
		cmocka_unit_test(foreign_prefixes_are_refused),
		cmocka_unit_test(spelling_of_a_prefix_does_not_matter),
		cmocka_unit_test(admin_routes_are_unknown_on_the_other_listeners),
		cmocka_unit_test(log_lines_have_pseudonyms_and_never_an_identifier),
		cmocka_unit_test(a_forgotten_scope_check_is_an_internal_error),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
