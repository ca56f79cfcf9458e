/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ec.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "base/der.h"
#include "base/digest.h"

/* Says what failed and empties OpenSSL's queue, which another call would otherwise report. */
static enum err_code
failed(struct err *e, enum err_code code, const char *what)
{
	ERR_clear_error();
	return err_set(e, code, "%s", what);
}

static enum err_code
key_from_params(const char *type, int selection, OSSL_PARAM *params, EVP_PKEY **key, struct err *e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	bool ok;

	ok = ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	     EVP_PKEY_fromdata(ctx, key, selection, params) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		return failed(e, E_CRYPTO, "not a point on the curve, or not a key of it");
	return E_OK;
}

enum err_code
ec_public_key(const struct algo *a, struct span point, EVP_PKEY **key, struct err *e)
{
	OSSL_PARAM params[3];

	if (point.n != a->point_len || (a->id != ALGO_ED448 && point.p[0] != 0x04))
		return err_set(e, E_CRYPTO,
			       "public key of %zu bytes: expected %zu, an uncompressed point on %s",
			       point.n, a->point_len, a->name);
	if (a->id == ALGO_ED448) {
		*key = EVP_PKEY_new_raw_public_key_ex(NULL, a->group, NULL, point.p, point.n);
		return *key != NULL ? E_OK : failed(e, E_CRYPTO, "not an Ed448 public key");
	}
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						     (char *)(uintptr_t)a->group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
						      (void *)(uintptr_t)point.p, point.n);
	params[2] = OSSL_PARAM_construct_end();
	return key_from_params("EC", EVP_PKEY_PUBLIC_KEY, params, key, e);
}

enum err_code
ec_sig_to_der(const struct algo *a, struct span raw, struct buf *out, struct err *e)
{
	size_t mark, half = raw.n / 2;

	if (raw.n != a->sig_len)
		return err_set(e, E_CERT_SIGNATURE, "signature of %zu bytes: %s has %zu", raw.n,
			       a->name, a->sig_len);
	if (a->id == ALGO_ED448) {
		buf_put_span(out, raw);
		return buf_ok(out, e);
	}
	mark = der_begin(out, DER_SEQUENCE);
	der_put_unsigned(out, (struct span){raw.p, half});
	der_put_unsigned(out, (struct span){raw.p + half, half});
	der_finish(out, mark);
	return buf_ok(out, e);
}

static enum err_code
put_half(struct span *seq, size_t width, struct buf *out, struct err *e)
{
	struct span content = {0}, m = {0};
	enum err_code rc;
	size_t i;

	if ((rc = der_take(seq, DER_INTEGER, &content, NULL, e)) != E_OK)
		return rc;
	if ((rc = der_unsigned(content, &m, e)) != E_OK)
		return rc;
	if (m.n > width)
		return err_set(e, E_CERT_SIGNATURE, "signature value is longer than the order");
	for (i = m.n; i < width; i++)
		buf_put_u8(out, 0);
	buf_put_span(out, m);
	return buf_ok(out, e);
}

enum err_code
ec_sig_from_der(const struct algo *a, struct span der, struct buf *out, struct err *e)
{
	struct span seq = {0};
	enum err_code rc;

	if (a->id == ALGO_ED448) {
		if (der.n != a->sig_len)
			return err_set(e, E_CERT_SIGNATURE, "Ed448 signature of %zu bytes", der.n);
		buf_put_span(out, der);
		return buf_ok(out, e);
	}
	if ((rc = der_take(&der, DER_SEQUENCE, &seq, NULL, e)) != E_OK)
		return rc;
	if ((rc = der_end(der, "the signature", e)) != E_OK)
		return rc;
	if ((rc = put_half(&seq, a->sig_len / 2, out, e)) != E_OK)
		return rc;
	if ((rc = put_half(&seq, a->sig_len / 2, out, e)) != E_OK)
		return rc;
	return der_end(seq, "r and s", e);
}

