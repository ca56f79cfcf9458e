/* SPDX-License-Identifier: Apache-2.0 */
/* OPCP 1.0.0 RCP (spec/protocols 2.1). */
#include "api/rcp.h"

#include "api/opcp.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/str.h"
#include "policy/cert.h"

#include <stdlib.h>
#include <strings.h>

static const struct {
	const char *name;
	enum root_type type;
} type_rows[] = {
	{"V2G", ROOT_V2G},
	{"MO", ROOT_MO},
	{"OEM", ROOT_OEM},
	{"PE", ROOT_PE},
};
#define ROOT_ALL (ROOT_V2G | ROOT_MO | ROOT_OEM | ROOT_PE)

/* D10: in any case. */
static enum err_code
type_from_name(struct request *rq, const char *name, unsigned *out)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(type_rows); i++)
		if (strcasecmp(name, type_rows[i].name) == 0) {
			*out = type_rows[i].type;
			return E_OK;
		}
	return err_set(&rq->err, E_BAD_VALUE, "rootType: expected MO, V2G, OEM or PE");
}

/* OPCP shows one type; of several the one asked for. */
static const char *
type_name(unsigned types, unsigned asked)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(type_rows); i++)
		if ((types & asked & type_rows[i].type) != 0)
			return type_rows[i].name;
	return type_rows[0].name;
}

static void
put_name(json_t *o, const char *member, struct span name)
{
	struct buf text = {0};

	if (name_to_text(name, true, &text, NULL) == E_OK)
		opcp_put_buf(o, member, &text);
	buf_free(&text);
}

static void
put_hex(json_t *o, const char *member, struct span s)
{
	struct buf text = {0};

	buf_put_hex(&text, s);
	opcp_put_buf(o, member, &text);
	buf_free(&text);
}

static void
put_attr(json_t *o, const char *member, struct span name, struct span oid)
{
	struct span value = name_attr(name, oid);

	opcp_put_buf(o, member, &(struct buf){.p = (uint8_t *)(uintptr_t)value.p, .n = value.n});
}

/* What is read from the certificate; all of it is informative. */
static void
put_details(json_t *o, struct span der)
{
	uint8_t sha1_of[20];
	struct cert c;

	if (cert_parse(der, &c, NULL) != E_OK)
		return;
	put_name(o, "distinguishedName", c.subject);
	put_attr(o, "commonName", c.subject, OID_CN);
	put_attr(o, "organizationName", c.subject, OID_O);
	opcp_put_bytes(o, "rootAuthorityKeyIdentifier", c.ski);
	put_hex(o, "rootAuthorityKeyIdentifierHex", c.ski);
	put_hex(o, "rootIssuerSerialNumber", c.serial);
	opcp_put_time(o, "validFrom", c.not_before);
	opcp_put_time(o, "validTo", c.not_after);
	if (sha1(der, sha1_of, NULL) == E_OK)
		put_hex(o, "fingerprintSha1", (struct span){sha1_of, sizeof(sha1_of)});
	if (c.algo != NULL)
		opcp_put_text(o, "signatureAlgorithm", c.algo->name);
}

static json_t *
root_json(const struct root_row *r, unsigned asked)
{
	json_t *o = json_object();

	opcp_put_text(o, "rootCertificateId", r->id);
	opcp_put_text(o, "rootType", type_name(r->types, asked));
	opcp_put_bytes(o, "caCertificate", buf_span(&r->der));
	put_hex(o, "fingerprint", (struct span){r->fingerprint, sizeof(r->fingerprint)});
	put_details(o, buf_span(&r->der));
	return o;
}

static enum err_code
get_roots(struct request *rq)
{
	const char *filter = request_query(rq, "rootType");
	struct root_row *rows = NULL;
	json_t *list;
	size_t n = 0, i;
	unsigned types = ROOT_ALL;
	enum err_code rc;

	if (filter != NULL && (rc = type_from_name(rq, filter, &types)) != E_OK)
		return rc;
	if ((rc = pool_root_list(rq->app->pool, types, &rows, &n, &rq->err)) != E_OK)
		return rc;
	list = json_array();
	for (i = 0; i < n; i++) {
		if (json_array_append_new(list, root_json(&rows[i], types)) != 0)
			rc = err_set(&rq->err, E_NO_MEMORY, "no memory for the answer");
		root_row_free(&rows[i]);
	}
	free(rows);
	if (rc != E_OK) {
		json_decref(list);
		return rc;
	}
	return reply_json(
		rq, 200,
		json_pack("{s:{s:o}}", "RootCertificateCollection", "rootCertificates", list));
}

static enum err_code
get_root(struct request *rq)
{
	struct root_row row = {0};
	enum err_code rc = pool_root_get(rq->app->pool, rq->args[0], &row, &rq->err);

	if (rc == E_OK)
		rc = reply_json(rq, 200,
				json_pack("{s:o}", "RootResponse", root_json(&row, ROOT_ALL)));
	root_row_free(&row);
	return rc;
}

static enum err_code
put_root(struct request *rq)
{
	struct root_row row = {0};
	struct buf der = {0};
	const char *type = NULL;
	json_t *body = NULL;
	unsigned types = 0;
	enum err_code rc;

	if ((rc = opcp_body(rq, &body)) == E_OK &&
	    (rc = json_need_base64(body, "caCertificate", OPCP_ROOT_CERT_MAX, &der, &rq->err)) ==
		    E_OK &&
	    (rc = json_need_string(body, "rootType", &type, &rq->err)) == E_OK &&
	    (rc = type_from_name(rq, type, &types)) == E_OK &&
	    (rc = pool_root_put(rq->app->pool, rq->who.id, buf_span(&der), types, &row,
				&rq->err)) == E_OK)
		rc = reply_empty(rq, 200);
	root_row_free(&row);
	buf_free(&der);
	json_decref(body);
	return rc;
}

static enum err_code
delete_root(struct request *rq)
{
	enum err_code rc = pool_root_delete(rq->app->pool, rq->who.id, rq->args[0], &rq->err);

	return rc == E_OK ? reply_empty(rq, 200) : rc;
}

/* clang-format off */
const struct route routes_rcp[] = {
	/* listeners, method, path, handler, who, call, subject, speed, writes, body_max */
	{LISTEN_PARTICIPANT, "GET", "/v1/root/rootCerts", get_roots, WHO_CALLER,
	 CALL_ROOT_READ, SUBJECT_NONE, FAST, false, 0},
	{LISTEN_PARTICIPANT, "GET", "/v1/root/rootCerts/{rootCertificateId}", get_root, WHO_CALLER,
	 CALL_ROOT_READ, SUBJECT_NONE, FAST, false, 0},
	{LISTEN_PARTICIPANT, "PUT", "/v1/root/rootCerts", put_root, WHO_CALLER,
	 CALL_ROOT_WRITE, SUBJECT_NONE, SLOW, true, OPCP_BODY_MAX},
	{LISTEN_PARTICIPANT, "DELETE", "/v1/root/rootCerts/{rootCertificateId}", delete_root, WHO_CALLER,
	 CALL_ROOT_WRITE, SUBJECT_NONE, SLOW, true, 0},
	{0},
};
/* clang-format on */
