/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/init.h"

static const char *const softhsm_modules[] = {
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so",
};

static const char *
find_softhsm(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(softhsm_modules); i++)
		if (path_exists(softhsm_modules[i]))
			return softhsm_modules[i];
	return softhsm_modules[0];
}

/* A number as it is, a text in single quotes, in which only the quote itself is doubled. */
static void
put_value(struct buf *b, const char *key, const char *value, bool number)
{
	size_t i;

	if (number) {
		buf_printf(b, "  %s: %s\n", key, value);
		return;
	}
	buf_printf(b, "  %s: '", key);
	for (i = 0; value[i] != '\0'; i++) {
		if (value[i] == '\'')
			buf_put_u8(b, '\'');
		buf_put_u8(b, (uint8_t)value[i]);
	}
	buf_put_str(b, "'\n");
}

static const char *
default_of(const char *section, const char *key)
{
	size_t i;

	for (i = 0; i < conf_item_count; i++)
		if (strcmp(conf_items[i].section, section) == 0 &&
		    strcmp(conf_items[i].key, key) == 0)
			return conf_items[i].def != NULL ? conf_items[i].def : "";
	return "";
}

/* What was given on the command line. What certificates carry is written out even where it is the
 * default of today. */
static void
compose(const struct init *in, struct buf *b)
{
	const struct init_options *o = &in->opt;
	const struct {
		const char *key, *value;
	} pki[] = {
		{"name", o->name},         {"public_url", o->public_url}, {"ocsp_url", o->ocsp_url},
		{"crl_base", o->crl_base}, {"policy_oid", o->policy_oid}, {"country", o->country},
	};
	const char *port = o->port != NULL ? o->port : "8443";
	char url[64];
	size_t i;

	(void)snprintf(url, sizeof(url), "https://localhost:%s",
		       port); /* a longer port is refused */
	buf_put_str(b, "# v2gpkid.conf(5), written by v2gpki init\npki:\n");
	for (i = 0; i < ARRAY_LEN(pki); i++) {
		const char *value = pki[i].value;

		if (value == NULL)
			value = strcmp(pki[i].key, "public_url") == 0
					? url
					: default_of("pki", pki[i].key);
		put_value(b, pki[i].key, value, false);
	}
	buf_printf(b, "server:\n  participant_port: %s\n", port);
	if (o->address != NULL) {
		put_value(b, "participant_address", o->address, false);
		put_value(b, "plain_address", o->address, false);
	}
	if (o->admin_port != NULL)
		buf_printf(b, "  admin_port: %s\n", o->admin_port);
	if (o->plain_port != NULL)
		buf_printf(b, "  plain_port: %s\n", o->plain_port);
	buf_put_str(b, "token:\n  " INIT_TOKEN ":\n  ");
	put_value(b, "module", o->module != NULL ? o->module : find_softhsm(), false);
	buf_put_str(b, "    softhsm_conf: softhsm2.conf\n"
		       "    slots: ['label:" INIT_TOKEN_LABEL "']\n"
		       "    pin_file: pin\n");
}

/* --- a configuration that is there --- */

struct claim {
	const char *option, *section, *key, *value; /* value NULL: not given */
	bool movable;                               /* no certificate has it: init may change it */
};

#define CLAIMS_MAX 12

static size_t
claims_of(const struct init *in, struct claim out[CLAIMS_MAX])
{
	const struct init_options *o = &in->opt;
	const struct claim claims[] = {
		{"--name", "pki", "name", o->name, false},
		{"--public-url", "pki", "public_url", o->public_url, true},
		{"--ocsp-url", "pki", "ocsp_url", o->ocsp_url, false},
		{"--crl-base", "pki", "crl_base", o->crl_base, false},
		{"--policy-oid", "pki", "policy_oid", o->policy_oid, false},
		{"--country", "pki", "country", o->country, false},
		{"--module", "token." INIT_TOKEN, "module", o->module, false},
		{"--address", "server", "participant_address", o->address, true},
		{"--address", "server", "plain_address", o->address, true},
		{"--port", "server", "participant_port", o->port, true},
		{"--admin-port", "server", "admin_port", o->admin_port, true},
		{"--plain-port", "server", "plain_port", o->plain_port, true},
	};

	_Static_assert(ARRAY_LEN(claims) == CLAIMS_MAX, "the caller's array");
	memcpy(out, claims, sizeof(claims));
	return ARRAY_LEN(claims);
}

static bool
holds(const struct conf *conf, const struct claim *c)
{
	char item[64];
	const char *is;

	(void)snprintf(item, sizeof(item), "%s.%s", c->section, c->key); /* short */
	is = conf_str(conf, item);
	return c->value == NULL || (is != NULL && strcmp(is, c->value) == 0);
}

