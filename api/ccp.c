/* SPDX-License-Identifier: Apache-2.0 */
/* OPCP 1.0.0 CCP (spec/protocols 2.4). */
#include "api/ccp.h"

#include "api/opcp.h"
#include "base/json.h"

#include <ctype.h>

#define REQ_EXI_MAX 16384 /* bytes of a CertificateInstallationReq */

/* --- POST signedContractData: Req in, Res out --- */

static enum err_code
read_install(struct request *rq, const json_t *body, struct buf *exi, struct install_query *q)
{
	enum err_code rc;

	if ((rc = json_need_string(body, "xsdMsgDefNamespace", &q->xmlns, &rq->err)) != E_OK ||
	    (rc = json_need_base64(body, "certificateInstallationReq", REQ_EXI_MAX, exi,
				   &rq->err)) != E_OK)
		return rc;
	q->exi = buf_span(exi);
	return E_OK;
}

/* One item, the default contract; a negative answer has nothing but its EXI. */
static json_t *
install_json(const struct install_answer *a)
{
	json_t *def = json_object();

	opcp_put_bytes(def, "certificateInstallationRes", buf_span(&a->exi));
	if (a->positive) {
		opcp_put_text(def, "emaid", a->emaid);
		opcp_put_buf(def, "metaData", &a->metadata);
		opcp_put_text(def, "cpsV2GRootCertificateFingerprint", a->cps_root);
	}
	return json_pack("{s:{s:[{s:o}]}}", "CCPResponse", "emaidContent", "messageDef", def);
}

static enum err_code
post_install(struct request *rq)
{
	struct install_query q = {.request_id = rq->id, .actor = rq->who.id};
	struct install_answer a = {0};
	struct buf exi = {0};
	json_t *body = NULL;
	bool always = true, broadcast = false;
	enum err_code rc;

	if ((rc = opcp_flag(rq, "alwaysReturnEXI", true, &always)) == E_OK &&
	    (rc = opcp_flag(rq, "broadcast", false, &broadcast)) == E_OK && /* D1: no peers yet */
	    (rc = opcp_body(rq, &body)) == E_OK &&
	    (rc = read_install(rq, body, &exi, &q)) == E_OK &&
	    (rc = pool_install(rq->app->pool, &q, &a, &rq->err)) == E_OK) {
		if (a.positive)
			rc = reply_json(rq, 200, install_json(&a));
		else if (always)
			rc = reply_json(rq, 404, install_json(&a));
		else
			rc = err_set(&rq->err, E_INSTALL_REFUSED, "%s", a.response_code);
	}
	install_answer_free(&a);
	buf_free(&exi);
	json_decref(body);
	return rc;
}

/* --- contracts --- */

/* OPCP has the header for tests; a production system refuses it. */
static enum err_code
may_skip_revocation(struct request *rq, bool *skip)
{
	const struct conf *conf = rq->app->conf;
	enum err_code rc = opcp_flag(rq, "X-Skip-Revocation", false, skip);

	if (rc == E_OK && *skip && (conf == NULL || !conf_bool(conf, "pool.allow_skip_revocation")))
		return err_set(&rq->err, E_BAD_VALUE,
			       "X-Skip-Revocation: only test systems honour it; nothing was deleted");
	return rc;
}

static enum err_code
delete_contract(struct request *rq)
{
	bool skip = false;
	enum err_code rc;

	if ((rc = may_skip_revocation(rq, &skip)) == E_OK &&
	    (rc = pool_contract_delete(rq->app->pool, rq->id, rq->who.id, rq->args[0], skip,
				       &rq->err)) == E_OK)
		rc = reply_empty(rq, 200);
	return rc;
}

static json_t *
contract_json(const struct contract_view *v)
{
	json_t *o = json_object();

	opcp_put_text(o, "pcid", v->row.pcid);
	opcp_put_text(o, "emaid", v->row.emaid);
	opcp_put_text(o, "xsdMsgDefNamespace", NAMESPACE_2);
	opcp_put_bytes(o, "contractCertificate", buf_span(&v->row.cert));
	if (o != NULL &&
	    json_object_set_new(o, "defaultContract", json_boolean(v->row.is_default)) != 0) {
		json_decref(o);
		return NULL;
	}
	opcp_put_time(o, "certValidFrom", v->row.not_before);
	opcp_put_time(o, "certValidTo", v->row.not_after);
	opcp_put_text(o, "cpsRootCertificateDN", v->cps_root_dn);
	opcp_put_text(o, "cpsV2GRootCertificateFingerprint", v->cps_root);
	return o;
}

