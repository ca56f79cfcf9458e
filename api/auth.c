/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth.h"

#include "api/auth_cache.h"
#include "api/auth_cert.h"
#include "api/http.h"
#include "api/jwt.h"
#include "base/clock.h"
#include "base/str.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PARTY_FRESH_US  4000000  /* a disabled participant is out within 5 s (design §3) */
#define SECRET_FRESH_US 60000000 /* a verified pair is remembered so long */
#define SCRYPT_AT_ONCE  2        /* 16 MiB and 77 ms each */
#define SCRYPT_N        16384
#define SCRYPT_R        8
#define SCRYPT_P        1
#define SCRYPT_MEMORY   (64 << 20) /* bytes, above what N and r need */
#define CACHE_ENTRIES   4096
#define PARTIES_CACHED  512
#define CREDENTIAL_MAX  1024 /* characters of user and password */

struct known_party {
	struct principal who;
	bool out; /* disabled or unknown */
	int64_t until_us;
};

struct auth {
	struct db *db;
	struct ca_set *ca;
	char *url;
	char *token_signer;
	int64_t token_seconds;
	struct buf signer_point;
	struct secret process_key; /* of the HMAC that remembers pairs */
	struct auth_cache *tokens, *certs, *pairs;
	atomic_int scrypts;
	atomic_uint forgotten; /* times that auth_forget was called */
	pthread_mutex_t lock; /* of parties */
	struct known_party *parties;
};

/* --- start and stop --- */

static enum err_code
read_signer(struct auth *a, struct err *e)
{
	struct buf der = {0};
	struct cert c;
	enum err_code rc;

	if ((rc = ca_cert(a->ca, a->token_signer, &der, e)) == E_OK &&
	    (rc = cert_parse(buf_span(&der), &c, e)) == E_OK) {
		if (c.algo == NULL || c.algo->id != ALGO_P256)
			rc = err_set(e, E_CONFIG, "%s: expected a P-256 key for ES256",
				     a->token_signer);
		else
			buf_put_span(&a->signer_point, c.point);
	}
	buf_free(&der);
	return rc == E_OK ? buf_ok(&a->signer_point, e) : rc;
}

static enum err_code
open_caches(struct auth *a, struct err *e)
{
	enum err_code rc;

	a->parties = calloc(PARTIES_CACHED, sizeof(a->parties[0]));
	if (a->parties == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for participants");
	if ((rc = auth_cache_open(CACHE_ENTRIES, &a->tokens, e)) != E_OK ||
	    (rc = auth_cache_open(CACHE_ENTRIES, &a->certs, e)) != E_OK)
		return rc;
	return auth_cache_open(CACHE_ENTRIES, &a->pairs, e);
}

enum err_code
auth_open(const struct auth_conf *conf, struct auth **out, struct err *e)
{
	struct auth *a = calloc(1, sizeof(*a));
	enum err_code rc;

	if (a == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for authentication");
	pthread_mutex_init(&a->lock, NULL);
	a->db = conf->db;
	a->ca = conf->ca;
	a->token_seconds = conf->token_seconds;
	a->url = strdup(conf->public_url);
	a->token_signer = strdup(conf->token_signer);
	rc = a->url == NULL || a->token_signer == NULL
		     ? err_set(e, E_NO_MEMORY, "no memory for authentication")
		     : open_caches(a, e);
	if (rc == E_OK)
		rc = secret_alloc(&a->process_key, SHA256_LEN, e);
	if (rc == E_OK)
		rc = random_bytes(a->process_key.p, a->process_key.n, e);
	if (rc == E_OK)
		rc = read_signer(a, e);
	if (rc != E_OK) {
		auth_close(a);
		return rc;
	}
	*out = a;
	return E_OK;
}

void
auth_close(struct auth *a)
{
	if (a == NULL)
		return;
	secret_free(&a->process_key);
	buf_free(&a->signer_point);
	auth_cache_close(a->tokens);
	auth_cache_close(a->certs);
	auth_cache_close(a->pairs);
	pthread_mutex_destroy(&a->lock);
	free(a->parties);
	free(a->token_signer);
	free(a->url);
	free(a);
}

/* --- participants --- */

static void
principal_from(const struct party *p, struct principal *who)
{
	*who = (struct principal){.roles = p->roles,
				  .wmis = p->wmis,
				  .providers = p->providers,
				  .operators = p->operators};
	memcpy(who->id, p->id, sizeof(who->id));
	memcpy(who->wmi, p->wmi, sizeof(who->wmi));
	memcpy(who->provider, p->provider, sizeof(who->provider));
	memcpy(who->operator_id, p->operator_id, sizeof(who->operator_id));
}

static struct known_party *
place_of(struct auth *a, const char *id)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *id != '\0'; id++)
		h = (h ^ (uint8_t)*id) * 16777619u;
	return &a->parties[h % PARTIES_CACHED];
}

