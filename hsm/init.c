/* SPDX-License-Identifier: Apache-2.0 */
/* Making a token: the one thing done before any session pool exists. */
#include <string.h>

#include "hsm/hsm.h"
#include "hsm/p11.h"

#include <openssl/err.h>

#define TOKEN_LABEL_LEN 32 /* bytes of CK_TOKEN_INFO.label, blank-padded */

/* Modules that give tokens a fixed label have a fixed slot for it as well: the one that wants a
 * login and has no user PIN. Elsewhere any slot without a token will do. */
static bool
is_free(const struct quirks *q, const CK_TOKEN_INFO *info)
{
	if (q->label_ignored)
		return (info->flags & CKF_LOGIN_REQUIRED) != 0 &&
		       (info->flags & CKF_USER_PIN_INITIALIZED) == 0;
	return (info->flags & CKF_TOKEN_INITIALIZED) == 0;
}

static bool
has_label(const CK_TOKEN_INFO *info, const char *label)
{
	return (info->flags & CKF_TOKEN_INITIALIZED) != 0 &&
	       span_equal((struct span){info->label, padded_len(info->label, sizeof(info->label))},
			  span_str(label));
}

/* A free slot; E_HSM_KEY_EXISTS when a token has that label already. */
static enum err_code
free_slot(struct module *m, const char *label, CK_SLOT_ID *slot, struct err *e)
{
	CK_SLOT_ID slots[P11_SLOTS_MAX];
	CK_ULONG i, n = P11_SLOTS_MAX;
	enum err_code rc;
	bool found = false;

	if ((rc = module_slots(m, slots, &n, e)) != E_OK)
		return rc;
	for (i = 0; i < n; i++) {
		CK_TOKEN_INFO info;

		if (m->f->C_GetTokenInfo(slots[i], &info) != CKR_OK)
			continue;
		if (has_label(&info, label))
			return err_set(e, E_HSM_KEY_EXISTS,
				       "a token labelled '%s' is there already", label);
		if (!found && is_free(m->quirks, &info)) {
			*slot = slots[i];
			found = true;
		}
	}
	if (!found)
		return err_set(e, E_HSM_SLOT, "none of the %lu slots is free for a new token", n);
	return E_OK;
}

static enum err_code
set_user_pin(struct module *m, CK_SESSION_HANDLE s, const struct secret *so_pin,
	     const struct secret *pin, struct err *e)
{
	CK_RV rv;

	if ((rv = m->f->C_Login(s, CKU_SO, so_pin->p, so_pin->n)) != CKR_OK)
		return rv_error(e, E_HSM_PIN, "C_Login as security officer", rv);
	if ((rv = m->f->C_InitPIN(s, pin->p, pin->n)) != CKR_OK)
		return rv_error(e, E_HSM_PIN, "C_InitPIN", rv);
	if ((rv = m->f->C_Logout(s)) != CKR_OK)
		return rv_error(e, E_HSM_PIN, "C_Logout", rv);
	return E_OK;
}

static enum err_code
make_token(struct module *m, CK_SLOT_ID slot, const char *label, const struct secret *so_pin,
	   const struct secret *pin, struct err *e)
{
	unsigned char padded[TOKEN_LABEL_LEN];
	CK_SESSION_HANDLE s;
	size_t i;
	enum err_code rc;
	CK_RV rv;

	/* padded with blanks, not ended by NUL (PKCS#11 C_InitToken) */
	for (i = 0; i < sizeof(padded); i++)
		padded[i] = *label != '\0' ? (unsigned char)*label++ : ' ';
	rv = m->f->C_InitToken(slot, so_pin->p, so_pin->n, padded);
	if (rv == CKR_FUNCTION_NOT_SUPPORTED)
		return rv_error(e, E_HSM_UNSUPPORTED, "C_InitToken", rv);
	if (rv != CKR_OK)
		return rv_error(e, E_HSM_SLOT, "C_InitToken", rv);
	rv = m->f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s);
	if (rv != CKR_OK)
		return rv_error(e, E_HSM_SLOT, "C_OpenSession", rv);
	rc = set_user_pin(m, s, so_pin, pin, e);
	(void)m->f->C_CloseSession(s); /* the PIN's result counts */
	return rc;
}

enum err_code
hsm_token_init(const struct hsm_token_conf *conf, const char *label, const struct secret *so_pin,
	       struct err *e)
{
	struct module *m = NULL;
	struct secret pin = {0}, empty = {0};
	CK_SLOT_ID slot = 0;
	enum err_code rc;

	if (label[0] == '\0' || strlen(label) > TOKEN_LABEL_LEN)
		return err_set(e, E_BAD_VALUE, "token label '%s': expected 1 to %d bytes", label,
			       TOKEN_LABEL_LEN);
	if (conf->pin_file == NULL)
		return err_set(e, E_CONFIG, "token %s: a PIN file is needed to make a token",
			       conf->name);
	if ((rc = pin_read(conf->pin_file, &pin, e)) != E_OK)
		return rc;
	if ((rc = module_load(conf->module, conf->init_args, &m, e)) != E_OK)
		goto out;
	if (m->quirks->so_pin_empty && (rc = secret_alloc(&empty, 0, e)) != E_OK)
		goto out;
	module_enter(m);
	if ((rc = free_slot(m, label, &slot, e)) == E_OK)
		rc = make_token(m, slot, label, m->quirks->so_pin_empty ? &empty : so_pin, &pin, e);
	module_leave(m);
out:
	if (rc != E_OK)
		err_context(e, "token %s", conf->name);
	ERR_clear_error();
	module_release(m, false);
	secret_free(&empty);
	secret_free(&pin);
	return rc;
}
