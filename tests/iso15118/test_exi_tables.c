/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar tables: each rendered to a committed text, every state reachable and consistent. */
#include "iso15118/exi_grammar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPES_MAX 64

/* The types that a set uses, in the order in which they are met. */
struct walk {
	const struct exi_type *type[TYPES_MAX];
	unsigned n;
};

static void
add_type(struct walk *w, const struct exi_type *t)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->type[i] == t)
			return;
	assert_in_range(w->n, 0, TYPES_MAX - 1);
	w->type[w->n++] = t;
}

static void
walk_types(const struct exi_set_def *set, struct walk *w)
{
	w->n = 0;
	for (unsigned i = 0; i < set->n_roots; i++)
		add_type(w, set->roots[i].type);
	for (unsigned i = 0; i < w->n; i++)
		for (unsigned s = 0; s < w->type[i]->n_states; s++)
			for (unsigned p = 0; p < w->type[i]->states[s].n; p++)
				if (w->type[i]->states[s].prods[p].type != NULL)
					add_type(w, w->type[i]->states[s].prods[p].type);
}

/* As text. */

static const char *const kinds[] = {
	[EXI_NONE] = "no value",   [EXI_STRING] = "string",     [EXI_BINARY] = "binary",
	[EXI_INTEGER] = "integer", [EXI_UNSIGNED] = "unsigned", [EXI_SHORT] = "short",
	[EXI_BITS8] = "8 bits",    [EXI_ENUM] = "enumeration",
};

static void
put_production(struct buf *b, const struct exi_prod *p)
{
	const char *name = exi_item_names[p->item];

	buf_printf(b, "    %3u ", p->code);
	switch ((enum exi_event)p->event) {
	case EXI_EV_AT: buf_printf(b, "AT %s (%s) -> %u", name, p->type->name, p->next); break;
	case EXI_EV_SE: buf_printf(b, "SE %s (%s) -> %u", name, p->type->name, p->next); break;
	case EXI_EV_CH: buf_printf(b, "CH -> %u", p->next); break;
	case EXI_EV_EE: buf_put_str(b, "EE"); break;
	case EXI_EV_REFUSED: buf_printf(b, "refused: %s", name); break;
	}
	if (p->max > 0)
		buf_printf(b, ", after %u -> %u", p->max, p->full);
	buf_put_u8(b, '\n');
}

static void
put_type(struct buf *b, const struct exi_type *t)
{
	buf_printf(b, "\ntype %s: %s", t->name, kinds[t->kind]);
	if (t->max > 0)
		buf_printf(b, ", at most %u", t->max);
	buf_put_u8(b, '\n');
	for (unsigned i = 0; t->names != NULL && i < t->names->n; i++)
		buf_printf(b, "    %3u %s\n", i, t->names->names[i]);
	for (unsigned s = 0; s < t->n_states; s++) {
		buf_printf(b, "  state %u, %u bits\n", s, t->states[s].bits);
		for (unsigned p = 0; p < t->states[s].n; p++)
			put_production(b, &t->states[s].prods[p]);
	}
}

static void
put_set(struct buf *b, const struct exi_set_def *set)
{
	struct walk w;

	buf_printf(b, "set %s, root codes of %u bits", set->name, set->root_bits);
	if (set->fragment)
		buf_printf(b, ", end %u", set->end_code);
	buf_put_u8(b, '\n');
	for (unsigned i = 0; i < set->n_roots; i++)
		buf_printf(b, "    %3u SE %s (%s)\n", set->roots[i].code,
			   exi_item_names[set->roots[i].item], set->roots[i].type->name);
	walk_types(set, &w);
	for (unsigned i = 0; i < w.n; i++)
		put_type(b, w.type[i]);
	assert_false(b->failed);
}

static void
compare(const struct exi_set_def *set, const char *file)
{
	struct buf now = {0}, then = {0};
	char path[512], part[4096];
	FILE *f;
	size_t n;

	put_set(&now, set);
	assert_in_range(snprintf(path, sizeof(path), "%s/tests/snapshots/%s", SOURCE_ROOT, file), 1,
			511);
	if (getenv("V2GPKI_UPDATE_SNAPSHOTS") != NULL) {
		f = fopen(path, "wb");
		assert_non_null(f);
		assert_int_equal(fwrite(now.p, 1, now.n, f), now.n);
		assert_int_equal(fclose(f), 0);
	}
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s is missing: V2GPKI_UPDATE_SNAPSHOTS=1 writes it", path);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(&then, part, n);
	assert_int_equal(fclose(f), 0);
	if (!span_equal(buf_span(&now), buf_span(&then)))
		fail_msg("the tables of %s are not those of %s: if that is meant, set "
			 "V2GPKI_UPDATE_SNAPSHOTS=1 once",
			 set->name, path);
	buf_free(&now);
	buf_free(&then);
}

static void
tables_equal_their_snapshots(void **state)
{
	static const char *const files[] = {"exi-iso2-doc.txt",     "exi-iso2-frag.txt",
					    "exi-xmldsig-frag.txt", "exi-iso20-doc.txt",
					    "exi-iso20-frag.txt",   "exi-iso2-frag-typed.txt"};

	(void)state; /* cmocka */
	for (int i = 0; i < EXI_SET_COUNT; i++)
		compare(&exi_sets[i], files[i]);
}

