/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "tools/commands.h"
#include "tools/remote.h"

static int
list(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki root list",
		.args = "",
		.about = "Lists the roots of the root certificate pool.",
		.client = true,
	};
	static const struct column columns[] = {
		{"id", "ID"},
		{"types", "TYPES"},
		{"notAfter", "NOT AFTER"},
		{"fingerprint", "SHA-256"},
		{"subject", "SUBJECT"},
	};
	static const struct remote_list roots = {
		"roots", columns, ARRAY_LEN(columns), {{"type", "T", "V2G, MO, OEM or PE"}, {0}}};

	return remote_list(&usage, &roots, argc, argv);
}

static int
show(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki root show",
		.args = "ID",
		.about = "Shows one root with its certificate.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};

	return remote_act(&usage, "GET", "roots", NULL, argc, argv);
}

static int
remove_one(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki root remove",
		.args = "ID",
		.about =
			"Removes a root: nothing new is accepted under it, nothing old is deleted.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};

	return remote_act(&usage, "DELETE", "roots", NULL, argc, argv);
}

static int
add(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki root add",
		.args = "FILE",
		.about = "Publishes a root certificate (PEM or DER, - for standard input).",
		.args_min = 1,
		.args_max = 1,
		.client = true,
		.end = "Compare the fingerprint over a second channel first.",
	};
	const char *types = "";
	const struct opt own[] = {
		{"type", "T", &types, NULL, "V2G, MO, OEM or PE; several with commas"},
	};
	struct common common = {0};
	struct arguments args = {argv, argc};
	struct buf der = {0};
	json_t *body = NULL, *answer = NULL;
	struct err e = {0};
	enum err_code rc;
	int status;

	if (!options_parse(&usage, own, ARRAY_LEN(own), &common, &args, &status))
		return status;
	if (types[0] == '\0')
		return report(err_set(&e, E_USAGE, "what kind of root? give --type"), &e);
	if ((rc = remote_cert(args.v[0], &der, &e)) == E_OK) {
		body = json_pack("{s:o, s:o}", "types", remote_words(types), "certificate",
				 json_base64(buf_span(&der)));
		rc = remote_call(&common, "POST", "/admin/v1/roots", body, &answer, &e);
	}
	if (rc == E_OK && answer != NULL)
		rc = output_object(&common, answer, &e);
	json_decref(body);
	json_decref(answer);
	buf_free(&der);
	return report(rc, &e);
}

int
cmd_root(int argc, char **argv)
{
	static const struct command table[] = {
		{"list", list, "list roots"},
		{"show", show, "show one"},
		{"add", add, "publish one"},
		{"remove", remove_one, "remove one"},
	};

	return commands_run("v2gpki root", table, ARRAY_LEN(table), argc, argv);
}
