/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/hsm.h"

#include <stdlib.h>
#include <string.h>

#include "hsm/token.h"

#include "base/digest.h"
#include "base/ec.h"
#include "base/str.h"

struct hsm {
	struct token *tokens;
};

static enum err_code
open_all(struct hsm *h, const struct hsm_token_conf *conf, size_t count, struct err *e)
{
	struct token **end = &h->tokens, *t;
	enum err_code rc;
	size_t i;

	for (i = 0; i < count; i++) {
		for (t = h->tokens; t != NULL; t = t->next)
			if (strcmp(t->name, conf[i].name) == 0)
				return err_set(e, E_CONFIG, "token %s is named twice", t->name);
		if ((rc = token_open(&conf[i], end, e)) != E_OK)
			return rc;
		if (*end != NULL)
			end = &(*end)->next;
	}
	for (t = h->tokens; t != NULL; t = t->next)
		token_wait_first(t);
	return E_OK;
}

enum err_code
hsm_open(const struct hsm_token_conf *tokens, size_t count, struct hsm **out, struct err *e)
{
	struct hsm *h = calloc(1, sizeof(*h));
	enum err_code rc;

	*out = NULL;
	if (h == NULL)
		return err_set(e, E_NO_MEMORY, "out of memory");
	if ((rc = open_all(h, tokens, count, e)) != E_OK) {
		hsm_close(h);
		return rc;
	}
	*out = h;
	return E_OK;
}

void
hsm_close(struct hsm *h)
{
	struct token *t, *next;

	if (h == NULL)
		return;
	for (t = h->tokens; t != NULL; t = next) {
		next = t->next;
		token_close(t);
	}
	free(h);
}

static struct token *
token_get(struct hsm *h, const char *name, struct err *e)
{
	struct token *t;

	for (t = h->tokens; t != NULL; t = t->next)
		if (strcmp(t->name, name) == 0)
			return t;
	err_set(e, E_CONFIG, "token %s: not configured", name);
	return NULL;
}

enum err_code
hsm_token_health(struct hsm *h, const char *token, struct err *e)
{
	struct token *t = token_get(h, token, e);
	enum err_code rc = E_OK;

	if (t == NULL)
		return E_CONFIG;
	pthread_mutex_lock(&t->lock);
	if (t->state != TOKEN_UP)
		rc = err_set(e, t->why.code, "%s", t->why.text);
	pthread_mutex_unlock(&t->lock);
	return rc;
}

/* Finding and making keys may take longer than a signature. */
static int64_t
op_limit(const struct token *t)
{
	return t->timeout_us > OP_LIMIT_US ? t->timeout_us : OP_LIMIT_US;
}

static enum err_code
job_for_id(enum outcome (*run)(struct worker *w, struct job *j), const struct token *t,
	   struct span id, struct job **out, struct err *e)
{
	if (id.n < 1 || id.n > HSM_KEY_ID_MAX)
		return err_set(e, E_BAD_VALUE, "CKA_ID of %zu bytes, expected 1 to %d", id.n,
			       HSM_KEY_ID_MAX);
	if ((*out = job_new(run, op_limit(t))) == NULL)
		return err_set(e, E_NO_MEMORY, "out of memory");
	memcpy((*out)->id, id.p, id.n);
	(*out)->id_len = id.n;
	return E_OK;
}

static void
job_done(struct job *j, bool keep)
{
	if (keep)
		job_free(j);
}

enum err_code
hsm_key_generate(struct hsm *h, const char *token, const struct algo *a, struct span id,
		 const char *label, struct buf *point, struct err *e)
{
	struct token *t = token_get(h, token, e);
	struct job *j = NULL;
	enum err_code rc;
	bool keep = true;

	if (t == NULL)
		return E_CONFIG;
	if ((rc = job_for_id(key_run_generate, t, id, &j, e)) != E_OK || j == NULL)
		return rc;
	j->algo = a;
	if (!str_copy(j->label, sizeof(j->label), label))
		rc = err_set(e, E_BAD_VALUE, "label '%s': expected at most %d bytes", label,
			     LABEL_MAX - 1);
	if (rc == E_OK)
		rc = job_run(t, j, &keep, e);
	if (rc == E_OK) {
		buf_put_span(point, buf_span(&j->out));
		rc = buf_ok(point, e);
	}
	job_done(j, keep);
	return rc;
}

/* The key of that CKA_ID, known or new; new ones have no handle yet. */
static struct hsm_key *
key_get(struct token *t, struct span id)
{
	struct hsm_key *k;

	pthread_mutex_lock(&t->lock);
	for (k = t->keys; k != NULL; k = k->next)
		if (span_equal((struct span){k->id, k->id_len}, id))
			break;
	if (k == NULL && (k = calloc(1, sizeof(*k))) != NULL) {
		k->token = t;
		memcpy(k->id, id.p, id.n);
		k->id_len = id.n;
		k->next = t->keys;
		t->keys = k;
	}
	pthread_mutex_unlock(&t->lock);
	return k;
}

enum err_code
hsm_key_find(struct hsm *h, const char *token, struct span id, struct hsm_key **out, struct err *e)
{
	struct err why = {0};
	struct token *t = token_get(h, token, e);
	struct job *j = NULL;
	enum err_code rc;
	bool keep = true;

	*out = NULL;
	if (t == NULL)
		return E_CONFIG;
	if ((rc = job_for_id(key_run_find, t, id, &j, e)) != E_OK)
		return rc;
	if ((j->key = key_get(t, id)) == NULL)
		rc = err_set(e, E_NO_MEMORY, "out of memory");
	if (rc == E_OK) {
		*out = j->key;
		rc = job_run(t, j, &keep, &why);
	}
	job_done(j, keep);
	if (rc == E_HSM_SLOT || rc == E_HSM_PIN)
		return E_OK; /* the token is not there: its keys say so when they are used */
	if (rc != E_OK) {
		*out = NULL;
		err_set(e, rc, "%s", why.text);
	}
	return rc;
}

