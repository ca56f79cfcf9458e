/* SPDX-License-Identifier: Apache-2.0 */
/* DER Names inside policy/: a walk over their attributes that refuses what is malformed, and the
 * writer of our own. Names are compared by bytes elsewhere; here only values are looked at. */
#ifndef POLICY_NAME_H
#define POLICY_NAME_H

#include "base/buf.h"

#define NAME_VALUE_MAX 64 /* characters of CN and O: RFC 5280 appendix A.1, ub-common-name */

struct name_walk {
	struct span rdns, set; /* what is left of the Name, and of the current RDN */
	unsigned rdn;          /* number of the current RDN, from 1 */
};

struct name_item {
	struct span oid, value; /* content octets */
	struct span whole;      /* the value with its header */
	uint8_t tag;            /* of the value */
	unsigned rdn;
};

/* Starts a walk over a DER Name with header. */
enum err_code name_walk_start(struct span name, struct name_walk *w, struct err *e) MUST_CHECK;

/* The next attribute; *more is false at the end. */
enum err_code
name_walk_next(struct name_walk *w, struct name_item *out, bool *more, struct err *e) MUST_CHECK;

/* Whether s is UTF-8 (no overlong forms, no surrogates) without control characters. */
bool text_is_clean(struct span s);

/* Dotted text of an OID's content octets, appended. */
void oid_to_text(struct span oid, struct buf *out);

/* A Name with the RDNs C (PrintableString), O, CN (UTF8String) and DC (IA5String) in this order;
 * NULL or "" leaves one out. Appended. */
struct name_parts {
	const char *country, *o, *cn, *dc;
};
enum err_code name_build(const struct name_parts *parts, struct buf *out, struct err *e) MUST_CHECK;

#endif
