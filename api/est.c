/* SPDX-License-Identifier: Apache-2.0 */
#include "api/est.h"

#include "base/str.h"
#include "policy/csr.h"
#include "policy/pkcs7.h"

#include <string.h>
#include <strings.h>

#define EST_BODY_MAX   16384 /* bytes of a request in any encoding */
#define DEFAULT_ENROLL "/.well-known/est/simpleenroll"
#define LINE_DEFAULT   76 /* characters: as live services wrap (spec/clients) */

/* Labels of OPCP's {ca}, what stands behind them, and whether this service enrols there. */
static const struct label {
	const char *name;
	enum call call;
	enum profile_id leaf;
	bool edition_20; /* exists for ISO 15118-20 only */
	bool enrols;
} labels[] = {
	{"cpo", CALL_EST_CPO, PROFILE_SECC_LEAF, false, true},
	{"mo", CALL_EST_MO, PROFILE_CONTRACT_LEAF, false, false},
	{"oem", CALL_EST_OEM, PROFILE_PROVISIONING_LEAF, false, false},
	{"cps", CALL_EST_CPS, PROFILE_CPS_LEAF, false, false},
	{"veh", CALL_EST_VEH, PROFILE_COUNT, true, false},
};

static const struct label *
label_by_call(enum call call)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(labels); i++)
		if (labels[i].call == call)
			return &labels[i];
	return NULL;
}

/* "cpo", or one word and a hyphen in front of it, as the route table takes it. */
static const struct label *
label_by_name(const char *name)
{
	const char *last = strrchr(name, '-');
	size_t i;

	if (last != NULL)
		name = last + 1;
	for (i = 0; i < ARRAY_LEN(labels); i++)
		if (strcmp(labels[i].name, name) == 0)
			return &labels[i];
	return NULL;
}

/* --- {iso-version} and {algorithm} --- */

static enum err_code
check_edition(struct request *rq, const struct label *l, const char *iso)
{
	const char *xmlns = request_query(rq, "xsdMsgDefNamespace");
	enum edition named = xmlns == NULL ? EDITION_2 : edition_from_namespace(xmlns);

	if (iso != NULL && strcasecmp(iso, "ISO15118-2") != 0 &&
	    strcasecmp(iso, "ISO15118-20") != 0)
		return err_set(&rq->err, E_BAD_VALUE,
			       "iso-version: expected ISO15118-2 or ISO15118-20");
	if (named == EDITION_NONE)
		return err_set(&rq->err, E_NAMESPACE, "xsdMsgDefNamespace: expected %s",
			       NAMESPACE_2);
	if (l->edition_20 || named == EDITION_20 ||
	    (iso != NULL && strcasecmp(iso, "ISO15118-20") == 0))
		return err_set(&rq->err, E_EDITION,
			       "ISO 15118-20 is not enabled here: expected ISO15118-2");
	return E_OK;
}

static enum err_code
check_algorithm(struct request *rq, const char *name)
{
	const char *only = algo_get(ALGO_P256)->name;

	if (name == NULL || strcmp(name, only) == 0)
		return E_OK;
	if (algo_by_name(name) != NULL)
		return err_set(&rq->err, E_EDITION,
			       "algorithm %s belongs to ISO 15118-20, which is not enabled here: "
			       "expected %s",
			       name, only);
	return err_set(&rq->err, E_BAD_VALUE,
		       "algorithm: expected %s (or secp521r1, ed448 with ISO15118-20)", only);
}

/* --- answers --- */

static bool
wants_pem(const struct request *rq)
{
	const char *accept = request_header(rq, "Accept");

	return accept != NULL && strcasestr(accept, "application/pem-certificate-chain") != NULL;
}

static enum err_code
reply_pem(struct request *rq, const struct span *certs, size_t n)
{
	struct buf text = {0};
	size_t i;
	enum err_code rc;

	for (i = 0; i < n; i++)
		if (certs[i].n > 0)
			cert_to_pem(certs[i], &text);
	rc = buf_ok(&text, &rq->err);
	if (rc == E_OK)
		rc = reply_bytes(rq, 200, "application/pem-certificate-chain", buf_span(&text));
	buf_free(&text);
	return rc;
}

/* strongSwan's decoder stops at a line break, libest needs them (spec/clients). */
static size_t
line_length(const struct request *rq)
{
	if (strncmp(rq->route->path, "/unwrapped/", 11) == 0)
		return 0;
	return rq->app->conf == NULL ? LINE_DEFAULT
				     : (size_t)conf_int(rq->app->conf, "est.line_length");
}

