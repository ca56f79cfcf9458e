/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth_cache.h"

#include "base/str.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 4 /* places an entry may stand in */

struct entry {
	uint8_t key[SHA256_LEN];
	char party[65];
	int64_t until; /* 0: free */
};

struct auth_cache {
	pthread_mutex_t lock;
	size_t sets;
	struct entry entries[];
};

enum err_code
auth_cache_open(size_t entries, struct auth_cache **out, struct err *e)
{
	struct auth_cache *c = calloc(1, sizeof(*c) + entries * sizeof(c->entries[0]));

	if (c == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for a cache of %zu entries", entries);
	pthread_mutex_init(&c->lock, NULL);
	c->sets = entries / WAYS;
	*out = c;
	return E_OK;
}

void
auth_cache_close(struct auth_cache *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct entry *
set_of(struct auth_cache *c, const uint8_t key[SHA256_LEN])
{
	size_t n;

	memcpy(&n, key, sizeof(n));
	return &c->entries[n % c->sets * WAYS];
}

void
auth_cache_put(struct auth_cache *c, const uint8_t key[SHA256_LEN], const char *party,
	       int64_t until)
{
	struct entry *set = set_of(c, key), *to = set;
	size_t i;

	pthread_mutex_lock(&c->lock);
	for (i = 0; i < WAYS; i++) { /* its own place, else the one that ends first */
		if (memcmp(set[i].key, key, SHA256_LEN) == 0) {
			to = &set[i];
			break;
		}
		if (set[i].until < to->until)
			to = &set[i];
	}
	memcpy(to->key, key, SHA256_LEN);
	to->until = str_copy(to->party, sizeof(to->party), party) ? until : 0;
	pthread_mutex_unlock(&c->lock);
}

bool
auth_cache_get(struct auth_cache *c, const uint8_t key[SHA256_LEN], int64_t now, char party[65])
{
	struct entry *set = set_of(c, key);
	bool found = false;
	size_t i;

	pthread_mutex_lock(&c->lock);
	for (i = 0; i < WAYS && !found; i++)
		if (now < set[i].until && memcmp(set[i].key, key, SHA256_LEN) == 0) {
			memcpy(party, set[i].party, sizeof(set[i].party));
			found = true;
		}
	pthread_mutex_unlock(&c->lock);
	return found;
}

void
auth_cache_clear(struct auth_cache *c)
{
	size_t i;

	pthread_mutex_lock(&c->lock);
	for (i = 0; i < c->sets * WAYS; i++)
		c->entries[i].until = 0;
	pthread_mutex_unlock(&c->lock);
}
