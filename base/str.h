/* SPDX-License-Identifier: Apache-2.0 */
/* Text: hex, base64 and numbers, read strictly (the whole input or nothing). */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/buf.h"

#define HEX_LEN(bytes) ((bytes)*2 + 1) /* characters with the NUL */

/* Lower-case hex of s into out, cap characters, always terminated; cut when too small. */
void hex_encode(struct span s, char *out, size_t cap);
void buf_put_hex(struct buf *b, struct span s);

/* Hex of either case, even length, appended to out as bytes. */
enum err_code hex_decode(struct span text, struct buf *out, struct err *e) MUST_CHECK;

/* Standard base64 with padding, appended. line_len characters a line, each ended by LF; 0: one line
 * without LF. */
void base64_encode(struct span s, size_t line_len, struct buf *out);

/* Standard base64, appended as bytes. White space (SP HT CR LF) is skipped, missing padding at the
 * end is accepted, anything else is refused with its offset. */
enum err_code base64_decode(struct span text, struct buf *out, struct err *e) MUST_CHECK;

/* base64url without padding (RFC 7515 2), strict both ways. */
void base64url_encode(struct span s, struct buf *out);
enum err_code base64url_decode(struct span text, struct buf *out, struct err *e) MUST_CHECK;

/* Decimal digits only, no sign, no leading zero unless "0", min..max; the text names what. */
enum err_code
str_to_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out, struct err *e) MUST_CHECK;

/* Copies s with its NUL; false when cap is too small (dst is then ""). */
bool str_copy(char *dst, size_t cap, const char *s);
bool str_copy_span(char *dst, size_t cap, struct span s); /* refuses an inner NUL too */

bool str_is_alnum(const char *s); /* ASCII letters and digits only, at least one */
void str_upper(char *s);          /* ASCII */

#endif
