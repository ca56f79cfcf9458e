/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does with a key: find, make, sign, read attributes. All of it runs without the
 * token's lock, in a session of its own. */
#include <string.h>

#include "hsm/token.h"

#include "base/str.h"

#define EC_POINT_MAX  160 /* bytes of a CKA_EC_POINT: P-521 takes 136 */
#define EC_PARAMS_MAX 64  /* bytes of a named curve's CKA_EC_PARAMS */

/* The job fails with this value, or is to be run again. */
static enum outcome
failed(struct worker *w, struct job *j, const char *call, CK_RV rv)
{
	switch (rv_classify(w->token->module->quirks, rv)) {
	case RV_SESSION_LOST:
		j->rc = rv_error(&j->err, E_HSM_SLOT, call, rv);
		return OUT_SESSION_LOST;
	case RV_TOKEN_LOST: j->rc = rv_error(&j->err, E_HSM_SLOT, call, rv); return OUT_TOKEN_LOST;
	case RV_GOOD:
	case RV_KEY_LOST:
	case RV_FAILED: break;
	}
	j->rc = rv_error(&j->err, E_HSM_SIGN, call, rv);
	return OUT_DONE;
}

static enum outcome
refuse(struct job *j, enum err_code code, const char *what)
{
	char hex[HEX_LEN(HSM_KEY_ID_MAX)];

	hex_encode((struct span){j->id, j->id_len}, hex, sizeof(hex));
	j->rc = err_set(&j->err, code, "CKA_ID %s: %s", hex, what);
	return OUT_DONE;
}

CK_RV
key_objects(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, struct span id,
	    CK_OBJECT_HANDLE *first, CK_ULONG *count)
{
	CK_OBJECT_HANDLE found[2] = {0};
	uint8_t copy[HSM_KEY_ID_MAX];
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE t[] = {{CKA_CLASS, &class, sizeof(class)},
			    {CKA_TOKEN, &yes, sizeof(yes)},
			    {CKA_ID, copy, id.n}};
	CK_ULONG n = 0;
	CK_RV rv, end;

	*count = 0;
	memcpy(copy, id.p, id.n);
	if ((rv = f->C_FindObjectsInit(s, t, ARRAY_LEN(t))) != CKR_OK)
		return rv;
	do { /* a module may hand them out one by one */
		rv = f->C_FindObjects(s, &found[*count], 2 - *count, &n);
		*count += rv == CKR_OK ? n : 0;
	} while (rv == CKR_OK && n > 0 && *count < 2);
	end = f->C_FindObjectsFinal(s);
	*first = found[0];
	return rv != CKR_OK ? rv : end;
}

static CK_RV
find_objects(struct worker *w, struct job *j, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *first,
	     CK_ULONG *count)
{
	return key_objects(w->token->module->f, w->session, class, (struct span){j->id, j->id_len},
			   first, count);
}

/* The algorithm by CKA_EC_PARAMS; some modules keep these with the public key only. */
static CK_RV
read_algo(struct worker *w, struct job *j, CK_OBJECT_HANDLE key, const struct algo **a)
{
	CK_FUNCTION_LIST *f = w->token->module->f;
	uint8_t params[EC_PARAMS_MAX];
	CK_ATTRIBUTE t = {CKA_EC_PARAMS, params, sizeof(params)};
	CK_OBJECT_HANDLE public;
	CK_ULONG count;
	CK_RV rv;

	if (!w->token->module->quirks->private_has_params &&
	    find_objects(w, j, CKO_PUBLIC_KEY, &public, &count) == CKR_OK && count > 0)
		key = public;
	if ((rv = f->C_GetAttributeValue(w->session, key, &t, 1)) != CKR_OK)
		return rv;
	*a = algo_by_params((struct span){params, t.ulValueLen});
	return CKR_OK;
}

static void
remember(struct worker *w, struct job *j, CK_OBJECT_HANDLE handle, const struct algo *a)
{
	pthread_mutex_lock(&w->token->lock);
	j->key->handle = handle;
	j->key->epoch = w->epoch;
	j->key->algo = a;
	pthread_mutex_unlock(&w->token->lock);
}

static void
forget(struct worker *w, struct job *j)
{
	pthread_mutex_lock(&w->token->lock);
	j->key->epoch = 0;
	pthread_mutex_unlock(&w->token->lock);
}

enum outcome
key_run_find(struct worker *w, struct job *j)
{
	CK_OBJECT_HANDLE handle;
	const struct algo *a;
	CK_ULONG count;
	CK_RV rv;

	if ((rv = find_objects(w, j, CKO_PRIVATE_KEY, &handle, &count)) != CKR_OK)
		return failed(w, j, "C_FindObjects", rv);
	if (count == 0) {
		pthread_mutex_lock(&w->token->lock);
		if (j->key->algo != NULL)
			token_suspect(w->token);
		pthread_mutex_unlock(&w->token->lock);
		return refuse(j, E_HSM_KEY_MISSING, "no private key on the token");
	}
	if (count > 1)
		return refuse(j, E_HSM_KEY_PROOF, "more than one private key on the token");
	if ((rv = read_algo(w, j, handle, &a)) != CKR_OK)
		return failed(w, j, "C_GetAttributeValue(CKA_EC_PARAMS)", rv);
	if (a == NULL)
		return refuse(j, E_HSM_UNSUPPORTED, "CKA_EC_PARAMS of no known curve");
	if (j->algo != NULL && j->algo != a)
		return refuse(j, E_HSM_KEY_PROOF, "the key has another curve than before");
	j->algo = a;
	remember(w, j, handle, a);
	return OUT_DONE;
}

