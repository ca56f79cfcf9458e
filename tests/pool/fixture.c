/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pool/fixture.h"

#include "base/digest.h"
#include "base/privacy.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS_MAX 256

static enum err_code
status_check(void *ctx, struct span cert, struct span issuer, struct err *e)
{
	struct fixture *f = ctx;

	(void)issuer;
	if (f->status == E_OK || (f->status_of.n != 0 && !span_equal(f->status_of, cert)))
		return E_OK;
	return err_set(e, f->status, "as the test wants it");
}

void
expect_text(struct fixture *f, enum err_code rc, enum err_code want, const char *text)
{
	if (rc != want || (text != NULL && strstr(f->e.text, text) == NULL))
		print_error("%s: %s\n", err_name(rc), f->e.text);
	assert_int_equal(rc, want);
	if (text != NULL)
		assert_non_null(strstr(f->e.text, text));
	err_clear(&f->e);
}

void
expect(struct fixture *f, enum err_code rc, enum err_code want)
{
	expect_text(f, rc, want, NULL);
}

void
fixture_reopen(struct fixture *f)
{
	pool_close(f->pool);
	f->pool = NULL;
	expect(f, pool_open(&f->conf, &f->pool, &f->e), E_OK);
}

static void
put_roots(struct fixture *f)
{
	static const struct {
		enum soft_name name;
		unsigned types;
	} roots[] = {
		{SOFT_V2G_ROOT, ROOT_V2G},
		{SOFT_V2G_ROOT_B, ROOT_V2G},
		{SOFT_MO_ROOT, ROOT_MO},
		{SOFT_OEM_ROOT, ROOT_OEM},
	};

	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		expect(f,
		       pool_root_put(f->pool, "admin", buf_span(&f->pki.key[roots[i].name].cert),
				     roots[i].types, &f->root[i], &f->e),
		       E_OK);
}

