/* SPDX-License-Identifier: Apache-2.0 */
/* A table of bounded size from a 32-byte hash to a participant id, with an end for each entry; an
 * entry may be forgotten at any time. Owns its lock. Private to api/. */
#ifndef API_AUTH_CACHE_H
#define API_AUTH_CACHE_H

#include "base/digest.h"
#include "db/party_store.h"

#include <stdbool.h>
#include <stdint.h>

struct auth_cache;

enum err_code auth_cache_open(size_t entries, struct auth_cache **out, struct err *e) MUST_CHECK;
void auth_cache_close(struct auth_cache *c);

/* until and now are on one clock of the caller's choice: an entry counts while now < until. */
void auth_cache_put(struct auth_cache *c, const uint8_t key[SHA256_LEN], const char *party,
		    int64_t until);
/* Forgets every entry. */
void auth_cache_clear(struct auth_cache *c);
bool
auth_cache_get(struct auth_cache *c, const uint8_t key[SHA256_LEN], int64_t now, char party[65]);

#endif
