/* SPDX-License-Identifier: Apache-2.0 */
/* A car asks for its contract: CertificateInstallationReq in, CertificateInstallationRes out (OPCP
 * 1.0.0 CCP, spec/protocols 5.4). The hot path: one signature verified, three rows read; what can
 * be said in the protocol is a negative answer, everything else an error. */
#include "base/clock.h"
#include "base/str.h"
#include "pool/internal.h"

#include <stdlib.h>
#include <string.h>

#define DN_TEXT_MAX 1024 /* bytes of an issuer name in ListOfRootCertificateIDs */

/* One request on its way. */
struct install {
	struct pool *p;
	const struct install_query *q;
	const struct anchors *set;
	int64_t now;
	struct iso2_msg m;
	struct cert leaf; /* of the car, from the request */
	struct pcid pcid;
	struct vehicle_row vehicle;
	const struct anchor *roots[ISO2_ROOTS_MAX]; /* V2G roots that the car can verify */
	size_t n_roots;
	struct contract_row contract; /* chosen */
	struct variant_row variant;
	enum iso2_response_code code; /* of a negative answer */
};

static void
install_free(struct install *in)
{
	variant_row_free(&in->variant);
	contract_row_free(&in->contract);
	vehicle_row_free(&in->vehicle);
	iso2_msg_free(&in->m);
	anchors_put(in->p, in->set);
}

void
install_answer_free(struct install_answer *a)
{
	buf_free(&a->exi);
	buf_free(&a->metadata);
}

/* The answer will be negative with this code, for this reason. */
static enum err_code
refuse(struct install *in, enum iso2_response_code code, struct err *e, const char *what,
       const struct err *why)
{
	in->code = code;
	return err_set(e, E_INSTALL_REFUSED, "%s: %s%s%s", iso2_response_name(code), what,
		       why != NULL ? ": " : "", why != NULL ? why->text : "");
}

/* --- the request --- */

/* What cannot be read gets no answer in the protocol: 400 (spec/protocols 5.4). */
static enum err_code
read_request(struct install *in, struct err *e)
{
	enum err_code rc;

	if ((rc = pool_edition_2(in->q->xmlns, false, e)) != E_OK)
		return rc;
	if ((rc = iso2_decode(in->q->exi, &in->m, e)) != E_OK) {
		err_context(e, "certificateInstallationReq");
		return rc;
	}
	if (in->m.kind != ISO2_INSTALL_REQ)
		return err_set(
			e, E_MSG_CONTENT,
			"certificateInstallationReq: another message of ISO 15118-2, expected a "
			"CertificateInstallationReq");
	return E_OK;
}

/* Reasons about references quote the Id that a car gave its elements, which may be its name (I-41).
 */
static enum err_code
refuse_signature(struct install *in, const struct err *why, struct err *e)
{
	if (why->code == E_MSG_DIGEST)
		return refuse(in, ISO2_FAILED_SignatureError, e,
			      "signature of the request: a reference or digest does not fit the "
			      "element (v2gpki exi explain shows which)",
			      NULL);
	return refuse(in, ISO2_FAILED_SignatureError, e, "signature of the request", why);
}

/* The request proves that its sender has the key of the certificate inside (spec/iso15118 C.4).
 * Only a parsed PCID finds anything; its text stays out of every reason (I-41). */
static enum err_code
check_request(struct install *in, struct err *e)
{
	char cn[PCID_MAX];
	struct err why = {0};
	bool named;

	if (cert_parse(in->m.oem_certificate, &in->leaf, &why) != E_OK)
		return refuse(in, ISO2_FAILED_CertChainError, e, "OEMProvisioningCert", &why);
	named = str_copy_span(cn, sizeof(cn), name_attr(in->leaf.subject, OID_CN)) &&
		pcid_parse(cn, &in->pcid, NULL) == E_OK;
	if (!named)
		in->pcid.normal[0] = '\0';
	if (in->leaf.algo == NULL || in->leaf.algo->id != ALGO_P256)
		return refuse(
			in, ISO2_FAILED_CertChainError, e,
			"OEMProvisioningCert: key is not on secp256r1 (ISO 15118-2 [V2G2-007])",
			NULL);
	if (install_req_verify(&in->m, &why) != E_OK)
		return refuse_signature(in, &why, e);
	if (!named)
		return refuse(in, ISO2_FAILED_NoCertificateAvailable, e,
			      "OEMProvisioningCert: its CN is not a PCID", NULL);
	return E_OK;
}

/* --- the car --- */

static enum iso2_response_code
code_of(enum err_code rc)
{
	if (rc == E_CERT_EXPIRED)
		return ISO2_FAILED_CertificateExpired;
	if (rc == E_CERT_REVOKED)
		return ISO2_FAILED_CertificateRevoked;
	/* A status that cannot be found out is no reason for an HTTP error (D29). */
	return err_kind(rc) == KIND_UNAVAILABLE ? ISO2_FAILED_NoCertificateAvailable
						: ISO2_FAILED_CertChainError;
}

/* A request may carry another certificate for the same key than the one that the OEM published: it
 * has to come from the same sub-CA. */