int
fixture_setup(void **state)
{
	static const uint8_t key[32] = {1, 2, 3};
	static bool once;
	struct fixture *f = calloc(1, sizeof(*f));
	char url[128];

	assert_non_null(f);
	if (!once) {
		expect(f, secret_init(&f->e), E_OK);
		expect(f, privacy_init((struct span){key, sizeof(key)}, &f->e), E_OK);
		once = true;
	}
	(void)str_copy(f->dir, sizeof(f->dir), "/tmp/v2gpki-pool-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(url, sizeof(url), "sqlite:%s/store.db", f->dir);
	expect(f,
	       db_open(&(struct db_conf){.url = url, .create = true, .readers = 2, .queue_max = 64},
		       &f->db, &f->e),
	       E_OK);
	expect(f, soft_pki_open(&f->pki, f->db, &f->e), E_OK);
	f->conf = (struct pool_conf){
		.db = f->db,
		.issuer = soft_issuer(&f->pki),
		.signer = soft_signer(&f->pki),
		.status = {f, status_check},
		.emaid_check = CHECK_WARN,
	};
	fixture_reopen(f);
	put_roots(f);
	expect(f, soft_car(&f->pki, PCID_A, &f->car, &f->e), E_OK);
	*state = f;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
fixture_teardown(void **state)
{
	struct fixture *f = *state;

	(void)unsetenv("V2GPKI_TEST_CLOCK");
	for (size_t i = 0; i < ARRAY_LEN(f->root); i++)
		root_row_free(&f->root[i]);
	soft_key_free(&f->car);
	pool_close(f->pool);
	soft_pki_close(&f->pki);
	db_close(f->db);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

struct vehicle_put
vehicle_of(struct fixture *f, const struct soft_key *car)
{
	return (struct vehicle_put){
		.actor = OEM,
		.leaf = buf_span(&car->cert),
		.sub2 = buf_span(&f->pki.key[SOFT_OEM_SUB2].cert),
		.sub1 = buf_span(&f->pki.key[SOFT_OEM_SUB1].cert),
	};
}

void
put_vehicle(struct fixture *f, const struct soft_key *car)
{
	struct vehicle_put in = vehicle_of(f, car);
	struct vehicle_view view;

	expect(f, pool_vehicle_put(f->pool, &in, &view, &f->e), E_OK);
	vehicle_view_free(&view);
}

struct contract_order
order_of(struct fixture *f, const char *emaid, const char *pcid)
{
	static char id[32];
	int64_t now = clock_now();

	(void)snprintf(id, sizeof(id), "order-%u", ++f->orders);
	return (struct contract_order){
		.request_id = id,
		.actor = MO,
		.emaid = emaid,
		.pcid = pcid,
		.xmlns = NAMESPACE_2,
		.begins = now - 3600,
		.ends = now + 30 * DAY,
	};
}

void
put_contract(struct fixture *f, const char *emaid, const char *pcid)
{
	struct contract_order o = order_of(f, emaid, pcid);

	expect(f, pool_contract_generate(f->pool, &o, &f->e), E_OK);
}

void
make_request(struct fixture *f, const struct soft_key *car, const enum soft_name *roots, size_t n,
	     struct buf *exi)
{
	static const enum soft_name usual[] = {SOFT_V2G_ROOT};
	struct iso2_root_id ids[4] = {0};
	struct buf names[4] = {0};
	struct install_req rq = {
		.session_id = SPAN_LIT(SESSION_ID),
		.certificate = buf_span(&car->cert),
		.scalar = &car->scalar,
		.roots = ids,
	};
	struct cert c;

	if (n == 0) {
		roots = usual;
		n = 1;
	}
	assert_true(n <= ARRAY_LEN(ids));
	for (size_t i = 0; i < n; i++) {
		expect(f, cert_parse(buf_span(&f->pki.key[roots[i]].cert), &c, &f->e), E_OK);
		expect(f, name_to_text(c.subject, i % 2 == 0, &names[i], &f->e), E_OK);
		ids[i] = (struct iso2_root_id){buf_span(&names[i]), c.serial, false};
	}
	rq.n_roots = (unsigned)n;
	expect(f, install_req_make(&rq, exi, &f->e), E_OK);
	for (size_t i = 0; i < n; i++)
		buf_free(&names[i]);
}

void
install(struct fixture *f, const struct buf *exi, const char *code, struct install_answer *out)
{
	struct install_query q = {"install", "cpo-1", buf_span(exi), NAMESPACE_2};
	enum err_code rc = pool_install(f->pool, &q, out, &f->e);

	if (rc != E_OK || strcmp(out->response_code, code) != 0)
		print_error("%s\n", f->e.text);
	assert_int_equal(rc, E_OK);
	assert_string_equal(out->response_code, code);
	assert_int_equal(out->positive, strcmp(code, "OK") == 0);
	assert_int_equal(f->e.code, out->positive ? E_OK : E_INSTALL_REFUSED);
	err_clear(&f->e);
}

void
install_gives(struct fixture *f, const struct soft_key *car, const char *code)
{
	struct install_answer out;
	struct buf exi = {0};

	make_request(f, car, NULL, 0, &exi);
	install(f, &exi, code, &out);
	install_answer_free(&out);
	buf_free(&exi);
}

void
get_contract(struct fixture *f, const char *emaid_key, struct contract_row *out)
{
	struct contract_row *rows = NULL;
	size_t n = 0;

	expect(f, contract_store_by_emaid(f->db, emaid_key, EDITION_2, &rows, &n, &f->e), E_OK);
	assert_int_equal(n, 1);
	*out = rows[0];
	free(rows);
}

size_t
count_contracts(struct fixture *f, const char *pcid)
{
	struct contract_row *rows = NULL;
	size_t n = 0;

	expect(f, contract_store_by_pcid(f->db, pcid, EDITION_2, &rows, &n, &f->e), E_OK);
	for (size_t i = 0; i < n; i++)
		contract_row_free(&rows[i]);
	free(rows);
	return n;
}

size_t
count_events(struct fixture *f, const char *type)
{
	struct outbox_row *rows = calloc(EVENTS_MAX, sizeof(*rows));
	size_t n = 0, found = 0;

	assert_non_null(rows);
	expect(f, outbox_list(f->db, 0, rows, EVENTS_MAX, &n, &f->e), E_OK);
	for (size_t i = 0; i < n; i++)
		found += strcmp(rows[i].type, type) == 0;
	free(rows);
	return found;
}

bool
is_revoked(struct fixture *f, const struct buf *cert)
{
	uint8_t fingerprint[SHA256_LEN];
	struct cert_row row = {0};
	bool revoked;

	expect(f, sha256(buf_span(cert), fingerprint, &f->e), E_OK);
	expect(f, cert_store_by_fingerprint(f->db, fingerprint, &row, &f->e), E_OK);
	revoked = row.status == CERT_REVOKED;
	cert_row_free(&row);
	return revoked;
}
