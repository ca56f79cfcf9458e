/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/der.h"
#include "base/json.h"
#include "base/str.h"
#include "sample.h"

static struct sample root, leaf;

static struct span
change(struct buf *copy, struct span from, struct span to)
{
	uint8_t *at;

	buf_clear(copy);
	buf_put_span(copy, buf_span(&leaf.der));
	assert_int_equal(from.n, to.n);
	at = memmem(copy->p, copy->n, from.p, from.n);
	assert_non_null(at);
	memcpy(at, to.p, to.n);
	return buf_span(copy);
}

static void
malformed(struct span der, const char *part)
{
	struct cert c;
	struct err e = {0};

	assert_int_equal(cert_parse(der, &c, &e), E_CERT_MALFORMED);
	if (strstr(e.text, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, part);
}

static void
every_field_is_read(void **state)
{
	const struct cert *c = &leaf.cert;

	(void)state;
	assert_true(span_equal(c->der, buf_span(&leaf.der)));
	assert_true(span_equal(c->issuer, root.cert.subject));
	assert_true(span_equal(c->point, buf_span(&leaf.point)));
	assert_true(span_equal(c->aki, root.cert.ski));
	assert_int_equal(c->serial.n, SERIAL_LEN);
	assert_int_equal(c->algo->id, ALGO_P256);
	assert_int_equal(c->sig_algo->id, ALGO_P256);
	assert_int_equal(c->not_before, SAMPLE_NOW);
	assert_int_equal(c->not_after, SAMPLE_NOW + 90 * DAY - 1);
	assert_true(c->has_bc && c->has_ku && !c->is_ca);
	assert_int_equal(c->path_len, -1);
	assert_int_equal(c->ku, KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT);
	assert_int_equal(c->eku, 0);
	assert_true(span_equal(c->ocsp_url, span_str(sample_params.ocsp_url)));
	assert_true(span_equal(c->crl_url, span_str(sample_params.crl_url)));
	assert_true(span_equal(name_attr(c->subject, OID_CN), SPAN_LIT("DE*ABC*E1")));
	assert_true(span_equal(name_attr(c->subject, OID_C), SPAN_LIT("DE")));
	assert_true(span_equal(name_attr(c->subject, OID_O), SPAN_LIT("V2G Demo")));
	assert_true(span_equal(name_attr(c->subject, OID_DC), SPAN_LIT("CPO")));
	assert_int_equal(name_attr(c->subject, SPAN_LIT("\x55\x04\x0b")).n, 0);
	assert_int_equal(c->critical_unknown, 0);
}

static void
cut_and_longer_certificates_are_refused(void **state)
{
	struct buf copy = {0};
	struct cert c;
	size_t n;

	(void)state;
	for (n = 0; n < leaf.der.n; n++)
		assert_int_equal(cert_parse((struct span){leaf.der.p, n}, &c, NULL),
				 E_CERT_MALFORMED);
	buf_put_span(&copy, buf_span(&leaf.der));
	buf_put_u8(&copy, 0);
	malformed(buf_span(&copy), "1 bytes follow");
	buf_free(&copy);
}

static void
explicit_false_is_read_as_no_ca(void **state)
{
	static const uint8_t found[] = {0x30, 0x03, 0x01, 0x01, 0xff};
	struct buf copy = {0};
	struct cert c;
	uint8_t *at;

	(void)state;
	buf_put_span(&copy, buf_span(&root.der)); /* cA TRUE becomes cA FALSE, written out */
	at = memmem(copy.p, copy.n, found, sizeof(found));
	assert_non_null(at);
	at[4] = 0;
	assert_int_equal(cert_parse(buf_span(&copy), &c, NULL), E_OK);
	assert_true(c.has_bc);
	assert_false(c.is_ca);
	at[4] = 1;
	malformed(buf_span(&copy), "basicConstraints");
	buf_free(&copy);
}

static void
wrong_structure_is_refused_by_name(void **state)
{
	struct buf copy = {0};

	(void)state;
	malformed(change(&copy, SPAN_LIT("\xa0\x03\x02\x01\x02"), SPAN_LIT("\xa0\x03\x02\x01\x03")),
		  "INTEGER over 2");
	malformed(change(&copy, SPAN_LIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x30"),
			 SPAN_LIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04\x30")),
		  "algorithms differ");
	malformed(change(&copy,
			 SPAN_LIT("\x17\x0d"
				  "26"),
			 SPAN_LIT("\x18\x0d"
				  "26")),
		  "time");
	malformed(change(&copy, SPAN_LIT("\x06\x03\x55\x1d\x0e"), SPAN_LIT("\x06\x03\x55\x1d\x0f")),
		  "keyUsage is there twice");
	malformed(change(&copy, SPAN_LIT("\x03\x55\x1d\x0e\x04\x0a\x04\x08"),
			 SPAN_LIT("\x03\x55\x1d\x0e\x04\x0a\x05\x08")),
		  "subjectKeyIdentifier");
	malformed(change(&copy, SPAN_LIT("\x03\x55\x1d\x0e\x04\x0a\x04\x08"),
			 SPAN_LIT("\x03\x55\x1d\x0e\x04\x0a\x04\x07")),
		  "1 bytes follow");
	malformed(change(&copy, SPAN_LIT("\x03\x42\x00\x04"), SPAN_LIT("\x03\x42\x01\x04")),
		  "whole octets");
	buf_free(&copy);
}

static void
critical_extensions_that_are_not_known_are_counted(void **state)
{
	struct buf copy = {0};
	struct cert c;

	(void)state;
	/* keyUsage, critical, becomes 2.5.29.100 */
	assert_int_equal(cert_parse(change(&copy, SPAN_LIT("\x06\x03\x55\x1d\x0f\x01\x01\xff"),
					   SPAN_LIT("\x06\x03\x55\x1d\x64\x01\x01\xff")),
				    &c, NULL),
			 E_OK);
	assert_int_equal(c.critical_unknown, 1);
	assert_false(c.has_ku);
	buf_free(&copy);
}

static void
unknown_algorithms_are_null_and_do_not_verify(void **state)
{
	struct buf copy = {0};
	struct cert c;

	(void)state;
	assert_int_equal(cert_parse(change(&copy, SPAN_LIT("\x2a\x86\x48\xce\x3d\x03\x01\x07"),
					   SPAN_LIT("\x2a\x86\x48\xce\x3d\x03\x01\x06")),
				    &c, NULL),
			 E_OK);
	assert_null(c.algo);
	assert_int_equal(cert_verify_link(&leaf.cert, &c, NULL), E_CERT_CHAIN);
	buf_free(&copy);
}

static void
links_verify_and_changed_ones_do_not(void **state)
{
	struct buf copy = {0};
	struct sample other = {0};
	struct cert c;

	(void)state;
	assert_int_equal(cert_verify_link(&leaf.cert, &root.cert, NULL), E_OK);
	assert_int_equal(cert_verify_link(&root.cert, &root.cert, NULL), E_OK);
	assert_int_equal(cert_verify_link(&root.cert, &leaf.cert, NULL), E_CERT_CHAIN);
	assert_int_equal(
		cert_parse(change(&copy, SPAN_LIT("DE*ABC*E1"), SPAN_LIT("DE*ABC*E2")), &c, NULL),
		E_OK);
	assert_int_equal(cert_verify_link(&c, &root.cert, NULL), E_CERT_SIGNATURE);
	sample_issue(&other, PROFILE_V2G_ROOT, NULL, "Root", NULL); /* same name, another key */
	assert_int_equal(cert_verify_link(&leaf.cert, &other.cert, NULL), E_CERT_SIGNATURE);
	sample_free(&other);
	buf_free(&copy);
}

static void
names_become_text_with_escapes(void **state)
{
	static const char special[] = " a,b+c\"d\\e<f>g;h=# ";
	struct sample s = {0};
	struct buf text = {0};

	(void)state;
	sample_issue(&s, PROFILE_SECC_LEAF, &root, special, NULL);
	assert_int_equal(name_to_text(s.cert.subject, false, &text, NULL), E_OK);
	assert_string_equal(buf_cstr(&text),
			    "C=DE,O=V2G Demo,CN=\\ a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h=#\\ ,DC=CPO");
	assert_true(name_matches_text(s.cert.subject, buf_cstr(&text)));
	buf_clear(&text);
	assert_int_equal(name_to_text(leaf.cert.subject, true, &text, NULL), E_OK);
	assert_string_equal(buf_cstr(&text), "DC=CPO,CN=DE*ABC*E1,O=V2G Demo,C=DE");
	assert_int_equal(name_to_text(SPAN_LIT("\x30\x02\x31\x00"), false, &text, NULL), E_DER);
	sample_free(&s);
	buf_free(&text);
}

static void
unknown_attributes_and_sets_become_text_and_match(void **state)
{
	/* C=DE + OU=x in one RDN; 1.3.6.1.4.1.55555.7 = UTF8String "y"; emailAddress = IA5String */
	static const char name[] = "\x30\x46\x31\x16\x30\x09\x06\x03\x55\x04\x06\x13\x02"
				   "DE\x30\x09\x06\x03\x55\x04\x0b\x0c\x02xy\x31\x10\x30\x0e\x06"
				   "\x09\x2b\x06\x01\x04\x01\x83\xb2\x03\x07\x0c\x01y\x31\x1a\x30"
				   "\x18\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01\x16\x0b"
				   "a@b.example";
	struct span n = SPAN_LIT(name);
	struct buf text = {0};

	(void)state;
	assert_int_equal(name_to_text(n, false, &text, NULL), E_OK);
	assert_string_equal(buf_cstr(&text),
			    "C=DE+OU=xy,1.3.6.1.4.1.55555.7=#0c0179,emailAddress=a@b.example");
	assert_true(name_matches_text(n, buf_cstr(&text)));
	assert_true(name_matches_text(
		n, "E=a@b.example; OID.1.3.6.1.4.1.55555.7=y, 2.5.4.11=xy, c=de"));
	assert_false(name_matches_text(n, "1.3.6.1.4.1.55555.7=#0c0178,C=DE,OU=xy,E=a@b.example"));
	buf_free(&text);
}

static void
text_names_match_in_any_order_and_spacing(void **state)
{
	struct span n = leaf.cert.subject;

	(void)state;
	assert_true(name_matches_text(n, "C=DE,O=V2G Demo,CN=DE*ABC*E1,DC=CPO"));
	assert_true(name_matches_text(n, "DC=CPO, CN = DE*ABC*E1 ,o=V2G Demo, c=DE"));
	assert_true(
		name_matches_text(n, "CN=\"DE*ABC*E1\",domaincomponent=CPO,O=V2G\\20Demo,C=DE"));
	assert_true(name_matches_text(n, "CN=DE\\*ABC\\*E1;DC=CPO;O=V2G Demo;C=DE"));
	assert_false(name_matches_text(n, "C=DE,O=V2G Demo,CN=DE*ABC*E1"));
	assert_false(name_matches_text(n, "C=DE,O=V2G Demo,CN=DE*ABC*E1,DC=CPO,DC=CPO"));
	assert_false(name_matches_text(n, "C=DE,O=V2G Demo,CN=DE*ABC*E2,DC=CPO"));
	assert_false(name_matches_text(n, "C=DE,O=V2G Demo,CN=DE*ABC*E11,DC=CPO"));
	assert_false(name_matches_text(n, "C=DE,O=V2G Demo,OU=DE*ABC*E1,DC=CPO"));
	assert_false(name_matches_text(n, ""));
	assert_false(name_matches_text(n, "C=DE,O=V2G Demo,CN=DE*ABC*E1,DC=CPO,"));
	assert_false(name_matches_text(n, "C=DE,O=V2G Demo,CN=DE*ABC*E1,DC"));
	assert_false(name_matches_text(n, "C=DE,O=V2G Demo,CN=\"DE*ABC*E1,DC=CPO"));
	assert_false(name_matches_text(n, "=DE"));
	assert_false(name_matches_text(n, "C=DE\\"));
}

static void
pem_goes_both_ways_and_several_blocks_are_read_in_turn(void **state)
{
	struct buf pem = {0}, der = {0};
	struct span rest;

	(void)state;
	buf_put_str(&pem, "a comment\n");
	cert_to_pem(buf_span(&leaf.der), &pem);
	cert_to_pem(buf_span(&root.der), &pem);
	rest = buf_span(&pem);
	assert_int_equal(cert_from_pem(&rest, &der, NULL), E_OK);
	assert_true(span_equal(buf_span(&der), buf_span(&leaf.der)));
	buf_clear(&der);
	assert_int_equal(cert_from_pem(&rest, &der, NULL), E_OK);
	assert_true(span_equal(buf_span(&der), buf_span(&root.der)));
	assert_int_equal(cert_from_pem(&rest, &der, NULL), E_NOT_FOUND);
	rest = (struct span){pem.p, pem.n - 40};
	assert_int_equal(cert_from_pem(&rest, &der, NULL), E_OK);
	assert_int_equal(cert_from_pem(&rest, &der, NULL), E_CERT_MALFORMED);
	rest = SPAN_LIT("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----");
	assert_int_equal(cert_from_pem(&rest, &der, NULL), E_BASE64);
	buf_free(&der);
	buf_free(&pem);
}

/* Real messages of the OPCP and OPNC publications: explicit cA FALSE, leaves without KU and BC. */
static void
certificates_of_hubject_are_read(void **state)
{
	struct buf text = {0}, der = {0};
	json_t *list = NULL, *row;
	json_error_t why;
	size_t i;

	(void)state;
	if (!sample_read("SHARED", "vectors/signatures-iso2.json", &text)) {
		print_message("skipped: ../shared is not there\n");
		skip();
	}
	list = json_loadb((const char *)text.p, text.n, 0, &why);
	assert_non_null(list);
	json_array_foreach(list, i, row)
	{
		struct cert c;
		struct err e = {0};
		const char *hex = json_string_value(json_object_get(row, "signer_certificate_hex"));

		buf_clear(&der);
		assert_int_equal(hex_decode(span_str(hex), &der, &e), E_OK);
		if (cert_parse(buf_span(&der), &c, &e) != E_OK)
			fail_msg("%s", e.text);
		assert_int_equal(c.algo->id, ALGO_P256);
		assert_int_equal(c.ski.n, 8);
		assert_int_equal(c.aki.n, 8);
		assert_false(c.is_ca);
		assert_true(name_attr(c.subject, OID_CN).n > 0);
	}
	assert_int_equal(i, 3);
	json_decref(list);
	buf_free(&der);
	buf_free(&text);
}

static int
make_certs(void **state)
{
	if (sample_setup(state) != 0)
		return -1;
	sample_issue(&root, PROFILE_V2G_ROOT, NULL, "Root", NULL);
	sample_issue(&leaf, PROFILE_SECC_LEAF, &root, "DE*ABC*E1", NULL);
	return 0;
}

static int
drop_certs(void **state)
{
	(void)state;
	sample_free(&root);
	sample_free(&leaf);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_read),
		cmocka_unit_test(cut_and_longer_certificates_are_refused),
		cmocka_unit_test(explicit_false_is_read_as_no_ca),
		cmocka_unit_test(wrong_structure_is_refused_by_name),
		cmocka_unit_test(critical_extensions_that_are_not_known_are_counted),
		cmocka_unit_test(unknown_algorithms_are_null_and_do_not_verify),
		cmocka_unit_test(links_verify_and_changed_ones_do_not),
		cmocka_unit_test(names_become_text_with_escapes),
		cmocka_unit_test(unknown_attributes_and_sets_become_text_and_match),
		cmocka_unit_test(text_names_match_in_any_order_and_spacing),
		cmocka_unit_test(pem_goes_both_ways_and_several_blocks_are_read_in_turn),
		cmocka_unit_test(certificates_of_hubject_are_read),
	};

	return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