static bool
party_cached(struct auth *a, const char *id, struct known_party *out)
{
	const struct known_party *k = place_of(a, id);
	bool fresh;

	pthread_mutex_lock(&a->lock);
	fresh = clock_mono_us() < k->until_us && strcmp(k->who.id, id) == 0;
	if (fresh)
		*out = *k;
	pthread_mutex_unlock(&a->lock);
	return fresh;
}

/* From the store; who is unknown is remembered as out, too. */
static enum err_code
party_read(struct auth *a, const char *id, struct known_party *out, struct err *e)
{
	struct err local = {0};
	struct party p = {0};
	enum err_code rc = party_store_get(a->db, id, &p, &local);

	if (rc != E_OK && err_kind(rc) != KIND_NOT_FOUND)
		return err_set(e, rc, "%s", local.text);
	*out = (struct known_party){.out = rc != E_OK || p.disabled,
				    .until_us = clock_mono_us() + PARTY_FRESH_US};
	if (rc == E_OK)
		principal_from(&p, &out->who);
	else if (!str_copy(out->who.id, sizeof(out->who.id), id))
		return E_OK; /* no participant has such an id: nothing to remember */
	pthread_mutex_lock(&a->lock);
	*place_of(a, id) = *out;
	pthread_mutex_unlock(&a->lock);
	return E_OK;
}

/* The participant as he is now, roles and prefixes of the store, not of the token. */
static enum err_code
find_party(struct auth *a, const char *id, bool on_worker, bool *needs_worker,
	   struct principal *who, struct err *e)
{
	struct known_party k = {0};
	enum err_code rc;

	if (!party_cached(a, id, &k)) {
		if (!on_worker) {
			*needs_worker = true;
			return E_OK;
		}
		if ((rc = party_read(a, id, &k, e)) != E_OK)
			return rc;
	}
	if (k.out)
		return err_set(e, E_AUTH_CREDENTIAL, "the participant is unknown or disabled");
	*who = k.who;
	return E_OK;
}

/* --- secrets --- */

enum err_code
auth_hash_secret(const char *secret, const uint8_t salt[16], uint8_t hash[32], struct err *e)
{
	if (EVP_PBE_scrypt(secret, strlen(secret), salt, 16, SCRYPT_N, SCRYPT_R, SCRYPT_P,
			   SCRYPT_MEMORY, hash, 32) != 1)
		return err_set(e, E_CRYPTO, "scrypt failed");
	return E_OK;
}

/* What a pair is remembered by; the secret cannot be found from it without the process key. */
static enum err_code
pair_key(struct auth *a, bool basic, const char *id, const char *secret, uint8_t out[SHA256_LEN],
	 struct err *e)
{
	struct buf b = {0};
	enum err_code rc;

	buf_put_u8(&b, basic ? 'b' : 's');
	buf_put(&b, id, strlen(id) + 1);
	buf_put_str(&b, secret);
	rc = buf_ok(&b, e);
	if (rc == E_OK)
		rc = hmac_sha256(secret_span(&a->process_key), buf_span(&b), out, e);
	if (b.p != NULL)
		OPENSSL_cleanse(b.p, b.n);
	buf_free(&b);
	return rc;
}

static enum err_code
wrong_pair(struct err *e)
{
	return err_set(e, E_AUTH_CREDENTIAL, "unknown, expired or wrong credential");
}

/* Compares with the store. An unknown id costs as much as a wrong secret. */
static enum err_code
check_stored(struct auth *a, bool basic, const char *id, const char *secret, char party[65],
	     struct err *e)
{
	struct credential c = {0};
	struct err local = {0};
	uint8_t hash[32] = {0};
	bool known, fits;
	enum err_code rc = credential_store_get(a->db, basic ? CREDENTIAL_BASIC : CREDENTIAL_SECRET,
						id, &c, &local);