/* RFC 7030 4.1.3, 4.2.3: PKCS#7 certs-only, base64. */
static enum err_code
reply_pkcs7(struct request *rq, const struct span *certs, size_t n)
{
	struct buf der = {0}, text = {0};
	enum err_code rc = pkcs7_certs_only(certs, n, &der, &rq->err);

	if (rc == E_OK) {
		base64_encode(buf_span(&der), line_length(rq), &text);
		rc = buf_ok(&text, &rq->err);
	}
	if (rc == E_OK) {
		reply_header(rq, "Content-Transfer-Encoding", "base64");
		rc = reply_bytes(rq, 200, "application/pkcs7-mime; smime-type=certs-only",
				 buf_span(&text));
	}
	buf_free(&text);
	buf_free(&der);
	return rc;
}

/* --- cacerts --- */

static enum err_code
reply_chain(struct request *rq, const struct label *l)
{
	struct issued chain = {0};
	struct span certs[3];
	size_t n = 0;
	enum err_code rc = ca_chain(rq->app->ca, l->leaf, NULL, &chain, &rq->err);

	/* Sub 2, Sub 1, root: clients take the last for the root (spec/clients) */
	if (rc == E_OK && chain.sub2.n > 0)
		certs[n++] = buf_span(&chain.sub2);
	if (rc == E_OK && chain.sub1.n > 0)
		certs[n++] = buf_span(&chain.sub1);
	if (rc == E_OK && chain.root.n > 0)
		certs[n++] = buf_span(&chain.root);
	if (rc == E_OK)
		rc = wants_pem(rq) ? reply_pem(rq, certs, n) : reply_pkcs7(rq, certs, n);
	issued_free(&chain);
	return rc;
}

static enum err_code
chain_of(struct request *rq, const char *label, const char *iso, const char *algorithm)
{
	const struct label *l = label_by_name(label);
	enum err_code rc;

	if (l == NULL)
		return err_set(&rq->err, E_NO_ROUTE, "there is no such path");
	if ((rc = check_edition(rq, l, iso)) != E_OK ||
	    (rc = check_algorithm(rq, algorithm)) != E_OK)
		return rc;
	return reply_chain(rq, l);
}

static enum err_code
get_cacerts(struct request *rq)
{
	return chain_of(rq, rq->args[0], rq->args[1], rq->args[2]);
}

/* What /.well-known/est/{operation} without a label stands for. */
static const char *
default_label(const struct request *rq)
{
	return rq->app->conf == NULL ? "cpo" : conf_str(rq->app->conf, "est.default_label");
}

static enum err_code
get_default_cacerts(struct request *rq)
{
	return chain_of(rq, default_label(rq), NULL, NULL);
}

/* --- simpleenroll --- */

static enum err_code
check_media_type(struct request *rq)
{
	static const char *const taken[] = {"application/pkcs10", "application/x-pkcs10",
					    "application/octet-stream", "text/plain"};
	const char *type = request_header(rq, "Content-Type");
	size_t i;

	if (type == NULL)
		return E_OK;
	for (i = 0; i < ARRAY_LEN(taken); i++) {
		size_t n = strlen(taken[i]);

		if (strncasecmp(type, taken[i], n) == 0 &&
		    (type[n] == '\0' || type[n] == ';' || type[n] == ' '))
			return E_OK;
	}
	return err_set(&rq->err, E_MEDIA_TYPE, "Content-Type: expected application/pkcs10");
}

/* The request as a certificate signing request for a station of the caller. */
static enum err_code
read_csr(struct request *rq, struct buf *der, struct csr *csr)
{
	struct station_id station;
	enum err_code rc;

	if ((rc = check_media_type(rq)) != E_OK ||
	    (rc = csr_from_body(rq->body, der, &rq->err)) != E_OK ||
	    (rc = csr_parse(buf_span(der), csr, &rq->err)) != E_OK)
		return rc;
	if (csr->algo->id != ALGO_P256)
		return err_set(&rq->err, E_CSR_KEY, "public key: found %s, expected secp256r1",
			       csr->algo->name);
	if (csr->cn[0] == '\0')
		return err_set(&rq->err, E_CSR_SUBJECT,
			       "subject: expected a CN with the EVSEID or SECCID");
	if ((rc = station_parse(csr->cn, &station, &rq->err)) != E_OK) {
		err_context(&rq->err, "subject, CN");
		return rc;
	}
	return request_scope(rq, csr->cn);
}

