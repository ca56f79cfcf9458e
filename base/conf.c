/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/conf_entry.h"
#include "base/str.h"

/* --- the table --- */

bool
conf_has_instances(const struct conf_item *item)
{
	return strchr(item->section, '.') != NULL;
}

/* Whether item belongs to this section; "token" names the section "token.*". */
static bool
in_section(const struct conf_item *item, const char *section)
{
	size_t n = strcspn(item->section, ".");

	return strlen(section) == n && strncmp(item->section, section, n) == 0;
}

const struct conf_item *
conf_first_of_section(const char *section)
{
	size_t i;

	for (i = 0; i < conf_item_count; i++)
		if (in_section(&conf_items[i], section))
			return &conf_items[i];
	return NULL;
}

struct entry *
conf_entry_find(const struct conf *c, const char *section, const char *instance, const char *key)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		struct entry *en = &c->entries[i];

		if (in_section(en->item, section) && strcmp(en->instance, instance) == 0 &&
		    strcmp(en->item->key, key) == 0)
			return en;
	}
	return NULL;
}

/* Adds the entries of one instance ("" of all plain sections). */
enum err_code
conf_entries_add(struct conf *c, const char *section, const char *instance, struct err *e)
{
	struct entry *grown;
	size_t i;

	grown = realloc(c->entries, (c->count + conf_item_count) * sizeof(*grown));
	if (grown == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for the configuration");
	c->entries = grown;
	for (i = 0; i < conf_item_count; i++) {
		const struct conf_item *item = &conf_items[i];
		struct entry *en = &c->entries[c->count];

		if (section == NULL ? conf_has_instances(item) : !in_section(item, section))
			continue;
		*en = (struct entry){.item = item};
		if (!str_copy(en->instance, sizeof(en->instance), instance))
			return err_set(e, E_CONFIG, "%s: the name is too long", instance);
		c->count++;
	}
	return E_OK;
}

/* --- files --- */

static enum err_code
read_file(FILE *f, const char *path, struct buf *text, struct err *e)
{
	struct stat st;
	uint8_t *p;
	size_t n;

	if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(e, E_CONFIG, "%s: not a regular file", path);
	if (st.st_size > CONF_FILE_MAX)
		return err_set(e, E_CONFIG, "%s: more than %d bytes", path, CONF_FILE_MAX);
	p = buf_grow(text, CONF_FILE_MAX);
	if (p == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for the configuration");
	n = fread(p, 1, CONF_FILE_MAX, f);
	if (ferror(f) != 0)
		return err_set(e, E_IO, "%s: %s", path, strerrordesc_np(errno));
	text->n = n;
	return E_OK;
}

enum err_code
conf_load(const char *path, struct conf **out, struct err *e)
{
	struct buf text = {0};
	FILE *f = fopen(path, "re");
	enum err_code rc;

	*out = NULL;
	if (f == NULL)
		return err_set(e, E_CONFIG, "%s: %s", path, strerrordesc_np(errno));
	if ((rc = read_file(f, path, &text, e)) == E_OK)
		rc = conf_parse(buf_span(&text), path, out, e);
	(void)fclose(f); /* opened for reading: nothing to lose */
	buf_free(&text);
	return rc;
}

void
conf_free(struct conf *c)
{
	size_t i, k;

	if (c == NULL)
		return;
	for (i = 0; i < c->count; i++) {
		for (k = 0; k < c->entries[i].list_len; k++)
			free(c->entries[i].list[k]);
		free(c->entries[i].list);
		free(c->entries[i].text);
	}
	free(c->entries);
	free(c);
}

/* --- reading --- */

/* The entry of "section.key" or "section.instance.key"; NULL when there is no such instance. */
static const struct entry *
lookup(const struct conf *c, const char *name)
{
	char section[CONF_SECTION_MAX + CONF_NAME_MAX + CONF_SECTION_MAX];
	const struct entry *en;
	char *dot, *key;
	bool known;

	known = str_copy(section, sizeof(section), name);
	assert(known);
	dot = strchr(section, '.');
	key = strrchr(section, '.');
	assert(dot != NULL);
	*key++ = '\0';
	if (dot + 1 == key)
		dot = key - 1; /* no instance: dot stands on the NUL */
	*dot = '\0';
	en = conf_entry_find(c, section, dot + 1 == key ? "" : dot + 1, key);
	assert(en != NULL || dot + 1 != key);
	return known ? en : NULL;
}

const char *
conf_str(const struct conf *c, const char *item)
{
	const struct entry *en = lookup(c, item);

	return en == NULL ? NULL : en->text;
}

int64_t
conf_int(const struct conf *c, const char *item)
{
	const struct entry *en = lookup(c, item);

	assert(en != NULL && en->item->type == CONF_INT);
	return en->number;
}

bool
conf_bool(const struct conf *c, const char *item)
{
	const struct entry *en = lookup(c, item);

	assert(en != NULL && en->item->type == CONF_BOOL);
	return en->number != 0;
}

size_t
conf_list_len(const struct conf *c, const char *item)
{
	const struct entry *en = lookup(c, item);

	assert(en == NULL || en->item->type == CONF_LIST);
	return en == NULL ? 0 : en->list_len;
}

const char *
conf_list_at(const struct conf *c, const char *item, size_t i)
{
	const struct entry *en = lookup(c, item);

	return en == NULL || i >= en->list_len ? NULL : en->list[i];
}

const char *
conf_instance(const struct conf *c, const char *section, size_t i)
{
	const struct conf_item *first = conf_first_of_section(section);
	size_t k;

	for (k = 0; k < c->count; k++)
		if (c->entries[k].item == first && c->entries[k].instance[0] != '\0' && i-- == 0)
			return c->entries[k].instance;
	return NULL;
}
