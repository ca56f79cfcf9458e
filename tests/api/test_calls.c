/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of OPCP over HTTP: members of bodies, statuses, the way of one car from its
 * provisioning certificate to its contract. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "iso15118/install.h"
#include "tests/api/world.h"

#define XMLNS "urn:iso:15118:2:2013:MsgDef"

static struct err e;
static struct secret car_key;
static struct buf car_cert;

/* A call that must end with this status and, unless NULL, this text in its body. */
static void
expect(struct world *w, int who, const char *method, const char *path, const char *body, int status,
       const char *text)
{
	struct answer a;

	world_call(w, who, method, path, body, &a);
	if (a.status != status || (text != NULL && !answer_has(&a, text)))
		fail_msg("%s %s: expected %d %s, got %d %s", method, path, status,
			 text == NULL ? "" : text, a.status, (char *)a.body.p);
	answer_free(&a);
}

/* --- RCP --- */

static void
roots_are_listed_with_all_their_members(void **state)
{
	static const char *const members[] = {"rootCertificateId",
					      "rootType",
					      "caCertificate",
					      "distinguishedName",
					      "commonName",
					      "organizationName",
					      "rootAuthorityKeyIdentifier",
					      "rootIssuerSerialNumber",
					      "validFrom",
					      "validTo",
					      "fingerprint",
					      "signatureAlgorithm"};
	struct world *w = *state;
	struct answer a;
	char path[128];
	size_t i;

	world_call(w, CPO, "GET", "/v1/root/rootCerts?rootType=v2g", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "{\"RootCertificateCollection\":{\"rootCertificates\":[{"));
	for (i = 0; i < ARRAY_LEN(members); i++)
		if (world_member(&a, members[i])[0] == '\0')
			fail_msg("%s is missing", members[i]);
	assert_string_equal(world_member(&a, "rootType"), "V2G");
	assert_string_equal(world_member(&a, "signatureAlgorithm"), "secp256r1");
	snprintf(path, sizeof(path), "/v1/root/rootCerts/%s",
		 world_member(&a, "rootCertificateId"));
	answer_free(&a);
	expect(w, CPO, "GET", path, NULL, 200, "{\"RootResponse\":{");
	expect(w, CPO, "GET", "/v1/root/rootCerts/3b6f0e0e-0000-4000-8000-000000000000", NULL, 404,
	       "\"root.unknown\"");
	expect(w, CPO, "GET", "/v1/root/rootCerts?rootType=MO", NULL, 200, "\"rootType\":\"MO\"");
	expect(w, CPO, "GET", "/v1/root/rootCerts?rootType=pe", NULL, 200,
	       "\"rootCertificates\":[]");
	expect(w, CPO, "GET", "/v1/root/rootCerts?rootType=cpo", NULL, 400, "value.invalid");
}

static void
an_admin_adds_and_deletes_roots(void **state)
{
	struct world *w = *state;
	struct buf der = {0}, body = {0};
	struct answer a;
	char path[128];

	assert_int_equal(ca_cert(w->f.set, "service-root", &der, &e), E_OK);
	buf_put_str(&body, "{\"rootType\":\"PE\",\"caCertificate\":\"");
	base64_encode(buf_span(&der), 0, &body);
	buf_put_str(&body, "\"}");
	expect(w, ADMIN, "PUT", "/v1/root/rootCerts", buf_cstr(&body), 200, NULL);
	world_call(w, CPO, "GET", "/v1/root/rootCerts?rootType=PE", NULL, &a);
	snprintf(path, sizeof(path), "/v1/root/rootCerts/%s",
		 world_member(&a, "rootCertificateId"));
	answer_free(&a);
	expect(w, ADMIN, "DELETE", path, NULL, 200, NULL);
	expect(w, ADMIN, "DELETE", path, NULL, 404, "root.unknown");
	expect(w, ADMIN, "PUT", "/v1/root/rootCerts", "{\"rootType\":\"V2G\"}", 400, "json.member");
	expect(w, ADMIN, "PUT", "/v1/root/rootCerts",
	       "{\"rootType\":\"X\",\"caCertificate\":\"AAAA\"}", 400, "value.invalid");
	expect(w, ADMIN, "PUT", "/v1/root/rootCerts",
	       "{\"rootType\":\"V2G\",\"caCertificate\":\"AAAA\"}", 400, NULL);
	expect(w, ADMIN, "PUT", "/v1/root/rootCerts", "[]", 400, "json.invalid");
	buf_free(&der);
	buf_free(&body);
}

