/* SPDX-License-Identifier: Apache-2.0 */
/* The xmldsig-core grammars, the same in every schema set, and the table of the sets. */
#include "iso15118/exi_grammar.h"

#include <string.h>

SIMPLE(exi_t_string, "string", EXI_STRING, 0);
SIMPLE(exi_t_binary, "base64Binary", EXI_BINARY, 0);
SIMPLE(exi_t_integer, "integer", EXI_INTEGER, 0);
SIMPLE(exi_t_id, "ID", EXI_STRING, 0);
static SIMPLE(t_uri, "anyURI", EXI_STRING, 0);

/* clang-format off */
static const struct exi_state method_states[] = { /* mixed: {SE(*), EE, CH} after the attribute */
	STATE(1, AT(0, Algorithm, t_uri, 1)),
	STATE(2, REFUSED(0, undeclared), EE(1), REFUSED(2, undeclared)),
};
static COMPLEX(t_canonicalization, "CanonicalizationMethodType", method_states);
static COMPLEX(t_digest_method, "DigestMethodType", method_states);

static const struct exi_state signature_method_states[] = {
	STATE(1, AT(0, Algorithm, t_uri, 1)),
	STATE(3, SE(0, HMACOutputLength, exi_t_integer, 2), REFUSED(1, undeclared), EE(2),
	      REFUSED(3, undeclared)),
	STATE(2, REFUSED(0, undeclared), EE(1), REFUSED(2, undeclared)),
};
static COMPLEX(t_signature_method, "SignatureMethodType", signature_method_states);

static const struct exi_state transform_states[] = {
	STATE(1, AT(0, Algorithm, t_uri, 1)),
	STATE(3, REFUSED(0, XPath), REFUSED(1, undeclared), EE(2), REFUSED(3, undeclared)),
};
static COMPLEX(t_transform, "TransformType", transform_states);

static const struct exi_state transforms_states[] = {
	STATE(1, SE(0, Transform, t_transform, 1)),
	STATE(2, SE(0, Transform, t_transform, 1), EE(1)),
};
static COMPLEX(t_transforms, "TransformsType", transforms_states);

static const struct exi_state reference_states[] = {
	STATE(3, AT(0, Id, exi_t_id, 1), AT(1, Type, t_uri, 2), AT(2, URI, t_uri, 3),
	      SE(3, Transforms, t_transforms, 4), SE(4, DigestMethod, t_digest_method, 5)),
	STATE(3, AT(0, Type, t_uri, 2), AT(1, URI, t_uri, 3), SE(2, Transforms, t_transforms, 4),
	      SE(3, DigestMethod, t_digest_method, 5)),
	STATE(2, AT(0, URI, t_uri, 3), SE(1, Transforms, t_transforms, 4),
	      SE(2, DigestMethod, t_digest_method, 5)),
	STATE(2, SE(0, Transforms, t_transforms, 4), SE(1, DigestMethod, t_digest_method, 5)),
	STATE(1, SE(0, DigestMethod, t_digest_method, 5)),
	STATE(1, SE(0, DigestValue, exi_t_binary, 6)),
	STATE(1, EE(0)),
};
static COMPLEX(t_reference, "ReferenceType", reference_states);

static const struct exi_state signed_info_states[] = {
	STATE(2, AT(0, Id, exi_t_id, 1), SE(1, CanonicalizationMethod, t_canonicalization, 2)),
	STATE(1, SE(0, CanonicalizationMethod, t_canonicalization, 2)),
	STATE(1, SE(0, SignatureMethod, t_signature_method, 3)),
	STATE(1, SE(0, Reference, t_reference, 4)),
	STATE(2, SE(0, Reference, t_reference, 4), EE(1)),
};
COMPLEX(exi_t_signed_info, "SignedInfoType", signed_info_states);

static const struct exi_state signature_value_states[] = {
	STATE(2, AT(0, Id, exi_t_id, 1), CH(1, 2)),
	STATE(1, CH(0, 2)),
	STATE(1, EE(0)),
};
static CONTENT(t_signature_value, "SignatureValueType", EXI_BINARY, 0, signature_value_states);

static const struct exi_state signature_states[] = {
	STATE(2, AT(0, Id, exi_t_id, 1), SE(1, SignedInfo, exi_t_signed_info, 2)),
	STATE(1, SE(0, SignedInfo, exi_t_signed_info, 2)),
	STATE(1, SE(0, SignatureValue, t_signature_value, 3)),
	STATE(2, REFUSED(0, KeyInfo), REFUSED(1, Object), EE(2)),
};
COMPLEX(exi_t_signature, "SignatureType", signature_states);

static const struct exi_root xmldsig_roots[] = {
	{32, EXI_SignedInfo, &exi_t_signed_info},
};

#define ROOTS(r) ARRAY_LEN(r), r

const struct exi_set_def exi_sets[EXI_SET_COUNT] = {
	/*                       name            bits fragment, end  roots */
	[EXI_ISO2_DOC]        = {"iso2-doc",     7,   false, 0,      ROOTS(exi_iso2_doc_roots)},
	[EXI_ISO2_FRAG]       = {"iso2-frag",    8,   true,  244,    ROOTS(exi_iso2_frag_roots)},
	[EXI_XMLDSIG_FRAG]    = {"xmldsig-frag", 6,   true,  46,     ROOTS(xmldsig_roots)},
	[EXI_ISO20_DOC]       = {"iso20-doc",    6,   false, 0,      ROOTS(exi_iso20_doc_roots)},
	[EXI_ISO20_FRAG]      = {"iso20-frag",   9,   true,  282,    ROOTS(exi_iso20_frag_roots)},
	[EXI_ISO2_FRAG_TYPED] = {"iso2-frag, typed eMAID", 8, true, 244,
				 ROOTS(exi_iso2_typed_roots)},
};

const char *const exi_item_names[EXI_ITEM_COUNT] = {
#define X(name) #name,
	EXI_ITEMS(X)
#undef X
};
/* clang-format on */

const struct exi_set_def *
exi_set_get(enum exi_set set)
{
	return (unsigned)set < EXI_SET_COUNT ? &exi_sets[set] : NULL;
}

enum exi_set
exi_set_by_name(const char *name)
{
	for (int i = 0; i < EXI_ISO2_FRAG_TYPED; i++)
		if (strcmp(exi_sets[i].name, name) == 0)
			return (enum exi_set)i;
	return EXI_SET_COUNT;
}
