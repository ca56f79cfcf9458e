/* SPDX-License-Identifier: Apache-2.0 */
#include "base/algo.h"

#include <string.h>

/* clang-format off */
/* id-ecPublicKey 1.2.840.10045.2.1 with the named curve; RFC 5480, RFC 8410 */
#define P256_OID  "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P521_OID  "\x06\x05\x2b\x81\x04\x00\x23"
#define ED448_OID "\x06\x03\x2b\x65\x71"
#define EC_OID    "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"

static const struct algo rows[] = {
	{ALGO_P256, "secp256r1", "P-256", "SHA256", 32, 65, 32, 64, 72,
	 SPAN_INIT("\x30\x13" EC_OID P256_OID),
	 SPAN_INIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"), SPAN_INIT(P256_OID)},
	{ALGO_P521, "secp521r1", "P-521", "SHA512", 64, 133, 66, 132, 139,
	 SPAN_INIT("\x30\x10" EC_OID P521_OID),
	 SPAN_INIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04"), SPAN_INIT(P521_OID)},
	{ALGO_ED448, "ed448", "ED448", NULL, 0, 57, 57, 114, 114,
	 SPAN_INIT("\x30\x05" ED448_OID), SPAN_INIT("\x30\x05" ED448_OID), SPAN_INIT(ED448_OID)},
};
/* clang-format on */

const struct algo *
algo_get(enum algo_id id)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

const struct algo *
algo_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const struct algo *
algo_by_spki_alg(struct span der)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (span_equal(rows[i].spki_alg, der))
			return &rows[i];
	return NULL;
}

const struct algo *
algo_by_sig_alg(struct span der)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (span_equal(rows[i].sig_alg, der))
			return &rows[i];
	return NULL;
}
