/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ident.h"

#include <string.h>

#include "base/str.h"

#define EMAID_NET_MIN  14 /* characters without separators and check digit */
#define EMAID_NET_MAX  34 /* OPNC: 2 + 3 + 28 and a check digit */
#define OUTLET_MAX     31 /* characters behind the E of an EVSEID (ISO 15118-2 Annex H) */
#define CONTROLLER_MIN 32 /* characters behind the S of a SECCID (D36) */
#define CN_MAX         64 /* RFC 5280 appendix A.1 */

static bool
is_alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_alnum(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9');
}

static char
to_upper(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	return c;
}

/* Whether p starts with country (2 letters) and id (3 letters or digits). */
static bool
is_party(const char *p)
{
	return is_alpha(p[0]) && is_alpha(p[1]) && is_alnum(p[2]) && is_alnum(p[3]) &&
	       is_alnum(p[4]);
}

/* Upper case without sep, into out of cap characters with the NUL; false when it is too long. */
static bool
fold(const char *s, char sep, char *out, size_t cap)
{
	size_t n = 0;

	for (; *s != '\0'; s++) {
		if (*s == sep)
			continue;
		if (n + 1 >= cap) {
			out[0] = '\0';
			return false;
		}
		out[n++] = to_upper(*s);
	}
	out[n] = '\0';
	return true;
}