static enum err_code
reply_contracts(struct request *rq, const struct contract_view *views, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		if (json_array_append_new(list, contract_json(&views[i])) != 0) {
			json_decref(list);
			return err_set(&rq->err, E_NO_MEMORY, "no memory for the answer");
		}
	return reply_json(rq, 200, json_pack("{s:o}", "XMLContracts", list));
}

static enum err_code
get_by_pcid(struct request *rq)
{
	struct contract_view *views = NULL;
	size_t n = 0;
	enum err_code rc = pool_contracts_by_pcid(rq->app->pool, rq->args[0],
						  request_query(rq, "xsdMsgDefNamespace"), &views,
						  &n, &rq->err);

	if (rc == E_OK)
		rc = reply_contracts(rq, views, n);
	contract_views_free(views, n);
	return rc;
}

static enum err_code
get_by_emaid(struct request *rq)
{
	struct contract_view *views = NULL;
	size_t n = 0;
	enum err_code rc = pool_contracts_by_emaid(
		rq->app->pool, rq->args[0], request_query(rq, "xsdMsgDefNamespace"),
		request_query(rq, "cpsV2GRootCertificateFingerprint"), &views, &n, &rq->err);

	if (rc == E_OK)
		rc = reply_contracts(rq, views, n);
	contract_views_free(views, n);
	return rc;
}

/* --- provideSignedContractData: a ready Res for an OEM's backend --- */

static enum err_code
get_bundle(struct request *rq)
{
	const struct bundle_query q = {
		.request_id = rq->id,
		.emaid = rq->args[0],
		.pcid = rq->args[1],
		.session_id = request_query(rq, "sessionID"),
		.xmlns = request_query(rq, "xsdMsgDefNamespace"),
		.cps_root = request_query(rq, "cpsV2GRootCertificateFingerprint"),
	};
	struct install_answer a = {0};
	json_t *o;
	enum err_code rc;

	if ((rc = pool_bundle_fetch(rq->app->pool, &q, &a, &rq->err)) == E_OK) {
		o = json_object();
		opcp_put_bytes(o, "certificateInstallationRes", buf_span(&a.exi));
		opcp_put_text(o, "xsdMsgDefNamespace", NAMESPACE_2);
		opcp_put_text(o, "cpsV2GRootCertificateFingerprint", a.cps_root);
		rc = reply_json(rq, 200, o);
	}
	install_answer_free(&a);
	return rc;
}

/* clang-format off */
const struct route routes_ccp[] = {
	/* listeners, method, path, handler, who, call, subject, speed, writes, body_max */
	{LISTEN_PARTICIPANT, "POST", "/v1/ccp/signedContractData", post_install, WHO_CALLER,
	 CALL_INSTALL, SUBJECT_NONE, SLOW, true, OPCP_BODY_MAX},
	{LISTEN_PARTICIPANT, "DELETE", "/v1/ccp/signedContractData/{emaid}", delete_contract, WHO_CALLER,
	 CALL_CONTRACT_DELETE, SUBJECT_ARG0, SLOW, true, 0},
	{LISTEN_PARTICIPANT, "GET", "/v1/ccp/signedContractData/{pcid}", get_by_pcid, WHO_CALLER,
	 CALL_CONTRACT_LIST, SUBJECT_ARG0, FAST, false, 0},
	{LISTEN_PARTICIPANT, "GET", "/v1/ccp/lookupContract/{emaid}", get_by_emaid, WHO_CALLER,
	 CALL_CONTRACT_LOOKUP, SUBJECT_ARG0, FAST, false, 0},
	{LISTEN_PARTICIPANT, "GET", "/v1/ccp/provideSignedContractData/{emaid}/{pcid}", get_bundle, WHO_CALLER,
	 CALL_BUNDLE_FETCH, SUBJECT_ARG1, SLOW, true, 0},
	{0},
};
/* clang-format on */
