/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "pool/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void
anchors_free(struct anchors *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++)
		root_row_free(&set->a[i].row);
	free(set);
}

/* Takes the rows over; one that cannot be read any more is left out and reported. */
static enum err_code
anchors_make(struct root_row *rows, size_t count, uint64_t version, struct anchors **out,
	     struct err *e)
{
	struct anchors *set = calloc(1, sizeof(*set) + count * sizeof(set->a[0]));

	*out = NULL;
	if (set == NULL) {
		for (size_t i = 0; i < count; i++)
			root_row_free(&rows[i]);
		return err_set(e, E_NO_MEMORY, "no memory for %zu roots", count);
	}
	set->refs = 1;
	set->version = version;
	for (size_t i = 0; i < count; i++) {
		struct anchor *a = &set->a[set->n];

		a->row = rows[i];
		if (cert_parse(buf_span(&a->row.der), &a->cert, NULL) != E_OK) {
			log_event(LOG_LEVEL_ERROR, "root.unreadable", "root=%s", a->row.id);
			root_row_free(&a->row);
			continue;
		}
		hex_encode((struct span){a->row.fingerprint, SHA256_LEN}, a->hex, sizeof(a->hex));
		set->n++;
	}
	*out = set;
	return E_OK;
}

static enum err_code
anchors_load(struct pool *p, struct anchors **out, struct err *e)
{
	/* Taken before the rows: a change in between makes the next call read again. */
	uint64_t version = root_store_version(p->conf.db);
	struct root_row *rows = NULL;
	size_t count = 0;
	enum err_code rc;

	*out = NULL;
	if ((rc = root_store_list(p->conf.db, ROOT_V2G | ROOT_MO | ROOT_OEM | ROOT_PE, &rows,
				  &count, e)) != E_OK)
		return rc;
	rc = anchors_make(rows, count, version, out, e);
	free(rows);
	return rc;
}

/* Drops one reference; true when it was the last and the caller has to free. */
static bool
unref(struct pool *p, struct anchors *set)
{
	bool last;

	(void)pthread_mutex_lock(&p->lock);
	last = --set->refs == 0;
	(void)pthread_mutex_unlock(&p->lock);
	return last;
}

enum err_code
anchors_get(struct pool *p, const struct anchors **out, struct err *e)
{
	struct anchors *fresh, *old = NULL;
	enum err_code rc;

	*out = NULL;
	(void)pthread_mutex_lock(&p->lock);
	if (p->anchors != NULL && p->anchors->version == root_store_version(p->conf.db)) {
		p->anchors->refs++;
		*out = p->anchors;
	}
	(void)pthread_mutex_unlock(&p->lock);
	if (*out != NULL)
		return E_OK;
	if ((rc = anchors_load(p, &fresh, e)) != E_OK)
		return rc;
	(void)pthread_mutex_lock(&p->lock);
	old = p->anchors;
	if (old != NULL && --old->refs != 0)
		old = NULL; /* its last user frees it */
	p->anchors = fresh;
	fresh->refs++;
	(void)pthread_mutex_unlock(&p->lock);
	anchors_free(old);
	*out = fresh;
	return E_OK;
}

void
anchors_put(struct pool *p, const struct anchors *set)
{
	struct anchors *mine;

	if (set == NULL)
		return;
	/* The set came from anchors_get, which lends it read-only; its count of users is ours. */
	memcpy(&mine, &set, sizeof(mine));
	if (unref(p, mine))
		anchors_free(mine);
}

void
anchors_drop(struct pool *p)
{
	if (p->anchors != NULL && unref(p, p->anchors))
		anchors_free(p->anchors);
	p->anchors = NULL;
}

const struct anchor *
anchor_by_fingerprint(const struct anchors *set, const uint8_t fingerprint[SHA256_LEN],
		      unsigned types)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct anchor *a = &set->a[i];

		if ((a->row.types & types) != 0 &&
		    memcmp(a->row.fingerprint, fingerprint, SHA256_LEN) == 0)
			return a;
	}
	return NULL;
}

const struct anchor *
anchor_by_hex(const struct anchors *set, const char *hex, unsigned types)
{
	for (size_t i = 0; i < set->n; i++) {
		if ((set->a[i].row.types & types) != 0 && strcmp(set->a[i].hex, hex) == 0)
			return &set->a[i];
	}
	return NULL;
}

const struct anchor *
anchor_by_name(const struct anchors *set, const char *name, unsigned types)
{
	char hex[HEX_LEN(SHA256_LEN)];
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		if ((set->a[i].row.types & types) != 0 && strcasecmp(set->a[i].row.id, name) == 0)
			return &set->a[i];
	}
	for (; *name != '\0'; name++) {
		if (*name == ':')
			continue;
		if (n + 1 == sizeof(hex))
			return NULL;
		hex[n++] = (char)(tolower)((unsigned char)*name);
	}
	hex[n] = '\0';
	return anchor_by_hex(set, hex, types);
}

const struct anchor *
anchor_of(struct pool *p, const struct anchors *set, const struct cert *child, unsigned types)
{
	/* Several roots of one owner may share a name (ISO 15118-2 [V2G2-878]). */
	for (size_t i = 0; i < set->n; i++) {
		const struct anchor *a = &set->a[i];

		if ((a->row.types & types) != 0 && span_equal(a->cert.subject, child->issuer) &&
		    pool_link(p, child, &a->cert, NULL) == E_OK)
			return a;
	}
	return NULL;
}
