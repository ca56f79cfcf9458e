/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/exi.h"

#include <stdlib.h>
#include <string.h>

enum err_code
exi_tree_init(struct exi_tree *t, uint32_t nodes, size_t bytes, struct err *e)
{
	*t = (struct exi_tree){0};
	if (nodes > EXI_NODES_MAX || bytes > 4 * (size_t)EXI_INPUT_MAX)
		return err_set(e, E_EXI_LIMIT,
			       "document of %u elements, %zu bytes of values: too big", nodes,
			       bytes);
	t->memory = malloc(nodes * sizeof(struct exi_node) + bytes);
	if (t->memory == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for a document");
	t->node = t->memory;
	t->data = (uint8_t *)(t->node + nodes);
	t->cap = nodes;
	t->data_cap = (uint32_t)bytes;
	return E_OK;
}

void
exi_tree_free(struct exi_tree *t)
{
	free(t->memory);
	*t = (struct exi_tree){0};
}

/* Index of the new node; the last one again when there is no room, so that callers go on. */
static uint32_t
append(struct exi_tree *t, enum exi_item item)
{
	if (t->failed || t->n >= t->cap) {
		t->failed = true;
		return 0;
	}
	t->node[t->n] = (struct exi_node){.item = (uint8_t)item, .end = t->n + 1};
	return t->n++;
}

uint32_t
exi_open(struct exi_tree *t, enum exi_item item)
{
	return append(t, item);
}

void
exi_close(struct exi_tree *t, uint32_t node)
{
	if (!t->failed)
		t->node[node].end = t->n;
}

void
exi_set_bytes(struct exi_tree *t, uint32_t node, enum exi_kind kind, struct span s)
{
	if (s.n > t->data_cap - t->data_n)
		t->failed = true;
	if (t->failed)
		return;
	t->node[node].kind = (uint8_t)kind;
	t->node[node].v.bytes.off = t->data_n;
	t->node[node].v.bytes.len = (uint32_t)s.n;
	if (s.n > 0)
		memcpy(t->data + t->data_n, s.p, s.n);
	t->data_n += (uint32_t)s.n;
}

uint32_t
exi_put_bytes(struct exi_tree *t, enum exi_item item, enum exi_kind kind, struct span s)
{
	uint32_t node = append(t, item);

	exi_set_bytes(t, node, kind, s);
	return node;
}

uint32_t
exi_put_number(struct exi_tree *t, enum exi_item item, enum exi_kind kind, uint64_t v)
{
	uint32_t node = append(t, item);

	if (!t->failed) {
		t->node[node].kind = (uint8_t)kind;
		t->node[node].v.number = v;
	}
	return node;
}

static bool
has_bytes(const struct exi_node *n)
{
	return n->kind == EXI_STRING || n->kind == EXI_BINARY || n->kind == EXI_INTEGER;
}

void
exi_put_copy(struct exi_tree *t, const struct exi_tree *from, uint32_t node)
{
	uint32_t first = t->n, end = from->node[node].end;

	for (uint32_t i = node; i < end; i++) {
		const struct exi_node *n = &from->node[i];
		uint32_t copy = append(t, (enum exi_item)n->item);

		if (t->failed)
			return;
		if (has_bytes(n)) {
			exi_set_bytes(t, copy, (enum exi_kind)n->kind, exi_bytes(from, i));
		} else {
			t->node[copy].kind = n->kind;
			t->node[copy].v.number = n->v.number;
		}
		t->node[copy].end = first + (n->end - node);
	}
}

enum err_code
exi_tree_ok(const struct exi_tree *t, struct err *e)
{
	if (t->failed)
		return err_set(e, E_EXI_LIMIT, "document has more than %u elements or %u bytes",
			       t->cap, t->data_cap);
	return E_OK;
}

uint32_t
exi_next(const struct exi_tree *t, uint32_t parent, uint32_t node, enum exi_item item)
{
	for (node = t->node[node].end; node < t->node[parent].end; node = t->node[node].end)
		if (t->node[node].item == item)
			return node;
	return 0;
}

uint32_t
exi_child(const struct exi_tree *t, uint32_t node, enum exi_item item)
{
	for (uint32_t i = node + 1; i < t->node[node].end; i = t->node[i].end)
		if (t->node[i].item == item)
			return i;
	return 0;
}

struct span
exi_bytes(const struct exi_tree *t, uint32_t node)
{
	const struct exi_node *n = &t->node[node];

	if (!has_bytes(n))
		return (struct span){NULL, 0};
	return (struct span){t->data + n->v.bytes.off, n->v.bytes.len};
}
