/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/ec.h"
#include "base/json.h"
#include "policy/csr.h"
#include "tools/commands.h"
#include "tools/file.h"
#include "tools/remote.h"

#define FILE_MAX 65536 /* bytes of a certificate or CSR */

/* A fresh secret goes to its file (0600) or, once, to standard output; never both. */
static enum err_code
print_client(const struct common *c, json_t *answer, const char *secret_file, struct err *e)
{
	const char *secret = json_string_value(json_object_get(answer, "secret"));
	struct buf line = {0};
	enum err_code rc = E_OK;

	if (secret != NULL && secret_file != NULL) {
		buf_printf(&line, "%s\n", secret);
		if ((rc = buf_ok(&line, e)) == E_OK)
			rc = file_write(secret_file, 0600, buf_span(&line), e);
		if (line.p != NULL)
			OPENSSL_cleanse(line.p, line.cap);
		buf_free(&line);
		json_object_del(answer, "secret");
	}
	return rc != E_OK ? rc : output_object(c, answer, e);
}

static int
send_and_print(const struct common *c, const char *word, const char *tail, json_t *body,
	       const char *secret_file)
{
	struct buf path = {0};
	json_t *answer = NULL;
	struct err e = {0};
	enum err_code rc;

	if ((rc = remote_path(&path, "clients", word, tail, &e)) == E_OK &&
	    (rc = remote_call(c, "POST", (const char *)path.p, body, &answer, &e)) == E_OK &&
	    answer != NULL)
		rc = print_client(c, answer, secret_file, &e);
	json_decref(answer);
	json_decref(body);
	buf_free(&path);
	return report(rc, &e);
}

static int
add(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki client add",
		.args = "ID",
		.about = "Makes a participant with its roles and the prefixes it owns.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
		.end = "Roles: CPO, OEM, MO_HUBJECT_PKI, MO_EXTERNAL_PKI, CPS, ADMIN, OPERATOR, APPROVER,\n"
		       "AUDITOR. Lists take commas. The secret is shown once.",
	};
	const char *name = NULL, *roles = NULL, *wmi = NULL, *providers = NULL, *operators = NULL;
	const char *secret_file = NULL;
	bool no_secret = false;
	const struct opt own[] = {
		{"name", "TEXT", &name, NULL, "name of the organisation"},
		{"roles", "R,R", &roles, NULL, "what it may do"},
		{"wmi", "W,W", &wmi, NULL, "WMIs of an OEM, e.g. WVA"},
		{"providers", "P,P", &providers, NULL, "provider ids of an MO, e.g. DEXYZ"},
		{"operators", "O,O", &operators, NULL, "operator ids of a CPO, e.g. DEABC"},
		{"no-secret", NULL, NULL, &no_secret, "makes no OAuth2 secret"},
		{"secret-file", "FILE", &secret_file, NULL, "writes the secret there (0600)"},
	};
	struct common common = {.private_out = true};
	struct arguments args = {argv, argc};
	struct err e = {0};
	json_t *body;
	int status;

	if (!options_parse(&usage, own, ARRAY_LEN(own), &common, &args, &status))
		return status;
	if (roles == NULL)
		return report(err_set(&e, E_USAGE, "what may it do? give --roles"), &e);
	body = json_pack("{s:s, s:s*, s:o, s:o, s:o, s:o, s:b}", "id", args.v[0], "name", name,
			 "roles", remote_words(roles), "wmi", remote_words(wmi), "providers",
			 remote_words(providers), "operators", remote_words(operators), "secret",
			 !no_secret);
	return send_and_print(&common, NULL, NULL, body, secret_file);
}

static int
list(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki client list",
		.args = "",
		.about = "Lists the participants.",
		.client = true,
	};
	static const struct column columns[] = {
		{"id", "ID"},
		{"roles", "ROLES"},
		{"wmi", "WMI"},
		{"providers", "PROVIDERS"},
		{"operators", "OPERATORS"},
		{"disabled", "DISABLED"},
		{"name", "NAME"},
	};
	static const struct remote_list clients = {"clients", columns, ARRAY_LEN(columns), {{0}}};

	return remote_list(&usage, &clients, argc, argv);
}

static int
show(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki client show",
		.args = "ID",
		.about = "Shows a participant and its credentials.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};

	return remote_act(&usage, "GET", "clients", NULL, argc, argv);
}

static int
remove_one(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki client remove",
		.args = "ID",
		.about =
			"Revokes a participant's TLS certificates and deletes it with its credentials.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};

	return remote_act(&usage, "DELETE", "clients", NULL, argc, argv);
}

static int
disable(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki client disable",
		.args = "ID",
		.about = "Keeps a participant out until it is enabled again.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};

	return remote_act(&usage, "POST", "clients", "disable", argc, argv);
}

static int
enable(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki client enable",
		.args = "ID",
		.about = "Lets a disabled participant in again.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};

	return remote_act(&usage, "POST", "clients", "enable", argc, argv);
}

