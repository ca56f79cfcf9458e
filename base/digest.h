/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes and MACs of whole messages, random bytes. Methods are fetched once (perf.md: 1.2 instead
 * of 1.8 us). Safe from any thread. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/algo.h"

#define SHA256_LEN 32
#define DIGEST_MAX 64 /* bytes of the longest hash in use (SHA-512) */

enum err_code sha256(struct span in, uint8_t out[SHA256_LEN], struct err *e) MUST_CHECK;
enum err_code sha1(struct span in, uint8_t out[20], struct err *e) MUST_CHECK;

/* The hash that the algorithm signs, a->digest_len bytes; refused where that is 0. */
enum err_code
digest_for(const struct algo *a, struct span in, uint8_t out[DIGEST_MAX], struct err *e) MUST_CHECK;

enum err_code
hmac_sha256(struct span key, struct span in, uint8_t out[SHA256_LEN], struct err *e) MUST_CHECK;

/* n bytes from the CSPRNG, or an error: never fewer (F-13). */
enum err_code random_bytes(uint8_t *out, size_t n, struct err *e) MUST_CHECK;

/* A random UUID (RFC 9562 4) as text. */
#define UUID_LEN 37 /* characters with the NUL */
enum err_code random_uuid(char out[UUID_LEN], struct err *e) MUST_CHECK;

#endif
