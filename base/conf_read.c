/* SPDX-License-Identifier: Apache-2.0 */
/* The YAML subset: libyaml's events, one after the other, checked against the table. */
#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/conf_entry.h"
#include "base/str.h"

/* The reader: one event at a time, each owned until the next. */
struct reader {
	yaml_parser_t yaml;
	yaml_event_t ev;
	bool has_event;
	const char *name; /* of the file */
	char folder[PATH_MAX];
	struct conf *conf;
	struct err *e;
};

/* --- events --- */

static enum err_code refuse(struct reader *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

static enum err_code
refuse(struct reader *r, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a longer text is cut */
	va_end(ap);
	return err_set(r->e, E_CONFIG, "%s: line %zu column %zu: %s", r->name,
		       r->ev.start_mark.line + 1, r->ev.start_mark.column + 1, text);
}

static enum err_code
yaml_problem(struct reader *r)
{
	const yaml_parser_t *y = &r->yaml;

	return err_set(r->e, E_CONFIG, "%s: line %zu column %zu: %s", r->name,
		       y->problem_mark.line + 1, y->problem_mark.column + 1,
		       y->problem != NULL ? y->problem : "not YAML");
}

/* Anchors, aliases, tags, flow mappings and block scalars are YAML, but not in our subset. */
static enum err_code
check_subset(struct reader *r)
{
	const yaml_event_t *ev = &r->ev;

	switch (ev->type) {
	case YAML_ALIAS_EVENT: return refuse(r, "aliases are not taken here");
	case YAML_DOCUMENT_START_EVENT:
		if (ev->data.document_start.version_directive != NULL ||
		    ev->data.document_start.tag_directives.start !=
			    ev->data.document_start.tag_directives.end)
			return refuse(r, "directives are not taken here");
		return E_OK;
	case YAML_MAPPING_START_EVENT:
		if (ev->data.mapping_start.anchor != NULL || ev->data.mapping_start.tag != NULL)
			return refuse(r, "anchors and tags are not taken here");
		if (ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE)
			return refuse(r, "{ } is not taken here: write one key a line");
		return E_OK;
	case YAML_SEQUENCE_START_EVENT:
		if (ev->data.sequence_start.anchor != NULL || ev->data.sequence_start.tag != NULL)
			return refuse(r, "anchors and tags are not taken here");
		return E_OK;
	case YAML_SCALAR_EVENT:
		if (ev->data.scalar.anchor != NULL || ev->data.scalar.tag != NULL)
			return refuse(r, "anchors and tags are not taken here");
		if (ev->start_mark.line != ev->end_mark.line)
			return refuse(r, "a value must stand on one line");
		if (strlen((const char *)ev->data.scalar.value) != ev->data.scalar.length)
			return refuse(r, "a NUL character");
		return E_OK;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
	default: return E_OK;
	}
}

static enum err_code
next_event(struct reader *r)
{
	if (r->has_event)
		yaml_event_delete(&r->ev);
	r->has_event = yaml_parser_parse(&r->yaml, &r->ev) == 1;
	if (!r->has_event)
		return yaml_problem(r);
	return check_subset(r);
}

static enum err_code
expect_event(struct reader *r, yaml_event_type_t type, const char *expected)
{
	enum err_code rc;

	if ((rc = next_event(r)) != E_OK)
		return rc;
	if (r->ev.type != type)
		return refuse(r, "expected %s", expected);
	return E_OK;
}

static const char *
scalar(const struct reader *r)
{
	return (const char *)r->ev.data.scalar.value;
}

/* --- values --- */

static bool
is_choice(const char *choices, const char *value)
{
	size_t n = strlen(value);
	const char *at = choices;

	while (at != NULL && n > 0) {
		if (strcspn(at, "|") == n && strncmp(at, value, n) == 0)
			return true;
		at = strchr(at, '|');
		if (at != NULL)
			at++;
	}
	return false;
}

static enum err_code
set_int(struct reader *r, struct entry *en, const char *text)
{
	const struct conf_item *item = en->item;
	uint64_t v = 0;

	if (text[0] == '0' && text[1] != '\0')
		return refuse(r, "%s is %s: expected a decimal number without leading zeros",
			      item->key, text);
	if (str_to_u64(text, (uint64_t)item->min, (uint64_t)item->max, &v, NULL) != E_OK)
		return refuse(r, "%s is %s: expected a decimal number from %lld to %lld", item->key,
			      text, (long long)item->min, (long long)item->max);
	en->number = (int64_t)v;
	return E_OK;
}

static enum err_code
set_bool(struct reader *r, struct entry *en, const char *text)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return refuse(r, "%s is %s: expected true or false", en->item->key, text);
	en->number = strcmp(text, "true") == 0;
	return E_OK;
}

