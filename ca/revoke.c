/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/revoke.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/str.h"
#include "ca/issue.h"

/* Reasons of RFC 5280 5.3.1 that may be given. certificateHold and removeFromCRL are not enabled:
 * revoked never becomes good again (I-12). */
static const char *const reasons[] = {
	[0] = "unspecified",
	[REASON_KEY_COMPROMISE] = "keyCompromise",
	[2] = "cACompromise",
	[3] = "affiliationChanged",
	[REASON_SUPERSEDED] = "superseded",
	[5] = "cessationOfOperation",
	[9] = "privilegeWithdrawn",
	[10] = "aACompromise",
};

static enum err_code
check_reason(unsigned reason, struct err *e)
{
	if (reason >= ARRAY_LEN(reasons) || reasons[reason] == NULL)
		return err_set(e, E_BAD_VALUE,
			       "revocation reason %u: expected 0 to 5, 9 or 10 (RFC 5280 5.3.1)",
			       reason);
	return E_OK;
}

/* A CA that is revoked issues nothing from now on. */
static void
mark_ca(struct ca_set *set, const struct cert_row *row)
{
	struct ca_table *t = atomic_load(&set->table);
	size_t i;

	for (i = 0; i < t->count; i++)
		if (row->der.n > 0 && span_equal(buf_span(&t->cas[i]->der), buf_span(&row->der)))
			atomic_store(&t->cas[i]->revoked, true);
}

enum err_code
revoke_row(struct ca_set *set, const struct cert_row *row, const struct revocation *r,
	   struct err *e)
{
	char serial[HEX_LEN(sizeof(row->serial))], detail[64];
	struct audit_record a = {.actor = r->actor,
				 .action = "certificate.revoked",
				 .object = serial,
				 .request_id = r->request_id,
				 .detail = detail};
	enum err_code rc;

	if ((rc = check_reason(r->reason, e)) != E_OK)
		return rc;
	hex_encode((struct span){row->serial, row->serial_len}, serial, sizeof(serial));
	if (snprintf(detail, sizeof(detail), "%s %s", row->ca, reasons[r->reason]) < 0)
		detail[0] = '\0';
	issue_subject(row->profile, row->subject_cn, &a);
	/* I-7: a compromised key is blocked with everything it stands in. */
	rc = cert_store_revoke(set->db, row->id, r->reason, clock_now(),
			       r->reason == REASON_KEY_COMPROMISE, &a, e);
	if (rc != E_OK)
		return rc;
	mark_ca(set, row);
	log_event(LOG_LEVEL_INFO, "cert.revoked", "ca=%s serial=%s reason=%s", row->ca, serial,
		  reasons[r->reason]);
	return E_OK;
}

enum err_code
ca_revoke(struct ca_set *set, const char *request_id, struct span cert_der, unsigned reason,
	  const char *actor, struct err *e)
{
	struct revocation r = {request_id, actor, reason};
	uint8_t fingerprint[SHA256_LEN];
	struct cert_row row = {0};
	enum err_code rc;

	if ((rc = sha256(cert_der, fingerprint, e)) != E_OK)
		return rc;
	rc = cert_store_by_fingerprint(set->db, fingerprint, &row, e);
	if (rc == E_OK)
		rc = revoke_row(set, &row, &r, e);
	cert_row_free(&row);
	return rc;
}

enum err_code
ca_revoke_serial(struct ca_set *set, const char *ca, struct span serial, unsigned reason,
		 const char *actor, struct err *e)
{
	struct revocation r = {NULL, actor, reason};
	struct cert_row row = {0};
	enum err_code rc;

	rc = cert_store_by_serial(set->db, ca, serial, &row, e);
	if (rc == E_OK)
		rc = revoke_row(set, &row, &r, e);
	cert_row_free(&row);
	return rc;
}
