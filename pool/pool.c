/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/pool.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/privacy.h"
#include "base/str.h"
#include "db/cert_store.h"
#include "pool/internal.h"

#define LOG_FIELDS_MAX 512 /* characters behind the pseudonyms */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err_code
pool_open(const struct pool_conf *conf, struct pool **out, struct err *e)
{
	struct pool *p;
	enum err_code rc;

	*out = NULL;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for the pools");
	p->conf = *conf;
	if (pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return err_set(e, E_NO_MEMORY, "no lock for the pools");
	}
	if ((rc = seen_open(&p->links, e)) != E_OK || (rc = seen_open(&p->bundles, e)) != E_OK) {
		pool_close(p);
		return rc;
	}
	*out = p;
	return E_OK;
}

void
pool_close(struct pool *p)
{
	if (p == NULL)
		return;
	anchors_drop(p);
	seen_close(&p->bundles);
	seen_close(&p->links);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

/* --- what has been verified --- */

enum err_code
seen_open(struct seen *s, struct err *e)
{
	s->key = calloc(SEEN_SLOTS, sizeof(*s->key));
	if (s->key == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for a cache of the pools");
	if (pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s->key);
		s->key = NULL;
		return err_set(e, E_NO_MEMORY, "no lock for a cache of the pools");
	}
	return E_OK;
}

void
seen_close(struct seen *s)
{
	if (s->key == NULL)
		return;
	(void)pthread_mutex_destroy(&s->lock);
	free(s->key);
	s->key = NULL;
}

static size_t
seen_slot(const uint8_t key[SHA256_LEN])
{
	return ((size_t)key[0] | (size_t)key[1] << 8) % SEEN_SLOTS;
}

bool
seen_has(struct seen *s, const uint8_t key[SHA256_LEN])
{
	bool found;

	(void)pthread_mutex_lock(&s->lock);
	found = memcmp(s->key[seen_slot(key)], key, SHA256_LEN) == 0;
	(void)pthread_mutex_unlock(&s->lock);
	return found;
}

void
seen_add(struct seen *s, const uint8_t key[SHA256_LEN])
{
	(void)pthread_mutex_lock(&s->lock);
	memcpy(s->key[seen_slot(key)], key, SHA256_LEN);
	(void)pthread_mutex_unlock(&s->lock);
}

enum err_code
pool_link(struct pool *p, const struct cert *child, const struct cert *issuer, struct err *e)
{
	uint8_t pair[2 * SHA256_LEN], key[SHA256_LEN];
	enum err_code rc;

	if ((rc = sha256(child->der, pair, e)) != E_OK ||
	    (rc = sha256(issuer->der, pair + SHA256_LEN, e)) != E_OK ||
	    (rc = sha256((struct span){pair, sizeof(pair)}, key, e)) != E_OK)
		return rc;
	if (seen_has(&p->links, key))
		return E_OK;
	if ((rc = cert_verify_link(child, issuer, e)) == E_OK)
		seen_add(&p->links, key);
	return rc;
}

/* --- small things --- */

enum err_code
pool_edition(const char *xmlns, bool may_default, enum edition *out, struct err *e)
{
	*out = EDITION_NONE;
	if (xmlns == NULL && may_default)
		*out = EDITION_2;
	else if (xmlns != NULL)
		*out = edition_from_namespace(xmlns);
	if (*out == EDITION_NONE)
		return err_set(e, E_NAMESPACE,
			       "xsdMsgDefNamespace: %s, expected " NAMESPACE_2
			       " or a namespace of ISO 15118-20",
			       xmlns == NULL ? "missing" : "not one that is known");
	return E_OK;
}

enum err_code
pool_edition_2(const char *xmlns, bool may_default, struct err *e)
{
	enum edition edition;
	enum err_code rc;

	if ((rc = pool_edition(xmlns, may_default, &edition, e)) != E_OK)
		return rc;
	if (edition != EDITION_2)
		return err_set(e, E_EDITION,
			       "xsdMsgDefNamespace: contracts of ISO 15118-20 are not enabled, "
			       "expected " NAMESPACE_2);
	return E_OK;
}

enum err_code
pool_missing(enum err_code rc, enum err_code code, const char *text, struct err *e)
{
	if (rc != E_NOT_FOUND && rc != code)
		return rc;
	err_clear(e);
	return err_set(e, code, "%s", text);
}

enum err_code
pool_valid_now(const struct cert *c, const char *field, int64_t now, int64_t skew, struct err *e)
{
	char found[RFC3339_LEN], expected[RFC3339_LEN];

	clock_format(now, expected);
	if (c->not_after < now) {
		clock_format(c->not_after, found);
		return err_set(e, E_CERT_EXPIRED, "%s: expired at %s, it is %s", field, found,
			       expected);
	}
	if (c->not_before > now + skew) {
		clock_format(c->not_before, found);
		return err_set(e, E_CERT_NOT_YET, "%s: valid from %s only, it is %s", field, found,
			       expected);
	}
	return E_OK;
}

enum err_code
pool_status(struct pool *p, const char *field, struct span cert, struct span issuer, struct err *e)
{
	const struct status_source *s = &p->conf.status;
	enum err_code rc;

	if (s->check == NULL)
		return E_OK;
	if ((rc = s->check(s->ctx, cert, issuer, e)) != E_OK)
		err_context(e, "%s", field);
	return rc;
}

enum err_code
pool_cert_status(struct pool *p, const char *field, const struct cert *c, struct span issuer,
		 struct err *e)
{
	uint8_t fingerprint[SHA256_LEN];
	struct cert_row row = {0};
	struct err why = {0};
	enum err_code rc;

	if ((rc = sha256(c->der, fingerprint, e)) != E_OK)
		return rc;
	rc = cert_store_by_fingerprint(p->conf.db, fingerprint, &row, &why);
	if (rc == E_NOT_FOUND)
		rc = pool_status(p, field, c->der, issuer, e);
	else if (rc != E_OK)
		rc = err_set(e, rc, "%s", why.text);
	else if (row.status != CERT_GOOD || row.state != CERT_ISSUED)
		rc = err_set(e, E_CERT_REVOKED, "%s: revoked", field);
	cert_row_free(&row);
	return rc;
}

void
pool_log(enum log_level level, const char *event, struct about about, const char *fmt, ...)
{
	char pcid[PSEUDONYM_LEN] = "-", emaid[PSEUDONYM_LEN] = "-", fields[LOG_FIELDS_MAX];
	va_list ap;

	if (about.pcid != NULL && about.pcid[0] != '\0')
		privacy_pseudonym("pcid", about.pcid, pcid);
	if (about.emaid_key != NULL && about.emaid_key[0] != '\0')
		privacy_pseudonym("emaid", about.emaid_key, emaid);
	va_start(ap, fmt);
	if (vsnprintf(fields, sizeof(fields), fmt, ap) < 0)
		fields[0] = '\0';
	va_end(ap);
	log_event(level, event, "request=%s pcid=%s emaid=%s %s",
		  about.request_id == NULL ? "-" : about.request_id, pcid, emaid, fields);
}

enum err_code
pool_name_text(struct span name, char *out, size_t cap, struct err *e)
{
	struct buf text = {.limit = cap};
	enum err_code rc;

	out[0] = '\0';
	if ((rc = name_to_text(name, true, &text, e)) == E_OK && (rc = buf_ok(&text, e)) == E_OK &&
	    !str_copy_span(out, cap, buf_span(&text)))
		rc = err_set(e, E_TOO_BIG, "a name of more than %zu characters", cap - 1);
	buf_free(&text);
	return rc;
}

enum err_code
pool_buf_copy(const struct buf *from, struct buf *to, struct err *e)
{
	buf_clear(to);
	buf_put_span(to, buf_span(from));
	return buf_ok(to, e);
}
