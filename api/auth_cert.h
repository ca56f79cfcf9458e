/* SPDX-License-Identifier: Apache-2.0 */
/* Judging a TLS client certificate: registered by the SHA-256 of its DER, or issued by our service
 * root to the participant that its CN names. Private to api/. */
#ifndef API_AUTH_CERT_H
#define API_AUTH_CERT_H

#include "api/request.h"

/* The participant behind a certificate, from the store; E_AUTH_CREDENTIAL when it is unknown,
 * expired or revoked. hash: SHA-256 of der. */
enum err_code auth_cert_judge(struct db *db, struct ca_set *ca, struct span der,
			      const uint8_t hash[32], char party[65], struct err *e) MUST_CHECK;

#endif