	if (rc != E_OK && err_kind(rc) != KIND_NOT_FOUND)
		return err_set(e, rc, "%s", local.text);
	known = rc == E_OK && (c.expires == 0 || clock_now() < c.expires);
	if ((rc = auth_hash_secret(secret, c.salt, hash, e)) != E_OK)
		return rc;
	fits = CRYPTO_memcmp(hash, c.hash, sizeof(hash)) == 0;
	OPENSSL_cleanse(hash, sizeof(hash));
	if (!known || !fits || !str_copy(party, 65, c.party))
		return wrong_pair(e);
	return E_OK;
}

enum err_code
auth_check_secret(struct auth *a, bool basic, const char *id, const char *secret,
		  struct principal *who, struct err *e)
{
	uint8_t key[SHA256_LEN];
	char party[65] = "";
	bool needs_worker = false;
	unsigned before = atomic_load(&a->forgotten);
	enum err_code rc;

	if (strlen(id) + strlen(secret) > CREDENTIAL_MAX)
		return wrong_pair(e);
	if ((rc = pair_key(a, basic, id, secret, key, e)) != E_OK)
		return rc;
	if (!auth_cache_get(a->pairs, key, clock_mono_us(), party)) {
		if (atomic_fetch_add(&a->scrypts, 1) >= SCRYPT_AT_ONCE)
			rc = err_set(e, E_RATE, "too many secrets are being checked right now");
		else
			rc = check_stored(a, basic, id, secret, party, e);
		atomic_fetch_sub(&a->scrypts, 1);
		if (rc != E_OK)
			return rc;
		auth_cache_put(a->pairs, key, party, clock_mono_us() + SECRET_FRESH_US);
		if (atomic_load(&a->forgotten) != before) /* replaced while it was checked */
			auth_cache_clear(a->pairs);
	}
	return find_party(a, party, true, &needs_worker, who, e);
}

/* The count first: a check under way sees it and drops what it remembered. */
void
auth_forget(struct auth *a)
{
	size_t i;

	atomic_fetch_add(&a->forgotten, 1);
	auth_cache_clear(a->pairs);
	auth_cache_clear(a->certs);
	pthread_mutex_lock(&a->lock);
	for (i = 0; i < PARTIES_CACHED; i++)
		a->parties[i].until_us = 0;
	pthread_mutex_unlock(&a->lock);
}

/* --- the three credentials of a request; each names a participant --- */

/* One attempt to find out who calls. */
struct attempt {
	struct auth *a;
	struct request *rq;
	bool on_worker, needs_worker;
	char from_header[65], from_tls[65]; /* participants named, "" none */
};

static enum err_code
try_bearer(struct attempt *t, const char *token)
{
	struct auth *a = t->a;
	struct jwt_key key = {buf_span(&a->signer_point), a->url};
	uint8_t hash[SHA256_LEN];
	int64_t exp = 0;
	enum err_code rc;

	t->rq->auth_method = AUTH_BEARER;
	if ((rc = sha256(span_str(token), hash, &t->rq->err)) != E_OK)
		return rc;
	if (auth_cache_get(a->tokens, hash, clock_now(), t->from_header))
		return E_OK;
	rc = jwt_verify(&key, span_str(token), clock_now(), t->from_header, &exp, &t->rq->err);
	if (rc == E_OK)
		auth_cache_put(a->tokens, hash, t->from_header, exp);
	return rc;
}

/* user:password of a Basic credential (RFC 7617), cut in place; text owns it. */
static bool
basic_parts(const char *encoded, struct buf *text, const char **user, const char **secret)
{
	char *colon;

	if (base64_decode(span_str(encoded), text, NULL) != E_OK ||
	    (*user = buf_cstr(text)) == NULL || strlen(*user) != text->n)
		return false;
	colon = memchr(text->p, ':', text->n);
	if (colon == NULL)
		return false;
	*colon = '\0';
	*secret = colon + 1;
	return true;
}

/* Whether this pair is remembered; needs_worker when it is not and this is a network thread. */
static enum err_code
check_basic(struct attempt *t, const char *user, const char *secret)
{
	struct principal who;
	uint8_t key[SHA256_LEN];
	enum err_code rc;

	if (!t->on_worker) {
		rc = pair_key(t->a, true, user, secret, key, &t->rq->err);
		t->needs_worker = rc == E_OK && !auth_cache_get(t->a->pairs, key, clock_mono_us(),
								t->from_header);
		return rc;
	}
	rc = auth_check_secret(t->a, true, user, secret, &who, &t->rq->err);
	if (rc == E_OK)
		memcpy(t->from_header, who.id, sizeof(t->from_header));
	return rc;
}

