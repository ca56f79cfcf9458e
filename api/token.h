/* SPDX-License-Identifier: Apache-2.0 */
/* POST /oauth/token: client credentials against an access token (RFC 6749 4.4), as JSON, form or
 * HTTP Basic (spec/protocols 1.2). */
#ifndef API_TOKEN_H
#define API_TOKEN_H

#include "api/route.h"

extern const struct route routes_token[];

#endif
