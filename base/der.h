/* SPDX-License-Identifier: Apache-2.0 */
/* DER, small: a reader that walks values inside a span and refuses what is not DER, and a writer
 * that appends to a buf. The reader never allocates and never recurses. */
#ifndef BASE_DER_H
#define BASE_DER_H

#include "base/buf.h"

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8_STRING = 0x0c,
	DER_PRINTABLE_STRING = 0x13,
	DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};
#define DER_CONTEXT(n)      (0x80 | (n)) /* [n] IMPLICIT, primitive */
#define DER_CONTEXT_CONS(n) (0xa0 | (n)) /* [n], constructed */

/* Takes the next value from *in: its content and, when whole is not NULL, header and content.
 * der_next takes any tag (one octet only, definite length, minimal form), der_take this tag. */
enum err_code der_next(struct span *in, uint8_t *tag, struct span *content, struct span *whole,
		       struct err *e) MUST_CHECK;
enum err_code der_take(struct span *in, uint8_t tag, struct span *content, struct span *whole,
		       struct err *e) MUST_CHECK;

/* Whether the next value has this tag; nothing is taken. */
bool der_peek(struct span in, uint8_t tag);

/* E_OK when nothing is left; what names the value in the message. */
enum err_code der_end(struct span in, const char *what, struct err *e) MUST_CHECK;

/* An INTEGER's content as an unsigned magnitude without leading zeros; refuses negatives and
 * non-minimal forms. der_small also refuses values over max. */
enum err_code der_unsigned(struct span content, struct span *magnitude, struct err *e) MUST_CHECK;
enum err_code der_small(struct span content, uint32_t max, uint32_t *out, struct err *e) MUST_CHECK;

/* UTCTime or GeneralizedTime (tag and content) as seconds since 1970, RFC 5280 4.1.2.5. */
enum err_code der_time(uint8_t tag, struct span content, int64_t *out, struct err *e) MUST_CHECK;

/* Writer. der_begin reserves a header, der_finish fills it in; they nest. A failed buf stays
 * failed (base/buf.h). */
size_t der_begin(struct buf *b, uint8_t tag);
void der_finish(struct buf *b, size_t mark);
void der_put(struct buf *b, uint8_t tag, struct span content);
void der_put_unsigned(struct buf *b, struct span magnitude); /* INTEGER; adds 00 where needed */
void der_put_bits(struct buf *b, struct span bytes);         /* BIT STRING, no unused bits */
void der_put_time(struct buf *b, int64_t t); /* UTCTime to 2049, GeneralizedTime after */

/* A dotted OID as DER content octets ("1.3.6.1.4.1.55555.1"), appended without header. */
enum err_code der_oid_from_text(const char *dotted, struct buf *out, struct err *e) MUST_CHECK;

#endif
