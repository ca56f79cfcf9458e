/* SPDX-License-Identifier: Apache-2.0 */
/* JSON members with types: every getter names the member, what was found and what was expected.
 * Optional getters leave *out alone when the member is absent or null. Lent strings live as long
 * as the object. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/buf.h"

#define JSON_DEPTH_MAX 32

/* A whole JSON text (object at the top, no duplicate members, at most JSON_DEPTH_MAX deep), owned
 * by the caller (json_decref). */
enum err_code json_parse(struct span text, json_t **out, struct err *e) MUST_CHECK;

enum err_code
json_need_string(const json_t *o, const char *member, const char **out, struct err *e) MUST_CHECK;
enum err_code
json_opt_string(const json_t *o, const char *member, const char **out, struct err *e) MUST_CHECK;
enum err_code
json_need_object(const json_t *o, const char *member, json_t **out, struct err *e) MUST_CHECK;
enum err_code
json_opt_bool(const json_t *o, const char *member, bool *out, struct err *e) MUST_CHECK;
enum err_code json_opt_int(const json_t *o, const char *member, int64_t min, int64_t max,
			   int64_t *out, struct err *e) MUST_CHECK;
/* A base64 member decoded and appended to out (1..max bytes). _opt: absent leaves out empty. */
enum err_code json_need_base64(const json_t *o, const char *member, size_t max, struct buf *out,
			       struct err *e) MUST_CHECK;
enum err_code json_opt_base64(const json_t *o, const char *member, size_t max, struct buf *out,
			      struct err *e) MUST_CHECK;
/* An array of strings with at most max members. */
enum err_code json_opt_array(const json_t *o, const char *member, size_t max, json_t **out,
			     struct err *e) MUST_CHECK;

/* Compact text of a value, appended. */
enum err_code json_dump(const json_t *o, struct buf *out, struct err *e) MUST_CHECK;

/* base64 of s as a JSON string; NULL when there is no memory. */
json_t *json_base64(struct span s);

#endif
