/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/der.h"
#include "base/digest.h"
#include "base/ec.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/str.h"
#include "ca/hash.h"
#include "ca/hierarchy.h"

#define BACK_DATE_MAX DAY /* seconds; I-6 */

/* One issuance, from its request to its row. */
struct job {
	struct ca_set *set;
	const struct authority *by;
	const struct issue_request *rq;
	const struct profile *profile;
	struct hsm_key *key;
	struct tbs_request want; /* what the certificate says: built from it, linted against it */
	uint8_t serial[SERIAL_LEN];
	char object[HEX_LEN(SERIAL_LEN)]; /* the serial, for audit and log */
	struct buf tbs, sig;
	struct cert_row row; /* of the intent */
	int64_t id;          /* of the row; 0 before the intent is committed */
};

void
issue_subject(const char *profile, const char *cn, struct audit_record *a)
{
	if (strcmp(profile, profiles[PROFILE_CONTRACT_LEAF].name) == 0)
		a->subject_kind = "emaid";
	else if (strcmp(profile, profiles[PROFILE_PROVISIONING_LEAF].name) == 0)
		a->subject_kind = "pcid";
	else
		return;
	a->subject = cn;
}

struct authority
issue_authority(struct ca *ca)
{
	return (struct authority){
		.name = ca->name,
		.algo = ca->algo,
		.subject = ca->cert.subject,
		.ski = ca->cert.ski,
		.point = ca->cert.point,
		.not_after = ca->cert.not_after,
		.crl_url = ca->crl_url,
		.ca = ca,
	};
}

static struct audit_record
audit_of(const struct job *j, const char *action)
{
	struct audit_record a = {
		.actor = j->rq->participant != NULL ? j->rq->participant : "system",
		.action = action,
		.object = j->object,
		.request_id = j->rq->request_id,
		.detail = j->by->name,
	};

	issue_subject(j->profile->name, j->rq->cn, &a);
	return a;
}

/* An intent without a thread at work on it was left by a crash or a failure: an orphan, so that the
 * retry gets a new serial (I-4). */
static enum err_code
abandon(struct job *j, int64_t id, struct err *e)
{
	struct audit_record a = audit_of(j, "certificate.abandoned");

	if (j->object[0] == '\0')
		a.object = NULL;
	return cert_store_abandon(j->set->db, id, &a, e);
}

/* Idempotency: what the store has under this request id. *done: it has the certificate. */
static enum err_code
find_done(struct job *j, bool *done, int64_t *cert_id, struct buf *der, struct err *e)
{
	struct cert_row row = {0};
	struct err absent = {0};
	enum err_code rc;

	*done = false;
	if ((rc = hash_request(j->rq, j->by->name, j->row.request_hash, e)) != E_OK)
		return rc;
	rc = cert_store_by_request(j->set->db, j->rq->request_id, &row, &absent);
	if (rc == E_NOT_FOUND)
		return E_OK;
	if (rc != E_OK) {
		rc = err_set(e, rc, "%s", absent.text);
	} else if (memcmp(row.request_hash, j->row.request_hash, sizeof(row.request_hash)) != 0) {
		rc = err_set(e, E_REQUEST_REUSED,
			     "request id %s was used for a request with other content",
			     j->rq->request_id);
	} else if (row.status == CERT_REVOKED) {
		rc = err_set(e, E_CERT_REVOKED,
			     "the certificate of request %s has been revoked: ask for another one "
			     "under a new request id",
			     j->rq->request_id);
	} else if (row.state == CERT_INTENT) {
		rc = abandon(j, row.id, e);
	} else {
		*done = true;
		*cert_id = row.id;
		buf_put_span(der, buf_span(&row.der));
		rc = buf_ok(der, e);
	}
	cert_row_free(&row);
	return rc;
}

/* The subject's key: of the profile's algorithm, on its curve (I-8), and nobody's CA key (I-7). */
static enum err_code
check_key(const struct job *j, struct err *e)
{
	const struct algo *want = algo_get(j->profile->algo);
	struct ca_table *t = atomic_load(&j->set->table);
	struct err why = {0};
	EVP_PKEY *key = NULL;
	size_t i;

	if (want == NULL || j->rq->algo->id != want->id)
		return err_set(e, E_CSR_KEY, "%s takes a %s key, not %s", j->profile->name,
			       want != NULL ? want->name : "known", j->rq->algo->name);
	if (ec_public_key(want, j->rq->point, &key, &why) != E_OK)
		return err_set(e, E_CSR_KEY, "subject's key: %s", why.text);
	EVP_PKEY_free(key);
	for (i = 0; i < t->count; i++)
		if (span_equal(t->cas[i]->cert.point, j->rq->point))
			return err_set(
				e, E_CSR_KEY,
				"the key is that of %s: a CA's key is in one certificate only",
				t->cas[i]->name);
	return E_OK;
}

