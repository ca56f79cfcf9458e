/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"
#include "tools/remote.h"

static int
list(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki ca list",
		.args = "",
		.about = "Lists CAs and signing leaves with keys in a token.",
		.client = true,
	};
	static const struct column columns[] = {
		{"name", "NAME"},          {"issuer", "ISSUER"},  {"profile", "PROFILE"},
		{"notAfter", "NOT AFTER"}, {"keyReady", "READY"}, {"subject", "SUBJECT"},
	};
	static const struct remote_list cas = {"cas", columns, ARRAY_LEN(columns), {{0}}};

	return remote_list(&usage, &cas, argc, argv);
}

static int
show(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki ca show",
		.args = "CA",
		.about = "Shows one CA.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};

	return remote_act(&usage, "GET", "cas", NULL, argc, argv);
}

static int
export_pem(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki ca export",
		.args = "CA",
		.about = "Writes the certificate of a CA as PEM.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};
	struct common common = {0};
	struct arguments args = {argv, argc};
	struct buf path = {0};
	json_t *answer = NULL;
	struct err e = {0};
	enum err_code rc;
	int status;

	if (!options_parse(&usage, NULL, 0, &common, &args, &status))
		return status;
	if ((rc = remote_path(&path, "cas", args.v[0], NULL, &e)) == E_OK &&
	    (rc = remote_call(&common, "GET", (const char *)path.p, NULL, &answer, &e)) == E_OK)
		rc = output_pem(&common, answer, "certificate", &e);
	json_decref(answer);
	buf_free(&path);
	return report(rc, &e);
}

int
cmd_ca(int argc, char **argv)
{
	static const struct command table[] = {
		{"list", list, "list CAs and signing leaves"},
		{"show", show, "show one"},
		{"export", export_pem, "write its certificate as PEM"},
	};

	return commands_run("v2gpki ca", table, ARRAY_LEN(table), argc, argv);
}
