/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of v2gpki as tables: name, function, one line of help. A command with subcommands
 * has a table of its own. argv[0] of a command is its own name. Every command returns one of the
 * exit statuses below; only tools/ turns an error's kind into one. */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

#include <stddef.h>

#include "base/err.h"

enum exit_status {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_REFUSED = 3,
	EXIT_NOT_FOUND = 4,
	EXIT_TRY_LATER = 5,
};

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

extern const struct command commands[];
extern const size_t command_count;

int cmd_init(int argc, char **argv);
int cmd_token(int argc, char **argv);
int cmd_ca(int argc, char **argv);
int cmd_cert(int argc, char **argv);
int cmd_client(int argc, char **argv);
int cmd_root(int argc, char **argv);
int cmd_vehicle(int argc, char **argv);
int cmd_contract(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_exi(int argc, char **argv);
int cmd_ev(int argc, char **argv);

/* Runs the command named by argv[1]; prints the table for -h, --help, help and for no name. prefix
 * is what stands before a name: "v2gpki", "v2gpki client". */
int
commands_run(const char *prefix, const struct command *table, size_t count, int argc, char **argv);

/* The status of an error's kind. */
enum exit_status exit_status_of(enum err_code code);

/* Prints the error to stderr ("v2gpki: text (code)") and returns its status; EXIT_OK for E_OK. */
int report(enum err_code code, const struct err *e);

#endif