static enum err_code
verify_with(EVP_PKEY *key, struct span data, struct span sig, bool prehashed, struct err *e)
{
	EVP_MD_CTX *md = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	int ok;

	if (prehashed) {
		ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
		ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
		     EVP_PKEY_verify(ctx, sig.p, sig.n, data.p, data.n) == 1;
	} else {
		md = EVP_MD_CTX_new();
		ok = md != NULL &&
		     EVP_DigestVerifyInit_ex(md, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
		     EVP_DigestVerify(md, sig.p, sig.n, data.p, data.n) == 1;
	}
	EVP_PKEY_CTX_free(ctx);
	EVP_MD_CTX_free(md);
	if (!ok)
		return failed(e, E_CERT_SIGNATURE, "the signature does not fit data and key");
	return E_OK;
}

static enum err_code
verify_raw(const struct algo *a, struct span point, struct span data, struct span raw,
	   bool prehashed, struct err *e)
{
	struct buf der = {0};
	EVP_PKEY *key = NULL;
	enum err_code rc;

	if ((rc = ec_sig_to_der(a, raw, &der, e)) != E_OK)
		goto out;
	if ((rc = ec_public_key(a, point, &key, e)) != E_OK)
		goto out;
	rc = verify_with(key, data, buf_span(&der), prehashed, e);
out:
	EVP_PKEY_free(key);
	buf_free(&der);
	return rc;
}

enum err_code
ec_verify_digest(const struct algo *a, struct span point, struct span digest, struct span raw_sig,
		 struct err *e)
{
	if (a->digest_len == 0 || digest.n != a->digest_len)
		return err_set(e, E_CRYPTO, "hash of %zu bytes: %s takes %zu", digest.n, a->name,
			       a->digest_len);
	return verify_raw(a, point, digest, raw_sig, true, e);
}

enum err_code
ec_verify(const struct algo *a, struct span point, struct span message, struct span raw_sig,
	  struct err *e)
{
	uint8_t md[DIGEST_MAX];
	enum err_code rc;

	if (a->digest_len == 0)
		return verify_raw(a, point, message, raw_sig, false, e);
	if ((rc = digest_for(a, message, md, e)) != E_OK)
		return rc;
	return verify_raw(a, point, (struct span){md, a->digest_len}, raw_sig, true, e);
}

/* A private EVP_PKEY; the point may be left out where the operation does not need it. */
static enum err_code
private_key(const struct algo *a, const struct secret *scalar, struct span point, EVP_PKEY **key,
	    struct err *e)
{
	OSSL_PARAM_BLD *bld = NULL;
	OSSL_PARAM *params = NULL;
	BIGNUM *d = NULL;
	enum err_code rc;

	if (scalar->n != a->scalar_len)
		return err_set(e, E_CRYPTO, "private key of %zu bytes: %s has %zu", scalar->n,
			       a->name, a->scalar_len);
	if (a->id == ALGO_ED448) {
		*key = EVP_PKEY_new_raw_private_key_ex(NULL, a->group, NULL, scalar->p, scalar->n);
		return *key != NULL ? E_OK : failed(e, E_CRYPTO, "not an Ed448 private key");
	}
	bld = OSSL_PARAM_BLD_new();
	d = BN_secure_new();
	if (bld == NULL || d == NULL || BN_bin2bn(scalar->p, (int)scalar->n, d) == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, a->group, 0) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) != 1 ||
	    (point.n != 0 && OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p,
							      point.n) != 1)) {
		rc = failed(e, E_NO_MEMORY, "no memory for a private key");
		goto out;
	}
	params = OSSL_PARAM_BLD_to_param(bld);
	rc = key_from_params("EC", EVP_PKEY_KEYPAIR, params, key, e);
out:
	OSSL_PARAM_free(params);
	BN_clear_free(d);
	OSSL_PARAM_BLD_free(bld);
	return rc;
}

static enum err_code
get_scalar(const struct algo *a, const EVP_PKEY *key, struct secret *scalar, struct err *e)
{
	BIGNUM *d = BN_secure_new();
	size_t n = a->scalar_len;
	enum err_code rc;
	int ok;

	if ((rc = secret_alloc(scalar, a->scalar_len, e)) != E_OK) {
		BN_clear_free(d);
		return rc;
	}
	if (a->id == ALGO_ED448)
		ok = EVP_PKEY_get_raw_private_key(key, scalar->p, &n) == 1;
	else
		ok = d != NULL && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 &&
		     BN_bn2binpad(d, scalar->p, (int)n) == (int)n;
	BN_clear_free(d);
	if (!ok) {
		secret_free(scalar);
		return failed(e, E_CRYPTO, "the private scalar cannot be read");
	}
	return E_OK;
}

