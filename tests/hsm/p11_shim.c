/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS#11 module in front of the real one: injects faults and counts signatures.
 *
 * $V2GPKI_SHIM_MODULE   the real module
 * $V2GPKI_SHIM_CONTROL  a file of faults, read again whenever it changes; write it beside and
 *                       rename it. One a line: FUNCTION ACTION VALUE COUNT LABEL, for example
 *                           C_Sign rv 0x30 1 -            the next C_Sign fails once
 *                           * rv 0xe0 -1 first            every call on token "first" fails
 *                           C_Sign hang 3000 2 -          two calls take 3000 ms longer
 *                           C_Sign short 0 1 -            one byte less of signature
 *                           C_Sign zero 0 1 -   C_Sign flip 0 1 -
 * $V2GPKI_SHIM_COUNT    one line per C_Sign call, the key's CKA_ID and what is signed (a digest) in
 *                       hex, appended before the call is made: what was signed is known even when
 * the process is killed $V2GPKI_SHIM_TRACE    one line per call of a function that can be made to
 * fail: its name
 *
 * Each is optional except the first. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#define FAULTS_MAX   16
#define SESSIONS_MAX 1024
#define ID_MAX       64
#define DATA_MAX     64 /* bytes of a digest that are written down */

enum action { ACTION_NONE, ACTION_RV, ACTION_HANG, ACTION_SHORT, ACTION_ZERO, ACTION_FLIP };

struct fault {
	char function[32], action[16], label[33];
	long value, count;
};

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST list;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault faults[FAULTS_MAX];
static size_t fault_count;
static struct timespec control_time;
static ino_t control_inode;
static struct {
	CK_SESSION_HANDLE session;
	unsigned char id[ID_MAX];
	CK_ULONG n;
} keys[SESSIONS_MAX]; /* key of the signature begun in a session */

static void
append(const char *variable, const char *text)
{
	const char *path = getenv(variable);
	int fd;

	if (path == NULL || path[0] == '\0')
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort(); /* a count that is not kept is worse than a dead test */
	close(fd);
}

/* Under lock. */
static void
read_control(void)
{
	const char *path = getenv("V2GPKI_SHIM_CONTROL");
	struct stat st;
	FILE *in;

	if (path == NULL || stat(path, &st) != 0) {
		fault_count = 0;
		control_inode = 0;
		return;
	}
	if (st.st_ino == control_inode && st.st_mtim.tv_sec == control_time.tv_sec &&
	    st.st_mtim.tv_nsec == control_time.tv_nsec)
		return;
	control_inode = st.st_ino;
	control_time = st.st_mtim;
	fault_count = 0;
	if ((in = fopen(path, "r")) == NULL)
		return;
	while (fault_count < FAULTS_MAX) {
		struct fault *f = &faults[fault_count];

		if (fscanf(in, "%31s %15s %li %li %32s", f->function, f->action, &f->value,
			   &f->count, f->label) != 5)
			break;
		fault_count++;
	}
	fclose(in);
}

static bool
label_fits(const char *label, CK_SLOT_ID slot)
{
	CK_TOKEN_INFO info;
	size_t n = strlen(label);

	if (strcmp(label, "-") == 0)
		return true;
	return real->C_GetTokenInfo(slot, &info) == CKR_OK && n <= sizeof(info.label) &&
	       memcmp(info.label, label, n) == 0 &&
	       (n == sizeof(info.label) || info.label[n] == ' ');
}

static enum action
action_of(const char *name)
{
	static const char *const names[] = {"", "rv", "hang", "short", "zero", "flip"};
	size_t i;

	for (i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum action)i;
	return ACTION_NONE;
}

/* The fault that meets this call, used up by one. */
static enum action
fault_for(const char *function, CK_SLOT_ID slot, long *value)
{
	enum action a = ACTION_NONE;
	char line[40];
	size_t i;

	snprintf(line, sizeof(line), "%s\n", function);
	append("V2GPKI_SHIM_TRACE", line);
	pthread_mutex_lock(&lock);
	read_control();
	for (i = 0; i < fault_count && a == ACTION_NONE; i++) {
		struct fault *f = &faults[i];

		if (f->count == 0 || !label_fits(f->label, slot) ||
		    (strcmp(f->function, "*") != 0 && strcmp(f->function, function) != 0))
			continue;
		if (f->count > 0)
			f->count--;
		*value = f->value;
		a = action_of(f->action);
	}
	pthread_mutex_unlock(&lock);
	return a;
}

static CK_SLOT_ID
slot_of(CK_SESSION_HANDLE s)
{
	CK_SESSION_INFO info;

	return real->C_GetSessionInfo(s, &info) == CKR_OK ? info.slotID : (CK_SLOT_ID)-1;
}

/* CKR_OK: go on with the call. */
static CK_RV
meet(const char *function, CK_SLOT_ID slot)
{
	long value = 0;
	enum action a = fault_for(function, slot, &value);

	if (a == ACTION_HANG)
		usleep((useconds_t)value * 1000);
	return a == ACTION_RV ? (CK_RV)value : CKR_OK;
}

