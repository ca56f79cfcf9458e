/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/set.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/str.h"
#include "ca/hierarchy.h"

/* Locks with default attributes do not fail when used as here (POSIX: EINVAL and EDEADLK are
 * programmer errors), so their results are not looked at. */

/* --- one CA --- */

static void
ca_free(struct ca *ca)
{
	if (ca == NULL)
		return;
	pthread_mutex_destroy(&ca->key_lock);
	buf_free(&ca->der);
	free(ca->crl_url);
	free(ca);
}

static enum err_code
no_memory(struct err *e)
{
	return err_set(e, E_NO_MEMORY, "no memory for the table of CAs");
}

char *
set_crl_url(const struct ca_set *set, const char *name)
{
	struct buf b = {0};

	buf_printf(&b, "%s%s.crl", set->crl_base, name);
	if (b.failed)
		buf_free(&b);
	return (char *)b.p; /* buf_printf leaves a NUL behind what it counts */
}

/* Its certificate, key and algorithm as the row says; the issuer is looked up in what is loaded. */
static enum err_code
ca_fill(struct ca *ca, const struct ca_row *row, struct err *e)
{
	enum err_code rc;

	ca->profile = profile_by_name(row->profile);
	ca->algo = algo_by_name(row->algo);
	if (ca->profile == NULL || ca->algo == NULL || row->key_id_len > sizeof(ca->key_id))
		return err_set(e, E_DB, "%s: profile \"%s\" or algorithm \"%s\" is unknown",
			       row->name, row->profile, row->algo);
	memcpy(ca->key_id, row->key_id, row->key_id_len);
	ca->key_id_len = row->key_id_len;
	if (!str_copy(ca->name, sizeof(ca->name), row->name) ||
	    !str_copy(ca->token, sizeof(ca->token), row->token))
		return err_set(e, E_DB, "a CA's name or token is too long");
	buf_put_span(&ca->der, buf_span(&row->cert));
	if ((rc = buf_ok(&ca->der, e)) != E_OK)
		return rc;
	if ((rc = cert_parse(buf_span(&ca->der), &ca->cert, e)) != E_OK)
		err_context(e, "certificate of %s", row->name);
	return rc;
}

static enum err_code
ca_load(struct ca_set *set, const struct ca_row *row, struct ca **out, struct err *e)
{
	struct ca *ca = calloc(1, sizeof(*ca));
	enum err_code rc;

	if (ca == NULL)
		return no_memory(e);
	pthread_mutex_init(&ca->key_lock, NULL);
	if ((rc = ca_fill(ca, row, e)) != E_OK)
		goto out;
	if (row->issuer[0] != '\0' && (ca->issuer = set_find(set, row->issuer)) == NULL) {
		rc = err_set(e, E_DB, "%s: its issuer %s is not in the store", row->name,
			     row->issuer);
		goto out;
	}
	if ((ca->crl_url = set_crl_url(set, ca->name)) == NULL)
		rc = no_memory(e);
out:
	if (rc != E_OK) {
		ca_free(ca);
		ca = NULL;
	}
	*out = ca;
	return rc;
}

/* --- the table --- */

struct ca *
set_find(struct ca_set *set, const char *name)
{
	struct ca_table *t = atomic_load(&set->table);
	size_t i;

	for (i = 0; i < t->count; i++)
		if (strcmp(t->cas[i]->name, name) == 0)
			return t->cas[i];
	return NULL;
}

static struct ca_table *
table_new(struct ca_table *older, size_t count)
{
	struct ca_table *t = calloc(1, sizeof(*t) + count * sizeof(t->cas[0]));

	if (t == NULL)
		return NULL;
	t->older = older;
	t->count = count;
	if (older != NULL && older->count > 0)
		memcpy(t->cas, older->cas, older->count * sizeof(t->cas[0]));
	return t;
}

