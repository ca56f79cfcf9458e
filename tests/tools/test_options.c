/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tools/commands.h"
#include "tools/options.h"

static const struct usage usage = {
	.command = "v2gpki test", .args = "A [B]", .about = "Tests.", .args_min = 1, .args_max = 2};

struct parsed {
	struct common common;
	struct arguments args;
	const char *name;
	bool flag, go_on;
	int status;
};

static struct parsed
parse(bool client, int argc, char **argv)
{
	struct parsed p = {0};
	struct usage u = usage;
	const struct opt own[] = {
		{"name", "N", &p.name, NULL, "a name"},
		{"flag", NULL, NULL, &p.flag, "a flag"},
	};

	u.client = client;
	p.args = (struct arguments){argv, argc};
	p.go_on = options_parse(&u, own, 2, &p.common, &p.args, &p.status);
	return p;
}

#define PARSE(client, ...)                                                     \
	parse(client, (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)), \
	      (char *[]){__VA_ARGS__, NULL})

static char cmd[] = "test", a[] = "a", b[] = "b", c[] = "c";

static void
options_stand_before_and_after_arguments(void **state)
{
	char name[] = "--name", value[] = "x", flag[] = "--flag", j[] = "-j", n[] = "--dry-run",
	     o[] = "-o", cc[] = "--config=f";
	struct parsed p = PARSE(false, cmd, a, name, value, flag, j, n, o, c, cc, b);

	(void)state;
	assert_true(p.go_on);
	assert_string_equal(p.name, "x");
	assert_true(p.flag && p.common.json && p.common.dry_run);
	assert_string_equal(p.common.out, "c");
	assert_string_equal(p.common.config, "f");
	assert_int_equal(p.args.n, 2);
	assert_string_equal(p.args.v[0], "a");
	assert_string_equal(p.args.v[1], "b");
}

static void
a_second_command_starts_afresh(void **state)
{
	char flag[] = "--flag";

	(void)state;
	assert_true(PARSE(false, cmd, flag, a).flag);
	assert_false(PARSE(false, cmd, a).flag);
	assert_int_equal(PARSE(false, cmd, a).args.n, 1);
}

static void
faults_of_usage_have_status_2(void **state)
{
	char name[] = "--name", none[] = "--none", flag[] = "--flag=1", url[] = "--url=x";

	(void)state;
	assert_int_equal(PARSE(false, cmd).status, EXIT_USAGE);
	assert_int_equal(PARSE(false, cmd, a, b, c).status, EXIT_USAGE);
	assert_int_equal(PARSE(false, cmd, a, name).status, EXIT_USAGE);
	assert_int_equal(PARSE(false, cmd, a, none).status, EXIT_USAGE);
	assert_int_equal(PARSE(false, cmd, a, flag).status, EXIT_USAGE);
	assert_false(PARSE(false, cmd, a, url).go_on);
	assert_true(PARSE(true, cmd, a, url).go_on);
}

static void
help_has_status_0(void **state)
{
	char help[] = "--help", h[] = "-h";

	(void)state;
	assert_int_equal(PARSE(false, cmd, help).status, EXIT_OK);
	assert_false(PARSE(true, cmd, a, b, c, h).go_on);
}

static void
every_kind_of_error_has_its_exit_status(void **state)
{
	(void)state;
	assert_int_equal(exit_status_of(E_OK), 0);
	assert_int_equal(exit_status_of(E_INTERNAL), 1);
	assert_int_equal(exit_status_of(E_IO), 1);
	assert_int_equal(exit_status_of(E_USAGE), 2);
	assert_int_equal(exit_status_of(E_ROLE), 3);
	assert_int_equal(exit_status_of(E_SIZE_BUDGET), 3);
	assert_int_equal(exit_status_of(E_AUTH_CREDENTIAL), 3);
	assert_int_equal(exit_status_of(E_CONTRACT_UNKNOWN), 4);
	assert_int_equal(exit_status_of(E_BUSY), 5);
	assert_int_equal(exit_status_of(E_RATE), 5);
	assert_int_equal(exit_status_of(E_HSM_SLOT), 5);
}

static int
twice(int argc, char **argv)
{
	return argc == 2 ? 40 + (argv[1][0] == 'x') : 0;
}

static void
the_table_finds_commands_by_their_whole_name(void **state)
{
	static const struct command table[] = {{"one", cmd_status, "1"}, {"two", twice, "2"}};
	char prog[] = "v2gpki", two[] = "two", tw[] = "tw", x[] = "x", help[] = "--help";

	(void)state;
	assert_int_equal(commands_run("t", table, 2, 3, (char *[]){prog, two, x, NULL}), 41);
	assert_int_equal(commands_run("t", table, 2, 2, (char *[]){prog, tw, NULL}), EXIT_USAGE);
	assert_int_equal(commands_run("t", table, 2, 1, (char *[]){prog, NULL}), EXIT_USAGE);
	assert_int_equal(commands_run("t", table, 2, 2, (char *[]){prog, help, NULL}), EXIT_OK);
}

static void
every_command_has_a_line_of_help(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < command_count; i++) {
		assert_non_null(commands[i].run);
		assert_true(strlen(commands[i].help) > 0 && strlen(commands[i].help) < 66);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_before_and_after_arguments),
		cmocka_unit_test(a_second_command_starts_afresh),
		cmocka_unit_test(faults_of_usage_have_status_2),
		cmocka_unit_test(help_has_status_0),
		cmocka_unit_test(every_kind_of_error_has_its_exit_status),
		cmocka_unit_test(the_table_finds_commands_by_their_whole_name),
		cmocka_unit_test(every_command_has_a_line_of_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
