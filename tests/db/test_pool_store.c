/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#define PCID  "WVAABCDEFGH123456"
#define PCID2 "WVBABCDEFGH123456"
#define EMAID "DEXYZC12345678"

/* --- helpers --- */
static size_t
events(struct fixture *f, const char *type)
{
	struct outbox_row rows[32];
	size_t n, i, found = 0;

	OK(f, outbox_list(f->db, 0, rows, 32, &n, &f->e));
	for (i = 0; i < n; i++)
		found += strcmp(rows[i].type, type) == 0;
	return found;
}

static struct contract_row
only_contract(struct fixture *f, const char *emaid_key)
{
	struct contract_row *rows, c;
	size_t n;

	OK(f, contract_store_by_emaid(f->db, emaid_key, 1, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	c = rows[0];
	free(rows);
	return c;
}

static size_t
count_by_pcid(struct fixture *f, const char *pcid)
{
	struct contract_row *rows;
	size_t n, i;

	OK(f, contract_store_by_pcid(f->db, pcid, 0, &rows, &n, &f->e));
	for (i = 0; i < n; i++)
		contract_row_free(&rows[i]);
	free(rows);
	return n;
}

static struct root_row
make_root(uint8_t n, unsigned types)
{
	struct root_row r = {.types = types, .not_before = 0, .not_after = 253402300799};

	(void)snprintf(r.id, sizeof(r.id), "00000000-0000-4000-8000-%012u", n);
	memset(r.fingerprint, n, sizeof(r.fingerprint));
	buf_put_u8(&r.der, n);
	return r;
}

/* --- roots --- */
static void
root_gathers_types_under_its_first_id(void **state)
{
	struct fixture *f = *state;
	struct root_row a = make_root(1, ROOT_V2G), b = make_root(1, ROOT_MO), got;
	uint64_t version = root_store_version(f->db);

	OK(f, root_store_put(f->db, &a, &audit_any, &f->e));
	assert_true(root_store_version(f->db) > version);
	memcpy(b.id, "another", 8);
	OK(f, root_store_put(f->db, &b, &audit_any, &f->e));
	assert_string_equal(b.id, a.id);
	assert_int_equal(b.types, ROOT_V2G | ROOT_MO);
	OK(f, root_store_get(f->db, a.id, &got, &f->e));
	assert_int_equal(got.types, ROOT_V2G | ROOT_MO);
	assert_int_equal(got.not_after, 253402300799);
	assert_int_equal(events(f, "root.cert.added"), 1);
	root_row_free(&got);
	root_row_free(&a);
	root_row_free(&b);
}

static void
roots_are_listed_by_type_oldest_first_and_deleted(void **state)
{
	struct fixture *f = *state;
	struct root_row r, *rows;
	uint64_t version;
	size_t n, i;

	for (i = 1; i <= 6; i++) {
		r = make_root((uint8_t)i, i % 2 == 0 ? ROOT_OEM : ROOT_MO | ROOT_V2G);
		OK(f, root_store_put(f->db, &r, &audit_any, &f->e));
		root_row_free(&r);
	}
	OK(f, root_store_list(f->db, ROOT_V2G | ROOT_PE, &rows, &n, &f->e));
	assert_int_equal(n, 3);
	assert_int_equal(rows[0].der.p[0], 1);
	assert_int_equal(rows[2].der.p[0], 5);
	version = root_store_version(f->db);
	OK(f, root_store_delete(f->db, rows[0].id, &audit_any, &f->e));
	assert_true(root_store_version(f->db) > version);
	FAILS(f, E_ROOT_UNKNOWN, root_store_delete(f->db, rows[0].id, &audit_any, &f->e));
	FAILS(f, E_ROOT_UNKNOWN, root_store_get(f->db, rows[0].id, &r, &f->e));
	for (i = 0; i < n; i++)
		root_row_free(&rows[i]);
	free(rows);
}

/* --- vehicles --- */
static void
vehicle_comes_back_as_it_went(void **state)
{
	struct fixture *f = *state;
	struct vehicle_row v = {.pcid = PCID, .edition = 1, .given = "wva", .participant = "oem"},
			   w;

	memset(v.root_fingerprint, 9, sizeof(v.root_fingerprint));
	buf_put_str(&v.leaf, "leaf");
	buf_put_str(&v.sub1, "sub");
	buf_put_str(&v.point, "point");
	buf_put_str(&v.v2g_akis, "[\"aa\"]");
	OK(f, vehicle_store_put(f->db, &v, NULL, &audit_any, NULL, &f->e));
	OK(f, vehicle_store_get(f->db, PCID, 1, &w, &f->e));
	assert_string_equal(w.given, "wva");
	assert_int_equal(w.sub2.n, 0);
	assert_memory_equal(w.point.p, "point", 5);
	assert_memory_equal(w.v2g_akis.p, "[\"aa\"]", 6);
	assert_memory_equal(w.root_fingerprint, v.root_fingerprint, 32);
	vehicle_row_free(&w);
	vehicle_row_free(&v);
	FAILS(f, E_VEHICLE_UNKNOWN, vehicle_store_get(f->db, PCID, 2, &w, &f->e));
	FAILS(f, E_VEHICLE_UNKNOWN, vehicle_store_delete(f->db, PCID2, NULL, &audit_any, &f->e));
}

static void
same_key_keeps_contracts_another_drops_them_with_events(void **state)
{
	struct fixture *f = *state;
	struct vehicle_row v = {.pcid = PCID, .edition = 1};
	struct pool_counts counts;
	int64_t dropped;

	make_vehicle(f, PCID, 1);
	OK(f, put_contract(f, EMAID, PCID, 1));
	OK(f, put_contract(f, "DEXYZC00000001", PCID, 1));
	make_vehicle(f, PCID, 1);
	assert_int_equal(count_by_pcid(f, PCID), 2);
	buf_put_u8(&v.point, 2);
	OK(f, vehicle_store_put(f->db, &v, NULL, &audit_any, &dropped, &f->e));
	vehicle_row_free(&v);
	assert_int_equal(dropped, 2);
	assert_int_equal(count_by_pcid(f, PCID), 0);
	assert_int_equal(events(f, "mo.prov.cert.updated"), 2);
	OK(f, pool_store_counts(f->db, &counts, &f->e));
	assert_int_equal(counts.vehicles, 1);
	assert_int_equal(counts.contracts, 0);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM variants"), 0);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM emaids"), 0);
}

