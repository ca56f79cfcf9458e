/* SPDX-License-Identifier: Apache-2.0 */
/* Installation, contracts and bundles: OPCP 1.0.0 CCP (spec/protocols 2.4). */
#ifndef API_CCP_H
#define API_CCP_H

#include "api/route.h"

extern const struct route routes_ccp[];

#endif
