/* SPDX-License-Identifier: Apache-2.0 */
/* Participants and their credentials. A generated secret stands in one answer and nowhere else; the
 * store has its scrypt. */
#include <stdlib.h>
#include <string.h>

#include "api/admin_json.h"
#include "api/auth.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"
#include "db/party_store.h"
#include "policy/csr.h"

#define SECRET_BYTES    32 /* of randomness in a client secret */
#define CREDENTIALS_MAX 64 /* of one participant */
#define REVOKE_PAGE     32 /* certificates revoked at a time */
#define CEASED          5  /* RFC 5280 5.3.1 cessationOfOperation */
#define SERVICE_ROOT    "service-root"
#define O_MAX           64 /* X.520 ub-organization-name */

static const char *const kind_names[] = {
	[CREDENTIAL_SECRET] = "secret",
	[CREDENTIAL_CERT] = "certificate",
	[CREDENTIAL_BASIC] = "basic",
};

/* --- JSON of a participant --- */

static json_t *
prefixes_json(char prefixes[PARTY_PREFIXES][6], size_t count)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(list, json_string(prefixes[i]));
	return list;
}

static json_t *
party_json(struct party *p)
{
	json_t *roles = json_array();
	unsigned i;

	for (i = 0; i < ROLE_COUNT; i++)
		if ((p->roles & (UINT32_C(1) << i)) != 0)
			json_array_append_new(roles, json_string(role_name(UINT32_C(1) << i)));
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "id", p->id, "name",
			 p->name, "roles", roles, "wmi", prefixes_json(p->wmi, p->wmis),
			 "providers", prefixes_json(p->provider, p->providers), "operators",
			 prefixes_json(p->operator_id, p->operators), "disabled", p->disabled,
			 "created", admin_time(p->created), "changed", admin_time(p->changed));
}

static json_t *
credential_json(const struct credential *c)
{
	return json_pack("{s:s, s:s, s:o, s:o}", "kind", kind_names[c->kind], "key", c->key,
			 "created", admin_time(c->created), "expires", admin_time(c->expires));
}

/* The participant with its credentials and, when there is one, a fresh secret. */
static enum err_code
reply_party(struct request *rq, struct party *p, const struct secret *secret)
{
	struct credential *rows = calloc(CREDENTIALS_MAX, sizeof(*rows));
	json_t *o = NULL, *list = NULL;
	size_t count = 0, i;
	enum err_code rc;

	if (rows == NULL)
		return err_set(&rq->err, E_NO_MEMORY, "no memory for credentials");
	if ((rc = credential_store_list(rq->app->db, p->id, rows, CREDENTIALS_MAX, &count,
					&rq->err)) == E_OK) {
		o = party_json(p);
		list = json_array();
		for (i = 0; i < count; i++)
			json_array_append_new(list, credential_json(&rows[i]));
		if (o != NULL)
			json_object_set_new(o, "credentials", list);
		if (secret->n > 0)
			reply_header(rq, "Cache-Control", "no-store");
		if (o != NULL && secret->n > 0)
			json_object_set_new(o, "secret",
					    json_stringn((const char *)secret->p, secret->n - 1));
	}
	free(rows);
	return rc != E_OK ? rc : reply_json(rq, 200, o);
}

enum err_code
admin_get_clients(struct request *rq)
{
	struct party *rows;
	struct admin_page page;
	json_t *list = NULL, *next = NULL;
	size_t count = 0, i;
	enum err_code rc;

	if ((rc = admin_page(rq, false, &page, &rq->err)) != E_OK)
		return rc;
	rows = calloc(page.limit, sizeof(*rows));
	if (rows == NULL)
		return err_set(&rq->err, E_NO_MEMORY, "no memory for a page");
	rc = party_store_list(rq->app->db, page.after, rows, page.limit, &count, &rq->err);
	if (rc == E_OK) {
		list = json_array();
		for (i = 0; i < count; i++)
			json_array_append_new(list, party_json(&rows[i]));
		if (count == page.limit)
			next = json_string(rows[count - 1].id);
	}
	free(rows);
	return rc != E_OK ? rc : admin_reply_list(rq, "clients", list, next);
}

