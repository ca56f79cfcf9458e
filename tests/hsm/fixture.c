/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <dlfcn.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const softhsm_paths[] = {"/usr/lib/softhsm/libsofthsm2.so",
					    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
					    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"};
static const char *const nss_paths[] = {"/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
					"/usr/lib/x86_64-linux-gnu/nss/libsoftokn3.so",
					"/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
					"/usr/lib/aarch64-linux-gnu/nss/libsoftokn3.so"};

static bool
find_library(struct fixture *f, const char *what, const char *const *paths, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (access(paths[i], R_OK) == 0) {
			snprintf(f->module, sizeof(f->module), "%s", paths[i]);
			return true;
		}
	fprintf(stderr, "SKIPPED: %s is not installed\n", what);
	return false;
}

static void
write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static void
start(struct fixture *f)
{
	assert_int_equal(secret_init(NULL), E_OK);
	snprintf(f->dir, sizeof(f->dir), "/tmp/v2gpki-hsm-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->pin_file, sizeof(f->pin_file), "%s/pin", f->dir);
	write_file(f->pin_file, FIXTURE_PIN "\n");
	f->conf = (struct hsm_token_conf){.name = "main",
					  .module = f->module,
					  .slots = {f->slot},
					  .pin_file = f->pin_file,
					  .sessions = 2,
					  .timeout_ms = 5000};
}

void
fixture_add_token(struct fixture *f, const char *label)
{
	struct secret so = {0};
	struct err e = {0};

	assert_int_equal(secret_alloc(&so, 8, &e), E_OK);
	memcpy(so.p, "12345678", 8);
	if (hsm_token_init(&f->conf, label, &so, &e) != E_OK)
		fail_msg("hsm_token_init: %s", e.text);
	secret_free(&so);
}

bool
fixture_softhsm(struct fixture *f, const char *label)
{
	char path[128], text[256];

	memset(f, 0, sizeof(*f));
	if (!find_library(f, "SoftHSM", softhsm_paths, ARRAY_LEN(softhsm_paths)))
		return false;
	start(f);
	snprintf(path, sizeof(path), "%s/tokens", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(text, sizeof(text),
		 "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
		 path);
	snprintf(path, sizeof(path), "%s/softhsm2.conf", f->dir);
	write_file(path, text);
	assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
	snprintf(f->slot, sizeof(f->slot), "label:%s", label);
	fixture_add_token(f, label);
	return true;
}

bool
fixture_nss(struct fixture *f)
{
	char path[128];

	memset(f, 0, sizeof(*f));
	if (!find_library(f, "NSS softokn", nss_paths, ARRAY_LEN(nss_paths)))
		return false;
	start(f);
	snprintf(path, sizeof(path), "%s/nss", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(f->init_args, sizeof(f->init_args),
		 "configdir='sql:%s' certPrefix='' keyPrefix='' secmod='secmod.db' flags=", path);
	f->conf.init_args = f->init_args;
	snprintf(f->slot, sizeof(f->slot), "label:NSS Certificate DB");
	fixture_add_token(f, "NSS Certificate DB");
	return true;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;   /* nftw's interface */
	(void)type; /* likewise */
	(void)ftw;  /* likewise */
	return remove(path);
}

void
fixture_free(struct fixture *f)
{
	if (f->dir[0] != '\0')
		assert_int_equal(nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	f->dir[0] = '\0';
}

struct span
fixture_id(uint8_t n)
{
	static uint8_t id[HSM_KEY_ID_LEN];

	memset(id, n, sizeof(id));
	return (struct span){id, sizeof(id)};
}

CK_FUNCTION_LIST *
fixture_functions(const struct fixture *f)
{
	void *dl = dlopen(f->module, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = NULL;
	CK_FUNCTION_LIST *list = NULL;

	assert_non_null(dl);
	*(void **)&get = dlsym(dl, "C_GetFunctionList");
	assert_non_null(get);
	assert_int_equal(get(&list), CKR_OK);
	dlclose(dl); /* hsm/ keeps it mapped */
	return list;
}

CK_SLOT_ID
fixture_slot(const struct fixture *f)
{
	CK_FUNCTION_LIST *list = fixture_functions(f);
	const char *label = f->slot + strlen("label:");
	CK_SLOT_ID slots[16];
	CK_ULONG i, n = ARRAY_LEN(slots);

	assert_int_equal(list->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
	for (i = 0; i < n; i++) {
		CK_TOKEN_INFO info;

		assert_int_equal(list->C_GetTokenInfo(slots[i], &info), CKR_OK);
		if (memcmp(info.label, label, strlen(label)) == 0)
			return slots[i];
	}
	fail_msg("no token %s", label);
	return 0;
}