static void
deleting_a_vehicle_deletes_its_contracts_with_events(void **state)
{
	struct fixture *f = *state;
	struct pool_counts counts;

	make_vehicle(f, PCID, 1);
	make_vehicle(f, PCID2, 1);
	OK(f, put_contract(f, EMAID, PCID, 1));
	OK(f, put_contract(f, "DEXYZC00000001", PCID2, 1));
	OK(f, vehicle_store_delete(f->db, PCID, NULL, &audit_any, &f->e));
	assert_int_equal(count_by_pcid(f, PCID), 0);
	assert_int_equal(count_by_pcid(f, PCID2), 1);
	assert_int_equal(events(f, "mo.prov.cert.deleted"), 1);
	OK(f, pool_store_counts(f->db, &counts, &f->e));
	assert_int_equal(counts.vehicles, 1);
	assert_int_equal(counts.contracts, 1);
}

/* Two contracts as a caller read them, then an order that puts another certificate into one. */
static void
deletions_that_an_order_overtakes_change_nothing(void **state)
{
	struct fixture *f = *state;
	struct contract_row *rows = NULL;
	struct vehicle_row v = {.pcid = PCID, .edition = 1};
	struct contract_set seen = {0};

	make_vehicle(f, PCID, 1);
	OK(f, put_contract(f, EMAID, PCID, 1));
	assert_int_equal(raw_try(f, "UPDATE contracts SET ours = 1, cert_id = 7"), SQLITE_OK);
	OK(f, contract_store_by_pcid(f->db, PCID, 0, &rows, &seen.count, &f->e));
	seen.rows = rows;
	assert_int_equal(raw_try(f, "UPDATE contracts SET cert_id = 8"), SQLITE_OK);
	buf_put_u8(&v.point, 2);
	FAILS(f, E_DB_CHANGED, contract_store_delete(f->db, EMAID, &seen, &audit_any, &f->e));
	FAILS(f, E_DB_CHANGED, vehicle_store_delete(f->db, PCID, &seen, &audit_any, &f->e));
	FAILS(f, E_DB_CHANGED, vehicle_store_put(f->db, &v, &seen, &audit_any, NULL, &f->e));
	assert_int_equal(count_by_pcid(f, PCID), 1);
	assert_int_equal(events(f, "oem.contract.deleted"), 0);
	assert_int_equal(raw_try(f, "UPDATE contracts SET cert_id = 7"), SQLITE_OK);
	OK(f, contract_store_delete(f->db, EMAID, &seen, &audit_any, &f->e));
	contract_row_free(&rows[0]);
	free(rows);
	vehicle_row_free(&v);
}