static enum err_code
find_party(struct request *rq, struct party *out)
{
	struct err e = {0};
	enum err_code rc = party_store_get(rq->app->db, rq->args[0], out, &e);

	if (err_kind(rc) == KIND_NOT_FOUND)
		return err_set(&rq->err, E_PARTICIPANT_UNKNOWN, "participant %.80s: there is none",
			       rq->args[0]);
	return rc == E_OK ? E_OK : err_set(&rq->err, rc, "%s", e.text);
}

enum err_code
admin_get_client(struct request *rq)
{
	const struct secret none = {0};
	struct party p;
	enum err_code rc;

	if ((rc = find_party(rq, &p)) != E_OK)
		return rc;
	return reply_party(rq, &p, &none);
}

/* --- a new participant --- */

static enum err_code
check_id(const char *id, struct err *e)
{
	size_t n = strlen(id);

	if (n == 0 || n > 64 ||
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != n ||
	    strcmp(id, "system") == 0 || strcmp(id, "init") == 0)
		return err_set(e, E_BAD_VALUE,
			       "id %.80s: expected 1 to 64 of letters, digits, dot, hyphen and "
			       "underscore; system and init are ours",
			       id);
	return E_OK;
}

static enum err_code
read_roles(const json_t *body, uint32_t *roles, struct err *e)
{
	json_t *names = NULL;
	enum err_code rc;
	size_t i;

	if ((rc = json_opt_array(body, "roles", ROLE_COUNT, &names, e)) != E_OK)
		return rc;
	for (i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		uint32_t role = role_from_name(name);

		if (role == 0)
			return err_set(e, E_BAD_VALUE, "role %.32s: there is none of this name",
				       name);
		*roles |= role;
	}
	return *roles != 0 ? E_OK : err_set(e, E_JSON_MEMBER, "roles: expected at least one");
}

typedef enum err_code prefix_parser(const char *s, char out[PREFIX_MAX], struct err *e);

static enum err_code
read_prefixes(const json_t *body, const char *member, prefix_parser *parse,
	      char out[PARTY_PREFIXES][6], size_t *count, struct err *e)
{
	json_t *list = NULL;
	enum err_code rc;
	size_t i;

	if ((rc = json_opt_array(body, member, PARTY_PREFIXES, &list, e)) != E_OK)
		return rc;
	for (i = 0; i < json_array_size(list); i++) {
		rc = parse(json_string_value(json_array_get(list, i)), out[i], e);
		if (rc != E_OK) {
			err_context(e, "%s", member);
			return rc;
		}
	}
	*count = json_array_size(list);
	return E_OK;
}

static enum err_code
read_party(const json_t *body, struct party *p, struct err *e)
{
	const char *id = NULL, *name = NULL;
	enum err_code rc;

	if ((rc = json_need_string(body, "id", &id, e)) != E_OK || (rc = check_id(id, e)) != E_OK ||
	    (rc = json_opt_string(body, "name", &name, e)) != E_OK ||
	    (rc = read_roles(body, &p->roles, e)) != E_OK ||
	    (rc = read_prefixes(body, "wmi", wmi_parse, p->wmi, &p->wmis, e)) != E_OK ||
	    (rc = read_prefixes(body, "providers", party_id_parse, p->provider, &p->providers,
				e)) != E_OK ||
	    (rc = read_prefixes(body, "operators", party_id_parse, p->operator_id, &p->operators,
				e)) != E_OK)
		return rc;
	if (!str_copy(p->id, sizeof(p->id), id) ||
	    !str_copy(p->name, sizeof(p->name), name == NULL ? id : name))
		return err_set(e, E_BAD_VALUE, "name: expected at most %zu bytes",
			       sizeof(p->name) - 1);
	p->created = p->changed = clock_now();
	return E_OK;
}

