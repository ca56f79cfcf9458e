/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/exi.h"
#include "iso15118/exi_bits.h"

#include <stdio.h>
#include <string.h>

#define EXI_HEADER 0x80 /* distinguishing bits 10, no options, version 1 */

struct frame {
	const struct exi_type *type;
	uint32_t node;
	uint8_t state;
	uint8_t taken; /* times that a production with a maximum was taken */
};

struct decoder {
	struct exi_reader r;
	struct exi_tree *t;
	struct err *e;
	struct frame stack[EXI_DEPTH_MAX];
	unsigned depth;
	uint32_t where; /* node that is being read, for the text of a refusal */
};

/* A refusal says where (bit, and octet that holds it), in which element, and why. */
static enum err_code
refuse(struct decoder *d, enum err_code code, size_t bit, const char *why)
{
	const char *where = "the document";

	if (d->where < d->t->n)
		where = exi_item_names[d->t->node[d->where].item];
	return err_set(d->e, code, "EXI bit %zu (octet %zu) in %s: %s", bit, bit / 8, where, why);
}

static enum err_code
read_code(struct decoder *d, unsigned bits, uint32_t *code)
{
	if (!exi_read_bits(&d->r, bits, code))
		return refuse(d, E_EXI, d->r.pos, "input ends inside an event code");
	return E_OK;
}

/* An event code of which only 0 is in the grammar: start and end of simple content. */
static enum err_code
read_zero(struct decoder *d, const char *why)
{
	size_t at = d->r.pos;
	enum err_code rc;
	uint32_t code;

	if ((rc = read_code(d, 1, &code)) != E_OK)
		return rc;
	return code == 0 ? E_OK : refuse(d, E_EXI, at, why);
}

static enum err_code
refuse_uint(struct decoder *d, enum exi_uint_error why, size_t at, const char *what)
{
	char text[96];

	switch (why) {
	case EXI_UINT_END:
		(void)snprintf(text, sizeof(text), "input ends inside the %s", what); /* may cut */
		return refuse(d, E_EXI, d->r.pos, text);
	case EXI_UINT_PADDED:
		(void)snprintf(text, sizeof(text), "%s not in its shortest form",
			       what); /* may cut */
		return refuse(d, E_EXI, at, text);
	case EXI_UINT_LONG:
	case EXI_UINT_OK: break;
	}
	(void)snprintf(text, sizeof(text), "%s has too many octets", what); /* may cut */
	return refuse(d, E_EXI_LIMIT, at, text);
}

static enum err_code
read_uint(struct decoder *d, unsigned max_octets, const char *what, uint64_t *v)
{
	size_t at = d->r.pos;
	enum exi_uint_error why = exi_read_uint(&d->r, max_octets, v);

	return why == EXI_UINT_OK ? E_OK : refuse_uint(d, why, at, what);
}

static uint8_t *
put_utf8(uint8_t *o, uint32_t c)
{
	if (c < 0x80) {
		*o++ = (uint8_t)c;
		return o;
	}
	if (c < 0x800) {
		*o++ = (uint8_t)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*o++ = (uint8_t)(0xe0 | c >> 12);
		} else {
			*o++ = (uint8_t)(0xf0 | c >> 18);
			*o++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		}
		*o++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	}
	*o++ = (uint8_t)(0x80 | (c & 0x3f));
	return o;
}

static enum err_code
read_characters(struct decoder *d, uint64_t n, uint8_t **o)
{
	enum err_code rc;
	uint64_t c;
	size_t at;

	for (uint64_t i = 0; i < n; i++) {
		at = d->r.pos;
		if ((rc = read_uint(d, 3, "character", &c)) != E_OK)
			return rc;
		if (!exi_is_xml_char(c))
			return refuse(d, E_EXI, at, "character outside XML 1.0 (2.2 Char)");
		*o = put_utf8(*o, (uint32_t)c);
	}
	return E_OK;
}

static enum err_code
read_string(struct decoder *d, const struct exi_type *type, struct exi_node *node)
{
	uint32_t max = type->max != 0 ? type->max : EXI_STRING_MAX;
	uint8_t *start = d->t->data + d->t->data_n, *o = start;
	size_t at = d->r.pos;
	enum err_code rc;
	uint64_t n;

	if ((rc = read_uint(d, 5, "string length", &n)) != E_OK)
		return rc;
	if (n < 2)
		return refuse(d, E_EXI, at,
			      "string from the value table, which ISO 15118 leaves empty");
	n -= 2;
	if (n > max)
		return refuse(d, E_EXI_LIMIT, at, "string over its maximum length");
	if (n > (d->r.end - d->r.pos) / 8)
		return refuse(d, E_EXI, at, "string longer than the input");
	if ((rc = read_characters(d, n, &o)) != E_OK)
		return rc;
	node->v.bytes.off = d->t->data_n;
	node->v.bytes.len = (uint32_t)(o - start);
	d->t->data_n += node->v.bytes.len;
	return E_OK;
}

