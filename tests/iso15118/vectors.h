/* SPDX-License-Identifier: Apache-2.0 */
/* Test vectors: those in tests/vectors, and the real messages in ../shared beside the source tree,
 * which a clone alone does not have. */
#ifndef TESTS_ISO15118_VECTORS_H
#define TESTS_ISO15118_VECTORS_H

#include "base/json.h"

/* Whether ../shared/vectors is there; says so once on stdout where it is not. */
bool vectors_have_shared(void);

/* A file under tests/vectors or ../shared/vectors, whole, owned by the caller; fails the test when
 * it cannot be read. */
struct buf vectors_read(bool shared, const char *name);
json_t *vectors_json(bool shared, const char *name);
/* A file of ../shared/vectors that is a JSON array. */
json_t *vectors_json_list(const char *name);

/* Calls f for each EXI vector (tests/vectors/exi, then the real ones); returns how many. */
int vectors_each(void (*f)(const char *name, const json_t *vector, void *arg), void *arg);

/* Bytes of a member in hex, owned by the caller. */
struct buf vectors_hex(const json_t *o, const char *member);

#endif