/* 256 random bits as base64url with a NUL, which n counts. */
static enum err_code
make_secret(struct secret *out, struct err *e)
{
	struct secret raw = {0};
	struct buf text = {0};
	enum err_code rc;

	if ((rc = secret_alloc(&raw, SECRET_BYTES, e)) == E_OK &&
	    (rc = random_bytes(raw.p, raw.n, e)) == E_OK) {
		base64url_encode(secret_span(&raw), &text);
		if ((rc = buf_ok(&text, e)) == E_OK &&
		    (rc = secret_alloc(out, text.n + 1, e)) == E_OK)
			memcpy(out->p, text.p, text.n);
	}
	if (text.p != NULL)
		explicit_bzero(text.p, text.cap);
	buf_free(&text);
	secret_free(&raw);
	return rc;
}

/* A fresh secret of this kind under this key (client id or user name), stored as its scrypt. */
static enum err_code
put_secret(struct request *rq, const char *party, enum credential_kind kind, const char *key,
	   struct secret *secret)
{
	struct audit_record audit = admin_audit(rq, "credential.created", party);
	struct credential c = {.kind = kind, .created = clock_now()};
	enum err_code rc;

	audit.detail = kind_names[kind];
	if (!str_copy(c.party, sizeof(c.party), party) || !str_copy(c.key, sizeof(c.key), key) ||
	    key[0] == '\0' || strchr(key, ':') != NULL)
		return err_set(&rq->err, E_BAD_VALUE,
			       "user: expected 1 to %zu bytes without a colon (RFC 7617 2)",
			       sizeof(c.key) - 1);
	if ((rc = make_secret(secret, &rq->err)) != E_OK ||
	    (rc = random_bytes(c.salt, sizeof(c.salt), &rq->err)) != E_OK ||
	    (rc = auth_hash_secret((const char *)secret->p, c.salt, c.hash, &rq->err)) != E_OK)
		return rc;
	return credential_store_put(rq->app->db, &c, &audit, &rq->err);
}

static enum err_code
create_party(struct request *rq, const json_t *body, struct party *p, struct secret *secret)
{
	struct audit_record audit = admin_audit(rq, "participant.created", p->id);
	struct party there;
	struct err absent = {0};
	bool with_secret = false;
	enum err_code rc;

	if ((rc = read_party(body, p, &rq->err)) != E_OK ||
	    (rc = json_opt_bool(body, "secret", &with_secret, &rq->err)) != E_OK)
		return rc;
	rc = party_store_get(rq->app->db, p->id, &there, &absent);
	if (rc == E_OK)
		return err_set(&rq->err, E_PARTICIPANT_EXISTS, "participant %s exists", p->id);
	if (err_kind(rc) != KIND_NOT_FOUND)
		return err_set(&rq->err, rc, "%s", absent.text);
	if ((rc = party_store_put(rq->app->db, p, &audit, &rq->err)) != E_OK || !with_secret)
		return rc;
	return put_secret(rq, p->id, CREDENTIAL_SECRET, p->id, secret);
}

enum err_code
admin_post_client(struct request *rq)
{
	struct party p = {0};
	struct secret secret = {0};
	json_t *body = NULL;
	enum err_code rc;

	if ((rc = admin_body(rq, &body)) == E_OK &&
	    (rc = create_party(rq, body, &p, &secret)) == E_OK)
		rc = reply_party(rq, &p, &secret);
	json_decref(body);
	secret_free(&secret);
	return rc;
}

/* --- changes --- */

/* Whoever shuts himself out can let nobody in again. */
static enum err_code
check_other(struct request *rq, const char *act)
{
	if (strcmp(rq->who.id, rq->args[0]) == 0)
		return err_set(&rq->err, E_BAD_VALUE, "%s: nobody can %s himself", rq->args[0],
			       act);
	return E_OK;
}

/* One page of what the service root issued to a participant; *last: id to go on after. */
static enum err_code
revoke_page(struct request *rq, const char *party, int64_t *last, size_t *count)
{
	struct cert_row *rows = calloc(REVOKE_PAGE, sizeof(*rows));
	enum err_code rc;
	size_t i;

	if (rows == NULL)
		return err_set(&rq->err, E_NO_MEMORY, "no memory for certificates");
	rc = cert_store_list(rq->app->db, SERVICE_ROOT, party, *last, rows, REVOKE_PAGE, count,
			     &rq->err);
	for (i = 0; i < *count; i++) {
		*last = rows[i].id;
		if (rc == E_OK && rows[i].status == CERT_GOOD)
			rc = ca_revoke_serial(rq->app->ca, SERVICE_ROOT,
					      (struct span){rows[i].serial, rows[i].serial_len},
					      CEASED, rq->who.id, &rq->err);
		cert_row_free(&rows[i]);
	}
	free(rows);
	return rc;
}