/* --- PCP --- */

static void
vehicles_are_published_read_and_looked_up(void **state)
{
	static const char *const members[] = {
		"vehicleCertificate",          "subCA1Certificate",
		"subCA2Certificate",           "xsdMsgDefNamespace",
		"rootIssuerDistinguishedName", "rootIssuerSerialNumber",
		"rootAuthorityKeyIdentifier",  "fingerprint"};
	struct world *w = *state;
	struct answer a;
	size_t i;

	world_put_vehicle(w, WORLD_PCID, &car_key, &car_cert);
	world_call(w, MO_V2G, "GET", "/v1/oem/provCerts/" WORLD_PCID, NULL, &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "{\"OEMMessage\":{"));
	for (i = 0; i < ARRAY_LEN(members); i++)
		if (world_member(&a, members[i])[0] == '\0')
			fail_msg("%s is missing", members[i]);
	answer_free(&a);
	expect(w, OEM, "GET", "/v1/oem/provCerts/lookupVehicle/" WORLD_PCID, NULL, 200, NULL);
	expect(w, MO_OWN, "HEAD", "/v1/oem/provCerts/lookupVehicle/" WORLD_PCID, NULL, 200, NULL);
	expect(w, MO_OWN, "HEAD", "/v1/oem/provCerts/" WORLD_PCID, NULL, 200, NULL);
	expect(w, MO_OWN, "GET", "/v1/oem/provCerts/WVA00000000000000", NULL, 404,
	       "vehicle.unknown");
	expect(w, MO_OWN, "HEAD", "/v1/oem/provCerts/WVA00000000000000", NULL, 404, NULL);
	expect(w, MO_OWN, "GET", "/v1/oem/provCerts/WVA", NULL, 400, "pcid.invalid");
	expect(w, OEM, "PUT", "/v1/oem/provCerts", "{\"vehicleCertificate\":\"AAAA\"}", 400, NULL);
	expect(w, OEM, "PUT", "/v1/oem/provCerts", "{\"vehicleCertificate\":\"!\"}", 400,
	       "base64.invalid");
}

/* The body of a PUT for this leaf with our OEM's sub-CAs, and more members. */
static const char *
vehicle_body(struct world *w, struct span leaf, const char *more, struct buf *body)
{
	struct issued chain = {0};

	buf_clear(body);
	assert_int_equal(ca_chain(w->f.set, PROFILE_PROVISIONING_LEAF, NULL, &chain, &e), E_OK);
	buf_put_str(body, "{\"vehicleCertificate\":\"");
	base64_encode(leaf, 0, body);
	buf_put_str(body, "\",\"subCA1Certificate\":\"");
	base64_encode(buf_span(&chain.sub1), 0, body);
	buf_put_str(body, "\",\"subCA2Certificate\":\"");
	base64_encode(buf_span(&chain.sub2), 0, body);
	buf_printf(body, "\"%s}", more);
	issued_free(&chain);
	return buf_cstr(body);
}

