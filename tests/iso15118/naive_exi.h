/* SPDX-License-Identifier: Apache-2.0 */
/* A second EXI writer, slow and simple: one hand-written function for each element, bits as a
 * string of '0' and '1'. It knows nothing of the grammar tables and shares no code with the codec
 * but the tree that both write; what it writes is taken from the description of the grammars alone.
 */
#ifndef TESTS_ISO15118_NAIVE_EXI_H
#define TESTS_ISO15118_NAIVE_EXI_H

#include "iso15118/exi.h"

struct naive_bits {
	char *s; /* '0' and '1' */
	size_t n, cap;
};

/* Writes the tree as a document or fragment of the set into w, which is emptied first. */
void naive_write(enum exi_set set, const struct exi_tree *t, struct naive_bits *w);

/* The bits as octets, owned by the caller (free). */
uint8_t *naive_octets(const struct naive_bits *w, size_t *n);

#endif
