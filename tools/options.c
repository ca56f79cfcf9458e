/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands.h"

#define OWN_MAX  24    /* options of one command */
#define OWN_BASE 0x100 /* getopt's value of a command's first own option */
#define URL_OPT  0x200 /* of --url and the three that follow */
#define LONG_MAX (OWN_MAX + 10)

static const struct option common_long[] = {
	{"config", required_argument, NULL, 'c'}, {"json", no_argument, NULL, 'j'},
	{"dry-run", no_argument, NULL, 'n'},      {"out", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
};

static const struct option client_long[] = {
	{"url", required_argument, NULL, URL_OPT},
	{"cacert", required_argument, NULL, URL_OPT + 1},
	{"cert", required_argument, NULL, URL_OPT + 2},
	{"key", required_argument, NULL, URL_OPT + 3},
};

static const char common_help[] = "  -c, --config FILE    configuration file\n"
				  "  -j, --json           print JSON\n"
				  "  -n, --dry-run        tell what would be done, do nothing\n"
				  "  -o, --out FILE       write the result to a file\n"
				  "  -h, --help           this text\n";

static const char client_help[] =
	"      --url URL        admin URL of the daemon (V2GPKI_ADMIN_URL)\n"
	"      --cacert FILE    its CA (V2GPKI_CA)\n"
	"      --cert FILE      TLS client certificate (V2GPKI_CERT)\n"
	"      --key FILE       its key (V2GPKI_KEY)\n"
	"Without certificate: V2GPKI_ID and V2GPKI_SECRET, and V2GPKI_TOKEN_URL for the token.\n";

static void
print_help(const struct usage *u, const struct opt *own, size_t own_count)
{
	char left[64];
	size_t i;

	printf("usage: %s [options]%s%s\n%s\n\n", u->command, u->args[0] != '\0' ? " " : "",
	       u->args, u->about);
	for (i = 0; i < own_count; i++) {
		(void)snprintf(left, sizeof(left), "%s%s%s", own[i].name,
			       own[i].arg != NULL ? " " : "", own[i].arg != NULL ? own[i].arg : "");
		printf("      --%-14s %s\n", left, own[i].help);
	}
	fputs(common_help, stdout);
	if (u->client)
		fputs(client_help, stdout);
	if (u->end != NULL)
		printf("\n%s\n", u->end);
}

static void
fill_long(struct option *out, const struct usage *u, const struct opt *own, size_t own_count)
{
	size_t n = 0, i;

	for (i = 0; i < own_count && i < OWN_MAX; i++)
		out[n++] = (struct option){own[i].name,
					   own[i].arg != NULL ? required_argument : no_argument,
					   NULL, OWN_BASE + (int)i};
	for (i = 0; i < ARRAY_LEN(common_long); i++)
		out[n++] = common_long[i];
	for (i = 0; u->client && i < ARRAY_LEN(client_long); i++)
		out[n++] = client_long[i];
	out[n] = (struct option){0};
}

/* One option that getopt found; false when it is none. */
static bool
take(int c, const struct opt *own, size_t own_count, struct common *common)
{
	const char **client[] = {&common->url, &common->cacert, &common->cert, &common->key};

	if (c >= OWN_BASE && c < OWN_BASE + (int)own_count) {
		const struct opt *o = &own[c - OWN_BASE];

		if (o->arg != NULL)
			*o->value = optarg;
		else
			*o->flag = true;
		return true;
	}
	if (c >= URL_OPT && c < URL_OPT + (int)ARRAY_LEN(client)) {
		*client[c - URL_OPT] = optarg;
		return true;
	}
	switch (c) {
	case 'c': common->config = optarg; return true;
	case 'j': common->json = true; return true;
	case 'n': common->dry_run = true; return true;
	case 'o': common->out = optarg; return true;
	default: return false;
	}
}

static bool
read_options(const struct usage *u, const struct opt *own, size_t own_count, struct common *common,
	     struct arguments *args, int *status)
{
	struct option all[LONG_MAX + 1];
	int c;

	fill_long(all, u, own, own_count);
	optind = 0; /* glibc: a fresh start */
	opterr = 1;
	while ((c = getopt_long(args->n, args->v, "c:jno:h", all, NULL)) != -1) {
		if (c == 'h') {
			print_help(u, own, own_count);
			*status = EXIT_OK;
			return false;
		}
		if (!take(c, own, own_count, common)) {
			fprintf(stderr, "%s --help tells the options\n", u->command);
			return false;
		}
	}
	args->v += optind;
	args->n -= optind;
	return true;
}

bool
options_parse(const struct usage *u, const struct opt *own, size_t own_count, struct common *common,
	      struct arguments *args, int *status)
{
	*status = EXIT_USAGE;
	if (!read_options(u, own, own_count, common, args, status))
		return false;
	if (args->n < u->args_min || args->n > u->args_max) {
		fprintf(stderr, "usage: %s [options]%s%s\n", u->command,
			u->args[0] != '\0' ? " " : "", u->args);
		return false;
	}
	return true;
}
