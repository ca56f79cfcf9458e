/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hsm/p11.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include <openssl/err.h>

#define REINIT_TRIES    20    /* to get the module without a call in it, */
#define REINIT_PAUSE_US 10000 /* with this between them */

/* C_Initialize's argument. The string is PKCS#11's pReserved; softokn calls that member
 * LibraryParameters and reads a NULL after it. */
struct init_args {
	CK_C_INITIALIZE_ARGS args;
	void *end;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct module *registry; /* modules of this process; under registry_lock */

static void
module_free(struct module *m)
{
	if (m == NULL)
		return;
	pthread_rwlock_destroy(&m->use);
	free(m->path);
	free(m);
}

static CK_RV
call_initialize(struct module *m)
{
	struct init_args a = {.args = {.flags = CKF_OS_LOCKING_OK,
				       .pReserved = m->init_args[0] != '\0' ? m->init_args : NULL}};
	CK_RV rv = m->f->C_Initialize(&a);

	ERR_clear_error();
	m->generation++;
	m->last_init_us = clock_mono_us();
	/* 0x191: another library in this process was first; its initialisation serves us too */
	m->initialised = rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED;
	m->ours = rv == CKR_OK;
	return m->initialised ? CKR_OK : rv;
}

static enum err_code
initialise(struct module *m, const char *init_args, struct err *e)
{
	CK_RV rv;

	if (!str_copy(m->init_args, sizeof(m->init_args), init_args != NULL ? init_args : ""))
		return err_set(e, E_CONFIG, "init_args: expected at most %d bytes",
			       INIT_ARGS_MAX - 1);
	pthread_rwlock_wrlock(&m->use);
	rv = call_initialize(m);
	pthread_rwlock_unlock(&m->use);
	if (rv != CKR_OK)
		return rv_error(e, E_HSM_MODULE, "C_Initialize", rv);
	if ((rv = m->f->C_GetInfo(&m->info)) != CKR_OK)
		return rv_error(e, E_HSM_MODULE, "C_GetInfo", rv);
	m->quirks = quirks_for(&m->info);
	return E_OK;
}

uint64_t
module_enter(struct module *m)
{
	pthread_rwlock_rdlock(&m->use);
	return m->generation;
}

void
module_leave(struct module *m)
{
	pthread_rwlock_unlock(&m->use);
}

/* Under registry_lock. A call that hangs keeps the module for itself: give up then. */
static bool
lock_out_calls(struct module *m)
{
	int i;

	for (i = 0; i < REINIT_TRIES; i++) {
		if (pthread_rwlock_trywrlock(&m->use) == 0)
			return true;
		usleep(REINIT_PAUSE_US);
	}
	return false;
}

bool
module_reinit(struct module *m)
{
	bool done = false;
	CK_RV rv;

	pthread_mutex_lock(&registry_lock);
	if ((m->ours || !m->initialised) && atomic_load(&m->tokens_up) == 0 &&
	    clock_mono_us() - m->last_init_us >= m->quirks->reinit_us && lock_out_calls(m)) {
		if (m->initialised)
			(void)m->f->C_Finalize(NULL); /* C_Initialize tells whether it worked */
		rv = call_initialize(m);
		pthread_rwlock_unlock(&m->use);
		log_event(rv == CKR_OK ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "module.reinit",
			  "module=%s rv=0x%lx", m->path, rv);
		done = true;
	}
	pthread_mutex_unlock(&registry_lock);
	return done;
}

/* RTLD_LOCAL: a module may bring its own libcrypto or export names that we use. */
static enum err_code
open_library(const char *path, struct module **out, struct err *e)
{
	struct module *m = calloc(1, sizeof(*m));
	CK_C_GetFunctionList get;

	if (m == NULL || pthread_rwlock_init(&m->use, NULL) != 0 ||
	    (m->path = strdup(path)) == NULL) {
		free(m);
		return err_set(e, E_NO_MEMORY, "out of memory");
	}
	if ((m->dl = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL) {
		module_free(m);
		return err_set(e, E_HSM_MODULE, "not to be loaded: %s", dlerror());
	}
	*(void **)&get = dlsym(m->dl, "C_GetFunctionList");
	if (get == NULL || get(&m->f) != CKR_OK || m->f == NULL) {
		module_free(m);
		return err_set(e, E_HSM_MODULE,
			       "C_GetFunctionList is missing or fails: not a "
			       "PKCS#11 module");
	}
	*out = m;
	return E_OK;
}

/* Under registry_lock. */
static enum err_code
registry_get(const char *path, const char *init_args, struct module **out, struct err *e)
{
	struct module *m;
	enum err_code rc;

	for (m = registry; m != NULL; m = m->next)
		if (strcmp(m->path, path) == 0)
			break;
	if (m == NULL) {
		if ((rc = open_library(path, &m, e)) != E_OK)
			return rc;
		m->next = registry;
		registry = m;
	}
	if (m->users == 0 && (rc = initialise(m, init_args, e)) != E_OK)
		return rc;
	m->users++;
	*out = m;
	return E_OK;
}

enum err_code
module_load(const char *path, const char *init_args, struct module **out, struct err *e)
{
	enum err_code rc;

	*out = NULL;
	pthread_mutex_lock(&registry_lock);
	rc = registry_get(path, init_args, out, e);
	pthread_mutex_unlock(&registry_lock);
	if (rc != E_OK)
		err_context(e, "module %s", path);
	return rc;
}

void
module_release(struct module *m, bool hung)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&registry_lock);
	if (hung) {
		m->ours = false; /* C_Finalize beside a running call is undefined: never */
	}
	if (--m->users == 0 && m->ours && m->initialised) {
		(void)m->f->C_Finalize(NULL); /* nothing could be done about a failure */
		ERR_clear_error();
	}
	pthread_mutex_unlock(&registry_lock);
}

