/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/issuer.h"

void
issued_free(struct issued *i)
{
	if (i == NULL)
		return;
	buf_free(&i->leaf);
	buf_free(&i->sub2);
	buf_free(&i->sub1);
	buf_free(&i->root);
	*i = (struct issued){0};
}

void
cps_chain_free(struct cps_chain *c)
{
	if (c == NULL)
		return;
	buf_free(&c->leaf);
	buf_free(&c->sub2);
	buf_free(&c->sub1);
	buf_free(&c->root);
	*c = (struct cps_chain){0};
}