/* The line of "  key:" in the section that begins with "section:"; its end when there is none. */
static const char *
find_line(const char *text, const struct claim *c, const char **section_end)
{
	const char *line = text, *next;
	bool inside = false;
	size_t n;

	*section_end = NULL;
	for (; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		next = next == NULL ? line + strlen(line) : next + 1;
		n = strlen(c->section);
		if (line[0] != ' ' && line[0] != '#' && line[0] != '\n')
			inside = strncmp(line, c->section, n) == 0 && line[n] == ':';
		if (!inside)
			continue;
		*section_end = next;
		n = strlen(c->key);
		if (strncmp(line, "  ", 2) == 0 && strncmp(line + 2, c->key, n) == 0 &&
		    line[2 + n] == ':')
			return line;
	}
	return NULL;
}

/* One item changed in the text of the file, the rest left as people wrote it. */
static enum err_code
move_item(struct buf *text, const struct claim *c, struct err *e)
{
	struct buf out = {0};
	const char *at, *line, *rest;
	enum err_code rc;

	at = buf_cstr(text);
	if (at == NULL)
		return buf_ok(text, e);
	line = find_line(at, c, &rest);
	if (line == NULL && rest == NULL) {
		buf_printf(&out, "%s%s:\n", at, c->section);
		rest = at + strlen(at);
	} else {
		buf_put(&out, at, (size_t)((line != NULL ? line : rest) - at));
		rest = line != NULL ? line + strcspn(line, "\n") : rest;
		rest += line != NULL && *rest == '\n' ? 1 : 0;
	}
	put_value(&out, c->key, c->value, strstr(c->key, "_port") != NULL);
	buf_put_str(&out, rest);
	rc = buf_ok(&out, e);
	buf_free(text);
	*text = out;
	return rc;
}

static enum err_code
move_items(struct init *in, const struct claim *claims, size_t count, struct err *e)
{
	enum err_code rc;
	size_t i;

	if ((rc = file_read(in->conf_path, CONF_FILE_MAX, &in->conf_text, e)) != E_OK)
		return rc;
	for (i = 0; i < count; i++)
		if (!holds(in->conf, &claims[i]) &&
		    (rc = move_item(&in->conf_text, &claims[i], e)) != E_OK)
			return rc;
	conf_free(in->conf);
	in->conf = NULL;
	if ((rc = conf_parse(buf_span(&in->conf_text), in->conf_path, &in->conf, e)) != E_OK)
		return rc;
	for (i = 0; i < count; i++)
		if (!holds(in->conf, &claims[i]))
			return err_set(e, E_CONFIG, "%s: change %s.%s to %s by hand", in->conf_path,
				       claims[i].section, claims[i].key, claims[i].value);
	return E_OK;
}

/* What certificates carry is never changed; ports, addresses and the public URL may move. */
static enum err_code
reconcile(struct init *in, struct err *e)
{
	struct claim claims[CLAIMS_MAX];
	size_t count = claims_of(in, claims), i;
	bool moves = false;

	for (i = 0; i < count; i++) {
		if (holds(in->conf, &claims[i]))
			continue;
		if (!claims[i].movable)
			return err_set(e, E_BAD_VALUE,
				       "%s %s: %s says otherwise, and certificates carry it",
				       claims[i].option, claims[i].value, in->conf_path);
		moves = true;
	}
	return moves ? move_items(in, claims, count, e) : E_OK;
}

enum err_code
init_conf_prepare(struct init *in, struct err *e)
{
	enum err_code rc;

	in->conf_exists = path_exists(in->conf_path);
	if (in->conf_exists) {
		if ((rc = conf_load(in->conf_path, &in->conf, e)) != E_OK)
			return rc;
		return reconcile(in, e);
	}
	compose(in, &in->conf_text);
	if ((rc = buf_ok(&in->conf_text, e)) != E_OK)
		return rc;
	return conf_parse(buf_span(&in->conf_text), in->conf_path, &in->conf, e);
}

/* Read again from the file: relative paths are now taken from the real home. */
enum err_code
init_conf_write(struct init *in, bool *made, struct err *e)
{
	enum err_code rc;

	*made = in->conf_text.n > 0;
	if (*made && (rc = file_write(in->conf_path, 0644, buf_span(&in->conf_text), e)) != E_OK)
		return rc;
	conf_free(in->conf);
	in->conf = NULL;
	return conf_load(in->conf_path, &in->conf, e);
}
