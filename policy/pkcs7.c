/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/pkcs7.h"

#include "base/der.h"

#define OID_SIGNED_DATA SPAN_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02")
#define OID_DATA        SPAN_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01")

/* The SET of certificates is not sorted, against X.690 11.6: clients take the order for the order
 * of the chain (spec/clients), and PKCS#7 readers take any. */
enum err_code
pkcs7_certs_only(const struct span *certs, size_t count, struct buf *out, struct err *e)
{
	size_t outer, tagged, data, inner, i;

	outer = der_begin(out, DER_SEQUENCE);
	der_put(out, DER_OID, OID_SIGNED_DATA);
	tagged = der_begin(out, DER_CONTEXT_CONS(0));
	data = der_begin(out, DER_SEQUENCE);
	der_put_unsigned(out, SPAN_LIT("\x01"));
	der_put(out, DER_SET, (struct span){0});
	inner = der_begin(out, DER_SEQUENCE);
	der_put(out, DER_OID, OID_DATA);
	der_finish(out, inner);
	inner = der_begin(out, DER_CONTEXT_CONS(0));
	for (i = 0; i < count; i++)
		buf_put_span(out, certs[i]);
	der_finish(out, inner);
	der_put(out, DER_SET, (struct span){0});
	der_finish(out, data);
	der_finish(out, tagged);
	der_finish(out, outer);
	return buf_ok(out, e);
}

/* Down to what follows the content of SignedData: certificates, CRLs, signers. */
static enum err_code
open_signed_data(struct span *der, struct err *e)
{
	struct span content = {0}, oid = {0}, tagged = {0}, data = {0}, ignored = {0};
	enum err_code rc;

	if ((rc = der_take(der, DER_SEQUENCE, &content, NULL, e)) != E_OK ||
	    (rc = der_end(*der, "the message", e)) != E_OK ||
	    (rc = der_take(&content, DER_OID, &oid, NULL, e)) != E_OK)
		return rc;
	if (!span_equal(oid, OID_SIGNED_DATA))
		return err_set(e, E_DER, "not a PKCS#7 SignedData (RFC 5652 5.1)");
	if ((rc = der_take(&content, DER_CONTEXT_CONS(0), &tagged, NULL, e)) != E_OK ||
	    (rc = der_end(content, "the SignedData", e)) != E_OK ||
	    (rc = der_take(&tagged, DER_SEQUENCE, &data, NULL, e)) != E_OK ||
	    (rc = der_end(tagged, "the SignedData", e)) != E_OK ||
	    (rc = der_take(&data, DER_INTEGER, &ignored, NULL, e)) != E_OK ||
	    (rc = der_take(&data, DER_SET, &ignored, NULL, e)) != E_OK ||
	    (rc = der_take(&data, DER_SEQUENCE, &ignored, NULL, e)) != E_OK)
		return rc;
	*der = data;
	return E_OK;
}

enum err_code
pkcs7_read_certs(struct span der, struct span *certs, size_t cap, size_t *count, struct err *e)
{
	struct span list = {0}, ignored = {0};
	enum err_code rc;

	*count = 0;
	if ((rc = open_signed_data(&der, e)) != E_OK)
		return rc;
	if (der_peek(der, DER_CONTEXT_CONS(0)) &&
	    (rc = der_take(&der, DER_CONTEXT_CONS(0), &list, NULL, e)) != E_OK)
		return rc;
	while (list.n > 0) {
		if (*count == cap)
			return err_set(e, E_TOO_BIG, "PKCS#7 with more than %zu certificates", cap);
		if ((rc = der_take(&list, DER_SEQUENCE, &ignored, &certs[*count], e)) != E_OK)
			return rc;
		(*count)++;
	}
	return E_OK;
}