static void
remember_key(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
	unsigned char id[ID_MAX];
	CK_ATTRIBUTE t = {CKA_ID, id, sizeof(id)};
	size_t i, at = 0;

	if (real->C_GetAttributeValue(s, key, &t, 1) != CKR_OK)
		t.ulValueLen = 0;
	pthread_mutex_lock(&lock);
	for (i = SESSIONS_MAX; i-- > 0;) {
		if (keys[i].session == 0 || keys[i].session == s)
			at = i;
		if (keys[i].session == s)
			break;
	}
	keys[at].session = s;
	memcpy(keys[at].id, id, t.ulValueLen);
	keys[at].n = t.ulValueLen;
	pthread_mutex_unlock(&lock);
}

static void
count_signature(CK_SESSION_HANDLE s, const unsigned char *data, CK_ULONG data_n)
{
	char line[2 * ID_MAX + 2 * DATA_MAX + 3] = "";
	size_t i, k, n = 0;

	pthread_mutex_lock(&lock);
	for (i = 0; i < SESSIONS_MAX; i++) {
		if (keys[i].session != s)
			continue;
		for (k = 0; k < keys[i].n; k++)
			n += (size_t)snprintf(line + n, 3, "%02x", keys[i].id[k]);
		break;
	}
	pthread_mutex_unlock(&lock);
	line[n++] = ' ';
	for (k = 0; k < data_n && k < DATA_MAX; k++)
		n += (size_t)snprintf(line + n, 3, "%02x", data[k]);
	line[n++] = '\n';
	line[n] = '\0';
	append("V2GPKI_SHIM_COUNT", line);
}

static CK_RV
shim_open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
		  CK_SESSION_HANDLE *s)
{
	CK_RV rv = meet("C_OpenSession", slot);

	return rv != CKR_OK ? rv : real->C_OpenSession(slot, flags, application, notify, s);
}

static CK_RV
shim_login(CK_SESSION_HANDLE s, CK_USER_TYPE user, unsigned char *pin, CK_ULONG n)
{
	CK_RV rv = meet("C_Login", slot_of(s));

	return rv != CKR_OK ? rv : real->C_Login(s, user, pin, n);
}

static CK_RV
shim_find_init(CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG n)
{
	CK_RV rv = meet("C_FindObjectsInit", slot_of(s));

	return rv != CKR_OK ? rv : real->C_FindObjectsInit(s, t, n);
}

static CK_RV
shim_generate(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_ATTRIBUTE *public_t, CK_ULONG public_n,
	      CK_ATTRIBUTE *private_t, CK_ULONG private_n, CK_OBJECT_HANDLE *public,
	      CK_OBJECT_HANDLE *private)
{
	CK_RV rv = meet("C_GenerateKeyPair", slot_of(s));

	return rv != CKR_OK ? rv
			    : real->C_GenerateKeyPair(s, m, public_t, public_n, private_t,
						      private_n, public, private);
}

static CK_RV
shim_sign_init(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	CK_RV rv = meet("C_SignInit", slot_of(s));

	if (rv != CKR_OK)
		return rv;
	remember_key(s, key);
	return real->C_SignInit(s, m, key);
}

static CK_RV
shim_sign(CK_SESSION_HANDLE s, unsigned char *data, CK_ULONG data_n, unsigned char *sig,
	  CK_ULONG *sig_n)
{
	long value = 0;
	enum action a;
	CK_RV rv;

	if (sig == NULL)
		return real->C_Sign(s, data, data_n, sig, sig_n);
	a = fault_for("C_Sign", slot_of(s), &value);
	if (a == ACTION_RV)
		return (CK_RV)value;
	if (a == ACTION_HANG)
		usleep((useconds_t)value * 1000);
	count_signature(s, data, data_n);
	if ((rv = real->C_Sign(s, data, data_n, sig, sig_n)) != CKR_OK)
		return rv;
	if (a == ACTION_SHORT)
		(*sig_n)--;
	if (a == ACTION_ZERO)
		memset(sig, 0, *sig_n);
	if (a == ACTION_FLIP)
		sig[*sig_n / 2] ^= 0x10;
	return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out);

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **out)
{
	const char *path = getenv("V2GPKI_SHIM_MODULE");
	CK_C_GetFunctionList get = NULL;
	void *dl;

	if (path == NULL || (dl = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return CKR_GENERAL_ERROR;
	*(void **)&get = dlsym(dl, "C_GetFunctionList");
	if (get == NULL || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	list = *real;
	list.C_GetFunctionList = C_GetFunctionList;
	list.C_OpenSession = shim_open_session;
	list.C_Login = shim_login;
	list.C_FindObjectsInit = shim_find_init;
	list.C_GenerateKeyPair = shim_generate;
	list.C_SignInit = shim_sign_init;
	list.C_Sign = shim_sign;
	*out = &list;
	return CKR_OK;
}
