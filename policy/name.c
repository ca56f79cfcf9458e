/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/name.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/der.h"
#include "base/str.h"
#include "policy/cert.h"

#define NAME_ITEMS_MAX 32  /* attributes of a Name that we look at */
#define TEXT_VALUE_MAX 256 /* bytes of one value of a DN in text */

/* RFC 4514 3, and what stacks write beyond it */
static const struct attr_row {
	struct span oid;
	const char *name, *alias;
} attr_rows[] = {
	{SPAN_INIT("\x55\x04\x03"), "CN", NULL},
	{SPAN_INIT("\x55\x04\x0a"), "O", NULL},
	{SPAN_INIT("\x55\x04\x06"), "C", NULL},
	{SPAN_INIT("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"), "DC", "domainComponent"},
	{SPAN_INIT("\x55\x04\x0b"), "OU", NULL},
	{SPAN_INIT("\x55\x04\x07"), "L", NULL},
	{SPAN_INIT("\x55\x04\x08"), "ST", "S"},
	{SPAN_INIT("\x55\x04\x09"), "STREET", NULL},
	{SPAN_INIT("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01"), "UID", NULL},
	{SPAN_INIT("\x55\x04\x05"), "serialNumber", NULL},
	{SPAN_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"), "emailAddress", "E"},
};

enum err_code
name_walk_start(struct span name, struct name_walk *w, struct err *e)
{
	enum err_code rc;

	*w = (struct name_walk){0};
	if ((rc = der_take(&name, DER_SEQUENCE, &w->rdns, NULL, e)) != E_OK)
		return rc;
	return der_end(name, "the Name", e);
}

enum err_code
name_walk_next(struct name_walk *w, struct name_item *out, bool *more, struct err *e)
{
	struct span attr = {0};
	enum err_code rc;

	*more = false;
	if (w->set.n == 0) {
		if (w->rdns.n == 0)
			return E_OK;
		if ((rc = der_take(&w->rdns, DER_SET, &w->set, NULL, e)) != E_OK)
			return rc;
		if (w->set.n == 0)
			return err_set(e, E_DER, "an RDN of the Name is empty");
		w->rdn++;
	}
	*out = (struct name_item){.rdn = w->rdn};
	if ((rc = der_take(&w->set, DER_SEQUENCE, &attr, NULL, e)) != E_OK ||
	    (rc = der_take(&attr, DER_OID, &out->oid, NULL, e)) != E_OK ||
	    (rc = der_next(&attr, &out->tag, &out->value, &out->whole, e)) != E_OK ||
	    (rc = der_end(attr, "an attribute of the Name", e)) != E_OK)
		return rc;
	*more = true;
	return E_OK;
}

struct span
name_attr(struct span name, struct span oid)
{
	struct name_walk w;
	struct name_item it = {0};
	bool more = false;

	if (name_walk_start(name, &w, NULL) != E_OK)
		return (struct span){0};
	while (name_walk_next(&w, &it, &more, NULL) == E_OK && more)
		if (span_equal(it.oid, oid))
			return it.value;
	return (struct span){0};
}

/* Bytes of the UTF-8 sequence at p, 0 when it is none or a control character. */
static size_t
utf8_step(const uint8_t *p, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t v;
	size_t n, i;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f ? 1 : 0;
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	v = p[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3fu);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff) || v < 0xa0)
		return 0;
	return n;
}

bool
text_is_clean(struct span s)
{
	size_t i, n;

	for (i = 0; i < s.n; i += n) {
		n = utf8_step(s.p + i, s.n - i);
		if (n == 0)
			return false;
	}
	return true;
}

void
oid_to_text(struct span oid, struct buf *out)
{
	uint64_t v = 0;
	bool first = true;
	size_t i;

	for (i = 0; i < oid.n; i++) {
		if (v >> 56 != 0) {
			buf_put_str(out, ".?");
			return;
		}
		v = v << 7 | (oid.p[i] & 0x7fu);
		if ((oid.p[i] & 0x80) != 0)
			continue;
		if (first) {
			uint64_t root = v >= 80 ? 2 : v / 40;

			buf_printf(out, "%llu.%llu", (unsigned long long)root,
				   (unsigned long long)(v - root * 40));
		} else {
			buf_printf(out, ".%llu", (unsigned long long)v);
		}
		first = false;
		v = 0;
	}
}

static bool
is_text_tag(uint8_t tag)
{
	return tag == DER_UTF8_STRING || tag == DER_PRINTABLE_STRING || tag == DER_IA5_STRING ||
	       tag == 0x14 /* T61String */ || tag == 0x12 /* NumericString */ ||
	       tag == 0x1a /* VisibleString */;
}