enum err_code
module_slots(struct module *m, CK_SLOT_ID *slots, CK_ULONG *n, struct err *e)
{
	CK_ULONG count = 0;
	CK_RV rv;

	/* asking for the count first is what makes modules look for new tokens */
	if ((rv = m->f->C_GetSlotList(CK_TRUE, NULL, &count)) == CKR_OK)
		rv = m->f->C_GetSlotList(CK_TRUE, slots, n);
	ERR_clear_error();
	return rv == CKR_OK ? E_OK : rv_error(e, E_HSM_SLOT, "C_GetSlotList", rv);
}

size_t
padded_len(const unsigned char *field, size_t n)
{
	while (n > 0 && (field[n - 1] == ' ' || field[n - 1] == '\0'))
		n--;
	return n;
}

static bool
field_is(const unsigned char *field, size_t n, const char *value)
{
	return span_equal((struct span){field, padded_len(field, n)}, span_str(value));
}

static bool
slot_fits(const char *spec, CK_SLOT_ID slot, const CK_TOKEN_INFO *info)
{
	uint64_t id;

	if (strncmp(spec, "label:", 6) == 0)
		return field_is(info->label, sizeof(info->label), spec + 6);
	if (strncmp(spec, "serial:", 7) == 0)
		return field_is(info->serialNumber, sizeof(info->serialNumber), spec + 7);
	return strncmp(spec, "id:", 3) == 0 &&
	       str_to_u64(spec + 3, 0, UINT64_MAX, &id, NULL) == E_OK && id == slot;
}

enum err_code
slot_spec_check(const char *spec, struct err *e)
{
	uint64_t id;

	if (strncmp(spec, "id:", 3) == 0)
		return str_to_u64(spec + 3, 0, UINT64_MAX, &id, e);
	if ((strncmp(spec, "label:", 6) == 0 && spec[6] != '\0') ||
	    (strncmp(spec, "serial:", 7) == 0 && spec[7] != '\0'))
		return E_OK;
	return err_set(e, E_CONFIG, "slot '%s': expected label:TEXT, serial:TEXT or id:NUMBER",
		       spec);
}

enum err_code
module_find_slot(struct module *m, const char *spec, CK_SLOT_ID *slot, CK_TOKEN_INFO *info,
		 struct err *e)
{
	CK_SLOT_ID slots[P11_SLOTS_MAX] = {0};
	CK_ULONG i, n = P11_SLOTS_MAX;
	enum err_code rc;

	if ((rc = module_slots(m, slots, &n, e)) != E_OK)
		return rc;
	for (i = 0; i < n; i++) {
		CK_RV rv = m->f->C_GetTokenInfo(slots[i], info);

		ERR_clear_error();
		if (rv != CKR_OK || (info->flags & CKF_TOKEN_INITIALIZED) == 0)
			continue;
		if (slot_fits(spec, slots[i], info)) {
			*slot = slots[i];
			return E_OK;
		}
	}
	return err_set(e, E_HSM_SLOT, "%s: no such token among the %lu slots of %s", spec, n,
		       m->path);
}

enum err_code
pin_read(const char *pin_file, struct secret *pin, struct err *e)
{
	static const char prefix[] = "credential:";
	const char *dir;
	char path[4096];
	int n;

	if (strncmp(pin_file, prefix, sizeof(prefix) - 1) != 0)
		return secret_read_file(pin_file, pin, e);
	if ((dir = getenv("CREDENTIALS_DIRECTORY")) == NULL)
		return err_set(e, E_IO,
			       "%s: $CREDENTIALS_DIRECTORY is not set, see systemd.exec "
			       "LoadCredential=",
			       pin_file);
	n = snprintf(path, sizeof(path), "%s/%s", dir, pin_file + sizeof(prefix) - 1);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, E_IO, "%s: path is too long", pin_file);
	return secret_read_file(path, pin, e);
}
