/* SPDX-License-Identifier: Apache-2.0 */
/* Notation of the grammar tables (exi_tables_*.c), and the types that they share. A state lists
 * its productions with their event codes; codes that are not listed are refused. */
#ifndef ISO15118_EXI_GRAMMAR_H
#define ISO15118_EXI_GRAMMAR_H

#include "iso15118/exi.h"

#define AT(code, item, type, next)                               \
	{                                                        \
		code, EXI_EV_AT, EXI_##item, next, 0, 0, &(type) \
	}
#define SE(code, item, type, next)                               \
	{                                                        \
		code, EXI_EV_SE, EXI_##item, next, 0, 0, &(type) \
	}
/* An element of which one parent holds at most max; then the state is full. */
#define SE_MAX(code, item, type, next, max, full)                     \
	{                                                             \
		code, EXI_EV_SE, EXI_##item, next, max, full, &(type) \
	}
#define CH(code, next)                                            \
	{                                                         \
		code, EXI_EV_CH, EXI_undeclared, next, 0, 0, NULL \
	}
#define EE(code)                                               \
	{                                                      \
		code, EXI_EV_EE, EXI_undeclared, 0, 0, 0, NULL \
	}
/* In the schema, but never in a message (ISO 15118-2 [V2G2-771]). */
#define REFUSED(code, item)                                     \
	{                                                       \
		code, EXI_EV_REFUSED, EXI_##item, 0, 0, 0, NULL \
	}

#define STATE(bits, ...)                                                                        \
	{                                                                                       \
		bits, sizeof((const struct exi_prod[]){__VA_ARGS__}) / sizeof(struct exi_prod), \
			(const struct exi_prod[])                                               \
		{                                                                               \
			__VA_ARGS__                                                             \
		}                                                                               \
	}

#define SIMPLE(id, name, kind, max) const struct exi_type id = {name, kind, 0, max, NULL, NULL}
#define ENUMERATION(id, name, names) \
	const struct exi_type id = {name, EXI_ENUM, 0, 0, &(names), NULL}
#define COMPLEX(id, name, states) \
	const struct exi_type id = {name, EXI_NONE, ARRAY_LEN(states), 0, NULL, states}
#define CONTENT(id, name, kind, max, states) \
	const struct exi_type id = {name, kind, ARRAY_LEN(states), max, NULL, states}

/* exi_tables_xmldsig.c */
extern const struct exi_type exi_t_string, exi_t_binary, exi_t_integer, exi_t_id;
extern const struct exi_type exi_t_signature, exi_t_signed_info;

/* exi_tables_iso2.c */
extern const struct exi_root exi_iso2_doc_roots[1], exi_iso2_frag_roots[7];
extern const struct exi_root exi_iso2_typed_roots[1];
extern const struct exi_enum exi_iso2_response_codes, exi_iso2_fault_codes;

/* exi_tables_iso20.c */
extern const struct exi_root exi_iso20_doc_roots[2], exi_iso20_frag_roots[4];

#endif