static void
page_of_vehicles_never_ends_between_editions(void **state)
{
	struct fixture *f = *state;
	struct vehicle_row rows[4], v = {.edition = 2};
	char after[19] = "", pcid[19];
	size_t n, i, total = 0;
	unsigned k;

	for (k = 0; k < 5; k++) {
		(void)snprintf(pcid, sizeof(pcid), "WVA0000000000000%u", k % 10);
		make_vehicle(f, pcid, 1);
		memcpy(v.pcid, pcid, sizeof(pcid));
		if (k % 2 == 1)
			OK(f, vehicle_store_put(f->db, &v, NULL, &audit_any, NULL, &f->e));
	}
	do {
		OK(f, vehicle_store_list(f->db, after, rows, 4, &n, &f->e));
		if (n > 0)
			memcpy(after, rows[n - 1].pcid, sizeof(after));
		for (i = 0; i < n; i++)
			vehicle_row_free(&rows[i]);
		total += n;
	} while (n > 0);
	assert_int_equal(total, 7);
	FAILS(f, E_INTERNAL, vehicle_store_list(f->db, "", rows, 1, &n, &f->e));
}

/* --- contracts --- */
static void
contract_needs_a_vehicle_of_its_edition(void **state)
{
	struct fixture *f = *state;

	FAILS(f, E_PCID_UNKNOWN, put_contract(f, EMAID, PCID, 1));
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM emaids"), 0);
}

/* I-36, contract rule 1: also when the code would forget to look. */
static void
emaid_belongs_to_one_pcid_by_the_database_itself(void **state)
{
	struct fixture *f = *state;
	char pcid[19];

	make_vehicle(f, PCID, 1);
	make_vehicle(f, PCID2, 1);
	OK(f, put_contract(f, EMAID, PCID, 1));
	FAILS(f, E_EMAID_TAKEN, put_contract(f, EMAID, PCID2, 1));
	OK(f, contract_store_owner(f->db, EMAID, pcid, &f->e));
	assert_string_equal(pcid, PCID);
	assert_int_equal(raw_try(f, "INSERT INTO emaids VALUES ('" EMAID "', '" PCID2 "')"),
			 SQLITE_CONSTRAINT);
	assert_int_equal(raw_try(f, "UPDATE contracts SET pcid = '" PCID2 "'"), SQLITE_CONSTRAINT);
	assert_int_equal(raw_try(f, "INSERT INTO contracts SELECT id + 1, emaid_key, pcid, edition,"
				    "emaid, participant, 0, ours, cert_id, cert, not_before,"
				    "not_after, created, changed, request_id, metadata,"
				    "subscription_url FROM contracts"),
			 SQLITE_CONSTRAINT);
	OK(f, contract_store_delete(f->db, EMAID, NULL, &audit_any, &f->e));
	OK(f, contract_store_owner(f->db, EMAID, pcid, &f->e));
	assert_string_equal(pcid, "");
	OK(f, put_contract(f, EMAID, PCID2, 1));
}

