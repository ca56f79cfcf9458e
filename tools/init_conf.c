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

/* A value in single quotes, in which only the quote itself is doubled. */
static void
put_value(struct buf *b, const char *key, const char *value)
{
	size_t i;

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
			return conf_items[i].def;
	return NULL;
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
		put_value(b, pki[i].key, value);
	}
	buf_printf(b, "server:\n  participant_port: %s\n", port);
	if (o->address != NULL) {
		put_value(b, "participant_address", o->address);
		put_value(b, "plain_address", o->address);
	}
	if (o->admin_port != NULL)
		buf_printf(b, "  admin_port: %s\n", o->admin_port);
	if (o->plain_port != NULL)
		buf_printf(b, "  plain_port: %s\n", o->plain_port);
	buf_put_str(b, "token:\n  " INIT_TOKEN ":\n  ");
	put_value(b, "module", o->module != NULL ? o->module : find_softhsm());
	buf_put_str(b, "    softhsm_conf: softhsm2.conf\n"
		       "    slots: ['label:" INIT_TOKEN_LABEL "']\n"
		       "    pin_file: pin\n");
}

/* Options that say otherwise than the configuration that is there. */
static enum err_code
check_same(const struct init *in, struct err *e)
{
	const struct init_options *o = &in->opt;
	const struct {
		const char *option, *item, *value;
	} same[] = {
		{"--name", "pki.name", o->name},
		{"--public-url", "pki.public_url", o->public_url},
		{"--ocsp-url", "pki.ocsp_url", o->ocsp_url},
		{"--crl-base", "pki.crl_base", o->crl_base},
		{"--policy-oid", "pki.policy_oid", o->policy_oid},
		{"--country", "pki.country", o->country},
		{"--module", "token." INIT_TOKEN ".module", o->module},
		{"--address", "server.participant_address", o->address},
		{"--port", "server.participant_port", o->port},
		{"--admin-port", "server.admin_port", o->admin_port},
		{"--plain-port", "server.plain_port", o->plain_port},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(same); i++) {
		const char *is = conf_str(in->conf, same[i].item);

		if (same[i].value != NULL && (is == NULL || strcmp(is, same[i].value) != 0))
			return err_set(e, E_BAD_VALUE,
				       "%s %s: %s has %s = %s; init completes, it does not change",
				       same[i].option, same[i].value, in->conf_path, same[i].item,
				       is == NULL ? "nothing" : is);
	}
	return E_OK;
}

enum err_code
init_conf_prepare(struct init *in, struct err *e)
{
	enum err_code rc;

	in->conf_exists = path_exists(in->conf_path);
	if (in->conf_exists) {
		if ((rc = conf_load(in->conf_path, &in->conf, e)) != E_OK)
			return rc;
		return check_same(in, e);
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

	*made = !in->conf_exists;
	if (*made && (rc = file_write(in->conf_path, 0644, buf_span(&in->conf_text), e)) != E_OK)
		return rc;
	conf_free(in->conf);
	in->conf = NULL;
	return conf_load(in->conf_path, &in->conf, e);
}
