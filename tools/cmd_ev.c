/* SPDX-License-Identifier: Apache-2.0 */
/* v2gpki ev: a car on the command line. It asks for a contract with its provisioning key and opens
 * what comes back as a car does. Works without the daemon. */
#include "tools/commands.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/ec.h"
#include "base/str.h"
#include "iso15118/install.h"
#include "policy/cert.h"
#include "policy/chain.h"
#include "tools/file.h"
#include "tools/options.h"

#define PEM_MAX        65536 /* bytes of a file */
#define SESSION_ID_LEN 8

struct ev_options {
	struct common common;
	const char *cert, *key, *session, *req, *out_key, *out_chain;
	const char *roots[ISO2_ROOTS_MAX];
	size_t root_count;
	struct arguments args;
};

/* Certificates of several files, DER. */
struct certs {
	struct buf der[ISO2_ROOTS_MAX];
	size_t n;
};

struct car_key {
	const struct algo *algo;
	struct secret scalar;
	struct buf point;
};

static void
certs_free(struct certs *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		buf_free(&c->der[i]);
	c->n = 0;
}

/* --root may stand there several times: all of them are taken out of argv. */
static bool
take_roots(struct ev_options *o)
{
	char **argv = o->args.v;
	int from, to = 1;

	for (from = 1; from < o->args.n; from++) {
		const char *value = NULL;

		if (strcmp(argv[from], "--root") == 0 && from + 1 < o->args.n)
			value = argv[++from];
		else if (strncmp(argv[from], "--root=", 7) == 0)
			value = argv[from] + 7;
		if (value == NULL) {
			argv[to++] = argv[from];
		} else if (o->root_count == ISO2_ROOTS_MAX) {
			fprintf(stderr, "v2gpki ev: at most %d roots\n", ISO2_ROOTS_MAX);
			return false;
		} else {
			o->roots[o->root_count++] = value;
		}
	}
	argv[to] = NULL;
	o->args.n = to;
	return true;
}

/* Every certificate of a file (PEM with one or more, or DER), appended. */
static enum err_code
read_certs(const char *path, struct certs *out, struct err *e)
{
	struct buf file = {0};
	struct span pem;
	size_t before = out->n;
	enum err_code rc;

	if ((rc = file_read(path, PEM_MAX, &file, e)) != E_OK)
		goto out;
	pem = buf_span(&file);
	if (file.n > 0 && file.p[0] == 0x30 && out->n < ISO2_ROOTS_MAX) {
		out->der[out->n++] = file;
		return E_OK;
	}
	while (out->n < ISO2_ROOTS_MAX && (rc = cert_from_pem(&pem, &out->der[out->n], e)) == E_OK)
		out->n++;
	if (rc == E_NOT_FOUND && out->n > before) {
		err_clear(e);
		rc = E_OK;
	}
	err_context(e, "%s", path);
out:
	buf_free(&file);
	return rc;
}

static enum err_code
read_roots(const struct ev_options *o, struct certs *out, struct err *e)
{
	enum err_code rc;
	size_t i;

	if (o->root_count == 0)
		return err_set(e, E_USAGE, "--root is needed: a V2G root that the car holds");
	for (i = 0; i < o->root_count; i++)
		if ((rc = read_certs(o->roots[i], out, e)) != E_OK)
			return rc;
	return E_OK;
}

static enum err_code
read_key(const char *path, struct car_key *k, struct err *e)
{
	struct buf file = {0};
	enum err_code rc;

	if (path == NULL)
		return err_set(e, E_USAGE, "--key is needed: the car's provisioning key");
	if ((rc = file_read(path, PEM_MAX, &file, e)) == E_OK)
		rc = ec_private_from_pem(buf_span(&file), &k->algo, &k->scalar, &k->point, e);
	if (rc == E_OK && k->algo->id != ALGO_P256)
		rc = err_set(e, E_BAD_VALUE, "a %s key: ISO 15118-2 cars have secp256r1 [V2G2-007]",
			     k->algo->name);
	err_context(e, "%s", path);
	OPENSSL_cleanse(file.p, file.cap);
	buf_free(&file);
	return rc;
}

