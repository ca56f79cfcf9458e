/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void
print_table(FILE *f, const char *prefix, const struct command *table, size_t count)
{
	size_t i;

	fprintf(f, "usage: %s COMMAND [options] [arguments]\n\n", prefix);
	for (i = 0; i < count; i++)
		fprintf(f, "  %-10s %s\n", table[i].name, table[i].help);
	fprintf(f, "\n%s COMMAND --help tells the options of one.\n", prefix);
}

static bool
asks_help(const char *word)
{
	return strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "help") == 0;
}

int
commands_run(const char *prefix, const struct command *table, size_t count, int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		print_table(stderr, prefix, table, count);
		return EXIT_USAGE;
	}
	if (asks_help(argv[1])) {
		print_table(stdout, prefix, table, count);
		return EXIT_OK;
	}
	for (i = 0; i < count; i++)
		if (strcmp(argv[1], table[i].name) == 0)
			return table[i].run(argc - 1, argv + 1);
	fprintf(stderr, "%s: there is no command %s; %s --help lists them\n", prefix, argv[1],
		prefix);
	return EXIT_USAGE;
}

enum exit_status
exit_status_of(enum err_code code)
{
	switch (err_kind(code)) {
	case KIND_OK: return EXIT_OK;
	case KIND_USAGE: return EXIT_USAGE;
	case KIND_NOT_FOUND: return EXIT_NOT_FOUND;
	case KIND_TOO_MANY:
	case KIND_UPSTREAM:
	case KIND_UNAVAILABLE: return EXIT_TRY_LATER;
	case KIND_BAD_REQUEST:
	case KIND_UNAUTHENTICATED:
	case KIND_FORBIDDEN:
	case KIND_METHOD:
	case KIND_REFUSED:
	case KIND_TOO_LARGE:
	case KIND_MEDIA_TYPE: return EXIT_REFUSED;
	case KIND_INTERNAL:
	default: return EXIT_FAILED;
	}
}

int
report(enum err_code code, const struct err *e)
{
	if (code == E_OK)
		return EXIT_OK;
	fprintf(stderr, "v2gpki: %s (%s)\n", e->text[0] != '\0' ? e->text : "failed",
		err_name(code));
	return (int)exit_status_of(code);
}
