/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment over EST (RFC 7030) under every path that clients use (spec/protocols 2.5 and 10). */
#ifndef API_EST_H
#define API_EST_H

#include "api/route.h"

extern const struct route routes_est[];

#endif
