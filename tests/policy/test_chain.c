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
#include "base/ec.h"
#include "policy/chain.h"
#include "policy/name.h"
#include "sample.h"

#define NOW (SAMPLE_NOW + DAY)

static struct sample root, sub1, sub2, leaf, stranger;

/* A certificate with any extensions, for what no profile of ours makes. */
struct odd {
	const struct algo *algo, *issuer_algo;
	const char *cn;
	struct span extensions; /* content of the list */
	int64_t from, to;
};

static void
odd_issue(struct sample *s, const struct odd *o, const struct sample *issuer)
{
	static const uint8_t serial[] = {0x42};
	const struct secret *key = issuer != NULL ? &issuer->key : &s->key;
	const struct name_parts parts = {.cn = o->cn};
	struct buf tbs = {0}, name = {0}, sig = {0};
	size_t outer, mark;

	sample_key(s, o->algo);
	assert_int_equal(name_build(&parts, &name, NULL), E_OK);
	outer = der_begin(&tbs, DER_SEQUENCE);
	buf_put_span(&tbs, SPAN_LIT("\xa0\x03\x02\x01\x02"));
	der_put_unsigned(&tbs, (struct span){serial, 1});
	buf_put_span(&tbs, o->issuer_algo->sig_alg);
	buf_put_span(&tbs, issuer != NULL ? issuer->cert.subject : buf_span(&name));
	mark = der_begin(&tbs, DER_SEQUENCE);
	der_put_time(&tbs, o->from != 0 ? o->from : SAMPLE_NOW);
	der_put_time(&tbs, o->to != 0 ? o->to : SAMPLE_NOW + 30 * DAY);
	der_finish(&tbs, mark);
	buf_put_span(&tbs, buf_span(&name));
	mark = der_begin(&tbs, DER_SEQUENCE);
	buf_put_span(&tbs, o->algo->spki_alg);
	der_put_bits(&tbs, buf_span(&s->point));
	der_finish(&tbs, mark);
	if (o->extensions.n > 0) {
		mark = der_begin(&tbs, DER_CONTEXT_CONS(3));
		der_put(&tbs, DER_SEQUENCE, o->extensions);
		der_finish(&tbs, mark);
	}
	der_finish(&tbs, outer);
	assert_int_equal(ec_sign(o->issuer_algo, key, buf_span(&tbs), &sig, NULL), E_OK);
	buf_clear(&s->der);
	assert_int_equal(tbs_finish(buf_span(&tbs), o->issuer_algo, buf_span(&sig), &s->der, NULL),
			 E_OK);
	assert_int_equal(cert_parse(buf_span(&s->der), &s->cert, NULL), E_OK);
	buf_free(&sig);
	buf_free(&name);
	buf_free(&tbs);
}

static enum err_code
verify_at(const struct chain *c, int64_t now, struct err *e)
{
	const struct span roots[] = {buf_span(&stranger.der), buf_span(&root.der)};
	size_t anchor = 9;
	enum err_code rc = chain_verify(c, roots, 2, now, &anchor, e);

	if (rc == E_OK)
		assert_int_equal(anchor, 1);
	return rc;
}

static struct chain
sound(void)
{
	return (struct chain){.leaf = buf_span(&leaf.der),
			      .sub2 = buf_span(&sub2.der),
			      .sub1 = buf_span(&sub1.der),
			      .edition = EDITION_2};
}