static enum err_code
read_binary(struct decoder *d, const struct exi_type *type, struct exi_node *node)
{
	uint32_t max = type->max != 0 ? type->max : EXI_BINARY_MAX;
	size_t at = d->r.pos;
	enum err_code rc;
	uint64_t n;

	if ((rc = read_uint(d, 5, "length", &n)) != E_OK)
		return rc;
	if (n > (d->r.end - d->r.pos) / 8)
		return refuse(d, E_EXI, at, "binary value longer than the input");
	if (n > max)
		return refuse(d, E_EXI_LIMIT, at, "binary value over its maximum length");
	if (!exi_read_octets(&d->r, d->t->data + d->t->data_n, (size_t)n))
		return refuse(d, E_EXI, at, "binary value longer than the input");
	node->v.bytes.off = d->t->data_n;
	node->v.bytes.len = (uint32_t)n;
	d->t->data_n += (uint32_t)n;
	return E_OK;
}

/* magnitude += 1, big-endian; the caller leaves a leading byte for the carry. */
static void
increment(uint8_t *magnitude, size_t n)
{
	while (n > 0 && ++magnitude[n - 1] == 0)
		n--;
}

/* xs:integer: a sign bit, then the magnitude, which is -n-1 for negative n. */
static enum err_code
read_integer(struct decoder *d, struct exi_node *node)
{
	uint8_t septets[EXI_INTEGER_OCTETS], value[EXI_INTEGER_BYTES + 1] = {0};
	uint8_t *out = d->t->data + d->t->data_n;
	size_t at = d->r.pos, n = 0, skip = 0;
	enum exi_uint_error why;
	uint32_t negative;

	if (!exi_read_bits(&d->r, 1, &negative))
		return refuse(d, E_EXI, at, "input ends inside the integer");
	why = exi_read_septets(&d->r, sizeof(septets), septets, &n);
	if (why != EXI_UINT_OK)
		return refuse_uint(d, why, at, "integer");
	for (size_t i = 0; i < n * 7; i++)
		if (septets[i / 7] & 1U << (i % 7))
			value[sizeof(value) - 1 - i / 8] |= (uint8_t)(1U << (i % 8));
	if (negative)
		increment(value, sizeof(value));
	while (skip < sizeof(value) && value[skip] == 0)
		skip++;
	out[0] = (uint8_t)negative;
	memcpy(out + 1, value + skip, sizeof(value) - skip);
	node->v.bytes.off = d->t->data_n;
	node->v.bytes.len = (uint32_t)(1 + sizeof(value) - skip);
	d->t->data_n += node->v.bytes.len;
	return E_OK;
}

static enum err_code
read_short(struct decoder *d, struct exi_node *node)
{
	size_t at = d->r.pos;
	enum err_code rc;
	uint32_t negative;
	uint64_t v;

	if ((rc = read_code(d, 1, &negative)) != E_OK ||
	    (rc = read_uint(d, 3, "short", &v)) != E_OK)
		return rc;
	if (v > 32767)
		return refuse(d, E_EXI_LIMIT, at, "number outside xs:short");
	node->v.number = negative ? ~v : v;
	return E_OK;
}

static enum err_code
read_bits(struct decoder *d, unsigned bits, uint32_t values, struct exi_node *node)
{
	size_t at = d->r.pos;
	enum err_code rc;
	uint32_t v;

	if ((rc = read_code(d, bits, &v)) != E_OK)
		return rc;
	if (v >= values)
		return refuse(d, E_EXI, at, "index outside the enumeration");
	node->v.number = v;
	return E_OK;
}

static enum err_code
read_value(struct decoder *d, const struct exi_type *type, struct exi_node *node)
{
	node->kind = type->kind;
	switch ((enum exi_kind)type->kind) {
	case EXI_STRING: return read_string(d, type, node);
	case EXI_BINARY: return read_binary(d, type, node);
	case EXI_INTEGER: return read_integer(d, node);
	case EXI_UNSIGNED: return read_uint(d, 10, "number", &node->v.number);
	case EXI_SHORT: return read_short(d, node);
	case EXI_BITS8: return read_bits(d, 8, 256, node);
	case EXI_ENUM: return read_bits(d, type->names->bits, type->names->n, node);
	case EXI_NONE: break;
	}
	return refuse(d, E_EXI, d->r.pos, "value where the grammar has none");
}

static enum err_code
add_node(struct decoder *d, uint8_t item, const struct exi_type *type, uint32_t *index)
{
	struct exi_tree *t = d->t;

	if (t->n >= t->cap)
		return refuse(d, E_EXI_LIMIT, d->r.pos, "too many elements");
	*index = d->where = t->n++;
	t->node[*index] = (struct exi_node){.type = type, .item = item, .end = t->n};
	return E_OK;
}

static enum err_code
start_element(struct decoder *d, uint8_t item, const struct exi_type *type)
{
	enum err_code rc;
	uint32_t node = 0;

	if ((rc = add_node(d, item, type, &node)) != E_OK)
		return rc;
	if (type->n_states > 0) {
		if (d->depth == EXI_DEPTH_MAX)
			return refuse(d, E_EXI_LIMIT, d->r.pos, "elements nested too deep");
		d->stack[d->depth++] = (struct frame){.type = type, .node = node};
		return E_OK;
	}
	if ((rc = read_zero(d, "undeclared content in a simple element")) != E_OK)
		return rc;
	if ((rc = read_value(d, type, &d->t->node[node])) != E_OK)
		return rc;
	return read_zero(d, "undeclared content after a simple value");
}