static void
key_free(struct car_key *k)
{
	secret_free(&k->scalar);
	buf_free(&k->point);
}

static enum err_code
session_id(const struct ev_options *o, struct buf *out, struct err *e)
{
	uint8_t *at;
	enum err_code rc;

	if (o->session == NULL) {
		at = buf_grow(out, SESSION_ID_LEN);
		return at == NULL ? buf_ok(out, e) : random_bytes(at, SESSION_ID_LEN, e);
	}
	if ((rc = hex_decode(span_str(o->session), out, e)) != E_OK)
		return rc;
	if (out->n < 1 || out->n > ISO2_SESSION_ID_MAX)
		return err_set(e, E_BAD_VALUE, "--session has %zu bytes: expected 1 to %d", out->n,
			       ISO2_SESSION_ID_MAX);
	return E_OK;
}

/* X509IssuerSerial of each root: issuer and serial number of a self-signed certificate are the
 * root's own. names keeps the texts. */
static enum err_code
root_ids(const struct certs *roots, struct buf *names, struct iso2_root_id *ids, struct err *e)
{
	struct cert c;
	enum err_code rc;
	size_t i;

	for (i = 0; i < roots->n; i++) {
		if ((rc = cert_parse(buf_span(&roots->der[i]), &c, e)) != E_OK)
			return rc;
		if ((rc = name_to_text(c.issuer, true, &names[i], e)) != E_OK)
			return rc;
		ids[i] = (struct iso2_root_id){buf_span(&names[i]), c.serial, false};
	}
	return E_OK;
}

static enum err_code
write_out(const char *path, mode_t mode, struct span s, struct err *e)
{
	if (path != NULL)
		return file_write(path, mode, s, e);
	if (fwrite(s.p, 1, s.n, stdout) != s.n || fflush(stdout) != 0)
		return err_set(e, E_IO, "standard output cannot be written");
	return E_OK;
}

static enum err_code
request(const struct ev_options *o, struct err *e)
{
	struct certs leaf = {0}, roots = {0};
	struct car_key key = {0};
	struct iso2_root_id ids[ISO2_ROOTS_MAX];
	struct buf names[ISO2_ROOTS_MAX] = {0}, session = {0}, exi = {0};
	enum err_code rc;
	size_t i;

	if (o->cert == NULL)
		rc = err_set(e, E_USAGE, "--cert is needed: the car's provisioning certificate");
	else
		rc = read_certs(o->cert, &leaf, e);
	if (rc != E_OK || (rc = read_key(o->key, &key, e)) != E_OK)
		goto out;
	if ((rc = read_roots(o, &roots, e)) != E_OK)
		goto out;
	if ((rc = root_ids(&roots, names, ids, e)) != E_OK)
		goto out;
	if ((rc = session_id(o, &session, e)) != E_OK)
		goto out;
	rc = install_req_make(&(struct install_req){buf_span(&session), buf_span(&leaf.der[0]),
						    &key.scalar, ids, (unsigned)roots.n},
			      &exi, e);
	if (rc == E_OK)
		rc = write_out(o->common.out, 0644, buf_span(&exi), e);
out:
	buf_free(&exi);
	buf_free(&session);
	for (i = 0; i < ISO2_ROOTS_MAX; i++)
		buf_free(&names[i]);
	key_free(&key);
	certs_free(&roots);
	certs_free(&leaf);
	return rc;
}

/* The signer's chain as a car looks at it: to one of its V2G roots, valid now, DC=CPS in the leaf.
 */
