/* SPDX-License-Identifier: Apache-2.0 */
/* I-41: no log line, error text, audit row or event carries a PCID or EMAID in clear; each carries
 * the pseudonym instead. */
#include "tests/pool/fixture.h"

#include "base/log.h"
#include "base/privacy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_A    "DEABCC12345678"
#define KEY_B    "DEABCC00000001"
#define ROWS_MAX 256

static const char *const personal[] = {"12345678901234", "B2345678901234", KEY_A,     KEY_B,
				       "C12345678",      "C00000001",      "c-c12345"};

/* What the test has seen of the outside: stderr, error texts, rows. */
struct seen_text {
	struct buf text;
	int saved; /* the real stderr */
	char path[96];
};

static int
setup(void **state)
{
	struct fixture *f;

	(void)fixture_setup(state);
	f = *state;
	log_set_level(LOG_LEVEL_DEBUG);
	put_vehicle(f, &f->car);
	return 0;
}

static void
capture_begin(struct fixture *f, struct seen_text *s)
{
	int fd;

	memset(s, 0, sizeof(*s));
	(void)snprintf(s->path, sizeof(s->path), "%s/stderr", f->dir);
	fd = open(s->path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)fflush(stderr);
	s->saved = dup(STDERR_FILENO);
	assert_true(s->saved >= 0);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	(void)close(fd);
}

static void
capture_end(struct seen_text *s)
{
	char line[1024];
	FILE *in;

	(void)fflush(stderr);
	assert_true(dup2(s->saved, STDERR_FILENO) >= 0);
	(void)close(s->saved);
	in = fopen(s->path, "re");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in) != NULL)
		buf_put_str(&s->text, line);
	(void)fclose(in);
}

static void
add(struct seen_text *s, const char *text)
{
	buf_put_str(&s->text, text != NULL ? text : "");
	buf_put_str(&s->text, "\n");
}

static void
add_rows(struct fixture *f, struct seen_text *s)
{
	struct outbox_row *events = calloc(ROWS_MAX, sizeof(*events));
	struct audit_row *rows = calloc(ROWS_MAX, sizeof(*rows));
	size_t n = 0;

	assert_non_null(events);
	assert_non_null(rows);
	expect(f, audit_list(f->db, 0, rows, ROWS_MAX, &n, &f->e), E_OK);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		add(s, rows[i].actor);
		add(s, rows[i].action);
		add(s, rows[i].object);
		add(s, rows[i].request_id);
		add(s, rows[i].subject);
		add(s, rows[i].detail);
		audit_row_free(&rows[i]);
	}
	expect(f, outbox_list(f->db, 0, events, ROWS_MAX, &n, &f->e), E_OK);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		add(s, events[i].type);
		add(s, events[i].recipient);
		add(s, events[i].pcid);
		add(s, events[i].emaid);
		add(s, events[i].ref);
	}
	free(rows);
	free(events);
}

static void
nothing_personal(struct seen_text *s)
{
	const char *text = buf_cstr(&s->text);

	assert_non_null(text);
	for (size_t i = 0; i < ARRAY_LEN(personal); i++) {
		if (strcasestr(text, personal[i]) != NULL)
			print_error("in clear: ...%.80s\n", strcasestr(text, personal[i]) - 20);
		assert_null(strcasestr(text, personal[i]));
	}
}

static void
pseudonym_is_there(struct seen_text *s, const char *kind, const char *value)
{
	char pseudonym[PSEUDONYM_LEN];

	privacy_pseudonym(kind, value, pseudonym);
	assert_non_null(strstr(buf_cstr(&s->text), pseudonym));
}

/* Lets a call fail and keeps what it says. */
static void
failed(struct fixture *f, struct seen_text *s, enum err_code rc)
{
	assert_int_not_equal(rc, E_OK);
	assert_true(f->e.text[0] != '\0');
	add(s, f->e.text);
	err_clear(&f->e);
}

static void
answered(struct fixture *f, struct seen_text *s, const struct buf *exi)
{
	struct install_query q = {"install", "cpo-1", buf_span(exi), NAMESPACE_2};
	struct install_answer out;

	expect(f, pool_install(f->pool, &q, &out, &f->e) == E_OK ? E_OK : E_INTERNAL, E_OK);
	add(s, f->e.text);
	err_clear(&f->e);
	install_answer_free(&out);
}

static void
what_goes_well_leaves_pseudonyms_only(void **state)
{
	struct fixture *f = *state;
	struct seen_text s;
	struct install_answer out;
	struct buf exi = {0};

	capture_begin(f, &s);
	put_vehicle(f, &f->car);
	put_contract(f, EMAID_A, PCID_A);
	put_contract(f, "de-abc-c00000001", PCID_A);
	make_request(f, &f->car, NULL, 0, &exi);
	answered(f, &s, &exi);
	expect(f,
	       pool_bundle_fetch(f->pool,
				 &(struct bundle_query){"r", EMAID_A, PCID_A, NULL, NULL, NULL},
				 &out, &f->e),
	       E_OK);
	install_answer_free(&out);
	expect(f, pool_contract_delete(f->pool, "d", MO, EMAID_A, false, &f->e), E_OK);
	expect(f, pool_vehicle_delete(f->pool, OEM, PCID_A, &f->e), E_OK);
	capture_end(&s);
	assert_non_null(strstr(buf_cstr(&s.text), "event=contract.delivered"));
	pseudonym_is_there(&s, "pcid", PCID_A);
	pseudonym_is_there(&s, "emaid", KEY_A);
	add_rows(f, &s);
	nothing_personal(&s);
	buf_free(&exi);
	buf_free(&s.text);
}

