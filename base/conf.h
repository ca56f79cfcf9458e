/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: a YAML subset (mappings, scalars) read with libyaml events into one table
 * of items. Unknown or repeated keys, tabs, anchors, wrong types, trailing characters, octal and
 * values out of range are refused with line and column. The table also writes v2gpkid.conf(5).
 * Immutable after conf_load. */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/buf.h"

enum conf_type {
	CONF_STRING, /* min..max: length in bytes */
	CONF_INT,    /* min..max */
	CONF_BOOL,   /* true or false */
	CONF_PATH,   /* relative ones are taken from the folder of the file */
	CONF_LIST,   /* a sequence of strings, at most max of them */
};

struct conf_item {
	const char *section; /* "server"; "token.*" for a section with named instances */
	const char *key;
	enum conf_type type;
	int64_t min, max;
	const char *def;     /* default, as it would stand in the file; NULL: none */
	bool reload;         /* takes effect on SIGHUP */
	const char *choices; /* "off|warn|enforce": the only values; NULL: any */
	const char *doc;     /* one sentence for conf(5) */
};

extern const struct conf_item conf_items[];
extern const size_t conf_item_count;

struct conf;

#define CONF_FILE_MAX      1048576 /* bytes */
#define CONF_INSTANCES_MAX 16      /* of one section */
#define CONF_NAME_MAX      33      /* characters of an instance's name, with the NUL */

/* conf_parse: name stands for the path in messages and for the folder of relative paths. A path
 * that begins with "credential:" (systemd) or is a URL is left as it is; behind "sqlite:" it is
 * resolved. */
enum err_code conf_load(const char *path, struct conf **out, struct err *e) MUST_CHECK;
enum err_code
conf_parse(struct span text, const char *name, struct conf **out, struct err *e) MUST_CHECK;
void conf_free(struct conf *c);

/* Sets one item from text as it would stand in the file, before anyone else has c: for options on a
 * command line ("section.key=value"). A relative path is taken from the working directory. Lists
 * and items of instances cannot be set. */
enum err_code conf_override(struct conf *c, const char *assignment, struct err *e) MUST_CHECK;

/* Values by "section.key" ("server.port", "token.main.module"); asking for an item that the table
 * does not have is a programmer's error. Strings are lent; NULL where there is no value. */
const char *conf_str(const struct conf *c, const char *item);
int64_t conf_int(const struct conf *c, const char *item);
bool conf_bool(const struct conf *c, const char *item);
size_t conf_list_len(const struct conf *c, const char *item);
const char *conf_list_at(const struct conf *c, const char *item, size_t i);

/* Names of the instances of a section ("token" gives "main", ...); NULL past the last. */
const char *conf_instance(const struct conf *c, const char *section, size_t i);

#endif
