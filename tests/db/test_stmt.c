/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "db/conn.h"

/* Plans that may walk a table, and why. */
static const struct {
	enum stmt_id id;
	const char *because;
} may_scan[] = {
	{STMT_COUNTERS, "8 rows"},
	{STMT_CA_LIST, "all CAs are asked for"},
	{STMT_ROOT_LIST, "all roots are asked for; they are few"},
	{STMT_AUDIT_TAIL, "from the end, one row"},
};

static bool
allowed(enum stmt_id id)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(may_scan); i++)
		if (may_scan[i].id == id)
			return true;
	return false;
}

#define N "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "

/* 100,000 rows of everything that grows. */
static void
fill(struct fixture *f)
{
	char name[16];
	unsigned i;

	make_ca(f, "cpo-sub2");
	for (i = 0; i < 30; i++) { /* of one CA the planner rightly says that a scan is as good */
		(void)snprintf(name, sizeof(name), "ca%u", i);
		make_ca(f, name);
	}
	raw_exec(
		f,
		"BEGIN;" N
		"INSERT INTO cert_status SELECT i, 1, randomblob(16), 1, i % 50 = 0, 0, 0, i, i,"
		"0, i % 10 > 0 FROM n;" N
		"INSERT INTO cert_info SELECT i, 'r' || i, 0, x'', x'', x'', 'secc-2',"
		"'cpo' || (i % 7), 'cn', randomblob(32), 0 FROM n;" N
		"INSERT INTO cert_der SELECT i, randomblob(32), randomblob(700) FROM n;" N
		"INSERT INTO vehicles SELECT 'P' || i, 1, '', 'oem', x'', x'', x'', x'', x'', '',"
		"'', 0, 0, 0 FROM n;" N "INSERT INTO emaids SELECT 'E' || i, 'P' || i FROM n;" N
		"INSERT INTO contracts SELECT i, 'E' || i, 'P' || i, 1, '', 'mo', 1, 1, 0, x'', 0,"
		"0, 0, 0, '', '', '' FROM n;" N
		"INSERT INTO variants SELECT i, 'aa', x'', 0, 0 FROM n;" N
		"INSERT INTO audit SELECT i + 100, 0, '', '', '', '', '', '', x'', '', x'', x'' FROM n;" N
		"INSERT INTO outbox SELECT i, 0, '', '', '', x'', '', x'', '' FROM n;" N
		"INSERT INTO credentials SELECT 0, 'c' || i, 'a', x'', x'', 0, 0 FROM n;" N
		"INSERT INTO parties SELECT 'p' || i, '', 0, '', '', '', 0, 0, 0 FROM n;" N
		"INSERT INTO subject_keys SELECT 's' || i, x'', 0 FROM n;" N
		"INSERT INTO blocked_keys SELECT randomblob(32), 0 FROM n;"
		"COMMIT");
}

/* Cost of a request must not grow with the rows: no statement walks a table or sorts. */
static unsigned
check_plan(sqlite3 *h, enum stmt_id id)
{
	char sql[4096];
	sqlite3_stmt *s = NULL;
	const char *detail;
	unsigned bad = 0;

	(void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", stmt_text(id));
	assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		detail = (const char *)sqlite3_column_text(s, 3);
		if (!allowed(id) && (strncmp(detail, "SCAN", 4) == 0 ||
				     strncmp(detail, "USE TEMP B-TREE", 15) == 0)) {
			print_error("%s: %s\n", stmt_name(id), detail);
			bad++;
		}
	}
	(void)sqlite3_finalize(s);
	return bad;
}

static void
every_plan_uses_an_index_at_100000_rows(void **state)
{
	struct fixture *f = *state;
	sqlite3 *h = NULL;
	unsigned bad = 0;
	int id;

	raw_exec(f, "INSERT INTO parties VALUES ('a', '', 0, '', '', '', 0, 0, 0)");
	fill(f);
	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	for (id = 0; id < STMT_COUNT; id++)
		bad += check_plan(h, (enum stmt_id)id);
	assert_int_equal(bad, 0);
	raw_exec(f, "ANALYZE"); /* an operator may: the plans must not turn */
	(void)sqlite3_close(h);
	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	for (id = 0; id < STMT_COUNT; id++)
		bad += check_plan(h, (enum stmt_id)id);
	(void)sqlite3_close(h);
	assert_int_equal(bad, 0);
}

static void
parameters_are_numbered_without_gaps(void **state)
{
	struct fixture *f = *state;
	sqlite3 *h = NULL;
	sqlite3_stmt *s;
	char name[16];
	int id, i, n;

	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	for (id = 0; id < STMT_COUNT; id++) {
		s = NULL;
		if (sqlite3_prepare_v2(h, stmt_text((enum stmt_id)id), -1, &s, NULL) != SQLITE_OK)
			fail_msg("%s: %s", stmt_name((enum stmt_id)id), sqlite3_errmsg(h));
		n = sqlite3_bind_parameter_count(s);
		assert_true(n <= 24);
		for (i = 1; i <= n; i++) {
			(void)snprintf(name, sizeof(name), "$%d", i);
			assert_true(sqlite3_bind_parameter_index(s, name) > 0);
		}
		(void)sqlite3_finalize(s);
	}
	(void)sqlite3_close(h);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(every_plan_uses_an_index_at_100000_rows),
		T(parameters_are_numbered_without_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
