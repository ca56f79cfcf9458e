/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>
#include <unistd.h>

#include "base/privacy.h"

const struct audit_record audit_any = {.actor = "tester", .action = "test.write"};

void
fixture_open(struct fixture *f, const char *vfs, unsigned batch_delay_us)
{
	struct db_conf conf = {.url = f->url,
			       .vfs = vfs,
			       .create = true,
			       .readers = 4,
			       .queue_max = 1000,
			       .batch_delay_us = batch_delay_us};

	expect(f, E_OK, db_open(&conf, &f->db, &f->e));
}

void
fixture_close(struct fixture *f)
{
	db_close(f->db);
	f->db = NULL;
}

int
fixture_setup(void **state)
{
	static const uint8_t key[32] = {1, 2, 3};
	struct fixture *f = calloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(f);
	*state = f;
	assert_true(secret_init(NULL) == E_OK);
	assert_int_equal(privacy_init((struct span){key, sizeof(key)}, NULL), E_OK);
	(void)snprintf(f->dir, sizeof(f->dir), "%.40s/v2gdbXXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/store.db", f->dir);
	(void)snprintf(f->url, sizeof(f->url), "sqlite:%s", f->path);
	fixture_open(f, NULL, 0);
	return 0;
}

int
fixture_teardown(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	struct fixture *f = *state;
	char path[128];
	size_t i;

	fixture_close(f);
	for (i = 0; i < ARRAY_LEN(suffixes); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", f->path, suffixes[i]);
		(void)unlink(path); /* most do not exist */
	}
	(void)rmdir(f->dir); /* a test may have left a file of its own */
	free(f);
	privacy_done();
	return 0;
}

void
expect(struct fixture *f, enum err_code want, enum err_code got)
{
	if (want != got)
		print_error("expected %s, got %s: %s\n", err_name(want), err_name(got), f->e.text);
	assert_int_equal(want, got);
	assert_int_equal(f->e.code, got); /* a text for every refusal, none otherwise */
	err_clear(&f->e);
}

void
make_ca(struct fixture *f, const char *name)
{
	struct ca_row ca = {.profile = "cpo-sub2", .token = "main", .algo = "secp256r1"};

	(void)snprintf(ca.name, sizeof(ca.name), "%s", name);
	ca.key_id_len = (size_t)snprintf((char *)ca.key_id, sizeof(ca.key_id), "%s", name);
	buf_put_str(&ca.cert, name);
	expect(f, E_OK, ca_store_put(f->db, &ca, &audit_any, &f->e));
	ca_row_free(&ca);
}

struct cert_row
make_intent(const char *ca, unsigned n)
{
	struct cert_row r = {.serial_len = 16, .not_before = 1000, .not_after = 2000};

	(void)snprintf(r.ca, sizeof(r.ca), "%s", ca);
	memset(r.serial, 0x11, sizeof(r.serial));
	memcpy(r.serial, &n, sizeof(n));
	(void)snprintf(r.request_id, sizeof(r.request_id), "request-%u", n);
	(void)snprintf(r.profile, sizeof(r.profile), "secc-2");
	(void)snprintf(r.participant, sizeof(r.participant), "cpo%u", n % 3);
	(void)snprintf(r.subject_cn, sizeof(r.subject_cn), "DEABCE%u", n);
	memset(r.request_hash, 2, sizeof(r.request_hash));
	memset(r.tbs_hash, 3, sizeof(r.tbs_hash));
	memset(r.profile_hash, 4, sizeof(r.profile_hash));
	memset(r.spki_hash, 5, sizeof(r.spki_hash));
	memcpy(r.spki_hash, &n, sizeof(n));
	return r;
}

int64_t
make_cert(struct fixture *f, const char *ca, unsigned n)
{
	struct cert_row r = make_intent(ca, n);
	char der[64];
	int64_t id = 0;

	(void)snprintf(der, sizeof(der), "certificate %u of %s", n, ca);
	expect(f, E_OK, cert_store_intent(f->db, &r, &audit_any, &id, &f->e));
	expect(f, E_OK, cert_store_issued(f->db, id, span_str(der), &audit_any, &f->e));
	return id;
}

void
make_vehicle(struct fixture *f, const char *pcid, uint8_t key)
{
	struct vehicle_row v = {.edition = 1, .not_after = 5000};

	(void)snprintf(v.pcid, sizeof(v.pcid), "%s", pcid);
	(void)snprintf(v.given, sizeof(v.given), "%s", pcid);
	(void)snprintf(v.participant, sizeof(v.participant), "oem");
	buf_put_str(&v.leaf, "leaf");
	buf_put_str(&v.sub1, "sub1");
	buf_put_u8(&v.point, key);
	expect(f, E_OK, vehicle_store_put(f->db, &v, NULL, &audit_any, NULL, &f->e));
	vehicle_row_free(&v);
}

enum err_code
put_contract(struct fixture *f, const char *emaid_key, const char *pcid, uint8_t cert)
{
	struct contract_row c = {.edition = 1, .not_before = 1000, .not_after = 9000};
	struct variant_row v = {.cps_root = "aa", .cps_not_after = 8000};
	struct audit_record a = audit_any;
	enum err_code rc;

	(void)snprintf(c.emaid_key, sizeof(c.emaid_key), "%s", emaid_key);
	(void)snprintf(c.emaid, sizeof(c.emaid), "%sX", emaid_key);
	(void)snprintf(c.pcid, sizeof(c.pcid), "%s", pcid);
	(void)snprintf(c.participant, sizeof(c.participant), "mo");
	(void)snprintf(c.request_id, sizeof(c.request_id), "order-%s-%u", emaid_key, cert);
	buf_put_u8(&c.cert, cert);
	buf_put_str(&v.exi, "bundle ");
	buf_put_u8(&v.exi, cert);
	a.subject_kind = "emaid";
	a.subject = emaid_key;
	rc = contract_store_put(f->db, &c, &v, &a, &f->e);
	contract_row_free(&c);
	variant_row_free(&v);
	return rc;
}

static sqlite3 *
raw_open(struct fixture *f)
{
	sqlite3 *h = NULL;

	assert_int_equal(
		sqlite3_open_v2(f->path, &h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
		SQLITE_OK);
	(void)sqlite3_exec(h, "PRAGMA foreign_keys=ON", NULL, NULL, NULL);
	(void)sqlite3_busy_timeout(h, 5000);
	return h;
}

int64_t
raw_int(struct fixture *f, const char *sql)
{
	sqlite3 *h = raw_open(f);
	sqlite3_stmt *s = NULL;
	int64_t v;

	assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	v = sqlite3_column_int64(s, 0);
	(void)sqlite3_finalize(s);
	(void)sqlite3_close(h);
	return v;
}

int
raw_try(struct fixture *f, const char *sql)
{
	sqlite3 *h = raw_open(f);
	int rc = sqlite3_exec(h, sql, NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		print_message("(%s)\n", sqlite3_errmsg(h));
	(void)sqlite3_close(h);
	return rc;
}

void
raw_exec(struct fixture *f, const char *sql)
{
	assert_int_equal(raw_try(f, sql), SQLITE_OK);
}