static enum err_code
check_cps_chain(const struct iso2_msg *m, const struct certs *roots, struct err *e)
{
	const struct iso2_chain *sa = &m->sa_chain;
	struct chain chain = {.leaf = sa->leaf, .edition = EDITION_2};
	struct span anchors[ISO2_ROOTS_MAX];
	struct cert leaf;
	size_t i, anchor = 0;
	enum err_code rc;

	if (sa->n_sub < 1 || sa->n_sub > 2)
		return err_set(e, E_CERT_CHAIN,
			       "%u Sub-CAs in SAProvisioningCertificateChain: "
			       "expected 1 or 2 [V2G2-009]",
			       sa->n_sub);
	if (sa->n_sub == 2)
		chain.sub2 = sa->sub[0];
	chain.sub1 = sa->sub[sa->n_sub - 1];
	for (i = 0; i < roots->n; i++)
		anchors[i] = buf_span(&roots->der[i]);
	if ((rc = chain_verify(&chain, anchors, roots->n, clock_now(), &anchor, e)) != E_OK)
		return rc;
	if ((rc = cert_parse(sa->leaf, &leaf, e)) != E_OK)
		return rc;
	if (!span_equal(name_attr(leaf.subject, OID_DC), SPAN_LIT("CPS")))
		return err_set(e, E_CERT_PROFILE,
			       "the signer's certificate has no DC=CPS (ISO 15118-2 Annex F.3)");
	return E_OK;
}

static enum err_code
check_session(const struct ev_options *o, const struct iso2_msg *res, struct err *e)
{
	struct buf file = {0};
	struct iso2_msg req = {0};
	enum err_code rc;

	if (o->req == NULL)
		return E_OK;
	if ((rc = file_read(o->req, EXI_INPUT_MAX, &file, e)) == E_OK)
		rc = iso2_decode(buf_span(&file), &req, e);
	if (rc == E_OK && !span_equal(req.session_id, res->session_id))
		rc = err_set(e, E_MSG_CONTENT, "the answer has another SessionID than the request");
	iso2_msg_free(&req);
	buf_free(&file);
	return rc;
}

static enum err_code
write_chain(const struct ev_options *o, const struct iso2_msg *m, struct err *e)
{
	struct buf pem = {0};
	unsigned i;
	enum err_code rc;

	cert_to_pem(m->contract_chain.leaf, &pem);
	for (i = 0; i < m->contract_chain.n_sub; i++)
		cert_to_pem(m->contract_chain.sub[i], &pem);
	if ((rc = buf_ok(&pem, e)) == E_OK && o->out_chain != NULL)
		rc = file_write(o->out_chain, 0644, buf_span(&pem), e);
	buf_free(&pem);
	return rc;
}

static enum err_code
write_key(const struct ev_options *o, const struct secret *scalar, struct err *e)
{
	struct secret pem = {0};
	enum err_code rc = E_OK;

	if (o->out_key != NULL &&
	    (rc = ec_private_to_pem(algo_get(ALGO_P256), scalar, &pem, e)) == E_OK)
		rc = file_write(o->out_key, 0600, secret_span(&pem), e);
	secret_free(&pem);
	return rc;
}

static void
say(const struct iso2_msg *m)
{
	struct cert c;
	char when[RFC3339_LEN] = "?";

	if (cert_parse(m->contract_chain.leaf, &c, NULL) == E_OK)
		clock_format(c.not_after, when);
	printf("contract %.*s until %s: signature verifies, the CPS chain reaches a root of the "
	       "car, the key opens and fits the certificate\n",
	       (int)m->emaid.value.n, (const char *)m->emaid.value.p, when);
}

