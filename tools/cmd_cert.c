/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"
#include "tools/remote.h"

#define CERT_ARG "CERT"
#define CERT_END "CERT is the SHA-256 fingerprint in hex, or CA:SERIAL with the serial in hex."

static int
list(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki cert list",
		.args = "",
		.about = "Lists the certificates that we issued, intents and orphans too.",
		.client = true,
	};
	static const struct column columns[] = {
		{"id", "ID"},
		{"ca", "CA"},
		{"serial", "SERIAL"},
		{"state", "STATE"},
		{"participant", "CLIENT"},
		{"notAfter", "NOT AFTER"},
		{"subject", "SUBJECT"},
	};
	static const struct remote_list certs = {
		"certs",
		columns,
		ARRAY_LEN(columns),
		{{"ca", "CA", "only of this CA"},
		 {"participant", "ID", "only of this participant"}},
	};

	return remote_list(&usage, &certs, argc, argv);
}

static int
show(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki cert show",
		.args = CERT_ARG,
		.about = "Shows one certificate.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
		.end = CERT_END,
	};

	return remote_act(&usage, "GET", "certs", NULL, argc, argv);
}

static int
revoke(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki cert revoke",
		.args = CERT_ARG,
		.about = "Revokes a certificate of ours for good.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
		.end = CERT_END,
	};
	const char *reason = "unspecified";
	const struct opt own[] = {
		{"reason", "R", &reason, NULL, "RFC 5280 5.3.1: keyCompromise, superseded, …"},
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
	body = json_pack("{s:s}", "reason", reason);
	if ((rc = remote_path(&path, "certs", args.v[0], "revoke", &e)) == E_OK &&
	    (rc = remote_call(&common, "POST", (const char *)path.p, body, &answer, &e)) == E_OK &&
	    answer != NULL)
		rc = output_object(&common, answer, &e);
	json_decref(body);
	json_decref(answer);
	buf_free(&path);
	return report(rc, &e);
}

int
cmd_cert(int argc, char **argv)
{
	static const struct command table[] = {
		{"list", list, "list certificates"},
		{"show", show, "show one"},
		{"revoke", revoke, "revoke one"},
	};

	return commands_run("v2gpki cert", table, ARRAY_LEN(table), argc, argv);
}