static enum err_code
check_other_leaf(struct install *in, const struct vehicle_chain *chain, struct err *e)
{
	const struct cert *issuer = chain->sub2.der.n != 0 ? &chain->sub2 : &chain->sub1;
	enum err_code rc;

	if (span_equal(in->leaf.der, chain->leaf.der))
		return E_OK;
	if ((rc = cert_verify_link(&in->leaf, issuer, e)) != E_OK ||
	    (rc = pool_valid_now(&in->leaf, "OEMProvisioningCert", in->now, CLOCK_SKEW, e)) != E_OK)
		return rc;
	return pool_status(in->p, "OEMProvisioningCert", in->leaf.der, issuer->der, e);
}

static enum err_code
check_car(struct install *in, struct err *e)
{
	struct vehicle_chain chain;
	struct err why = {0};
	enum err_code rc;

	rc = vehicle_store_get(in->p->conf.db, in->pcid.normal, EDITION_2, &in->vehicle, &why);
	if (rc == E_NOT_FOUND || rc == E_VEHICLE_UNKNOWN)
		return refuse(in, ISO2_FAILED_NoCertificateAvailable, e,
			      "no vehicle of this PCID in the pool", NULL);
	if (rc != E_OK)
		return err_set(e, rc, "%s", why.text);
	/* Another key could not decrypt the contract's. */
	if (!span_equal(in->leaf.point, buf_span(&in->vehicle.point)))
		return refuse(in, ISO2_FAILED_CertChainError, e,
			      "OEMProvisioningCert: its key is not that of the pool's entry", NULL);
	if ((rc = vehicle_check(in->p, in->set, &in->vehicle, in->now, &chain, &why)) != E_OK ||
	    (rc = check_other_leaf(in, &chain, &why)) != E_OK)
		return refuse(in, code_of(rc), e, "provisioning certificate", &why);
	return E_OK;
}

/* --- the V2G roots that the car can verify --- */

static bool
same_root(const struct anchor *a, const struct iso2_root_id *id)
{
	char text[DN_TEXT_MAX];

	return (a->row.types & ROOT_V2G) != 0 && !id->negative &&
	       span_equal(a->cert.serial, id->serial) &&
	       str_copy_span(text, sizeof(text), id->issuer) &&
	       name_matches_text(a->cert.issuer, text);
}

static void
find_roots(struct install *in)
{
	for (unsigned i = 0; i < in->m.n_roots; i++) {
		for (size_t k = 0; k < in->set->n && in->n_roots < ISO2_ROOTS_MAX; k++) {
			if (same_root(&in->set->a[k], &in->m.root[i]))
				in->roots[in->n_roots++] = &in->set->a[k];
		}
	}
}

/* --- the contract --- */

/* Whether a reason speaks against one contract, and not against answering at all. A status that
 * cannot be found out is one (D29); a store that does not answer is none. */
static bool
speaks_against(enum err_code rc)
{
	if (err_kind(rc) == KIND_UNAVAILABLE)
		return rc != E_DB_BUSY && rc != E_STOPPING;
	return err_kind(rc) == KIND_BAD_REQUEST;
}

/* E_OK: v is a bundle that the car can verify. */
static enum err_code
try_variant(struct install *in, const struct contract_row *c, const char *cps_root,
	    struct variant_row *v, struct err *e)
{
	char text[LOG_VALUE_MAX];
	struct err why = {0};
	enum err_code rc;

	rc = pool_missing(variant_store_get(in->p->conf.db, c->id, cps_root, v, e), E_CPS_ROOT,
			  "no bundle under a V2G root that the car knows", e);
	if (rc != E_OK)
		return rc;
	if ((rc = bundle_check(in->p, in->set, c, v, in->now, &why)) != E_OK) {
		/* Something was altered, or a root left the pool: an operator has to know. */
		pool_log(LOG_LEVEL_ERROR, "contract.bundle-refused",
			 (struct about){in->q->request_id, c->pcid, c->emaid_key},
			 "code=%s reason=%s", err_name(rc), log_quote(why.text, text));
		variant_row_free(v);
		memset(v, 0, sizeof(*v));
		return err_set(e, rc, "%s", why.text);
	}
	return E_OK;
}

static enum err_code
try_contract(struct install *in, const struct contract_row *c, struct variant_row *v, struct err *e)
{
	enum err_code rc;

	if ((rc = contract_check(in->p, c, in->now, false, e)) != E_OK)
		return rc;
	if (in->m.n_roots == 0)
		return try_variant(in, c, NULL, v, e);
	rc = E_CPS_ROOT;
	for (size_t i = 0; i < in->n_roots; i++) {
		err_clear(e);
		rc = try_variant(in, c, in->roots[i]->hex, v, e);
		if (rc == E_OK || !speaks_against(rc))
			return rc;
	}
	return err_set(e, rc, "no bundle under a V2G root that the car knows");
}

/* The default contract, or without one the only deliverable contract (D27). Leaves *chosen at count
 * when there is none; *deliverable counts those that could be handed out. */
