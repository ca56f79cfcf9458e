/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/hash.h"

#include "base/digest.h"

static void
put_number(struct buf *b, int64_t v)
{
	int i;

	for (i = 56; i >= 0; i -= 8)
		buf_put_u8(b, (uint8_t)((uint64_t)v >> i));
}

static void
put_bytes(struct buf *b, struct span s)
{
	put_number(b, (int64_t)s.n);
	buf_put_span(b, s);
}

/* An absent text differs from an empty one. */
static void
put_text(struct buf *b, const char *s)
{
	buf_put_u8(b, s != NULL);
	put_bytes(b, span_str(s));
}

static enum err_code
finish(struct buf *b, uint8_t out[32], struct err *e)
{
	enum err_code rc;

	if ((rc = buf_ok(b, e)) == E_OK)
		rc = sha256(buf_span(b), out, e);
	buf_free(b);
	return rc;
}

enum err_code
hash_request(const struct issue_request *rq, const char *ca, uint8_t out[32], struct err *e)
{
	struct buf b = {0};
	size_t i;

	put_number(&b, rq->profile);
	put_text(&b, ca);
	put_number(&b, rq->algo->id);
	put_bytes(&b, rq->point);
	put_text(&b, rq->o);
	put_text(&b, rq->cn);
	put_number(&b, rq->not_before);
	put_number(&b, rq->not_after);
	put_text(&b, rq->participant);
	for (i = 0; i < ARRAY_LEN(rq->san_dns); i++)
		put_text(&b, rq->san_dns[i]);
	return finish(&b, out, e);
}

enum err_code
hash_profile(const struct profile *p, const struct profile_params *params, uint8_t out[32],
	     struct err *e)
{
	struct buf b = {0};

	put_text(&b, p->name);
	put_number(&b, p->edition);
	put_text(&b, p->dc);
	put_number(&b, p->algo);
	put_number(&b, p->validity);
	put_number(&b, p->validity_max);
	put_number(&b, p->is_ca);
	put_number(&b, p->path_len);
	put_number(&b, p->ku);
	put_number(&b, p->eku);
	put_number(&b, p->aia | p->crldp << 1 | p->policy << 2 | p->nocheck << 3);
	put_number(&b, p->ku_switch);
	put_number(&b, p->crldp_switch);
	put_number(&b, (int64_t)p->der_max);
	put_text(&b, params->country);
	put_text(&b, params->policy_oid);
	put_text(&b, params->ocsp_url);
	put_text(&b, params->crl_url);
	put_number(&b, params->mo_sub2_signs);
	put_number(&b, params->provisioning_crldp);
	return finish(&b, out, e);
}