static enum err_code
set_string(struct reader *r, struct entry *en, const char *text)
{
	const struct conf_item *item = en->item;
	int64_t n = (int64_t)strlen(text);

	if (item->choices != NULL && !is_choice(item->choices, text))
		return refuse(r, "%s is %s: expected one of %s", item->key, text, item->choices);
	if (n < item->min || n > item->max)
		return refuse(r, "%s has %lld bytes: expected %lld to %lld", item->key,
			      (long long)n, (long long)item->min, (long long)item->max);
	return E_OK;
}

/* text as it will be lent: a relative path is taken from the folder of the file. */
static char *
lent_text(const struct reader *r, const struct entry *en, const char *text)
{
	static const char sqlite[] = "sqlite:";
	const char *scheme = strncmp(text, sqlite, sizeof(sqlite) - 1) == 0 ? sqlite : "";
	const char *path = text + strlen(scheme);
	char *out = NULL;

	if (en->item->type != CONF_PATH || path[0] == '/' || r->folder[0] == '\0' ||
	    strncmp(text, "credential:", 11) == 0 || strstr(text, "://") != NULL)
		return strdup(text);
	return asprintf(&out, "%s%s/%s", scheme, r->folder, path) < 0 ? NULL : out;
}

/* Checks text against the item and stores it. */
static enum err_code
set_value(struct reader *r, struct entry *en, const char *text)
{
	enum err_code rc;

	switch (en->item->type) {
	case CONF_INT: rc = set_int(r, en, text); break;
	case CONF_BOOL: rc = set_bool(r, en, text); break;
	case CONF_STRING:
	case CONF_PATH:
	case CONF_LIST:
	default: rc = set_string(r, en, text); break;
	}
	if (rc != E_OK)
		return rc;
	en->text = lent_text(r, en, text);
	return en->text != NULL ? E_OK
				: err_set(r->e, E_NO_MEMORY, "no memory for the configuration");
}