static void
put_escaped(struct span v, struct buf *out)
{
	size_t i;

	for (i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		bool edge = (i == 0 && (c == ' ' || c == '#')) || (i + 1 == v.n && c == ' ');

		if (c < 0x20 || c == 0x7f) {
			buf_printf(out, "\\%02X", c);
			continue;
		}
		if (edge || strchr("\"+,;<>\\", c) != NULL)
			buf_put_u8(out, '\\');
		buf_put_u8(out, c);
	}
}

static void
put_item(const struct name_item *it, struct buf *out)
{
	bool known = false;
	size_t i;

	for (i = 0; i < ARRAY_LEN(attr_rows) && !known; i++) {
		if (!span_equal(attr_rows[i].oid, it->oid))
			continue;
		buf_put_str(out, attr_rows[i].name);
		known = true;
	}
	if (!known)
		oid_to_text(it->oid, out);
	buf_put_u8(out, '=');
	if (known && is_text_tag(it->tag)) {
		put_escaped(it->value, out);
	} else {
		buf_put_u8(out, '#');
		buf_put_hex(out, it->whole);
	}
}

/* All attributes of a Name into a table. */
static enum err_code
collect(struct span name, struct name_item *items, size_t *count, struct err *e)
{
	struct name_walk w;
	struct name_item it = {0};
	bool more = false;
	enum err_code rc;

	*count = 0;
	if ((rc = name_walk_start(name, &w, e)) != E_OK)
		return rc;
	while ((rc = name_walk_next(&w, &it, &more, e)) == E_OK && more) {
		if (*count == NAME_ITEMS_MAX)
			return err_set(e, E_DER, "a Name with more than %d attributes",
				       NAME_ITEMS_MAX);
		items[(*count)++] = it;
	}
	return rc;
}

enum err_code
name_to_text(struct span name, bool reversed, struct buf *out, struct err *e)
{
	struct name_item items[NAME_ITEMS_MAX];
	size_t count = 0, i, written = 0;
	unsigned rdn, rdns;
	enum err_code rc;

	if ((rc = collect(name, items, &count, e)) != E_OK)
		return rc;
	rdns = count > 0 ? items[count - 1].rdn : 0;
	for (rdn = 1; rdn <= rdns; rdn++) {
		unsigned want = reversed ? rdns + 1 - rdn : rdn;
		bool first = true;

		for (i = 0; i < count; i++) {
			if (items[i].rdn != want)
				continue;
			if (written++ > 0)
				buf_put_u8(out, first ? ',' : '+');
			put_item(&items[i], out);
			first = false;
		}
	}
	return buf_ok(out, e);
}

struct text_pair {
	char type[TEXT_VALUE_MAX];
	uint8_t value[TEXT_VALUE_MAX];
	size_t n;
	bool is_hex; /* value is DER: it was written as #30... */
};

static void
skip_spaces(const char **p)
{
	while (**p == ' ')
		(*p)++;
}

static int
hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at;

	at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

/* One character of a value, escapes undone (RFC 4514 2.4). */
static bool
take_char(const char **p, uint8_t *c)
{
	const char *s = *p;
	int hi, lo;

	if (*s != '\\') {
		*c = (uint8_t)*s;
		*p = s + 1;
		return true;
	}
	if (s[1] == '\0')
		return false;
	hi = hex_digit(s[1]);
	lo = hex_digit(s[2]);
	if (hi >= 0 && lo >= 0) {
		*c = (uint8_t)(hi * 16 + lo);
		*p = s + 3;
		return true;
	}
	*c = (uint8_t)s[1];
	*p = s + 2;
	return true;
}

static bool
take_value(const char **p, struct text_pair *out)
{
	bool quoted = **p == '"';
	size_t kept = 0;

	if (quoted)
		(*p)++;
	out->is_hex = !quoted && **p == '#';
	out->n = 0;
	while (**p != '\0' && (quoted ? **p != '"' : strchr(",;+", **p) == NULL)) {
		bool plain_space = **p == ' ' && !quoted;

		if (out->n == TEXT_VALUE_MAX || !take_char(p, &out->value[out->n]))
			return false;
		out->n++;
		if (!plain_space)
			kept = out->n;
	}
	out->n = kept; /* unescaped blanks at the end belong to the separator */
	if (!quoted)
		return true;
	if (**p != '"')
		return false;
	(*p)++;
	skip_spaces(p);
	return true;
}

