/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/ec.h"
#include "base/fault.h"
#include "base/str.h"
#include "db/party_store.h"
#include "tools/init.h"

#define ADMIN_ID     "admin"
#define PEM_MAX      65536               /* bytes of a certificate file */
#define RENEW_BEFORE (30 * (int64_t)DAY) /* seconds before the end */
#define PEM_KEY_MAX  4096                /* bytes of a key file */
#define REQUEST_HEX  16                  /* bytes of the key's hash in a request id */
#define HOST_MAX     64

/* One certificate of the service root with a software key. */
struct software_cert {
	const char *key_path, *cert_path;
	enum profile_id profile;
	const char *cn, *participant;
	const char *san[4];
};

/* The public point of the key file, which is made (PKCS#8 PEM, 0600) unless it is there. */
static enum err_code
key_file(const char *path, struct buf *point, bool *made, struct err *e)
{
	const struct algo *a = algo_get(ALGO_P256), *found = NULL;
	struct secret scalar = {0}, pem = {0};
	enum err_code rc;

	if (path_exists(path)) {
		if ((rc = file_read_secret(path, PEM_KEY_MAX, &pem, e)) == E_OK)
			rc = ec_private_from_pem(secret_span(&pem), &found, &scalar, point, e);
	} else {
		*made = true;
		if ((rc = ec_generate(a, &scalar, point, e)) == E_OK &&
		    (rc = ec_private_to_pem(a, &scalar, &pem, e)) == E_OK)
			rc = file_write(path, 0600, secret_span(&pem), e);
	}
	if (rc != E_OK)
		err_context(e, "%s", path);
	secret_free(&pem);
	secret_free(&scalar);
	return rc;
}

/* The request id follows from the key, the name and the certificate to be replaced, so that a run
 * after a crash gets the same certificate, and a renewal a new one. */
static enum err_code
request_id(const struct software_cert *sc, struct span point, char out[REQUEST_ID_MAX],
	   struct err *e)
{
	char hex[HEX_LEN(REQUEST_HEX)];
	uint8_t hash[SHA256_LEN];
	struct buf all = {0};
	enum err_code rc = E_OK;

	buf_put_span(&all, point);
	buf_put_str(&all, sc->cn);
	if (path_exists(sc->cert_path))
		rc = file_read(sc->cert_path, PEM_MAX, &all, e);
	if (rc == E_OK && (rc = buf_ok(&all, e)) == E_OK)
		rc = sha256(buf_span(&all), hash, e);
	buf_free(&all);
	if (rc != E_OK)
		return rc;
	hex_encode((struct span){hash, REQUEST_HEX}, hex, sizeof(hex));
	(void)snprintf(out, REQUEST_ID_MAX, "init-%s", hex); /* fits */
	return E_OK;
}

static enum err_code
issue(struct init *in, const struct software_cert *sc, struct span point, struct err *e)
{
	char id[REQUEST_ID_MAX];
	struct issue_request rq = {
		.request_id = id,
		.profile = sc->profile,
		.algo = algo_get(ALGO_P256),
		.point = point,
		.o = conf_str(in->conf, "pki.name"),
		.cn = sc->cn,
		.participant = sc->participant,
		.san_dns = {sc->san[0], sc->san[1], sc->san[2], sc->san[3]},
	};
	struct issued out = {0};
	struct buf pem = {0};
	enum err_code rc;

	if ((rc = request_id(sc, point, id, e)) != E_OK)
		return rc;
	if ((rc = ca_issue(in->rt.ca, &rq, &out, e)) == E_OK &&
	    (rc = ca_claim(in->rt.ca, out.cert_id, e)) == E_OK) {
		fault_point("init.cert-issued");
		cert_to_pem(buf_span(&out.leaf), &pem);
		if ((rc = buf_ok(&pem, e)) == E_OK)
			rc = file_write(sc->cert_path, 0644, buf_span(&pem), e);
	}
	buf_free(&pem);
	issued_free(&out);
	return rc;
}

/* Whether the certificate file is there, is for this name and does not expire soon. */
static bool
is_good(const struct software_cert *sc)
{
	struct buf text = {0}, der = {0};
	struct cert cert;
	struct span rest;
	bool good = false;

	if (file_read(sc->cert_path, PEM_MAX, &text, NULL) == E_OK) {
		rest = buf_span(&text);
		good = cert_from_pem(&rest, &der, NULL) == E_OK &&
		       cert_parse(buf_span(&der), &cert, NULL) == E_OK &&
		       span_equal(name_attr(cert.subject, OID_CN), span_str(sc->cn)) &&
		       cert.not_after > clock_now() + RENEW_BEFORE;
	}
	buf_free(&text);
	buf_free(&der);
	return good;
}

