/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#define SECRET_HEAP 262144 /* bytes, a power of two */
#define SECRET_MIN  32     /* bytes of the smallest block */

enum err_code
secret_init(struct err *e)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
		return err_set(e, E_INTERNAL, "core dumps cannot be forbidden: %s",
			       strerrordesc_np(errno));
	if (CRYPTO_secure_malloc_initialized())
		return E_OK;
	if (CRYPTO_secure_malloc_init(SECRET_HEAP, SECRET_MIN) != 1)
		return err_set(e, E_NO_MEMORY,
			       "%d bytes of locked memory are not to be had: raise RLIMIT_MEMLOCK",
			       SECRET_HEAP);
	return E_OK;
}

enum err_code
secret_alloc(struct secret *s, size_t n, struct err *e)
{
	if (!CRYPTO_secure_malloc_initialized())
		return err_set(e, E_INTERNAL, "a secret before secret_init");
	s->p = OPENSSL_secure_zalloc(n == 0 ? 1 : n);
	if (s->p == NULL)
		return err_set(e, E_NO_MEMORY, "the locked heap is full");
	s->n = n;
	return E_OK;
}

static enum err_code
read_secret(int fd, const char *path, struct secret *s, struct err *e)
{
	struct stat st;
	uint8_t *newline;
	ssize_t n;
	enum err_code rc;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(e, E_IO, "%s: not a regular file", path);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(e, E_IO, "%s: group or others can write it", path);
	if ((rc = secret_alloc(s, SECRET_FILE_MAX + 1, e)) != E_OK)
		return rc;
	n = read(fd, s->p, SECRET_FILE_MAX + 1);
	if (n < 0)
		return err_set(e, E_IO, "%s: %s", path, strerrordesc_np(errno));
	newline = memchr(s->p, '\n', (size_t)n);
	s->n = newline != NULL ? (size_t)(newline - s->p) : (size_t)n;
	if (s->n == 0 || s->n > SECRET_FILE_MAX)
		return err_set(e, E_IO, "%s: expected a first line of 1 to %d bytes", path,
			       SECRET_FILE_MAX);
	return E_OK;
}

enum err_code
secret_read_file(const char *path, struct secret *s, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err_code rc;

	if (fd < 0)
		return err_set(e, E_IO, "%s: %s", path, strerrordesc_np(errno));
	rc = read_secret(fd, path, s, e);
	(void)close(fd); /* opened for reading: nothing to lose */
	if (rc != E_OK)
		secret_free(s);
	return rc;
}

void
secret_free(struct secret *s)
{
	OPENSSL_secure_clear_free(s->p, s->n);
	*s = (struct secret){0};
}

size_t
secret_used(void)
{
	return CRYPTO_secure_used();
}
