/* SPDX-License-Identifier: Apache-2.0 */
/* GET, PUT and DELETE of roots: OPCP 1.0.0 RCP (spec/protocols 2.1). */
#ifndef API_RCP_H
#define API_RCP_H

#include "api/route.h"

extern const struct route routes_rcp[];

#endif
