/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "api/admin_json.h"

static json_t *
ca_json(const struct ca_info *i)
{
	return json_pack("{s:s, s:s, s:s*, s:s, s:s, s:s, s:o, s:o, s:b, s:I}", "name", i->name,
			 "profile", i->profile, "issuer", i->issuer[0] == '\0' ? NULL : i->issuer,
			 "token", i->token, "subject", i->subject, "fingerprint", i->fingerprint,
			 "notBefore", admin_time(i->not_before), "notAfter",
			 admin_time(i->not_after), "keyReady", i->key_ready, "signatures",
			 (json_int_t)i->signatures);
}

/* The CAs are few: one page has them all. */
enum err_code
admin_get_cas(struct request *rq)
{
	struct ca_info *rows = NULL;
	json_t *list = json_array();
	size_t count = 0, i;
	enum err_code rc;

	if ((rc = ca_list(rq->app->ca, &rows, &count, &rq->err)) != E_OK) {
		json_decref(list);
		return rc;
	}
	for (i = 0; i < count; i++)
		json_array_append_new(list, ca_json(&rows[i]));
	free(rows);
	return admin_reply_list(rq, "cas", list, NULL);
}

enum err_code
admin_get_ca(struct request *rq)
{
	struct ca_info *rows = NULL;
	struct buf der = {0};
	json_t *o = NULL;
	size_t count = 0, i;
	enum err_code rc;

	if ((rc = ca_cert(rq->app->ca, rq->args[0], &der, &rq->err)) == E_OK)
		rc = ca_list(rq->app->ca, &rows, &count, &rq->err);
	for (i = 0; i < count && rc == E_OK; i++)
		if (strcmp(rows[i].name, rq->args[0]) == 0)
			o = ca_json(&rows[i]);
	if (rc == E_OK && o != NULL)
		json_object_set_new(o, "certificate", json_base64(buf_span(&der)));
	free(rows);
	buf_free(&der);
	return rc != E_OK ? rc : reply_json(rq, 200, o);
}
