/* SPDX-License-Identifier: Apache-2.0 */
#include "api/admin.h"
#include "api/ccp.h"
#include "api/cps.h"
#include "api/est.h"
#include "api/health.h"
#include "api/pcp.h"
#include "api/rcp.h"
#include "api/token.h"

const struct route *const route_tables[] = {
	routes_token, routes_rcp,    routes_pcp,   routes_cps, routes_ccp,
	routes_est,   routes_health, routes_admin, NULL,
};