static enum err_code
choose(struct install *in, const struct contract_row *rows, size_t count, size_t *chosen,
       size_t *deliverable, struct err *why)
{
	bool has_default = false;
	enum err_code rc;

	*chosen = count;
	*deliverable = 0;
	for (size_t i = 0; i < count; i++)
		has_default = has_default || rows[i].is_default;
	for (size_t i = 0; i < count; i++) {
		struct variant_row v = {0};

		if (has_default && !rows[i].is_default)
			continue;
		err_clear(why);
		rc = try_contract(in, &rows[i], &v, why);
		if (rc != E_OK && !speaks_against(rc))
			return rc;
		if (rc != E_OK)
			continue;
		if ((*deliverable)++ == 0) {
			*chosen = i;
			in->variant = v;
		} else {
			variant_row_free(&v);
		}
	}
	return E_OK;
}

static enum err_code
find_contract(struct install *in, struct err *e)
{
	struct contract_row *rows = NULL;
	size_t count = 0, chosen, deliverable;
	struct err why = {0};
	enum err_code rc;

	rc = contract_store_by_pcid(in->p->conf.db, in->pcid.normal, EDITION_2, &rows, &count, e);
	if (rc != E_OK)
		return rc;
	if ((rc = choose(in, rows, count, &chosen, &deliverable, &why)) != E_OK) {
		rc = err_set(e, rc, "%s", why.text);
	} else if (count == 0) {
		rc = refuse(in, ISO2_FAILED_NoCertificateAvailable, e,
			    "no contract for this vehicle", NULL);
	} else if (deliverable == 0) {
		rc = refuse(in, ISO2_FAILED_NoCertificateAvailable, e, "no deliverable contract",
			    &why);
	} else if (deliverable > 1) {
		rc = refuse(in, ISO2_FAILED_NoCertificateAvailable, e,
			    "several contracts and none is the default", NULL);
	} else {
		in->contract = rows[chosen];
		memset(&rows[chosen], 0, sizeof(rows[chosen]));
	}
	contract_rows_free(rows, count);
	return rc;
}

/* --- the answer --- */

enum err_code
answer_fill(struct pool *p, const struct contract_row *c, const struct variant_row *v,
	    struct span session_id, struct install_answer *out, struct err *e)
{
	enum err_code rc;

	out->positive = true;
	out->response_code = iso2_response_name(ISO2_OK);
	(void)str_copy(out->emaid, sizeof(out->emaid), c->emaid);
	(void)str_copy(out->cps_root, sizeof(out->cps_root), v->cps_root);
	if ((rc = pool_buf_copy(&c->metadata, &out->metadata, e)) != E_OK ||
	    (rc = iso2_set_session_id(buf_span(&v->exi), session_id, &out->exi, e)) != E_OK)
		return rc;
	/* Handed out, not installed: nobody can know (D40). */
	return outbox_put(p->conf.db, "mo.contract.delivered.to.oem", c->pcid, c->emaid_key, e);
}

static enum err_code
run(struct install *in, struct install_answer *out, struct err *e)
{
	enum err_code rc;

	if ((rc = anchors_get(in->p, &in->set, e)) != E_OK || (rc = check_request(in, e)) != E_OK ||
	    (rc = check_car(in, e)) != E_OK)
		return rc;
	find_roots(in);
	if ((rc = find_contract(in, e)) != E_OK)
		return rc;
	return answer_fill(in->p, &in->contract, &in->variant, in->m.session_id, out, e);
}

static enum err_code
answer_negative(struct install *in, struct install_answer *out, struct err *e)
{
	struct err why = {0};
	enum err_code rc;

	out->positive = false;
	out->response_code = iso2_response_name(in->code);
	if ((rc = iso2_negative_res(in->m.session_id, in->code, NULL, &out->exi, &why)) == E_OK)
		return E_OK;
	err_clear(e);
	return err_set(e, rc, "%s", why.text);
}

static void
log_outcome(const struct install *in, const struct install_answer *out, enum err_code rc,
	    const struct err *e)
{
	struct about about = {in->q->request_id, in->pcid.normal, in->contract.emaid_key};
	char text[LOG_VALUE_MAX];

	if (rc == E_OK && out->positive)
		pool_log(LOG_LEVEL_INFO, "contract.delivered", about, "root=%s", out->cps_root);
	else
		pool_log(LOG_LEVEL_WARN, "contract.not-delivered", about, "answer=%s reason=%s",
			 rc == E_OK ? out->response_code : err_name(rc), log_quote(e->text, text));
}

enum err_code
pool_install(struct pool *p, const struct install_query *q, struct install_answer *out,
	     struct err *e)
{
	struct install in = {.p = p, .q = q, .now = clock_now()};
	struct err mine = {0};
	enum err_code rc;

	if (e == NULL)
		e = &mine;
	memset(out, 0, sizeof(*out));
	if ((rc = read_request(&in, e)) == E_OK && (rc = run(&in, out, e)) == E_INSTALL_REFUSED)
		rc = answer_negative(&in, out, e);
	if (rc != E_OK) {
		install_answer_free(out);
		memset(out, 0, sizeof(*out));
	}
	log_outcome(&in, out, rc, e);
	install_free(&in);
	return rc;
}
