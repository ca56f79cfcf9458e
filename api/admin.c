/* SPDX-License-Identifier: Apache-2.0 */
#include "api/admin.h"

const struct route routes_admin[] = {
	{0},
};
