/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/str.h"

static EVP_MD *md_sha1, *md_sha256, *md_sha512;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	md_sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	md_sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
}

static enum err_code
digest(EVP_MD *const *md, struct span in, uint8_t *out, struct err *e)
{
	if (pthread_once(&fetched, fetch) != 0 || *md == NULL)
		return err_set(e, E_CRYPTO, "libcrypto has no such hash");
	if (EVP_Digest(in.p, in.n, out, NULL, *md, NULL) != 1)
		return err_set(e, E_CRYPTO, "hashing %zu bytes failed", in.n);
	return E_OK;
}

enum err_code
sha256(struct span in, uint8_t out[SHA256_LEN], struct err *e)
{
	return digest(&md_sha256, in, out, e);
}

enum err_code
sha1(struct span in, uint8_t out[20], struct err *e)
{
	return digest(&md_sha1, in, out, e);
}

enum err_code
digest_for(const struct algo *a, struct span in, uint8_t out[DIGEST_MAX], struct err *e)
{
	if (a->digest_len == 32)
		return digest(&md_sha256, in, out, e);
	if (a->digest_len == 64)
		return digest(&md_sha512, in, out, e);
	return err_set(e, E_CRYPTO, "%s signs the message, not a hash of it", a->name);
}

enum err_code
hmac_sha256(struct span key, struct span in, uint8_t out[SHA256_LEN], struct err *e)
{
	unsigned n = 0;

	if (pthread_once(&fetched, fetch) != 0 || md_sha256 == NULL ||
	    HMAC(md_sha256, key.p, (int)key.n, in.p, in.n, out, &n) == NULL || n != SHA256_LEN)
		return err_set(e, E_CRYPTO, "HMAC-SHA-256 failed");
	return E_OK;
}

enum err_code
random_bytes(uint8_t *out, size_t n, struct err *e)
{
	if (RAND_bytes_ex(NULL, out, n, 0) != 1) {
		ERR_clear_error();
		return err_set(e, E_RANDOM, "the random generator gives nothing");
	}
	return E_OK;
}

enum err_code
random_uuid(char out[UUID_LEN], struct err *e)
{
	uint8_t b[16];
	char hex[HEX_LEN(16)];
	enum err_code rc;

	if ((rc = random_bytes(b, sizeof(b), e)) != E_OK)
		return rc;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	hex_encode((struct span){b, sizeof(b)}, hex, sizeof(hex));
	if (snprintf(out, UUID_LEN, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
		     hex + 20) != UUID_LEN - 1)
		return err_set(e, E_INTERNAL, "a UUID of the wrong length");
	return E_OK;
}