static void
refusals_of_the_car_name_nobody(void **state)
{
	struct fixture *f = *state;
	struct seen_text s;
	struct soft_key other;
	struct buf exi = {0};

	capture_begin(f, &s);
	make_request(f, &f->car, NULL, 0, &exi);
	answered(f, &s, &exi); /* no contract */
	put_contract(f, EMAID_A, PCID_A);
	f->status = E_CERT_REVOKED;
	answered(f, &s, &exi);
	f->status = E_OK;
	expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_MO].id, &f->e), E_OK);
	answered(f, &s, &exi); /* bundle without its root */
	expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_OEM].id, &f->e), E_OK);
	answered(f, &s, &exi);
	expect(f, soft_car(&f->pki, PCID_B, &other, &f->e), E_OK);
	buf_clear(&exi);
	make_request(f, &other, NULL, 0, &exi); /* unknown */
	answered(f, &s, &exi);
	other.scalar.p[31] ^= 1; /* another key: the signature does not fit */
	buf_clear(&exi);
	make_request(f, &other, NULL, 0, &exi);
	answered(f, &s, &exi);
	capture_end(&s);
	assert_non_null(strstr(buf_cstr(&s.text), "FAILED_SignatureError"));
	pseudonym_is_there(&s, "pcid", PCID_A);
	add_rows(f, &s);
	nothing_personal(&s);
	soft_key_free(&other);
	buf_free(&exi);
	buf_free(&s.text);
}

/* A car may name the signed element by its PCID; a wrong signature quotes the names. */
static void
element_named_by_the_pcid_is_not_quoted(void **state)
{
	struct fixture *f = *state;
	struct sign_software key = {algo_get(ALGO_P256), &f->car.scalar};
	struct msg_signer signer = sign_with_scalar(&key);
	struct buf exi = {0}, named = {0};
	struct iso2_msg m;
	struct seen_text s;

	make_request(f, &f->car, NULL, 0, &exi);
	expect(f, iso2_decode(buf_span(&exi), &m, &f->e), E_OK);
	m.id = SPAN_LIT(PCID_A);
	expect(f, iso2_encode_signed(&m, &signer, &named, &f->e), E_OK);
	iso2_msg_free(&m);
	/* One bit of it after the other: where it can still be read, it is refused. */
	capture_begin(f, &s);
	for (size_t at = 20; at < named.n; at++) {
		named.p[at] ^= 1;
		if (iso2_decode(buf_span(&named), &m, NULL) == E_OK) {
			iso2_msg_free(&m);
			answered(f, &s, &named);
		}
		named.p[at] ^= 1;
	}
	capture_end(&s);
	assert_non_null(strstr(buf_cstr(&s.text), "digest"));
	nothing_personal(&s);
	buf_free(&named);
	buf_free(&exi);
	buf_free(&s.text);
}

static void
refusals_of_participants_name_nobody(void **state)
{
	struct fixture *f = *state;
	struct contract_order o = order_of(f, EMAID_A, PCID_B);
	struct contract_view *views;
	struct vehicle_view view;
	struct install_answer out;
	struct seen_text s;
	struct soft_key other;
	size_t n;

	capture_begin(f, &s);
	failed(f, &s, pool_contract_generate(f->pool, &o, &f->e)); /* unknown PCID */
	put_contract(f, EMAID_A, PCID_A);
	expect(f, soft_car(&f->pki, PCID_B, &other, &f->e), E_OK);
	put_vehicle(f, &other);
	failed(f, &s, pool_contract_generate(f->pool, &o, &f->e)); /* taken */
	o = order_of(f, EMAID_A "__", PCID_A);
	failed(f, &s, pool_contract_generate(f->pool, &o, &f->e));
	o = order_of(f, EMAID_A, PCID_A "_");
	failed(f, &s, pool_contract_generate(f->pool, &o, &f->e));
	f->pki.fail_issue = E_CA_NO_ISSUER;
	o = order_of(f, EMAID_A, PCID_A);
	failed(f, &s, pool_contract_generate(f->pool, &o, &f->e));
	f->pki.fail_revoke = E_HSM_BUSY;
	failed(f, &s, pool_contract_delete(f->pool, "d", MO, EMAID_A, false, &f->e));
	failed(f, &s, pool_vehicle_delete(f->pool, OEM, PCID_A, &f->e));
	failed(f, &s, pool_contract_delete(f->pool, "d", MO, KEY_B, false, &f->e));
	failed(f, &s, pool_vehicle_get(f->pool, PCID_A "-", &view, &f->e));
	failed(f, &s,
	       pool_bundle_fetch(f->pool,
				 &(struct bundle_query){"r", KEY_B, PCID_A, NULL, NULL, NULL}, &out,
				 &f->e));
	failed(f, &s, pool_contracts_by_emaid(f->pool, KEY_B, NULL, NULL, &views, &n, &f->e));
	f->status = E_CERT_REVOKED;
	failed(f, &s, pool_vehicle_get(f->pool, PCID_A, &view, &f->e));
	capture_end(&s);
	pseudonym_is_there(&s, "emaid", KEY_A);
	add_rows(f, &s);
	nothing_personal(&s);
	soft_key_free(&other);
	buf_free(&s.text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_goes_well_leaves_pseudonyms_only),
		T(refusals_of_the_car_name_nobody),
		T(element_named_by_the_pcid_is_not_quoted),
		T(refusals_of_participants_name_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
