/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/fixture.h"

#include <stdio.h>
#include <string.h>

static struct party
make_party(const char *id)
{
	struct party p = {.name = "Name", .roles = 5, .wmis = 2, .providers = 1};

	(void)snprintf(p.id, sizeof(p.id), "%s", id);
	memcpy(p.wmi[0], "WVA", 4);
	memcpy(p.wmi[1], "WVB", 4);
	memcpy(p.provider[0], "DEXYZ", 6);
	return p;
}

static void
participant_comes_back_as_it_went(void **state)
{
	struct fixture *f = *state;
	struct party p = make_party("oem1"), q;

	OK(f, party_store_put(f->db, &p, &audit_any, &f->e));
	OK(f, party_store_get(f->db, "oem1", &q, &f->e));
	assert_string_equal(q.name, "Name");
	assert_int_equal(q.roles, 5);
	assert_int_equal(q.wmis, 2);
	assert_string_equal(q.wmi[1], "WVB");
	assert_int_equal(q.providers, 1);
	assert_string_equal(q.provider[0], "DEXYZ");
	assert_int_equal(q.operators, 0);
	assert_false(q.disabled);
	p.disabled = true;
	p.wmis = 0;
	OK(f, party_store_put(f->db, &p, &audit_any, &f->e));
	OK(f, party_store_get(f->db, "oem1", &q, &f->e));
	assert_true(q.disabled);
	assert_int_equal(q.wmis, 0);
}

static void
full_list_of_prefixes_fits_and_one_more_is_refused(void **state)
{
	struct fixture *f = *state;
	struct party p = make_party("oem1"), q;
	size_t i;

	for (i = 0; i < PARTY_PREFIXES; i++)
		(void)snprintf(p.operator_id[i], sizeof(p.operator_id[i]), "DE%03zu", i % 1000);
	p.operators = PARTY_PREFIXES;
	OK(f, party_store_put(f->db, &p, &audit_any, &f->e));
	OK(f, party_store_get(f->db, "oem1", &q, &f->e));
	assert_int_equal(q.operators, PARTY_PREFIXES);
	assert_string_equal(q.operator_id[PARTY_PREFIXES - 1], "DE031");
	p.operators++;
	FAILS(f, E_TOO_BIG, party_store_put(f->db, &p, &audit_any, &f->e));
}

static void
participants_are_paged_by_id(void **state)
{
	struct fixture *f = *state;
	struct party p, rows[2];
	char id[16], after[65] = "";
	size_t n, total = 0;
	unsigned i;

	for (i = 0; i < 5; i++) {
		(void)snprintf(id, sizeof(id), "p%u", i);
		p = make_party(id);
		OK(f, party_store_put(f->db, &p, &audit_any, &f->e));
	}
	do {
		OK(f, party_store_list(f->db, after, rows, 2, &n, &f->e));
		total += n;
		if (n > 0)
			memcpy(after, rows[n - 1].id, sizeof(after));
	} while (n == 2);
	assert_int_equal(total, 5);
}

static void
credential_needs_its_participant_and_dies_with_it(void **state)
{
	struct fixture *f = *state;
	struct party p = make_party("cpo1");
	struct credential c = {
		.party = "cpo1", .kind = CREDENTIAL_SECRET, .key = "client", .expires = 9};
	struct credential d, rows[2];
	size_t n;

	memset(c.hash, 7, sizeof(c.hash));
	FAILS(f, E_PARTICIPANT_UNKNOWN, credential_store_put(f->db, &c, &audit_any, &f->e));
	OK(f, party_store_put(f->db, &p, &audit_any, &f->e));
	OK(f, credential_store_put(f->db, &c, &audit_any, &f->e));
	OK(f, credential_store_get(f->db, CREDENTIAL_SECRET, "client", &d, &f->e));
	assert_string_equal(d.party, "cpo1");
	assert_memory_equal(d.hash, c.hash, sizeof(c.hash));
	assert_int_equal(d.expires, 9);
	FAILS(f, E_NOT_FOUND, credential_store_get(f->db, CREDENTIAL_BASIC, "client", &d, &f->e));
	OK(f, credential_store_list(f->db, "cpo1", rows, 2, &n, &f->e));
	assert_int_equal(n, 1);
	OK(f, party_store_delete(f->db, "cpo1", &audit_any, &f->e));
	FAILS(f, E_NOT_FOUND, credential_store_get(f->db, CREDENTIAL_SECRET, "client", &d, &f->e));
	FAILS(f, E_PARTICIPANT_UNKNOWN, party_store_get(f->db, "cpo1", &p, &f->e));
	FAILS(f, E_PARTICIPANT_UNKNOWN, party_store_delete(f->db, "cpo1", &audit_any, &f->e));
}

static void
credential_is_replaced_by_its_owner_only(void **state)
{
	struct fixture *f = *state;
	struct party a = make_party("a"), b = make_party("b");
	struct credential c = {.party = "a", .kind = CREDENTIAL_CERT, .key = "00ff"}, d;

	OK(f, party_store_put(f->db, &a, &audit_any, &f->e));
	OK(f, party_store_put(f->db, &b, &audit_any, &f->e));
	OK(f, credential_store_put(f->db, &c, &audit_any, &f->e));
	c.expires = 5;
	OK(f, credential_store_put(f->db, &c, &audit_any, &f->e));
	memcpy(c.party, "b", 2);
	FAILS(f, E_DB_DUPLICATE, credential_store_put(f->db, &c, &audit_any, &f->e));
	OK(f, credential_store_get(f->db, CREDENTIAL_CERT, "00ff", &d, &f->e));
	assert_string_equal(d.party, "a");
	assert_int_equal(d.expires, 5);
	OK(f, credential_store_delete(f->db, CREDENTIAL_CERT, "00ff", &audit_any, &f->e));
	FAILS(f, E_NOT_FOUND,
	      credential_store_delete(f->db, CREDENTIAL_CERT, "00ff", &audit_any, &f->e));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(participant_comes_back_as_it_went),
		T(full_list_of_prefixes_fits_and_one_more_is_refused),
		T(participants_are_paged_by_id),
		T(credential_needs_its_participant_and_dies_with_it),
		T(credential_is_replaced_by_its_owner_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
