/* SPDX-License-Identifier: Apache-2.0 */
/* 100,000 random messages: the encoder and a second, naive writer give the same octets, and the
 * decoder reads them back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/iso15118/naive_exi.h"
#include "tests/iso15118/random_exi.h"

#define MESSAGES 100000

static bool
same_trees(const struct exi_tree *a, const struct exi_tree *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		const struct exi_node *m = &a->node[i], *n = &b->node[i];
		bool bytes =
			m->kind == EXI_STRING || m->kind == EXI_BINARY || m->kind == EXI_INTEGER;

		if (m->item != n->item || m->kind != n->kind || m->end != n->end)
			return false;
		if (bytes ? !span_equal(exi_bytes(a, i), exi_bytes(b, i))
			  : m->kind != EXI_NONE && m->v.number != n->v.number)
			return false;
	}
	return true;
}

static void
check(enum exi_set set, const struct exi_tree *t, struct naive_bits *bits, int i)
{
	struct exi_tree back = {0};
	struct buf fast = {0};
	struct err e = {0};
	size_t n;
	uint8_t *slow;

	if (exi_encode(set, t, 0, &fast, &e) != E_OK)
		fail_msg("message %d: %s", i, e.text);
	naive_write(set, t, bits);
	slow = naive_octets(bits, &n);
	if (!span_equal(buf_span(&fast), (struct span){slow, n}))
		fail_msg("message %d of %s: the writers differ", i, exi_set_get(set)->name);
	if (exi_decode(set, buf_span(&fast), &back, &e) != E_OK)
		fail_msg("message %d: %s", i, e.text);
	if (!same_trees(t, &back))
		fail_msg("message %d: read otherwise than written", i);
	exi_tree_free(&back);
	buf_free(&fast);
	free(slow);
}

static void
random_messages_equal_the_naive_writer(void **state)
{
	uint64_t seed = UINT64_C(0x15118215118220);
	struct naive_bits bits = {0};

	(void)state; /* cmocka */
	for (int i = 0; i < MESSAGES; i++) {
		enum exi_set set = (enum exi_set)(i % EXI_ISO2_FRAG_TYPED);
		struct exi_tree t;

		random_document(set, &seed, &t);
		check(set, &t, &bits, i);
		exi_tree_free(&t);
	}
	free(bits.s);
	(void)printf("%d random messages\n", MESSAGES); /* stdout */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_messages_equal_the_naive_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
