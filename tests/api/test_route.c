/* SPDX-License-Identifier: Apache-2.0 */
/* The real route tables, walked and searched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"

static struct route_match match;
static char scratch[4096];

static const struct route *
find(unsigned listener, const char *method, const char *path)
{
	return route_find(listener, method, path, scratch, &match, NULL) == E_OK ? match.route
										 : NULL;
}

/* The pattern of the route found, "" for none. */
static const char *
pattern(const char *method, const char *path)
{
	const struct route *r = find(LISTEN_PARTICIPANT, method, path);

	return r == NULL ? "" : r->path;
}

static enum call
call_of(const char *path)
{
	const struct route *r = find(LISTEN_PARTICIPANT, "POST", path);

	return r == NULL ? CALL_COUNT : r->call;
}

static enum err_code
refusal(unsigned listener, const char *method, const char *path)
{
	return route_find(listener, method, path, scratch, &match, NULL);
}

static void
literal_segments_win_over_parameters(void **state)
{
	(void)state;
	assert_string_equal(pattern("GET", "/.well-known/est/cacerts"), "/.well-known/est/cacerts");
	assert_string_equal(pattern("GET", "/v1/oem/provCerts/lookupVehicle/X"),
			    "/v1/oem/provCerts/lookupVehicle/{pcid}");
	assert_string_equal(match.args[0], "X");
	assert_string_equal(pattern("GET", "/v1/oem/provCerts/X"), "/v1/oem/provCerts/{pcid}");
}

static void
methods_tell_routes_of_one_path_apart(void **state)
{
	(void)state;
	assert_string_equal(pattern("GET", "/v1/ccp/signedContractData/X"),
			    "/v1/ccp/signedContractData/{pcid}");
	assert_string_equal(pattern("DELETE", "/v1/ccp/signedContractData/X"),
			    "/v1/ccp/signedContractData/{emaid}");
	assert_string_equal(pattern("HEAD", "/v1/ccp/signedContractData/X"),
			    "/v1/ccp/signedContractData/{pcid}");
	assert_int_equal(refusal(LISTEN_PARTICIPANT, "PATCH", "/v1/ccp/signedContractData/X"),
			 E_METHOD);
	assert_string_equal(match.allowed, "DELETE, GET, HEAD");
	assert_int_equal(refusal(LISTEN_PARTICIPANT, "get", "/v1/root/rootCerts"), E_METHOD);
}

static void
enrolment_answers_on_every_path_that_clients_use(void **state)
{
	static const char *const paths[] = {
		"/.well-known/est/simpleenroll",
		"/.well-known/est/cpo/simpleenroll",
		"/.well-known/est/cpo/simpleenroll/ISO15118-2",
		"/.well-known/est/cpo/simpleenroll/ISO15118-2/secp256r1",
		"/.well-known/est/eu-cpo/simpleenroll/ISO15118-2",
		"/.well-known/cpo/simpleenroll",
		"/cpo/simpleenroll/ISO15118-2",
		"/cpo/simpleenroll/ISO15118-2/",
		"/cpo/simpleenroll/ISO15118-2/secp256r1/",
		"/unwrapped/cpo/.well-known/est/simpleenroll",
	};
	static const char *const chains[] = {
		"/.well-known/est/cacerts",
		"/.well-known/est/cpo/cacerts",
		"/.well-known/est/cpo/cacerts/ISO15118-2",
		"/.well-known/cpo/cacerts",
		"/cpo/cacerts/ISO15118-2",
		"/cpo/cacerts/ISO15118-2/secp256r1/",
		"/unwrapped/cpo/.well-known/est/cacerts",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(paths); i++)
		if (call_of(paths[i]) != CALL_EST_CPO)
			fail_msg("%s", paths[i]);
	for (i = 0; i < ARRAY_LEN(chains); i++)
		if (find(LISTEN_PARTICIPANT, "GET", chains[i]) == NULL)
			fail_msg("%s", chains[i]);
	assert_int_equal(call_of("/oem/simpleenroll/ISO15118-2"), CALL_EST_OEM);
	assert_int_equal(refusal(LISTEN_PARTICIPANT, "POST", "/abc/simpleenroll"), E_NO_ROUTE);
	assert_int_equal(refusal(LISTEN_PARTICIPANT, "POST", "/-cpo/simpleenroll"), E_NO_ROUTE);
	assert_int_equal(refusal(LISTEN_PARTICIPANT, "POST", "/a.b-cpo/simpleenroll"), E_NO_ROUTE);
	assert_int_equal(refusal(LISTEN_PARTICIPANT, "POST", "/xcpo/simpleenroll"), E_NO_ROUTE);
}