/* Its TLS certificates are revoked first: a later participant of the same id must not get them. */
enum err_code
admin_delete_client(struct request *rq)
{
	struct audit_record audit = admin_audit(rq, "participant.deleted", rq->args[0]);
	struct party p;
	int64_t last = 0;
	size_t count = 0;
	enum err_code rc;

	if ((rc = check_other(rq, "remove")) != E_OK || (rc = find_party(rq, &p)) != E_OK)
		return rc;
	do {
		if ((rc = revoke_page(rq, p.id, &last, &count)) != E_OK)
			return rc;
	} while (count == REVOKE_PAGE);
	if ((rc = party_store_delete(rq->app->db, p.id, &audit, &rq->err)) != E_OK)
		return rc;
	return reply_json(rq, 200, json_object());
}

static enum err_code
set_disabled(struct request *rq, bool disabled)
{
	const struct secret none = {0};
	struct audit_record audit = admin_audit(
		rq, disabled ? "participant.disabled" : "participant.enabled", rq->args[0]);
	struct party p;
	enum err_code rc;

	if ((rc = check_other(rq, disabled ? "disable" : "enable")) != E_OK ||
	    (rc = find_party(rq, &p)) != E_OK)
		return rc;
	p.disabled = disabled;
	p.changed = clock_now();
	if ((rc = party_store_put(rq->app->db, &p, &audit, &rq->err)) != E_OK)
		return rc;
	return reply_party(rq, &p, &none);
}

enum err_code
admin_post_disable(struct request *rq)
{
	return set_disabled(rq, true);
}

enum err_code
admin_post_enable(struct request *rq)
{
	return set_disabled(rq, false);
}

static enum err_code
replace_secret(struct request *rq, const json_t *body, const struct party *p, struct secret *secret)
{
	const char *kind = "oauth", *user = p->id;
	bool basic;
	enum err_code rc;

	if ((rc = json_opt_string(body, "kind", &kind, &rq->err)) != E_OK ||
	    (rc = json_opt_string(body, "user", &user, &rq->err)) != E_OK)
		return rc;
	basic = strcmp(kind, "basic") == 0;
	if (!basic && strcmp(kind, "oauth") != 0)
		return err_set(&rq->err, E_BAD_VALUE, "kind %.32s: expected oauth or basic", kind);
	if (!basic && strcmp(user, p->id) != 0)
		return err_set(&rq->err, E_BAD_VALUE,
			       "user: an OAuth2 client id is the participant's id");
	return put_secret(rq, p->id, basic ? CREDENTIAL_BASIC : CREDENTIAL_SECRET, user, secret);
}

/* {"kind": "oauth" or "basic", "user": …}: a fresh secret in place of the old one. */
enum err_code
admin_post_secret(struct request *rq)
{
	struct party p;
	struct secret secret = {0};
	json_t *body = NULL;
	enum err_code rc;

	if ((rc = admin_body(rq, &body)) == E_OK && (rc = find_party(rq, &p)) == E_OK &&
	    (rc = replace_secret(rq, body, &p, &secret)) == E_OK)
		rc = reply_party(rq, &p, &secret);
	json_decref(body);
	secret_free(&secret);
	return rc;
}

/* --- TLS client certificates --- */

/* From a CSR: only its key is taken, the name is the participant's (I-9). */
static enum err_code
issue_tls(struct request *rq, const struct party *p, struct span text)
{
	struct issue_request ir = {.request_id = rq->id,
				   .profile = PROFILE_SERVICE_TLS_CLIENT,
				   .o = strlen(p->name) <= O_MAX ? p->name : p->id,
				   .cn = p->id,
				   .participant = p->id};
	struct issued out = {0};
	struct buf der = {0};
	struct csr csr;
	enum err_code rc;

	if ((rc = csr_from_body(text, &der, &rq->err)) == E_OK &&
	    (rc = csr_parse(buf_span(&der), &csr, &rq->err)) == E_OK) {
		ir.algo = csr.algo;
		ir.point = csr.point;
		if ((rc = ca_issue(rq->app->ca, &ir, &out, &rq->err)) == E_OK &&
		    (rc = ca_claim(rq->app->ca, out.cert_id, &rq->err)) == E_OK)
			rc = reply_json(rq, 200,
					json_pack("{s:s, s:o}", "id", p->id, "certificate",
						  json_base64(buf_span(&out.leaf))));
	}
	issued_free(&out);
	buf_free(&der);
	return rc;
}