/* D37: an entry says which edition it is of. */
static void
a_vehicle_of_the_other_edition_says_so(void **state)
{
	static const char pcid[] = "WVA20000000000020";
	struct world *w = *state;
	const struct audit_record audit = {.actor = "test", .action = "vehicle.stored"};
	struct vehicle_row row;

	assert_int_equal(vehicle_store_get(w->f.db, WORLD_PCID, EDITION_2, &row, &e), E_OK);
	memcpy(row.pcid, pcid, sizeof(pcid));
	row.edition = EDITION_20;
	assert_int_equal(vehicle_store_put(w->f.db, &row, NULL, &audit, NULL, &e), E_OK);
	vehicle_row_free(&row);
	expect(w, MO_OWN, "GET", "/v1/oem/provCerts/WVA20000000000020", NULL, 200,
	       "\"xsdMsgDefNamespace\":\"urn:iso:15118:20:2022:MsgDef\"");
	expect(w, MO_OWN, "GET", "/v1/oem/provCerts/" WORLD_PCID, NULL, 200,
	       "\"xsdMsgDefNamespace\":\"" XMLNS "\"");
}

/* Pages end between vehicles, and the last page is the one without a next. */
static void
an_auditor_pages_through_all_vehicles(void **state)
{
	struct world *w = *state;
	const struct audit_record audit = {.actor = "test", .action = "vehicle.stored"};
	struct vehicle_row row;
	struct answer a;
	char path[128] = "/admin/v1/vehicles?limit=1", next[32];
	unsigned pages = 0;

	assert_int_equal(vehicle_store_get(w->f.db, WORLD_PCID, EDITION_2, &row, &e), E_OK);
	row.edition = EDITION_20; /* WORLD_PCID in both editions, in front of another vehicle */
	assert_int_equal(vehicle_store_put(w->f.db, &row, NULL, &audit, NULL, &e), E_OK);
	memcpy(row.pcid, "WVA00000000000001", sizeof("WVA00000000000001"));
	assert_int_equal(vehicle_store_put(w->f.db, &row, NULL, &audit, NULL, &e), E_OK);
	memcpy(row.pcid, "WVAZ0000000000001", sizeof("WVAZ0000000000001"));
	assert_int_equal(vehicle_store_put(w->f.db, &row, NULL, &audit, NULL, &e), E_OK);
	vehicle_row_free(&row);
	do {
		client_call(w->admin_port, "GET", path, w->bearer[AUDITOR], (struct span){0}, &a);
		if (a.status != 200)
			fail_msg("%s: %d %s", path, a.status, (char *)a.body.p);
		(void)snprintf(next, sizeof(next), "%s", world_member(&a, "next"));
		(void)snprintf(path, sizeof(path), "/admin/v1/vehicles?limit=2&after=%s", next);
		pages += answer_has(&a, "\"WVAZ0000000000001\"") ? 100 : 1;
		answer_free(&a);
	} while (next[0] != '\0' && pages < 100);
	assert_true(pages >= 100); /* the last vehicle was met */
	client_call(w->admin_port, "GET", "/admin/v1/vehicles/WVAZ0000000000001",
		    w->bearer[AUDITOR], (struct span){0}, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
}

/* As RFC 6749 5.1 wants it of tokens: nobody in between keeps a secret. */
static void
answers_with_a_secret_are_kept_by_nobody(void **state)
{
	struct world *w = *state;
	char headers[2200];
	struct answer a;

	(void)snprintf(headers, sizeof(headers), "%sContent-Type: application/json\r\n",
		       w->bearer[ADMIN]);
	client_call(w->admin_port, "POST", "/admin/v1/clients", headers,
		    SPAN_LIT("{\"id\":\"fresh\",\"roles\":[\"CPO\"],\"secret\":true}"), &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(strlen(world_member(&a, "secret")), 43);
	assert_non_null(answer_header(&a, "Cache-Control"));
	assert_string_equal(answer_header(&a, "Cache-Control"), "no-store");
	answer_free(&a);
}

static void
hints_and_previous_ids_are_kept_and_checked(void **state)
{
	struct world *w = *state;
	struct buf body = {0};

	expect(w, OEM, "PUT", "/v1/oem/provCerts",
	       vehicle_body(w, buf_span(&car_cert),
			    ",\"v2gRootAuthorityKeyIdentifiers\":[\"45:B8:40:9E\",\"45b8409f\"],"
			    "\"previousPcid\":\"WVA99999999999999\"",
			    &body),
	       200, "\"v2gRootAuthorityKeyIdentifiers\":[\"45:b8:40:9e\",\"45:b8:40:9f\"]");
	expect(w, MO_V2G, "GET", "/v1/oem/provCerts/" WORLD_PCID, NULL, 200,
	       "\"previousPcid\":\"WVA99999999999999\"");
	expect(w, OEM, "PUT", "/v1/oem/provCerts",
	       vehicle_body(w, buf_span(&car_cert), ",\"previousPcid\":\"XYZ99999999999999\"",
			    &body),
	       403, "access.wmi");
	expect(w, OEM, "PUT", "/v1/oem/provCerts",
	       vehicle_body(w, buf_span(&car_cert), ",\"previousPcid\":\"WVA\"", &body), 400,
	       "pcid.invalid");
	expect(w, OEM, "PUT", "/v1/oem/provCerts",
	       vehicle_body(w, buf_span(&car_cert), ",\"v2gRootAuthorityKeyIdentifiers\":[\"xyz\"]",
			    &body),
	       400, "value.invalid");
	expect(w, OEM, "PUT", "/v1/oem/provCerts",
	       vehicle_body(w, buf_span(&car_cert), ",\"v2gRootAuthorityKeyIdentifiers\":\"45\"",
			    &body),
	       400, "json.member");
	expect(w, OEM, "PUT", "/v1/oem/provCerts",
	       vehicle_body(w, buf_span(&car_cert), ",\"xsdMsgDefNamespace\":\"urn:x\"", &body),
	       400, "namespace.unknown");
	buf_free(&body);
}

static void
a_vehicle_of_a_foreign_wmi_is_refused(void **state)
{
	struct world *w = *state;
	struct buf body = {0}, point = {0};
	struct issued issued = {0};
	struct issue_request rq = fixture_request("foreign-car", PROFILE_PROVISIONING_LEAF,
						  "XYZ12345678901234", &point);

	fixture_issue(&w->f, &rq, &issued);
	expect(w, OEM, "PUT", "/v1/oem/provCerts",
	       vehicle_body(w, buf_span(&issued.leaf), "", &body), 403, "access.wmi");
	issued_free(&issued);
	buf_free(&point);
	buf_free(&body);
}

/* --- CPS --- */

static const char *
order(const char *emaid, const char *pcid, int64_t ends_in, const char *more)
{
	static char text[1024];
	char begins[RFC3339_LEN], ends[RFC3339_LEN];

	clock_format(clock_now() - 60, begins);
	clock_format(clock_now() + ends_in, ends);
	snprintf(text, sizeof(text),
		 "{\"emaid\":\"%s\",\"pcid\":\"%s\",\"xsdMsgDefNamespace\":\"" XMLNS
		 "\",\"contractBegins\":\"%s\",\"contractEnds\":\"%s\"%s}",
		 emaid, pcid, begins, ends, more);
	return text;
}

#define GENERATE "/v1/cps/generate/signedContractData"

static void
contracts_are_ordered_and_refused(void **state)
{
	struct world *w = *state;
	struct answer a;

	expect(w, MO_V2G, "PUT", GENERATE,
	       order(WORLD_EMAID, WORLD_PCID, 30 * DAY, ",\"metaData\":\"gold\""), 201, NULL);
	expect(w, MO_V2G, "PUT", GENERATE,
	       order(WORLD_EMAID, WORLD_PCID, 30 * DAY, ",\"metaData\":\"gold\""), 201, NULL);
	expect(w, MO_V2G, "PUT", GENERATE, order("DEABCC123456789", WORLD_PCID, DAY, ""), 403,
	       "access.provider-id");
	expect(w, MO_V2G, "PUT", GENERATE, order("DEXYZ_123456789", WORLD_PCID, DAY, ""), 400,
	       "emaid.invalid");
	expect(w, MO_V2G, "PUT", GENERATE, order("DEXYZC000000001", "WVA00000000000000", DAY, ""),
	       400, "pcid.not-in-pool");
	expect(w, MO_V2G, "PUT", GENERATE, order("DEXYZC000000001", WORLD_PCID, -30, ""), 400,
	       NULL);
	expect(w, MO_V2G, "PUT", GENERATE,
	       order("DEXYZC000000001", WORLD_PCID, DAY, ",\"subscriptionUrl\":\"ftp://x\""), 400,
	       "value.invalid");
	expect(w, MO_V2G, "PUT", GENERATE, "{\"emaid\":\"DEXYZC000000001\"}", 400, "json.member");
	client_call(w->port, "PUT", GENERATE, w->bearer[MO_V2G], SPAN_LIT("x"), &a);
	assert_int_equal(a.status, 400);
	answer_free(&a);
	char headers[4096];

	snprintf(headers, sizeof(headers), "%sContent-Type: application/xml\r\n",
		 w->bearer[MO_V2G]);
	client_call(w->port, "PUT", GENERATE, headers, SPAN_LIT("<x/>"), &a);
	assert_int_equal(a.status, 415);
	answer_free(&a);
}

static void
signers_are_listed(void **state)
{
	static const char *const members[] = {"cpsDistinguishedName",
					      "cpsCertificate",
					      "validFrom",
					      "validTo",
					      "organizationName",
					      "cpsV2GRootCertificateFingerprint",
					      "cpsRootDistinguishedName",
					      "cpsSubCa1Certificate",
					      "cpsSubCa2Certificate",
					      "xsdMsgDefNamespace"};
	struct world *w = *state;
	struct answer a;
	size_t i;

	world_call(w, CPO, "GET", "/v1/cps/signer", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "{\"cpsCertificates\":[{"));
	for (i = 0; i < ARRAY_LEN(members); i++)
		if (world_member(&a, members[i])[0] == '\0')
			fail_msg("%s is missing", members[i]);
	answer_free(&a);
}

/* --- CCP --- */

/* The body of a car's request. */
static const char *
install_body(struct world *w, const struct secret *key, struct span cert, struct buf *body)
{
	struct buf der = {0}, name = {0}, exi = {0};
	struct iso2_root_id root;
	struct install_req rq = {.session_id = SPAN_LIT("\1\2\3\4\5\6\7\x08"),
				 .certificate = cert,
				 .scalar = key,
				 .roots = &root,
				 .n_roots = 1};
	struct cert c;

	assert_int_equal(ca_cert(w->f.set, "v2g-root", &der, &e), E_OK);
	assert_int_equal(cert_parse(buf_span(&der), &c, &e), E_OK);
	assert_int_equal(name_to_text(c.subject, true, &name, &e), E_OK);
	root = (struct iso2_root_id){buf_span(&name), c.serial, false};
	assert_int_equal(install_req_make(&rq, &exi, &e), E_OK);
	buf_clear(body);
	buf_put_str(body,
		    "{\"xsdMsgDefNamespace\":\"" XMLNS "\",\"certificateInstallationReq\":\"");
	base64_encode(buf_span(&exi), 0, body);
	buf_put_str(body, "\"}");
	buf_free(&der);
	buf_free(&name);
	buf_free(&exi);
	return buf_cstr(body);
}

#define INSTALL "/v1/ccp/signedContractData"

/* Decodes the EXI of an answer. */
static void
decode(const struct answer *a, struct buf *exi, struct iso2_msg *m)
{
	buf_clear(exi);
	assert_int_equal(
		base64_decode(span_str(world_member(a, "certificateInstallationRes")), exi, &e),
		E_OK);
	if (iso2_decode(buf_span(exi), m, &e) != E_OK)
		fail_msg("%s", e.text);
}

static void
a_car_opens_what_it_gets(void **state)
{
	struct world *w = *state;
	struct buf body = {0}, exi = {0};
	struct secret contract = {0};
	struct iso2_msg m = {0};
	struct answer a;

	world_call(w, CPO, "POST", INSTALL, install_body(w, &car_key, buf_span(&car_cert), &body),
		   &a);
	if (a.status != 200)
		fail_msg("%d %s", a.status, (char *)a.body.p);
	assert_true(answer_has(&a, "{\"CCPResponse\":{\"emaidContent\":[{\"messageDef\":{"));
	assert_string_equal(world_member(&a, "emaid"), WORLD_EMAID);
	assert_string_equal(world_member(&a, "metaData"), "gold");
	assert_int_equal(strlen(world_member(&a, "cpsV2GRootCertificateFingerprint")), 64);
	decode(&a, &exi, &m);
	assert_true(span_equal(m.session_id, SPAN_LIT("\1\2\3\4\5\6\7\x08")));
	if (install_res_verify(&m, &car_key, &contract, &e) != E_OK)
		fail_msg("%s", e.text);
	iso2_msg_free(&m);
	secret_free(&contract);
	answer_free(&a);
	buf_free(&body);
	buf_free(&exi);
}

/* A negative answer with this response code, in both forms. */
static void
negative(struct world *w, const char *body, enum iso2_response_code code, const char *name)
{
	struct buf exi = {0};
	struct iso2_msg m = {0};
	struct answer a;
	char headers[4096];

	world_call(w, CPO, "POST", INSTALL, body, &a);
	if (a.status != 404)
		fail_msg("%d %s", a.status, (char *)a.body.p);
	assert_true(answer_has(&a, "{\"CCPResponse\":{\"emaidContent\":[{\"messageDef\":{"));
	assert_string_equal(world_member(&a, "emaid"), "");
	decode(&a, &exi, &m);
	assert_int_equal(m.code, code);
	iso2_msg_free(&m);
	answer_free(&a);
	snprintf(headers, sizeof(headers), "%salwaysReturnEXI: false\r\n", w->bearer[CPO]);
	client_call(w->port, "POST", INSTALL, headers, span_str(body), &a);
	assert_int_equal(a.status, 404);
	assert_true(answer_has(&a, "installation.refused"));
	assert_true(answer_has(&a, name));
	answer_free(&a);
	buf_free(&exi);
}

static void
cars_are_refused_in_their_protocol_or_as_an_error(void **state)
{
	struct world *w = *state;
	struct buf body = {0}, point = {0}, other = {0};
	struct secret key = {0};
	struct issued issued = {0};
	struct issue_request rq = fixture_request("unknown-car", PROFILE_PROVISIONING_LEAF,
						  "WVA77777777777777", &point);
	char headers[4096];
	struct answer a;

	/* signed by another key than the certificate's */
	assert_int_equal(ec_generate(algo_get(ALGO_P256), &key, &other, &e), E_OK);
	negative(w, install_body(w, &key, buf_span(&car_cert), &body), ISO2_FAILED_SignatureError,
		 "FAILED_SignatureError");
	/* a car that no OEM has published */
	rq.point = buf_span(&other);
	fixture_issue(&w->f, &rq, &issued);
	negative(w, install_body(w, &key, buf_span(&issued.leaf), &body),
		 ISO2_FAILED_NoCertificateAvailable, "FAILED_NoCertificateAvailable");
	/* no request at all */
	expect(w, CPO, "POST", INSTALL, "{\"xsdMsgDefNamespace\":\"" XMLNS "\"}", 400,
	       "json.member");
	expect(w, CPO, "POST", INSTALL,
	       "{\"xsdMsgDefNamespace\":\"" XMLNS "\",\"certificateInstallationReq\":\"gJgC\"}",
	       400, "exi.");
	expect(w, CPO, "POST", INSTALL,
	       "{\"xsdMsgDefNamespace\":\"urn:x\",\"certificateInstallationReq\":\"gJgC\"}", 400,
	       "namespace.unknown");
	snprintf(headers, sizeof(headers), "%salwaysReturnEXI: maybe\r\n", w->bearer[CPO]);
	client_call(w->port, "POST", INSTALL, headers, SPAN_LIT("{}"), &a);
	assert_int_equal(a.status, 400);
	answer_free(&a);
	secret_free(&key);
	issued_free(&issued);
	buf_free(&point);
	buf_free(&other);
	buf_free(&body);
}

static void
contracts_are_listed_for_mo_and_oem(void **state)
{
	static const char *const members[] = {"pcid",
					      "emaid",
					      "xsdMsgDefNamespace",
					      "contractCertificate",
					      "certValidFrom",
					      "certValidTo",
					      "cpsRootCertificateDN",
					      "cpsV2GRootCertificateFingerprint"};
	static const char *const paths[] = {"/v1/ccp/signedContractData/" WORLD_PCID,
					    "/v1/ccp/lookupContract/" WORLD_EMAID};
	struct world *w = *state;
	struct answer a;
	size_t i, k;

	for (k = 0; k < 2; k++) {
		world_call(w, k == 0 ? OEM : MO_V2G, "GET", paths[k], NULL, &a);
		assert_int_equal(a.status, 200);
		assert_true(answer_has(&a, "{\"XMLContracts\":[{"));
		assert_true(answer_has(&a, "\"defaultContract\":true"));
		assert_false(answer_has(&a, "priority"));
		for (i = 0; i < ARRAY_LEN(members); i++)
			if (world_member(&a, members[i])[0] == '\0')
				fail_msg("%s is missing", members[i]);
		answer_free(&a);
	}
	expect(w, OEM, "GET", "/v1/ccp/signedContractData/WVA00000000000000", NULL, 404,
	       "vehicle.unknown");
	expect(w, MO_V2G, "GET", "/v1/ccp/lookupContract/DEXYZC000000009", NULL, 404,
	       "contract.unknown");
	expect(w, OEM, "GET", "/v1/ccp/signedContractData/" WORLD_PCID "?xsdMsgDefNamespace=urn:x",
	       NULL, 400, "namespace.unknown");
}

#define PROVIDE "/v1/ccp/provideSignedContractData/" WORLD_EMAID "/" WORLD_PCID

static void
an_oem_fetches_a_ready_answer(void **state)
{
	struct world *w = *state;
	struct buf exi = {0};
	struct secret contract = {0};
	struct iso2_msg m = {0};
	struct answer a;
	char path[256];

	world_call(w, OEM, "GET", PROVIDE "?sessionID=0102030405060708", NULL, &a);
	if (a.status != 200)
		fail_msg("%d %s", a.status, (char *)a.body.p);
	decode(&a, &exi, &m);
	assert_true(span_equal(m.session_id, SPAN_LIT("\1\2\3\4\5\6\7\x08")));
	assert_int_equal(install_res_verify(&m, &car_key, &contract, &e), E_OK);
	secret_free(&contract);
	iso2_msg_free(&m);
	snprintf(path, sizeof(path), PROVIDE "?cpsV2GRootCertificateFingerprint=%s",
		 world_member(&a, "cpsV2GRootCertificateFingerprint"));
	answer_free(&a);
	expect(w, OEM, "GET", path, NULL, 200, NULL);
	world_call(w, OEM, "GET", "/v1/root/rootCerts?rootType=V2G", NULL, &a);
	snprintf(path, sizeof(path), PROVIDE "?cpsV2GRootCertificateFingerprint=%s",
		 world_member(&a, "rootCertificateId"));
	answer_free(&a);
	expect(w, OEM, "GET", path, NULL, 200, NULL); /* D38 */
	expect(w, OEM, "GET", PROVIDE "?sessionID=xyz", NULL, 400, NULL);
	expect(w, OEM, "GET", PROVIDE "?cpsV2GRootCertificateFingerprint=00", NULL, 404,
	       "contract.unknown");
	expect(w, OEM, "GET", "/v1/ccp/provideSignedContractData/DEXYZC000000009/" WORLD_PCID, NULL,
	       404, "contract.unknown");
	buf_free(&exi);
}

static void
a_deleted_contract_is_gone_for_the_car(void **state)
{
	struct world *w = *state;
	struct buf body = {0};

	expect(w, MO_V2G, "DELETE", "/v1/ccp/signedContractData/" WORLD_EMAID, NULL, 200, NULL);
	expect(w, MO_V2G, "DELETE", "/v1/ccp/signedContractData/" WORLD_EMAID, NULL, 404,
	       "contract.unknown");
	expect(w, MO_V2G, "DELETE", "/v1/ccp/signedContractData/DEXYZ-", NULL, 400,
	       "emaid.invalid");
	negative(w, install_body(w, &car_key, buf_span(&car_cert), &body),
		 ISO2_FAILED_NoCertificateAvailable, "FAILED_NoCertificateAvailable");
	expect(w, OEM, "GET", "/v1/ccp/signedContractData/" WORLD_PCID, NULL, 200,
	       "{\"XMLContracts\":[]}");
	expect(w, OEM, "DELETE", "/v1/oem/provCerts/" WORLD_PCID, NULL, 200, NULL);
	expect(w, OEM, "DELETE", "/v1/oem/provCerts/" WORLD_PCID, NULL, 404, "vehicle.unknown");
	buf_free(&body);
	buf_free(&car_cert);
	secret_free(&car_key);
}

/* --- without login --- */

static void
health_and_ca_certificates_are_public(void **state)
{
	struct world *w = *state;
	struct buf der = {0};
	struct answer a;

	client_call(w->plain_port, "GET", "/healthz", "", (struct span){0}, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
	client_call(w->plain_port, "GET", "/readyz", "", (struct span){0}, &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "\"ready\":true"));
	answer_free(&a);
	client_call(w->plain_port, "GET", "/ca/cpo-sub2.cer", "", (struct span){0}, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(answer_header(&a, "Content-Type"), "application/pkix-cert");
	assert_int_equal(ca_cert(w->f.set, "cpo-sub2", &der, &e), E_OK);
	assert_true(span_equal(buf_span(&der), buf_span(&a.body)));
	answer_free(&a);
	client_call(w->plain_port, "GET", "/ca/nobody.cer", "", (struct span){0}, &a);
	assert_int_equal(a.status, 404);
	answer_free(&a);
	client_call(w->plain_port, "GET", "/ca/cpo-sub2", "", (struct span){0}, &a);
	assert_int_equal(a.status, 404);
	answer_free(&a);
	buf_free(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_are_listed_with_all_their_members),
		cmocka_unit_test(an_admin_adds_and_deletes_roots),
		cmocka_unit_test(vehicles_are_published_read_and_looked_up),
		cmocka_unit_test(a_vehicle_of_the_other_edition_says_so),
		cmocka_unit_test(an_auditor_pages_through_all_vehicles),
		cmocka_unit_test(answers_with_a_secret_are_kept_by_nobody),
		cmocka_unit_test(hints_and_previous_ids_are_kept_and_checked),
		cmocka_unit_test(a_vehicle_of_a_foreign_wmi_is_refused),
		cmocka_unit_test(contracts_are_ordered_and_refused),
		cmocka_unit_test(signers_are_listed),
		cmocka_unit_test(a_car_opens_what_it_gets),
		cmocka_unit_test(cars_are_refused_in_their_protocol_or_as_an_error),
		cmocka_unit_test(contracts_are_listed_for_mo_and_oem),
		cmocka_unit_test(an_oem_fetches_a_ready_answer),
		cmocka_unit_test(a_deleted_contract_is_gone_for_the_car),
		cmocka_unit_test(health_and_ca_certificates_are_public),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
