/* SPDX-License-Identifier: Apache-2.0 */
/* Random messages made from the grammar tables: whatever the tables allow can come. */
#ifndef TESTS_ISO15118_RANDOM_EXI_H
#define TESTS_ISO15118_RANDOM_EXI_H

#include "iso15118/exi.h"

/* A random document of the set for this state of the generator, which moves on; t is owned by the
 * caller. */
void random_document(enum exi_set set, uint64_t *state, struct exi_tree *t);

uint32_t random_below(uint64_t *state, uint32_t n); /* 0..n-1 */

#endif
