/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

#include "base/str.h"

static const char *const type_names[] = {
	[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",  [JSON_STRING] = "a string",
	[JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
	[JSON_FALSE] = "false",      [JSON_NULL] = "null",
};

/* Depth is counted before parsing: jansson's own bound is a compile-time one and deeper. */
static bool
too_deep(struct span text)
{
	size_t i, depth = 0;
	bool quoted = false;

	for (i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > JSON_DEPTH_MAX)
			return true;
	}
	return false;
}

/* jansson ends its reasons with what it found, which may be somebody's PCID or EMAID: errors are
 * logged and sent around without (I-41). */
static void
cut_quotation(char *reason)
{
	char *near = strstr(reason, " near ");

	if (near != NULL)
		*near = '\0';
}

enum err_code
json_parse(struct span text, json_t **out, struct err *e)
{
	json_error_t je;

	if (too_deep(text))
		return err_set(e, E_JSON, "JSON nested deeper than %d", JSON_DEPTH_MAX);
	*out = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);
	if (*out == NULL)
		cut_quotation(je.text);
	if (*out == NULL)
		return err_set(e, E_JSON, "not JSON, line %d column %d: %s", je.line, je.column,
			       je.text);
	if (!json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		return err_set(e, E_JSON, "expected a JSON object");
	}
	return E_OK;
}

static enum err_code
wrong_type(const json_t *v, const char *member, const char *expected, struct err *e)
{
	return err_set(e, E_JSON_MEMBER, "%s is %s: expected %s", member,
		       v == NULL ? "missing" : type_names[json_typeof(v)], expected);
}

/* The member, or NULL when it is absent or null. */
static json_t *
member_of(const json_t *o, const char *member)
{
	json_t *v = json_object_get(o, member);

	return json_is_null(v) ? NULL : v;
}

enum err_code
json_opt_string(const json_t *o, const char *member, const char **out, struct err *e)
{
	const json_t *v = member_of(o, member);

	if (v == NULL)
		return E_OK;
	if (!json_is_string(v))
		return wrong_type(v, member, "a string", e);
	if (strlen(json_string_value(v)) != json_string_length(v))
		return err_set(e, E_JSON_MEMBER, "%s has a NUL character inside", member);
	*out = json_string_value(v);
	return E_OK;
}

enum err_code
json_need_string(const json_t *o, const char *member, const char **out, struct err *e)
{
	if (member_of(o, member) == NULL)
		return wrong_type(json_object_get(o, member), member, "a string", e);
	return json_opt_string(o, member, out, e);
}

enum err_code
json_need_object(const json_t *o, const char *member, json_t **out, struct err *e)
{
	json_t *v = json_object_get(o, member);

	if (!json_is_object(v))
		return wrong_type(v, member, "an object", e);
	*out = v;
	return E_OK;
}

enum err_code
json_opt_bool(const json_t *o, const char *member, bool *out, struct err *e)
{
	const json_t *v = member_of(o, member);

	if (v == NULL)
		return E_OK;
	if (!json_is_boolean(v))
		return wrong_type(v, member, "true or false", e);
	*out = json_is_true(v);
	return E_OK;
}

enum err_code
json_opt_int(const json_t *o, const char *member, int64_t min, int64_t max, int64_t *out,
	     struct err *e)
{
	const json_t *v = member_of(o, member);

	if (v == NULL)
		return E_OK;
	if (!json_is_integer(v))
		return wrong_type(v, member, "a whole number", e);
	if (json_integer_value(v) < min || json_integer_value(v) > max)
		return err_set(e, E_JSON_MEMBER, "%s is %lld: expected %lld to %lld", member,
			       (long long)json_integer_value(v), (long long)min, (long long)max);
	*out = json_integer_value(v);
	return E_OK;
}

enum err_code
json_opt_base64(const json_t *o, const char *member, size_t max, struct buf *out, struct err *e)
{
	const char *text = NULL;
	size_t before = out->n;
	enum err_code rc;

	if ((rc = json_opt_string(o, member, &text, e)) != E_OK || text == NULL)
		return rc;
	if ((rc = base64_decode(span_str(text), out, e)) != E_OK) {
		err_context(e, "%s", member);
		return rc;
	}
	if (out->n == before || out->n - before > max)
		return err_set(e, E_JSON_MEMBER, "%s has %zu bytes: expected 1 to %zu", member,
			       out->n - before, max);
	return E_OK;
}

enum err_code
json_need_base64(const json_t *o, const char *member, size_t max, struct buf *out, struct err *e)
{
	if (member_of(o, member) == NULL)
		return wrong_type(json_object_get(o, member), member, "a base64 string", e);
	return json_opt_base64(o, member, max, out, e);
}

enum err_code
json_opt_array(const json_t *o, const char *member, size_t max, json_t **out, struct err *e)
{
	json_t *v = member_of(o, member);
	size_t i;

	if (v == NULL)
		return E_OK;
	if (!json_is_array(v))
		return wrong_type(v, member, "an array of strings", e);
	if (json_array_size(v) > max)
		return err_set(e, E_JSON_MEMBER, "%s has %zu members: expected at most %zu", member,
			       json_array_size(v), max);
	for (i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return wrong_type(json_array_get(v, i), member, "strings only", e);
	*out = v;
	return E_OK;
}

static int
append(const char *text, size_t n, void *arg)
{
	struct buf *out = arg;

	buf_put(out, text, n);
	return out->failed ? -1 : 0;
}

enum err_code
json_dump(const json_t *o, struct buf *out, struct err *e)
{
	if (json_dump_callback(o, append, out, JSON_COMPACT) != 0)
		return err_set(e, E_NO_MEMORY, "no memory for a JSON text");
	return E_OK;
}

json_t *
json_base64(struct span s)
{
	struct buf text = {0};
	json_t *v;

	base64_encode(s, 0, &text);
	v = text.failed ? NULL : json_stringn((const char *)text.p, text.n);
	buf_free(&text);
	return v;
}
