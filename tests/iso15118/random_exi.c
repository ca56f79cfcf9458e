/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/iso15118/random_exi.h"

#include <assert.h>
#include <string.h>

#define VALUES_MAX (2 * EXI_INPUT_MAX)

static uint64_t
next(uint64_t *s) /* xorshift64* */
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * UINT64_C(2685821657736338717);
}

uint32_t
random_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((next(state) >> 32) * n >> 32);
}

/* Mostly short, sometimes longer, now and then the maximum or nothing. */
static uint32_t
length(uint64_t *s, uint32_t max)
{
	uint32_t kind = random_below(s, 40);

	if (kind == 0)
		return 0;
	if (kind == 1)
		return max > 300 ? 300 + random_below(s, max - 299) : max;
	if (kind < 6)
		return 1 + random_below(s, max < 200 ? max : 200);
	return 1 + random_below(s, max < 12 ? max : 12);
}

static void
put_character(uint64_t *s, struct buf *b)
{
	uint32_t kind = random_below(s, 32), c;

	if (kind > 2) {
		buf_put_u8(b, (uint8_t)(0x20 + random_below(s, 0x5f)));
	} else if (kind == 2) {
		c = 0x80 + random_below(s, 0x780);
		buf_put_u8(b, (uint8_t)(0xc0 | c >> 6));
		buf_put_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (kind == 1) {
		c = 0x800 + random_below(s, 0xd000); /* below the surrogates */
		buf_put_u8(b, (uint8_t)(0xe0 | c >> 12));
		buf_put_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_put_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		c = 0x10000 + random_below(s, 0x100000);
		buf_put_u8(b, (uint8_t)(0xf0 | c >> 18));
		buf_put_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_put_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_put_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

static void
put_integer(uint64_t *s, struct buf *b)
{
	uint32_t n = random_below(s, 10) == 0 ? random_below(s, EXI_INTEGER_BYTES + 1)
					      : random_below(s, 21);
	uint8_t negative = n > 0 && random_below(s, 3) == 0;

	buf_put_u8(b, negative);
	for (uint32_t i = 0; i < n; i++)
		buf_put_u8(b, (uint8_t)(i == 0 ? 1 + random_below(s, 255) : random_below(s, 256)));
}

/* Bytes of a value; numbers are set in place. */
static void
set_value(uint64_t *s, struct exi_tree *t, uint32_t node, const struct exi_type *type)
{
	uint32_t max = type->max != 0 ? type->max : 1000, n = length(s, max);
	struct buf b = {0};

	t->node[node].kind = type->kind;
	switch ((enum exi_kind)type->kind) {
	case EXI_STRING:
		for (uint32_t i = 0; i < n; i++)
			put_character(s, &b);
		break;
	case EXI_BINARY:
		for (uint32_t i = 0; i < n; i++)
			buf_put_u8(&b, (uint8_t)next(s));
		break;
	case EXI_INTEGER: put_integer(s, &b); break;
	case EXI_UNSIGNED: t->node[node].v.number = next(s) >> random_below(s, 64); return;
	case EXI_SHORT:
		t->node[node].v.number = (uint64_t)((int64_t)random_below(s, 65536) - 32768);
		return;
	case EXI_BITS8: t->node[node].v.number = random_below(s, 256); return;
	case EXI_ENUM: t->node[node].v.number = random_below(s, type->names->n); return;
	case EXI_NONE: return;
	}
	exi_set_bytes(t, node, (enum exi_kind)type->kind, buf_span(&b));
	buf_free(&b);
}

static const struct exi_prod *
choose(uint64_t *s, const struct exi_state *state)
{
	const struct exi_prod *p;

	do
		p = &state->prods[random_below(s, state->n)];
	while (p->event == EXI_EV_REFUSED);
	return p;
}

struct frame {
	const struct exi_type *type;
	uint32_t node;
	uint8_t state, taken;
};

static void
open_element(uint64_t *s, struct exi_tree *t, uint8_t item, const struct exi_type *type,
	     struct frame *stack, unsigned *depth)
{
	uint32_t node = exi_open(t, (enum exi_item)item);

	set_value(s, t, node, type);
	if (type->n_states > 0) {
		assert(*depth < EXI_DEPTH_MAX);
		stack[(*depth)++] = (struct frame){.type = type, .node = node};
	}
}

void
random_document(enum exi_set set, uint64_t *s, struct exi_tree *t)
{
	const struct exi_set_def *def = exi_set_get(set);
	const struct exi_root *root = &def->roots[random_below(s, def->n_roots)];
	struct frame stack[EXI_DEPTH_MAX];
	unsigned depth = 0;
	enum err_code rc = exi_tree_init(t, EXI_NODES_MAX, VALUES_MAX, NULL);

	assert(rc == E_OK);
	open_element(s, t, root->item, root->type, stack, &depth);
	while (depth > 0) {
		struct frame *f = &stack[depth - 1];
		const struct exi_prod *p = choose(s, &f->type->states[f->state]);

		f->state = p->next;
		if (p->max > 0 && ++f->taken == p->max)
			f->state = p->full;
		if (p->event == EXI_EV_EE) {
			exi_close(t, f->node);
			depth--;
		} else if (p->event == EXI_EV_AT) {
			set_value(s, t, exi_open(t, (enum exi_item)p->item), p->type);
		} else if (p->event == EXI_EV_SE) {
			open_element(s, t, p->item, p->type, stack, &depth);
		}
	}
	assert(!t->failed);
}
