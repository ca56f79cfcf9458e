/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "api/admin_json.h"
#include "base/clock.h"
#include "base/digest.h"
#include "db/cert_store.h"
#include "db/pool_store.h"

static json_t *
tokens_json(const struct app *app)
{
	json_t *list = json_array();
	const char *name;
	size_t i;

	for (i = 0; (name = conf_instance(app->conf, "token", i)) != NULL; i++) {
		enum err_code health = hsm_token_health(app->hsm, name, NULL);

		json_array_append_new(list, json_pack("{s:s, s:b, s:s*}", "name", name, "ready",
						      health == E_OK, "code",
						      health == E_OK ? NULL : err_name(health)));
	}
	return list;
}

static enum err_code
cas_json(const struct app *app, json_t **out, struct err *e)
{
	struct ca_info *rows = NULL;
	size_t count = 0, ready = 0, i;
	enum err_code rc;

	if ((rc = ca_list(app->ca, &rows, &count, e)) != E_OK)
		return rc;
	for (i = 0; i < count; i++)
		ready += rows[i].key_ready ? 1 : 0;
	free(rows);
	*out = json_pack("{s:I, s:I}", "total", (json_int_t)count, "ready", (json_int_t)ready);
	return E_OK;
}

enum err_code
admin_get_status(struct request *rq)
{
	const struct app *app = rq->app;
	struct db_figures f = {0};
	struct cert_counts c = {0};
	struct pool_counts p = {0};
	json_t *cas = NULL;
	enum err_code rc;

	if ((rc = db_figures(app->db, &f, &rq->err)) != E_OK ||
	    (rc = cert_store_counts(app->db, &c, &rq->err)) != E_OK ||
	    (rc = pool_store_counts(app->db, &p, &rq->err)) != E_OK ||
	    (rc = cas_json(app, &cas, &rq->err)) != E_OK)
		return rc;
	return reply_json(
		rq, 200,
		json_pack("{s:s, s:s, s:o, s:I, s:{s:I, s:I, s:I, s:i}, s:{s:I, s:I, s:I, s:I}, "
			  "s:{s:I, s:I, s:I, s:I}, s:o, s:o}",
			  "version", V2GPKI_VERSION, "publicUrl", app->public_url, "started",
			  admin_time(app->started), "uptime",
			  (json_int_t)(clock_now() - app->started), "store", "commits",
			  (json_int_t)f.commits, "writes", (json_int_t)f.writes, "queue",
			  (json_int_t)f.queue_now, "synchronous", f.synchronous, "certificates",
			  "intents", (json_int_t)c.intents, "issued", (json_int_t)c.issued,
			  "orphans", (json_int_t)c.orphans, "revoked", (json_int_t)c.revoked,
			  "pools", "roots", (json_int_t)p.roots, "vehicles", (json_int_t)p.vehicles,
			  "contracts", (json_int_t)p.contracts, "outbox", (json_int_t)p.outbox,
			  "cas", cas, "tokens", tokens_json(app)));
}

static json_t *
audit_json(const struct audit_row *r)
{
	return json_pack("{s:I, s:o, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:o, s:o}", "seq",
			 (json_int_t)r->seq, "at", admin_time(r->at), "actor", r->actor, "action",
			 r->action, "object", r->object, "requestId", r->request_id, "subject",
			 r->subject, "detail", r->detail, "hash",
			 admin_hex((struct span){r->hash, SHA256_LEN}), "previous",
			 admin_hex((struct span){r->prev, SHA256_LEN}));
}

/* Subjects are pseudonyms: the store keeps no other (design §5). */
enum err_code
admin_get_audit(struct request *rq)
{
	struct audit_row *rows;
	struct admin_page page;
	json_t *list = NULL, *next = NULL;
	size_t count = 0, i;
	enum err_code rc;

	if ((rc = admin_page(rq, true, &page, &rq->err)) != E_OK)
		return rc;
	rows = calloc(page.limit, sizeof(*rows));
	if (rows == NULL)
		return err_set(&rq->err, E_NO_MEMORY, "no memory for a page");
	rc = audit_list(rq->app->db, page.after_number, rows, page.limit, &count, &rq->err);
	if (rc == E_OK) {
		list = json_array();
		for (i = 0; i < count; i++)
			json_array_append_new(list, audit_json(&rows[i]));
		if (count == page.limit)
			next = json_integer(rows[count - 1].seq);
	}
	for (i = 0; i < count; i++)
		audit_row_free(&rows[i]);
	free(rows);
	return rc != E_OK ? rc : admin_reply_list(rq, "audit", list, next);
}
