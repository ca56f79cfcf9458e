/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "hsm/p11.h"

/* clang-format off */
/* All three sign with raw CKM_ECDSA: the hash is made here, over the bytes that were linted. A
 * module that only has the hashing mechanisms cannot serve and `token check` says so.
 * SoftHSM 2.6.1: a stale handle is 0x82; Ed448 needs the OID form of CKA_EC_PARAMS, the
 * PrintableString form crashes the process; a token whose files went and came back is only seen
 * again after C_Initialize, which is cheap. softokn 3.87: a stale handle is 0x60 from C_SignInit,
 * 0x02 from other calls; CKA_ALWAYS_AUTHENTICATE is unknown when read (0x12). */
static const struct quirks rows[] = {
	{.name = "SoftHSM", .manufacturer = "SoftHSM", .point = POINT_WRAPPED,
	 .private_has_params = true, .edwards = true,
	 .reinit_us = 2000000, .key_lost = {CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID}},
	{.name = "NSS softokn", .manufacturer = "Mozilla Foundation", .point = POINT_EITHER,
	 .not_in_template = ATTR_ALWAYS_AUTHENTICATE, .not_readable = ATTR_ALWAYS_AUTHENTICATE,
	 .private_has_params = true, .label_ignored = true, .so_pin_empty = true,
	 .reinit_us = 30000000,
	 .key_lost = {CKR_HOST_MEMORY, CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID}},
	{.name = "default", .manufacturer = "", .point = POINT_EITHER, .edwards = true,
	 .not_in_template = ATTR_SIGN_RECOVER, .reinit_us = 30000000,
	 .key_lost = {CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID}},
};

const struct attr_row attr_rows[] = {
	/* bit                     type                     name                 make   want */
	{ATTR_TOKEN,               CKA_TOKEN,               "TOKEN",               true,  true},
	{ATTR_PRIVATE,             CKA_PRIVATE,             "PRIVATE",             true,  true},
	{ATTR_SENSITIVE,           CKA_SENSITIVE,           "SENSITIVE",           true,  true},
	{ATTR_EXTRACTABLE,         CKA_EXTRACTABLE,         "EXTRACTABLE",         true,  false},
	{ATTR_MODIFIABLE,          CKA_MODIFIABLE,          "MODIFIABLE",          true,  false},
	{ATTR_SIGN,                CKA_SIGN,                "SIGN",                true,  true},
	{ATTR_SIGN_RECOVER,        CKA_SIGN_RECOVER,        "SIGN_RECOVER",        true,  false},
	{ATTR_DECRYPT,             CKA_DECRYPT,             "DECRYPT",             true,  false},
	{ATTR_UNWRAP,              CKA_UNWRAP,              "UNWRAP",              true,  false},
	{ATTR_DERIVE,              CKA_DERIVE,              "DERIVE",              true,  false},
	{ATTR_ALWAYS_AUTHENTICATE, CKA_ALWAYS_AUTHENTICATE, "ALWAYS_AUTHENTICATE", false, false},
	{ATTR_ALWAYS_SENSITIVE,    CKA_ALWAYS_SENSITIVE,    "ALWAYS_SENSITIVE",    false, true},
	{ATTR_NEVER_EXTRACTABLE,   CKA_NEVER_EXTRACTABLE,   "NEVER_EXTRACTABLE",   false, true},
};
const size_t attr_row_count = ARRAY_LEN(attr_rows);

