/* SPDX-License-Identifier: Apache-2.0 */
/* Root certificate pool (OPCP 1.0.0 RCP, spec/protocols 2.1). */
#include "base/clock.h"
#include "base/str.h"
#include "pool/internal.h"

#include <string.h>

#define ROOT_DER_MAX 4096 /* bytes (spec/differences D11) */
#define ROOT_TYPES   (ROOT_V2G | ROOT_MO | ROOT_OEM | ROOT_PE)

/* A root must be able to anchor: a CA, signed by itself, with the key identifier by which clients
 * find it (spec/clients: CitrineOS compares SKI with AKI). */
static enum err_code
check_root(const struct cert *c, struct err *e)
{
	struct err why = {0};
	char when[RFC3339_LEN];

	if (!c->is_ca)
		return err_set(
			e, E_ROOT_INVALID,
			"caCertificate: not a CA, expected basicConstraints cA TRUE (RFC 5280 "
			"4.2.1.9)");
	if (c->has_ku && (c->ku & KU_KEY_CERT_SIGN) == 0)
		return err_set(e, E_ROOT_INVALID,
			       "caCertificate: keyUsage without keyCertSign (RFC 5280 4.2.1.3)");
	if (!span_equal(c->subject, c->issuer))
		return err_set(
			e, E_ROOT_INVALID,
			"caCertificate: issuer and subject differ, expected a self-signed root");
	if (c->algo == NULL)
		return err_set(
			e, E_ROOT_INVALID,
			"caCertificate: key type not known, expected secp256r1, secp521r1 or "
			"ed448");
	if (c->ski.n == 0)
		return err_set(e, E_ROOT_INVALID,
			       "caCertificate: no subjectKeyIdentifier (RFC 5280 4.2.1.2)");
	if (c->not_after < clock_now()) {
		clock_format(c->not_after, when);
		return err_set(e, E_ROOT_INVALID, "caCertificate: expired at %s", when);
	}
	if (cert_verify_link(c, c, &why) != E_OK)
		return err_set(e, E_ROOT_INVALID, "caCertificate: its own signature fails: %s",
			       why.text);
	return E_OK;
}

enum err_code
pool_root_put(struct pool *p, const char *actor, struct span der, unsigned types,
	      struct root_row *out, struct err *e)
{
	struct audit_record audit = {.actor = actor, .action = "root.added"};
	char fingerprint[HEX_LEN(SHA256_LEN)];
	struct root_row row = {.types = types};
	struct cert c;
	enum err_code rc;

	memset(out, 0, sizeof(*out));
	if (types == 0 || (types & ~(unsigned)ROOT_TYPES) != 0)
		return err_set(e, E_BAD_VALUE,
			       "rootType: expected one or more of MO, V2G, OEM, PE");
	if (der.n > ROOT_DER_MAX)
		return err_set(e, E_CERT_TOO_BIG, "caCertificate: %zu bytes DER, at most %d", der.n,
			       ROOT_DER_MAX);
	if ((rc = cert_parse(der, &c, e)) != E_OK) {
		err_context(e, "caCertificate");
		return rc;
	}
	if ((rc = check_root(&c, e)) != E_OK || (rc = random_uuid(row.id, e)) != E_OK ||
	    (rc = sha256(der, row.fingerprint, e)) != E_OK)
		return rc;
	row.not_before = c.not_before;
	row.not_after = c.not_after;
	row.created = clock_now();
	hex_encode((struct span){row.fingerprint, SHA256_LEN}, fingerprint, sizeof(fingerprint));
	audit.object = fingerprint;
	buf_put_span(&row.der, der);
	if ((rc = buf_ok(&row.der, e)) == E_OK)
		rc = root_store_put(p->conf.db, &row, &audit, e);
	if (rc == E_OK)
		*out = row;
	else
		root_row_free(&row);
	return rc;
}

enum err_code
pool_root_list(struct pool *p, unsigned types, struct root_row **rows, size_t *count, struct err *e)
{
	return root_store_list(p->conf.db, types == 0 ? (unsigned)ROOT_TYPES : types, rows, count,
			       e);
}

enum err_code
pool_root_get(struct pool *p, const char *id, struct root_row *out, struct err *e)
{
	return pool_missing(root_store_get(p->conf.db, id, out, e), E_ROOT_UNKNOWN,
			    "rootCertificateId: no such root in the pool", e);
}

/* Certificates under the root stay: removing them needs an agreed process (OPCP 1.0.0 RCP). They
 * fail their checks from now on. */
enum err_code
pool_root_delete(struct pool *p, const char *actor, const char *id, struct err *e)
{
	struct audit_record audit = {.actor = actor, .action = "root.deleted", .object = id};

	return pool_missing(root_store_delete(p->conf.db, id, &audit, e), E_ROOT_UNKNOWN,
			    "rootCertificateId: no such root in the pool", e);
}
