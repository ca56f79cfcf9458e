/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a token: slot, session, login, a look at its keys. Runs in the keeper, without the
 * token's lock. */
#include "hsm/token.h"

static enum err_code
login_result(CK_RV rv, bool *refused, struct err *e)
{
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return E_OK;
	*refused = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_EXPIRED ||
		   rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE ||
		   rv == CKR_USER_PIN_NOT_INITIALIZED;
	rv_error(e, *refused ? E_HSM_PIN : E_HSM_SLOT, "C_Login", rv);
	if (*refused)
		err_context(e, "not tried again before a restart");
	return *refused ? E_HSM_PIN : E_HSM_SLOT;
}

/* The PIN is read for each login and kept nowhere. A token that would lock at the next wrong PIN is
 * left to its operator: a daemon that is restarted must not lock it (I-35). */
static enum err_code
login(struct token *t, CK_SESSION_HANDLE s, const CK_TOKEN_INFO *info, bool *refused, struct err *e)
{
	struct secret pin = {0};
	enum err_code rc;

	if (t->pin_file == NULL)
		return E_OK;
	if ((info->flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) != 0) {
		*refused = true;
		return err_set(e, E_HSM_PIN,
			       "the token is locked, or will be at the next wrong "
			       "PIN: log in by hand once");
	}
	if ((rc = pin_read(t->pin_file, &pin, e)) != E_OK) {
		err_context(e, "PIN");
		return rc;
	}
	rc = login_result(t->module->f->C_Login(s, CKU_USER, pin.p, pin.n), refused, e);
	secret_free(&pin);
	return rc;
}

/* Inside module_enter. */
static enum err_code
has_keys(struct token *t, CK_SESSION_HANDLE s, const struct opening *o, struct err *e)
{
	CK_OBJECT_HANDLE key;
	CK_ULONG count;
	CK_RV rv;
	size_t i;

	for (i = 0; i < o->id_count; i++) {
		rv = key_objects(t->module->f, s, CKO_PRIVATE_KEY,
				 (struct span){o->ids[i].id, o->ids[i].n}, &key, &count);
		if (rv != CKR_OK)
			return rv_error(e, E_HSM_SLOT, "C_FindObjects", rv);
		if (count > 0)
			return E_OK;
	}
	return i == 0 ? E_OK
		      : err_set(e, E_HSM_SLOT, "none of the %zu keys looked for is on it", i);
}

enum err_code
open_has_keys(struct token *t, const struct opening *o, struct err *e)
{
	enum err_code rc;

	if (module_enter(t->module) == o->generation)
		rc = has_keys(t, o->session, o, e);
	else
		rc = err_set(e, E_HSM_SLOT, "the module was initialised anew");
	module_leave(t->module);
	return rc;
}

/* A session that holds the login. Inside module_enter. */
static enum err_code
open_slot(struct token *t, struct opening *o, CK_SESSION_HANDLE *s, struct err *e)
{
	CK_FUNCTION_LIST *f = t->module->f;
	CK_TOKEN_INFO info;
	enum err_code rc;
	CK_RV rv;

	if (o->refused[o->index])
		return err_set(e, E_HSM_PIN,
			       "its PIN was refused before; not tried again before a restart");
	rc = module_find_slot(t->module, t->slots[o->index], &o->slot, &info, e);
	if (rc != E_OK)
		return rc;
	rv = f->C_OpenSession(o->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, s);
	if (rv != CKR_OK)
		return rv_error(e, E_HSM_SLOT, "C_OpenSession", rv);
	rc = login(t, *s, &info, &o->refused[o->index], e);
	if (rc == E_OK)
		rc = has_keys(t, *s, o, e);
	if (rc != E_OK)
		(void)f->C_CloseSession(*s); /* the error before counts */
	return rc;
}

/* Inside module_enter. */
static enum err_code
open_any(struct token *t, struct opening *o, CK_SESSION_HANDLE *s, struct err *e)
{
	size_t i, first = o->index;

	for (i = 0; i < t->slot_count; i++) {
		struct err one = {0};

		o->index = (first + i) % t->slot_count;
		if (open_slot(t, o, s, &one) == E_OK)
			return E_OK;
		/* the first slot's reason is told, unless another slot opens */
		err_set(e, one.code, "token %s, %s: %s", t->name, t->slots[o->index], one.text);
	}
	o->index = first;
	return e->code;
}

enum err_code
open_token(struct token *t, struct opening *o, struct err *e)
{
	CK_SESSION_HANDLE s = 0;
	uint64_t generation = module_enter(t->module);
	enum err_code rc = open_any(t, o, &s, e);

	if (rc == E_OK) {
		if (o->session != 0 && o->generation == generation)
			(void)t->module->f->C_CloseSession(o->session); /* likely gone already */
		o->session = s;
		o->generation = generation;
	}
	module_leave(t->module);
	return rc;
}
