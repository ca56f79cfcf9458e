/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the tools. A file is there whole and durable, or not at all: it is written beside its
 * place, flushed and renamed. */
#ifndef TOOLS_FILE_H
#define TOOLS_FILE_H

#include <limits.h>
#include <sys/types.h>

#include "base/secret.h"

/* folder/name; E_IO when it is too long. */
enum err_code
path_join(char out[PATH_MAX], const char *folder, const char *name, struct err *e) MUST_CHECK;
bool path_exists(const char *path);

/* A whole regular file of at most max bytes, appended; "-" is standard input. */
enum err_code file_read(const char *path, size_t max, struct buf *out, struct err *e) MUST_CHECK;

/* The same for keys, on the locked heap; owned by the caller (secret_free). */
enum err_code
file_read_secret(const char *path, size_t max, struct secret *out, struct err *e) MUST_CHECK;

/* Writes or replaces a file; mode is exact (no umask). */
enum err_code
file_write(const char *path, mode_t mode, struct span content, struct err *e) MUST_CHECK;

/* Makes a folder unless it is there. */
enum err_code folder_make(const char *path, mode_t mode, struct err *e) MUST_CHECK;
/* Renames a folder, durably. */
enum err_code folder_rename(const char *from, const char *to, struct err *e) MUST_CHECK;
/* Removes a folder with what is in it, unless it is not there. */
enum err_code folder_remove(const char *path, struct err *e) MUST_CHECK;

#endif
