/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate provisioning service: orders of contracts (OPCP 1.0.0 CPS, spec/protocols 2.3,
 * 4, 5.2). The contract's private key exists between its generation and its encryption for the car
 * only, in make_keys. */
#include "base/clock.h"
#include "base/ec.h"
#include "base/str.h"
#include "iso15118/keywrap.h"
#include "policy/budget.h"
#include "pool/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SIGNERS_MAX     64 /* CPS chains that are looked at */
#define EMAID_2_MAX     15 /* characters of an eMAID of ISO 15118-2 */
#define MO_ANCHOR_TYPES (ROOT_MO | ROOT_V2G)

/* One order on its way. */
struct job {
	struct pool *p;
	const struct contract_order *in;
	const struct anchors *set;
	int64_t now;
	struct emaid emaid;
	struct pcid pcid;
	struct vehicle_row vehicle;
	struct cps_chain cps;
	char organisation[65];  /* O of the contract certificate: that of its issuer */
	struct buf point;       /* of the contract's key */
	struct keywrap wrapped; /* the private key as the car gets it */
	struct issued cert;
	struct buf exi;
};

static void
job_free(struct job *j)
{
	buf_free(&j->exi);
	issued_free(&j->cert);
	buf_free(&j->point);
	cps_chain_free(&j->cps);
	vehicle_row_free(&j->vehicle);
	anchors_put(j->p, j->set);
}

/* --- the order's own values --- */

static enum err_code
check_dates(const struct job *j, struct err *e)
{
	const struct contract_order *in = j->in;
	int64_t most = profiles[PROFILE_CONTRACT_LEAF].validity_max;
	char begins[RFC3339_LEN], ends[RFC3339_LEN];

	clock_format(in->begins, begins);
	clock_format(in->ends, ends);
	if (in->ends <= j->now)
		return err_set(e, E_CONTRACT_ENDED,
			       "contractEnds: %s is in the past (OPCP 1.0.0 CPS)", ends);
	if (in->begins >= in->ends)
		return err_set(e, E_VALIDITY, "contractBegins: %s is not before contractEnds %s",
			       begins, ends);
	/* The last second counts (RFC 5280 4.1.2.5). */
	if (in->ends - in->begins + 1 > most)
		return err_set(e, E_VALIDITY,
			       "contractBegins, contractEnds: %lld days, at most %lld (ISO 15118-2 "
			       "Annex F.4)",
			       (long long)((in->ends - in->begins + DAY) / DAY),
			       (long long)(most / DAY));
	return E_OK;
}

static enum err_code
check_texts(const struct contract_order *in, struct err *e)
{
	const char *url = in->subscription_url;

	if (url != NULL && strncasecmp(url, "https://", 8) != 0 &&
	    strncasecmp(url, "http://", 7) != 0)
		return err_set(e, E_BAD_VALUE,
			       "subscriptionUrl: expected an http or https URL (OPCP 1.0.0 CPS)");
	if (url != NULL && strlen(url) > POOL_TEXT_MAX)
		return err_set(e, E_TOO_BIG, "subscriptionUrl: more than %d bytes", POOL_TEXT_MAX);
	if (in->metadata != NULL && strlen(in->metadata) > POOL_TEXT_MAX)
		return err_set(e, E_TOO_BIG, "metaData: more than %d bytes", POOL_TEXT_MAX);
	return E_OK;
}

static enum err_code
check_ids(struct job *j, struct err *e)
{
	enum err_code rc;

	if ((rc = emaid_parse(j->in->emaid, j->p->conf.emaid_check, &j->emaid, e)) != E_OK) {
		err_context(e, "emaid");
		return rc;
	}
	if (strlen(j->emaid.normal) > EMAID_2_MAX)
		return err_set(e, E_EMAID,
			       "emaid: %zu characters, ISO 15118-2 has 14 or 15 without separators",
			       strlen(j->emaid.normal));
	if (j->emaid.check == CHECK_WRONG)
		pool_log(LOG_LEVEL_WARN, "contract.check-digit",
			 (struct about){j->in->request_id, NULL, j->emaid.key}, "digit=wrong");
	if ((rc = pcid_parse(j->in->pcid, &j->pcid, e)) != E_OK)
		err_context(e, "pcid");
	return rc;
}

/* --- what the order meets in the pools --- */