/* The cached handle when it is of this epoch. C_FindObjects costs more than a signature: perf.md
 * measured 22 signatures a second with it. */
static enum outcome
key_handle(struct worker *w, struct job *j, CK_OBJECT_HANDLE *handle)
{
	enum outcome o = OUT_DONE;
	bool known;

	pthread_mutex_lock(&w->token->lock);
	known = j->key->epoch == w->epoch;
	j->algo = j->key->algo;
	pthread_mutex_unlock(&w->token->lock);
	if (!known && ((o = key_run_find(w, j)) != OUT_DONE || j->rc != E_OK))
		return o;
	pthread_mutex_lock(&w->token->lock);
	*handle = j->key->handle;
	pthread_mutex_unlock(&w->token->lock);
	return o;
}

/* A signature of wrong length or all zero is refused here; one with a wrong bit is found by the
 * caller, who verifies each with the certificate's key. */
static enum outcome
take_signature(struct job *j, const uint8_t *sig, size_t n)
{
	uint8_t any = 0;
	size_t i;

	for (i = 0; i < n; i++)
		any |= sig[i];
	if (n != j->algo->sig_len) {
		j->rc = err_set(&j->err, E_HSM_SIGN, "C_Sign gave %zu bytes, expected %zu for %s",
				n, j->algo->sig_len, j->algo->name);
	} else if (any == 0) {
		j->rc = err_set(&j->err, E_HSM_SIGN, "C_Sign gave a signature of zeros");
	} else {
		buf_put(&j->out, sig, n);
		atomic_fetch_add_explicit(&j->key->signatures, 1, memory_order_relaxed);
		j->rc = buf_ok(&j->out, &j->err);
	}
	return OUT_DONE;
}

static CK_RV
sign_once(struct worker *w, struct job *j, CK_OBJECT_HANDLE handle, uint8_t *sig, CK_ULONG *n,
	  const char **call)
{
	CK_FUNCTION_LIST *f = w->token->module->f;
	CK_MECHANISM m = {mech_sign(j->algo), NULL, 0};
	CK_RV rv;

	*call = "C_SignInit";
	if ((rv = f->C_SignInit(w->session, &m, handle)) != CKR_OK)
		return rv;
	*call = "C_Sign";
	return f->C_Sign(w->session, j->in.p, j->in.n, sig, n);
}

enum outcome
key_run_sign(struct worker *w, struct job *j)
{
	uint8_t sig[EC_POINT_MAX];
	const char *call;
	CK_OBJECT_HANDLE handle = 0;
	CK_ULONG n = 0;
	enum outcome o;
	CK_RV rv = CKR_OK;
	int i;

	for (i = 0; i < 2; i++) {
		if ((o = key_handle(w, j, &handle)) != OUT_DONE || j->rc != E_OK)
			return o;
		if (j->algo->digest_len != 0 && j->in.n != j->algo->digest_len)
			return refuse(j, E_HSM_SIGN, "the digest has not the length of the key's");
		n = sizeof(sig);
		rv = sign_once(w, j, handle, sig, &n, &call);
		if (rv_classify(w->token->module->quirks, rv) != RV_KEY_LOST)
			break;
		forget(w, j);
	}
	if (rv != CKR_OK)
		return failed(w, j, call, rv);
	return take_signature(j, sig, n);
}

/* Our template for a private key: exactly what I-34 asks for, less what the module refuses. */
static CK_ULONG
private_template(const struct quirks *q, struct job *j, CK_ATTRIBUTE *t)
{
	static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG n = 0;
	size_t i;

	for (i = 0; i < attr_row_count; i++)
		if (attr_rows[i].make && (q->not_in_template & attr_rows[i].bit) == 0)
			t[n++] = (CK_ATTRIBUTE){attr_rows[i].type, attr_rows[i].want ? &yes : &no,
						sizeof(CK_BBOOL)};
	t[n++] = (CK_ATTRIBUTE){CKA_ID, j->id, j->id_len};
	t[n++] = (CK_ATTRIBUTE){CKA_LABEL, j->label, strlen(j->label)};
	return n;
}

