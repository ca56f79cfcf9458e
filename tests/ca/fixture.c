/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/privacy.h"

#define TOKEN "main"

/* clang-format off */
const struct ca_spec fixture_specs[] = {
	{ .name = "v2g-root",     .profile = PROFILE_V2G_ROOT,     .issuer = NULL,           .cn = "V2GROOT" },
	{ .name = "mo-root",      .profile = PROFILE_MO_ROOT,      .issuer = NULL,           .cn = "MOROOT" },
	{ .name = "oem-root",     .profile = PROFILE_OEM_ROOT,     .issuer = NULL,           .cn = "OEMROOT" },
	{ .name = "cpo-sub1",     .profile = PROFILE_CPO_SUB1,     .issuer = "v2g-root",     .cn = "CPOSUB1" },
	{ .name = "cpo-sub2",     .profile = PROFILE_CPO_SUB2,     .issuer = "cpo-sub1",     .cn = "CPOSUB2" },
	{ .name = "cps-sub1",     .profile = PROFILE_CPS_SUB1,     .issuer = "v2g-root",     .cn = "CPSSUB1" },
	{ .name = "cps-sub2",     .profile = PROFILE_CPS_SUB2,     .issuer = "cps-sub1",     .cn = "CPSSUB2" },
	{ .name = "mo-sub1",      .profile = PROFILE_MO_SUB1,      .issuer = "mo-root",      .cn = "MOSUB1" },
	{ .name = "mo-sub2",      .profile = PROFILE_MO_SUB2,      .issuer = "mo-sub1",      .cn = "MOSUB2" },
	{ .name = "oem-sub1",     .profile = PROFILE_OEM_SUB1,     .issuer = "oem-root",     .cn = "OEMSUB1" },
	{ .name = "oem-sub2",     .profile = PROFILE_OEM_SUB2,     .issuer = "oem-sub1",     .cn = "OEMSUB2" },
	{ .name = "cps-leaf",     .profile = PROFILE_CPS_LEAF,     .issuer = "cps-sub2",     .cn = "CPS" },
	{ .name = "service-root", .profile = PROFILE_SERVICE_ROOT, .issuer = NULL,           .cn = "SERVICE" },
	{ .name = "token-signer", .profile = PROFILE_TOKEN_SIGNER, .issuer = "service-root", .cn = "TOKENS" },
};
/* clang-format on */
const size_t fixture_spec_count = ARRAY_LEN(fixture_specs);

static void
must(enum err_code rc, const struct err *e, const char *what)
{
	if (rc == E_OK)
		return;
	(void)fprintf(stderr, "%s: %s (%s)\n", what, e->text, err_name(rc));
	abort();
}

static void
write_file(const char *home, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", home, name);
	(void)umask(077);
	file = fopen(path, "we");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
		perror(path);
		abort();
	}
}

static struct hsm_token_conf
token_conf(const char *pin_path)
{
	const char *module = getenv("V2GPKI_TEST_MODULE");

	return (struct hsm_token_conf){.name = TOKEN,
				       .module = module != NULL ? module : SOFTHSM_MODULE,
				       .slots = {"label:v2gpki"},
				       .pin_file = pin_path,
				       .sessions = 4,
				       .timeout_ms = 30000};
}

/* Process-wide, once: locked heap, deployment key, where SoftHSM keeps its tokens. */
static void
process_setup(const char *home)
{
	static bool done;
	char path[128];
	struct err e = {0};

	(void)snprintf(path, sizeof(path), "%s/softhsm2.conf", home);
	if (setenv("SOFTHSM2_CONF", path, 1) != 0)
		abort();
	if (done)
		return;
	done = true;
	must(secret_init(&e), &e, "locked heap");
	must(privacy_init(SPAN_LIT("0123456789abcdef0123456789abcdef"), &e), &e, "privacy");
}

void
fixture_make(struct fixture *f)
{
	const char *base = getenv("V2GPKI_TEST_DIR");
	char text[256], pin[128];
	struct hsm_token_conf conf;
	struct secret so_pin = {0};
	struct err e = {0};

	*f = (struct fixture){0};
	if (base == NULL) /* memory, where there is some: keys are made fifty times faster */
		base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(f->home, sizeof(f->home), "%s/ca-XXXXXX", base);
	if (mkdtemp(f->home) == NULL)
		abort();
	(void)snprintf(text, sizeof(text), "%s/tokens", f->home);
	if (mkdir(text, 0700) != 0)
		abort();
	(void)snprintf(text, sizeof(text),
		       "directories.tokendir = %s/tokens\nobjectstore.backend = file\n"
		       "log.level = ERROR\n",
		       f->home);
	write_file(f->home, "softhsm2.conf", text);
	write_file(f->home, "pin", "123456\n");
	process_setup(f->home);
	(void)snprintf(pin, sizeof(pin), "%s/pin", f->home);
	conf = token_conf(pin);
	must(secret_alloc(&so_pin, 8, &e), &e, "SO PIN");
	memcpy(so_pin.p, "87654321", 8);
	must(hsm_token_init(&conf, "v2gpki", &so_pin, &e), &e, "token");
	secret_free(&so_pin);
}

