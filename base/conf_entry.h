/* SPDX-License-Identifier: Apache-2.0 */
/* What conf.c (table, values) and conf_read.c (YAML) share. */
#ifndef BASE_CONF_ENTRY_H
#define BASE_CONF_ENTRY_H

#include "base/conf.h"

#define CONF_SECTION_MAX 32 /* characters of a section's name, with the NUL */

/* One item of the table, or of one instance of a section with instances. */
struct entry {
	const struct conf_item *item;
	char instance[CONF_NAME_MAX]; /* "" for a plain section */
	char *text;                   /* NULL: no value */
	int64_t number;
	char **list;
	size_t list_len;
	bool given; /* stands in the file */
};

struct conf {
	struct entry *entries;
	size_t count;
};

bool conf_has_instances(const struct conf_item *item);

/* "token" names the section "token.*"; NULL when there is none. */
const struct conf_item *conf_first_of_section(const char *section);

/* instance is "" for a plain section; NULL when there is none. */
struct entry *
conf_entry_find(const struct conf *c, const char *section, const char *instance, const char *key);

/* Adds the entries of one instance; section NULL: of all plain sections. */
enum err_code conf_entries_add(struct conf *c, const char *section, const char *instance,
			       struct err *e) MUST_CHECK;

#endif