static int
secret(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki client secret",
		.args = "ID",
		.about = "Makes a fresh secret in place of the old one.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
		.end = "--basic makes a password for EST clients that can do nothing else.",
	};
	const char *user = NULL, *secret_file = NULL;
	bool basic = false;
	const struct opt own[] = {
		{"basic", NULL, NULL, &basic, "for HTTP Basic at EST"},
		{"user", "NAME", &user, NULL, "user name of HTTP Basic (the id)"},
		{"secret-file", "FILE", &secret_file, NULL, "writes the secret there (0600)"},
	};
	struct common common = {.private_out = true};
	struct arguments args = {argv, argc};
	json_t *body;
	int status;

	if (!options_parse(&usage, own, ARRAY_LEN(own), &common, &args, &status))
		return status;
	body = json_pack("{s:s, s:s*}", "kind", basic ? "basic" : "oauth", "user", user);
	return send_and_print(&common, args.v[0], "secret", body, secret_file);
}

/* --- TLS client certificates --- */

/* The key file is written before the request: a key without certificate is harmless. */
static enum err_code
new_key_csr(const char *id, const char *key_out, struct buf *csr, struct err *e)
{
	const struct algo *a = algo_get(ALGO_P256);
	struct secret scalar = {0}, pem = {0};
	struct buf point = {0};
	enum err_code rc;

	if (path_exists(key_out))
		return err_set(e, E_BAD_VALUE, "%s: there is a file already", key_out);
	if ((rc = ec_generate(a, &scalar, &point, e)) == E_OK &&
	    (rc = ec_private_to_pem(a, &scalar, &pem, e)) == E_OK &&
	    (rc = file_write(key_out, 0600, secret_span(&pem), e)) == E_OK)
		rc = csr_make(a, &scalar, NULL, id, NULL, csr, e);
	buf_free(&point);
	secret_free(&pem);
	secret_free(&scalar);
	return rc;
}

struct cert_options {
	const char *csr, *reg, *key_out;
};

static enum err_code
cert_body(const struct common *c, const struct cert_options *o, const char *id, json_t **body,
	  struct err *e)
{
	struct buf bytes = {0};
	enum err_code rc = E_OK;

	if ((o->csr != NULL) + (o->reg != NULL) + (o->key_out != NULL) != 1)
		return err_set(e, E_USAGE, "give one of --csr, --register and --key-out");
	if (o->csr != NULL)
		rc = file_read(o->csr, FILE_MAX, &bytes, e);
	else if (o->reg != NULL)
		rc = remote_cert(o->reg, &bytes, e);
	else if (!c->dry_run)
		rc = new_key_csr(id, o->key_out, &bytes, e);
	if (rc == E_OK)
		*body = json_pack("{s:o}", o->reg != NULL ? "certificate" : "csr",
				  json_base64(buf_span(&bytes)));
	buf_free(&bytes);
	return rc;
}

static int
cert(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki client cert",
		.args = "ID",
		.about = "Issues a TLS client certificate (PEM), or registers one of another CA.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};
	struct cert_options co = {0};
	const struct opt own[] = {
		{"csr", "FILE", &co.csr, NULL, "issues one for this CSR (PEM or DER)"},
		{"key-out", "FILE", &co.key_out, NULL,
		 "makes a key there (0600) and issues one for it"},
		{"register", "FILE", &co.reg, NULL, "registers this certificate by its SHA-256"},
	};
	struct common common = {0};
	struct arguments args = {argv, argc};
	struct buf path = {0};
	json_t *body = NULL, *answer = NULL;
	struct err e = {0};
	enum err_code rc;
	int status;

	if (!options_parse(&usage, own, ARRAY_LEN(own), &common, &args, &status))
		return status;
	if ((rc = cert_body(&common, &co, args.v[0], &body, &e)) == E_OK &&
	    (rc = remote_path(&path, "clients", args.v[0], "cert", &e)) == E_OK &&
	    (rc = remote_call(&common, "POST", (const char *)path.p, body, &answer, &e)) == E_OK &&
	    answer != NULL)
		rc = co.reg != NULL ? output_object(&common, answer, &e)
				    : output_pem(&common, answer, "certificate", &e);
	json_decref(body);
	json_decref(answer);
	buf_free(&path);
	return report(rc, &e);
}

int
cmd_client(int argc, char **argv)
{
	static const struct command table[] = {
		{"add", add, "make a participant"},
		{"list", list, "list participants"},
		{"show", show, "show one with its credentials"},
		{"remove", remove_one, "revoke its certificates and delete it"},
		{"disable", disable, "keep it out"},
		{"enable", enable, "let it in again"},
		{"secret", secret, "make a fresh secret"},
		{"cert", cert, "issue or register a TLS client certificate"},
	};

	return commands_run("v2gpki client", table, ARRAY_LEN(table), argc, argv);
}