void
fixture_open(struct fixture *f)
{
	char url[128], pin[128];
	struct hsm_token_conf token;
	struct db_conf db = {
		.url = url, .create = true, .readers = 4, .queue_max = 256, .batch_delay_us = 0};
	struct ca_conf conf = {.crl_base = "http://127.0.0.1:8080/crl/"};
	struct err e = {0};

	process_setup(f->home);
	(void)snprintf(url, sizeof(url), "sqlite:%s/store.db", f->home);
	(void)snprintf(pin, sizeof(pin), "%s/pin", f->home);
	token = token_conf(pin);
	must(db_open(&db, &f->db, &e), &e, "store");
	must(hsm_open(&token, 1, &f->hsm, &e), &e, "token");
	conf.db = f->db;
	conf.hsm = f->hsm;
	conf.params = (struct profile_params){
		.country = "DE",
		.policy_oid = "1.3.6.1.4.1.55555.1",
		.ocsp_url = f->ocsp_url != NULL ? f->ocsp_url : OCSP_URL,
	};
	must(ca_open(&conf, &f->set, &f->proofs, &e), &e, "CAs");
}

void
fixture_close(struct fixture *f)
{
	ca_close(f->set);
	hsm_close(f->hsm);
	db_close(f->db);
	f->set = NULL;
	f->hsm = NULL;
	f->db = NULL;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
fixture_remove(struct fixture *f)
{
	if (f->db != NULL)
		fixture_close(f);
	(void)nftw(f->home, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* a temporary folder */
}

void
fixture_create_all(struct fixture *f)
{
	size_t i;

	for (i = 0; i < fixture_spec_count; i++) {
		struct ca_spec spec = fixture_specs[i];
		struct err e = {0};
		enum err_code rc;

		spec.token = TOKEN;
		spec.o = "TestOrg";
		rc = ca_create(f->set, &spec, "init", &e);
		if (rc != E_CA_EXISTS)
			must(rc, &e, spec.name);
	}
}

void
fixture_point(enum algo_id id, struct buf *point)
{
	struct secret scalar = {0};
	struct err e = {0};

	must(ec_generate(algo_get(id), &scalar, point, &e), &e, "key");
	secret_free(&scalar);
}

struct issue_request
fixture_request(const char *request_id, enum profile_id profile, const char *cn, struct buf *point)
{
	buf_clear(point);
	fixture_point(ALGO_P256, point);
	return (struct issue_request){.request_id = request_id,
				      .profile = profile,
				      .algo = algo_get(ALGO_P256),
				      .point = buf_span(point),
				      .o = "TestOrg",
				      .cn = cn,
				      .participant = "participant-1"};
}

void
fixture_issue(struct fixture *f, const struct issue_request *rq, struct issued *out)
{
	struct err e = {0};

	must(ca_issue(f->set, rq, out, &e), &e, rq->request_id);
}

uint64_t
fixture_signatures(struct fixture *f, const char *ca)
{
	struct ca_info *rows = NULL;
	uint64_t signatures = 0;
	struct err e = {0};
	size_t n = 0, i;

	must(ca_list(f->set, &rows, &n, &e), &e, "list");
	for (i = 0; i < n; i++)
		if (ca == NULL || strcmp(rows[i].name, ca) == 0)
			signatures += rows[i].signatures;
	free(rows);
	return signatures;
}

/* Calls check on each audit row and counts where it says yes. */
static size_t
audit_walk(struct fixture *f, bool (*check)(const struct audit_row *r, const char *what),
	   const char *what)
{
	static struct audit_row rows[64];
	int64_t after = 0;
	size_t n, i, yes = 0;
	struct err e = {0};

	do {
		memset(rows, 0, sizeof(rows));
		must(audit_list(f->db, after, rows, ARRAY_LEN(rows), &n, &e), &e, "audit");
		for (i = 0; i < n; i++) {
			after = rows[i].seq;
			yes += check(&rows[i], what);
			audit_row_free(&rows[i]);
		}
	} while (n > 0);
	return yes;
}

static bool
has_action(const struct audit_row *r, const char *action)
{
	return action == NULL || strcmp(r->action, action) == 0;
}

size_t
fixture_audit_count(struct fixture *f, const char *action)
{
	return audit_walk(f, has_action, action);
}

static bool
shows(const struct audit_row *r, const char *text)
{
	const char *fields[] = {r->actor,      r->action,  r->object,
				r->request_id, r->subject, r->detail};
	size_t i;

	for (i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i] != NULL && strstr(fields[i], text) != NULL)
			return true;
	return false;
}

bool
fixture_audit_shows(struct fixture *f, const char *text)
{
	return audit_walk(f, shows, text) > 0;
}
