/* SPDX-License-Identifier: Apache-2.0 */
/* OPCP 1.0.0 CPS (spec/protocols 2.3). */
#include "api/cps.h"

#include "api/opcp.h"
#include "base/json.h"

#include <string.h>
#include <strings.h>

static enum err_code
check_url(struct request *rq, const char *url)
{
	if (url == NULL || strncasecmp(url, "https://", 8) == 0 ||
	    strncasecmp(url, "http://", 7) == 0)
		return E_OK;
	return err_set(&rq->err, E_BAD_VALUE, "subscriptionUrl: expected an http or https URL");
}

static enum err_code
read_order(struct request *rq, const json_t *body, struct contract_order *o)
{
	struct err *e = &rq->err;
	enum err_code rc;

	if ((rc = json_need_string(body, "emaid", &o->emaid, e)) != E_OK ||
	    (rc = json_need_string(body, "pcid", &o->pcid, e)) != E_OK ||
	    (rc = json_need_string(body, "xsdMsgDefNamespace", &o->xmlns, e)) != E_OK ||
	    (rc = opcp_time(rq, body, "contractBegins", &o->begins)) != E_OK ||
	    (rc = opcp_time(rq, body, "contractEnds", &o->ends)) != E_OK ||
	    (rc = json_opt_string(body, "cpsV2GRootCertificateFingerprint", &o->cps_root, e)) !=
		    E_OK ||
	    (rc = opcp_text(rq, body, "subscriptionUrl", &o->subscription_url)) != E_OK ||
	    (rc = opcp_text(rq, body, "metaData", &o->metadata)) != E_OK)
		return rc;
	return check_url(rq, o->subscription_url);
}

/* The order of checks: what the EMAID is, whether it is the caller's, then the rest. */
static enum err_code
check_emaid(struct request *rq, const json_t *body)
{
	const char *text = NULL;
	struct emaid emaid;
	enum err_code rc;

	if ((rc = json_need_string(body, "emaid", &text, &rq->err)) != E_OK ||
	    (rc = emaid_parse(text, CHECK_OFF, &emaid, &rq->err)) != E_OK)
		return rc;
	return request_scope(rq, emaid.normal);
}

static enum err_code
put_generate(struct request *rq)
{
	struct contract_order o = {.request_id = rq->id, .actor = rq->who.id};
	json_t *body = NULL;
	enum err_code rc;

	if ((rc = opcp_body(rq, &body)) == E_OK && (rc = check_emaid(rq, body)) == E_OK &&
	    (rc = read_order(rq, body, &o)) == E_OK &&
	    (rc = pool_contract_generate(rq->app->pool, &o, &rq->err)) == E_OK)
		rc = reply_empty(rq, 201);
	json_decref(body);
	return rc;
}

static json_t *
signer_json(const struct signer_view *v)
{
	json_t *o = json_object();

	opcp_put_text(o, "cpsDistinguishedName", v->cps_dn);
	opcp_put_bytes(o, "cpsCertificate", buf_span(&v->chain.leaf));
	opcp_put_time(o, "validFrom", v->not_before);
	opcp_put_time(o, "validTo", v->not_after);
	opcp_put_text(o, "organizationName", v->organisation);
	opcp_put_text(o, "cpsV2GRootCertificateFingerprint", v->chain.root_fingerprint);
	opcp_put_text(o, "cpsRootDistinguishedName", v->root_dn);
	opcp_put_bytes(o, "cpsSubCa1Certificate", buf_span(&v->chain.sub1));
	opcp_put_bytes(o, "cpsSubCa2Certificate", buf_span(&v->chain.sub2));
	opcp_put_text(o, "xsdMsgDefNamespace", NAMESPACE_2);
	return o;
}

static enum err_code
get_signers(struct request *rq)
{
	struct signer_view *views = NULL;
	json_t *list;
	size_t n = 0, i;
	enum err_code rc = pool_signers(rq->app->pool, &views, &n, &rq->err);

	if (rc != E_OK)
		return rc;
	list = json_array();
	for (i = 0; i < n && rc == E_OK; i++)
		if (json_array_append_new(list, signer_json(&views[i])) != 0)
			rc = err_set(&rq->err, E_NO_MEMORY, "no memory for the answer");
	signer_views_free(views, n);
	if (rc != E_OK) {
		json_decref(list);
		return rc;
	}
	return reply_json(rq, 200, json_pack("{s:o}", "cpsCertificates", list));
}

/* clang-format off */
const struct route routes_cps[] = {
	/* listeners, method, path, handler, who, call, subject, speed, writes, body_max */
	{LISTEN_PARTICIPANT, "PUT", "/v1/cps/generate/signedContractData", put_generate, WHO_CALLER,
	 CALL_CONTRACT_GENERATE, SUBJECT_BODY, SLOW, true, OPCP_BODY_MAX},
	{LISTEN_PARTICIPANT, "GET", "/v1/cps/signer", get_signers, WHO_CALLER,
	 CALL_SIGNER_READ, SUBJECT_NONE, FAST, false, 0},
	{LISTEN_PARTICIPANT, "GET", "/cps/signer", get_signers, WHO_CALLER, /* D17 */
	 CALL_SIGNER_READ, SUBJECT_NONE, FAST, false, 0},
	{0},
};
/* clang-format on */