/* Consistency. */

static unsigned
width(unsigned productions)
{
	unsigned bits = 0;

	while ((1U << bits) < productions + 1)
		bits++;
	return bits;
}

/* spec/exi.md 2: k productions take ceil(log2(k + 1)) bits and have the codes 0 to k - 1. The
 * body's substitution group and the element fragment list only what is used of them. */
static void
check_codes(const struct exi_type *t, const struct exi_state *s)
{
	bool partial =
		strcmp(t->name, "BodyType") == 0 || strcmp(t->name, "element fragment eMAID") == 0;

	for (unsigned p = 0; p < s->n; p++) {
		assert_in_range(s->prods[p].code, 0, (1U << s->bits) - 2);
		if (!partial)
			assert_int_equal(s->prods[p].code, p);
		for (unsigned q = 0; q < p; q++)
			assert_int_not_equal(s->prods[p].code, s->prods[q].code);
	}
	if (!partial)
		assert_int_equal(s->bits, width(s->n));
}

static void
check_production(const struct exi_type *t, const struct exi_prod *p)
{
	bool typed = p->event == EXI_EV_AT || p->event == EXI_EV_SE;

	assert_true(typed == (p->type != NULL));
	if (p->event == EXI_EV_AT)
		assert_true(p->type->n_states == 0 && p->type->kind != EXI_NONE);
	if (p->event == EXI_EV_CH)
		assert_int_not_equal(t->kind, EXI_NONE);
	if (typed || p->event == EXI_EV_CH)
		assert_in_range(p->next, 0, t->n_states - 1U);
	if (p->max > 0)
		assert_in_range(p->full, 0, t->n_states - 1U);
}

static void
check_type(const struct exi_type *t)
{
	assert_true(t->n_states > 0 || t->kind != EXI_NONE);
	assert_true((t->kind == EXI_ENUM) == (t->names != NULL));
	if (t->names != NULL)
		assert_true(t->names->n <= 1U << t->names->bits &&
			    t->names->n > 1U << (t->names->bits - 1));
	for (unsigned s = 0; s < t->n_states; s++) {
		check_codes(t, &t->states[s]);
		for (unsigned p = 0; p < t->states[s].n; p++)
			check_production(t, &t->states[s].prods[p]);
	}
}

/* Marks what can be reached from state 0, and asks that EE can be reached from every state. */
static void
check_reach(const struct exi_type *t)
{
	bool reached[16] = {true}, ends[16] = {false};

	assert_in_range(t->n_states, 0, 16);
	for (unsigned round = 0; round < t->n_states; round++) {
		for (unsigned s = 0; s < t->n_states; s++) {
			for (unsigned i = 0; i < t->states[s].n; i++) {
				const struct exi_prod *p = &t->states[s].prods[i];

				if (p->event == EXI_EV_REFUSED)
					continue;
				ends[s] = ends[s] || p->event == EXI_EV_EE || ends[p->next];
				if (!reached[s] || p->event == EXI_EV_EE)
					continue;
				reached[p->next] = true;
				if (p->max > 0)
					reached[p->full] = true;
			}
		}
	}
	for (unsigned s = 0; s < t->n_states; s++)
		if (!reached[s] || !ends[s])
			fail_msg("%s: state %u cannot be reached, or not left", t->name, s);
}

static void
every_state_is_reachable_and_every_code_has_its_width(void **state)
{
	struct walk w;

	(void)state; /* cmocka */
	for (int i = 0; i < EXI_SET_COUNT; i++) {
		walk_types(&exi_sets[i], &w);
		for (unsigned t = 0; t < w.n; t++) {
			check_type(w.type[t]);
			check_reach(w.type[t]);
		}
	}
}

/* Nesting of a type: 1 for a simple element. The schemas have no cycle. */
static unsigned
depth(const struct exi_type *t)
{
	unsigned deepest = 0, d;

	for (unsigned s = 0; s < t->n_states; s++) {
		for (unsigned p = 0; p < t->states[s].n; p++) {
			if (t->states[s].prods[p].event != EXI_EV_SE)
				continue;
			d = depth(t->states[s].prods[p].type);
			deepest = d > deepest ? d : deepest;
		}
	}
	return t->n_states > 0 ? deepest + 1 : 0;
}

static void
every_set_fits_the_depth_bound(void **state)
{
	(void)state; /* cmocka */
	for (int i = 0; i < EXI_SET_COUNT; i++)
		for (unsigned r = 0; r < exi_sets[i].n_roots; r++)
			assert_in_range(depth(exi_sets[i].roots[r].type), 1, EXI_DEPTH_MAX);
}

static void
sets_have_names(void **state)
{
	(void)state; /* cmocka */
	for (int i = 0; i < EXI_ISO2_FRAG_TYPED; i++)
		assert_int_equal(exi_set_by_name(exi_sets[i].name), i);
	assert_int_equal(exi_set_by_name("iso2"), EXI_SET_COUNT);
	assert_null(exi_set_get(EXI_SET_COUNT));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_equal_their_snapshots),
		cmocka_unit_test(every_state_is_reachable_and_every_code_has_its_width),
		cmocka_unit_test(every_set_fits_the_depth_bound),
		cmocka_unit_test(sets_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
