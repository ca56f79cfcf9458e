/* SPDX-License-Identifier: Apache-2.0 */
/* `v2gpki token check`: what a module and a token can do, as lines of text. Uses a session of its
 * own and leaves nothing on the token: the key that is timed is a session object. */
#include <string.h>

#include "hsm/hsm.h"
#include "hsm/p11.h"

#include "base/clock.h"

#include <openssl/err.h>

#define CHECK_SIGNATURES 100

struct check {
	struct module *m;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	CK_SESSION_HANDLE session;
	struct buf *out;
};

static void
put_field(struct buf *out, const char *name, const unsigned char *field, size_t n)
{
	buf_printf(out, "%-12s %.*s\n", name, (int)padded_len(field, n), (const char *)field);
}

static void
report_module(struct check *c, const char *path)
{
	const CK_INFO *i = &c->m->info;
	const struct quirks *q = c->m->quirks;

	buf_printf(c->out, "%-12s %s\n", "module", path);
	put_field(c->out, "manufacturer", i->manufacturerID, sizeof(i->manufacturerID));
	put_field(c->out, "library", i->libraryDescription, sizeof(i->libraryDescription));
	buf_printf(c->out, "%-12s %d.%d, cryptoki %d.%d\n", "version", i->libraryVersion.major,
		   i->libraryVersion.minor, i->cryptokiVersion.major, i->cryptokiVersion.minor);
	buf_printf(c->out, "%-12s %s: EC_POINT %s, %s, token label %s, first SO PIN %s\n",
		   "table row", q->name, q->point == POINT_WRAPPED ? "wrapped" : "wrapped or bare",
		   q->edwards ? "EdDSA by OID" : "no EdDSA", q->label_ignored ? "fixed" : "free",
		   q->so_pin_empty ? "empty" : "free");
}

static void
report_token(struct check *c, const char *spec)
{
	buf_printf(c->out, "%-12s %lu by %s\n", "slot", c->slot, spec);
	put_field(c->out, "token", c->info.label, sizeof(c->info.label));
	put_field(c->out, "serial", c->info.serialNumber, sizeof(c->info.serialNumber));
	buf_printf(c->out, "%-12s%s%s%s%s\n", "flags",
		   (c->info.flags & CKF_LOGIN_REQUIRED) != 0 ? " login" : " no-login",
		   (c->info.flags & CKF_USER_PIN_INITIALIZED) != 0 ? " pin-set" : " no-pin",
		   (c->info.flags & CKF_WRITE_PROTECTED) != 0 ? " write-protected" : "",
		   (c->info.flags & CKF_USER_PIN_COUNT_LOW) != 0 ? " wrong-pin-before" : "");
}

/* False when CKM_ECDSA is missing: no hash of ours can be signed then. */
static bool
report_mechanisms(struct check *c)
{
	enum algo_id id;
	bool raw = false;

	for (id = ALGO_NONE + 1; id < ALGO_COUNT; id++) {
		const struct algo *a = algo_get(id);
		CK_MECHANISM_INFO make = {0}, sign = {0};
		bool can =
			c->m->f->C_GetMechanismInfo(c->slot, mech_generate(a), &make) == CKR_OK &&
			c->m->f->C_GetMechanismInfo(c->slot, mech_sign(a), &sign) == CKR_OK &&
			(sign.flags & CKF_SIGN) != 0;

		if (mech_sign(a) == CKM_EDDSA)
			can = can && c->m->quirks->edwards;
		else
			raw = raw || can;
		buf_printf(c->out, "%-12s %s\n", a->name, can ? "make, sign" : "no");
	}
	return raw;
}

static enum err_code
check_login(struct check *c, const char *pin_file, struct err *e)
{
	struct secret pin = {0};
	enum err_code rc;
	CK_RV rv;

	if (pin_file == NULL)
		return E_OK;
	if ((c->info.flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) != 0)
		return err_set(e, E_HSM_PIN,
			       "the token is locked, or will be at the next wrong PIN");
	if ((rc = pin_read(pin_file, &pin, e)) != E_OK)
		return rc;
	rv = c->m->f->C_Login(c->session, CKU_USER, pin.p, pin.n);
	secret_free(&pin);
	if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
		return rv_error(e, E_HSM_PIN, "C_Login", rv);
	buf_printf(c->out, "%-12s ok\n", "login");
	return E_OK;
}