static int
char_value(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

static char
char_of_value(int v)
{
	return (char)(v < 10 ? '0' + v : 'A' + v - 10);
}

/* Each character v is q = v div 9 as two bits and r = v mod 9 as two ternary digits. The row
 * vectors are multiplied by P1^i over GF(2) and P2^i over GF(3) for position i, with P1 =
 * [[0,1],[1,1]] and P2 = [[0,1],[1,2]] (m1 and m2 below, row by row), and summed; the check
 * character brings both sums to zero (spec/protocols 8.1). */
char
emaid_check_digit(const char *normal14)
{
	int q1 = 0, q2 = 0, r1 = 0, r2 = 0, m1[4] = {0, 1, 1, 1}, m2[4] = {0, 1, 1, 2}, i;

	for (i = 0; i < EMAID_NET_MIN; i++) {
		int v = char_value(normal14[i]), q = v / 9, r = v % 9, a, b;

		q1 += q / 2 * m1[0] + q % 2 * m1[2];
		q2 += q / 2 * m1[1] + q % 2 * m1[3];
		r1 += r / 3 * m2[0] + r % 3 * m2[2];
		r2 += r / 3 * m2[1] + r % 3 * m2[3];
		a = m1[0];
		b = m1[2]; /* m1 = m1 * P1 */
		m1[0] = m1[1];
		m1[1] = (a + m1[1]) % 2;
		m1[2] = m1[3];
		m1[3] = (b + m1[3]) % 2;
		a = m2[0];
		b = m2[2]; /* m2 = m2 * P2 */
		m2[0] = m2[1];
		m2[1] = (a + 2 * m2[1]) % 3;
		m2[2] = m2[3];
		m2[3] = (b + 2 * m2[3]) % 3;
	}
	q1 %= 2;
	q2 %= 2;
	r1 %= 3;
	r2 %= 3;
	return char_of_value(9 * (2 * q1 + q2) + 3 * ((3 - r2) % 3) + (r2 - r1 + 3) % 3);
}

static enum err_code
check_digit(struct emaid *m, enum check_policy policy, struct err *e)
{
	char right;

	m->check = CHECK_ABSENT;
	if (strlen(m->normal) != EMAID_2_MAX || policy == CHECK_OFF)
		return E_OK;
	right = emaid_check_digit(m->normal);
	m->check = m->normal[EMAID_NET_MIN] == right ? CHECK_RIGHT : CHECK_WRONG;
	if (m->check == CHECK_WRONG && policy == CHECK_ENFORCE)
		return err_set(e, E_EMAID,
			       "EMAID: check digit is '%c', expected '%c' (ISO 15118-2 Annex H)",
			       m->normal[EMAID_NET_MIN], right);
	return E_OK;
}

enum err_code
emaid_parse(const char *s, enum check_policy policy, struct emaid *out, struct err *e)
{
	size_t n, i;

	*out = (struct emaid){0};
	if (!fold(s, '-', out->normal, sizeof(out->normal)))
		return err_set(e, E_EMAID, "EMAID of more than %d characters", EMAID_NET_MAX);
	n = strlen(out->normal);
	if (n < EMAID_NET_MIN || n > EMAID_NET_MAX)
		return err_set(e, E_EMAID,
			       "EMAID of %zu characters without '-': expected 14 or 15, at most %d "
			       "for ISO 15118-20",
			       n, EMAID_NET_MAX);
	for (i = 0; i < n; i++)
		if (!is_alnum(out->normal[i]))
			return err_set(e, E_EMAID,
				       "EMAID: character %zu is neither letter nor digit nor '-' "
				       "(ISO 15118-2 Annex H)",
				       i + 1);
	if (!is_party(out->normal))
		return err_set(e, E_EMAID,
			       "EMAID: expected a country of two letters in front "
			       "(ISO 15118-2 Annex H)");
	memcpy(out->provider, out->normal, 5);
	memcpy(out->key, out->normal, n > EMAID_2_MAX ? n : EMAID_NET_MIN);
	return check_digit(out, policy, e);
}

void
emaid_explain(const struct emaid *m, struct buf *out)
{
	size_t n = strlen(m->normal);
	char right;

	if (n > EMAID_2_MAX) {
		buf_printf(out,
			   "%zu characters: a check digit cannot be told from the instance, "
			   "the whole id is the key",
			   n);
		return;
	}
	right = emaid_check_digit(m->normal);
	if (n == EMAID_NET_MIN)
		buf_printf(out, "no check digit; it would be '%c'", right);
	else if (m->normal[EMAID_NET_MIN] == right)
		buf_printf(out, "check digit '%c' is right", right);
	else
		buf_printf(out,
			   "check digit '%c' is wrong: ISO 15118-2 Annex H gives '%c' for %.14s",
			   m->normal[EMAID_NET_MIN], right, m->normal);
}

/* Sum of digit * 2^k mod 11, 10 written as X; letters count as two decimal digits (DIN SPEC 91286).
 */
static char
din_check_digit(const char *normal11)
{
	unsigned sum = 0, weight = 1;

	for (; *normal11 != '\0'; normal11++) {
		unsigned v = (unsigned)char_value(*normal11);

		if (v >= 10) {
			sum += v / 10 * weight;
			weight = weight * 2 % 11;
		}
		sum += v % 10 * weight;
		weight = weight * 2 % 11;
	}
	return (char)(sum % 11 == 10 ? 'X' : '0' + sum % 11);
}

enum err_code
emaid_from_din(const char *s, char out[EMAID_MAX], struct err *e)
{
	char normal[13], head[12];
	size_t i;

	out[0] = '\0';
	if (!fold(s, '-', normal, sizeof(normal)) || strlen(normal) != 12 || !is_party(normal))
		return err_set(e, E_EMAID,
			       "not a DIN SPEC 91286 id: expected country, provider, 6 digits and "
			       "a check digit, as in NL-TNM-012204-5");
	for (i = 5; i < 12; i++)
		if ((normal[i] < '0' || normal[i] > '9') && !(i == 11 && normal[i] == 'X'))
			return err_set(e, E_EMAID, "DIN SPEC 91286 id: expected a digit at %zu",
				       i + 1);
	memcpy(head, normal, 11);
	head[11] = '\0';
	if (din_check_digit(head) != normal[11])
		return err_set(e, E_EMAID, "DIN SPEC 91286 id: check digit is '%c', expected '%c'",
			       normal[11], din_check_digit(head));
	memcpy(out, normal, 5);
	memcpy(out + 5, "C0", 2);
	memcpy(out + 7, normal + 5, 7);
	out[14] = emaid_check_digit(out);
	out[15] = '\0';
	return E_OK;
}

enum err_code
pcid_parse(const char *s, struct pcid *out, struct err *e)
{
	size_t n = strlen(s), i;

	*out = (struct pcid){0};
	if (n != 17 && n != 18)
		return err_set(e, E_PCID,
			       "PCID of %zu characters: expected 17 or 18 (VDE-AR-E 2802-100-1)",
			       n);
	for (i = 0; i < n; i++) {
		if (!is_alnum(s[i])) {
			*out = (struct pcid){0};
			return err_set(e, E_PCID,
				       "PCID: character %zu is neither letter nor digit "
				       "(VDE-AR-E 2802-100-1)",
				       i + 1);
		}
		out->normal[i] = to_upper(s[i]);
	}
	memcpy(out->wmi, out->normal, 3);
	return E_OK;
}

static const char *
skip(const char *p, char sep)
{
	return *p == sep ? p + 1 : p;
}

/* Country, operator and type character with optional separators; NULL when it is not that. */
static const char *
after_type(const char *s, char sep, char type, char operator_id[PREFIX_MAX])
{
	const char *p = s;
	int i;

	for (i = 0; i < 5; i++) {
		if (i < 2 ? !is_alpha(*p) : !is_alnum(*p))
			return NULL;
		operator_id[i] = to_upper(*p++);
		if (i == 1 || i == 4)
			p = skip(p, sep);
	}
	operator_id[5] = '\0';
	return to_upper(*p) == type ? p + 1 : NULL;
}

static enum err_code
check_outlet(const char *p, struct err *e)
{
	size_t n = strlen(p), letters = 0, i;

	for (i = 0; i < n; i++) {
		if (!is_alnum(p[i]) && p[i] != '*')
			return err_set(e, E_EVSEID,
				       "EVSEID: character %zu behind the E is neither letter nor "
				       "digit nor '*' (ISO 15118-2 Annex H)",
				       i + 1);
		letters += p[i] != '*';
	}
	if (letters == 0 || n > OUTLET_MAX)
		return err_set(e, E_EVSEID,
			       "EVSEID: %zu characters behind the E: expected 1 to %d "
			       "(ISO 15118-2 Annex H)",
			       n, OUTLET_MAX);
	return E_OK;
}

static enum err_code
check_controller(const char *p, struct err *e)
{
	size_t n = 0;

	p = skip(p, '-');
	while (is_alnum(p[n]))
		n++;
	if (p[n] == '-' && !(is_alnum(p[n + 1]) && p[n + 2] == '\0'))
		return err_set(e, E_SECCID, "SECCID: expected one check character behind the '-'");
	if (p[n] != '-' && p[n] != '\0')
		return err_set(e, E_SECCID,
			       "SECCID: character %zu behind the S is neither letter "
			       "nor digit",
			       n + 1);
	if (n < CONTROLLER_MIN)
		return err_set(e, E_SECCID,
			       "SECCID: %zu characters behind the S: expected at least %d "
			       "(ISO 15118-20 C.6)",
			       n, CONTROLLER_MIN);
	return E_OK;
}

enum err_code
station_parse(const char *s, struct station_id *out, struct err *e)
{
	const char *rest;
	enum err_code rc;

	*out = (struct station_id){0};
	if (strlen(s) > CN_MAX)
		return err_set(e, E_EVSEID, "EVSEID or SECCID of %zu characters: at most %d",
			       strlen(s), CN_MAX);
	rest = after_type(s, '*', 'E', out->operator_id);
	if (rest != NULL) {
		rc = check_outlet(rest, e);
	} else {
		rest = after_type(s, '-', 'S', out->operator_id);
		out->is_seccid = rest != NULL;
		rc = rest != NULL
			     ? check_controller(rest, e)
			     : err_set(e, E_EVSEID,
				       "not an EVSEID or SECCID: expected country, operator, "
				       "then E or S, as in DE*ABC*E1234 (ISO 15118-2 Annex H)");
	}
	if (rc != E_OK || !str_copy(out->given, sizeof(out->given), s) ||
	    !fold(s, out->is_seccid ? '-' : '*', out->normal, sizeof(out->normal)))
		*out = (struct station_id){0};
	return rc;
}

enum err_code
wmi_parse(const char *s, char out[PREFIX_MAX], struct err *e)
{
	if (strlen(s) != 3 || !str_is_alnum(s))
		return err_set(e, E_PREFIX,
			       "WMI \"%.16s\": expected 3 letters or digits (ISO 3780)", s);
	(void)str_copy(out, PREFIX_MAX, s);
	str_upper(out);
	return E_OK;
}

enum err_code
party_id_parse(const char *s, char out[PREFIX_MAX], struct err *e)
{
	char sep = strlen(s) == 6 && s[2] == '*' ? '*' : '-';

	if (!fold(s, sep, out, PREFIX_MAX) || strlen(out) != 5 || !is_party(out))
		return err_set(
			e, E_PREFIX,
			"operator or provider id \"%.16s\": expected a country of two letters "
			"and 3 letters or digits, as in DEABC",
			s);
	return E_OK;
}

enum edition
edition_from_namespace(const char *xmlns)
{
	static const char *const names_20[] = {NAMESPACE_20, "urn:iso:15118:20:2020:MsgDef",
					       "urn:iso:std:iso:15118:-20:CommonMessages"};
	size_t i;

	if (strcmp(xmlns, NAMESPACE_2) == 0)
		return EDITION_2;
	for (i = 0; i < ARRAY_LEN(names_20); i++)
		if (strcmp(xmlns, names_20[i]) == 0)
			return EDITION_20;
	return EDITION_NONE;
}
