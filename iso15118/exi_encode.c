/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/exi.h"
#include "iso15118/exi_bits.h"

#include <string.h>

#define EXI_HEADER 0x80

struct frame {
	const struct exi_type *type;
	uint32_t node, cursor; /* the element; the next node in it to write */
	uint8_t state, taken;
};

struct encoder {
	struct exi_writer w;
	const struct exi_tree *t;
	struct err *e;
	struct frame stack[EXI_DEPTH_MAX];
	unsigned depth;
};

static enum err_code
refuse(struct encoder *en, enum err_code code, uint32_t node, const char *why)
{
	return err_set(en->e, code, "EXI cannot write %s: %s",
		       exi_item_names[en->t->node[node].item], why);
}

/* Takes a code point from UTF-8; false when it is not one. */
static bool
take_utf8(struct span *s, uint32_t *c)
{
	static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
	unsigned more;
	uint32_t v;

	if (s->p[0] < 0x80) {
		*c = s->p[0];
		*s = (struct span){s->p + 1, s->n - 1};
		return true;
	}
	more = s->p[0] >= 0xf0 ? 3 : s->p[0] >= 0xe0 ? 2 : 1;
	if (s->p[0] < 0xc2 || s->p[0] > 0xf4 || s->n < more + 1)
		return false;
	v = s->p[0] & (0x3fU >> more);
	for (unsigned i = 1; i <= more; i++) {
		if ((s->p[i] & 0xc0) != 0x80)
			return false;
		v = v << 6 | (s->p[i] & 0x3fU);
	}
	*c = v;
	*s = (struct span){s->p + more + 1, s->n - more - 1};
	return v >= smallest[more];
}

static enum err_code
write_string(struct encoder *en, const struct exi_type *type, uint32_t node)
{
	struct span s = exi_bytes(en->t, node), left = s;
	uint32_t max = type->max != 0 ? type->max : EXI_STRING_MAX, n = 0, c = 0;

	for (; left.n > 0; n++)
		if (!take_utf8(&left, &c) || !exi_is_xml_char(c))
			return refuse(en, E_EXI, node, "value is not UTF-8 of XML characters");
	if (n > max)
		return refuse(en, E_EXI_LIMIT, node, "string over its maximum length");
	exi_write_uint(&en->w, n + 2);
	for (left = s; left.n > 0 && take_utf8(&left, &c);)
		exi_write_uint(&en->w, c);
	return E_OK;
}

static enum err_code
write_binary(struct encoder *en, const struct exi_type *type, uint32_t node)
{
	struct span s = exi_bytes(en->t, node);

	if (s.n > (type->max != 0 ? type->max : EXI_BINARY_MAX))
		return refuse(en, E_EXI_LIMIT, node, "binary value over its maximum length");
	exi_write_uint(&en->w, s.n);
	exi_write_octets(&en->w, s);
	return E_OK;
}

static void
decrement(uint8_t *magnitude, size_t n)
{
	while (n > 0 && magnitude[n - 1]-- == 0)
		n--;
}

static enum err_code
write_integer(struct encoder *en, uint32_t node)
{
	struct span s = exi_bytes(en->t, node);
	uint8_t value[EXI_INTEGER_BYTES + 1] = {0}, septets[EXI_INTEGER_OCTETS + 1] = {0};
	bool negative = s.n > 0 && s.p[0] == 1;
	unsigned n = 1;

	if (s.n == 0 || s.p[0] > 1 || (negative && s.n == 1))
		return refuse(en, E_EXI, node, "integer without sign or magnitude");
	if (s.n - 1 > sizeof(value))
		return refuse(en, E_EXI_LIMIT, node, "integer over 448 bits");
	memcpy(value + sizeof(value) - (s.n - 1), s.p + 1, s.n - 1);
	if (negative)
		decrement(value, sizeof(value));
	if (value[0] != 0)
		return refuse(en, E_EXI_LIMIT, node, "integer over 448 bits");
	for (unsigned i = 0; i < EXI_INTEGER_BYTES * 8; i++) {
		if ((value[sizeof(value) - 1 - i / 8] & 1U << (i % 8)) == 0)
			continue;
		septets[i / 7] |= (uint8_t)(1U << (i % 7));
		n = i / 7 + 1;
	}
	exi_write_bits(&en->w, 1, negative);
	for (unsigned i = 0; i < n; i++)
		exi_write_bits(&en->w, 8, septets[i] | (i + 1 < n ? 0x80U : 0));
	return E_OK;
}

static enum err_code
write_short(struct encoder *en, uint32_t node)
{
	int64_t v = (int64_t)en->t->node[node].v.number;

	if (v < -32768 || v > 32767)
		return refuse(en, E_EXI_LIMIT, node, "number outside xs:short");
	exi_write_bits(&en->w, 1, v < 0);
	exi_write_uint(&en->w, (uint64_t)(v < 0 ? -v - 1 : v));
	return E_OK;
}

static enum err_code
write_bits(struct encoder *en, unsigned bits, uint32_t values, uint32_t node)
{
	uint64_t v = en->t->node[node].v.number;

	if (v >= values)
		return refuse(en, E_EXI_LIMIT, node, "number outside its range");
	exi_write_bits(&en->w, bits, (uint32_t)v);
	return E_OK;
}

