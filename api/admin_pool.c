/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "api/admin_json.h"
#include "base/digest.h"
#include "base/str.h"
#include "db/pool_store.h"
#include "policy/cert.h"

/* --- roots --- */

static const struct {
	const char *name;
	unsigned bit;
} root_types[] = {{"V2G", ROOT_V2G}, {"MO", ROOT_MO}, {"OEM", ROOT_OEM}, {"PE", ROOT_PE}};

#define ROOT_ANY (ROOT_V2G | ROOT_MO | ROOT_OEM | ROOT_PE)

static enum err_code
root_type(const char *name, unsigned *bits, struct err *e)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(root_types); i++) {
		if (strcmp(root_types[i].name, name) == 0) {
			*bits |= root_types[i].bit;
			return E_OK;
		}
	}
	return err_set(e, E_BAD_VALUE, "type %.32s: expected V2G, MO, OEM or PE", name);
}

static json_t *
root_json(const struct root_row *r, bool whole)
{
	json_t *types = json_array(), *o;
	struct buf dn = {0};
	struct cert c;
	size_t i;

	for (i = 0; i < ARRAY_LEN(root_types); i++)
		if ((r->types & root_types[i].bit) != 0)
			json_array_append_new(types, json_string(root_types[i].name));
	if (cert_parse(buf_span(&r->der), &c, NULL) != E_OK ||
	    name_to_text(c.subject, true, &dn, NULL) != E_OK)
		buf_clear(&dn);
	o = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "id", r->id, "types", types, "subject",
		      admin_text(buf_span(&dn)), "fingerprint",
		      admin_hex((struct span){r->fingerprint, SHA256_LEN}), "notBefore",
		      admin_time(r->not_before), "notAfter", admin_time(r->not_after), "created",
		      admin_time(r->created));
	if (o != NULL && whole)
		json_object_set_new(o, "certificate", json_base64(buf_span(&r->der)));
	buf_free(&dn);
	return o;
}

/* Roots are few: one page has them all. */
enum err_code
admin_get_roots(struct request *rq)
{
	const char *type = request_query(rq, "type");
	struct root_row *rows = NULL;
	unsigned types = 0;
	json_t *list;
	size_t count = 0, i;
	enum err_code rc;

	if (type != NULL && (rc = root_type(type, &types, &rq->err)) != E_OK)
		return rc;
	if ((rc = pool_root_list(rq->app->pool, type != NULL ? types : ROOT_ANY, &rows, &count,
				 &rq->err)) != E_OK)
		return rc;
	list = json_array();
	for (i = 0; i < count; i++) {
		json_array_append_new(list, root_json(&rows[i], false));
		root_row_free(&rows[i]);
	}
	free(rows);
	return admin_reply_list(rq, "roots", list, NULL);
}

enum err_code
admin_get_root(struct request *rq)
{
	struct root_row row = {0};
	enum err_code rc;

	if ((rc = pool_root_get(rq->app->pool, rq->args[0], &row, &rq->err)) == E_OK)
		rc = reply_json(rq, 200, root_json(&row, true));
	root_row_free(&row);
	return rc;
}

static enum err_code
types_of(const json_t *body, unsigned *types, struct err *e)
{
	json_t *names = NULL;
	enum err_code rc;
	size_t i;

	if ((rc = json_opt_array(body, "types", ARRAY_LEN(root_types), &names, e)) != E_OK)
		return rc;
	for (i = 0; i < json_array_size(names); i++)
		if ((rc = root_type(json_string_value(json_array_get(names, i)), types, e)) != E_OK)
			return rc;
	return *types != 0 ? E_OK : err_set(e, E_JSON_MEMBER, "types: expected at least one");
}

enum err_code
admin_post_root(struct request *rq)
{
	struct root_row row = {0};
	struct buf der = {0};
	json_t *body = NULL;
	unsigned types = 0;
	enum err_code rc;

	if ((rc = admin_body(rq, &body)) == E_OK &&
	    (rc = types_of(body, &types, &rq->err)) == E_OK &&
	    (rc = json_need_base64(body, "certificate", ADMIN_CERT_MAX, &der, &rq->err)) == E_OK &&
	    (rc = pool_root_put(rq->app->pool, rq->who.id, buf_span(&der), types, &row,
				&rq->err)) == E_OK)
		rc = reply_json(rq, 200, root_json(&row, true));
	json_decref(body);
	buf_free(&der);
	root_row_free(&row);
	return rc;
}

enum err_code
admin_delete_root(struct request *rq)
{
	enum err_code rc;

	rc = pool_root_delete(rq->app->pool, rq->who.id, rq->args[0], &rq->err);
	return rc != E_OK ? rc : reply_json(rq, 200, json_object());
}

/* --- vehicles --- */

#define EDITIONS 2 /* rows that one PCID may have; a page keeps them together */

