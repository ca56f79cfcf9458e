/* SPDX-License-Identifier: Apache-2.0 */
/* Contract orders and the list of signers: OPCP 1.0.0 CPS (spec/protocols 2.3). */
#ifndef API_CPS_H
#define API_CPS_H

#include "api/route.h"

extern const struct route routes_cps[];

#endif
