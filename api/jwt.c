/* SPDX-License-Identifier: Apache-2.0 */
#include "api/jwt.h"

#include "base/algo.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/str.h"
#include "policy/role.h"

#include <jose/jose.h>

#include <string.h>
#include <strings.h>

#define NOT_BEFORE_SKEW 5 /* seconds between the clocks of two nodes */

bool
jwt_same_url(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	n -= n > 0 && a[n - 1] == '/';
	m -= m > 0 && b[m - 1] == '/';
	return n == m && memcmp(a, b, n) == 0;
}

/* --- making --- */

static json_t *
strings(const char (*values)[6], size_t count)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		if (json_array_append_new(list, json_string(values[i])) != 0)
			break;
	return list;
}

static json_t *
role_names(uint32_t roles)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < ROLE_COUNT; i++)
		if ((roles & 1u << i) != 0 &&
		    json_array_append_new(list, json_string(role_name(1u << i))) != 0)
			break;
	return list;
}

/* A claim named by the audience: "https://host/role". */
static bool
put_claim(json_t *o, const char *url, const char *name, json_t *steals)
{
	struct buf key = {0};
	const char *text;
	bool ok;

	buf_printf(&key, "%s/%s", url, name);
	text = key.failed ? NULL : buf_cstr(&key);
	ok = text != NULL && json_object_set_new(o, text, steals) == 0;
	if (text == NULL)
		json_decref(steals);
	buf_free(&key);
	return ok;
}

static json_t *
permissions(void)
{
	json_t *list = json_array();
	const char *s = JWT_SCOPE;

	while (*s != '\0') {
		size_t n = strcspn(s, " ");

		if (json_array_append_new(list, json_stringn(s, n)) != 0)
			break;
		s += n;
		s += strspn(s, " ");
	}
	return list;
}

static json_t *
claims(const char *url, const struct party *p, int64_t now, int64_t exp, const char *id)
{
	json_t *o =
		json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:o}", "iss", url,
			  "sub", p->id, "aud", url, "iat", (json_int_t)now, "nbf", (json_int_t)now,
			  "exp", (json_int_t)exp, "azp", p->id, "jti", id, "gty",
			  "client-credentials", "scope", JWT_SCOPE, "permissions", permissions());
	bool ok;

	if (o == NULL)
		return NULL;
	ok = put_claim(o, url, "role", role_names(p->roles)) &&
	     put_claim(o, url, "pcid", strings(p->wmi, p->wmis)) &&
	     put_claim(o, url, "emaid", strings(p->provider, p->providers)) &&
	     put_claim(o, url, "operator", strings(p->operator_id, p->operators)) &&
	     put_claim(o, url, "client_name", json_string(p->name));
	if (!ok) {
		json_decref(o);
		return NULL;
	}
	return o;
}

enum err_code
jwt_to_be_signed(const char *url, const struct party *p, int64_t now, int64_t exp, struct buf *out,
		 struct err *e)
{
	struct buf text = {0};
	char id[UUID_LEN];
	json_t *o = NULL;
	enum err_code rc;

	if ((rc = random_uuid(id, e)) != E_OK)
		return rc;
	o = claims(url, p, now, exp, id);
	rc = o == NULL ? err_set(e, E_NO_MEMORY, "no memory for a token") : json_dump(o, &text, e);
	json_decref(o);
	if (rc == E_OK) {
		base64url_encode(SPAN_LIT("{\"alg\":\"ES256\",\"typ\":\"JWT\"}"), out);
		buf_put_u8(out, '.');
		base64url_encode(buf_span(&text), out);
		rc = buf_ok(out, e);
	}
	buf_free(&text);
	return rc;
}

/* --- checking --- */

static enum err_code
refuse(struct err *e, const char *what)
{
	return err_set(e, E_AUTH_TOKEN, "access token: %s", what);
}

/* The three parts, still in base64url. */
static bool
cut(struct span token, struct span part[3])
{
	size_t i, from = 0, n = 0;

	for (i = 0; i <= token.n; i++) {
		if (i < token.n && token.p[i] != '.')
			continue;
		if (n == 3 || i == from)
			return false;
		part[n++] = (struct span){token.p + from, i - from};
		from = i + 1;
	}
	return n == 3;
}

static enum err_code
decode_object(struct span part, json_t **out, struct err *e)
{
	struct buf text = {0};
	enum err_code rc;

	if (base64url_decode(part, &text, NULL) != E_OK ||
	    json_parse(buf_span(&text), out, NULL) != E_OK)
		rc = refuse(e, "a part is not base64url of a JSON object");
	else
		rc = E_OK;
	buf_free(&text);
	return rc;
}

