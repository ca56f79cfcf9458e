/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of the admin listener (design §7): what an operator reads and does on a running service.
 * They exist on LISTEN_ADMIN only; reading and writing are two calls of the access matrix, and
 * every act is audited in the store's own transaction. The JSON is what the commands print with
 * --json. */
#ifndef API_ADMIN_H
#define API_ADMIN_H

#include "api/route.h"

extern const struct route routes_admin[];

#endif
