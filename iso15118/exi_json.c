/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/exi_json.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define CONTENT     "CONTENT"
#define DECIMAL_MAX 160 /* digits of the largest integer, with some room */

/* Whether elements of this name may follow each other in the type: then they are a JSON array. */
static bool
repeats(const struct exi_type *type, uint8_t item)
{
	for (unsigned s = 0; s < type->n_states; s++) {
		for (unsigned i = 0; i < type->states[s].n; i++) {
			const struct exi_prod *p = &type->states[s].prods[i];

			if (p->event == EXI_EV_SE && p->item == item && p->next == s)
				return true;
		}
	}
	return false;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static json_t *
hex_json(struct span s)
{
	struct buf text = {0};
	const char *hex;
	json_t *v = NULL;

	buf_put_hex(&text, s);
	if ((hex = buf_cstr(&text)) != NULL)
		v = json_string(hex);
	buf_free(&text);
	return v;
}

static json_t *
integer_json(struct span s)
{
	BIGNUM *bn = s.n > 0 ? BN_bin2bn(s.p + 1, (int)(s.n - 1), NULL) : NULL;
	char *text = NULL;
	json_t *v = NULL;

	if (bn != NULL) {
		BN_set_negative(bn, s.p[0]);
		text = BN_bn2dec(bn);
	}
	if (text != NULL)
		v = json_string(text);
	OPENSSL_free(text);
	BN_free(bn);
	return v;
}

static json_t *
number_json(uint64_t n)
{
	char text[24];

	if (n <= INT64_MAX)
		return json_integer((json_int_t)n);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n); /* 20 digits fit */
	return json_string(text);
}

static json_t *
value_json(const struct exi_tree *t, uint32_t node)
{
	const struct exi_node *n = &t->node[node];
	struct span s = exi_bytes(t, node);

	switch ((enum exi_kind)n->kind) {
	case EXI_STRING: return json_stringn((const char *)s.p, s.n);
	case EXI_BINARY: return hex_json(s);
	case EXI_INTEGER: return integer_json(s);
	case EXI_UNSIGNED: return number_json(n->v.number);
	case EXI_SHORT:
	case EXI_BITS8: return json_integer((json_int_t)n->v.number);
	case EXI_ENUM: return json_string(n->type->names->names[n->v.number]);
	case EXI_NONE: break;
	}
	return NULL;
}

struct open_object {
	json_t *object;
	const struct exi_type *type; /* NULL for the outermost */
	uint32_t node;
};

/* Puts a value into its parent, which then owns it. */
static bool
put_member(const struct open_object *parent, uint8_t item, json_t *v)
{
	const char *name = exi_item_names[item];
	json_t *list;

	if (v == NULL || parent->type == NULL || !repeats(parent->type, item))
		return json_object_set_new(parent->object, name, v) == 0;
	list = json_object_get(parent->object, name);
	if (list == NULL) {
		list = json_array();
		if (json_object_set_new(parent->object, name, list) != 0) {
			json_decref(v);
			return false;
		}
	}
	return json_array_append_new(list, v) == 0;
}

static bool
put_content(const struct exi_tree *t, const struct open_object *o)
{
	if (o->type->kind == EXI_NONE)
		return true;
	return json_object_set_new(o->object, CONTENT, value_json(t, o->node)) == 0;
}

/* One node: a value goes into the innermost open object, an element with content is opened. */
static bool
put_node(const struct exi_tree *t, uint32_t node, struct open_object *stack, unsigned *depth)
{
	const struct exi_node *n = &t->node[node];
	struct open_object *o = &stack[*depth + 1];

	if (n->type->n_states == 0)
		return put_member(&stack[*depth], n->item, value_json(t, node));
	*o = (struct open_object){json_object(), n->type, node};
	(*depth)++;
	return put_member(&o[-1], n->item, o->object);
}

