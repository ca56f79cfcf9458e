/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ec.h"
#include "ca/set.h"

enum err_code
ca_sign(struct ca_set *set, const char *name, struct span digest, const char *action,
	const char *request_id, struct buf *raw_sig, struct err *e)
{
	struct audit_record audit = {
		.actor = "system", .action = action, .object = name, .request_id = request_id};
	struct buf sig = {0};
	struct hsm_key *key = NULL;
	struct err why = {0};
	struct ca *ca = set_find(set, name);
	enum err_code rc;

	/* Keys of CAs sign certificates and nothing else. */
	if (ca == NULL || ca->profile->is_ca)
		return err_set(e, E_CA_UNKNOWN, "there is no signing key \"%.32s\"", name);
	if (atomic_load(&ca->revoked))
		return err_set(e, E_CA_NO_ISSUER, "the certificate of %s is revoked", ca->name);
	if (digest.n != ca->algo->digest_len)
		return err_set(e, E_BAD_VALUE, "digest of %zu bytes: %s signs %zu", digest.n,
			       ca->algo->name, ca->algo->digest_len);
	if ((rc = set_key(set, ca, &key, e)) != E_OK)
		return rc;
	/* Before the signature, so that there is never one without its record (I-2). */
	if (action != NULL && (rc = audit_append(set->db, &audit, e)) != E_OK)
		return rc;
	if ((rc = hsm_sign(key, digest, &sig, e)) != E_OK)
		goto out;
	if (ec_verify_digest(ca->algo, ca->cert.point, digest, buf_span(&sig), &why) != E_OK) {
		rc = err_set(e, E_HSM_SIGN, "the token's signature with the key of %s is wrong: %s",
			     ca->name, why.text);
		goto out;
	}
	buf_put_span(raw_sig, buf_span(&sig));
	rc = buf_ok(raw_sig, e);
out:
	buf_free(&sig);
	return rc;
}
