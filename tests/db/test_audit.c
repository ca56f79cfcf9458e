/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#define PCID  "WVAABCDEFGH123456"
#define EMAID "DEXYZC12345678"

static void
append(struct fixture *f, unsigned n)
{
	struct audit_record a = {.actor = "cpo1",
				 .action = "certificate.intent",
				 .object = "00ff",
				 .request_id = "r",
				 .subject_kind = "pcid",
				 .subject = PCID,
				 .detail = "short"};

	while (n-- > 0)
		OK(f, audit_append(f->db, &a, &f->e));
}

static void
row_carries_a_pseudonym_and_the_chain(void **state)
{
	struct fixture *f = *state;
	struct audit_row rows[4];
	size_t n;

	append(f, 2);
	OK(f, audit_append(f->db, &audit_any, &f->e));
	OK(f, audit_list(f->db, 0, rows, 4, &n, &f->e));
	assert_int_equal(n, 3);
	assert_int_equal(rows[0].seq, 1);
	assert_string_equal(rows[0].actor, "cpo1");
	assert_string_equal(rows[0].detail, "short");
	assert_int_equal(strlen(rows[0].subject), 24);
	assert_null(strstr(rows[0].subject, "WVA"));
	assert_memory_equal(rows[1].prev, rows[0].hash, 32);
	assert_string_equal(rows[2].object, "");
	assert_string_equal(rows[2].subject, "");
	while (n > 0)
		audit_row_free(&rows[--n]);
	OK(f, audit_list(f->db, 2, rows, 4, &n, &f->e));
	assert_int_equal(n, 1);
	audit_row_free(&rows[0]);
}

static void
verify_walks_a_long_chain_across_restarts(void **state)
{
	struct fixture *f = *state;
	int64_t rows;

	OK(f, audit_verify(f->db, &rows, &f->e));
	assert_int_equal(rows, 0);
	append(f, 700);
	fixture_close(f);
	fixture_open(f, NULL, 0);
	append(f, 400);
	OK(f, audit_verify(f->db, &rows, &f->e));
	assert_int_equal(rows, 1100);
}

/* I-30: whoever changes, removes or swaps a row is found at that row. */
static void
tampering_is_found_where_it_is(void **state)
{
	static const char *const attempts[] = {
		"UPDATE audit SET actor = 'other' WHERE seq = 5",
		"UPDATE audit SET at = at + 1 WHERE seq = 5",
		"UPDATE audit SET actor = 'cpo1c', action = 'ertificate.intent' WHERE seq = 5",
		"UPDATE audit SET sealed = x'00' WHERE seq = 5",
		"UPDATE audit SET hash = prev WHERE seq = 5",
		"DELETE FROM audit WHERE seq = 5",
		("UPDATE audit SET seq = 99 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 6;"
		 "UPDATE audit SET seq = 6 WHERE seq = 99"),
	};
	struct fixture *f = *state;
	int64_t rows;
	size_t i;

	append(f, 9);
	for (i = 0; i < ARRAY_LEN(attempts); i++) {
		raw_exec(f, "CREATE TABLE copy AS SELECT * FROM audit");
		raw_exec(f, attempts[i]);
		assert_int_equal(audit_verify(f->db, &rows, &f->e), E_DB);
		assert_non_null(strstr(f->e.text, "row 5"));
		err_clear(&f->e);
		raw_exec(f, "DELETE FROM audit; INSERT INTO audit SELECT * FROM copy;"
			    "DROP TABLE copy");
		OK(f, audit_verify(f->db, &rows, &f->e));
	}
}

static void
failed_write_leaves_no_audit_row(void **state)
{
	struct fixture *f = *state;
	int64_t rows;

	FAILS(f, E_VEHICLE_UNKNOWN, vehicle_store_delete(f->db, PCID, NULL, &audit_any, &f->e));
	append(f, 1);
	OK(f, audit_verify(f->db, &rows, &f->e));
	assert_int_equal(rows, 1);
}

/* I-31: in one transaction, so what cannot be audited does not happen. */
static void
no_audit_row_no_write(void **state)
{
	struct fixture *f = *state;
	struct cert_row r = make_intent("cpo-sub2", 1);
	int64_t id;

	make_ca(f, "cpo-sub2");
	raw_exec(f, "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); "
		    "END");
	FAILS(f, E_DB, cert_store_intent(f->db, &r, &audit_any, &id, &f->e));
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_status"), 0);
	assert_int_equal(raw_int(f, "SELECT n FROM counters WHERE name = 'intents'"), 0);
	raw_exec(f, "DROP TRIGGER full");
	OK(f, cert_store_intent(f->db, &r, &audit_any, &id, &f->e));
}

static void
unknown_kind_of_subject_is_refused(void **state)
{
	struct fixture *f = *state;
	struct audit_record a = audit_any;

	a.subject_kind = "name";
	a.subject = "somebody";
	FAILS(f, E_INTERNAL, audit_append(f->db, &a, &f->e));
}

