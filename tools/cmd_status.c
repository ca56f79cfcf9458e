/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"
#include "tools/remote.h"

int
cmd_status(int argc, char **argv)
{
	static const struct usage usage = {
		.command = "v2gpki status",
		.args = "",
		.about =
			"Tells version, store, certificates, pools, CAs and tokens of a running daemon.",
		.client = true,
	};

	return remote_act(&usage, "GET", "status", NULL, argc, argv);
}