/* Dates are inclusive (RFC 5280 4.1.2.5): a day is 86400 seconds, not one more (I-6). What was
 * asked for is never cut: what reaches beyond the issuer is refused. */
static enum err_code
choose_validity(struct job *j, struct err *e)
{
	int64_t now = clock_now(), from = j->rq->not_before, to = j->rq->not_after;
	char a[RFC3339_LEN], b[RFC3339_LEN];

	if (from == 0)
		from = now;
	if (to == 0) {
		to = from + j->profile->validity - 1;
		if (j->by->within && to > j->by->not_after)
			to = j->by->not_after;
	}
	clock_format(to, a);
	if (to < from || to < now)
		return err_set(e, E_VALIDITY, "notAfter %s is before %s", a,
			       to < from ? "notBefore" : "now");
	if (to - from + 1 > j->profile->validity_max)
		return err_set(e, E_VALIDITY, "%lld days: %s lives at most %lld (%s)",
			       (long long)((to - from + DAY) / DAY), j->profile->name,
			       (long long)(j->profile->validity_max / DAY), j->profile->clause);
	if (to > j->by->not_after) {
		clock_format(j->by->not_after, b);
		return err_set(e, E_VALIDITY, "notAfter %s is after that of the issuer %s, %s", a,
			       j->by->name, b);
	}
	/* A contract's dates are the contract's own, begun long ago or not. */
	if (j->profile->id != PROFILE_CONTRACT_LEAF && from < now - BACK_DATE_MAX)
		return err_set(e, E_VALIDITY, "notBefore is more than a day ago");
	j->want.not_before = from;
	j->want.not_after = to;
	return E_OK;
}

/* Step 2: serial, dates, the bytes to be signed; the lint reads them back. */
static enum err_code
build(struct job *j, struct err *e)
{
	const struct issue_request *rq = j->rq;
	enum err_code rc;

	if ((rc = serial_make(j->serial, e)) != E_OK)
		return rc;
	hex_encode((struct span){j->serial, SERIAL_LEN}, j->object, sizeof(j->object));
	j->want.profile = j->profile;
	j->want.params = j->set->params;
	j->want.params.crl_url = j->by->crl_url;
	j->want.issuer_algo = j->by->algo;
	j->want.issuer_name = j->by->subject;
	j->want.issuer_ski = j->by->ski;
	j->want.serial = (struct span){j->serial, SERIAL_LEN};
	j->want.algo = rq->algo;
	j->want.point = rq->point;
	j->want.o = rq->o;
	j->want.cn = rq->cn;
	memcpy(j->want.san_dns, rq->san_dns, sizeof(j->want.san_dns));
	if ((rc = tbs_build(&j->want, &j->tbs, e)) != E_OK)
		return rc;
	return lint_tbs(buf_span(&j->tbs), &j->want, j->by->not_after, e);
}

static enum err_code
spki_hash(const struct algo *a, struct span point, uint8_t out[32], struct err *e)
{
	struct buf b = {0};
	size_t mark = der_begin(&b, DER_SEQUENCE);
	enum err_code rc;

	buf_put_span(&b, a->spki_alg);
	der_put_bits(&b, point);
	der_finish(&b, mark);
	if ((rc = buf_ok(&b, e)) == E_OK)
		rc = sha256(buf_span(&b), out, e);
	buf_free(&b);
	return rc;
}