/* Nobody but the station will hold the certificate: it is claimed as soon as it exists. */
static enum err_code
issue_leaf(struct request *rq, const struct label *l, const struct csr *csr, struct issued *out)
{
	struct issue_request ir = {
		.request_id = rq->id,
		.profile = l->leaf,
		.algo = csr->algo,
		.point = csr->point,
		.o = csr->o[0] == '\0' ? NULL : csr->o,
		.cn = csr->cn,
		.participant = rq->who.id,
		.answered = true,
	};

	return ca_issue(rq->app->ca, &ir, out, &rq->err);
}

static enum err_code
post_enroll(struct request *rq)
{
	const struct label *l = label_by_call(rq->route->call);
	struct issued issued = {0};
	struct buf der = {0};
	struct csr csr;
	enum err_code rc;

	if (l == NULL)
		return err_set(&rq->err, E_INTERNAL, "a route of EST without a label");
	if ((rc = check_edition(rq, l, rq->args[0])) != E_OK ||
	    (rc = check_algorithm(rq, rq->args[1])) != E_OK)
		return rc;
	if (strcmp(rq->route->path, DEFAULT_ENROLL) == 0 && strcmp(default_label(rq), l->name) != 0)
		return err_set(&rq->err, E_EST_LABEL, "this path stands for label %s: use %s",
			       default_label(rq), "/.well-known/est/cpo/simpleenroll");
	if (!l->enrols)
		return err_set(&rq->err, E_EST_LABEL, "label %s: this service enrols at cpo only",
			       l->name);
	if ((rc = read_csr(rq, &der, &csr)) == E_OK &&
	    (rc = issue_leaf(rq, l, &csr, &issued)) == E_OK) {
		const struct span certs[] = {buf_span(&issued.leaf), buf_span(&issued.sub2),
					     buf_span(&issued.sub1)};

		/* leaf alone: what live services answer (spec/protocols 2.5) */
		rc = wants_pem(rq) ? reply_pem(rq, certs, ARRAY_LEN(certs))
				   : reply_pkcs7(rq, certs, 1);
	}
	issued_free(&issued);
	buf_free(&der);
	return rc;
}

/* clang-format off */
#define ENROLL(path, call)                                                                         \
	{LISTEN_PARTICIPANT, "POST", path, post_enroll, WHO_CALLER, call, SUBJECT_BODY, SLOW, true, \
	 EST_BODY_MAX}
#define ENROLL_LABEL(label, call)                                                                  \
	ENROLL("/.well-known/est/~" label "/simpleenroll/{iso?}/{algorithm?}/", call),             \
	ENROLL("/.well-known/~" label "/simpleenroll/{iso?}/{algorithm?}/", call),                 \
	ENROLL("/~" label "/simpleenroll/{iso?}/{algorithm?}/", call),                             \
	ENROLL("/unwrapped/~" label "/.well-known/est/simpleenroll", call)
#define CACERTS(path, handler, who)                                                                \
	{LISTEN_PARTICIPANT, "GET", path, handler, who, CALL_EST_CACERTS, SUBJECT_NONE, FAST, false, 0}

const struct route routes_est[] = {
	ENROLL(DEFAULT_ENROLL, CALL_EST_CPO),
	ENROLL_LABEL("cpo", CALL_EST_CPO),
	ENROLL_LABEL("mo", CALL_EST_MO),
	ENROLL_LABEL("oem", CALL_EST_OEM),
	ENROLL_LABEL("cps", CALL_EST_CPS),
	ENROLL_LABEL("veh", CALL_EST_VEH),
	CACERTS("/.well-known/est/cacerts", get_default_cacerts, WHO_CALLER),
	CACERTS("/.well-known/est/{label}/cacerts/{iso?}/{algorithm?}/", get_cacerts, WHO_CALLER),
	CACERTS("/.well-known/{label}/cacerts/{iso?}/{algorithm?}/", get_cacerts, WHO_CALLER),
	CACERTS("/{label}/cacerts/{iso?}/{algorithm?}/", get_cacerts, WHO_CALLER),
	/* strongSwan's pki --estca has no credentials to send; RFC 7030 4.1.1 wants none */
	CACERTS("/unwrapped/{label}/.well-known/est/cacerts", get_cacerts, WHO_ANYONE),
	{0},
};
/* clang-format on */