static enum err_code
get_point(const struct algo *a, const EVP_PKEY *key, struct buf *point, struct err *e)
{
	uint8_t raw[160];
	size_t n = sizeof(raw);
	int ok;

	if (a->id == ALGO_ED448)
		ok = EVP_PKEY_get_raw_public_key(key, raw, &n) == 1;
	else
		ok = EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof(raw),
						     &n) == 1;
	if (!ok || n != a->point_len || (a->id != ALGO_ED448 && raw[0] != 0x04))
		return failed(e, E_CRYPTO, "the public point cannot be read");
	buf_put(point, raw, n);
	return buf_ok(point, e);
}

enum err_code
ec_generate(const struct algo *a, struct secret *scalar, struct buf *point, struct err *e)
{
	EVP_PKEY *key = a->id == ALGO_ED448 ? EVP_PKEY_Q_keygen(NULL, NULL, a->group)
					    : EVP_EC_gen(a->group);
	enum err_code rc;

	if (key == NULL)
		return failed(e, E_CRYPTO, "no key pair could be made");
	if ((rc = get_scalar(a, key, scalar, e)) == E_OK)
		rc = get_point(a, key, point, e);
	if (rc != E_OK)
		secret_free(scalar);
	EVP_PKEY_free(key);
	return rc;
}

enum err_code
ec_point_of(const struct algo *a, const struct secret *scalar, struct buf *point, struct err *e)
{
	EC_GROUP *group = NULL;
	EC_POINT *p = NULL;
	BIGNUM *d = NULL;
	uint8_t raw[160];
	size_t n = 0;
	enum err_code rc = E_OK;

	if (a->id == ALGO_ED448 || scalar->n != a->scalar_len)
		return err_set(e, E_CRYPTO, "expected a scalar of %zu bytes on a curve with ECDSA",
			       a->scalar_len);
	group = EC_GROUP_new_by_curve_name_ex(NULL, NULL, EC_curve_nist2nid(a->group));
	d = BN_secure_new();
	p = group != NULL ? EC_POINT_new(group) : NULL;
	if (d == NULL || p == NULL || BN_bin2bn(scalar->p, (int)scalar->n, d) == NULL) {
		rc = failed(e, E_NO_MEMORY, "no memory for a point");
	} else if (BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0) {
		rc = err_set(e, E_CRYPTO, "the scalar is zero or not below the order of %s",
			     a->name);
	} else {
		BN_set_flags(d, BN_FLG_CONSTTIME);
		if (EC_POINT_mul(group, p, d, NULL, NULL, NULL) == 1)
			n = EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED, raw,
					       sizeof(raw), NULL);
		if (n != a->point_len)
			rc = failed(e, E_CRYPTO, "scalar multiplication failed");
	}
	if (rc == E_OK)
		buf_put(point, raw, n);
	BN_clear_free(d);
	EC_POINT_free(p);
	EC_GROUP_free(group);
	return rc == E_OK ? buf_ok(point, e) : rc;
}

static enum err_code
sign_digest(EVP_PKEY *key, struct span md, uint8_t *sig, size_t *n, struct err *e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool ok;

	ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
	     EVP_PKEY_sign(ctx, sig, n, md.p, md.n) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok ? E_OK : failed(e, E_CRYPTO, "signing failed");
}

static enum err_code
sign_message(EVP_PKEY *key, struct span message, uint8_t *sig, size_t *n, struct err *e)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok;

	ok = md != NULL && EVP_DigestSignInit_ex(md, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
	     EVP_DigestSign(md, sig, n, message.p, message.n) == 1;
	EVP_MD_CTX_free(md);
	return ok ? E_OK : failed(e, E_CRYPTO, "signing failed");
}

static enum err_code
sign_raw(const struct algo *a, const struct secret *scalar, struct span in, bool is_digest,
	 struct buf *raw_sig, struct err *e)
{
	uint8_t sig[160];
	size_t n = sizeof(sig);
	EVP_PKEY *key = NULL;
	enum err_code rc;

	if ((rc = private_key(a, scalar, (struct span){0}, &key, e)) != E_OK)
		return rc;
	rc = is_digest ? sign_digest(key, in, sig, &n, e) : sign_message(key, in, sig, &n, e);
	EVP_PKEY_free(key);
	return rc == E_OK ? ec_sig_from_der(a, (struct span){sig, n}, raw_sig, e) : rc;
}