enum err_code
exi_json_from_tree(const struct exi_tree *t, json_t **out, struct err *e)
{
	struct open_object stack[EXI_DEPTH_MAX + 1] = {{json_object(), NULL, 0}};
	unsigned depth = 0;
	bool ok = stack[0].object != NULL;

	for (uint32_t i = 0; ok && i <= t->n; i++) {
		for (; depth > 0 && t->node[stack[depth].node].end == i; depth--)
			ok = ok && put_content(t, &stack[depth]);
		if (ok && i < t->n)
			ok = put_node(t, i, stack, &depth);
	}
	*out = stack[0].object;
	if (ok)
		return E_OK;
	json_decref(*out);
	*out = NULL;
	return err_set(e, E_NO_MEMORY, "no memory for JSON");
}

/* Takes the quotes off "TimeStamp": "digits". Inside a JSON string the first quote would be
 * escaped, so this text is always the member itself. */
static void
put_unquoted(struct buf *out, const char *text)
{
	static const char mark[] = "\"TimeStamp\": \"";
	const char *at = strstr(text, mark), *digits;
	size_t n;

	if (at == NULL) {
		buf_put_str(out, text);
		return;
	}
	digits = at + sizeof(mark) - 1;
	n = strspn(digits, "0123456789");
	buf_put(out, text, (size_t)(digits - 1 - text));
	buf_put(out, digits, n);
	buf_put_str(out, digits + n + 1);
}