static void
refused(const struct chain *c, int64_t now, enum err_code code, const char *part)
{
	struct err e = {0};

	assert_int_equal(verify_at(c, now, &e), code);
	if (strstr(e.text, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, part);
}

static void
a_sound_chain_finds_its_root(void **state)
{
	struct chain c = sound();
	struct err e = {0};

	(void)state;
	if (verify_at(&c, NOW, &e) != E_OK)
		fail_msg("%s", e.text);
}

static void
one_sub_ca_alone_is_enough_and_none_is_not(void **state)
{
	struct sample lone = {0}, under = {0};
	struct chain c = {.edition = EDITION_2};
	struct err e = {0};

	(void)state;
	sample_issue(&lone, PROFILE_OEM_SUB2, &root, "Lone", NULL);
	sample_issue(&under, PROFILE_PROVISIONING_LEAF, &lone, "WVA45678901234567", NULL);
	c.leaf = buf_span(&under.der);
	c.sub1 = buf_span(&lone.der);
	if (verify_at(&c, NOW, &e) != E_OK)
		fail_msg("%s", e.text);
	c.sub1 = (struct span){0};
	refused(&c, NOW, E_CERT_CHAIN, "subCA1Certificate is missing");
	sample_free(&under);
	sample_free(&lone);
}

static void
unknown_root_is_named_as_such_and_only_when_the_chain_is_sound(void **state)
{
	struct chain c = sound();
	const struct span other = buf_span(&stranger.der);
	struct buf forged = {0};
	size_t anchor = 0;
	struct err e = {0};

	(void)state;
	assert_int_equal(chain_verify(&c, &other, 1, NOW, &anchor, &e), E_CERT_UNTRUSTED);
	assert_non_null(strstr(e.text, "[V2G2-924]"));
	assert_int_equal(chain_verify(&c, NULL, 0, NOW, &anchor, NULL), E_CERT_UNTRUSTED);
	buf_put_span(&forged, c.leaf);
	forged.p[forged.n - 1] ^= 1;
	c.leaf = buf_span(&forged);
	assert_int_equal(chain_verify(&c, &other, 1, NOW, &anchor, NULL), E_CERT_SIGNATURE);
	buf_free(&forged);
}

static void
a_root_of_the_same_name_with_another_key_is_not_the_root(void **state)
{
	struct sample twin = {0};
	struct chain c = sound();
	struct span roots[2];
	size_t anchor = 9;

	(void)state;
	sample_issue(&twin, PROFILE_OEM_ROOT, NULL, "Root", NULL);
	roots[0] = buf_span(&twin.der);
	roots[1] = buf_span(&root.der);
	assert_int_equal(chain_verify(&c, roots, 1, NOW, &anchor, NULL), E_CERT_UNTRUSTED);
	assert_int_equal(chain_verify(&c, roots, 2, NOW, &anchor, NULL), E_OK);
	assert_int_equal(anchor, 1);
	sample_free(&twin);
}

static void
each_changed_signature_is_refused(void **state)
{
	struct chain c;
	struct buf forged = {0};
	struct span *const parts[] = {&c.leaf, &c.sub2, &c.sub1};
	static const enum err_code codes[] = {E_CERT_SIGNATURE, E_CERT_SIGNATURE, E_CERT_UNTRUSTED};
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		c = sound();
		buf_clear(&forged);
		buf_put_span(&forged, *parts[i]);
		forged.p[forged.n - 1] ^= 1;
		*parts[i] = buf_span(&forged);
		refused(&c, NOW, codes[i], i == 0 ? "vehicleCertificate" : "subCA");
	}
	buf_free(&forged);
}

static void
swapped_and_foreign_parts_are_refused(void **state)
{
	struct chain c = sound();
	struct sample other = {0};

	(void)state;
	c.sub2 = buf_span(&sub1.der);
	c.sub1 = buf_span(&sub2.der);
	refused(&c, NOW, E_CERT_CHAIN, "vehicleCertificate");
	c = sound();
	sample_issue(&other, PROFILE_OEM_SUB2, &sub1, "Sub 2", NULL); /* same name, other key */
	c.sub2 = buf_span(&other.der);
	refused(&c, NOW, E_CERT_CHAIN, "key identifier");
	sample_free(&other);
}

static void
expired_and_future_certificates_are_refused_by_name(void **state)
{
	struct chain c = sound();

	(void)state;
	assert_int_equal(verify_at(&c, SAMPLE_NOW - 300, NULL), E_OK); /* within the skew */
	refused(&c, SAMPLE_NOW - 301, E_CERT_NOT_YET, "vehicleCertificate");
	assert_int_equal(verify_at(&c, leaf.cert.not_after, NULL), E_OK); /* inclusive */
	refused(&c, leaf.cert.not_after + 1, E_CERT_EXPIRED, "vehicleCertificate: expired at");
	c.leaf_field = "contractCertificate";
	refused(&c, leaf.cert.not_after + 1, E_CERT_EXPIRED, "contractCertificate");
}