static enum err_code
write_value(struct encoder *en, const struct exi_type *type, uint32_t node)
{
	if (en->t->node[node].kind != type->kind)
		return refuse(en, E_EXI, node, "value of another kind than the schema's");
	switch ((enum exi_kind)type->kind) {
	case EXI_STRING: return write_string(en, type, node);
	case EXI_BINARY: return write_binary(en, type, node);
	case EXI_INTEGER: return write_integer(en, node);
	case EXI_SHORT: return write_short(en, node);
	case EXI_BITS8: return write_bits(en, 8, 256, node);
	case EXI_ENUM: return write_bits(en, type->names->bits, type->names->n, node);
	case EXI_UNSIGNED: exi_write_uint(&en->w, en->t->node[node].v.number); return E_OK;
	case EXI_NONE: break;
	}
	return refuse(en, E_EXI, node, "value where the grammar has none");
}

static enum err_code
start_element(struct encoder *en, const struct exi_type *type, uint32_t node)
{
	enum err_code rc;

	if (type->n_states > 0) {
		if (en->depth == EXI_DEPTH_MAX)
			return refuse(en, E_EXI_LIMIT, node, "elements nested too deep");
		en->stack[en->depth++] =
			(struct frame){.type = type, .node = node, .cursor = node + 1};
		return E_OK;
	}
	if (en->t->node[node].end != node + 1)
		return refuse(en, E_EXI, node, "content in a simple element");
	exi_write_bits(&en->w, 1, 0);
	rc = write_value(en, type, node);
	exi_write_bits(&en->w, 1, 0);
	return rc;
}

static const struct exi_prod *
find(const struct exi_state *s, enum exi_event event, unsigned item)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->prods[i].event == event && s->prods[i].item == item)
			return &s->prods[i];
	return NULL;
}

/* What comes next in the element: the next child or attribute, else its value, else its end. */
static const struct exi_prod *
choose(const struct encoder *en, const struct frame *f)
{
	const struct exi_state *state = &f->type->states[f->state];
	const struct exi_prod *p;
	uint8_t item;

	if (f->cursor < en->t->node[f->node].end) {
		item = en->t->node[f->cursor].item;
		p = find(state, EXI_EV_AT, item);
		return p != NULL ? p : find(state, EXI_EV_SE, item);
	}
	p = find(state, EXI_EV_CH, EXI_undeclared);
	return p != NULL ? p : find(state, EXI_EV_EE, EXI_undeclared);
}

static enum err_code
refuse_next(struct encoder *en, const struct frame *f)
{
	const char *parent = exi_item_names[en->t->node[f->node].item];

	if (f->cursor < en->t->node[f->node].end)
		return err_set(en->e, E_EXI, "EXI cannot write %s: not expected there in %s",
			       exi_item_names[en->t->node[f->cursor].item], parent);
	return err_set(en->e, E_EXI, "EXI cannot write %s: content is missing", parent);
}

static enum err_code
step(struct encoder *en)
{
	struct frame *f = &en->stack[en->depth - 1];
	const struct exi_prod *p = choose(en, f);
	uint32_t node = f->cursor;

	if (p == NULL)
		return refuse_next(en, f);
	exi_write_bits(&en->w, f->type->states[f->state].bits, p->code);
	f->state = p->next;
	if (p->max > 0 && ++f->taken == p->max)
		f->state = p->full;
	switch ((enum exi_event)p->event) {
	case EXI_EV_AT: f->cursor = en->t->node[node].end; return write_value(en, p->type, node);
	case EXI_EV_SE: f->cursor = en->t->node[node].end; return start_element(en, p->type, node);
	case EXI_EV_CH: return write_value(en, f->type, f->node);
	case EXI_EV_EE:
	case EXI_EV_REFUSED: /* never chosen */ en->depth--; break;
	}
	return E_OK;
}

static enum err_code
write_document(struct encoder *en, const struct exi_set_def *set, uint32_t root)
{
	const struct exi_root *r = NULL;
	enum err_code rc;

	for (unsigned i = 0; i < set->n_roots; i++)
		if (set->roots[i].item == en->t->node[root].item)
			r = &set->roots[i];
	if (r == NULL)
		return refuse(en, E_EXI, root, "not a root element of the schema set");
	exi_write_bits(&en->w, 8, EXI_HEADER);
	exi_write_bits(&en->w, set->root_bits, r->code);
	rc = start_element(en, r->type, root);
	while (rc == E_OK && en->depth > 0)
		rc = step(en);
	if (rc != E_OK)
		return rc;
	if (set->fragment)
		exi_write_bits(&en->w, set->root_bits, set->end_code);
	exi_write_pad(&en->w);
	return E_OK;
}

/* More octets than any encoding of these nodes takes: codes, a length and the value of each. An
 * integer takes 8/7 of its bytes, a string or binary no more than its bytes. */
static size_t
upper_bound(const struct exi_tree *t, uint32_t root)
{
	size_t n = 16;

	for (uint32_t i = root; i < t->node[root].end; i++)
		n += 32 + exi_bytes(t, i).n;
	return n;
}

enum err_code
exi_encode(enum exi_set set, const struct exi_tree *t, uint32_t root, struct buf *out,
	   struct err *e)
{
	const struct exi_set_def *def = exi_set_get(set);
	struct encoder en = {.t = t, .e = e};
	size_t before = out->n;
	enum err_code rc;

	if (def == NULL || root >= t->n)
		return err_set(e, E_EXI, "unknown schema set or empty document");
	en.w.p = buf_grow(out, upper_bound(t, root));
	if (en.w.p == NULL)
		return buf_ok(out, e);
	rc = write_document(&en, def, root);
	out->n = before + (rc == E_OK ? en.w.n : 0);
	return rc;
}
