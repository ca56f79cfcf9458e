/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"
#include "tools/remote.h"

static int
list(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki vehicle list",
		.args = "",
		.about = "Lists the vehicles of the provisioning certificate pool.",
		.client = true,
	};
	static const struct column columns[] = {
		{"pcid", "PCID"},          {"participant", "CLIENT"}, {"edition", "EDITION"},
		{"notAfter", "NOT AFTER"}, {"changed", "CHANGED"},
	};
	static const struct remote_list vehicles = {"vehicles", columns, ARRAY_LEN(columns), {{0}}};

	return remote_list(&usage, &vehicles, argc, argv);
}

static int
show(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki vehicle show",
		.args = "PCID",
		.about = "Shows one vehicle with its certificates.",
		.args_min = 1,
		.args_max = 1,
		.client = true,
	};

	return remote_act(&usage, "GET", "vehicles", NULL, argc, argv);
}

int
cmd_vehicle(int argc, char **argv)
{
	static const struct command table[] = {
		{"list", list, "list vehicles"},
		{"show", show, "show one"},
	};

	return commands_run("v2gpki vehicle", table, ARRAY_LEN(table), argc, argv);
}