/* I-42 */
static void
erased_key_leaves_the_chain_valid_and_the_value_unreadable(void **state)
{
	struct fixture *f = *state;
	struct buf clear = {0};
	int64_t rows;

	append(f, 1);
	OK(f, audit_append(f->db, &audit_any, &f->e));
	OK(f, audit_open_subject(f->db, 1, &clear, &f->e));
	assert_true(span_equal(buf_span(&clear), SPAN_LIT(PCID)));
	buf_clear(&clear);
	FAILS(f, E_NOT_FOUND, audit_open_subject(f->db, 2, &clear, &f->e));
	OK(f, audit_erase_subject(f->db, "pcid", PCID, &audit_any, &f->e));
	FAILS(f, E_NOT_FOUND, audit_open_subject(f->db, 1, &clear, &f->e));
	assert_int_equal(clear.n, 0);
	OK(f, audit_verify(f->db, &rows, &f->e));
	assert_int_equal(rows, 3);
	buf_free(&clear);
}

/* --- I-41: what the files hold --- */
static void
read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "rb");
	char piece[4096];
	size_t n;

	if (file == NULL)
		return;
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_put(out, piece, n);
	(void)fclose(file);
}

static bool
holds(struct span hay, const char *needle)
{
	return hay.n > 0 && memmem(hay.p, hay.n, needle, strlen(needle)) != NULL;
}

/* Every byte of audit and outbox, copied page by page into a file of their own. */
static void
dump_tables(struct fixture *f, struct buf *out)
{
	char path[128], sql[512];

	(void)snprintf(path, sizeof(path), "%s/copy", f->dir);
	(void)snprintf(sql, sizeof(sql),
		       "ATTACH '%s' AS x; CREATE TABLE x.a AS SELECT * FROM audit;"
		       "CREATE TABLE x.o AS SELECT * FROM outbox;"
		       "CREATE TABLE x.k AS SELECT * FROM subject_keys",
		       path);
	raw_exec(f, sql);
	read_file(path, out);
	(void)remove(path);
}

static void
audit_and_outbox_hold_no_pcid_and_no_emaid(void **state)
{
	struct fixture *f = *state;
	struct buf tables = {0}, store = {0};

	make_vehicle(f, PCID, 1);
	OK(f, put_contract(f, EMAID, PCID, 1));
	OK(f, put_contract(f, EMAID, PCID, 2));
	append(f, 3);
	OK(f, outbox_put(f->db, "mo.contract.delivered.to.oem", PCID, EMAID, &f->e));
	OK(f, contract_store_delete(f->db, EMAID, NULL, &audit_any, &f->e));
	dump_tables(f, &tables);
	assert_true(holds(buf_span(&tables), "oem.contract.deleted"));
	assert_true(holds(buf_span(&tables), "certificate.intent"));
	assert_false(holds(buf_span(&tables), PCID));
	assert_false(holds(buf_span(&tables), EMAID));
	read_file(f->path, &store); /* the check can fail: the pool's own rows are in clear */
	fixture_close(f);
	buf_clear(&store);
	read_file(f->path, &store);
	assert_true(holds(buf_span(&store), PCID));
	assert_false(holds(buf_span(&store), EMAID)); /* deleted rows are wiped */
	buf_free(&tables);
	buf_free(&store);
	fixture_open(f, NULL, 0);
}

static void
erased_key_is_gone_from_every_file(void **state)
{
	struct fixture *f = *state;
	struct buf files = {0};
	sqlite3 *h = NULL;
	sqlite3_stmt *s = NULL;
	uint8_t wrapped[64];
	char wal[128];

	append(f, 1);
	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(h, "SELECT wrapped FROM subject_keys", -1, &s, NULL),
			 0);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_int_equal(sqlite3_column_bytes(s, 0), 60);
	memcpy(wrapped, sqlite3_column_blob(s, 0), 60);
	(void)sqlite3_finalize(s);
	(void)sqlite3_close(h);
	(void)snprintf(wal, sizeof(wal), "%s-wal", f->path);
	read_file(wal, &files);
	assert_non_null(files.p);
	assert_non_null(memmem(files.p, files.n, wrapped, 60));
	OK(f, audit_erase_subject(f->db, "pcid", PCID, &audit_any, &f->e));
	buf_clear(&files);
	read_file(wal, &files);
	read_file(f->path, &files);
	assert_null(memmem(files.p, files.n, wrapped, 60));
	buf_free(&files);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(row_carries_a_pseudonym_and_the_chain),
		T(verify_walks_a_long_chain_across_restarts),
		T(tampering_is_found_where_it_is),
		T(failed_write_leaves_no_audit_row),
		T(no_audit_row_no_write),
		T(unknown_kind_of_subject_is_refused),
		T(erased_key_leaves_the_chain_valid_and_the_value_unreadable),
		T(audit_and_outbox_hold_no_pcid_and_no_emaid),
		T(erased_key_is_gone_from_every_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
