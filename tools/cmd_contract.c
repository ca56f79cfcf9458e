/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"
#include "tools/remote.h"

static int
list(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki contract list",
		.args = "",
		.about = "Lists the contracts of the contract certificate pool.",
		.client = true,
	};
	static const struct column columns[] = {
		{"emaid", "EMAID"},     {"pcid", "PCID"},       {"participant", "CLIENT"},
		{"default", "DEFAULT"}, {"edition", "EDITION"}, {"notAfter", "NOT AFTER"},
	};
	static const struct remote_list contracts = {
		"contracts", columns, ARRAY_LEN(columns), {{0}}};

	return remote_list(&usage, &contracts, argc, argv);
}

static int
show(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki contract show",
		.args = "EMAID",
		.about = "Shows the contracts of an EMAID, one per edition.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};

	return remote_act(&usage, "GET", "contracts", NULL, argc, argv);
}

static int
remove_one(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki contract remove",
		.args = "EMAID",
		.about =
			"Revokes the contract certificate where it is ours, then deletes the contract.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};

	return remote_act(&usage, "DELETE", "contracts", NULL, argc, argv);
}

int
cmd_contract(int argc, char **argv)
{
	static const struct command table[] = {
		{"list", list, "list contracts"},
		{"show", show, "show those of an EMAID"},
		{"remove", remove_one, "revoke and delete those of an EMAID"},
	};

	return commands_run("v2gpki contract", table, ARRAY_LEN(table), argc, argv);
}