const struct algo *
hsm_key_algo(const struct hsm_key *k)
{
	const struct algo *a;

	pthread_mutex_lock(&k->token->lock);
	a = k->algo;
	pthread_mutex_unlock(&k->token->lock);
	return a;
}

uint64_t
hsm_key_signatures(const struct hsm_key *k)
{
	return atomic_load_explicit(&k->signatures, memory_order_relaxed);
}

static enum err_code
job_for_key(enum outcome (*run)(struct worker *w, struct job *j), struct hsm_key *k, int64_t limit,
	    struct job **out, struct err *e)
{
	if ((*out = job_new(run, limit)) == NULL)
		return err_set(e, E_NO_MEMORY, "out of memory");
	(*out)->key = k;
	memcpy((*out)->id, k->id, k->id_len);
	(*out)->id_len = k->id_len;
	return E_OK;
}

enum err_code
hsm_sign(struct hsm_key *k, struct span data, struct buf *raw_sig, struct err *e)
{
	struct job *j;
	enum err_code rc;
	bool keep = true;

	if ((rc = job_for_key(key_run_sign, k, k->token->timeout_us, &j, e)) != E_OK)
		return rc;
	buf_put_span(&j->in, data);
	if ((rc = buf_ok(&j->in, e)) == E_OK)
		rc = job_run(k->token, j, &keep, e);
	if (rc == E_OK) {
		buf_put_span(raw_sig, buf_span(&j->out));
		rc = buf_ok(raw_sig, e);
	}
	job_done(j, keep);
	return rc;
}

enum err_code
hsm_key_point(struct hsm_key *k, struct buf *point, struct err *e)
{
	struct job *j;
	enum err_code rc;
	bool keep = true;

	if ((rc = job_for_key(key_run_point, k, op_limit(k->token), &j, e)) != E_OK)
		return rc;
	if ((rc = job_run(k->token, j, &keep, e)) == E_OK) {
		buf_put_span(point, buf_span(&j->out));
		rc = buf_ok(point, e);
	}
	job_done(j, keep);
	return rc;
}

/* The key's attributes against the table. ALWAYS_AUTHENTICATE would ask for the PIN at each
 * signature: never usable, adopted or not. */
static enum err_code
judge_attributes(unsigned known, unsigned set, bool lax, struct err *e)
{
	size_t i;

	if ((set & ATTR_ALWAYS_AUTHENTICATE) != 0)
		return err_set(e, E_HSM_KEY_PROOF,
			       "CKA_ALWAYS_AUTHENTICATE is true: the key wants "
			       "the PIN at each signature, which a service "
			       "cannot give");
	for (i = 0; i < attr_row_count && !lax; i++) {
		bool is = (set & attr_rows[i].bit) != 0;

		if ((known & attr_rows[i].bit) != 0 && is != attr_rows[i].want)
			return err_set(e, E_HSM_KEY_PROOF, "CKA_%s is %s, expected %s (I-34)",
				       attr_rows[i].name, is ? "true" : "false",
				       attr_rows[i].want ? "true" : "false");
	}
	return E_OK;
}

static enum err_code
check_attributes(struct hsm_key *k, bool lax, struct err *e)
{
	struct job *j;
	enum err_code rc;
	bool keep = true;

	if ((rc = job_for_key(key_run_attributes, k, op_limit(k->token), &j, e)) != E_OK)
		return rc;
	if ((rc = job_run(k->token, j, &keep, e)) == E_OK)
		rc = judge_attributes(j->attrs_known, j->attrs_set, lax, e);
	job_done(j, keep);
	return rc;
}

/* What is signed as proof can be nothing else: a text of ours and 32 random bytes. */
static enum err_code
prove_by_signature(struct hsm_key *k, const struct algo *a, struct span point, struct err *e)
{
	uint8_t text[48] = "v2gpki key proof", digest[DIGEST_MAX];
	struct span message = {text, sizeof(text)}, data = message;
	struct buf sig = {0};
	enum err_code rc;

	if ((rc = random_bytes(text + 16, sizeof(text) - 16, e)) != E_OK)
		return rc;
	if (a->digest_len != 0) {
		if ((rc = digest_for(a, message, digest, e)) != E_OK)
			return rc;
		data = (struct span){digest, a->digest_len};
	}
	if ((rc = hsm_sign(k, data, &sig, e)) == E_OK &&
	    ec_verify(a, point, message, buf_span(&sig), NULL) != E_OK)
		rc = err_set(e, E_HSM_KEY_PROOF,
			     "its signature does not fit the public key of the "
			     "certificate (I-34)");
	buf_free(&sig);
	return rc;
}

enum err_code
hsm_key_prove(struct hsm_key *k, const struct algo *a, struct span point, bool lax, struct err *e)
{
	char hex[HEX_LEN(HSM_KEY_ID_MAX)];
	enum err_code rc;

	if ((rc = check_attributes(k, lax, e)) == E_OK && hsm_key_algo(k) != a)
		rc = err_set(e, E_HSM_KEY_PROOF, "the key is of %s, the certificate of %s",
			     hsm_key_algo(k)->name, a->name);
	if (rc == E_OK)
		rc = prove_by_signature(k, a, point, e);
	if (rc != E_OK) {
		hex_encode((struct span){k->id, k->id_len}, hex, sizeof(hex));
		err_context(e, "token %s, key %s", k->token->name, hex);
	}
	return rc;
}
