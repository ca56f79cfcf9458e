/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment under every path and in every encoding that clients use (spec/clients). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "policy/csr.h"
#include "policy/pkcs7.h"
#include "tests/api/world.h"

#define PKCS10 "Content-Type: application/pkcs10\r\n"

static struct err e;

static void
enroll(struct world *w, const char *path, const char *headers, struct span body, struct answer *a)
{
	char all[4096];

	snprintf(all, sizeof(all), "%s%s", w->bearer[CPO], headers);
	client_call(w->port, "POST", path, all, body, a);
}

/* The certificates of a base64 PKCS#7 answer, at most cap; der owns them. */
static size_t
certs_of(const struct answer *a, struct buf *der, struct span *certs, size_t cap)
{
	size_t n = 0;

	buf_clear(der);
	err_clear(&e);
	assert_int_equal(base64_decode(buf_span(&a->body), der, &e), E_OK);
	assert_int_equal(pkcs7_read_certs(buf_span(der), certs, cap, &n, &e), E_OK);
	return n;
}

static void
enrolment_succeeds_on_every_path(void **state)
{
	static const char *const paths[] = {
		"/.well-known/est/simpleenroll",
		"/.well-known/est/cpo/simpleenroll",
		"/.well-known/est/cpo/simpleenroll/ISO15118-2",
		"/.well-known/est/cpo/simpleenroll?xsdMsgDefNamespace=urn:iso:15118:2:2013:MsgDef",
		"/.well-known/cpo/simpleenroll",
		"/cpo/simpleenroll/ISO15118-2",
		"/cpo/simpleenroll/ISO15118-2/secp256r1/",
		"/eu-cpo/simpleenroll/ISO15118-2/",
		"/unwrapped/cpo/.well-known/est/simpleenroll",
	};
	struct world *w = *state;
	struct buf csr = {0}, text = {0}, der = {0};
	struct span certs[4];
	struct answer a;
	struct cert c;
	size_t i;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		buf_clear(&csr);
		buf_clear(&text);
		world_csr(WORLD_STATION, ALGO_P256, &csr);
		base64_encode(buf_span(&csr), 0, &text);
		enroll(w, paths[i], PKCS10, buf_span(&text), &a);
		if (a.status != 200)
			fail_msg("%s: %d %s", paths[i], a.status, (char *)a.body.p);
		assert_string_equal(answer_header(&a, "Content-Type"),
				    "application/pkcs7-mime; smime-type=certs-only");
		assert_int_equal(certs_of(&a, &der, certs, 4), 1);
		assert_int_equal(cert_parse(certs[0], &c, &e), E_OK);
		assert_true(span_equal(name_attr(c.subject, OID_CN), SPAN_LIT(WORLD_STATION)));
		assert_true((strchr((char *)a.body.p, '\n') == NULL) ==
			    (strncmp(paths[i], "/unwrapped", 10) == 0));
		answer_free(&a);
	}
	buf_free(&csr);
	buf_free(&text);
	buf_free(&der);
}

static void
requests_are_read_in_every_encoding(void **state)
{
	struct world *w = *state;
	struct buf csr = {0}, body = {0};
	struct answer a;
	int form;

	for (form = 0; form < 4; form++) {
		buf_clear(&csr);
		buf_clear(&body);
		world_csr(WORLD_STATION, ALGO_P256, &csr);
		switch (form) {
		case 0: buf_put_span(&body, buf_span(&csr)); break; /* DER */
		case 1: base64_encode(buf_span(&csr), 64, &body); break;
		case 2: /* CR LF */
			base64_encode(buf_span(&csr), 0, &body);
			buf_put_str(&body, "\r\n");
			break;
		default:
			buf_put_str(&body, "-----BEGIN CERTIFICATE REQUEST-----\n");
			base64_encode(buf_span(&csr), 64, &body);
			buf_put_str(&body, "-----END CERTIFICATE REQUEST-----\n");
		}
		enroll(w, "/.well-known/est/cpo/simpleenroll", form == 1 ? "" : PKCS10,
		       buf_span(&body), &a);
		if (a.status != 200)
			fail_msg("form %d: %d %s", form, a.status, (char *)a.body.p);
		answer_free(&a);
	}
	buf_free(&csr);
	buf_free(&body);
}

