/* SPDX-License-Identifier: Apache-2.0 */
/* Renders v2gpkid.conf(5) from the table of items, to the file named or to standard output. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"

static const char head[] =
	".\\\" SPDX-License-Identifier: Apache-2.0\n"
	".\\\" Written by tools/confman.c from base/conf_items.c: run ninja conf-man.\n"
	".Dd November 24, 2026\n"
	".Dt V2GPKID.CONF 5\n"
	".Os\n"
	".Sh NAME\n"
	".Nm v2gpkid.conf\n"
	".Nd configuration of the V2G PKI daemon\n"
	".Sh DESCRIPTION\n"
	"One file, a subset of YAML: sections of keys with one value each.\n"
	"Values stand on one line, plain or in quotes; lists are written\n"
	".Li [a, b]\n"
	"or one\n"
	".Li - a\n"
	"a line; a number sign begins a comment.\n"
	"Unknown and repeated keys, values of another type or out of range, numbers in octal or with\n"
	"trailing characters, tabs, anchors, tags and aliases are refused with line and column.\n"
	"Relative paths are taken from the folder of the file.\n"
	"Items marked\n"
	".Dq reload\n"
	"take effect on\n"
	".Dv SIGHUP ,\n"
	"the others when the daemon starts.\n";

static const char tail[] = ".Sh EXAMPLES\n"
			   ".Bd -literal\n"
			   "pki:\n"
			   "  name: 'v2g pki'\n"
			   "  public_url: https://pki.example.org:8443\n"
			   "token:\n"
			   "  main:\n"
			   "    module: /usr/lib/softhsm/libsofthsm2.so\n"
			   "    slots: ['label:v2gpki']\n"
			   "    pin_file: credential:pin\n"
			   ".Ed\n"
			   ".Sh SEE ALSO\n"
			   ".Xr v2gpki 1 ,\n"
			   ".Xr v2gpki-init 1 ,\n"
			   ".Xr v2gpkid 8\n";

/* Text with what troff takes for its own escaped. */
static void
put_text(FILE *f, const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", f);
	for (; *s != '\0'; s++)
		fputs(*s == '\\' ? "\\e" : (const char[]){*s, '\0'}, f);
}

static void
put_type(FILE *f, const struct conf_item *item)
{
	switch (item->type) {
	case CONF_INT:
		fprintf(f, "number from %" PRId64 " to %" PRId64, item->min, item->max);
		break;
	case CONF_BOOL: fputs("true or false", f); break;
	case CONF_PATH: fputs("path", f); break;
	case CONF_LIST: fprintf(f, "list of 1 to %" PRId64 " texts", item->max); break;
	case CONF_STRING:
	default:
		if (item->choices != NULL)
			fprintf(f, "one of %s", item->choices);
		else
			fprintf(f, "text of %" PRId64 " to %" PRId64 " bytes", item->min,
				item->max);
		break;
	}
}

static void
put_item(FILE *f, const struct conf_item *item)
{
	fprintf(f, ".It Cm %s\n", item->key);
	put_text(f, item->doc);
	fputs("\n.Pq ", f);
	put_type(f, item);
	if (item->def == NULL)
		fputs("; no default", f);
	else if (item->def[0] == '\0')
		fputs("; default empty", f);
	else
		fprintf(f, "; default %s", item->def);
	fputs(item->reload ? "; reload\n" : "\n", f);
}

static void
put_section(FILE *f, const char *section)
{
	size_t n = strcspn(section, ".");

	fprintf(f, ".Ss %.*s\n", (int)n, section);
	if (section[n] == '.')
		fprintf(f,
			"Each key of this section is the name of a %.*s, with these items below it.\n",
			(int)n, section);
	fputs(".Bl -tag -width Ds\n", f);
}

static void
render(FILE *f)
{
	const char *section = "";
	size_t i;

	fputs(head, f);
	fputs(".Sh SECTIONS\n", f);
	for (i = 0; i < conf_item_count; i++) {
		if (strcmp(conf_items[i].section, section) != 0) {
			if (i > 0)
				fputs(".El\n", f);
			section = conf_items[i].section;
			put_section(f, section);
		}
		put_item(f, &conf_items[i]);
	}
	fputs(".El\n", f);
	fputs(tail, f);
}

int
main(int argc, char **argv)
{
	FILE *f = argc > 1 ? fopen(argv[1], "we") : stdout;
	bool failed;

	if (f == NULL) {
		perror(argv[1]);
		return 1;
	}
	render(f);
	failed = ferror(f) != 0;
	if (fclose(f) != 0 || failed) {
		perror("confman");
		return 1;
	}
	return 0;
}
