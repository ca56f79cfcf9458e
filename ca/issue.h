/* SPDX-License-Identifier: Apache-2.0 */
/* Issuing: the one path by which a signature of a CA key comes to stand under a certificate, in the
 * order of design §4. A root signs itself before it stands in any table, so the issuing side is an
 * authority: what the path needs to know of it, lent for the call. */
#ifndef CA_ISSUE_H
#define CA_ISSUE_H

#include "ca/set.h"

struct authority {
	const char *name;
	const struct algo *algo;
	struct span subject, ski; /* DER Name and key identifier; empty: signs itself */
	struct span point;
	int64_t not_after;
	const char *crl_url;
	struct ca *ca;       /* NULL: a root in its ceremony */
	struct hsm_key *key; /* NULL: that of ca, asked for when it is needed */
	bool within;         /* a default notAfter is at most the issuer's (ceremonies) */
};

/* Issues or, for a request id already done, finds the certificate: *cert_id and its DER appended to
 * der. rq->ca is not looked at. Errors as ca_issue. */
enum err_code
issue_under(struct ca_set *set, const struct authority *by, const struct issue_request *rq,
	    int64_t *cert_id, struct buf *der, struct err *e) MUST_CHECK;

/* What issue_under needs to know of a CA. */
struct authority issue_authority(struct ca *ca);

/* Fills in whose data a certificate of this profile carries, so that the store keeps it as a
 * pseudonym and sealed (design §5): EMAID, PCID, or nobody's. */
void issue_subject(const char *profile, const char *cn, struct audit_record *a);

#endif
