/* SPDX-License-Identifier: Apache-2.0 */
/* OPCP 1.0.0 PCP (spec/protocols 2.2). */
#include "api/pcp.h"

#include "api/opcp.h"
#include "base/json.h"
#include "base/str.h"
#include "policy/cert.h"

#include <string.h>

#define AKIS_MAX    16 /* v2gRootAuthorityKeyIdentifiers */
#define AKI_HEX_MAX 96 /* characters of one */

/* The body of a PUT. */
struct put_body {
	json_t *json;
	struct buf leaf, sub2, sub1, akis;
	const char *xmlns, *previous;
};

static void
put_body_free(struct put_body *b)
{
	buf_free(&b->akis);
	buf_free(&b->sub1);
	buf_free(&b->sub2);
	buf_free(&b->leaf);
	json_decref(b->json);
}

/* One key identifier: hex with or without colons, in any case; kept as lower colon-hex. */
static enum err_code
append_aki(json_t *to, const char *text, struct err *e)
{
	char plain[AKI_HEX_MAX + 1];
	struct buf bytes = {0}, colons = {0};
	size_t n = 0, i;
	enum err_code rc;

	for (; *text != '\0' && n < AKI_HEX_MAX; text++)
		if (*text != ':')
			plain[n++] = *text;
	plain[n] = '\0';
	rc = *text != '\0' || n == 0 ? E_HEX : hex_decode(span_str(plain), &bytes, NULL);
	for (i = 0; rc == E_OK && i < bytes.n; i++)
		buf_printf(&colons, i == 0 ? "%02x" : ":%02x", (unsigned)bytes.p[i]);
	if (rc != E_OK)
		(void)err_set(e, E_BAD_VALUE, /* returned below */
			      "v2gRootAuthorityKeyIdentifiers: expected key identifiers in hex");
	else if (json_array_append_new(to, json_stringn((char *)colons.p, colons.n)) != 0)
		(void)err_set(e, E_NO_MEMORY, "no memory"); /* returned below */
	buf_free(&colons);
	buf_free(&bytes);
	return e->code;
}

static enum err_code
read_akis(struct put_body *b, struct err *e)
{
	json_t *given = NULL, *list;
	size_t i;
	enum err_code rc;

	rc = json_opt_array(b->json, "v2gRootAuthorityKeyIdentifiers", AKIS_MAX, &given, e);
	if (rc != E_OK || json_array_size(given) == 0)
		return rc;
	list = json_array();
	for (i = 0; i < json_array_size(given) && rc == E_OK; i++)
		rc = append_aki(list, json_string_value(json_array_get(given, i)), e);
	if (rc == E_OK)
		rc = json_dump(list, &b->akis, e);
	json_decref(list);
	if (rc == E_OK && buf_cstr(&b->akis) == NULL)
		rc = err_set(e, E_NO_MEMORY, "no memory");
	return rc;
}

static enum err_code
read_put(struct request *rq, struct put_body *b)
{
	struct err *e = &rq->err;
	enum err_code rc;

	if ((rc = opcp_body(rq, &b->json)) != E_OK ||
	    (rc = json_need_base64(b->json, "vehicleCertificate", OPCP_LEAF_CERT_MAX, &b->leaf,
				   e)) != E_OK ||
	    (rc = json_opt_base64(b->json, "subCA2Certificate", OPCP_LEAF_CERT_MAX, &b->sub2, e)) !=
		    E_OK ||
	    (rc = json_need_base64(b->json, "subCA1Certificate", OPCP_LEAF_CERT_MAX, &b->sub1,
				   e)) != E_OK ||
	    (rc = json_opt_string(b->json, "xsdMsgDefNamespace", &b->xmlns, e)) != E_OK ||
	    (rc = json_opt_string(b->json, "previousPcid", &b->previous, e)) != E_OK)
		return rc;
	return read_akis(b, e);
}

/* spec/protocols 5.1 step 1: the PCID is the leaf's CN, its WMI the caller's. */
static enum err_code
check_scope(struct request *rq, const struct put_body *b)
{
	char cn[65] = "";
	struct pcid pcid;
	struct cert c;
	enum err_code rc;

	if ((rc = cert_parse(buf_span(&b->leaf), &c, &rq->err)) != E_OK) {
		err_context(&rq->err, "vehicleCertificate");
		return rc;
	}
	if (!str_copy_span(cn, sizeof(cn), name_attr(c.subject, OID_CN)))
		cn[0] = '\0';
	if ((rc = pcid_parse(cn, &pcid, &rq->err)) != E_OK) {
		err_context(&rq->err, "vehicleCertificate, CN");
		return rc;
	}
	if ((rc = request_scope(rq, pcid.normal)) != E_OK || b->previous == NULL)
		return rc;
	if ((rc = pcid_parse(b->previous, &pcid, &rq->err)) != E_OK) {
		err_context(&rq->err, "previousPcid");
		return rc;
	}
	return request_scope(rq, pcid.normal);
}

