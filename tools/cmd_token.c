/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens are local: these commands load the module themselves and need no daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/runtime.h"

#define CONFIG_DEFAULT "/etc/v2gpki/v2gpkid.conf"

/* One token by name out of the configuration, or the first. */
struct chosen {
	struct conf *conf;
	struct hsm_token_conf tokens[TOKENS_MAX], *token;
	size_t count;
};

static enum err_code
load(struct chosen *c, const char *path, struct err *e)
{
	enum err_code rc;

	if ((rc = conf_load(path != NULL ? path : CONFIG_DEFAULT, &c->conf, e)) != E_OK)
		return rc;
	return runtime_tokens(c->conf, c->tokens, &c->count, e);
}

static enum err_code
choose(struct chosen *c, const char *path, const char *name, struct err *e)
{
	enum err_code rc;
	size_t i;

	if ((rc = load(c, path, e)) != E_OK)
		return rc;
	for (i = 0; i < c->count; i++)
		if (name == NULL || strcmp(c->tokens[i].name, name) == 0) {
			c->token = &c->tokens[i];
			return E_OK;
		}
	return err_set(e, E_NOT_FOUND, "token %s: the configuration has none of this name", name);
}

static int
check(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki token check",
		.args = "[TOKEN]",
		.about = "Tries a token and prints what its module can do and how fast it signs.",
		.args_max = 1,
		.end = "With --module and --slot a token is tried that no configuration names.",
	};
	struct hsm_token_conf free_token = {.name = "check", .sessions = 1, .timeout_ms = 10000};
	const struct opt own[] = {
		{"module", "FILE", &free_token.module, NULL, "PKCS#11 library"},
		{"slot", "SLOT", &free_token.slots[0], NULL,
		 "label:NAME, serial:NUMBER or id:NUMBER"},
		{"pin-file", "FILE", &free_token.pin_file, NULL, "its first line is the PIN"},
		{"init-args", "TEXT", &free_token.init_args, NULL, "text for C_Initialize"},
	};
	struct common common = {0};
	struct arguments args = {argv, argc};
	struct chosen c = {.token = &free_token};
	struct buf text = {0};
	struct err e = {0};
	enum err_code rc = E_OK;
	int status;

	if (!options_parse(&usage, own, ARRAY_LEN(own), &common, &args, &status))
		return status;
	if (free_token.module == NULL)
		rc = choose(&c, common.config, args.n > 0 ? args.v[0] : NULL, &e);
	else if (free_token.slots[0] == NULL)
		rc = err_set(&e, E_USAGE, "--module needs --slot");
	if (rc == E_OK) {
		rc = hsm_token_check(c.token, &text, &e);
		/* what was found out before the fault is worth reading */
		if (text.n > 0 && !text.failed)
			rc = output_bytes(&common, buf_span(&text), &e) != E_OK ? e.code : rc;
	}
	buf_free(&text);
	conf_free(c.conf);
	return report(rc, &e);
}

static int
make(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki token init",
		.args = "[TOKEN]",
		.about =
			"Makes a token in an empty slot: label, SO PIN and the PIN of its pin_file.",
		.args_max = 1,
	};
	const char *label = NULL, *so_pin_file = NULL;
	const struct opt own[] = {
		{"label", "NAME", &label, NULL, "label of the new token (that of its first slot)"},
		{"so-pin-file", "FILE", &so_pin_file, NULL, "its first line is the SO PIN"},
	};
	struct common common = {0};
	struct arguments args = {argv, argc};
	struct chosen c = {0};
	struct secret so_pin = {0};
	struct err e = {0};
	enum err_code rc;
	int status;

	if (!options_parse(&usage, own, ARRAY_LEN(own), &common, &args, &status))
		return status;
	if (so_pin_file == NULL)
		return report(err_set(&e, E_USAGE, "give --so-pin-file"), &e);
	if ((rc = choose(&c, common.config, args.n > 0 ? args.v[0] : NULL, &e)) == E_OK &&
	    (rc = secret_read_file(so_pin_file, &so_pin, &e)) == E_OK) {
		if (label == NULL && strncmp(c.token->slots[0], "label:", 6) == 0)
			label = c.token->slots[0] + 6;
		if (label == NULL)
			rc = err_set(&e, E_USAGE, "give --label: the slot is not named by one");
		else if (!common.dry_run)
			rc = hsm_token_init(c.token, label, &so_pin, &e);
	}
	secret_free(&so_pin);
	conf_free(c.conf);
	return report(rc, &e);
}

static json_t *
token_json(const struct hsm_token_conf *t)
{
	struct hsm *hsm = NULL;
	struct err e = {0};
	enum err_code rc;
	json_t *o;

	rc = hsm_open(t, 1, &hsm, &e);
	if (rc == E_OK)
		rc = hsm_token_health(hsm, t->name, &e);
	o = json_pack("{s:s, s:s, s:s, s:b, s:s}", "name", t->name, "module", t->module, "slot",
		      t->slots[0], "ready", rc == E_OK, "why", rc == E_OK ? "" : e.text);
	hsm_close(hsm);
	return o;
}

static int
list(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki token list",
		.args = "",
		.about = "Lists the tokens of the configuration and whether they can be used.",
	};
	static const struct column columns[] = {
		{"name", "NAME"},     {"slot", "SLOT"},   {"ready", "READY"},
		{"module", "MODULE"}, {"why", "WHY NOT"},
	};
	struct common common = {0};
	struct arguments args = {argv, argc};
	struct chosen c = {0};
	json_t *rows = json_array(), *answer = NULL;
	struct err e = {0};
	enum err_code rc;
	size_t i;
	int status;

	if (!options_parse(&usage, NULL, 0, &common, &args, &status)) {
		json_decref(rows);
		return status;
	}
	if ((rc = load(&c, common.config, &e)) == E_OK) {
		for (i = 0; i < c.count; i++)
			json_array_append_new(rows, token_json(&c.tokens[i]));
		answer = json_pack("{s:O}", "tokens", rows);
		rc = output_list(&common, answer, "tokens", columns, ARRAY_LEN(columns), &e);
	}
	json_decref(answer);
	json_decref(rows);
	conf_free(c.conf);
	return report(rc, &e);
}

int
cmd_token(int argc, char **argv)
{
	static const struct command table[] = {
		{"check", check, "try a token and tell what it can do"},
		{"init", make, "make a token in an empty slot"},
		{"list", list, "list the tokens of the configuration"},
	};

	return commands_run("v2gpki token", table, ARRAY_LEN(table), argc, argv);
}
