/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static size_t
parse_length(const char *s, bool *bad)
{
	size_t n = 0;

	if (*s == '\0')
		*bad = true;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9') {
			*bad = true;
			return SIZE_MAX;
		}
		if (n > (SIZE_MAX - 9) / 10)
			return SIZE_MAX;
		n = n * 10 + (size_t)(*s - '0');
	}
	return n;
}

/* RFC 9110 5.6.2 */
static bool
is_token(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("!#$%&'*+-.^_`|~", *s) == NULL)
			return false;
	return true;
}

void
http_facts_add(struct http_facts *f, const char *name, const char *value)
{
	f->headers++;
	if (!is_token(name))
		f->name_bad = true;
	if (value == NULL)
		value = "";
	if (strcasecmp(name, "Host") == 0) {
		f->hosts++;
	} else if (strcasecmp(name, "Content-Length") == 0) {
		size_t n = parse_length(value, &f->length_bad);

		if (f->lengths++ > 0 && n != f->length)
			f->lengths_differ = true;
		f->length = n;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		f->encodings++;
		if (strcasecmp(value, "chunked") != 0)
			f->encoding_unknown = true;
	} else if (strcasecmp(name, "Authorization") == 0) {
		f->authorizations++;
	} else if (strcasecmp(name, "Expect") == 0) {
		f->expects_continue = true;
	}
}

enum err_code
http_check_framing(const struct http_facts *f, const char *version, struct err *e)
{
	bool http11 = strcmp(version, "HTTP/1.1") == 0;

	if (!http11 && strcmp(version, "HTTP/1.0") != 0)
		return err_set(e, E_HTTP_FRAMING, "expected HTTP/1.1 or HTTP/1.0");
	/* Others may read "Content-Length : 5" as what it looks like: two views of one request. */
	if (f->name_bad)
		return err_set(e, E_HTTP_FRAMING,
			       "a header field whose name is no token (RFC 9112 5.1)");
	if (f->folded)
		return err_set(e, E_HTTP_FRAMING, "a folded header field (RFC 9112 5.2)");
	if (f->encodings > 0 && f->lengths > 0)
		return err_set(e, E_HTTP_FRAMING,
			       "Transfer-Encoding together with Content-Length (RFC 9112 6.1)");
	if (f->encodings > 1 || f->encoding_unknown || (f->encodings > 0 && !http11))
		return err_set(e, E_HTTP_FRAMING,
			       "Transfer-Encoding: expected \"chunked\" once, in HTTP/1.1");
	if (f->lengths_differ || f->length_bad)
		return err_set(e, E_HTTP_FRAMING,
			       "Content-Length: expected one number (RFC 9112 6.3)");
	if (f->hosts > 1 || (http11 && f->hosts == 0))
		return err_set(e, E_HTTP_FRAMING, "Host: expected once (RFC 9112 3.2), found %u",
			       f->hosts);
	if (f->authorizations > 1)
		return err_set(e, E_HTTP_FRAMING, "Authorization: expected at most once");
	if (f->headers > HTTP_HEADERS_MAX)
		return err_set(e, E_HTTP_FRAMING, "%u header fields: expected at most %d",
			       f->headers, HTTP_HEADERS_MAX);
	return E_OK;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The octet that %XX at s stands for, or -1. */
static int
escape_value(const char *s)
{
	int high, low;

	if (s[0] != '%' || (high = hex_value(s[1])) < 0 || (low = hex_value(s[2])) < 0)
		return -1;
	return high * 16 + low;
}

enum err_code
http_check_target(const char *target, struct err *e)
{
	bool in_path = true;
	const char *s;

	if (target[0] != '/')
		return err_set(e, E_HTTP_TARGET,
			       "request target: expected a path from / (RFC 9112 3.2.1)");
	for (s = target; *s != '\0'; s++) {
		int octet = escape_value(s);

		if (*s == '?')
			in_path = false;
		if (*s <= ' ' || *s >= 0x7f || *s == '#' || *s == '\\')
			return err_set(e, E_HTTP_TARGET,
				       "request target: an octet that has to be percent-encoded");
		if (*s == '%' && octet < 0)
			return err_set(e, E_HTTP_TARGET,
				       "request target: %% without two hex digits");
		if (*s == '%' &&
		    (octet == 0 || (in_path && (octet == '/' || octet < ' ' || octet == 0x7f))))
			return err_set(e, E_HTTP_TARGET, "request target: %%%02X has no place here",
				       (unsigned)octet);
	}
	return E_OK;
}

bool
http_decode(char *s, bool plus)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		int octet = escape_value(s);

		if (*s == '%' && octet <= 0)
			return false;
		if (*s == '%') {
			*to++ = (char)octet;
			s += 2;
		} else if (plus && *s == '+') {
			*to++ = ' ';
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
	return true;
}

enum err_code
http_split_form(char *text, struct http_param *params, size_t cap, size_t *count, struct err *e)
{
	char *next, *value;
	size_t n = 0, i;

	for (; text != NULL && *text != '\0'; text = next) {
		next = strchr(text, '&');
		if (next != NULL)
			*next++ = '\0';
		if (*text == '\0')
			continue;
		if (n == cap)
			return err_set(e, E_HTTP_TARGET, "more than %zu parameters", cap);
		value = strchr(text, '=');
		if (value != NULL)
			*value++ = '\0';
		else
			value = text + strlen(text);
		if (!http_decode(text, true) || !http_decode(value, true))
			return err_set(e, E_HTTP_TARGET, "a parameter with a bad %%-escape");
		for (i = 0; i < n; i++)
			if (strcmp(params[i].name, text) == 0)
				return err_set(e, E_HTTP_TARGET, "a parameter given twice");
		params[n++] = (struct http_param){text, value};
	}
	*count = n;
	return E_OK;
}