/* Contract rules 3 to 5 */
static void
first_contract_is_default_and_only_one_is(void **state)
{
	struct fixture *f = *state;
	struct contract_row a, b;

	make_vehicle(f, PCID, 1);
	OK(f, put_contract(f, "DEXYZC00000001", PCID, 1));
	OK(f, put_contract(f, "DEXYZC00000002", PCID, 1));
	OK(f, put_contract(f, "DEXYZC00000001", PCID, 2)); /* an update keeps the flag */
	a = only_contract(f, "DEXYZC00000001");
	b = only_contract(f, "DEXYZC00000002");
	assert_true(a.is_default);
	assert_false(b.is_default);
	assert_int_equal(a.cert.p[0], 2);
	OK(f, contract_store_set_default(f->db, b.id, &audit_any, &f->e));
	contract_row_free(&a);
	contract_row_free(&b);
	a = only_contract(f, "DEXYZC00000001");
	b = only_contract(f, "DEXYZC00000002");
	assert_false(a.is_default);
	assert_true(b.is_default);
	contract_row_free(&a);
	contract_row_free(&b);
	assert_int_equal(raw_try(f, "UPDATE contracts SET is_default = 1"), SQLITE_CONSTRAINT);
	OK(f, contract_store_delete(f->db, "DEXYZC00000002", NULL, &audit_any, &f->e));
	OK(f, put_contract(f, "DEXYZC00000003", PCID, 1)); /* nobody is promoted */
	assert_int_equal(raw_int(f, "SELECT SUM(is_default) FROM contracts"), 0);
	FAILS(f, E_CONTRACT_UNKNOWN, contract_store_set_default(f->db, 99, &audit_any, &f->e));
}

/* I-36: with another certificate no bundle of the old one is left, in one transaction. */
static void
update_replaces_certificate_and_bundles_together(void **state)
{
	struct fixture *f = *state;
	struct contract_row c;
	struct variant_row v = {.cps_root = "bb"}, got, *all;
	struct pool_counts counts;
	size_t n;

	make_vehicle(f, PCID, 1);
	OK(f, put_contract(f, EMAID, PCID, 1));
	c = only_contract(f, EMAID);
	buf_put_str(&v.exi, "second root");
	OK(f, contract_store_put(f->db, &c, &v, &audit_any, &f->e)); /* same certificate: beside */
	variant_row_free(&v);
	OK(f, variant_store_list(f->db, c.id, &all, &n, &f->e));
	assert_int_equal(n, 2);
	assert_string_equal(all[1].cps_root, "bb");
	variant_row_free(&all[0]);
	variant_row_free(&all[1]);
	free(all);
	OK(f, put_contract(f, EMAID, PCID, 2));
	OK(f, variant_store_get(f->db, c.id, NULL, &got, &f->e));
	assert_memory_equal(got.exi.p, "bundle \002", 8);
	variant_row_free(&got);
	OK(f, variant_store_get(f->db, c.id, "aa", &got, &f->e));
	variant_row_free(&got);
	FAILS(f, E_NOT_FOUND, variant_store_get(f->db, c.id, "bb", &got, &f->e));
	contract_row_free(&c);
	assert_int_equal(events(f, "oem.contract.created"), 1);
	assert_int_equal(events(f, "oem.contract.updated"), 2);
	OK(f, pool_store_counts(f->db, &counts, &f->e));
	assert_int_equal(counts.contracts, 1);
	assert_int_equal(counts.outbox, 3);
}

static void
contract_claims_its_certificate_unless_it_is_revoked(void **state)
{
	struct fixture *f = *state;
	struct contract_row c = {.emaid_key = EMAID, .emaid = EMAID, .pcid = PCID, .edition = 1};
	struct cert_row r;

	make_ca(f, "mo-sub2");
	make_vehicle(f, PCID, 1);
	c.cert_id = make_cert(f, "mo-sub2", 1);
	OK(f, contract_store_put(f->db, &c, NULL, &audit_any, &f->e));
	OK(f, cert_store_by_request(f->db, "request-1", &r, &f->e));
	assert_true(r.claimed);
	cert_row_free(&r);
	c.cert_id = make_cert(f, "mo-sub2", 2);
	OK(f, cert_store_revoke(f->db, c.cert_id, 4, 1, false, &audit_any, &f->e));
	buf_put_str(&c.cert, "new");
	FAILS(f, E_CERT_REVOKED, contract_store_put(f->db, &c, NULL, &audit_any, &f->e));
	buf_free(&c.cert);
	c = only_contract(f, EMAID);
	assert_int_equal(c.cert.n, 0); /* the old one is untouched */
	contract_row_free(&c);
}

