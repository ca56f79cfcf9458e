/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/install.h"

#include <stdio.h>
#include <string.h>

/* The public key in a certificate of a message; what names the certificate. */
static enum err_code
p256_point(struct span der, const char *what, struct span *point, struct err *e)
{
	const struct algo *a = NULL;
	struct err why = {0};

	if (sign_cert_point(der, &a, point, &why) != E_OK)
		return err_set(e, E_MSG_CONTENT, "%s: %s", what, why.text);
	if (a->id != ALGO_P256)
		return err_set(e, E_MSG_CONTENT,
			       "%s has a key on %s: expected secp256r1 (ISO 15118-2 [V2G2-007])",
			       what, a->name);
	return E_OK;
}

static enum err_code
check_certificate(struct span der, const char *what, struct err *e)
{
	if (der.n == 0)
		return err_set(e, E_MSG_CONTENT, "%s is missing", what);
	if (der.n > ISO2_CERTIFICATE_MAX)
		return err_set(e, E_EXI_LIMIT,
			       "%s has %zu bytes: at most %d (ISO 15118-2 [V2G2-010])", what, der.n,
			       ISO2_CERTIFICATE_MAX);
	return E_OK;
}

static enum err_code
check_session_id(struct span id, struct err *e)
{
	if (id.n > ISO2_SESSION_ID_MAX)
		return err_set(e, E_EXI_LIMIT, "SessionID of %zu bytes: at most %d", id.n,
			       ISO2_SESSION_ID_MAX);
	return E_OK;
}

enum err_code
install_req_make(const struct install_req *rq, struct buf *exi, struct err *e)
{
	struct sign_software key = {algo_get(ALGO_P256), rq->scalar};
	const struct msg_signer signer = sign_with_scalar(&key);
	struct iso2_msg m = {
		.kind = ISO2_INSTALL_REQ,
		.session_id = rq->session_id,
		.fault = ISO2_NO_NOTIFICATION,
		.id = SPAN_LIT("id1"),
		.oem_certificate = rq->certificate,
		.n_roots = rq->n_roots,
	};
	enum err_code rc;

	if ((rc = check_session_id(rq->session_id, e)) != E_OK)
		return rc;
	if ((rc = check_certificate(rq->certificate, "the provisioning certificate", e)) != E_OK)
		return rc;
	if (rq->n_roots == 0 || rq->n_roots > ISO2_ROOTS_MAX)
		return err_set(e, E_MSG_CONTENT, "%u root certificate ids: expected 1 to %d",
			       rq->n_roots, ISO2_ROOTS_MAX);
	memcpy(m.root, rq->roots, rq->n_roots * sizeof(m.root[0]));
	return iso2_encode_signed(&m, &signer, exi, e);
}

/* The certificate that a message names as its signer. */
static enum err_code
signer_point(const struct iso2_msg *m, struct span *point, struct err *e)
{
	switch (m->kind) {
	case ISO2_INSTALL_REQ:
		return p256_point(m->oem_certificate, "OEMProvisioningCert", point, e);
	case ISO2_UPDATE_REQ:
		return p256_point(m->contract_chain.leaf, "the contract certificate", point, e);
	case ISO2_INSTALL_RES:
	case ISO2_UPDATE_RES: break;
	}
	return p256_point(m->sa_chain.leaf, "the CPS certificate", point, e);
}

static enum err_code
verify(const struct iso2_msg *m, struct err *e)
{
	struct sign_scope scope;
	struct span point;
	enum err_code rc;

	if ((rc = signer_point(m, &point, e)) != E_OK)
		return rc;
	iso2_signed(m, &scope);
	return sign_verify(&scope, m->signature, point, e);
}

enum err_code
install_req_verify(const struct iso2_msg *rq, struct err *e)
{
	if (rq->kind != ISO2_INSTALL_REQ && rq->kind != ISO2_UPDATE_REQ)
		return err_set(e, E_MSG_CONTENT, "the message is an answer: expected a request");
	return verify(rq, e);
}