enum err_code
set_add(struct ca_set *set, const struct ca_row *row, struct hsm_key *key, struct err *e)
{
	struct ca_table *old = atomic_load(&set->table), *new;
	struct ca *ca = NULL;
	enum err_code rc;

	if (old->count >= CA_COUNT_MAX)
		return err_set(e, E_CA_EXISTS, "more than %d CAs", CA_COUNT_MAX);
	if ((rc = ca_load(set, row, &ca, e)) != E_OK)
		return rc;
	if ((new = table_new(old, old->count + 1)) == NULL) {
		ca_free(ca);
		return no_memory(e);
	}
	atomic_init(&ca->key, key);
	new->cas[old->count] = ca;
	atomic_store(&set->table, new);
	return E_OK;
}

enum err_code
set_issuer(struct ca_set *set, enum profile_id id, const char *name, struct ca **out, struct err *e)
{
	const char *by = name != NULL ? name : hierarchy[id].issuer;

	if (by == NULL)
		return err_set(e, E_CA_NO_ISSUER, "%s has no default issuer: name one",
			       profiles[id].name);
	if ((*out = set_find(set, by)) == NULL) {
		if (name != NULL)
			return err_set(e, E_CA_UNKNOWN, "there is no CA \"%.32s\"", by);
		return err_set(e, E_CA_NO_ISSUER, "%s, which issues %s, is not set up", by,
			       profiles[id].name);
	}
	if (!hierarchy_allows((*out)->profile->id, id))
		return err_set(e, E_CA_NO_ISSUER, "%s (%s) does not issue %s", by,
			       (*out)->profile->name, profiles[id].name);
	return E_OK;
}

enum err_code
set_chain(const struct ca *issuing, struct issued *out, struct err *e)
{
	struct buf *below_root[] = {&out->sub2, &out->sub1};
	const struct ca *ca, *path[8];
	size_t n = 0, i;

	for (ca = issuing; ca != NULL && n < ARRAY_LEN(path); ca = ca->issuer)
		path[n++] = ca;
	if (n == 0 || n > ARRAY_LEN(below_root) + 1)
		return err_set(e, E_CERT_CHAIN, "%zu CAs above a leaf: at most 3", n);
	/* One sub-CA alone is Sub 1, as OPCP has it. */
	for (i = 0; i + 1 < n; i++)
		buf_put_span(below_root[ARRAY_LEN(below_root) - (n - 1) + i],
			     buf_span(&path[i]->der));
	buf_put_span(&out->root, buf_span(&path[n - 1]->der));
	if (!str_copy(out->ca, sizeof(out->ca), issuing->name))
		return err_set(e, E_INTERNAL, "a CA's name is too long");
	if (out->sub2.failed || out->sub1.failed)
		return no_memory(e);
	return buf_ok(&out->root, e);
}

/* --- keys --- */

enum err_code
set_prove(struct ca_set *set, const char *name, struct hsm_key *key, const struct algo *a,
	  struct span point, struct err *e)
{
	struct audit_record audit = {.actor = "system", .action = "key.proof", .object = name};
	enum err_code rc;

	if ((rc = audit_append(set->db, &audit, e)) != E_OK)
		return rc;
	if ((rc = hsm_key_prove(key, a, point, false, e)) != E_OK)
		err_context(e, "key of %s", name);
	return rc;
}

static enum err_code
find_key(struct ca_set *set, struct ca *ca, struct hsm_key **key, struct err *e)
{
	enum err_code rc;

	if ((rc = hsm_token_health(set->hsm, ca->token, e)) != E_OK)
		return rc;
	rc = hsm_key_find(set->hsm, ca->token, (struct span){ca->key_id, ca->key_id_len}, key, e);
	if (rc != E_OK)
		return rc;
	return set_prove(set, ca->name, *key, ca->algo, ca->cert.point, e);
}

enum err_code
set_key(struct ca_set *set, struct ca *ca, struct hsm_key **key, struct err *e)
{
	enum err_code rc = E_OK;

	if ((*key = atomic_load(&ca->key)) != NULL)
		return E_OK;
	pthread_mutex_lock(&ca->key_lock);
	*key = atomic_load(&ca->key); /* another thread may have been first */
	if (*key == NULL && (rc = find_key(set, ca, key, e)) == E_OK) {
		atomic_store(&ca->key, *key);
		log_event(LOG_LEVEL_INFO, "key.ready", "ca=%s token=%s", ca->name, ca->token);
	}
	pthread_mutex_unlock(&ca->key_lock);
	return rc;
}