static void
expired_sub_ca_and_root_are_refused_by_name(void **state)
{
	struct sample old_root = {0}, old_sub = {0}, young = {0}, end = {0};
	struct tbs_request rq;
	struct chain c = {.edition = EDITION_2};
	struct span roots[1];
	size_t anchor;
	struct err e = {0};

	(void)state;
	sample_key(&old_root, algo_get(ALGO_P256));
	rq = sample_request(PROFILE_OEM_ROOT, &old_root, NULL, "Old");
	rq.not_after = SAMPLE_NOW + 40 * DAY;
	sample_issue(&old_root, PROFILE_OEM_ROOT, NULL, "Old", &rq);
	sample_key(&old_sub, algo_get(ALGO_P256));
	rq = sample_request(PROFILE_OEM_SUB1, &old_sub, &old_root, "Old Sub");
	rq.not_after = SAMPLE_NOW + 20 * DAY;
	sample_issue(&old_sub, PROFILE_OEM_SUB1, &old_root, "Old Sub", &rq);
	sample_issue(&young, PROFILE_OEM_SUB2, &old_sub, "Young", NULL);
	sample_issue(&end, PROFILE_PROVISIONING_LEAF, &young, "WVA45678901234567", NULL);
	c.leaf = buf_span(&end.der);
	c.sub2 = buf_span(&young.der);
	c.sub1 = buf_span(&old_sub.der);
	roots[0] = buf_span(&old_root.der);
	assert_int_equal(chain_verify(&c, roots, 1, SAMPLE_NOW + 20 * DAY + 1, &anchor, &e),
			 E_CERT_EXPIRED);
	assert_non_null(strstr(e.text, "subCA1Certificate"));
	/* the root ends first */
	rq = sample_request(PROFILE_OEM_SUB1, &old_sub, &old_root, "Old Sub");
	sample_issue(&old_sub, PROFILE_OEM_SUB1, &old_root, "Old Sub", &rq);
	c.sub1 = buf_span(&old_sub.der);
	err_clear(&e);
	assert_int_equal(chain_verify(&c, roots, 1, SAMPLE_NOW + 40 * DAY + 1, &anchor, &e),
			 E_CERT_EXPIRED);
	assert_non_null(strstr(e.text, "root: expired"));
	sample_free(&end);
	sample_free(&young);
	sample_free(&old_sub);
	sample_free(&old_root);
}

static void
a_leaf_that_issues_and_a_ca_as_leaf_are_refused(void **state)
{
	struct sample under_leaf = {0};
	struct chain c = sound();

	(void)state;
	c.leaf = buf_span(&sub2.der);
	c.sub2 = (struct span){0};
	refused(&c, NOW, E_CERT_PROFILE, "vehicleCertificate: is a CA");
	sample_issue(&under_leaf, PROFILE_PROVISIONING_LEAF, &leaf, "WVA45678901234568", NULL);
	c = sound();
	c.leaf = buf_span(&under_leaf.der);
	c.sub2 = buf_span(&leaf.der);
	c.sub1 = buf_span(&sub2.der);
	refused(&c, NOW, E_CERT_PROFILE, "subCA2Certificate: is not a CA");
	sample_free(&under_leaf);
}

/* Sub 2 has pathLen 0: a CA below it is one too many. */
static void
path_length_is_enforced(void **state)
{
	struct sample third = {0}, end = {0}, top = {0};
	struct chain c = {.edition = EDITION_2};

	(void)state;
	sample_issue(&top, PROFILE_OEM_SUB2, &root, "Top", NULL);
	sample_issue(&third, PROFILE_OEM_SUB2, &top, "Third", NULL);
	sample_issue(&end, PROFILE_PROVISIONING_LEAF, &third, "WVA45678901234567", NULL);
	c.leaf = buf_span(&end.der);
	c.sub2 = buf_span(&third.der);
	c.sub1 = buf_span(&top.der);
	refused(&c, NOW, E_CERT_PROFILE, "path length");
	sample_free(&end);
	sample_free(&third);
	sample_free(&top);
}

