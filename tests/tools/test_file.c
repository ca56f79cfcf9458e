/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/file.h"

static char dir[] = "/tmp/test-file-XXXXXX";

static const char *
in_dir(const char *name)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name); /* fits */
	return path;
}

static void
a_file_is_written_with_its_mode_and_replaced_whole(void **state)
{
	struct buf b = {0};
	struct err e = {0};
	struct stat st;

	(void)state;
	umask(077);
	assert_int_equal(file_write(in_dir("a"), 0644, SPAN_LIT("one"), &e), E_OK);
	assert_int_equal(stat(in_dir("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(file_write(in_dir("a"), 0600, SPAN_LIT("second"), &e), E_OK);
	assert_int_equal(stat(in_dir("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read(in_dir("a"), 6, &b, &e), E_OK);
	assert_true(span_equal(buf_span(&b), SPAN_LIT("second")));
	assert_false(path_exists(in_dir("a.new")));
	buf_free(&b);
}

static void
a_file_that_a_crash_left_beside_is_no_obstacle(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(symlink("/etc/passwd", in_dir("b.new")), 0);
	assert_int_equal(file_write(in_dir("b"), 0600, SPAN_LIT("x"), &e), E_OK);
	assert_true(path_exists(in_dir("b")));
}

static void
too_much_and_nothing_are_refused(void **state)
{
	struct buf b = {0};
	struct secret s = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(file_write(in_dir("c"), 0600, SPAN_LIT("12345"), &e), E_OK);
	assert_int_equal(file_read(in_dir("c"), 4, &b, NULL), E_TOO_BIG);
	assert_int_equal(file_read(in_dir("none"), 4, &b, NULL), E_NOT_FOUND);
	assert_int_equal(file_read_secret(in_dir("c"), 5, &s, NULL), E_IO);
	assert_null(s.p);
	assert_int_equal(file_read_secret(in_dir("c"), 6, &s, &e), E_OK);
	assert_true(span_equal(secret_span(&s), SPAN_LIT("12345")));
	secret_free(&s);
	assert_int_equal(file_read_secret(in_dir("none"), 5, &s, NULL), E_NOT_FOUND);
	assert_int_equal(file_write(in_dir("none/x"), 0600, SPAN_LIT("x"), NULL), E_NOT_FOUND);
	buf_free(&b);
}

static void
folders_are_made_renamed_and_removed(void **state)
{
	struct err e = {0};
	static char from[PATH_MAX], to[PATH_MAX], path[PATH_MAX], longer[PATH_MAX];

	(void)state;
	assert_int_equal(path_join(from, dir, "f", &e), E_OK);
	assert_int_equal(path_join(to, dir, "g", &e), E_OK);
	assert_int_equal(folder_make(from, 0700, &e), E_OK);
	assert_int_equal(folder_make(from, 0700, &e), E_OK);
	assert_int_equal(path_join(path, from, "file", &e), E_OK);
	assert_int_equal(file_write(path, 0600, SPAN_LIT("x"), &e), E_OK);
	assert_int_equal(folder_make(path, 0700, NULL), E_IO);
	assert_int_equal(folder_rename(from, to, &e), E_OK);
	assert_false(path_exists(from));
	assert_int_equal(folder_rename(from, to, NULL), E_NOT_FOUND);
	assert_int_equal(folder_remove(to, &e), E_OK);
	assert_int_equal(folder_remove(to, &e), E_OK);
	assert_false(path_exists(to));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(path_join(path, longer, "x", NULL), E_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_written_with_its_mode_and_replaced_whole),
		cmocka_unit_test(a_file_that_a_crash_left_beside_is_no_obstacle),
		cmocka_unit_test(too_much_and_nothing_are_refused),
		cmocka_unit_test(folders_are_made_renamed_and_removed),
	};
	struct err e = {0};
	int failed;

	if (secret_init(&e) != E_OK || mkdtemp(dir) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	return folder_remove(dir, NULL) == E_OK ? failed : 1;
}