static enum err_code
check_vehicle(struct job *j, struct err *e)
{
	struct vehicle_chain chain;
	enum err_code rc;

	rc = vehicle_store_get(j->p->conf.db, j->pcid.normal, EDITION_2, &j->vehicle, e);
	if (rc == E_VEHICLE_UNKNOWN)
		rc = E_NOT_FOUND;
	if ((rc = pool_missing(rc, E_PCID_UNKNOWN,
			       "pcid: no such vehicle in the provisioning certificate pool (OPCP "
			       "1.0.0 CPS)",
			       e)) != E_OK)
		return rc;
	if ((rc = vehicle_check(j->p, j->set, &j->vehicle, j->now, &chain, e)) != E_OK)
		err_context(e, "pcid");
	return rc;
}

/* One EMAID belongs to one PCID (spec/protocols 4, rule 1). The store looks again when it writes.
 */
static enum err_code
check_owner(struct job *j, struct err *e)
{
	char owner[PCID_MAX] = "";
	enum err_code rc;

	if ((rc = contract_store_owner(j->p->conf.db, j->emaid.key, owner, e)) != E_OK)
		return rc;
	if (owner[0] != '\0' && strcmp(owner, j->pcid.normal) != 0)
		return err_set(e, E_EMAID_TAKEN, "emaid: belongs to another PCID (OPCP 1.0.0 CPS)");
	return E_OK;
}

/* The chain that will issue ends in a root that the CCP accepts at delivery; its O becomes that of
 * the contract certificate. */
static enum err_code
check_issuer(struct job *j, struct err *e)
{
	const struct issuer *issuer = &j->p->conf.issuer;
	struct issued chain = {0};
	uint8_t fingerprint[SHA256_LEN];
	struct cert sub2;
	enum err_code rc;

	if ((rc = issuer->chain(issuer->ctx, PROFILE_CONTRACT_LEAF, NULL, &chain, e)) != E_OK ||
	    (rc = cert_parse(buf_span(&chain.sub2), &sub2, e)) != E_OK ||
	    (rc = sha256(buf_span(&chain.root), fingerprint, e)) != E_OK)
		goto out;
	if (!str_copy_span(j->organisation, sizeof(j->organisation),
			   name_attr(sub2.subject, OID_O)))
		j->organisation[0] = '\0';
	if (anchor_by_fingerprint(j->set, fingerprint, MO_ANCHOR_TYPES) == NULL)
		rc = err_set(
			e, E_CA_NO_ISSUER,
			"the root above our MO CA is not in the root pool as MO or V2G root: no "
			"car could be served");
out:
	issued_free(&chain);
	return rc;
}

/* --- choice of the CPS signer --- */

/* Whether a chain can sign today: valid, and its root is a V2G root of the RCP. */
static bool
signer_ready(const struct job *j, const struct cps_chain *c)
{
	const struct buf *der[] = {&c->leaf, &c->sub2, &c->sub1, &c->root};
	struct cert cert;

	for (size_t i = 0; i < ARRAY_LEN(der); i++) {
		if (der[i] == &c->sub2 && c->sub2.n == 0)
			continue;
		if (cert_parse(buf_span(der[i]), &cert, NULL) != E_OK ||
		    pool_valid_now(&cert, "CPS chain", j->now, 0, NULL) != E_OK)
			return false;
	}
	return anchor_by_hex(j->set, c->root_fingerprint, ROOT_V2G) != NULL;
}

/* Whether the vehicle's list of key identifiers (a JSON array of colon-hex texts) names this root.
 */
static bool
list_names(struct span list, struct span ski)
{
	char found[2 * 64 + 1], want[2 * 64 + 1];
	bool inside = false;
	size_t n = 0;

	if (ski.n == 0 || 2 * ski.n >= sizeof(want))
		return false;
	hex_encode(ski, want, sizeof(want));
	for (size_t i = 0; i < list.n; i++) {
		char c = (char)list.p[i];

		if (c == '"') {
			found[n] = '\0';
			if (inside && strcmp(found, want) == 0)
				return true;
			inside = !inside;
			n = 0;
		} else if (inside && c != ':' && n + 1 < sizeof(found)) {
			found[n++] = (char)(tolower)((unsigned char)c);
		}
	}
	return false;
}

/* How well a chain suits: 0 not at all, 1 usable, 2 under a root that the car is said to know. The
 * list is a hint, never a reason to refuse (spec/differences 3). */