static void
sizes_and_malformed_certificates_are_refused_by_name(void **state)
{
	struct chain c = sound();
	uint8_t big[801] = {0x30};

	(void)state;
	c.leaf = (struct span){big, sizeof(big)};
	refused(&c, NOW, E_CERT_TOO_BIG, "[V2G2-010]");
	c.edition = EDITION_20;
	refused(&c, NOW, E_CERT_MALFORMED, "vehicleCertificate");
	c = sound();
	c.sub1.n--;
	refused(&c, NOW, E_CERT_MALFORMED, "subCA1Certificate");
	c = sound();
	c.edition = EDITION_NONE;
	refused(&c, NOW, E_EDITION, "edition");
}

#define BC_CA    "\x30\x0f\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff"
#define KU_CERT  "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x01\x06"
#define BC_FALSE "\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30\x03\x01\x01\x00"
#define SKI_CRIT                                                   \
	"\x30\x14\x06\x03\x55\x1d\x0e\x01\x01\xff\x04\x0a\x04\x08" \
	"ABCDEFGH"
#define OTHER_CRIT "\x30\x0f\x06\x03\x55\x1d\x64\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff"

/* A.4: explicit cA FALSE, leaves without KU and BC, notAfter in 9999, critical SKI. */
static void
what_stands_in_the_field_is_accepted(void **state)
{
	static const struct span lists[] = {SPAN_INIT(BC_FALSE), SPAN_INIT(SKI_CRIT), {NULL, 0}};
	struct odd o = {.algo = algo_get(ALGO_P256),
			.issuer_algo = algo_get(ALGO_P256),
			.cn = "WVA45678901234567",
			.from = 1};
	struct sample s = {0};
	struct chain c = sound();
	size_t i;

	(void)state;
	assert_true(clock_from_civil(9999, 12, 31, 23, 59, 59, &o.to));
	for (i = 0; i < ARRAY_LEN(lists); i++) {
		struct err e = {0};

		o.extensions = lists[i];
		odd_issue(&s, &o, &sub2);
		c.leaf = buf_span(&s.der);
		if (verify_at(&c, NOW, &e) != E_OK)
			fail_msg("%zu: %s", i, e.text);
	}
	o.extensions = SPAN_LIT(OTHER_CRIT);
	odd_issue(&s, &o, &sub2);
	c.leaf = buf_span(&s.der);
	refused(&c, NOW, E_CERT_PROFILE, "critical");
	sample_free(&s);
}

static void
keys_of_the_other_edition_are_refused(void **state)
{
	struct odd o = {.algo = algo_get(ALGO_P521),
			.issuer_algo = algo_get(ALGO_P256),
			.cn = "WVA45678901234567"};
	struct sample s = {0};
	struct chain c = sound();

	(void)state;
	odd_issue(&s, &o, &sub2);
	c.leaf = buf_span(&s.der);
	refused(&c, NOW, E_CERT_PROFILE, "public key: expected secp256r1");
	c = sound();
	c.edition = EDITION_20;
	refused(&c, NOW, E_CERT_PROFILE, "[V2G20-2674]");
	sample_free(&s);
}