static void
slashes_too_many_lead_nowhere(void **state)
{
	static const char *const paths[] = {"",
					    "/",
					    "//",
					    "//v1/root/rootCerts",
					    "/v1//root/rootCerts",
					    "/v1/root/rootCerts/",
					    "/v1/root/rootCerts//",
					    "/cpo/simpleenroll//",
					    "/v1/oem/provCerts//x",
					    "v1/root/rootCerts",
					    "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(paths); i++)
		if (refusal(LISTEN_PARTICIPANT, "GET", paths[i]) != E_NO_ROUTE)
			fail_msg("%s", paths[i]);
}

static void
parameters_are_decoded_after_cutting(void **state)
{
	(void)state;
	assert_non_null(find(LISTEN_PARTICIPANT, "GET", "/v1/oem/provCerts/W%56A"));
	assert_string_equal(match.args[0], "WVA");
	assert_int_equal(refusal(LISTEN_PARTICIPANT, "GET", "/v1/oem/provCerts/a%00"), E_NO_ROUTE);
}

static bool
listens_only(const struct route *r, unsigned listener)
{
	return r->listeners == listener;
}

static void
every_route_is_well_formed_and_no_two_are_the_same(void **state)
{
	static const char *const methods[] = {"GET", "PUT", "POST", "DELETE"};
	const struct route *const *t, *const *t2, *r, *r2;
	size_t i;

	(void)state;
	for (t = route_tables; *t != NULL; t++)
		for (r = *t; r->method != NULL; r++) {
			for (i = 0; i < ARRAY_LEN(methods); i++)
				if (strcmp(methods[i], r->method) == 0)
					break;
			if (i == ARRAY_LEN(methods) || r->path[0] != '/' || r->handler == NULL ||
			    r->listeners == 0)
				fail_msg("%s %s", r->method, r->path);
			if (r->who == WHO_CALLER && r->call >= CALL_COUNT)
				fail_msg("%s %s names no call", r->method, r->path);
			if (r->writes && r->speed == FAST)
				fail_msg("%s %s writes on a network thread", r->method, r->path);
			if (r->who == WHO_ANYONE && r->writes)
				fail_msg("%s %s lets anyone write", r->method, r->path);
			for (t2 = route_tables; *t2 != NULL; t2++)
				for (r2 = *t2; r2->method != NULL; r2++)
					if (r2 != r && strcmp(r->path, r2->path) == 0 &&
					    strcmp(r->method, r2->method) == 0 &&
					    (r->listeners & r2->listeners) != 0)
						fail_msg("%s %s twice", r->method, r->path);
		}
}

/* Whether some granted role of the call has its subject compared. */
static bool
is_scoped(enum call call)
{
	const struct grant *g;

	for (g = access_rules[call].grants; g->role != 0; g++)
		if (g->scope != SCOPE_ALL)
			return true;
	return false;
}

static void
every_call_with_a_scope_names_its_subject(void **state)
{
	const struct route *const *t, *r;

	(void)state;
	for (t = route_tables; *t != NULL; t++)
		for (r = *t; r->method != NULL; r++)
			if (r->who == WHO_CALLER && is_scoped(r->call) &&
			    r->subject == SUBJECT_NONE)
				fail_msg("%s %s", r->method, r->path);
}

static void
admin_routes_exist_on_their_listener_only(void **state)
{
	const struct route *const *t, *r;
	char path[256];

	(void)state;
	for (t = route_tables; *t != NULL; t++)
		for (r = *t; r->method != NULL; r++) {
			bool admin = strncmp(r->path, "/admin/", 7) == 0 ||
				     strncmp(r->path, "/console", 8) == 0;

			if (!admin)
				continue;
			snprintf(path, sizeof(path), "%s", r->path);
			if (!listens_only(r, LISTEN_ADMIN) ||
			    refusal(LISTEN_PARTICIPANT, r->method, path) != E_NO_ROUTE ||
			    refusal(LISTEN_PLAIN, r->method, path) != E_NO_ROUTE)
				fail_msg("%s %s", r->method, r->path);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literal_segments_win_over_parameters),
		cmocka_unit_test(methods_tell_routes_of_one_path_apart),
		cmocka_unit_test(enrolment_answers_on_every_path_that_clients_use),
		cmocka_unit_test(slashes_too_many_lead_nowhere),
		cmocka_unit_test(parameters_are_decoded_after_cutting),
		cmocka_unit_test(every_route_is_well_formed_and_no_two_are_the_same),
		cmocka_unit_test(every_call_with_a_scope_names_its_subject),
		cmocka_unit_test(admin_routes_exist_on_their_listener_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
