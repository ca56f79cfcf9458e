/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"

/* clang-format off */
const struct command commands[] = {
	{"init",     cmd_init,     "make token, store, hierarchies and the first admin certificate"},
	{"token",    cmd_token,    "test, list and initialise PKCS#11 tokens"},
	{"ca",       cmd_ca,       "list, show and export CAs and signing keys"},
	{"cert",     cmd_cert,     "list, show and revoke certificates"},
	{"client",   cmd_client,   "participants, their roles, prefixes and credentials"},
	{"root",     cmd_root,     "the roots of the root certificate pool"},
	{"vehicle",  cmd_vehicle,  "vehicles of the provisioning certificate pool"},
	{"contract", cmd_contract, "contracts of the contract certificate pool"},
	{"exi",      cmd_exi,      "decode, encode and explain ISO 15118 messages"},
	{"ev",       cmd_ev,       "a car on the command line"},
	{"status",   cmd_status,   "what the service is doing"},
};
/* clang-format on */

const size_t command_count = ARRAY_LEN(commands);