enum err_code
install_explain(const struct iso2_msg *m, struct sign_report *out, struct err *e)
{
	struct sign_scope scope;
	struct span point;
	enum err_code rc;

	if ((rc = signer_point(m, &point, e)) != E_OK)
		return rc;
	iso2_signed(m, &scope);
	return sign_explain(&scope, m->signature, point, out, e);
}

/* Sub 2 first, then Sub 1: from the leaf upwards. */
static enum err_code
put_chain(const struct install_chain *in, const char *what, struct iso2_chain *out, struct err *e)
{
	char name[64];
	enum err_code rc;

	(void)snprintf(name, sizeof(name), "the %s certificate", what); /* what is short */
	if ((rc = check_certificate(in->leaf, name, e)) != E_OK)
		return rc;
	(void)snprintf(name, sizeof(name), "Sub-CA 2 above the %s certificate",
		       what); /* what is short */
	if ((rc = check_certificate(in->sub2, name, e)) != E_OK)
		return rc;
	(void)snprintf(name, sizeof(name), "Sub-CA 1 above the %s certificate",
		       what); /* what is short */
	if (in->sub1.n > 0 && (rc = check_certificate(in->sub1, name, e)) != E_OK)
		return rc;
	out->leaf = in->leaf;
	out->sub[out->n_sub++] = in->sub2;
	if (in->sub1.n > 0)
		out->sub[out->n_sub++] = in->sub1;
	return E_OK;
}

static enum err_code
check_emaid(struct span emaid, struct err *e)
{
	if (emaid.n < 14 || emaid.n > 15)
		return err_set(e, E_MSG_CONTENT, "eMAID of %zu characters: expected 14 or 15",
			       emaid.n);
	return E_OK;
}

enum err_code
install_res_make(const struct install_res *rs, const struct msg_signer *signer, struct buf *exi,
		 struct err *e)
{
	struct iso2_msg m = {
		.kind = rs->update ? ISO2_UPDATE_RES : ISO2_INSTALL_RES,
		.session_id = rs->session_id,
		.fault = ISO2_NO_NOTIFICATION,
		.code = rs->code,
		.contract_chain = {.id = SPAN_LIT("id1")},
		.encrypted_key = {SPAN_LIT("id2"), {rs->key->field, KEYWRAP_FIELD_LEN}},
		.dh_key = {SPAN_LIT("id3"), {rs->key->dh, KEYWRAP_DH_LEN}},
		.emaid = {SPAN_LIT("id4"), span_str(rs->emaid)},
	};
	enum err_code rc;

	if ((rc = check_session_id(rs->session_id, e)) != E_OK ||
	    (rc = put_chain(&rs->cps, "CPS", &m.sa_chain, e)) != E_OK ||
	    (rc = put_chain(&rs->contract, "contract", &m.contract_chain, e)) != E_OK ||
	    (rc = check_emaid(m.emaid.value, e)) != E_OK)
		return rc;
	return iso2_encode_signed(&m, signer, exi, e);
}

enum err_code
install_res_verify_signature(const struct iso2_msg *rs, struct err *e)
{
	if (rs->kind != ISO2_INSTALL_RES && rs->kind != ISO2_UPDATE_RES)
		return err_set(e, E_MSG_CONTENT, "the message is a request: expected an answer");
	if (rs->code != ISO2_OK && rs->code != ISO2_OK_CertificateExpiresSoon)
		return err_set(e, E_MSG_CONTENT, "ResponseCode is %s: expected OK",
			       iso2_response_name(rs->code));
	return verify(rs, e);
}

enum err_code
install_res_verify(const struct iso2_msg *rs, const struct secret *car_scalar,
		   struct secret *contract_scalar, struct err *e)
{
	struct span point;
	enum err_code rc;

	*contract_scalar = (struct secret){0};
	if ((rc = install_res_verify_signature(rs, e)) != E_OK)
		return rc;
	if ((rc = check_emaid(rs->emaid.value, e)) != E_OK)
		return rc;
	rc = p256_point(rs->contract_chain.leaf, "the contract certificate", &point, e);
	if (rc != E_OK)
		return rc;
	return keywrap_unwrap(car_scalar, rs->dh_key.value, rs->encrypted_key.value, point,
			      contract_scalar, e);
}
