/* SPDX-License-Identifier: Apache-2.0 */
/* Options of one command as a table from which both getopt_long and the help text come. Options
 * stand after the command. Every command takes -c -j -n -o -h; those that talk to the daemon also
 * --url --cacert --cert --key. */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct opt {
	const char *name; /* long form, without -- */
	const char *arg;  /* what stands for the value in the help; NULL: a flag */
	const char **value;
	bool *flag;
	const char *help;
};

struct common {
	const char *config, *out;
	bool json, dry_run;
	bool private_out;                      /* the file of -o may hold a secret: 0600 */
	const char *url, *cacert, *cert, *key; /* of the admin client */
};

struct usage {
	const char *command; /* "v2gpki client add" */
	const char *args;    /* "ID"; "" for none */
	const char *about;   /* one sentence */
	int args_min, args_max;
	bool client;     /* talks to the daemon */
	const char *end; /* more for the help text, or NULL */
};

struct arguments {
	char **v;
	int n;
};

/* Parses *args (v[0] is the command's own name) and leaves the arguments behind the options in it,
 * in place. True: go on. False: return *status, the help or the fault has been printed. */
bool options_parse(const struct usage *u, const struct opt *own, size_t own_count,
		   struct common *common, struct arguments *args, int *status);

#endif