/* A certificate of somebody else's CA becomes a credential by its SHA-256. */
static enum err_code
register_tls(struct request *rq, const struct party *p, struct span der)
{
	struct audit_record audit = admin_audit(rq, "credential.created", p->id);
	struct credential c = {.kind = CREDENTIAL_CERT, .created = clock_now()};
	const struct secret none = {0};
	uint8_t hash[SHA256_LEN];
	struct party copy = *p;
	struct cert cert;
	enum err_code rc;

	audit.detail = kind_names[CREDENTIAL_CERT];
	if ((rc = cert_parse(der, &cert, &rq->err)) != E_OK ||
	    (rc = sha256(der, hash, &rq->err)) != E_OK)
		return rc;
	if (cert.not_after < clock_now())
		return err_set(&rq->err, E_CERT_EXPIRED, "certificate: it has expired");
	hex_encode((struct span){hash, sizeof(hash)}, c.key, sizeof(c.key));
	c.expires = cert.not_after;
	if (!str_copy(c.party, sizeof(c.party), p->id))
		return err_set(&rq->err, E_INTERNAL, "participant id too long");
	if ((rc = credential_store_put(rq->app->db, &c, &audit, &rq->err)) != E_OK)
		return rc;
	return reply_party(rq, &copy, &none);
}

/* {"csr": …}: issues one; {"certificate": …}: registers one. Both are base64 of DER or of PEM. */
enum err_code
admin_post_cert(struct request *rq)
{
	struct buf csr = {0}, cert = {0};
	json_t *body = NULL;
	struct party p;
	enum err_code rc;

	if ((rc = admin_body(rq, &body)) != E_OK || (rc = find_party(rq, &p)) != E_OK ||
	    (rc = json_opt_base64(body, "csr", ADMIN_CERT_MAX, &csr, &rq->err)) != E_OK ||
	    (rc = json_opt_base64(body, "certificate", ADMIN_CERT_MAX, &cert, &rq->err)) != E_OK)
		goto out;
	if ((csr.n == 0) == (cert.n == 0))
		rc = err_set(&rq->err, E_JSON_MEMBER, "expected either csr or certificate");
	else if (csr.n > 0)
		rc = issue_tls(rq, &p, buf_span(&csr));
	else
		rc = register_tls(rq, &p, buf_span(&cert));
out:
	json_decref(body);
	buf_free(&csr);
	buf_free(&cert);
	return rc;
}

enum err_code
admin_delete_credential(struct request *rq)
{
	struct audit_record audit = admin_audit(rq, "credential.deleted", rq->args[0]);
	const char *kind = rq->args[1], *key = rq->args[2];
	struct credential c;
	enum err_code rc;
	unsigned i;

	for (i = 0; i < ARRAY_LEN(kind_names); i++)
		if (strcmp(kind_names[i], kind) == 0)
			break;
	if (i == ARRAY_LEN(kind_names))
		return err_set(&rq->err, E_BAD_VALUE,
			       "kind %.32s: expected secret, certificate or basic", kind);
	audit.detail = kind_names[i];
	if ((rc = credential_store_get(rq->app->db, (enum credential_kind)i, key, &c, &rq->err)) !=
	    E_OK)
		return rc;
	if (strcmp(c.party, rq->args[0]) != 0)
		return err_set(&rq->err, E_NOT_FOUND, "no such credential of this participant");
	if ((rc = credential_store_delete(rq->app->db, c.kind, key, &audit, &rq->err)) != E_OK)
		return rc;
	return reply_json(rq, 200, json_object());
}
