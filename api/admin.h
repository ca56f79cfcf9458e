/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of the admin listener (design §7): lists, reads and writes that an operator does to a
 * running service. They exist on LISTEN_ADMIN only. */
#ifndef API_ADMIN_H
#define API_ADMIN_H

#include "api/route.h"

extern const struct route routes_admin[];

#endif
