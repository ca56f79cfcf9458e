/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon never runs as root: it drops to a user, or refuses to start. */
#ifndef TOOLS_PRIVILEGE_H
#define TOOLS_PRIVILEGE_H

#include "base/err.h"

/* Becomes this user for good (groups, gid, uid; refuses uid 0). user NULL: stays who it is, and
 * refuses uid 0. Call before threads. */
enum err_code privilege_drop(const char *user, struct err *e) MUST_CHECK;

#endif