static void
delete_takes_all_of_an_emaid_and_tells_the_oem(void **state)
{
	struct fixture *f = *state;
	struct outbox_row rows[8];
	struct buf pcid = {0}, emaid = {0};
	size_t n;

	make_vehicle(f, PCID, 1);
	FAILS(f, E_CONTRACT_UNKNOWN, contract_store_delete(f->db, EMAID, NULL, &audit_any, &f->e));
	OK(f, put_contract(f, EMAID, PCID, 1));
	OK(f, contract_store_delete(f->db, EMAID, NULL, &audit_any, &f->e));
	assert_int_equal(count_by_pcid(f, PCID), 0);
	OK(f, outbox_list(f->db, 0, rows, 8, &n, &f->e));
	assert_int_equal(n, 2);
	assert_string_equal(rows[1].type, "oem.contract.deleted");
	assert_string_equal(rows[1].recipient, "oem");
	assert_int_equal(strlen(rows[1].pcid), 24);
	assert_string_equal(rows[0].emaid, rows[1].emaid);
	OK(f, outbox_open(f->db, rows[1].id, &pcid, &emaid, &f->e));
	assert_true(span_equal(buf_span(&pcid), SPAN_LIT(PCID)));
	assert_true(span_equal(buf_span(&emaid), SPAN_LIT(EMAID)));
	buf_clear(&pcid);
	OK(f, outbox_put(f->db, "mo.contract.delivered.to.oem", PCID, EMAID, &f->e));
	assert_int_equal(events(f, "mo.contract.delivered.to.oem"), 1);
	OK(f, audit_erase_subject(f->db, "pcid", PCID, &audit_any, &f->e));
	FAILS(f, E_NOT_FOUND, outbox_open(f->db, rows[1].id, &pcid, &emaid, &f->e));
	FAILS(f, E_NOT_FOUND, outbox_open(f->db, 99, &pcid, &emaid, &f->e));
	assert_int_equal(pcid.n, 0);
	buf_free(&pcid);
	buf_free(&emaid);
}

static void
contracts_are_paged_by_id(void **state)
{
	struct fixture *f = *state;
	struct contract_row *rows;
	char emaid[37];
	int64_t after = 0;
	size_t n, i, total = 0;
	unsigned k;

	make_vehicle(f, PCID, 1);
	for (k = 0; k < 5; k++) {
		(void)snprintf(emaid, sizeof(emaid), "DEXYZC0000000%u", k);
		OK(f, put_contract(f, emaid, PCID, 1));
	}
	do {
		OK(f, contract_store_list(f->db, after, &rows, 2, &n, &f->e));
		for (i = 0; i < n; i++) {
			after = rows[i].id;
			contract_row_free(&rows[i]);
		}
		free(rows);
		total += n;
	} while (n == 2);
	assert_int_equal(total, 5);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(root_gathers_types_under_its_first_id),
		T(roots_are_listed_by_type_oldest_first_and_deleted),
		T(vehicle_comes_back_as_it_went),
		T(same_key_keeps_contracts_another_drops_them_with_events),
		T(deleting_a_vehicle_deletes_its_contracts_with_events),
		T(deletions_that_an_order_overtakes_change_nothing),
		T(page_of_vehicles_never_ends_between_editions),
		T(contract_needs_a_vehicle_of_its_edition),
		T(emaid_belongs_to_one_pcid_by_the_database_itself),
		T(first_contract_is_default_and_only_one_is),
		T(update_replaces_certificate_and_bundles_together),
		T(contract_claims_its_certificate_unless_it_is_revoked),
		T(delete_takes_all_of_an_emaid_and_tells_the_oem),
		T(contracts_are_paged_by_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