static enum err_code
open_bundle(const struct ev_options *o, const struct iso2_msg *m, struct err *e)
{
	struct certs roots = {0};
	struct car_key key = {0};
	struct secret scalar = {0};
	enum err_code rc;

	if ((rc = read_key(o->key, &key, e)) != E_OK)
		goto out;
	if ((rc = read_roots(o, &roots, e)) != E_OK)
		goto out;
	if (m->kind == ISO2_INSTALL_RES && m->code >= ISO2_FAILED) {
		rc = err_set(e, E_NOT_FOUND, "no contract: the answer says %s",
			     iso2_response_name(m->code));
		goto out;
	}
	if ((rc = check_cps_chain(m, &roots, e)) != E_OK)
		goto out;
	if ((rc = install_res_verify(m, &key.scalar, &scalar, e)) != E_OK)
		goto out;
	if ((rc = check_session(o, m, e)) != E_OK)
		goto out;
	if ((rc = write_chain(o, m, e)) != E_OK)
		goto out;
	if ((rc = write_key(o, &scalar, e)) == E_OK)
		say(m);
out:
	secret_free(&scalar);
	key_free(&key);
	certs_free(&roots);
	return rc;
}

static enum err_code
install(const struct ev_options *o, struct err *e)
{
	struct buf exi = {0};
	struct iso2_msg m = {0};
	enum err_code rc;

	if ((rc = file_read(o->args.v[0], EXI_INPUT_MAX, &exi, e)) != E_OK)
		goto out;
	if ((rc = iso2_decode(buf_span(&exi), &m, e)) != E_OK)
		goto out;
	rc = open_bundle(o, &m, e);
out:
	iso2_msg_free(&m);
	buf_free(&exi);
	return rc;
}

static int
run(const struct usage *u, const struct opt *own, size_t count, struct ev_options *o,
    enum err_code (*act)(const struct ev_options *, struct err *))
{
	struct err e = {0};
	int status = EXIT_USAGE;

	if (!take_roots(o) || !options_parse(u, own, count, &o->common, &o->args, &status))
		return status;
	return report(act(o, &e), &e);
}

static int
ev_request(int argc, char **argv)
{
	struct ev_options o = {.args = {argv, argc}};
	const struct opt own[] = {
		{"cert", "P.pem", &o.cert, NULL, "provisioning certificate of the car"},
		{"key", "P.key", &o.key, NULL, "its private key"},
		{"root", "ROOT.pem", &o.roots[0], NULL, "V2G roots the car holds (repeatable)"},
		{"session", "HEX", &o.session, NULL, "SessionID, 1 to 8 bytes (default: random)"},
	};
	const struct usage u = {"v2gpki ev request",
				"",
				"Makes a signed CertificateInstallationReq (ISO 15118-2 8.4.3.11).",
				0,
				0,
				false,
				"Writes EXI to standard output, or to the file of -o."};

	return run(&u, own, ARRAY_LEN(own), &o, request);
}

static int
ev_install(int argc, char **argv)
{
	struct ev_options o = {.args = {argv, argc}};
	const struct opt own[] = {
		{"key", "P.key", &o.key, NULL, "private key of the car"},
		{"root", "ROOT.pem", &o.roots[0], NULL, "V2G roots the car holds (repeatable)"},
		{"req", "REQ.exi", &o.req, NULL, "the request: the SessionID has to be the same"},
		{"out-key", "C.key", &o.out_key, NULL, "where the contract key goes (PEM, 0600)"},
		{"out-chain", "C.pem", &o.out_chain, NULL, "where the contract chain goes (PEM)"},
	};
	const struct usage u = {
		"v2gpki ev install",
		"RES.exi",
		"Verifies a CertificateInstallationRes as a car does, unwraps the contract key and "
		"proves that it fits the contract certificate.",
		1,
		1,
		false,
		"Status 4 when the answer says that there is no contract, 3 when it is refused."};

	return run(&u, own, ARRAY_LEN(own), &o, install);
}

int
cmd_ev(int argc, char **argv)
{
	static const struct command table[] = {
		{"request", ev_request, "ask for a contract"},
		{"install", ev_install, "verify a bundle and open it"},
	};

	return commands_run("v2gpki ev", table, ARRAY_LEN(table), argc, argv);
}
