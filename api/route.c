/* SPDX-License-Identifier: Apache-2.0 */
#include "api/route.h"

#include "api/http.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SEGMENTS_MAX 12

struct segments {
	char *at[SEGMENTS_MAX];
	size_t count;
	bool slash; /* a final one */
};

/* Cuts "/a/b/" into "a", "b"; segments are decoded after cutting, so that an escape never makes a
 * new one. */
static bool
split(char *path, struct segments *out)
{
	char *next;

	if (*path != '/')
		return false;
	for (path++; path != NULL; path = next) {
		next = strchr(path, '/');
		if (next != NULL)
			*next++ = '\0';
		if (next == NULL && *path == '\0' && out->count > 0) {
			out->slash = true;
			break;
		}
		if (out->count == SEGMENTS_MAX || *path == '\0' || !http_decode(path, false))
			return false;
		out->at[out->count++] = path;
	}
	return true;
}

/* "eu-cpo" for "cpo": one word and a hyphen in front (OPCP 1.0.0 EST, {ca}). */
static bool
matches_label(const char *s, const char *label, size_t n)
{
	size_t len = strlen(s), i;

	if (len < n || memcmp(s + len - n, label, n) != 0)
		return false;
	if (len == n)
		return true;
	if (len < n + 2 || s[len - n - 1] != '-')
		return false;
	for (i = 0; i < len - n - 1; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '_')
			return false;
	return true;
}

/* Smaller is more literal. */
static char
rank_of(char first)
{
	if (first == '{')
		return 'c';
	return first == '~' ? 'b' : 'a';
}

/* Whether the path fits the pattern; rank has one character a segment, smaller is more literal. */
static bool
matches(const char *pattern, const struct segments *s, char *args[REQUEST_ARGS_MAX],
	char rank[SEGMENTS_MAX + 1])
{
	size_t i = 0, arg = 0;

	for (pattern++; *pattern != '\0';) {
		size_t n = strcspn(pattern, "/");
		bool optional = n > 2 && pattern[n - 2] == '?';
		char *seg = i < s->count ? s->at[i] : NULL;

		if (seg == NULL && !optional)
			return false;
		if (*pattern == '{' || seg == NULL) {
			if (arg < REQUEST_ARGS_MAX)
				args[arg++] = seg;
		} else if (*pattern == '~') {
			if (!matches_label(seg, pattern + 1, n - 1))
				return false;
		} else if (strlen(seg) != n || memcmp(seg, pattern, n) != 0) {
			return false;
		}
		if (seg != NULL)
			rank[i++] = rank_of(*pattern);
		pattern += n;
		if (*pattern == '/')
			pattern++;
	}
	rank[i] = '\0';
	return i == s->count && (!s->slash || pattern[-1] == '/');
}

static void
allow(char allowed[ROUTE_ALLOWED_MAX], const char *method)
{
	size_t used = strlen(allowed);

	if (strstr(allowed, method) == NULL)
		(void)snprintf(allowed + used, ROUTE_ALLOWED_MAX - used, "%s%s",
			       used == 0 ? "" : ", ", method); /* all methods fit */
}

static bool
answers(const struct route *r, const char *method)
{
	return strcmp(r->method, method) == 0 ||
	       (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

/* The search of one lookup. */
struct search {
	unsigned listener;
	const char *method;
	struct segments segments;
	char best[SEGMENTS_MAX + 1];
};

static void
consider(struct search *q, const struct route *r, struct route_match *out)
{
	char *args[REQUEST_ARGS_MAX] = {0};
	char rank[SEGMENTS_MAX + 1];

	if ((r->listeners & q->listener) == 0 || !matches(r->path, &q->segments, args, rank))
		return;
	allow(out->allowed, r->method);
	if (strcmp(r->method, "GET") == 0)
		allow(out->allowed, "HEAD");
	if (!answers(r, q->method) || (out->route != NULL && strcmp(rank, q->best) >= 0))
		return;
	out->route = r;
	memcpy(q->best, rank, sizeof(rank));
	memcpy(out->args, args, sizeof(args));
}

enum err_code
route_find(unsigned listener, const char *method, const char *path, char *scratch,
	   struct route_match *out, struct err *e)
{
	struct search q = {.listener = listener, .method = method};
	const struct route *const *table, *r;

	*out = (struct route_match){0};
	memcpy(scratch, path, strlen(path) + 1);
	if (split(scratch, &q.segments))
		for (table = route_tables; *table != NULL; table++)
			for (r = *table; r->method != NULL; r++)
				consider(&q, r, out);
	if (out->route == NULL && out->allowed[0] != '\0')
		return err_set(e, E_METHOD, "this path answers %s", out->allowed);
	if (out->route == NULL)
		return err_set(e, E_NO_ROUTE, "there is no such path");
	return E_OK;
}
