/* SPDX-License-Identifier: Apache-2.0 */
/* The local CA behind the tables of policy/issuer.h. */
#include "base/digest.h"
#include "base/str.h"
#include "ca/set.h"

static enum err_code
issue(void *ctx, const struct issue_request *rq, struct issued *out, struct err *e)
{
	return ca_issue(ctx, rq, out, e);
}

static enum err_code
revoke(void *ctx, const char *request_id, struct span cert_der, unsigned reason,
       const char *participant, struct err *e)
{
	return ca_revoke(ctx, request_id, cert_der, reason, participant, e);
}

static enum err_code
chain(void *ctx, enum profile_id leaf, const char *ca, struct issued *out, struct err *e)
{
	return ca_chain(ctx, leaf, ca, out, e);
}

struct issuer
ca_issuer(struct ca_set *set)
{
	return (struct issuer){.ctx = set, .issue = issue, .revoke = revoke, .chain = chain};
}

/* The i-th CPS key; NULL past the last. */
static struct ca *
cps_key(struct ca_set *set, size_t i)
{
	struct ca_table *t = atomic_load(&set->table);
	size_t k;

	for (k = 0; k < t->count; k++)
		if (t->cas[k]->profile->id == PROFILE_CPS_LEAF && i-- == 0)
			return t->cas[k];
	return NULL;
}

static enum err_code
cps_chain(void *ctx, size_t i, struct cps_chain *out, struct err *e)
{
	struct ca *ca = cps_key(ctx, i);
	struct issued above = {0};
	uint8_t hash[SHA256_LEN];
	enum err_code rc;

	*out = (struct cps_chain){0};
	if (ca == NULL)
		return err_set(e, E_NOT_FOUND, "there are no more than %zu CPS keys", i);
	if ((rc = set_chain(ca->issuer, &above, e)) != E_OK)
		goto out;
	if ((rc = sha256(buf_span(&above.root), hash, e)) != E_OK)
		goto out;
	hex_encode((struct span){hash, sizeof(hash)}, out->root_fingerprint,
		   sizeof(out->root_fingerprint));
	buf_put_span(&out->leaf, buf_span(&ca->der));
	if (!str_copy(out->name, sizeof(out->name), ca->name))
		rc = err_set(e, E_INTERNAL, "a CA's name is too long");
	else
		rc = buf_ok(&out->leaf, e);
	out->sub2 = above.sub2;
	out->sub1 = above.sub1;
	out->root = above.root;
	above = (struct issued){0};
out:
	issued_free(&above);
	if (rc != E_OK)
		cps_chain_free(out);
	return rc;
}

static enum err_code
cps_sign(void *ctx, const char *request_id, const char *name, struct span digest,
	 struct buf *raw_sig, struct err *e)
{
	const struct ca *ca = set_find(ctx, name);

	if (ca == NULL || ca->profile->id != PROFILE_CPS_LEAF)
		return err_set(e, E_CA_UNKNOWN, "there is no CPS key \"%.32s\"", name);
	return ca_sign(ctx, name, digest, "bundle.signed", request_id, raw_sig, e);
}

struct signer
ca_signer(struct ca_set *set)
{
	return (struct signer){.ctx = set, .chain = cps_chain, .sign = cps_sign};
}