static CK_RV
make_session_key(struct check *c, CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private)
{
	const struct algo *a = algo_get(ALGO_P256);
	CK_MECHANISM mech = {mech_generate(a), NULL, 0};
	uint8_t params[16];
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE public_t[] = {{CKA_TOKEN, &no, sizeof(no)},
				   {CKA_VERIFY, &yes, sizeof(yes)},
				   {CKA_EC_PARAMS, params, a->curve_params.n}};
	CK_ATTRIBUTE private_t[] = {{CKA_TOKEN, &no, sizeof(no)},
				    {CKA_PRIVATE, &yes, sizeof(yes)},
				    {CKA_SENSITIVE, &yes, sizeof(yes)},
				    {CKA_EXTRACTABLE, &no, sizeof(no)},
				    {CKA_SIGN, &yes, sizeof(yes)}};

	memcpy(params, a->curve_params.p, a->curve_params.n);
	return c->m->f->C_GenerateKeyPair(c->session, &mech, public_t, ARRAY_LEN(public_t),
					  private_t, ARRAY_LEN(private_t), public, private);
}

static CK_RV
time_signatures(struct check *c, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM mech = {mech_sign(algo_get(ALGO_P256)), NULL, 0};
	uint8_t digest[32] = {1}, sig[128];
	int64_t start = clock_mono_us(), us;
	CK_ULONG n;
	CK_RV rv = CKR_OK;
	int i;

	for (i = 0; i < CHECK_SIGNATURES && rv == CKR_OK; i++) {
		n = sizeof(sig);
		if ((rv = c->m->f->C_SignInit(c->session, &mech, key)) == CKR_OK)
			rv = c->m->f->C_Sign(c->session, digest, sizeof(digest), sig, &n);
	}
	us = clock_mono_us() - start;
	if (rv == CKR_OK)
		buf_printf(c->out, "%-12s %d P-256 signatures in %lld us, %lld a second\n", "speed",
			   CHECK_SIGNATURES, (long long)us,
			   (long long)CHECK_SIGNATURES * 1000000 / (us > 0 ? us : 1));
	return rv;
}

static enum err_code
check_speed(struct check *c, struct err *e)
{
	CK_OBJECT_HANDLE public, private;
	CK_RV rv = make_session_key(c, &public, &private);

	if (rv != CKR_OK) {
		buf_printf(c->out, "%-12s not measured: no session keys (0x%lx)\n", "speed", rv);
		return E_OK;
	}
	rv = time_signatures(c, private);
	(void)c->m->f->C_DestroyObject(c->session, private); /* ends with the session anyway */
	(void)c->m->f->C_DestroyObject(c->session, public);  /* likewise */
	return rv == CKR_OK ? E_OK : rv_error(e, E_HSM_SIGN, "C_Sign", rv);
}

static enum err_code
check_in_session(struct check *c, const char *pin_file, struct err *e)
{
	CK_FUNCTION_LIST *f = c->m->f;
	enum err_code rc;
	CK_RV rv = f->C_OpenSession(c->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
				    &c->session);

	if (rv != CKR_OK)
		return rv_error(e, E_HSM_SLOT, "C_OpenSession", rv);
	if ((rc = check_login(c, pin_file, e)) == E_OK)
		rc = check_speed(c, e);
	(void)f->C_CloseSession(c->session); /* nothing depends on it */
	return rc;
}

enum err_code
hsm_token_check(const struct hsm_token_conf *conf, struct buf *report, struct err *e)
{
	struct check c = {.out = report};
	enum err_code rc;
	size_t i;

	if ((rc = module_load(conf->module, conf->init_args, &c.m, e)) != E_OK)
		return rc;
	module_enter(c.m);
	report_module(&c, conf->module);
	for (i = 0; i < ARRAY_LEN(conf->slots) && conf->slots[i] != NULL && rc == E_OK; i++) {
		if ((rc = slot_spec_check(conf->slots[i], e)) != E_OK)
			break;
		if ((rc = module_find_slot(c.m, conf->slots[i], &c.slot, &c.info, e)) != E_OK)
			break;
		report_token(&c, conf->slots[i]);
		if (!report_mechanisms(&c))
			rc = err_set(e, E_HSM_UNSUPPORTED,
				     "no mechanism CKM_ECDSA: hashes made here cannot be signed");
		else
			rc = check_in_session(&c, conf->pin_file, e);
	}
	module_leave(c.m);
	ERR_clear_error();
	module_release(c.m, false);
	return rc == E_OK ? buf_ok(report, e) : rc;
}