enum err_code
exi_json_dump(const struct exi_tree *t, struct buf *out, struct err *e)
{
	json_t *v = NULL;
	enum err_code rc = exi_json_from_tree(t, &v, e);
	char *text;

	if (rc != E_OK)
		return rc;
	text = json_dumps(v, JSON_INDENT(2));
	json_decref(v);
	if (text == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for JSON");
	put_unquoted(out, text);
	free(text);
	buf_put_u8(out, '\n');
	return buf_ok(out, e);
}

/* Puts quotes around integers of more than 18 digits, which jansson refuses. */
static void
quote_long_integers(struct span in, struct buf *out)
{
	bool quoted = false;
	size_t run;

	for (size_t i = 0; i < in.n; i += run) {
		run = 1;
		if (in.p[i] == '"')
			quoted = !quoted;
		else if (quoted && in.p[i] == '\\' && i + 1 < in.n)
			run = 2;
		while (!quoted && i + run < in.n && is_digit(in.p[i]) && is_digit(in.p[i + run]))
			run++;
		if (run > 18)
			buf_put_u8(out, '"');
		buf_put(out, in.p + i, run);
		if (run > 18)
			buf_put_u8(out, '"');
	}
}

enum err_code
exi_json_parse(struct span text, json_t **out, struct err *e)
{
	struct buf quoted = {0};
	enum err_code rc;

	*out = NULL;
	quote_long_integers(text, &quoted);
	if ((rc = buf_ok(&quoted, e)) == E_OK)
		rc = json_parse(buf_span(&quoted), out, e);
	buf_free(&quoted);
	return rc;
}

/* From here on: JSON to a tree. */

struct frame {
	const struct exi_type *type;
	const json_t *object;
	uint32_t node;
	size_t used;  /* members of the object that are in the tree, arrays as a whole */
	size_t index; /* in the array that is being read */
	uint8_t state, taken;
};

struct reader {
	struct exi_tree *t;
	struct err *e;
	struct frame stack[EXI_DEPTH_MAX];
	unsigned depth;
};

static enum err_code
refuse(struct reader *r, uint8_t item, const char *expected)
{
	return err_set(r->e, E_JSON_MEMBER, "%s: expected %s", exi_item_names[item], expected);
}

static enum err_code
read_integer(struct reader *r, uint32_t node, const char *text)
{
	uint8_t value[EXI_INTEGER_BYTES + 2];
	uint8_t item = r->t->node[node].item;
	BIGNUM *bn = NULL;
	size_t digits = strspn(text + (text[0] == '-'), "0123456789"), n = 0;
	enum err_code rc = E_OK;

	if (digits == 0 || text[(text[0] == '-') + digits] != '\0' || digits > DECIMAL_MAX)
		return refuse(r, item, "a decimal number as a string");
	if (BN_dec2bn(&bn, text) == 0)
		return err_set(r->e, E_NO_MEMORY, "no memory for a number");
	if ((size_t)BN_num_bytes(bn) < sizeof(value))
		n = (size_t)BN_bn2bin(bn, value + 1);
	else
		rc = refuse(r, item, "a number of at most 448 bits");
	value[0] = (uint8_t)BN_is_negative(bn);
	if (rc == E_OK)
		exi_set_bytes(r->t, node, EXI_INTEGER, (struct span){value, n + 1});
	BN_free(bn);
	return rc;
}

static enum err_code
read_hex(struct reader *r, uint32_t node, const char *text)
{
	struct buf bytes = {0};
	enum err_code rc = hex_decode(span_str(text), &bytes, r->e);

	if (rc == E_OK)
		exi_set_bytes(r->t, node, EXI_BINARY, buf_span(&bytes));
	else
		err_context(r->e, "%s", exi_item_names[r->t->node[node].item]);
	buf_free(&bytes);
	return rc;
}

static enum err_code
read_enum(struct reader *r, uint32_t node, const struct exi_enum *names, const char *text)
{
	for (unsigned i = 0; i < names->n; i++) {
		if (strcmp(names->names[i], text) != 0)
			continue;
		r->t->node[node].v.number = i;
		return E_OK;
	}
	return err_set(r->e, E_JSON_MEMBER, "%s: \"%s\" is not one of its %d values",
		       exi_item_names[r->t->node[node].item], text, names->n);
}

static enum err_code
read_number(struct reader *r, uint32_t node, const json_t *v, const struct exi_type *type)
{
	uint8_t item = r->t->node[node].item;
	uint64_t n = (uint64_t)json_integer_value(v);
	enum err_code rc;

	if (json_is_string(v) && type->kind == EXI_UNSIGNED) {
		rc = str_to_u64(json_string_value(v), 0, UINT64_MAX, &r->t->node[node].v.number,
				r->e);
		if (rc != E_OK)
			err_context(r->e, "%s", exi_item_names[item]);
		return rc;
	}
	if (!json_is_integer(v) || (type->kind != EXI_SHORT && json_integer_value(v) < 0))
		return refuse(r, item, "a number");
	r->t->node[node].v.number = n;
	return E_OK;
}

static enum err_code
read_value(struct reader *r, uint32_t node, const json_t *v, const struct exi_type *type)
{
	const char *text = json_string_value(v);
	enum exi_kind kind = (enum exi_kind)type->kind;

	if (r->t->failed)
		return exi_tree_ok(r->t, r->e);
	r->t->node[node].kind = type->kind;
	if (kind == EXI_UNSIGNED || kind == EXI_SHORT || kind == EXI_BITS8)
		return read_number(r, node, v, type);
	if (text == NULL)
		return refuse(r, r->t->node[node].item, "a string");
	if (kind == EXI_INTEGER)
		return read_integer(r, node, text);
	if (kind == EXI_BINARY)
		return read_hex(r, node, text);
	if (kind == EXI_ENUM)
		return read_enum(r, node, type->names, text);
	exi_set_bytes(r->t, node, EXI_STRING,
		      (struct span){(const uint8_t *)text, json_string_length(v)});
	return E_OK;
}

static enum err_code
read_element(struct reader *r, uint8_t item, const struct exi_type *type, const json_t *v)
{
	uint32_t node = exi_open(r->t, (enum exi_item)item);

	if (!r->t->failed)
		r->t->node[node].type = type;
	if (type->n_states == 0)
		return read_value(r, node, v, type);
	if (!json_is_object(v))
		return refuse(r, item, "an object");
	if (r->depth == EXI_DEPTH_MAX)
		return refuse(r, item, "less nesting");
	r->stack[r->depth++] = (struct frame){.type = type, .object = v, .node = node};
	return E_OK;
}

/* The member of the object that a production would take now, or NULL. */
static const json_t *
member_for(const struct frame *f, const struct exi_prod *p)
{
	const json_t *v = json_object_get(f->object, exi_item_names[p->item]);

	if (p->event != EXI_EV_AT && p->event != EXI_EV_SE)
		return NULL;
	return repeats(f->type, p->item) ? json_array_get(v, f->index) : v;
}

static enum err_code
take(struct reader *r, struct frame *f, const struct exi_prod *p, const json_t *v)
{
	const json_t *list = json_object_get(f->object, exi_item_names[p->item]);

	f->state = p->next;
	if (p->max > 0 && ++f->taken == p->max)
		f->state = p->full;
	if (!repeats(f->type, p->item) || ++f->index == json_array_size(list))
		f->used++;
	return read_element(r, p->item, p->type, v);
}

/* Says which member is missing, or that one is too many. */
static enum err_code
refuse_members(struct reader *r, const struct frame *f)
{
	const char *parent = exi_item_names[r->t->node[f->node].item];
	const struct exi_prod *p;

	for (unsigned i = 0; i < f->type->states[f->state].n; i++) {
		p = &f->type->states[f->state].prods[i];
		if (p->event == EXI_EV_SE || p->event == EXI_EV_AT)
			return err_set(r->e, E_JSON_MEMBER, "%s: member %s is missing", parent,
				       exi_item_names[p->item]);
	}
	return err_set(r->e, E_JSON_MEMBER, "%s has a member, or a repetition, too many", parent);
}

static enum err_code
step(struct reader *r)
{
	struct frame *f = &r->stack[r->depth - 1];
	const struct exi_state *s = &f->type->states[f->state];
	const json_t *v;

	for (unsigned i = 0; i < s->n; i++) {
		const struct exi_prod *p = &s->prods[i];

		if ((v = member_for(f, p)) != NULL)
			return take(r, f, p, v);
		if (p->event == EXI_EV_CH) {
			f->state = p->next;
			f->used++;
			return read_value(r, f->node, json_object_get(f->object, CONTENT), f->type);
		}
		if (p->event == EXI_EV_EE && f->used == json_object_size(f->object)) {
			exi_close(r->t, f->node);
			r->depth--;
			return E_OK;
		}
	}
	return refuse_members(r, f);
}

static enum err_code
read_root(struct reader *r, const struct exi_set_def *set, const json_t *in)
{
	for (unsigned i = 0; i < set->n_roots; i++) {
		const struct exi_root *root = &set->roots[i];
		const json_t *v = json_object_get(in, exi_item_names[root->item]);

		if (v != NULL && json_object_size(in) == 1)
			return read_element(r, root->item, root->type, v);
	}
	return err_set(r->e, E_JSON_MEMBER, "expected one member that is a root element of %s",
		       set->name);
}

enum err_code
exi_json_to_tree(enum exi_set set, const json_t *in, struct exi_tree *t, struct err *e)
{
	const struct exi_set_def *def = exi_set_get(set);
	struct reader r = {.t = t, .e = e};
	enum err_code rc;

	*t = (struct exi_tree){0};
	if (def == NULL)
		return err_set(e, E_EXI, "unknown schema set %d", (int)set);
	if ((rc = exi_tree_init(t, EXI_NODES_MAX, EXI_INPUT_MAX, e)) != E_OK)
		return rc;
	rc = read_root(&r, def, in);
	while (rc == E_OK && r.depth > 0)
		rc = step(&r);
	if (rc == E_OK)
		rc = exi_tree_ok(t, e);
	if (rc != E_OK)
		exi_tree_free(t);
	return rc;
}