static enum err_code
fill_row(struct job *j, struct err *e)
{
	struct cert_row *r = &j->row;
	const char *who = j->rq->participant != NULL ? j->rq->participant : "";
	enum err_code rc;

	if (!str_copy(r->ca, sizeof(r->ca), j->by->name) ||
	    !str_copy(r->request_id, sizeof(r->request_id), j->rq->request_id) ||
	    !str_copy(r->profile, sizeof(r->profile), j->profile->name) ||
	    !str_copy(r->participant, sizeof(r->participant), who) ||
	    !str_copy(r->subject_cn, sizeof(r->subject_cn), j->rq->cn))
		return err_set(e, E_BAD_VALUE, "a name of the request is longer than 64 octets");
	memcpy(r->serial, j->serial, SERIAL_LEN);
	r->serial_len = SERIAL_LEN;
	r->not_before = j->want.not_before;
	r->not_after = j->want.not_after;
	r->created = clock_now();
	r->state = CERT_INTENT;
	r->claimed = j->rq->answered;
	if ((rc = sha256(buf_span(&j->tbs), r->tbs_hash, e)) != E_OK)
		return rc;
	if ((rc = hash_profile(j->profile, &j->want.params, r->profile_hash, e)) != E_OK)
		return rc;
	return spki_hash(j->rq->algo, j->rq->point, r->spki_hash, e);
}

/* Step 3: what will be signed is on disk before it is signed (I-1), with its audit record (I-2). */
static enum err_code
commit_intent(struct job *j, struct err *e)
{
	struct audit_record a = audit_of(j, "certificate.intent");
	enum err_code rc;

	if ((rc = fill_row(j, e)) != E_OK)
		return rc;
	return cert_store_intent(j->set->db, &j->row, &a, &j->id, e);
}

/* Step 4. */
static enum err_code
sign(struct job *j, struct err *e)
{
	uint8_t digest[DIGEST_MAX];
	struct span data = buf_span(&j->tbs);
	enum err_code rc;

	if (j->by->algo->digest_len != 0) {
		if ((rc = digest_for(j->by->algo, data, digest, e)) != E_OK)
			return rc;
		data = (struct span){digest, j->by->algo->digest_len};
	}
	return hsm_sign(j->key, data, &j->sig, e);
}

/* The certificate, read back from its final bytes: they hold what was linted and committed to
 * (I-5), and the signature is one (F-3). */
static enum err_code
assemble(struct job *j, struct buf *der, struct err *e)
{
	uint8_t hash[SHA256_LEN];
	struct buf raw = {0};
	struct err why = {0};
	struct cert c;
	enum err_code rc;

	if (j->sig.n != j->by->algo->sig_len)
		return err_set(e, E_HSM_SIGN, "a signature of %zu bytes from the key of %s",
			       j->sig.n, j->by->name);
	if ((rc = tbs_finish(buf_span(&j->tbs), j->by->algo, buf_span(&j->sig), der, e)) != E_OK)
		return rc;
	if ((rc = cert_parse(buf_span(der), &c, e)) != E_OK)
		return rc;
	if ((rc = sha256(c.tbs, hash, e)) != E_OK)
		return rc;
	if (memcmp(hash, j->row.tbs_hash, sizeof(hash)) != 0)
		return err_set(e, E_ISSUE_MISMATCH, "what was signed is not what was linted");
	rc = ec_sig_from_der(j->by->algo, c.signature, &raw, &why);
	if (rc == E_OK)
		rc = ec_verify(j->by->algo, j->by->point, c.tbs, buf_span(&raw), &why);
	if (rc != E_OK)
		rc = err_set(e, E_HSM_SIGN, "the token's signature with the key of %s is wrong: %s",
			     j->by->name, why.text);
	buf_free(&raw);
	return rc;
}

/* Step 5. */
static enum err_code
commit_certificate(struct job *j, struct span der, struct err *e)
{
	struct audit_record a = audit_of(j, "certificate.issued");

	return cert_store_issued(j->set->db, j->id, der, &a, e);
}

static enum err_code
ready(struct job *j, struct err *e)
{
	j->key = j->by->key;
	if (j->by->ca == NULL)
		return E_OK;
	if (atomic_load(&j->by->ca->revoked))
		return err_set(e, E_CA_NO_ISSUER, "the certificate of %s is revoked", j->by->name);
	return set_key(j->set, j->by->ca, &j->key, e);
}