static json_t *
vehicle_json(const struct vehicle_row *r, bool whole)
{
	json_t *o = json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "pcid", r->pcid, "edition",
			      admin_edition(r->edition), "participant", r->participant,
			      "rootFingerprint",
			      admin_hex((struct span){r->root_fingerprint, SHA256_LEN}), "notAfter",
			      admin_time(r->not_after), "created", admin_time(r->created),
			      "changed", admin_time(r->changed));

	if (o == NULL || !whole)
		return o;
	json_object_set_new(o, "vehicleCertificate", json_base64(buf_span(&r->leaf)));
	json_object_set_new(o, "subCA1Certificate", json_base64(buf_span(&r->sub1)));
	if (r->sub2.n > 0)
		json_object_set_new(o, "subCA2Certificate", json_base64(buf_span(&r->sub2)));
	if (r->previous_pcid[0] != '\0')
		json_object_set_new(o, "previousPcid", json_string(r->previous_pcid));
	return o;
}

enum err_code
admin_get_vehicles(struct request *rq)
{
	struct vehicle_row *rows;
	struct admin_page page;
	json_t *list = NULL, *next = NULL;
	size_t count = 0, i;
	enum err_code rc;

	if ((rc = admin_page(rq, false, &page, &rq->err)) != E_OK)
		return rc;
	if (page.limit < EDITIONS)
		page.limit = EDITIONS;
	rows = calloc(page.limit, sizeof(*rows));
	if (rows == NULL)
		return err_set(&rq->err, E_NO_MEMORY, "no memory for a page");
	rc = vehicle_store_list(rq->app->db, page.after, rows, page.limit, &count, &rq->err);
	if (rc == E_OK) {
		list = json_array();
		for (i = 0; i < count; i++)
			json_array_append_new(list, vehicle_json(&rows[i], false));
		if (count + EDITIONS > page.limit)
			next = json_string(rows[count - 1].pcid);
	}
	for (i = 0; i < count; i++)
		vehicle_row_free(&rows[i]);
	free(rows);
	return rc != E_OK ? rc : admin_reply_list(rq, "vehicles", list, next);
}

/* From the store and not by way of the pool, which hides expired ones from participants. */
enum err_code
admin_get_vehicle(struct request *rq)
{
	struct vehicle_row row = {0};
	struct pcid pcid;
	enum err_code rc;

	if ((rc = pcid_parse(rq->args[0], &pcid, &rq->err)) != E_OK)
		return rc;
	rc = vehicle_store_get(rq->app->db, pcid.normal, EDITION_2, &row, &rq->err);
	if (rc == E_VEHICLE_UNKNOWN) {
		err_clear(&rq->err);
		rc = vehicle_store_get(rq->app->db, pcid.normal, EDITION_20, &row, &rq->err);
	}
	if (rc == E_OK)
		rc = reply_json(rq, 200, vehicle_json(&row, true));
	vehicle_row_free(&row);
	return rc;
}

/* --- contracts --- */

static json_t *
contract_json(const struct contract_row *r, bool whole)
{
	json_t *o = json_pack("{s:s, s:s, s:o, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:s}", "emaid",
			      r->emaid, "pcid", r->pcid, "edition", admin_edition(r->edition),
			      "participant", r->participant, "default", r->is_default, "ours",
			      r->ours, "notBefore", admin_time(r->not_before), "notAfter",
			      admin_time(r->not_after), "created", admin_time(r->created),
			      "changed", admin_time(r->changed), "requestId", r->request_id);

	if (o != NULL && whole)
		json_object_set_new(o, "certificate", json_base64(buf_span(&r->cert)));
	return o;
}

static json_t *
contracts_json(struct contract_row *rows, size_t count, bool whole)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(list, contract_json(&rows[i], whole));
	return list;
}

static void
contracts_free(struct contract_row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		contract_row_free(&rows[i]);
	free(rows);
}

enum err_code
admin_get_contracts(struct request *rq)
{
	struct contract_row *rows = NULL;
	struct admin_page page;
	json_t *next = NULL;
	size_t count = 0;
	enum err_code rc;

	if ((rc = admin_page(rq, true, &page, &rq->err)) != E_OK ||
	    (rc = contract_store_list(rq->app->db, page.after_number, &rows, page.limit, &count,
				      &rq->err)) != E_OK)
		return rc;
	if (count == page.limit)
		next = json_integer(rows[count - 1].id);
	rc = admin_reply_list(rq, "contracts", contracts_json(rows, count, false), next);
	contracts_free(rows, count);
	return rc;
}

/* One entry per edition. */
enum err_code
admin_get_contract(struct request *rq)
{
	struct contract_row *rows = NULL;
	struct emaid emaid;
	size_t count = 0;
	enum err_code rc;

	if ((rc = emaid_parse(rq->args[0], CHECK_OFF, &emaid, &rq->err)) != E_OK ||
	    (rc = contract_store_by_emaid(rq->app->db, emaid.key, EDITION_NONE, &rows, &count,
					  &rq->err)) != E_OK)
		return rc;
	if (count == 0)
		rc = err_set(&rq->err, E_CONTRACT_UNKNOWN, "no contract of this EMAID");
	else
		rc = admin_reply_list(rq, "contracts", contracts_json(rows, count, true), NULL);
	contracts_free(rows, count);
	return rc;
}

enum err_code
admin_delete_contract(struct request *rq)
{
	enum err_code rc;

	rc = pool_contract_delete(rq->app->pool, rq->id, rq->who.id, rq->args[0], false, &rq->err);
	return rc != E_OK ? rc : reply_json(rq, 200, json_object());
}