/* I-34. Only a key that is there and is not the certificate's stops the start: a token that is away
 * comes back, a wrong key does not become right. */
static enum err_code
prove_all(struct ca_set *set, unsigned *proofs, struct err *e)
{
	struct ca_table *t = atomic_load(&set->table);
	struct hsm_key *key;
	enum err_code rc;
	size_t i;

	*proofs = 0;
	for (i = 0; i < t->count; i++) {
		struct err why = {0};

		rc = set_key(set, t->cas[i], &key, &why);
		if (rc == E_OK)
			(*proofs)++;
		else if (rc == E_HSM_KEY_PROOF || err_kind(rc) != KIND_UNAVAILABLE)
			return err_set(e, rc, "%s", why.text);
		else
			log_event(LOG_LEVEL_ERROR, "key.away", "ca=%s token=%s error=%s",
				  t->cas[i]->name, t->cas[i]->token, err_name(rc));
	}
	return E_OK;
}

/* A CA whose certificate is revoked issues nothing. */
static enum err_code
load_status(struct ca_set *set, struct err *e)
{
	struct ca_table *t = atomic_load(&set->table);
	uint8_t fingerprint[SHA256_LEN];
	enum err_code rc;
	size_t i;

	for (i = 0; i < t->count; i++) {
		struct cert_row row = {0};
		struct err why = {0};

		if ((rc = sha256(buf_span(&t->cas[i]->der), fingerprint, e)) != E_OK)
			return rc;
		rc = cert_store_by_fingerprint(set->db, fingerprint, &row, &why);
		if (rc == E_OK)
			atomic_store(&t->cas[i]->revoked, row.status == CERT_REVOKED);
		cert_row_free(&row);
		if (rc != E_OK && rc != E_NOT_FOUND)
			return err_set(e, rc, "%s", why.text);
	}
	return E_OK;
}

/* --- open and close --- */

static bool
copy_text(const char *s, const char **out)
{
	*out = s == NULL ? NULL : strdup(s);
	return s == NULL || *out != NULL;
}

static enum err_code
set_new(const struct ca_conf *conf, struct ca_set **out, struct err *e)
{
	struct ca_set *set = calloc(1, sizeof(*set));
	const struct profile_params *p = &conf->params;

	*out = set;
	if (set == NULL)
		return no_memory(e);
	set->db = conf->db;
	set->hsm = conf->hsm;
	pthread_mutex_init(&set->ceremony, NULL);
	flights_init(&set->flights);
	set->params = *p;
	set->params.country = set->params.policy_oid = set->params.ocsp_url = NULL;
	set->params.crl_url = NULL; /* of each CA its own */
	set->crl_base = strdup(conf->crl_base != NULL ? conf->crl_base : "");
	atomic_init(&set->table, table_new(NULL, 0));
	if (!copy_text(p->country, &set->params.country) ||
	    !copy_text(p->policy_oid, &set->params.policy_oid) ||
	    !copy_text(p->ocsp_url, &set->params.ocsp_url) || set->crl_base == NULL ||
	    atomic_load(&set->table) == NULL)
		return no_memory(e);
	return E_OK;
}

/* Rows without a certificate are ceremonies that were interrupted: ca_create goes on with them. */
static enum err_code
load_rows(struct ca_set *set, struct err *e)
{
	struct ca_row *rows = calloc(CA_COUNT_MAX, sizeof(*rows));
	enum err_code rc;
	size_t n = 0, i;

	if (rows == NULL)
		return no_memory(e);
	rc = ca_store_list(set->db, rows, CA_COUNT_MAX, &n, e);
	for (i = 0; i < n; i++) {
		if (rc == E_OK && rows[i].cert.n > 0)
			rc = set_add(set, &rows[i], NULL, e);
		ca_row_free(&rows[i]);
	}
	free(rows);
	return rc;
}

