/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "api/admin_json.h"
#include "base/digest.h"
#include "base/str.h"

/* RFC 5280 5.3.1; removeFromCRL and certificateHold are none of ours (a revocation is final). */
static const struct {
	const char *name;
	unsigned code;
} reasons[] = {
	{"unspecified", 0},        {"keyCompromise", 1}, {"cACompromise", 2},
	{"affiliationChanged", 3}, {"superseded", 4},    {"cessationOfOperation", 5},
	{"privilegeWithdrawn", 9}, {"aACompromise", 10},
};

static const char *
reason_name(unsigned code)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].code == code)
			return reasons[i].name;
	return "unspecified";
}

static enum err_code
reason_code(const char *name, unsigned *code, struct err *e)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(reasons); i++) {
		if (strcmp(reasons[i].name, name) == 0) {
			*code = reasons[i].code;
			return E_OK;
		}
	}
	return err_set(e, E_BAD_VALUE,
		       "reason %s: expected one of RFC 5280 5.3.1 (keyCompromise, superseded, "
		       "cessationOfOperation, …), not certificateHold",
		       name);
}

static const char *
state_name(const struct cert_row *r)
{
	if (r->status == CERT_REVOKED)
		return "revoked";
	if (r->state == CERT_ISSUED)
		return "issued";
	return r->state == CERT_INTENT ? "intent" : "orphan";
}

static json_t *
cert_json(const struct cert_row *r)
{
	json_t *o = json_pack(
		"{s:I, s:s, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:s, s:b, s:s}", "id",
		(json_int_t)r->id, "ca", r->ca, "serial",
		admin_hex((struct span){r->serial, r->serial_len}), "fingerprint",
		r->der.n == 0 ? json_null() : admin_hex((struct span){r->fingerprint, SHA256_LEN}),
		"profile", r->profile, "subject", r->subject_cn, "participant", r->participant,
		"notBefore", admin_time(r->not_before), "notAfter", admin_time(r->not_after),
		"state", state_name(r), "claimed", r->claimed, "requestId", r->request_id);

	if (o != NULL && r->status == CERT_REVOKED) {
		json_object_set_new(o, "revokedAt", admin_time(r->revoked_at));
		json_object_set_new(o, "reason", json_string(reason_name(r->reason)));
	}
	return o;
}

enum err_code
admin_get_certs(struct request *rq)
{
	struct cert_row *rows;
	struct admin_page page;
	json_t *list = NULL, *next = NULL;
	size_t count = 0, i;
	enum err_code rc;

	if ((rc = admin_page(rq, true, &page, &rq->err)) != E_OK)
		return rc;
	rows = calloc(page.limit, sizeof(*rows));
	if (rows == NULL)
		return err_set(&rq->err, E_NO_MEMORY, "no memory for a page");
	rc = cert_store_list(rq->app->db, request_query(rq, "ca"), request_query(rq, "participant"),
			     page.after_number, rows, page.limit, &count, &rq->err);
	if (rc == E_OK) {
		list = json_array();
		for (i = 0; i < count; i++)
			json_array_append_new(list, cert_json(&rows[i]));
		if (count == page.limit)
			next = json_integer(rows[count - 1].id);
	}
	for (i = 0; i < count; i++)
		cert_row_free(&rows[i]);
	free(rows);
	return rc != E_OK ? rc : admin_reply_list(rq, "certs", list, next);
}

/* {cert} is the SHA-256 of the certificate, or CA:SERIAL in hex, which also names intents. */
static enum err_code
find_cert(struct request *rq, struct cert_row *out)
{
	const char *text = rq->args[0], *colon = strchr(text, ':');
	struct buf bytes = {0};
	char ca[CA_NAME_MAX];
	enum err_code rc;

	rc = hex_decode(span_str(colon == NULL ? text : colon + 1), &bytes, &rq->err);
	if (rc == E_OK && colon == NULL && bytes.n == SHA256_LEN)
		rc = cert_store_by_fingerprint(rq->app->db, bytes.p, out, &rq->err);
	else if (rc == E_OK && colon != NULL && bytes.n > 0 &&
		 str_copy_span(ca, sizeof(ca),
			       (struct span){(const uint8_t *)text, (size_t)(colon - text)}))
		rc = cert_store_by_serial(rq->app->db, ca, buf_span(&bytes), out, &rq->err);
	else if (rc == E_OK)
		rc = err_set(&rq->err, E_BAD_VALUE,
			     "%.80s: expected 64 hex characters of a fingerprint, or CA:SERIAL",
			     text);
	buf_free(&bytes);
	return rc;
}

enum err_code
admin_get_cert(struct request *rq)
{
	struct cert_row row = {0};
	json_t *o = NULL;
	enum err_code rc;

	if ((rc = find_cert(rq, &row)) == E_OK) {
		o = cert_json(&row);
		if (row.der.n > 0)
			json_object_set_new(o, "certificate", json_base64(buf_span(&row.der)));
	}
	cert_row_free(&row);
	return rc != E_OK ? rc : reply_json(rq, 200, o);
}

enum err_code
admin_post_revoke(struct request *rq)
{
	struct cert_row row = {0}, after = {0};
	const char *reason = "unspecified";
	json_t *body = NULL;
	unsigned code = 0;
	enum err_code rc;

	if ((rc = admin_body(rq, &body)) == E_OK &&
	    (rc = json_opt_string(body, "reason", &reason, &rq->err)) == E_OK &&
	    (rc = reason_code(reason, &code, &rq->err)) == E_OK &&
	    (rc = find_cert(rq, &row)) == E_OK &&
	    (rc = ca_revoke_serial(rq->app->ca, row.ca, (struct span){row.serial, row.serial_len},
				   code, rq->who.id, &rq->err)) == E_OK)
		rc = find_cert(rq, &after);
	if (rc == E_OK)
		rc = reply_json(rq, 200, cert_json(&after));
	json_decref(body);
	cert_row_free(&row);
	cert_row_free(&after);
	return rc;
}
