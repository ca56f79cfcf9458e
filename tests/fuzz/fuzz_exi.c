/* SPDX-License-Identifier: Apache-2.0 */
/* The EXI codec and its JSON form. Input that starts with '{' is JSON, else EXI; each is tried with
 * every schema set. What is accepted must come back as it was; trees that the grammar does not have
 * must be refused without harm. */
#include <stdlib.h>
#include <string.h>

#include "iso15118/exi_json.h"
#include "iso15118/iso2.h"
#include "tests/fuzz/fuzz.h"

static void
need(bool ok)
{
	if (!ok)
		abort(); /* the finding */
}

/* The encoding of a tree is in, or in without the one zero octet that may follow. */
static void
need_same(enum exi_set set, const struct exi_tree *t, struct span in)
{
	struct buf out = {0};

	need(exi_encode(set, t, 0, &out, NULL) == E_OK);
	if (in.n == out.n + 1)
		in.n--;
	need(span_equal(buf_span(&out), in));
	buf_free(&out);
}

static void
need_same_as_json(enum exi_set set, const struct exi_tree *t, struct span in)
{
	struct exi_tree again;
	struct buf text = {0};
	json_t *v = NULL;

	need(exi_json_dump(t, &text, NULL) == E_OK);
	need(exi_json_parse(buf_span(&text), &v, NULL) == E_OK);
	need(exi_json_to_tree(set, v, &again, NULL) == E_OK);
	need_same(set, &again, in);
	exi_tree_free(&again);
	json_decref(v);
	buf_free(&text);
}

static void
need_same_as_copy(enum exi_set set, const struct exi_tree *t, struct span in)
{
	struct exi_tree copy;

	need(exi_tree_init(&copy, t->n, t->data_n, NULL) == E_OK);
	exi_put_copy(&copy, t, 0);
	need(exi_tree_ok(&copy, NULL) == E_OK);
	need_same(set, &copy, in);
	exi_tree_free(&copy);
}

/* Damages one node, in a way that the input chooses, and writes the tree: any answer is good. */
static void
write_damaged(enum exi_set set, struct exi_tree *t, struct span in)
{
	struct exi_node *n = &t->node[in.p[in.n / 2] % t->n];
	struct buf out = {0};
	struct err e = {0};
	bool bytes = n->kind == EXI_STRING || n->kind == EXI_BINARY || n->kind == EXI_INTEGER;

	switch (in.p[in.n - 1] % 5) {
	case 0: n->item = (uint8_t)((n->item + 1) % EXI_ITEM_COUNT); break;
	case 1: n->kind = n->kind == EXI_STRING ? EXI_BINARY : EXI_NONE; break;
	case 2:
		if (!bytes)
			n->v.number += 300;
		else if (n->v.bytes.len > 0)
			t->data[n->v.bytes.off] ^= 0xff;
		break;
	case 3:
		if (bytes)
			n->v.bytes.len = t->data_n - n->v.bytes.off;
		break;
	default: set = (enum exi_set)((set + 1) % EXI_SET_COUNT); break;
	}
	if (exi_encode(set, t, 0, &out, &e) != E_OK)
		need(out.n == 0 && e.text[0] != '\0');
	buf_free(&out);
}

static void
try_message(struct span in)
{
	struct iso2_msg m;
	struct buf out = {0};

	if (iso2_decode(in, &m, NULL) == E_OK) {
		need(iso2_set_session_id(in, m.session_id, &out, NULL) == E_OK);
		need(span_equal(buf_span(&out), in));
	}
	buf_free(&out);
	iso2_msg_free(&m);
}

static void
try_exi(struct span in)
{
	for (int set = 0; set < EXI_SET_COUNT; set++) {
		struct exi_tree t;
		struct err e = {0};

		if (exi_decode((enum exi_set)set, in, &t, &e) != E_OK) {
			need(t.memory == NULL && e.text[0] != '\0');
			continue;
		}
		need_same((enum exi_set)set, &t, in);
		need_same_as_json((enum exi_set)set, &t, in);
		need_same_as_copy((enum exi_set)set, &t, in);
		write_damaged((enum exi_set)set, &t, in);
		exi_tree_free(&t);
	}
	try_message(in);
}

static void
try_json(struct span in)
{
	json_t *v = NULL;

	if (exi_json_parse(in, &v, NULL) != E_OK)
		return;
	for (int set = 0; set < EXI_SET_COUNT; set++) {
		struct exi_tree t, back;
		struct buf out = {0};

		if (exi_json_to_tree((enum exi_set)set, v, &t, NULL) != E_OK)
			continue;
		if (exi_encode((enum exi_set)set, &t, 0, &out, NULL) == E_OK) {
			need(exi_decode((enum exi_set)set, buf_span(&out), &back, NULL) == E_OK);
			need_same((enum exi_set)set, &back, buf_span(&out));
			exi_tree_free(&back);
		}
		buf_free(&out);
		exi_tree_free(&t);
	}
	json_decref(v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {data, size};

	if (size > 0 && data[0] == '{')
		try_json(in);
	else
		try_exi(in);
	return 0;
}
