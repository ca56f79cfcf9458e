/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static enum err_code
open_conf(struct fixture *f, const char *url, unsigned readers, unsigned queue_max, bool create)
{
	struct db_conf conf = {
		.url = url, .readers = readers, .queue_max = queue_max, .create = create};
	struct db *db = NULL;
	enum err_code rc = db_open(&conf, &db, &f->e);

	assert_true((rc == E_OK) == (db != NULL));
	db_close(db);
	return rc;
}

static void
bad_configuration_is_refused(void **state)
{
	struct fixture *f = *state;

	FAILS(f, E_CONFIG, open_conf(f, "postgres://x", 1, 1, true));
	FAILS(f, E_CONFIG, open_conf(f, "sqlite:", 1, 1, true));
	FAILS(f, E_CONFIG, open_conf(f, f->url, 0, 1, true));
	FAILS(f, E_CONFIG, open_conf(f, f->url, 65, 1, true));
	FAILS(f, E_CONFIG, open_conf(f, f->url, 1, 0, true));
	FAILS(f, E_DB, open_conf(f, "sqlite:/nonexistent/store", 1, 1, false));
	FAILS(f, E_IO, open_conf(f, "sqlite:/nonexistent/store", 1, 1, true));
	OK(f, open_conf(f, f->url, 64, 1, false));
}

static void
store_is_private_wal_full_and_of_16_kb_pages(void **state)
{
	struct fixture *f = *state;
	struct db_figures fig;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(raw_int(f, "PRAGMA page_size"), 16384);
	assert_int_equal(raw_int(f, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
	OK(f, db_figures(f->db, &fig, &f->e));
	assert_int_equal(fig.synchronous, 2);
	OK(f, db_ping(f->db, &f->e));
}

static void
meta_is_set_replaced_and_survives_a_restart(void **state)
{
	struct fixture *f = *state;
	struct buf v = {0};

	FAILS(f, E_NOT_FOUND, db_meta_get(f->db, "name", &v, &f->e));
	OK(f, db_meta_set(f->db, "name", "one", &f->e));
	OK(f, db_meta_set(f->db, "name", "two", &f->e));
	fixture_close(f);
	fixture_open(f, NULL, 0);
	OK(f, db_meta_get(f->db, "name", &v, &f->e));
	assert_true(span_equal(buf_span(&v), SPAN_LIT("two")));
	buf_free(&v);
}

/* I-38 */
static void
newer_version_is_refused_with_both_numbers(void **state)
{
	struct fixture *f = *state;

	raw_exec(f, "INSERT INTO schema_version VALUES (999, '999_later', 0)");
	fixture_close(f);
	assert_int_equal(open_conf(f, f->url, 1, 1, false), E_DB_VERSION);
	assert_non_null(strstr(f->e.text, "999"));
	err_clear(&f->e);
}

/* I-38: killed inside a migration, the next start begins it anew. */
static void
migration_resumes_after_a_kill(void **state)
{
	struct fixture *f = *state;
	char path[128], url[140];
	pid_t pid;
	int status;

	(void)snprintf(path, sizeof(path), "%s/other.db", f->dir);
	(void)snprintf(url, sizeof(url), "sqlite:%s", path);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setenv("V2GPKI_FAULT", "db-migrate:kill", 1);
		(void)open_conf(f, url, 1, 1, true);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	OK(f, open_conf(f, url, 1, 1, false));
	memcpy(f->path, path, sizeof(f->path));
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM schema_version"), 2);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM counters"), 8);
}

/* I-46 */
static void
every_table_has_a_retention_category(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND "
				    "name NOT LIKE 'sqlite_%' AND name NOT IN "
				    "(SELECT table_name FROM retention_of)"),
			 0);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM retention_of WHERE table_name NOT IN "
				    "(SELECT name FROM sqlite_master)"),
			 0);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM retention WHERE default_days NOT BETWEEN "
				    "min_days AND max_days"),
			 0);
	assert_true(raw_int(f, "SELECT COUNT(*) FROM retention_of") > 15);
}

static void
lease_is_held_by_one_until_it_ends(void **state)
{
	struct fixture *f = *state;
	bool got;

	OK(f, db_lease_take(f->db, "crl", "a", 60, &got, &f->e));
	assert_true(got);
	OK(f, db_lease_take(f->db, "crl", "b", 60, &got, &f->e));
	assert_false(got);
	OK(f, db_lease_take(f->db, "crl", "a", -1, &got, &f->e)); /* prolongs; here: ends */
	assert_true(got);
	OK(f, db_lease_take(f->db, "crl", "b", 60, &got, &f->e));
	assert_true(got);
	OK(f, db_lease_drop(f->db, "crl", "a", &f->e)); /* not its own: nothing */
	OK(f, db_lease_take(f->db, "crl", "a", 60, &got, &f->e));
	assert_false(got);
	OK(f, db_lease_drop(f->db, "crl", "b", &f->e));
	OK(f, db_lease_take(f->db, "crl", "a", 60, &got, &f->e));
	assert_true(got);
}

static void
restart_finds_counts_without_scanning(void **state)
{
	struct fixture *f = *state;
	struct cert_counts counts;

	make_ca(f, "cpo-sub2");
	(void)make_cert(f, "cpo-sub2", 1);
	(void)make_cert(f, "cpo-sub2", 2);
	fixture_close(f);
	fixture_open(f, NULL, 0);
	OK(f, cert_store_counts(f->db, &counts, &f->e));
	assert_int_equal(counts.issued, 2);
	assert_int_equal(counts.intents, 0);
	assert_int_equal(raw_int(f, "SELECT COUNT(*) FROM cert_status WHERE state = 1"), 2);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(bad_configuration_is_refused),
		T(store_is_private_wal_full_and_of_16_kb_pages),
		T(meta_is_set_replaced_and_survives_a_restart),
		T(newer_version_is_refused_with_both_numbers),
		T(migration_resumes_after_a_kill),
		T(every_table_has_a_retention_category),
		T(lease_is_held_by_one_until_it_ends),
		T(restart_finds_counts_without_scanning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
