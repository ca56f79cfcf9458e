/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ca/revoke.h"

#define PAGE 64 /* certificates looked at in one go */

/* Certificates of CAs are left to their ceremony, which goes on with them when it is repeated. */
static bool
is_ceremony(const struct cert_row *row)
{
	return strncmp(row->request_id, CA_REQUEST, strlen(CA_REQUEST)) == 0;
}

/* One page of certificates that nobody came for. *revoked counts; *more: there may be others. */
static enum err_code
revoke_page(struct ca_set *set, int64_t before, struct cert_row *rows, int64_t *revoked, bool *more,
	    struct err *e)
{
	struct revocation r = {NULL, "reconciler", REASON_SUPERSEDED};
	size_t n = 0, done = 0, i;
	enum err_code rc;

	rc = cert_store_unclaimed(set->db, before, rows, PAGE, &n, e);
	for (i = 0; i < n; i++) {
		if (rc == E_OK && !is_ceremony(&rows[i]) &&
		    (rc = revoke_row(set, &rows[i], &r, e)) == E_OK)
			done++;
		cert_row_free(&rows[i]);
	}
	*revoked += (int64_t)done;
	*more = n == PAGE && done > 0;
	return rc;
}

enum err_code
ca_reconcile(struct ca_set *set, int64_t older_than_seconds, struct reconcile_report *out,
	     struct err *e)
{
	int64_t before = clock_now() - older_than_seconds;
	struct cert_row *rows = calloc(PAGE, sizeof(*rows));
	bool more = true;
	enum err_code rc;

	*out = (struct reconcile_report){0};
	if (rows == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for a page of certificates");
	rc = cert_store_orphan(set->db, before, &out->orphaned, e);
	while (rc == E_OK && more)
		rc = revoke_page(set, before, rows, &out->revoked, &more, e);
	free(rows);
	if (out->orphaned > 0 || out->revoked > 0 || rc != E_OK)
		log_event(rc == E_OK ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "reconcile.done",
			  "orphaned=%lld revoked=%lld error=%s", (long long)out->orphaned,
			  (long long)out->revoked, err_name(rc));
	return rc;
}