static int
signer_rank(const struct job *j, const struct cps_chain *c, const struct anchor *wanted)
{
	struct cert root;

	if (!signer_ready(j, c))
		return 0;
	if (wanted != NULL)
		return strcmp(wanted->hex, c->root_fingerprint) == 0 ? 2 : 0;
	if (j->vehicle.v2g_akis.n != 0 && cert_parse(buf_span(&c->root), &root, NULL) == E_OK &&
	    list_names(buf_span(&j->vehicle.v2g_akis), root.ski))
		return 2;
	return 1;
}

static enum err_code
find_signer(struct job *j, const struct anchor *wanted, struct err *e)
{
	const struct signer *s = &j->p->conf.signer;
	int best = 0;

	for (size_t i = 0; i < SIGNERS_MAX && best < 2; i++) {
		struct cps_chain c = {0};
		struct err why = {0};
		enum err_code rc = s->chain(s->ctx, i, &c, &why);
		int rank;

		if (rc == E_NOT_FOUND)
			break;
		if (rc != E_OK)
			return err_set(e, rc, "%s", why.text);
		if ((rank = signer_rank(j, &c, wanted)) > best) {
			cps_chain_free(&j->cps);
			j->cps = c;
			best = rank;
		} else {
			cps_chain_free(&c);
		}
	}
	if (best > 0)
		return E_OK;
	if (wanted != NULL)
		return err_set(e, E_CPS_ROOT,
			       "cpsV2GRootCertificateFingerprint: no CPS signer under this root");
	return err_set(e, E_CA_NO_ISSUER,
		       "no CPS signer is valid now and under a V2G root of the root pool");
}

static enum err_code
choose_signer(struct job *j, struct err *e)
{
	const struct anchor *wanted = NULL;

	if (j->in->cps_root != NULL) {
		wanted = anchor_by_name(j->set, j->in->cps_root, ROOT_V2G);
		if (wanted == NULL)
			return err_set(e, E_CPS_ROOT,
				       "cpsV2GRootCertificateFingerprint: no V2G root of the pool, "
				       "expected the SHA-256 (64 hex) or the UUID of one");
	}
	return find_signer(j, wanted, e);
}

/* --- making the bundle --- */

/* The key pair of the contract: its public half for the certificate, its private half encrypted for
 * the car (ISO 15118-2 [V2G2-814] to [V2G2-819]) and wiped. */
static enum err_code
make_keys(struct job *j, struct err *e)
{
	const struct algo *a = algo_get(ALGO_P256);
	struct secret scalar = {0};
	enum err_code rc;

	if ((rc = ec_generate(a, &scalar, &j->point, e)) == E_OK)
		rc = keywrap_wrap(buf_span(&j->vehicle.point), &scalar, &j->wrapped, e);
	secret_free(&scalar);
	return rc;
}

static enum err_code
issue_certificate(struct job *j, struct err *e)
{
	const struct issuer *issuer = &j->p->conf.issuer;
	struct issue_request rq = {
		.request_id = j->in->request_id,
		.profile = PROFILE_CONTRACT_LEAF,
		.algo = algo_get(ALGO_P256),
		.point = buf_span(&j->point),
		.o = j->organisation[0] == '\0' ? NULL : j->organisation,
		.cn = j->emaid.normal,
		.not_before = j->in->begins,
		.not_after = j->in->ends,
		.participant = j->in->actor,
	};

	return issuer->issue(issuer->ctx, &rq, &j->cert, e);
}

/* iso15118/ hands out a digest; the key is in the token. */
static enum err_code
sign_digest(void *ctx, struct span digest, struct buf *raw_sig, struct err *e)
{
	struct job *j = ctx;
	const struct signer *s = &j->p->conf.signer;

	return s->sign(s->ctx, j->in->request_id, j->cps.name, digest, raw_sig, e);
}

/* A single sub-CA stands where the leaf's issuer stands. */
static struct install_chain
chain_of(const struct buf *leaf, const struct buf *sub2, const struct buf *sub1)
{
	if (sub2->n == 0)
		return (struct install_chain){buf_span(leaf), buf_span(sub1), {0}};
	return (struct install_chain){buf_span(leaf), buf_span(sub2), buf_span(sub1)};
}