enum err_code
ec_sign_digest(const struct algo *a, const struct secret *scalar, struct span digest,
	       struct buf *raw_sig, struct err *e)
{
	if (a->digest_len == 0 || digest.n != a->digest_len)
		return err_set(e, E_CRYPTO, "hash of %zu bytes: %s takes %zu", digest.n, a->name,
			       a->digest_len);
	return sign_raw(a, scalar, digest, true, raw_sig, e);
}

enum err_code
ec_sign(const struct algo *a, const struct secret *scalar, struct span message, struct buf *raw_sig,
	struct err *e)
{
	uint8_t md[DIGEST_MAX];
	enum err_code rc;

	if (a->digest_len == 0)
		return sign_raw(a, scalar, message, false, raw_sig, e);
	if ((rc = digest_for(a, message, md, e)) != E_OK)
		return rc;
	return sign_raw(a, scalar, (struct span){md, a->digest_len}, true, raw_sig, e);
}

enum err_code
ec_derive(const struct algo *a, const struct secret *scalar, struct span peer_point,
	  struct secret *z, struct err *e)
{
	EVP_PKEY *own = NULL, *peer = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	size_t n = a->scalar_len;
	enum err_code rc;

	if ((rc = private_key(a, scalar, (struct span){0}, &own, e)) != E_OK)
		goto out;
	if ((rc = ec_public_key(a, peer_point, &peer, e)) != E_OK)
		goto out;
	if ((rc = secret_alloc(z, n, e)) != E_OK)
		goto out;
	/* fromdata has decoded the point and refused one off the curve: no second check */
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) != 1 || EVP_PKEY_derive(ctx, z->p, &n) != 1 ||
	    n != z->n)
		rc = failed(e, E_CRYPTO, "ECDH failed");
out:
	if (rc != E_OK)
		secret_free(z);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
	return rc;
}

static const struct algo *
algo_of(const EVP_PKEY *key)
{
	char group[32] = "";
	enum algo_id id;

	if (EVP_PKEY_is_a(key, "ED448"))
		return algo_get(ALGO_ED448);
	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
					   NULL) != 1)
		return NULL;
	for (id = ALGO_NONE + 1; id < ALGO_COUNT; id++) {
		const struct algo *a = algo_get(id);

		if (a->id != ALGO_ED448 && (EC_curve_nist2nid(a->group) == OBJ_sn2nid(group)))
			return a;
	}
	return NULL;
}

enum err_code
ec_private_from_pem(struct span pem, const struct algo **a, struct secret *scalar,
		    struct buf *point, struct err *e)
{
	char no_passphrase[] = ""; /* an encrypted key is an error, not a question on the terminal */
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key =
		bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, no_passphrase) : NULL;
	enum err_code rc;

	BIO_free(bio);
	if (key == NULL)
		return failed(e, E_BAD_VALUE, "not an unencrypted private key in PEM");
	*a = algo_of(key);
	if (*a == NULL)
		rc = err_set(e, E_BAD_VALUE,
			     "private key of another kind than secp256r1, "
			     "secp521r1, ed448");
	else if ((rc = get_scalar(*a, key, scalar, e)) == E_OK)
		rc = get_point(*a, key, point, e);
	if (rc != E_OK)
		secret_free(scalar);
	EVP_PKEY_free(key);
	return rc;
}

enum err_code
ec_private_to_pem(const struct algo *a, const struct secret *scalar, struct secret *pem,
		  struct err *e)
{
	struct buf point = {0};
	EVP_PKEY *key = NULL;
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;
	long n;
	enum err_code rc = E_OK;

	if (a->id != ALGO_ED448)
		rc = ec_point_of(a, scalar, &point, e);
	if (rc == E_OK)
		rc = private_key(a, scalar, buf_span(&point), &key, e);
	if (rc != E_OK)
		goto out;
	if (bio == NULL || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    (n = BIO_get_mem_data(bio, &text)) <= 0) {
		rc = failed(e, E_CRYPTO, "the private key cannot be written as PEM");
		goto out;
	}
	if ((rc = secret_alloc(pem, (size_t)n, e)) == E_OK)
		memcpy(pem->p, text, (size_t)n);
out:
	BIO_free(bio);
	EVP_PKEY_free(key);
	buf_free(&point);
	return rc;
}
