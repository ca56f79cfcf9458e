/* SPDX-License-Identifier: Apache-2.0 */
/* Health and readiness, and the CA certificates, without login. */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include "api/route.h"

extern const struct route routes_health[];

#endif
