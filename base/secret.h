/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: keys, PINs, shared secrets. They live on OpenSSL's locked heap only, and are wiped when
 * freed. Nothing prints a struct secret. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/buf.h"

struct secret {
	uint8_t *p;
	size_t n; /* bytes */
};

/* Sets up the locked heap (256 KiB), forbids core dumps and ptrace. Call once, before threads;
 * fails closed when memory cannot be locked. */
enum err_code secret_init(struct err *e) MUST_CHECK;

/* n zeroed bytes on the locked heap, owned by the caller (secret_free). */
enum err_code secret_alloc(struct secret *s, size_t n, struct err *e) MUST_CHECK;

/* A secret from the first line of a file: no trailing newline, at most SECRET_FILE_MAX bytes. The
 * file must be a regular file that group and others cannot write. */
#define SECRET_FILE_MAX 1024
enum err_code secret_read_file(const char *path, struct secret *s, struct err *e) MUST_CHECK;

static inline struct span
secret_span(const struct secret *s)
{
	return (struct span){s->p, s->n};
}

void secret_free(struct secret *s); /* wipes; accepts an empty one */

/* Bytes on the locked heap now, for tests that compare before and after; libcrypto's random
 * generator keeps some for itself. */
size_t secret_used(void);

#endif
