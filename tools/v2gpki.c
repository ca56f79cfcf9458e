/* SPDX-License-Identifier: Apache-2.0 */
/* v2gpki(1): the command line. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "tools/commands.h"

int
main(int argc, char **argv)
{
	struct err e = {0};
	enum err_code rc;

	if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
		puts("v2gpki " V2GPKI_VERSION);
		return EXIT_OK;
	}
	if ((rc = secret_init(&e)) != E_OK)
		return report(rc, &e);
	log_set_level(LOG_LEVEL_WARN); /* people read what commands print themselves */
	return commands_run("v2gpki", commands, command_count, argc, argv);
}
