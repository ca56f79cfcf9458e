/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"

static char path[] = "/tmp/v2gpki-secret-XXXXXX";

static void
write_file(const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
the_first_line_is_the_secret(void **state)
{
	struct secret s = {0};
	size_t before = secret_used();

	(void)state;
	write_file("1234\nignored\n", 0600);
	assert_int_equal(secret_read_file(path, &s, NULL), E_OK);
	assert_true(span_equal(secret_span(&s), SPAN_LIT("1234")));
	assert_true(secret_used() > before);
	secret_free(&s);
	assert_int_equal(secret_used(), before);
	assert_null(s.p);
}

static void
bad_secret_files_are_refused(void **state)
{
	struct secret s = {0};
	char long_line[SECRET_FILE_MAX + 3];

	(void)state;
	write_file("\n", 0600);
	assert_int_equal(secret_read_file(path, &s, NULL), E_IO);
	write_file("1234\n", 0620);
	assert_int_equal(secret_read_file(path, &s, NULL), E_IO);
	memset(long_line, 'x', sizeof(long_line));
	long_line[sizeof(long_line) - 1] = '\0';
	write_file(long_line, 0600);
	assert_int_equal(secret_read_file(path, &s, NULL), E_IO);
	assert_int_equal(secret_read_file("/nonexistent", &s, NULL), E_IO);
	assert_int_equal(secret_read_file("/tmp", &s, NULL), E_IO);
	assert_null(s.p);
}

static void
the_process_cannot_be_dumped(void **state)
{
	(void)state;
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
}

static int
remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_line_is_the_secret),
		cmocka_unit_test(bad_secret_files_are_refused),
		cmocka_unit_test(the_process_cannot_be_dumped),
	};
	int fd = mkstemp(path);

	if (fd < 0 || close(fd) != 0 || secret_init(NULL) != E_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, remove_file);
}
