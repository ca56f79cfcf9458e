/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/iso15118/vectors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "iso15118/exi_json.h"

static const char *const roots[] = {SOURCE_ROOT "/tests/vectors", SOURCE_ROOT "/../shared/vectors"};

bool
vectors_have_shared(void)
{
	static bool told;
	bool have = access(SOURCE_ROOT "/../shared/vectors", R_OK) == 0;

	if (!have && !told)
		(void)printf("skipped: real messages, ../shared/vectors is absent\n"); /* stdout */
	told = true;
	return have;
}

static struct buf
read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct buf b = {0};
	char part[4096];
	size_t n;

	if (f == NULL)
		fail_msg("cannot open %s", path);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(&b, part, n);
	assert_int_equal(fclose(f), 0);
	assert_false(b.failed);
	return b;
}

struct buf
vectors_read(bool shared, const char *name)
{
	char path[512];

	assert_in_range(snprintf(path, sizeof(path), "%s/%s", roots[shared], name), 1, 511);
	return read_file(path);
}

json_t *
vectors_json(bool shared, const char *name)
{
	struct buf text = vectors_read(shared, name);
	struct err e = {0};
	json_t *v = NULL;

	if (exi_json_parse(buf_span(&text), &v, &e) != E_OK)
		fail_msg("%s: %s", name, e.text);
	buf_free(&text);
	return v;
}

json_t *
vectors_json_list(const char *name)
{
	struct buf text = vectors_read(true, name);
	json_error_t je;
	json_t *v = json_loadb((const char *)text.p, text.n, 0, &je);

	if (v == NULL || !json_is_array(v))
		fail_msg("%s: %s", name, je.text);
	buf_free(&text);
	return v;
}

static bool
have_copy(const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/exi/%s", roots[0], name); /* names are short */
	return access(path, R_OK) == 0;
}

static int
each_in(bool shared, void (*f)(const char *name, const json_t *vector, void *arg), void *arg)
{
	char path[512];
	struct dirent **names = NULL;
	int n, seen = 0;

	assert_in_range(snprintf(path, sizeof(path), "%s/exi", roots[shared]), 1, 511);
	n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (strstr(name, ".json") != NULL && (!shared || !have_copy(name))) {
			(void)snprintf(path, sizeof(path), "exi/%s", name); /* names are short */
			json_t *v = vectors_json(shared, path);

			f(name, v, arg);
			json_decref(v);
			seen++;
		}
		free(names[i]);
	}
	free(names);
	return seen;
}

int
vectors_each(void (*f)(const char *name, const json_t *vector, void *arg), void *arg)
{
	int n = each_in(false, f, arg);

	return vectors_have_shared() ? n + each_in(true, f, arg) : n;
}

struct buf
vectors_hex(const json_t *o, const char *member)
{
	const char *text = json_string_value(json_object_get(o, member));
	struct buf b = {0};

	if (text == NULL || hex_decode(span_str(text), &b, NULL) != E_OK)
		fail_msg("no hex in %s", member);
	return b;
}