/* xmlns: the caller's spelling, NULL when he named none (D37). */
static json_t *
vehicle_json(const struct vehicle_view *v, const char *xmlns)
{
	json_t *o = json_object();

	if (xmlns == NULL)
		xmlns = v->row.edition == EDITION_20 ? NAMESPACE_20 : NAMESPACE_2;

	opcp_put_bytes(o, "vehicleCertificate", buf_span(&v->row.leaf));
	opcp_put_bytes(o, "subCA1Certificate", buf_span(&v->row.sub1));
	opcp_put_bytes(o, "subCA2Certificate", buf_span(&v->row.sub2));
	opcp_put_text(o, "xsdMsgDefNamespace", xmlns);
	opcp_put_text(o, "rootIssuerDistinguishedName", v->root_dn);
	opcp_put_text(o, "rootIssuerSerialNumber", v->root_serial);
	opcp_put_text(o, "rootAuthorityKeyIdentifier", v->root_aki);
	opcp_put_text(o, "fingerprint", v->fingerprint);
	opcp_put_text(o, "previousPcid", v->row.previous_pcid);
	if (o != NULL && v->row.v2g_akis.n > 0) {
		json_t *akis =
			json_loadb((const char *)v->row.v2g_akis.p, v->row.v2g_akis.n, 0, NULL);

		if (json_object_set_new(o, "v2gRootAuthorityKeyIdentifiers", akis) != 0)
			return o; /* a hint only: the answer is right without it */
	}
	return o;
}

static enum err_code
put_vehicle(struct request *rq)
{
	struct put_body b = {0};
	struct vehicle_view v = {0};
	struct vehicle_put in;
	enum err_code rc;

	if ((rc = read_put(rq, &b)) != E_OK || (rc = check_scope(rq, &b)) != E_OK)
		goto out;
	in = (struct vehicle_put){.actor = rq->who.id,
				  .leaf = buf_span(&b.leaf),
				  .sub2 = buf_span(&b.sub2),
				  .sub1 = buf_span(&b.sub1),
				  .xmlns = b.xmlns,
				  .previous_pcid = b.previous,
				  .v2g_akis = (const char *)b.akis.p};
	rc = pool_vehicle_put(rq->app->pool, &in, &v, &rq->err);
	if (rc == E_OK)
		rc = reply_json(rq, 200, vehicle_json(&v, b.xmlns));
out:
	vehicle_view_free(&v);
	put_body_free(&b);
	return rc;
}

static enum err_code
get_vehicle(struct request *rq)
{
	struct vehicle_view v = {0};
	bool broadcast = false;
	enum err_code rc;

	/* D1: true means answer from local data only, which is all there is without peers */
	if ((rc = opcp_flag(rq, "broadcast", false, &broadcast)) == E_OK &&
	    (rc = pool_vehicle_get(rq->app->pool, rq->args[0], &v, &rq->err)) == E_OK)
		rc = reply_json(rq, 200, json_pack("{s:o}", "OEMMessage", vehicle_json(&v, NULL)));
	vehicle_view_free(&v);
	return rc;
}

static enum err_code
delete_vehicle(struct request *rq)
{
	enum err_code rc = pool_vehicle_delete(rq->app->pool, rq->who.id, rq->args[0], &rq->err);

	return rc == E_OK ? reply_empty(rq, 200) : rc;
}

static enum err_code
lookup_vehicle(struct request *rq)
{
	enum err_code rc = pool_vehicle_lookup(rq->app->pool, rq->args[0], &rq->err);

	return rc == E_OK ? reply_empty(rq, 200) : rc;
}

/* clang-format off */
const struct route routes_pcp[] = {
	/* listeners, method, path, handler, who, call, subject, speed, writes, body_max */
	{LISTEN_PARTICIPANT, "PUT", "/v1/oem/provCerts", put_vehicle, WHO_CALLER,
	 CALL_VEHICLE_WRITE, SUBJECT_BODY, SLOW, true, OPCP_BODY_MAX},
	{LISTEN_PARTICIPANT, "GET", "/v1/oem/provCerts/{pcid}", get_vehicle, WHO_CALLER,
	 CALL_VEHICLE_READ, SUBJECT_ARG0, FAST, false, 0},
	{LISTEN_PARTICIPANT, "DELETE", "/v1/oem/provCerts/{pcid}", delete_vehicle, WHO_CALLER,
	 CALL_VEHICLE_WRITE, SUBJECT_ARG0, SLOW, true, 0},
	{LISTEN_PARTICIPANT, "GET", "/v1/oem/provCerts/lookupVehicle/{pcid}", lookup_vehicle, WHO_CALLER,
	 CALL_VEHICLE_READ, SUBJECT_ARG0, FAST, false, 0},
	{0},
};
/* clang-format on */
