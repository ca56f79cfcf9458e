/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/keywrap.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/digest.h"
#include "base/ec.h"

#define KEY_LEN 16 /* AES-128 */

/* [V2G2-818]: SHA-256(counter 1 | Z | AlgorithmID 01 | 'U' | 'V'), the first 16 bytes. */
static enum err_code
derive_key(const struct secret *scalar, struct span peer_point, struct secret *key, struct err *e)
{
	struct secret z = {0}, input = {0};
	struct err why = {0};
	enum err_code rc;

	rc = ec_derive(algo_get(ALGO_P256), scalar, peer_point, &z, &why);
	if (rc == E_CRYPTO) {
		rc = err_set(e, E_KEYWRAP, "ECDH: %s (ISO 15118-2 [V2G2-819])", why.text);
		goto out;
	}
	if (rc != E_OK) {
		rc = err_set(e, rc, "%s", why.text);
		goto out;
	}
	if ((rc = secret_alloc(&input, 4 + z.n + 3, e)) != E_OK)
		goto out;
	if ((rc = secret_alloc(key, SHA256_LEN, e)) != E_OK)
		goto out;
	input.p[3] = 1;
	memcpy(input.p + 4, z.p, z.n);
	memcpy(input.p + 4 + z.n, "\x01UV", 3);
	rc = sha256(secret_span(&input), key->p, e);
out:
	secret_free(&input);
	secret_free(&z);
	return rc;
}

/* One pass of AES-128-CBC without padding over the 32 bytes of a scalar. */
static enum err_code
cipher(bool encrypt, const struct secret *key, const uint8_t *iv, const uint8_t *in, uint8_t *out,
       struct err *e)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, last = 0;
	bool ok;

	ok = ctx != NULL &&
	     EVP_CipherInit_ex2(ctx, EVP_aes_128_cbc(), key->p, iv, encrypt, NULL) == 1 &&
	     EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	     EVP_CipherUpdate(ctx, out, &n, in, KEYWRAP_SCALAR_LEN) == 1 &&
	     EVP_CipherFinal_ex(ctx, out + n, &last) == 1 && n + last == KEYWRAP_SCALAR_LEN;
	EVP_CIPHER_CTX_free(ctx);
	if (ok)
		return E_OK;
	ERR_clear_error();
	return err_set(e, E_CRYPTO, "AES-128-CBC failed");
}

enum err_code
keywrap_wrap_with(struct span receiver_point, const struct secret *contract_scalar,
		  const struct secret *ephemeral, const uint8_t iv[KEYWRAP_IV_LEN],
		  struct keywrap *out, struct err *e)
{
	struct secret key = {0};
	struct buf point = {0};
	enum err_code rc;

	*out = (struct keywrap){0};
	if (contract_scalar->n != KEYWRAP_SCALAR_LEN)
		return err_set(e, E_KEYWRAP,
			       "contract key of %zu bytes: expected %d (ISO 15118-2 [V2G2-816])",
			       contract_scalar->n, KEYWRAP_SCALAR_LEN);
	if ((rc = ec_point_of(algo_get(ALGO_P256), ephemeral, &point, e)) != E_OK)
		goto out;
	if ((rc = derive_key(ephemeral, receiver_point, &key, e)) != E_OK)
		goto out;
	rc = cipher(true, &key, iv, contract_scalar->p, out->field + KEYWRAP_IV_LEN, e);
	if (rc != E_OK)
		goto out;
	memcpy(out->field, iv, KEYWRAP_IV_LEN);
	memcpy(out->dh, point.p, KEYWRAP_DH_LEN);
out:
	secret_free(&key);
	buf_free(&point);
	return rc;
}

enum err_code
keywrap_wrap(struct span receiver_point, const struct secret *contract_scalar, struct keywrap *out,
	     struct err *e)
{
	struct secret ephemeral = {0};
	uint8_t iv[KEYWRAP_IV_LEN];
	struct buf point = {0};
	enum err_code rc;

	*out = (struct keywrap){0};
	if ((rc = ec_generate(algo_get(ALGO_P256), &ephemeral, &point, e)) != E_OK)
		goto out;
	if ((rc = random_bytes(iv, sizeof(iv), e)) != E_OK) /* [V2G2-815] */
		goto out;
	rc = keywrap_wrap_with(receiver_point, contract_scalar, &ephemeral, iv, out, e);
out:
	secret_free(&ephemeral);
	buf_free(&point);
	return rc;
}

/* [V2G2-823]: CBC has no integrity of its own, so the key must prove that it fits. */
static enum err_code
check_scalar(const struct secret *scalar, struct span contract_point, struct err *e)
{
	struct buf point = {0};
	struct err why = {0};
	enum err_code rc = ec_point_of(algo_get(ALGO_P256), scalar, &point, &why);

	if (rc == E_CRYPTO)
		rc = err_set(e, E_KEYWRAP, "%s (ISO 15118-2 [V2G2-823])", why.text);
	else if (rc != E_OK)
		rc = err_set(e, rc, "%s", why.text);
	else if (!span_equal(buf_span(&point), contract_point))
		rc = err_set(e, E_KEYWRAP,
			     "the key inside is not the certificate's (ISO 15118-2 [V2G2-823])");
	buf_free(&point);
	return rc;
}

enum err_code
keywrap_unwrap(const struct secret *receiver_scalar, struct span dh, struct span field,
	       struct span contract_point, struct secret *scalar, struct err *e)
{
	struct secret key = {0};
	enum err_code rc;

	*scalar = (struct secret){0};
	if (field.n != KEYWRAP_FIELD_LEN)
		return err_set(e, E_KEYWRAP,
			       "encrypted key of %zu bytes: expected %d (ISO 15118-2 [V2G2-817])",
			       field.n, KEYWRAP_FIELD_LEN);
	if ((rc = derive_key(receiver_scalar, dh, &key, e)) != E_OK)
		goto out;
	if ((rc = secret_alloc(scalar, KEYWRAP_SCALAR_LEN, e)) != E_OK)
		goto out;
	rc = cipher(false, &key, field.p, field.p + KEYWRAP_IV_LEN, scalar->p, e);
	if (rc != E_OK)
		goto out;
	rc = check_scalar(scalar, contract_point, e);
out:
	if (rc != E_OK)
		secret_free(scalar);
	secret_free(&key);
	return rc;
}
