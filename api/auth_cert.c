/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth_cert.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"
#include "db/cert_store.h"
#include "db/party_store.h"
#include "policy/cert.h"

#define SERVICE_ROOT "service-root"

static enum err_code
refuse(struct err *e, const char *what)
{
	return err_set(e, E_AUTH_CREDENTIAL, "TLS client certificate: %s", what);
}

/* What the store knows about a certificate of ours: *known, and a refusal when it is revoked. */
static enum err_code
check_status(struct db *db, const uint8_t hash[SHA256_LEN], bool *known, struct err *e)
{
	struct cert_row row = {0};
	struct err local = {0};
	enum err_code rc = cert_store_by_fingerprint(db, hash, &row, &local);

	*known = rc == E_OK;
	if (rc == E_OK && row.status == CERT_REVOKED)
		rc = refuse(e, "it is revoked");
	else if (rc != E_OK && err_kind(rc) == KIND_NOT_FOUND)
		rc = E_OK;
	else if (rc != E_OK)
		rc = err_set(e, rc, "%s", local.text);
	cert_row_free(&row);
	return rc;
}

static enum err_code
find_registered(struct db *db, const uint8_t hash[SHA256_LEN], char party[65], bool *found,
		struct err *e)
{
	struct credential c = {0};
	struct err local = {0};
	char hex[HEX_LEN(SHA256_LEN)];
	enum err_code rc;

	hex_encode((struct span){hash, SHA256_LEN}, hex, sizeof(hex));
	rc = credential_store_get(db, CREDENTIAL_CERT, hex, &c, &local);
	*found = rc == E_OK;
	if (rc != E_OK)
		return err_kind(rc) == KIND_NOT_FOUND ? E_OK : err_set(e, rc, "%s", local.text);
	if (c.expires != 0 && clock_now() >= c.expires)
		return refuse(e, "its registration has expired");
	return str_copy(party, 65, c.party) ? E_OK : refuse(e, "its participant has no valid id");
}

/* Issued by the service root, for clients: chain of two, so one signature decides. */
static enum err_code
check_service_root(struct ca_set *ca, const struct cert *c, struct err *e)
{
	struct buf der = {0};
	struct cert root;
	enum err_code rc;

	if ((rc = ca_cert(ca, SERVICE_ROOT, &der, e)) == E_OK &&
	    (rc = cert_parse(buf_span(&der), &root, e)) == E_OK &&
	    (cert_verify_link(c, &root, NULL) != E_OK || c->is_ca ||
	     (c->eku & EKU_CLIENT_AUTH) == 0))
		rc = refuse(e, "neither registered nor issued by the service root for clients");
	buf_free(&der);
	return rc;
}

static enum err_code
check_validity(const struct cert *c, struct err *e)
{
	int64_t now = clock_now();

	if (now < c->not_before)
		return refuse(e, "it is not valid yet");
	return now > c->not_after ? refuse(e, "it has expired") : E_OK;
}

enum err_code
auth_cert_judge(struct db *db, struct ca_set *ca, struct span der, const uint8_t hash[SHA256_LEN],
		char party[65], struct err *e)
{
	bool registered = false, known = false;
	struct cert c;
	enum err_code rc;

	if (cert_parse(der, &c, NULL) != E_OK)
		return refuse(e, "it cannot be read");
	if ((rc = check_validity(&c, e)) != E_OK)
		return rc;
	if ((rc = check_status(db, hash, &known, e)) != E_OK)
		return rc;
	if ((rc = find_registered(db, hash, party, &registered, e)) != E_OK || registered)
		return rc;
	if ((rc = check_service_root(ca, &c, e)) != E_OK)
		return rc;
	if (!known) /* I-1: the store knows every certificate of ours */
		return refuse(e, "the store does not know it");
	if (!str_copy_span(party, 65, name_attr(c.subject, OID_CN)) || party[0] == '\0')
		return refuse(e, "its CN names no participant");
	return E_OK;
}