static CK_RV
generate_pair(struct worker *w, struct job *j, CK_OBJECT_HANDLE *public)
{
	struct module *m = w->token->module;
	CK_MECHANISM mech = {mech_generate(j->algo), NULL, 0};
	CK_ATTRIBUTE private_t[20];
	uint8_t params[EC_PARAMS_MAX];
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE public_t[] = {
		{CKA_TOKEN, &yes, sizeof(yes)},    {CKA_VERIFY, &yes, sizeof(yes)},
		{CKA_MODIFIABLE, &no, sizeof(no)}, {CKA_EC_PARAMS, params, j->algo->curve_params.n},
		{CKA_ID, j->id, j->id_len},        {CKA_LABEL, j->label, strlen(j->label)}};
	CK_OBJECT_HANDLE private;

	memcpy(params, j->algo->curve_params.p, j->algo->curve_params.n);
	return m->f->C_GenerateKeyPair(w->session, &mech, public_t, ARRAY_LEN(public_t), private_t,
				       private_template(m->quirks, j, private_t), public, &private);
}

static enum outcome
read_point(struct worker *w, struct job *j, CK_OBJECT_HANDLE public)
{
	struct module *m = w->token->module;
	uint8_t raw[EC_POINT_MAX];
	CK_ATTRIBUTE t = {CKA_EC_POINT, raw, sizeof(raw)};
	struct span point;
	CK_RV rv = m->f->C_GetAttributeValue(w->session, public, &t, 1);

	if (rv != CKR_OK)
		return failed(w, j, "C_GetAttributeValue(CKA_EC_POINT)", rv);
	point = point_unwrap(m->quirks, j->algo, (struct span){raw, t.ulValueLen});
	if (point.n == 0)
		return refuse(j, E_HSM_UNSUPPORTED, "CKA_EC_POINT is not a point of the curve");
	buf_put_span(&j->out, point);
	j->rc = buf_ok(&j->out, &j->err);
	return OUT_DONE;
}

/* Of the public key object: private ones need not have the point. */
enum outcome
key_run_point(struct worker *w, struct job *j)
{
	CK_OBJECT_HANDLE handle = 0;
	CK_ULONG count;
	enum outcome o;
	CK_RV rv;

	if ((o = key_handle(w, j, &handle)) != OUT_DONE || j->rc != E_OK)
		return o;
	if ((rv = find_objects(w, j, CKO_PUBLIC_KEY, &handle, &count)) != CKR_OK)
		return failed(w, j, "C_FindObjects", rv);
	if (count != 1)
		return refuse(j, E_HSM_KEY_MISSING, "no public key, or several, on the token");
	return read_point(w, j, handle);
}

static enum outcome
generate(struct worker *w, struct job *j)
{
	CK_OBJECT_HANDLE handle;
	CK_ULONG count;
	CK_RV rv;

	if ((rv = find_objects(w, j, CKO_PRIVATE_KEY, &handle, &count)) != CKR_OK)
		return failed(w, j, "C_FindObjects", rv);
	if (count != 0)
		return refuse(j, E_HSM_KEY_EXISTS, "the token has a private key with it already");
	rv = generate_pair(w, j, &handle);
	if (rv == CKR_MECHANISM_INVALID || rv == CKR_FUNCTION_NOT_SUPPORTED ||
	    rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	    rv == CKR_ATTRIBUTE_VALUE_INVALID) {
		j->rc = rv_error(&j->err, E_HSM_UNSUPPORTED, "C_GenerateKeyPair", rv);
		return OUT_DONE;
	}
	if (rv != CKR_OK)
		return failed(w, j, "C_GenerateKeyPair", rv);
	return read_point(w, j, handle);
}

/* One at a time, because CKA_ID may repeat on a token: looking and making must not interleave. */
enum outcome
key_run_generate(struct worker *w, struct job *j)
{
	enum outcome o;

	if (mech_sign(j->algo) == CKM_EDDSA && !w->token->module->quirks->edwards)
		return refuse(j, E_HSM_UNSUPPORTED, "the module has no EdDSA");
	pthread_mutex_lock(&w->token->make_lock);
	o = generate(w, j);
	pthread_mutex_unlock(&w->token->make_lock);
	return o;
}

enum outcome
key_run_attributes(struct worker *w, struct job *j)
{
	struct module *m = w->token->module;
	CK_OBJECT_HANDLE handle = 0;
	enum outcome o;
	size_t i;

	if ((o = key_handle(w, j, &handle)) != OUT_DONE || j->rc != E_OK)
		return o;
	for (i = 0; i < attr_row_count; i++) {
		CK_BBOOL value = CK_FALSE;
		CK_ATTRIBUTE t = {attr_rows[i].type, &value, sizeof(value)};
		CK_RV rv;

		if ((m->quirks->not_readable & attr_rows[i].bit) != 0)
			continue;
		rv = m->f->C_GetAttributeValue(w->session, handle, &t, 1);
		if (rv == CKR_ATTRIBUTE_TYPE_INVALID)
			continue; /* unknown: the caller judges by attrs_known */
		if (rv != CKR_OK)
			return failed(w, j, "C_GetAttributeValue", rv);
		j->attrs_known |= attr_rows[i].bit;
		j->attrs_set |= value != CK_FALSE ? attr_rows[i].bit : 0U;
	}
	return OUT_DONE;
}
