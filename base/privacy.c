/* SPDX-License-Identifier: Apache-2.0 */
#include "base/privacy.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/digest.h"
#include "base/str.h"

#define EMAID_WITH_CHECK   15 /* characters of an EMAID of ISO 15118-2 with its check digit */
#define DEPLOYMENT_KEY_MIN 32 /* bytes */
#define IV_LEN             12
#define TAG_LEN            16

static struct secret deployment; /* set once before threads start */

enum err_code
privacy_init(struct span deployment_key, struct err *e)
{
	enum err_code rc;

	if (deployment_key.n < DEPLOYMENT_KEY_MIN)
		return err_set(e, E_CONFIG,
			       "the deployment key has %zu bytes: expected at least %d",
			       deployment_key.n, DEPLOYMENT_KEY_MIN);
	privacy_done();
	if ((rc = secret_alloc(&deployment, deployment_key.n, e)) != E_OK)
		return rc;
	memcpy(deployment.p, deployment_key.p, deployment_key.n);
	return E_OK;
}

void
privacy_done(void)
{
	secret_free(&deployment);
}

void
privacy_pseudonym(const char *kind, const char *value, char out[PSEUDONYM_LEN])
{
	uint8_t mac[SHA256_LEN];
	struct buf in = {0};
	char upper[2] = "";
	size_t head;

	(void)str_copy(out, PSEUDONYM_LEN, "unset"); /* fits */
	buf_put_str(&in, kind);
	buf_put_u8(&in, 0);
	head = in.n;
	for (; *value != '\0'; value++) {
		if (*value == '-' || *value == '*')
			continue;
		upper[0] = *value;
		str_upper(upper);
		buf_put_u8(&in, (uint8_t)upper[0]);
	}
	if (strcmp(kind, "emaid") == 0 && in.n - head == EMAID_WITH_CHECK)
		in.n--;
	if (deployment.n != 0 && !in.failed &&
	    hmac_sha256(secret_span(&deployment), buf_span(&in), mac, NULL) == E_OK)
		hex_encode((struct span){mac, (PSEUDONYM_LEN - 1) / 2}, out, PSEUDONYM_LEN);
	buf_free(&in);
}

static enum err_code
check_key(struct span key, struct err *e)
{
	if (key.n != SEAL_KEY_LEN)
		return err_set(e, E_INTERNAL, "a sealing key of %zu bytes", key.n);
	return E_OK;
}

enum err_code
privacy_seal(struct span key, struct span aad, struct span clear, struct buf *out, struct err *e)
{
	EVP_CIPHER_CTX *ctx = NULL;
	uint8_t *at;
	int n = 0, last = 0;
	bool ok;
	enum err_code rc;

	if ((rc = check_key(key, e)) != E_OK)
		return rc;
	at = buf_grow(out, clear.n + SEAL_OVERHEAD);
	if (at == NULL)
		return buf_ok(out, e);
	if ((rc = random_bytes(at, IV_LEN, e)) != E_OK)
		return rc;
	ctx = EVP_CIPHER_CTX_new();
	ok = ctx != NULL && EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key.p, at, NULL) == 1 &&
	     EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1 &&
	     EVP_EncryptUpdate(ctx, at + IV_LEN, &n, clear.p, (int)clear.n) == 1 &&
	     EVP_EncryptFinal_ex(ctx, at + IV_LEN + n, &last) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, at + IV_LEN + clear.n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? E_OK : err_set(e, E_CRYPTO, "sealing failed");
}

/* Opens into memory of sealed.n - SEAL_OVERHEAD bytes. */
static enum err_code
open_into(struct span key, struct span aad, struct span sealed, uint8_t *clear, struct err *e)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t len = sealed.n - SEAL_OVERHEAD;
	uint8_t tag[TAG_LEN];
	int n = 0, last = 0;
	bool ok;

	memcpy(tag, sealed.p + IV_LEN + len, TAG_LEN);
	ok = ctx != NULL &&
	     EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key.p, sealed.p, NULL) == 1 &&
	     EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1 &&
	     EVP_DecryptUpdate(ctx, clear, &n, sealed.p + IV_LEN, (int)len) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1 &&
	     EVP_DecryptFinal_ex(ctx, clear + n, &last) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? E_OK : err_set(e, E_CRYPTO, "a sealed field does not open with this key");
}

static enum err_code
check_sealed(struct span key, struct span sealed, struct err *e)
{
	if (sealed.n < SEAL_OVERHEAD)
		return err_set(e, E_CRYPTO, "a sealed field of %zu bytes", sealed.n);
	return check_key(key, e);
}

enum err_code
privacy_open(struct span key, struct span aad, struct span sealed, struct buf *clear, struct err *e)
{
	uint8_t *at;
	enum err_code rc;

	if ((rc = check_sealed(key, sealed, e)) != E_OK)
		return rc;
	at = buf_grow(clear, sealed.n - SEAL_OVERHEAD);
	if (at == NULL)
		return buf_ok(clear, e);
	if ((rc = open_into(key, aad, sealed, at, e)) != E_OK)
		clear->n -= sealed.n - SEAL_OVERHEAD;
	return rc;
}

/* The wrapping key: derived, so that the pseudonym key itself never encrypts. */
static enum err_code
wrapping_key(uint8_t out[SHA256_LEN], struct err *e)
{
	if (deployment.n == 0)
		return err_set(e, E_INTERNAL, "privacy_init was not called");
	return hmac_sha256(secret_span(&deployment), SPAN_LIT("subject key wrap"), out, e);
}

enum err_code
privacy_wrap_key(struct span aad, struct span subject_key, struct buf *out, struct err *e)
{
	uint8_t key[SHA256_LEN];
	enum err_code rc;

	if ((rc = wrapping_key(key, e)) == E_OK)
		rc = privacy_seal((struct span){key, sizeof(key)}, aad, subject_key, out, e);
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

enum err_code
privacy_unwrap_key(struct span aad, struct span wrapped, struct secret *subject_key, struct err *e)
{
	uint8_t key[SHA256_LEN];
	enum err_code rc;

	if ((rc = wrapping_key(key, e)) != E_OK)
		return rc;
	rc = check_sealed((struct span){key, sizeof(key)}, wrapped, e);
	if (rc == E_OK)
		rc = secret_alloc(subject_key, wrapped.n - SEAL_OVERHEAD, e);
	if (rc == E_OK)
		rc = open_into((struct span){key, sizeof(key)}, aad, wrapped, subject_key->p, e);
	if (rc != E_OK)
		secret_free(subject_key);
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}