static enum err_code
software_cert(struct init *in, const struct software_cert *sc, bool *made, struct err *e)
{
	struct buf point = {0};
	enum err_code rc;

	rc = key_file(sc->key_path, &point, made, e);
	fault_point("init.key-made");
	if (rc == E_OK && !is_good(sc)) {
		*made = true;
		rc = issue(in, sc, buf_span(&point), e);
	}
	buf_free(&point);
	return rc;
}

/* The host of "https://host:port/path", without the brackets of an IPv6 address. */
static enum err_code
host_of(const char *url, char out[HOST_MAX], struct err *e)
{
	const char *at = strstr(url, "://");
	size_t n;

	at = at == NULL ? url : at + 3;
	n = at[0] == '[' ? strcspn(++at, "]") : strcspn(at, ":/");
	if (n == 0 || !str_copy_span(out, HOST_MAX, (struct span){(const uint8_t *)at, n}))
		return err_set(e, E_BAD_VALUE,
			       "public URL %s: expected a host of 1 to %d characters", url,
			       HOST_MAX - 1);
	return E_OK;
}

enum err_code
init_tls(struct init *in, bool *made, struct err *e)
{
	static const char *const always[] = {"localhost", "127.0.0.1"};
	struct software_cert sc = {
		.key_path = conf_str(in->conf, "tls.key"),
		.cert_path = conf_str(in->conf, "tls.cert"),
		.profile = PROFILE_SERVICE_TLS_SERVER,
		.participant = "system",
	};
	char host[HOST_MAX];
	size_t n = 0, i;
	enum err_code rc;

	if ((rc = host_of(conf_str(in->conf, "pki.public_url"), host, e)) != E_OK)
		return rc;
	sc.cn = host;
	sc.san[n++] = host;
	for (i = 0; i < ARRAY_LEN(always); i++)
		if (strcmp(always[i], host) != 0)
			sc.san[n++] = always[i];
	return software_cert(in, &sc, made, e);
}

static enum err_code
admin_party(struct init *in, bool *made, struct err *e)
{
	static const struct audit_record audit = {
		.actor = "init", .action = "participant.created", .object = ADMIN_ID};
	struct party p = {.id = ADMIN_ID, .name = "first administrator", .roles = ROLE_ADMIN};
	struct party there;
	enum err_code rc;

	rc = party_store_get(in->rt.db, ADMIN_ID, &there, NULL);
	if (rc == E_OK)
		return E_OK;
	p.created = p.changed = clock_now();
	*made = true;
	return party_store_put(in->rt.db, &p, &audit, e);
}

enum err_code
init_admin(struct init *in, bool *made, struct err *e)
{
	char key[PATH_MAX], cert[PATH_MAX];
	struct software_cert sc = {
		.key_path = key,
		.cert_path = cert,
		.profile = PROFILE_SERVICE_TLS_CLIENT,
		.cn = ADMIN_ID,
		.participant = ADMIN_ID,
	};
	enum err_code rc;

	if ((rc = path_join(key, in->home, "admin.key", e)) != E_OK ||
	    (rc = path_join(cert, in->home, "admin.pem", e)) != E_OK ||
	    (rc = admin_party(in, made, e)) != E_OK)
		return rc;
	fault_point("init.admin-made");
	return software_cert(in, &sc, made, e);
}

static enum err_code
export_one(struct init *in, const char *ca, const char *folder, const char *file, bool *made,
	   struct err *e)
{
	char path[PATH_MAX];
	struct buf der = {0}, pem = {0};
	enum err_code rc;

	if ((rc = path_join(path, folder, file, e)) != E_OK || path_exists(path))
		return rc;
	if ((rc = ca_cert(in->rt.ca, ca, &der, e)) == E_OK) {
		cert_to_pem(buf_span(&der), &pem);
		if ((rc = buf_ok(&pem, e)) == E_OK)
			rc = file_write(path, 0644, buf_span(&pem), e);
		*made = true;
	}
	buf_free(&der);
	buf_free(&pem);
	return rc;
}

/* Certificates for people and programs beside the daemon: ca.pem is what TLS clients trust, pki/
 * has one file per CA. */
enum err_code
init_exports(struct init *in, bool *made, struct err *e)
{
	char folder[PATH_MAX], file[CA_NAME_MAX + 4];
	enum err_code rc;
	size_t i;

	if ((rc = path_join(folder, in->home, "pki", e)) != E_OK ||
	    (rc = folder_make(folder, 0755, e)) != E_OK ||
	    (rc = export_one(in, "service-root", in->home, "ca.pem", made, e)) != E_OK)
		return rc;
	for (i = 0; i < init_ca_count; i++) {
		(void)snprintf(file, sizeof(file), "%s.pem", init_cas[i].name); /* fits */
		if ((rc = export_one(in, init_cas[i].name, folder, file, made, e)) != E_OK)
			return rc;
	}
	return E_OK;
}