static const struct {
	CK_RV rv;
	const char *name;
	enum rv_class class;
} values[] = {
	{CKR_OK, "CKR_OK", RV_GOOD},
	{CKR_HOST_MEMORY, "CKR_HOST_MEMORY", RV_FAILED},
	{CKR_SLOT_ID_INVALID, "CKR_SLOT_ID_INVALID", RV_TOKEN_LOST},
	{CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", RV_TOKEN_LOST},
	{CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED", RV_FAILED},
	{CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD", RV_FAILED},
	{CKR_ATTRIBUTE_READ_ONLY, "CKR_ATTRIBUTE_READ_ONLY", RV_FAILED},
	{CKR_ATTRIBUTE_TYPE_INVALID, "CKR_ATTRIBUTE_TYPE_INVALID", RV_FAILED},
	{CKR_ATTRIBUTE_VALUE_INVALID, "CKR_ATTRIBUTE_VALUE_INVALID", RV_FAILED},
	{CKR_DATA_LEN_RANGE, "CKR_DATA_LEN_RANGE", RV_FAILED},
	{CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR", RV_TOKEN_LOST},
	{CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY", RV_FAILED},
	{CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", RV_TOKEN_LOST},
	{CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED", RV_FAILED},
	{CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID", RV_FAILED},
	{CKR_KEY_TYPE_INCONSISTENT, "CKR_KEY_TYPE_INCONSISTENT", RV_FAILED},
	{CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED", RV_FAILED},
	{CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID", RV_FAILED},
	{CKR_MECHANISM_PARAM_INVALID, "CKR_MECHANISM_PARAM_INVALID", RV_FAILED},
	{CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID", RV_FAILED},
	{CKR_OPERATION_ACTIVE, "CKR_OPERATION_ACTIVE", RV_SESSION_LOST},
	{CKR_OPERATION_NOT_INITIALIZED, "CKR_OPERATION_NOT_INITIALIZED", RV_SESSION_LOST},
	{CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", RV_FAILED},
	{CKR_PIN_INVALID, "CKR_PIN_INVALID", RV_FAILED},
	{CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE", RV_FAILED},
	{CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED", RV_FAILED},
	{CKR_PIN_LOCKED, "CKR_PIN_LOCKED", RV_FAILED},
	{CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED", RV_SESSION_LOST},
	{CKR_SESSION_COUNT, "CKR_SESSION_COUNT", RV_FAILED},
	{CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID", RV_SESSION_LOST},
	{CKR_SESSION_READ_ONLY, "CKR_SESSION_READ_ONLY", RV_FAILED},
	{CKR_SESSION_EXISTS, "CKR_SESSION_EXISTS", RV_FAILED},
	{CKR_TEMPLATE_INCOMPLETE, "CKR_TEMPLATE_INCOMPLETE", RV_FAILED},
	{CKR_TEMPLATE_INCONSISTENT, "CKR_TEMPLATE_INCONSISTENT", RV_FAILED},
	{CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", RV_TOKEN_LOST},
	{CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED", RV_TOKEN_LOST},
	{CKR_TOKEN_WRITE_PROTECTED, "CKR_TOKEN_WRITE_PROTECTED", RV_FAILED},
	{CKR_USER_ALREADY_LOGGED_IN, "CKR_USER_ALREADY_LOGGED_IN", RV_FAILED},
	{CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN", RV_TOKEN_LOST},
	{CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED", RV_FAILED},
	{CKR_BUFFER_TOO_SMALL, "CKR_BUFFER_TOO_SMALL", RV_FAILED},
	{CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED", RV_TOKEN_LOST},
	{CKR_CRYPTOKI_ALREADY_INITIALIZED, "CKR_CRYPTOKI_ALREADY_INITIALIZED", RV_FAILED},
};

/* CKM_ECDSA signs a hash, CKM_EDDSA the message; raw in both senses, r|s or the EdDSA octets. */
static const struct {
	enum algo_id id;
	CK_MECHANISM_TYPE generate, sign;
} mechs[] = {
	{ALGO_P256,  CKM_EC_KEY_PAIR_GEN,         CKM_ECDSA},
	{ALGO_P521,  CKM_EC_KEY_PAIR_GEN,         CKM_ECDSA},
	{ALGO_ED448, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA},
};
/* clang-format on */

const struct quirks *
quirks_for(const CK_INFO *info)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows) - 1; i++)
		if (strncmp((const char *)info->manufacturerID, rows[i].manufacturer,
			    strlen(rows[i].manufacturer)) == 0)
			break;
	return &rows[i];
}

enum rv_class
rv_classify(const struct quirks *q, CK_RV rv)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(q->key_lost) && q->key_lost[i] != CKR_OK; i++)
		if (q->key_lost[i] == rv)
			return RV_KEY_LOST;
	for (i = 0; i < ARRAY_LEN(values); i++)
		if (values[i].rv == rv)
			return values[i].class;
	return RV_FAILED;
}

enum err_code
rv_error(struct err *e, enum err_code code, const char *call, CK_RV rv)
{
	const char *name = "unknown value";
	size_t i;

	for (i = 0; i < ARRAY_LEN(values); i++)
		if (values[i].rv == rv)
			name = values[i].name;
	return err_set(e, code, "%s: %s (0x%lx)", call, name, rv);
}

static size_t
mech_row(const struct algo *a)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(mechs) - 1; i++)
		if (mechs[i].id == a->id)
			break;
	return i;
}

CK_MECHANISM_TYPE
mech_generate(const struct algo *a)
{
	return mechs[mech_row(a)].generate;
}

CK_MECHANISM_TYPE
mech_sign(const struct algo *a)
{
	return mechs[mech_row(a)].sign;
}

const struct algo *
algo_by_params(struct span params)
{
	/* PrintableString of PKCS#11 3.0 2.3.5: SoftHSM answers it for a key made with the OID */
	static const struct span name448 = SPAN_INIT("\x13\x0a"
						     "edwards448");
	enum algo_id id;

	for (id = ALGO_NONE + 1; id < ALGO_COUNT; id++)
		if (span_equal(algo_get(id)->curve_params, params))
			return algo_get(id);
	return span_equal(name448, params) ? algo_get(ALGO_ED448) : NULL;
}

struct span
point_unwrap(const struct quirks *q, const struct algo *a, struct span attribute)
{
	size_t head = a->point_len < 0x80 ? 2 : 3;
	const uint8_t *p = attribute.p;

	if (attribute.n == a->point_len + head && p[0] == 0x04 && p[head - 1] == a->point_len &&
	    (head == 2 || p[1] == 0x81))
		return (struct span){p + head, a->point_len};
	if (q->point == POINT_EITHER && attribute.n == a->point_len)
		return attribute;
	return (struct span){0};
}