static void
pem_chains_have_leaf_sub2_sub1(void **state)
{
	struct world *w = *state;
	struct buf csr = {0}, der = {0};
	struct span pem;
	struct cert certs[3];
	struct buf one[3] = {{0}, {0}, {0}};
	struct answer a;
	size_t i;

	world_csr(WORLD_STATION, ALGO_P256, &csr);
	enroll(w, "/cpo/simpleenroll/ISO15118-2",
	       PKCS10 "Accept: text/html, application/pem-certificate-chain\r\n", buf_span(&csr),
	       &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(answer_header(&a, "Content-Type"), "application/pem-certificate-chain");
	pem = buf_span(&a.body);
	for (i = 0; i < 3; i++) {
		assert_int_equal(cert_from_pem(&pem, &one[i], &e), E_OK);
		assert_int_equal(cert_parse(buf_span(&one[i]), &certs[i], &e), E_OK);
	}
	assert_int_equal(cert_from_pem(&pem, &der, NULL), E_NOT_FOUND);
	assert_int_equal(cert_verify_link(&certs[0], &certs[1], &e), E_OK);
	assert_int_equal(cert_verify_link(&certs[1], &certs[2], &e), E_OK);
	for (i = 0; i < 3; i++)
		buf_free(&one[i]);
	answer_free(&a);
	buf_free(&csr);
	buf_free(&der);
}

static void
chains_come_sub2_sub1_root_for_every_label(void **state)
{
	static const char *const paths[] = {
		"/.well-known/est/cacerts",
		"/.well-known/est/cpo/cacerts",
		"/.well-known/cpo/cacerts",
		"/cpo/cacerts/ISO15118-2",
		"/cpo/cacerts/ISO15118-2/secp256r1/",
		"/mo/cacerts/ISO15118-2",
		"/oem/cacerts/ISO15118-2",
		"/cps/cacerts/ISO15118-2",
	};
	struct world *w = *state;
	struct buf der = {0};
	struct span certs[4];
	struct cert c[3];
	struct answer a;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		world_call(w, CPO, "GET", paths[i], NULL, &a);
		if (a.status != 200)
			fail_msg("%s: %d %s", paths[i], a.status, (char *)a.body.p);
		assert_int_equal(certs_of(&a, &der, certs, 4), 3);
		for (k = 0; k < 3; k++)
			assert_int_equal(cert_parse(certs[k], &c[k], &e), E_OK);
		assert_int_equal(cert_verify_link(&c[0], &c[1], &e), E_OK);
		assert_int_equal(cert_verify_link(&c[1], &c[2], &e), E_OK);
		assert_true(span_equal(c[2].issuer, c[2].subject));
		answer_free(&a);
	}
	buf_free(&der);
}

static void
only_the_unwrapped_chain_is_public(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_call(w, -1, "GET", "/cpo/cacerts/ISO15118-2", NULL, &a);
	assert_int_equal(a.status, 401);
	assert_non_null(strstr((char *)a.head.p, "Basic realm"));
	assert_non_null(strstr((char *)a.head.p, "Bearer realm"));
	answer_free(&a);
	world_call(w, -1, "GET", "/unwrapped/cpo/.well-known/est/cacerts", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_null(strchr((char *)a.body.p, '\n'));
	answer_free(&a);
	world_call(w, CPO, "GET", "/abc/cacerts/ISO15118-2", NULL, &a);
	assert_int_equal(a.status, 404);
	answer_free(&a);
}

struct refusal {
	const char *path, *code;
	int status;
};

static void
editions_algorithms_and_labels_that_are_not_enabled_are_named(void **state)
{
	static const struct refusal rows[] = {
		{"/cpo/simpleenroll/ISO15118-20", "edition.not-enabled", 400},
		{"/cpo/simpleenroll/ISO15118-2?xsdMsgDefNamespace=urn:iso:15118:20:2022:MsgDef",
		 "edition.not-enabled", 400},
		{"/cpo/simpleenroll/ISO15118-2?xsdMsgDefNamespace=urn:x", "namespace.unknown", 400},
		{"/cpo/simpleenroll/ISO15118-3", "value.invalid", 400},
		{"/cpo/simpleenroll/ISO15118-2/secp521r1", "edition.not-enabled", 400},
		{"/cpo/simpleenroll/ISO15118-2/secp384r1", "value.invalid", 400},
		{"/mo/simpleenroll/ISO15118-2", "access.role", 403},
		{"/veh/simpleenroll/ISO15118-2", "access.role", 403},
	};
	struct world *w = *state;
	struct buf csr = {0};
	struct answer a;
	size_t i;

	world_csr(WORLD_STATION, ALGO_P256, &csr);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		enroll(w, rows[i].path, PKCS10, buf_span(&csr), &a);
		if (a.status != rows[i].status || !answer_has(&a, rows[i].code))
			fail_msg("%s: %d %s", rows[i].path, a.status, (char *)a.body.p);
		answer_free(&a);
	}
	client_call(w->port, "POST", "/oem/simpleenroll", w->bearer[OEM], buf_span(&csr), &a);
	assert_int_equal(a.status, 400);
	assert_true(answer_has(&a, "est.label-not-enabled"));
	answer_free(&a);
	client_call(w->port, "POST", "/veh/simpleenroll", w->bearer[OEM], buf_span(&csr), &a);
	assert_int_equal(a.status, 400);
	assert_true(answer_has(&a, "edition.not-enabled"));
	answer_free(&a);
	buf_free(&csr);
}