static enum err_code
attribute(struct decoder *d, const struct exi_prod *p)
{
	enum err_code rc;
	uint32_t node = 0;

	if ((rc = add_node(d, p->item, p->type, &node)) != E_OK)
		return rc;
	return read_value(d, p->type, &d->t->node[node]);
}

static const struct exi_prod *
find(const struct exi_state *s, uint32_t code)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->prods[i].code == code)
			return &s->prods[i];
	return NULL;
}

static enum err_code
refuse_item(struct decoder *d, size_t at, const struct exi_prod *p)
{
	char text[96];

	(void)snprintf(text, sizeof(text), "%s content, which ISO 15118 does not use", /* may cut */
		       exi_item_names[p->item]);
	return refuse(d, E_EXI, at, text);
}

static enum err_code
step(struct decoder *d)
{
	struct frame *f = &d->stack[d->depth - 1];
	const struct exi_state *state = &f->type->states[f->state];
	const struct exi_prod *p;
	size_t at = d->r.pos;
	enum err_code rc;
	uint32_t code;

	d->where = f->node;
	if ((rc = read_code(d, state->bits, &code)) != E_OK)
		return rc;
	if ((p = find(state, code)) == NULL)
		return refuse(d, E_EXI, at, "event code that the grammar does not have here");
	f->state = p->next;
	if (p->max > 0 && ++f->taken == p->max)
		f->state = p->full;
	switch ((enum exi_event)p->event) {
	case EXI_EV_AT: return attribute(d, p);
	case EXI_EV_SE: return start_element(d, p->item, p->type);
	case EXI_EV_CH: return read_value(d, f->type, &d->t->node[f->node]);
	case EXI_EV_EE:
		d->t->node[f->node].end = d->t->n;
		d->depth--;
		return E_OK;
	case EXI_EV_REFUSED: break;
	}
	return refuse_item(d, at, p);
}

static enum err_code
start_document(struct decoder *d, const struct exi_set_def *set)
{
	enum err_code rc;
	uint32_t code;

	if (!exi_read_bits(&d->r, 8, &code))
		return refuse(d, E_EXI, 0, "empty input");
	if (code != EXI_HEADER)
		return refuse(d, E_EXI, 0, "header is not 80 (no cookie, no options, version 1)");
	if ((rc = read_code(d, set->root_bits, &code)) != E_OK)
		return rc;
	for (unsigned i = 0; i < set->n_roots; i++)
		if (set->roots[i].code == code)
			return start_element(d, set->roots[i].item, set->roots[i].type);
	return refuse(d, E_EXI, 8, "root element that is not a known message of the set");
}

static enum err_code
end_document(struct decoder *d, const struct exi_set_def *set)
{
	size_t at = d->r.pos, left;
	enum err_code rc;
	uint32_t code;

	d->where = UINT32_MAX;
	if (set->fragment) {
		if ((rc = read_code(d, set->root_bits, &code)) != E_OK)
			return rc;
		if (code != set->end_code)
			return refuse(d, E_EXI, at, "end of the fragment expected");
	}
	left = d->r.end - d->r.pos;
	at = d->r.pos;
	if (!exi_read_bits(&d->r, left % 8, &code) || code != 0)
		return refuse(d, E_EXI, at, "padding is not zero bits");
	left /= 8;
	at = d->r.pos;
	if (left == 0 || (left == 1 && exi_read_bits(&d->r, 8, &code) && code == 0))
		return E_OK;
	return refuse(d, E_EXI, at, "octets after the end of the document");
}

enum err_code
exi_decode(enum exi_set set, struct span in, struct exi_tree *t, struct err *e)
{
	const struct exi_set_def *def = exi_set_get(set);
	struct decoder d = {.t = t, .e = e, .where = UINT32_MAX};
	enum err_code rc;

	*t = (struct exi_tree){0};
	if (def == NULL)
		return err_set(e, E_EXI, "unknown schema set %d", (int)set);
	if (in.n > EXI_INPUT_MAX)
		return err_set(e, E_EXI_LIMIT, "EXI of %zu octets, at most %d are read", in.n,
			       EXI_INPUT_MAX);
	/* UTF-8 takes at most 3 bytes where EXI takes 2, an integer one more than its septets. */
	if ((rc = exi_tree_init(t, EXI_NODES_MAX, in.n * 2 + EXI_INTEGER_BYTES + 2, e)) != E_OK)
		return rc;
	exi_reader_init(&d.r, in);
	rc = start_document(&d, def);
	while (rc == E_OK && d.depth > 0)
		rc = step(&d);
	if (rc == E_OK)
		rc = end_document(&d, def);
	if (rc != E_OK)
		exi_tree_free(t);
	return rc;
}