enum err_code
ca_open(const struct ca_conf *conf, struct ca_set **out, unsigned *proofs, struct err *e)
{
	struct ca_set *set = NULL;
	unsigned made = 0;
	enum err_code rc;

	if ((rc = set_new(conf, &set, e)) != E_OK)
		goto out;
	if ((rc = load_rows(set, e)) != E_OK)
		goto out;
	if ((rc = load_status(set, e)) != E_OK)
		goto out;
	rc = prove_all(set, &made, e);
out:
	if (rc != E_OK) {
		ca_close(set);
		set = NULL;
	}
	if (proofs != NULL)
		*proofs = made;
	*out = set;
	return rc;
}

void
ca_close(struct ca_set *set)
{
	struct ca_table *t, *older;
	size_t i;

	if (set == NULL)
		return;
	t = atomic_load(&set->table);
	for (i = 0; t != NULL && i < t->count; i++)
		ca_free(t->cas[i]); /* the newest table holds all of them */
	for (; t != NULL; t = older) {
		older = t->older;
		free(t);
	}
	free((void *)(uintptr_t)set->params.country);
	free((void *)(uintptr_t)set->params.policy_oid);
	free((void *)(uintptr_t)set->params.ocsp_url);
	free(set->crl_base);
	flights_destroy(&set->flights);
	pthread_mutex_destroy(&set->ceremony);
	free(set);
}

/* --- reading --- */

enum err_code
ca_chain(struct ca_set *set, enum profile_id leaf, const char *name, struct issued *out,
	 struct err *e)
{
	struct ca *ca = NULL;
	enum err_code rc;

	*out = (struct issued){0};
	if (leaf >= PROFILE_COUNT)
		return err_set(e, E_PROFILE_UNKNOWN, "there is no profile %d", (int)leaf);
	if ((rc = set_issuer(set, leaf, name, &ca, e)) != E_OK)
		return rc;
	if ((rc = set_chain(ca, out, e)) != E_OK)
		issued_free(out);
	return rc;
}

enum err_code
ca_cert(struct ca_set *set, const char *name, struct buf *der, struct err *e)
{
	const struct ca *ca = set_find(set, name);

	if (ca == NULL)
		return err_set(e, E_CA_UNKNOWN, "there is no CA \"%.32s\"", name);
	buf_put_span(der, buf_span(&ca->der));
	return buf_ok(der, e);
}

static enum err_code
describe(struct ca *ca, struct ca_info *info, struct err *e)
{
	struct buf text = {0};
	uint8_t hash[SHA256_LEN];
	struct hsm_key *key = atomic_load(&ca->key);
	const char *issuer = ca->issuer != NULL ? ca->issuer->name : "";
	enum err_code rc;

	if ((rc = name_to_text(ca->cert.subject, true, &text, e)) != E_OK)
		goto out;
	if ((rc = sha256(buf_span(&ca->der), hash, e)) != E_OK)
		goto out;
	hex_encode((struct span){hash, sizeof(hash)}, info->fingerprint, sizeof(info->fingerprint));
	if (!str_copy(info->name, sizeof(info->name), ca->name) ||
	    !str_copy(info->profile, sizeof(info->profile), ca->profile->name) ||
	    !str_copy(info->issuer, sizeof(info->issuer), issuer) ||
	    !str_copy(info->token, sizeof(info->token), ca->token) ||
	    !str_copy_span(info->subject, sizeof(info->subject), buf_span(&text)))
		rc = err_set(e, E_INTERNAL, "%s: a name is too long to list", ca->name);
	info->not_before = ca->cert.not_before;
	info->not_after = ca->cert.not_after;
	info->key_ready = key != NULL;
	info->signatures = key != NULL ? hsm_key_signatures(key) : 0;
out:
	buf_free(&text);
	return rc;
}

enum err_code
ca_list(struct ca_set *set, struct ca_info **rows, size_t *count, struct err *e)
{
	struct ca_table *t = atomic_load(&set->table);
	enum err_code rc = E_OK;
	size_t i;

	*count = 0;
	if ((*rows = calloc(t->count + 1, sizeof(**rows))) == NULL)
		return no_memory(e);
	for (i = 0; rc == E_OK && i < t->count; i++)
		rc = describe(t->cas[i], &(*rows)[i], e);
	if (rc != E_OK) {
		free(*rows);
		*rows = NULL;
		return rc;
	}
	*count = t->count;
	return E_OK;
}
