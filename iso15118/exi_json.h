/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as JSON for people and tests: {"V2G_Message": {"Header": …}}. Binaries are lower-case
 * hex, integers of any size decimal strings, enumerations their names; elements that may repeat are
 * arrays; the value of an element with attributes is its member CONTENT. Both directions follow the
 * grammar tables, so JSON that is accepted can be encoded. */
#ifndef ISO15118_EXI_JSON_H
#define ISO15118_EXI_JSON_H

#include "base/json.h"
#include "iso15118/exi.h"

/* A tree from exi_decode or exi_json_to_tree (its nodes know their types) as JSON, owned by the
 * caller (json_decref). */
enum err_code exi_json_from_tree(const struct exi_tree *t, json_t **out, struct err *e) MUST_CHECK;

/* JSON of a document of the set as a tree, owned by the caller (exi_tree_free). E_JSON_MEMBER names
 * a member that is missing, unknown or of another form. */
enum err_code
exi_json_to_tree(enum exi_set set, const json_t *in, struct exi_tree *t, struct err *e) MUST_CHECK;

/* The same as text, appended to out. jansson's integers end at 2^63 - 1 and TimeStamp does not: as
 * json_t larger ones are decimal strings, as text they are numbers. exi_json_parse is json_parse
 * for such text; the result is owned by the caller. */
enum err_code exi_json_dump(const struct exi_tree *t, struct buf *out, struct err *e) MUST_CHECK;
enum err_code exi_json_parse(struct span text, json_t **out, struct err *e) MUST_CHECK;

#endif