static enum err_code
issue_new(struct job *j, struct buf *der, struct err *e)
{
	enum err_code rc;

	if ((rc = ready(j, e)) != E_OK)
		return rc;
	if ((rc = check_key(j, e)) != E_OK)
		return rc;
	if ((rc = choose_validity(j, e)) != E_OK)
		return rc;
	if ((rc = build(j, e)) != E_OK)
		return rc;
	if ((rc = commit_intent(j, e)) != E_OK)
		return rc;
	fault_point("issue-after-intent");
	if ((rc = sign(j, e)) != E_OK)
		return rc;
	if ((rc = assemble(j, der, e)) != E_OK)
		return rc;
	fault_point("issue-after-sign");
	if ((rc = commit_certificate(j, buf_span(der), e)) != E_OK)
		return rc;
	fault_point("issue-after-commit");
	return E_OK;
}

static void
note(const struct job *j, int64_t started, enum err_code rc)
{
	char id[LOG_VALUE_MAX];

	(void)log_quote(j->rq->request_id, id); /* returns id */
	if (rc == E_OK)
		log_event(LOG_LEVEL_INFO, "issue.done",
			  "request=%s ca=%s profile=%s serial=%s us=%lld", id, j->by->name,
			  j->profile->name, j->object, (long long)(clock_mono_us() - started));
	else
		log_event(LOG_LEVEL_WARN, "issue.failed", "request=%s ca=%s profile=%s error=%s",
			  id, j->by->name, j->profile->name, err_name(rc));
}

enum err_code
issue_under(struct ca_set *set, const struct authority *by, const struct issue_request *rq,
	    int64_t *cert_id, struct buf *der, struct err *e)
{
	struct job j = {.set = set, .by = by, .rq = rq, .profile = &profiles[rq->profile]};
	int64_t started = clock_mono_us();
	struct err later = {0};
	struct flight flight;
	bool done;
	enum err_code rc;

	flight_begin(&set->flights, &flight, rq->request_id);
	if ((rc = find_done(&j, &done, cert_id, der, e)) != E_OK || done)
		goto out;
	if ((rc = issue_new(&j, der, e)) == E_OK)
		*cert_id = j.id;
	else if (j.id != 0 && abandon(&j, j.id, &later) != E_OK)
		log_event(LOG_LEVEL_WARN, "issue.left-intent", "serial=%s error=%s", j.object,
			  err_name(later.code)); /* the reconciler finds it */
	note(&j, started, rc);
out:
	flight_end(&set->flights, &flight);
	if (rc != E_OK)
		buf_clear(der);
	buf_free(&j.sig);
	buf_free(&j.tbs);
	return rc;
}

static enum err_code
check_request_id(const char *id, struct err *e)
{
	size_t n = 0;

	while (id != NULL && id[n] > ' ' && id[n] <= '~')
		n++;
	if (n == 0 || n >= REQUEST_ID_MAX || id[n] != '\0')
		return err_set(e, E_BAD_VALUE,
			       "request id: expected 1 to %d printable characters without spaces",
			       REQUEST_ID_MAX - 1);
	if (strncmp(id, CA_REQUEST, strlen(CA_REQUEST)) == 0)
		return err_set(e, E_BAD_VALUE, "request id: \"" CA_REQUEST "\" is for ceremonies");
	return E_OK;
}

static enum err_code
check_request(const struct issue_request *rq, struct err *e)
{
	if (rq->profile >= PROFILE_COUNT || hierarchy[rq->profile].ceremony)
		return err_set(e, E_PROFILE_UNKNOWN,
			       "profile %d is not one that is issued on request", (int)rq->profile);
	if (rq->cn == NULL || rq->cn[0] == '\0' || rq->algo == NULL)
		return err_set(e, E_BAD_VALUE, "CN or key of the subject is missing");
	return check_request_id(rq->request_id, e);
}

enum err_code
ca_issue(struct ca_set *set, const struct issue_request *rq, struct issued *out, struct err *e)
{
	struct authority by;
	struct ca *ca = NULL;
	enum err_code rc;

	*out = (struct issued){0};
	if ((rc = check_request(rq, e)) != E_OK)
		return rc;
	if ((rc = set_issuer(set, rq->profile, rq->ca, &ca, e)) != E_OK)
		return rc;
	by = issue_authority(ca);
	if ((rc = issue_under(set, &by, rq, &out->cert_id, &out->leaf, e)) != E_OK)
		goto out;
	rc = set_chain(ca, out, e);
out:
	if (rc != E_OK)
		issued_free(out);
	return rc;
}

enum err_code
ca_claim(struct ca_set *set, int64_t cert_id, struct err *e)
{
	return cert_store_claim(set->db, cert_id, e);
}