/* RFC 7515 4.1: exactly what we issue; "none" and every other algorithm end here. */
static enum err_code
check_header(const json_t *o, struct err *e)
{
	const char *alg = json_string_value(json_object_get(o, "alg"));
	const char *typ = json_string_value(json_object_get(o, "typ"));

	if (alg == NULL || strcmp(alg, "ES256") != 0)
		return refuse(e, "alg: expected ES256");
	if (typ == NULL || strcasecmp(typ, "JWT") != 0)
		return refuse(e, "typ: expected JWT");
	if (json_object_get(o, "crit") != NULL)
		return refuse(e,
			      "crit names an extension that is not understood (RFC 7515 4.1.11)");
	return E_OK;
}

static bool
audience_fits(const json_t *aud, const char *url)
{
	size_t i;

	if (json_is_string(aud))
		return jwt_same_url(json_string_value(aud), url);
	for (i = 0; i < json_array_size(aud); i++) {
		const char *s = json_string_value(json_array_get(aud, i));

		if (s != NULL && jwt_same_url(s, url))
			return true;
	}
	return false;
}

static enum err_code
check_claims(const json_t *o, const char *url, int64_t now, struct err *e)
{
	const char *iss = json_string_value(json_object_get(o, "iss"));
	const json_t *exp = json_object_get(o, "exp"), *nbf = json_object_get(o, "nbf");

	if (iss == NULL || !jwt_same_url(iss, url))
		return refuse(e, "iss: expected this service");
	if (!audience_fits(json_object_get(o, "aud"), url))
		return refuse(e, "aud: expected this service");
	if (!json_is_integer(exp) || json_integer_value(exp) <= now)
		return refuse(e, "exp: it has expired");
	if (!json_is_integer(nbf) || json_integer_value(nbf) > now + NOT_BEFORE_SKEW)
		return refuse(e, "nbf: it is not valid yet");
	if (!json_is_string(json_object_get(o, "sub")))
		return refuse(e, "sub: expected a participant");
	return E_OK;
}

/* libjose prints to stderr unless told otherwise; the refusal is ours to word. */
static void
quiet(void *misc, const char *file, int line, uint64_t err, const char *fmt, va_list ap)
{
	(void)misc; /* nothing of it is needed */
	(void)file;
	(void)line;
	(void)err;
	(void)fmt;
	(void)ap;
}

static json_t *
base64url_json(struct span s)
{
	struct buf b = {0};
	json_t *v;

	base64url_encode(s, &b);
	v = b.failed ? NULL : json_stringn((const char *)b.p, b.n);
	buf_free(&b);
	return v;
}

static bool
signature_fits(const struct jwt_key *key, const struct span part[3])
{
	const struct algo *a = algo_get(ALGO_P256);
	jose_cfg_t *cfg = jose_cfg();
	json_t *jwk, *jws;
	bool ok = false;

	if (cfg == NULL || key->point.n != a->point_len) {
		jose_cfg_decref(cfg);
		return false;
	}
	jose_cfg_set_err_func(cfg, quiet, NULL);
	jwk = json_pack(
		"{s:s, s:s, s:o, s:o}", "kty", "EC", "crv", "P-256", "x",
		base64url_json((struct span){key->point.p + 1, a->scalar_len}), "y",
		base64url_json((struct span){key->point.p + 1 + a->scalar_len, a->scalar_len}));
	jws = json_pack("{s:s%, s:s%, s:s%}", "protected", (const char *)part[0].p, part[0].n,
			"payload", (const char *)part[1].p, part[1].n, "signature",
			(const char *)part[2].p, part[2].n);
	if (jwk != NULL && jws != NULL)
		ok = jose_jws_ver(cfg, jws, NULL, jwk, true);
	json_decref(jws);
	json_decref(jwk);
	jose_cfg_decref(cfg);
	return ok;
}

enum err_code
jwt_verify(const struct jwt_key *key, struct span token, int64_t now, char party[65], int64_t *exp,
	   struct err *e)
{
	json_t *header = NULL, *payload = NULL;
	struct span part[3];
	enum err_code rc;

	if (token.n > JWT_MAX || !cut(token, part))
		return refuse(e, "expected three parts of base64url (RFC 7515 7.1)");
	if ((rc = decode_object(part[0], &header, e)) == E_OK &&
	    (rc = check_header(header, e)) == E_OK && !signature_fits(key, part))
		rc = refuse(e, "the signature does not fit");
	if (rc == E_OK)
		rc = decode_object(part[1], &payload, e);
	if (rc == E_OK)
		rc = check_claims(payload, key->url, now, e);
	if (rc == E_OK && !str_copy(party, 65, json_string_value(json_object_get(payload, "sub"))))
		rc = refuse(e, "sub: expected a participant");
	if (rc == E_OK)
		*exp = json_integer_value(json_object_get(payload, "exp"));
	json_decref(payload);
	json_decref(header);
	return rc;
}
