/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of the ecosystem: EMAID, PCID, EVSEID, SECCID and the prefixes that
 * participants own. Parsing normalises (separators dropped, upper case) and keeps the form given;
 * every refusal names what was found, what was expected and the clause. Pure. */
#ifndef POLICY_IDENT_H
#define POLICY_IDENT_H

#include "base/buf.h"

#define EMAID_MAX  37 /* characters with the NUL: 36 with hyphens in OPNC and -20 */
#define EMAID_2_MAX 15 /* characters: ISO 15118-2 takes 14 or 15, callers of -2 check it */
#define EMAID_KEY  37 /* the key: 14 characters for -2, the whole normal form beyond 15 */
#define PCID_MAX   19 /* 17 or 18 characters */
#define EVSEID_MAX 65
#define PREFIX_MAX 6 /* WMI: 3 characters, operator and provider id: 5 with the country */

enum check_digit { CHECK_ABSENT, CHECK_RIGHT, CHECK_WRONG };
enum check_policy { CHECK_OFF, CHECK_WARN, CHECK_ENFORCE };

struct emaid {
	char normal[EMAID_MAX];	   /* upper case, no hyphens: 14 or 15 characters, up to 34 (-20) */
	char key[EMAID_KEY];	   /* what storage compares: the first 14, or all beyond 15 */
	char provider[PREFIX_MAX]; /* country and provider id, 5 characters */
	enum check_digit check;
};

struct pcid {
	char normal[PCID_MAX]; /* upper case; opaque: 17 and 18 characters are different ids */
	char wmi[4];
};

/* A charging station's name: EVSEID (…E…) or SECCID (…S…). */
struct station_id {
	char given[EVSEID_MAX];	 /* as in the certificate */
	char normal[EVSEID_MAX]; /* for comparison only */
	char operator_id[PREFIX_MAX];
	bool is_seccid;
};

/* EMAID, spec: ISO 15118-2:2014 Annex H / eMI3. A wrong check digit is reported in out->check and
 * refused only under CHECK_ENFORCE. */
enum err_code emaid_parse(const char *s, enum check_policy policy, struct emaid *out,
			  struct err *e) MUST_CHECK;
/* The check character for the first 14 characters of a normal form. */
char emaid_check_digit(const char *normal14);
/* Why a check digit is wrong or right, one sentence, for the command line. */
void emaid_explain(const struct emaid *m, struct buf *out);
/* DIN SPEC 91286 id ("NL-TNM-012204-5") to the eMI3 form ("NLTNMC00122045K"). */
enum err_code emaid_from_din(const char *s, char out[EMAID_MAX], struct err *e) MUST_CHECK;

enum err_code pcid_parse(const char *s, struct pcid *out, struct err *e) MUST_CHECK;
enum err_code station_parse(const char *s, struct station_id *out, struct err *e) MUST_CHECK;

/* "WVA", "DEABC": upper-cased into out. */
enum err_code wmi_parse(const char *s, char out[PREFIX_MAX], struct err *e) MUST_CHECK;
enum err_code party_id_parse(const char *s, char out[PREFIX_MAX], struct err *e) MUST_CHECK;

/* Namespaces: -2 and the three spellings of -20 (D37). */
enum edition { EDITION_NONE, EDITION_2, EDITION_20 };
#define NAMESPACE_2 "urn:iso:15118:2:2013:MsgDef"
#define NAMESPACE_20 "urn:iso:15118:20:2022:MsgDef" /* of three spellings, what OPCP writes */
enum edition edition_from_namespace(const char *xmlns); /* EDITION_NONE when unknown */

#endif