/* "type=value" and the separator behind it. */
static bool
take_pair(const char **p, struct text_pair *out)
{
	size_t n;

	skip_spaces(p);
	n = strcspn(*p, "= ");
	if (n == 0 ||
	    !str_copy_span(out->type, sizeof(out->type), (struct span){(const uint8_t *)*p, n}))
		return false;
	*p += n;
	skip_spaces(p);
	if (**p != '=')
		return false;
	(*p)++;
	skip_spaces(p);
	if (!take_value(p, out))
		return false;
	if (**p == '\0')
		return true;
	if (strchr(",;+", **p) == NULL)
		return false;
	(*p)++;
	return **p != '\0';
}

static bool
type_matches(const char *type, struct span oid)
{
	struct buf dotted = {0};
	size_t i;
	bool same = false;

	for (i = 0; i < ARRAY_LEN(attr_rows); i++)
		if (strcasecmp(type, attr_rows[i].name) == 0 ||
		    (attr_rows[i].alias != NULL && strcasecmp(type, attr_rows[i].alias) == 0))
			return span_equal(attr_rows[i].oid, oid);
	if (strncasecmp(type, "OID.", 4) == 0)
		type += 4;
	if (der_oid_from_text(type, &dotted, NULL) == E_OK)
		same = span_equal(buf_span(&dotted), oid);
	buf_free(&dotted);
	return same;
}

static bool
value_matches(const struct text_pair *pair, const struct name_item *it)
{
	struct buf der = {0};
	bool same;

	if (!pair->is_hex)
		return pair->n == it->value.n &&
		       strncasecmp((const char *)pair->value, (const char *)it->value.p, pair->n) ==
			       0;
	same = hex_decode((struct span){pair->value + 1, pair->n - 1}, &der, NULL) == E_OK &&
	       span_equal(buf_span(&der), it->whole);
	buf_free(&der);
	return same;
}

bool
name_matches_text(struct span name, const char *text)
{
	struct name_item items[NAME_ITEMS_MAX];
	bool used[NAME_ITEMS_MAX] = {false};
	struct text_pair pair;
	size_t count = 0, pairs = 0, i;

	if (collect(name, items, &count, NULL) != E_OK)
		return false;
	for (; *text != '\0'; pairs++) {
		if (!take_pair(&text, &pair))
			return false;
		for (i = 0; i < count; i++)
			if (!used[i] && type_matches(pair.type, items[i].oid) &&
			    value_matches(&pair, &items[i]))
				break;
		if (i == count)
			return false;
		used[i] = true;
	}
	return pairs == count;
}

static void
put_rdn(struct buf *out, struct span oid, uint8_t tag, const char *value)
{
	size_t set, seq;

	if (value == NULL || value[0] == '\0')
		return;
	set = der_begin(out, DER_SET);
	seq = der_begin(out, DER_SEQUENCE);
	der_put(out, DER_OID, oid);
	der_put(out, tag, span_str(value));
	der_finish(out, seq);
	der_finish(out, set);
}

static enum err_code
check_value(const char *what, const char *value, struct err *e)
{
	struct span s = span_str(value);

	if (s.n > NAME_VALUE_MAX)
		return err_set(e, E_BAD_VALUE, "%s of %zu bytes: at most %d (RFC 5280 A.1)", what,
			       s.n, NAME_VALUE_MAX);
	if (!text_is_clean(s))
		return err_set(e, E_BAD_VALUE, "%s is not UTF-8 without control characters", what);
	return E_OK;
}

enum err_code
name_build(const struct name_parts *parts, struct buf *out, struct err *e)
{
	const char *c = parts->country;
	size_t mark;
	enum err_code rc;

	if (c != NULL && c[0] != '\0' &&
	    (strlen(c) != 2 || c[0] < 'A' || c[0] > 'Z' || c[1] < 'A' || c[1] > 'Z'))
		return err_set(e, E_BAD_VALUE,
			       "country \"%.16s\": expected two letters, upper case (ISO 3166-1)",
			       c);
	if ((rc = check_value("organisation (O)", parts->o, e)) != E_OK ||
	    (rc = check_value("common name (CN)", parts->cn, e)) != E_OK)
		return rc;
	mark = der_begin(out, DER_SEQUENCE);
	put_rdn(out, OID_C, DER_PRINTABLE_STRING, c);
	put_rdn(out, OID_O, DER_UTF8_STRING, parts->o);
	put_rdn(out, OID_CN, DER_UTF8_STRING, parts->cn);
	put_rdn(out, OID_DC, DER_IA5_STRING, parts->dc);
	der_finish(out, mark);
	return buf_ok(out, e);
}
