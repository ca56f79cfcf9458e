/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of hsm/ share about PKCS#11: loaded modules, the table of their differences, and
 * what a return value means for a retry. Nothing outside hsm/ includes this. Types are those of
 * p11-kit's header; libp11-kit itself is not linked. */
#ifndef HSM_P11_H
#define HSM_P11_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <p11-kit/pkcs11.h>

#include "base/algo.h"
#include "base/secret.h"

#define INIT_ARGS_MAX 1025 /* bytes with the NUL, as much as the configuration takes */
#define P11_SLOTS_MAX 64   /* slots of one module that are looked at */

/* Boolean attributes of a private key, as bits of a set. */
enum key_attr {
	ATTR_TOKEN = 1 << 0,
	ATTR_PRIVATE = 1 << 1,
	ATTR_SENSITIVE = 1 << 2,
	ATTR_EXTRACTABLE = 1 << 3,
	ATTR_MODIFIABLE = 1 << 4,
	ATTR_SIGN = 1 << 5,
	ATTR_SIGN_RECOVER = 1 << 6,
	ATTR_DECRYPT = 1 << 7,
	ATTR_UNWRAP = 1 << 8,
	ATTR_DERIVE = 1 << 9,
	ATTR_ALWAYS_AUTHENTICATE = 1 << 10,
	ATTR_ALWAYS_SENSITIVE = 1 << 11,
	ATTR_NEVER_EXTRACTABLE = 1 << 12,
};

struct attr_row {
	enum key_attr bit;
	CK_ATTRIBUTE_TYPE type;
	const char *name;
	bool make; /* stands in our template when a key is made */
	bool want; /* value it has in a key as we make it (I-34) */
};

extern const struct attr_row attr_rows[];
extern const size_t attr_row_count;

enum point_form {
	POINT_WRAPPED, /* CKA_EC_POINT is an OCTET STRING that holds the point, PKCS#11 2.30 on */
	POINT_EITHER,  /* it may also be the bare point */
};

/* One row of the table of module differences; the last row holds for a module nobody knows. */
struct quirks {
	const char *name;         /* for people */
	const char *manufacturer; /* start of CK_INFO.manufacturerID; "" fits every module */
	enum point_form point;
	unsigned not_in_template; /* enum key_attr bits that C_GenerateKeyPair refuses (0x12, 0x13)
				   */
	unsigned not_readable;    /* enum key_attr bits that C_GetAttributeValue does not know */
	bool private_has_params;  /* CKA_EC_PARAMS can be read from the private key */
	bool edwards;             /* CKM_EDDSA with CKA_EC_PARAMS as the curve's OID */
	bool label_ignored;       /* C_InitToken keeps the token's fixed label */
	bool so_pin_empty;        /* the first SO PIN is the empty one */
	int64_t reinit_us;        /* least time between two C_Initialize when a token is lost */
	CK_RV key_lost[4];        /* a cached key handle is no longer known; 0 ends */
};

const struct quirks *quirks_for(const CK_INFO *info);

/* What to do about a return value. */
enum rv_class {
	RV_GOOD,
	RV_KEY_LOST,     /* find the key again, once */
	RV_SESSION_LOST, /* open the session again, once */
	RV_TOKEN_LOST,   /* open the token again, or the next slot */
	RV_FAILED,       /* this call failed and the next may not */
};

enum rv_class rv_classify(const struct quirks *q, CK_RV rv);

/* Records "call: CKR_NAME (0x..)" under code. */
enum err_code rv_error(struct err *e, enum err_code code, const char *call, CK_RV rv);

/* A loaded library. What is neither immutable nor atomic is under the registry's lock, or under use
 * where it says so. */
struct module {
	struct module *next;
	char *path;
	char init_args[INIT_ARGS_MAX]; /* for C_Initialize; "": none */
	void *dl;
	CK_FUNCTION_LIST *f;
	const struct quirks *quirks;
	CK_INFO info;
	unsigned users;
	bool ours;        /* we called C_Initialize: we may call C_Finalize */
	bool initialised; /* false after a C_Initialize that failed */
	int64_t last_init_us;
	atomic_uint tokens_up;
	pthread_rwlock_t use; /* read while calls are made, write for C_Finalize */
	uint64_t generation;  /* under use: counts C_Initialize. Handles of another generation mean
			       * nothing, or something else */
};

/* Loads and initialises a module, or takes one more reference to a loaded one: PKCS#11 modules are
 * per process. E_HSM_MODULE says what failed. */
enum err_code
module_load(const char *path, const char *init_args, struct module **out, struct err *e) MUST_CHECK;

/* Around calls into a module. module_enter gives the generation that handles belong to. */
uint64_t module_enter(struct module *m);
void module_leave(struct module *m);

/* C_Finalize and C_Initialize, for modules that never look again for a token that was gone. Not
 * while a token of the module works or a call is under way, and not oftener than its row of the
 * table says. True when it was done: every handle is void. Call it outside module_enter. */
bool module_reinit(struct module *m);

/* Gives a reference back. The last one finalises the module unless a call still hangs in it; the
 * library stays mapped (doc/adr/0003). Accepts NULL. */
void module_release(struct module *m, bool hung);

/* The slot that "label:X", "serial:X" or "id:N" names, with its token's data; E_HSM_SLOT when
 * there is none. */
enum err_code module_find_slot(struct module *m, const char *spec, CK_SLOT_ID *slot,
			       CK_TOKEN_INFO *info, struct err *e) MUST_CHECK;

/* Slots with or without a token; *n is in and out. */
enum err_code
module_slots(struct module *m, CK_SLOT_ID *slots, CK_ULONG *n, struct err *e) MUST_CHECK;

/* Length of a blank-padded field without its padding. */
size_t padded_len(const unsigned char *field, size_t n);

/* Checks the form of a slot's name without touching a module. */
enum err_code slot_spec_check(const char *spec, struct err *e) MUST_CHECK;

/* The PIN that pin_file names: a path, or "credential:NAME". */
enum err_code pin_read(const char *pin_file, struct secret *pin, struct err *e) MUST_CHECK;

/* The raw point in a CKA_EC_POINT, or an empty span. */
struct span point_unwrap(const struct quirks *q, const struct algo *a, struct span attribute);

/* The algorithm whose CKA_EC_PARAMS these are, or NULL. */
const struct algo *algo_by_params(struct span params);

/* Mechanisms of an algorithm. */
CK_MECHANISM_TYPE mech_generate(const struct algo *a);
CK_MECHANISM_TYPE mech_sign(const struct algo *a);

#endif
