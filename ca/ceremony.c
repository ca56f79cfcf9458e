/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/str.h"
#include "ca/hierarchy.h"
#include "ca/issue.h"

/* One CA in the making. The row comes first and decides the key's id, so that a ceremony that is
 * repeated finds the key of the one before it. */
struct ceremony {
	struct ca_set *set;
	const struct ca_spec *spec;
	const char *actor;
	const struct profile *profile;
	const struct algo *algo;
	struct ca *issuer; /* NULL: self-signed */
	struct ca_row row;
	struct hsm_key *key;
	struct buf point;
	int64_t cert_id;
};

static enum err_code
check_name(const char *name, struct err *e)
{
	size_t n = name != NULL ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;

	if (n == 0 || n >= CA_NAME_MAX || name[n] != '\0')
		return err_set(e, E_BAD_VALUE,
			       "name of a CA: expected 1 to %d of a-z, 0-9 and -, for its files",
			       CA_NAME_MAX - 1);
	return E_OK;
}

static enum err_code
check_spec(struct ceremony *c, struct err *e)
{
	const struct ca_spec *s = c->spec;
	enum err_code rc;

	if ((rc = check_name(s->name, e)) != E_OK)
		return rc;
	if (set_find(c->set, s->name) != NULL)
		return err_set(e, E_CA_EXISTS, "%s exists", s->name);
	if (s->profile >= PROFILE_COUNT || hierarchy[s->profile].name == NULL)
		return err_set(e, E_PROFILE_UNKNOWN, "%s: profile %d has no key in a token",
			       s->name, (int)s->profile);
	c->profile = &profiles[s->profile];
	c->algo = algo_get(c->profile->algo);
	if (s->cn == NULL || s->token == NULL || c->algo == NULL)
		return err_set(e, E_BAD_VALUE, "%s: CN and token are needed", s->name);
	if ((s->issuer == NULL) != (hierarchy[s->profile].above == 0))
		return err_set(e, E_CA_NO_ISSUER, "%s: %s %s", s->name, c->profile->name,
			       s->issuer == NULL ? "needs an issuer" : "signs itself");
	if (s->issuer == NULL)
		return E_OK;
	return set_issuer(c->set, s->profile, s->issuer, &c->issuer, e);
}