/* What a plain scalar of YAML would mean beside a text is refused rather than guessed. */
static enum err_code
check_scalar(struct reader *r, const char *key, enum conf_type type)
{
	bool plain = r->ev.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	const char *text = scalar(r);

	if (r->ev.data.scalar.style != YAML_PLAIN_SCALAR_STYLE &&
	    r->ev.data.scalar.style != YAML_SINGLE_QUOTED_SCALAR_STYLE &&
	    r->ev.data.scalar.style != YAML_DOUBLE_QUOTED_SCALAR_STYLE)
		return refuse(r, "%s: block scalars are not taken here", key);
	if (plain && (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
		return refuse(r, "%s has no value: write \"\" for an empty one", key);
	if (!plain && (type == CONF_INT || type == CONF_BOOL))
		return refuse(r, "%s is quoted: expected a plain %s", key,
			      type == CONF_INT ? "number" : "true or false");
	return E_OK;
}

static enum err_code
read_list(struct reader *r, struct entry *en)
{
	enum err_code rc;

	if (r->ev.type != YAML_SEQUENCE_START_EVENT)
		return refuse(r, "%s: expected a list", en->item->key);
	en->list = calloc((size_t)en->item->max, sizeof(*en->list));
	if (en->list == NULL)
		return err_set(r->e, E_NO_MEMORY, "no memory for the configuration");
	for (;;) {
		if ((rc = next_event(r)) != E_OK)
			return rc;
		if (r->ev.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (r->ev.type != YAML_SCALAR_EVENT)
			return refuse(r, "%s: expected a list of texts", en->item->key);
		if ((rc = check_scalar(r, en->item->key, CONF_LIST)) != E_OK)
			return rc;
		if (en->list_len == (size_t)en->item->max)
			return refuse(r, "%s has more than %lld members", en->item->key,
				      (long long)en->item->max);
		en->list[en->list_len] = strdup(scalar(r));
		if (en->list[en->list_len] == NULL)
			return err_set(r->e, E_NO_MEMORY, "no memory for the configuration");
		en->list_len++;
	}
	if ((int64_t)en->list_len < en->item->min)
		return refuse(r, "%s has %zu members: expected at least %lld", en->item->key,
			      en->list_len, (long long)en->item->min);
	return E_OK;
}

static enum err_code
read_value(struct reader *r, struct entry *en)
{
	enum err_code rc;

	if ((rc = next_event(r)) != E_OK)
		return rc;
	en->given = true;
	if (en->item->type == CONF_LIST)
		return read_list(r, en);
	if (r->ev.type != YAML_SCALAR_EVENT)
		return refuse(r, "%s: expected one value", en->item->key);
	if ((rc = check_scalar(r, en->item->key, en->item->type)) != E_OK)
		return rc;
	return set_value(r, en, scalar(r));
}

/* --- sections --- */

/* The next key of a mapping; *end at its end. */
static enum err_code
read_key(struct reader *r, bool *end)
{
	enum err_code rc;

	if ((rc = next_event(r)) != E_OK)
		return rc;
	*end = r->ev.type == YAML_MAPPING_END_EVENT;
	if (!*end && r->ev.type != YAML_SCALAR_EVENT)
		return refuse(r, "expected a key");
	return E_OK;
}

/* The keys of one section or instance, up to the end of its mapping. */
static enum err_code
read_items(struct reader *r, const char *section, const char *instance)
{
	struct entry *en;
	enum err_code rc;
	bool end = false;

	if ((rc = expect_event(r, YAML_MAPPING_START_EVENT, "keys below the section")) != E_OK)
		return rc;
	for (;;) {
		if ((rc = read_key(r, &end)) != E_OK || end)
			return rc;
		en = conf_entry_find(r->conf, section, instance, scalar(r));
		if (en == NULL)
			return refuse(r, "%s: unknown key in section %s", scalar(r), section);
		if (en->given)
			return refuse(r, "%s: repeated in section %s", scalar(r), section);
		if ((rc = read_value(r, en)) != E_OK)
			return rc;
	}
}

static bool
is_instance_name(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < CONF_NAME_MAX &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

/* token: main: module: … */
static enum err_code
read_instances(struct reader *r, const char *section)
{
	char instance[CONF_NAME_MAX];
	size_t count = 0;
	enum err_code rc;
	bool end = false;

	if ((rc = expect_event(r, YAML_MAPPING_START_EVENT, "names below the section")) != E_OK)
		return rc;
	for (;;) {
		if ((rc = read_key(r, &end)) != E_OK || end)
			return rc;
		if (!is_instance_name(scalar(r)) ||
		    !str_copy(instance, sizeof(instance), scalar(r)))
			return refuse(r, "%s: expected a name of a-z, 0-9, - and _", scalar(r));
		if (conf_entry_find(r->conf, section, instance,
				    conf_first_of_section(section)->key) != NULL)
			return refuse(r, "%s: repeated in section %s", instance, section);
		if (++count > CONF_INSTANCES_MAX)
			return refuse(r, "%s: more than %d of them", section, CONF_INSTANCES_MAX);
		if ((rc = conf_entries_add(r->conf, section, instance, r->e)) != E_OK ||
		    (rc = read_items(r, section, instance)) != E_OK)
			return rc;
	}
}

static enum err_code
read_sections(struct reader *r)
{
	bool seen[64] = {false}; /* by index of the section's first item */
	char section[CONF_SECTION_MAX];
	const struct conf_item *first;
	enum err_code rc;
	bool end = false;

	assert(conf_item_count <= ARRAY_LEN(seen));
	for (;;) {
		if ((rc = read_key(r, &end)) != E_OK || end)
			return rc;
		first = conf_first_of_section(scalar(r));
		if (first == NULL || !str_copy(section, sizeof(section), scalar(r)))
			return refuse(r, "%s: unknown section", scalar(r));
		if (seen[first - conf_items])
			return refuse(r, "%s: repeated section", section);
		seen[first - conf_items] = true;
		rc = conf_has_instances(first) ? read_instances(r, section)
					       : read_items(r, section, "");
		if (rc != E_OK)
			return rc;
	}
}

/* An empty file is an empty configuration: every item has its default. */
static enum err_code
read_document(struct reader *r)
{
	enum err_code rc;

	if ((rc = expect_event(r, YAML_STREAM_START_EVENT, "YAML")) != E_OK ||
	    (rc = next_event(r)) != E_OK)
		return rc;
	if (r->ev.type == YAML_STREAM_END_EVENT)
		return E_OK;
	if ((rc = expect_event(r, YAML_MAPPING_START_EVENT, "sections")) != E_OK ||
	    (rc = read_sections(r)) != E_OK ||
	    (rc = expect_event(r, YAML_DOCUMENT_END_EVENT, "the end")) != E_OK)
		return rc;
	return expect_event(r, YAML_STREAM_END_EVENT, "the end: one document in a file");
}

static enum err_code
set_defaults(struct reader *r)
{
	enum err_code rc;
	size_t i;

	for (i = 0; i < r->conf->count; i++) {
		struct entry *en = &r->conf->entries[i];

		if (en->given || en->item->def == NULL)
			continue;
		if ((rc = set_value(r, en, en->item->def)) != E_OK)
			return rc;
	}
	return E_OK;
}

/* libyaml takes tabs between tokens and any control character in quotes. */
static enum err_code
check_characters(struct span text, const char *name, struct err *e)
{
	size_t i, line = 1, start = 0;

	for (i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c == '\n') {
			line++;
			start = i + 1;
		} else if (c < 0x20 || c == 0x7f) {
			return err_set(e, E_CONFIG, "%s: line %zu column %zu: %s", name, line,
				       i - start + 1,
				       c == '\t' ? "a tab: indent with spaces"
						 : "a control character");
		}
	}
	return E_OK;
}

static void
folder_of(const char *path, char *out, size_t cap)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	if (slash == path)
		n = 1;
	if (n >= cap)
		n = 0;
	if (n > 0)
		memcpy(out, path, n);
	out[n] = '\0';
}

enum err_code
conf_parse(struct span text, const char *name, struct conf **out, struct err *e)
{
	struct reader r = {.name = name, .e = e};
	enum err_code rc;

	*out = NULL;
	if ((rc = check_characters(text, name, e)) != E_OK)
		return rc;
	folder_of(name, r.folder, sizeof(r.folder));
	r.conf = calloc(1, sizeof(*r.conf));
	if (r.conf == NULL || yaml_parser_initialize(&r.yaml) != 1) {
		free(r.conf);
		return err_set(e, E_NO_MEMORY, "no memory for the configuration");
	}
	yaml_parser_set_input_string(&r.yaml, text.n > 0 ? text.p : (const uint8_t *)"", text.n);
	if ((rc = conf_entries_add(r.conf, NULL, "", e)) == E_OK &&
	    (rc = read_document(&r)) == E_OK)
		rc = set_defaults(&r);
	if (r.has_event)
		yaml_event_delete(&r.ev);
	yaml_parser_delete(&r.yaml);
	if (rc == E_OK)
		*out = r.conf;
	else
		conf_free(r.conf);
	return rc;
}

enum err_code
conf_override(struct conf *c, const char *assignment, struct err *e)
{
	struct reader r = {.name = assignment, .e = e, .conf = c};
	const char *dot = strchr(assignment, '.'), *equals = strchr(assignment, '=');
	char section[CONF_SECTION_MAX], key[CONF_SECTION_MAX];
	struct entry *en = NULL;
	enum err_code rc;

	if (dot != NULL && equals != NULL && dot < equals &&
	    str_copy_span(section, sizeof(section),
			  (struct span){(const uint8_t *)assignment, (size_t)(dot - assignment)}) &&
	    str_copy_span(key, sizeof(key),
			  (struct span){(const uint8_t *)dot + 1, (size_t)(equals - dot - 1)}))
		en = conf_entry_find(c, section, "", key);
	if (en == NULL || en->item->type == CONF_LIST)
		return err_set(e, E_CONFIG,
			       "%s: expected section.key=value with an item of v2gpkid.conf",
			       assignment);
	free(en->text);
	en->text = NULL;
	en->given = true;
	if ((rc = set_value(&r, en, equals + 1)) != E_OK)
		return rc;
	return E_OK;
}
