/* SPDX-License-Identifier: Apache-2.0 */
/* Provisioning certificates: OPCP 1.0.0 PCP (spec/protocols 2.2). */
#ifndef API_PCP_H
#define API_PCP_H

#include "api/route.h"

extern const struct route routes_pcp[];

#endif