/* The row of an interrupted ceremony of this name, if there is one. */
static enum err_code
find_row(struct ceremony *c, bool *found, struct err *e)
{
	struct ca_row *rows = calloc(CA_COUNT_MAX, sizeof(*rows));
	enum err_code rc;
	size_t n = 0, i;

	*found = false;
	if (rows == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for the table of CAs");
	rc = ca_store_list(c->set->db, rows, CA_COUNT_MAX, &n, e);
	for (i = 0; i < n; i++) {
		if (strcmp(rows[i].name, c->spec->name) == 0) {
			c->row = rows[i];
			*found = true;
		} else {
			ca_row_free(&rows[i]);
		}
	}
	free(rows);
	return rc;
}

static enum err_code
put_row(struct ceremony *c, const char *action, struct err *e)
{
	struct audit_record a = {.actor = c->actor, .action = action, .object = c->spec->name};

	return ca_store_put(c->set->db, &c->row, &a, e);
}

static enum err_code
new_row(struct ceremony *c, struct err *e)
{
	struct ca_row *r = &c->row;
	const char *issuer = c->spec->issuer != NULL ? c->spec->issuer : "";
	enum err_code rc;

	if (!str_copy(r->name, sizeof(r->name), c->spec->name) ||
	    !str_copy(r->profile, sizeof(r->profile), c->profile->name) ||
	    !str_copy(r->issuer, sizeof(r->issuer), issuer) ||
	    !str_copy(r->token, sizeof(r->token), c->spec->token) ||
	    !str_copy(r->algo, sizeof(r->algo), c->algo->name))
		return err_set(e, E_BAD_VALUE, "%s: name of issuer or token is too long",
			       c->spec->name);
	r->key_id_len = HSM_KEY_ID_LEN;
	r->created = clock_now();
	if ((rc = random_bytes(r->key_id, r->key_id_len, e)) != E_OK)
		return rc;
	return put_row(c, "ca.begun", e);
}

/* Step 1: the row. One that was begun otherwise is not bent to the new wishes. */
static enum err_code
begin(struct ceremony *c, struct err *e)
{
	const char *issuer = c->spec->issuer != NULL ? c->spec->issuer : "";
	bool found;
	enum err_code rc;

	if ((rc = find_row(c, &found, e)) != E_OK)
		return rc;
	if (!found)
		return new_row(c, e);
	if (c->row.cert.n > 0)
		return err_set(e, E_CA_EXISTS, "%s exists: another process made it", c->spec->name);
	if (strcmp(c->row.profile, c->profile->name) != 0 || strcmp(c->row.issuer, issuer) != 0 ||
	    strcmp(c->row.token, c->spec->token) != 0)
		return err_set(e, E_CA_EXISTS,
			       "%s was begun as %s under \"%s\" on token %s: go on with these",
			       c->spec->name, c->row.profile, c->row.issuer, c->row.token);
	return E_OK;
}

/* Step 2: the key, found by the row's id or made now: never a second one. */
static enum err_code
make_key(struct ceremony *c, struct err *e)
{
	struct span id = {c->row.key_id, c->row.key_id_len};
	struct hsm *hsm = c->set->hsm;
	struct buf made = {0};
	struct err absent = {0};
	enum err_code rc;

	rc = hsm_key_find(hsm, c->row.token, id, &c->key, &absent);
	if (rc != E_OK && rc != E_HSM_KEY_MISSING)
		return err_set(e, rc, "%s", absent.text);
	if (rc == E_HSM_KEY_MISSING) {
		rc = hsm_key_generate(hsm, c->row.token, c->algo, id, c->spec->name, &made, e);
		buf_free(&made);
		if (rc != E_OK)
			return rc;
		if ((rc = hsm_key_find(hsm, c->row.token, id, &c->key, e)) != E_OK)
			return rc;
	}
	if ((rc = hsm_key_point(c->key, &c->point, e)) != E_OK)
		return rc;
	return set_prove(c->set, c->spec->name, c->key, c->algo, buf_span(&c->point), e);
}

/* Step 3: the certificate, by the way of all certificates. */
static enum err_code
certify(struct ceremony *c, struct err *e)
{
	char request_id[REQUEST_ID_MAX] = CA_REQUEST;
	struct issue_request rq = {.request_id = request_id,
				   .profile = c->spec->profile,
				   .algo = c->algo,
				   .point = buf_span(&c->point),
				   .o = c->spec->o,
				   .cn = c->spec->cn,
				   .not_before = c->spec->not_before,
				   .not_after = c->spec->not_after,
				   .participant = c->actor};
	struct authority by = {.name = c->spec->name,
			       .algo = c->algo,
			       .point = buf_span(&c->point),
			       .not_after = INT64_MAX,
			       .key = c->key};
	size_t n = strlen(CA_REQUEST);
	enum err_code rc;

	if (!str_copy(request_id + n, sizeof(request_id) - n, c->spec->name))
		return err_set(e, E_BAD_VALUE, "%s: name too long", c->spec->name);
	if (c->issuer != NULL)
		by = issue_authority(c->issuer);
	by.within = true;
	if ((rc = issue_under(c->set, &by, &rq, &c->cert_id, &c->row.cert, e)) != E_OK)
		return rc;
	return cert_store_claim(c->set->db, c->cert_id, e);
}

static enum err_code
perform(struct ceremony *c, struct err *e)
{
	enum err_code rc;

	if ((rc = check_spec(c, e)) != E_OK)
		return rc;
	if ((rc = begin(c, e)) != E_OK)
		return rc;
	fault_point("ceremony-after-row");
	if ((rc = make_key(c, e)) != E_OK)
		return rc;
	fault_point("ceremony-after-key");
	if ((rc = certify(c, e)) != E_OK)
		return rc;
	fault_point("ceremony-after-certificate");
	if ((rc = put_row(c, "ca.created", e)) != E_OK)
		return rc;
	fault_point("ceremony-after-store");
	return set_add(c->set, &c->row, c->key, e);
}

enum err_code
ca_create(struct ca_set *set, const struct ca_spec *spec, const char *actor, struct err *e)
{
	struct ceremony c = {.set = set, .spec = spec, .actor = actor};
	enum err_code rc;

	pthread_mutex_lock(&set->ceremony);
	rc = perform(&c, e);
	pthread_mutex_unlock(&set->ceremony);
	if (rc == E_OK)
		log_event(LOG_LEVEL_INFO, "ca.created", "ca=%s profile=%s token=%s", spec->name,
			  c.profile->name, spec->token);
	buf_free(&c.point);
	ca_row_free(&c.row);
	return rc;
}