/* Sends this CSR and expects this refusal. */
static void
refused(struct world *w, struct span csr, const char *headers, int status, const char *code)
{
	struct answer a;

	enroll(w, "/cpo/simpleenroll", headers, csr, &a);
	if (a.status != status || !answer_has(&a, code))
		fail_msg("expected %d %s: %d %s", status, code, a.status, (char *)a.body.p);
	answer_free(&a);
}

static void
requests_are_refused_for_name_key_proof_and_type(void **state)
{
	struct world *w = *state;
	struct buf csr = {0};

	world_csr("DE*XYZ*E0001", ALGO_P256, &csr);
	refused(w, buf_span(&csr), PKCS10, 403, "access.operator-id");
	buf_clear(&csr);
	world_csr("not a station", ALGO_P256, &csr);
	refused(w, buf_span(&csr), PKCS10, 400, "evseid.invalid");
	buf_clear(&csr);
	world_csr(WORLD_STATION, ALGO_P521, &csr);
	refused(w, buf_span(&csr), PKCS10, 400, "csr.key");
	buf_clear(&csr);
	world_csr(WORLD_STATION, ALGO_P256, &csr);
	refused(w, buf_span(&csr), "Content-Type: application/json\r\n", 415, "http.media-type");
	csr.p[csr.n - 1] ^= 1;
	refused(w, buf_span(&csr), PKCS10, 400, "csr.");
	refused(w, SPAN_LIT("hello"), PKCS10, 400, "csr.malformed");
	refused(w, SPAN_LIT(""), PKCS10, 400, "csr.malformed");
	buf_free(&csr);
}

static void
basic_is_taken_here_and_nowhere_else(void **state)
{
	struct world *w = *state;
	struct buf csr = {0}, text = {0}, header = {0};
	struct answer a;
	int i;

	buf_printf(&text, "%s:%s", WORLD_BASIC_USER, WORLD_SECRET);
	buf_put_str(&header, "Authorization: Basic ");
	base64_encode(buf_span(&text), 0, &header);
	buf_put_str(&header, "\r\n");
	world_csr(WORLD_STATION, ALGO_P256, &csr);
	for (i = 0; i < 2; i++) { /* the second time from memory */
		client_call(w->port, "POST", "/.well-known/est/simpleenroll", buf_cstr(&header),
			    buf_span(&csr), &a);
		if (a.status != 200)
			fail_msg("%d %s", a.status, (char *)a.body.p);
		answer_free(&a);
	}
	client_call(w->port, "GET", "/v1/root/rootCerts", buf_cstr(&header), (struct span){0}, &a);
	assert_int_equal(a.status, 401);
	answer_free(&a);
	client_call(w->port, "POST", "/.well-known/est/simpleenroll",
		    "Authorization: Basic ZXN0LXVzZXI6d3Jvbmc=\r\n", buf_span(&csr), &a);
	assert_int_equal(a.status, 401);
	answer_free(&a);
	client_call(w->port, "POST", "/.well-known/est/simpleenroll", "Authorization: Basic !!\r\n",
		    buf_span(&csr), &a);
	assert_int_equal(a.status, 401);
	answer_free(&a);
	buf_free(&csr);
	buf_free(&text);
	buf_free(&header);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enrolment_succeeds_on_every_path),
		cmocka_unit_test(requests_are_read_in_every_encoding),
		cmocka_unit_test(pem_chains_have_leaf_sub2_sub1),
		cmocka_unit_test(chains_come_sub2_sub1_root_for_every_label),
		cmocka_unit_test(only_the_unwrapped_chain_is_public),
		cmocka_unit_test(editions_algorithms_and_labels_that_are_not_enabled_are_named),
		cmocka_unit_test(requests_are_refused_for_name_key_proof_and_type),
		cmocka_unit_test(basic_is_taken_here_and_nowhere_else),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