static void
chains_of_the_second_edition_verify_with_both_its_curves(void **state)
{
	static const enum algo_id ids[] = {ALGO_P521, ALGO_ED448};
	size_t i, anchor = 9;

	(void)state;
	for (i = 0; i < ARRAY_LEN(ids); i++) {
		const struct algo *a = algo_get(ids[i]);
		struct odd ca = {.algo = a,
				 .issuer_algo = a,
				 .cn = "Root 20",
				 .extensions = SPAN_LIT(BC_CA KU_CERT)};
		struct odd end = {.algo = a, .issuer_algo = a, .cn = "WVA45678901234567"};
		struct sample r = {0}, s = {0}, l = {0};
		struct chain c = {.edition = EDITION_20};
		struct span anchors[1];
		struct err e = {0};

		odd_issue(&r, &ca, NULL);
		ca.cn = "Sub 20";
		odd_issue(&s, &ca, &r);
		odd_issue(&l, &end, &s);
		c.leaf = buf_span(&l.der);
		c.sub1 = buf_span(&s.der);
		anchors[0] = buf_span(&r.der);
		if (chain_verify(&c, anchors, 1, NOW, &anchor, &e) != E_OK)
			fail_msg("%s: %s", a->name, e.text);
		assert_int_equal(anchor, 0);
		sample_free(&l);
		sample_free(&s);
		sample_free(&r);
	}
}

/* [V2G2-878]: of two roots with one key the valid one is the anchor. */
static void
a_valid_root_goes_before_an_expired_one_of_the_same_key(void **state)
{
	struct sample old = {0};
	struct tbs_request rq;
	struct chain c = sound();
	struct span roots[2];
	size_t anchor = 9;

	(void)state;
	buf_put_span(&old.point, buf_span(&root.point));
	assert_int_equal(secret_alloc(&old.key, root.key.n, NULL), E_OK);
	memcpy(old.key.p, root.key.p, root.key.n);
	rq = sample_request(PROFILE_OEM_ROOT, &old, NULL, "Root");
	rq.not_after = rq.not_before + 10;
	sample_issue(&old, PROFILE_OEM_ROOT, NULL, "Root", &rq);
	roots[0] = buf_span(&old.der);
	roots[1] = buf_span(&root.der);
	assert_int_equal(chain_verify(&c, roots, 2, NOW, &anchor, NULL), E_OK);
	assert_int_equal(anchor, 1);
	assert_int_equal(chain_verify(&c, roots, 1, NOW, &anchor, NULL), E_CERT_EXPIRED);
	sample_free(&old);
}

static int
make_certs(void **state)
{
	if (sample_setup(state) != 0)
		return -1;
	sample_issue(&stranger, PROFILE_OEM_ROOT, NULL, "Stranger", NULL);
	sample_issue(&root, PROFILE_OEM_ROOT, NULL, "Root", NULL);
	sample_issue(&sub1, PROFILE_OEM_SUB1, &root, "Sub 1", NULL);
	sample_issue(&sub2, PROFILE_OEM_SUB2, &sub1, "Sub 2", NULL);
	sample_issue(&leaf, PROFILE_PROVISIONING_LEAF, &sub2, "WVA12345678901234", NULL);
	return 0;
}

static int
drop_certs(void **state)
{
	(void)state;
	sample_free(&stranger);
	sample_free(&root);
	sample_free(&sub1);
	sample_free(&sub2);
	sample_free(&leaf);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_chain_finds_its_root),
		cmocka_unit_test(one_sub_ca_alone_is_enough_and_none_is_not),
		cmocka_unit_test(unknown_root_is_named_as_such_and_only_when_the_chain_is_sound),
		cmocka_unit_test(a_root_of_the_same_name_with_another_key_is_not_the_root),
		cmocka_unit_test(each_changed_signature_is_refused),
		cmocka_unit_test(swapped_and_foreign_parts_are_refused),
		cmocka_unit_test(expired_and_future_certificates_are_refused_by_name),
		cmocka_unit_test(expired_sub_ca_and_root_are_refused_by_name),
		cmocka_unit_test(a_leaf_that_issues_and_a_ca_as_leaf_are_refused),
		cmocka_unit_test(path_length_is_enforced),
		cmocka_unit_test(sizes_and_malformed_certificates_are_refused_by_name),
		cmocka_unit_test(what_stands_in_the_field_is_accepted),
		cmocka_unit_test(keys_of_the_other_edition_are_refused),
		cmocka_unit_test(chains_of_the_second_edition_verify_with_both_its_curves),
		cmocka_unit_test(a_valid_root_goes_before_an_expired_one_of_the_same_key),
	};

	return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