static enum err_code
sign_bundle(struct job *j, struct err *e)
{
	struct msg_signer signer = {j, algo_get(ALGO_P256), sign_digest};
	struct install_res res = {
		.session_id = SPAN_LIT("\0"), /* replaced at delivery */
		.code = ISO2_OK,
		.cps = chain_of(&j->cps.leaf, &j->cps.sub2, &j->cps.sub1),
		.contract = chain_of(&j->cert.leaf, &j->cert.sub2, &j->cert.sub1),
		.key = &j->wrapped,
		.emaid = j->emaid.normal,
	};
	enum err_code rc;

	if ((rc = install_res_make(&res, &signer, &j->exi, e)) != E_OK)
		return rc;
	if (j->exi.n > BUDGET_EXI_MAX)
		pool_log(LOG_LEVEL_WARN, "contract.bundle-large",
			 (struct about){j->in->request_id, j->pcid.normal, j->emaid.key},
			 "bytes=%zu limit=%d", j->exi.n, BUDGET_EXI_MAX);
	return E_OK;
}

/* --- the pool entry --- */

static enum err_code
fill_contract(const struct job *j, struct contract_row *c, struct err *e)
{
	struct cert leaf;
	enum err_code rc;

	if ((rc = cert_parse(buf_span(&j->cert.leaf), &leaf, e)) != E_OK)
		return rc;
	if (!str_copy(c->participant, sizeof(c->participant), j->in->actor) ||
	    !str_copy(c->request_id, sizeof(c->request_id), j->in->request_id))
		return err_set(e, E_BAD_VALUE,
			       "request or participant id of more than 64 characters");
	(void)str_copy(c->emaid_key, sizeof(c->emaid_key), j->emaid.key);
	(void)str_copy(c->emaid, sizeof(c->emaid), j->emaid.normal);
	(void)str_copy(c->pcid, sizeof(c->pcid), j->pcid.normal);
	c->edition = EDITION_2;
	c->ours = true;
	c->cert_id = j->cert.cert_id;
	c->not_before = leaf.not_before;
	c->not_after = leaf.not_after;
	c->created = c->changed = j->now;
	buf_put_span(&c->cert, buf_span(&j->cert.leaf));
	if (j->in->metadata != NULL)
		buf_put_str(&c->metadata, j->in->metadata);
	if (j->in->subscription_url != NULL)
		buf_put_str(&c->subscription_url, j->in->subscription_url);
	if ((rc = buf_ok(&c->cert, e)) != E_OK || (rc = buf_ok(&c->metadata, e)) != E_OK)
		return rc;
	return buf_ok(&c->subscription_url, e);
}

/* The first day on which a certificate of the CPS chain ends. */
static int64_t
cps_not_after(const struct cps_chain *c)
{
	const struct buf *der[] = {&c->leaf, &c->sub2, &c->sub1, &c->root};
	int64_t first = INT64_MAX;
	struct cert cert;

	for (size_t i = 0; i < ARRAY_LEN(der); i++) {
		if (der[i]->n != 0 && cert_parse(buf_span(der[i]), &cert, NULL) == E_OK &&
		    cert.not_after < first)
			first = cert.not_after;
	}
	return first;
}

/* The car got another key while the order was on its way: nothing was stored, and nobody will ever
 * have this certificate. */
static enum err_code
give_up(struct job *j, struct err *e)
{
	const struct issuer *issuer = &j->p->conf.issuer;
	struct err why = {0};

	if (issuer->revoke(issuer->ctx, j->in->request_id, buf_span(&j->cert.leaf),
			   REASON_CESSATION, j->in->actor, &why) != E_OK)
		pool_log(LOG_LEVEL_ERROR, "contract.revocation-failed", /* the reconciler's now */
			 (struct about){j->in->request_id, j->pcid.normal, j->emaid.key}, "code=%s",
			 err_name(why.code));
	err_clear(e);
	return err_set(e, E_BUSY,
		       "pcid: the vehicle's entry changed during the order: order again");
}