static enum err_code
try_basic(struct attempt *t, const char *encoded)
{
	struct buf text = {0};
	const char *user, *secret;
	enum err_code rc;

	t->rq->auth_method = AUTH_BASIC;
	if (!request_is_est(t->rq))
		return err_set(&t->rq->err, E_AUTH_CREDENTIAL,
			       "Basic is accepted for EST only: use a bearer token");
	if (basic_parts(encoded, &text, &user, &secret))
		rc = check_basic(t, user, secret);
	else
		rc = err_set(&t->rq->err, E_AUTH_CREDENTIAL,
			     "Basic: expected base64 of user:password");
	if (text.p != NULL)
		OPENSSL_cleanse(text.p, text.n);
	buf_free(&text);
	return rc;
}

static enum err_code
try_header(struct attempt *t, const char *value)
{
	size_t n = strcspn(value, " ");
	const char *rest = value + n + strspn(value + n, " ");

	if (n == 6 && strncasecmp(value, "Bearer", n) == 0)
		return try_bearer(t, rest);
	if (n == 5 && strncasecmp(value, "Basic", n) == 0)
		return try_basic(t, rest);
	return err_set(&t->rq->err, E_AUTH_CREDENTIAL, "Authorization: expected Bearer or Basic");
}

static enum err_code
try_tls(struct attempt *t)
{
	uint8_t hash[SHA256_LEN];
	enum err_code rc;

	if (t->rq->auth_method == AUTH_NONE)
		t->rq->auth_method = AUTH_TLS;
	if ((rc = sha256(t->rq->tls_peer, hash, &t->rq->err)) != E_OK)
		return rc;
	if (auth_cache_get(t->a->certs, hash, clock_mono_us(), t->from_tls))
		return E_OK;
	if (!t->on_worker) {
		t->needs_worker = true;
		return E_OK;
	}
	rc = auth_cert_judge(t->a->db, t->a->ca, t->rq->tls_peer, hash, t->from_tls, &t->rq->err);
	if (rc == E_OK)
		auth_cache_put(t->a->certs, hash, t->from_tls, clock_mono_us() + PARTY_FRESH_US);
	return rc;
}

enum err_code
auth_request(struct request *rq, bool on_worker, bool *needs_worker)
{
	struct attempt t = {.a = rq->app->auth, .rq = rq, .on_worker = on_worker};
	const char *header = request_header(rq, "Authorization");
	enum err_code rc = E_OK;

	if (header == NULL && rq->tls_peer.n == 0)
		return err_set(&rq->err, E_AUTH_REQUIRED,
			       "expected a bearer token or a TLS client certificate");
	if (header != NULL)
		rc = try_header(&t, header);
	if (rc == E_OK && rq->tls_peer.n > 0)
		rc = try_tls(&t);
	if (rc != E_OK)
		return rc;
	*needs_worker = t.needs_worker;
	if (t.needs_worker)
		return E_OK;
	if (header != NULL && rq->tls_peer.n > 0 && strcmp(t.from_header, t.from_tls) != 0)
		return err_set(&rq->err, E_AUTH_DISAGREE,
			       "the TLS client certificate and the Authorization header name "
			       "different participants");
	return find_party(t.a, header != NULL ? t.from_header : t.from_tls, on_worker, needs_worker,
			  &rq->who, &rq->err);
}

/* --- tokens --- */

enum err_code
auth_issue_token(struct auth *a, const char *party, struct buf *jwt, int64_t *expires_in,
		 struct err *e)
{
	struct party *p = calloc(1, sizeof(*p));
	struct buf sig = {0};
	uint8_t digest[SHA256_LEN];
	int64_t now = clock_now();
	enum err_code rc;

	if (p == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for a token");
	if ((rc = party_store_get(a->db, party, p, e)) == E_OK &&
	    (rc = jwt_to_be_signed(a->url, p, now, now + a->token_seconds, jwt, e)) == E_OK &&
	    (rc = sha256(buf_span(jwt), digest, e)) == E_OK &&
	    (rc = ca_sign(a->ca, a->token_signer, (struct span){digest, sizeof(digest)}, NULL, NULL,
			  &sig, e)) == E_OK) {
		buf_put_u8(jwt, '.');
		base64url_encode(buf_span(&sig), jwt);
		rc = buf_ok(jwt, e);
		*expires_in = a->token_seconds;
	}
	buf_free(&sig);
	free(p);
	return rc;
}