/* What is stored has been verified as a car will (I-36); one transaction claims the certificate. */
static enum err_code
store_bundle(struct job *j, struct err *e)
{
	struct audit_record audit = {
		.actor = j->in->actor,
		.action = "contract.generated",
		.request_id = j->in->request_id,
		.subject_kind = "emaid",
		.subject = j->emaid.key,
		.detail = j->cps.name,
	};
	struct contract_row c = {0};
	struct variant_row v = {.exi = j->exi, .car_point = buf_span(&j->vehicle.point)};
	enum err_code rc;

	(void)str_copy(v.cps_root, sizeof(v.cps_root), j->cps.root_fingerprint);
	v.cps_not_after = cps_not_after(&j->cps);
	if ((rc = fill_contract(j, &c, e)) == E_OK &&
	    (rc = bundle_check(j->p, j->set, &c, &v, c.not_before > j->now ? c.not_before : j->now,
			       e)) == E_OK)
		rc = contract_store_put(j->p->conf.db, &c, &v, &audit, e);
	contract_row_free(&c);
	return rc == E_DB_CHANGED ? give_up(j, e) : rc;
}

static enum err_code
run_order(struct job *j, struct err *e)
{
	enum err_code rc;

	if ((rc = pool_edition_2(j->in->xmlns, false, e)) != E_OK ||
	    (rc = check_ids(j, e)) != E_OK || (rc = check_dates(j, e)) != E_OK ||
	    (rc = check_texts(j->in, e)) != E_OK || (rc = anchors_get(j->p, &j->set, e)) != E_OK ||
	    (rc = check_vehicle(j, e)) != E_OK || (rc = check_owner(j, e)) != E_OK ||
	    (rc = choose_signer(j, e)) != E_OK || (rc = check_issuer(j, e)) != E_OK)
		return rc;
	if ((rc = make_keys(j, e)) != E_OK || (rc = issue_certificate(j, e)) != E_OK ||
	    (rc = sign_bundle(j, e)) != E_OK)
		return rc;
	return store_bundle(j, e);
}

static void
log_outcome(const struct job *j, enum err_code rc)
{
	struct about about = {j->in->request_id, j->pcid.normal, j->emaid.key};

	if (rc == E_OK)
		pool_log(LOG_LEVEL_INFO, "contract.generated", about, "signer=%s bytes=%zu",
			 j->cps.name, j->exi.n);
	else
		pool_log(LOG_LEVEL_WARN, "contract.refused", about, "code=%s", err_name(rc));
}

enum err_code
pool_contract_generate(struct pool *p, const struct contract_order *o, struct err *e)
{
	struct job j = {.p = p, .in = o, .now = clock_now()};
	enum err_code rc = run_order(&j, e);

	log_outcome(&j, rc);
	job_free(&j);
	return rc;
}

/* --- list of signers --- */

static enum err_code
fill_signer(struct signer_view *v, struct err *e)
{
	struct cert leaf, root;
	enum err_code rc;

	if ((rc = cert_parse(buf_span(&v->chain.leaf), &leaf, e)) != E_OK ||
	    (rc = cert_parse(buf_span(&v->chain.root), &root, e)) != E_OK ||
	    (rc = pool_name_text(leaf.subject, v->cps_dn, sizeof(v->cps_dn), e)) != E_OK ||
	    (rc = pool_name_text(root.subject, v->root_dn, sizeof(v->root_dn), e)) != E_OK)
		return rc;
	if (!str_copy_span(v->organisation, sizeof(v->organisation),
			   name_attr(leaf.subject, OID_O)))
		v->organisation[0] = '\0';
	v->not_before = leaf.not_before;
	v->not_after = leaf.not_after;
	return E_OK;
}

void
signer_views_free(struct signer_view *views, size_t count)
{
	for (size_t i = 0; views != NULL && i < count; i++)
		cps_chain_free(&views[i].chain);
	free(views);
}

enum err_code
pool_signers(struct pool *p, struct signer_view **views, size_t *count, struct err *e)
{
	const struct signer *s = &p->conf.signer;
	struct signer_view *list = calloc(SIGNERS_MAX, sizeof(*list));
	enum err_code rc = E_OK;
	size_t n = 0;

	*views = NULL;
	*count = 0;
	if (list == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for a list of signers");
	while (rc == E_OK && n < SIGNERS_MAX) {
		struct err why = {0};

		rc = s->chain(s->ctx, n, &list[n].chain, &why);
		if (rc == E_NOT_FOUND)
			break;
		if (rc != E_OK)
			rc = err_set(e, rc, "%s", why.text);
		else
			rc = fill_signer(&list[n++], e);
	}
	if (rc != E_OK && rc != E_NOT_FOUND) {
		signer_views_free(list, n);
		return rc;
	}
	*views = list;
	*count = n;
	return E_OK;
}
