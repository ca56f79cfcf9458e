/* SPDX-License-Identifier: Apache-2.0 */
/* The lint against changed bytes: every value of a TBSCertificate that is right is taken out,
 * doubled, retagged, changed, lengthened, emptied and swapped, one at a time; all must be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/der.h"
#include "sample.h"

#define NODES_MAX 256

struct node { /* one DER value; children in a table, by index */
	uint8_t tag;
	struct span content;
	int child[16];
	int count; /* -1: primitive */
	int parent;
};

static struct node nodes[NODES_MAX];
static int node_count;
static struct sample root, subject;

/* Constructed values, and OCTET STRINGs that hold one DER value (extensions), become trees. */
static int
plant(uint8_t tag, struct span content, int parent)
{
	int me = node_count++;
	struct span rest = content, inner = {0};
	uint8_t t = 0;

	assert_true(node_count <= NODES_MAX);
	nodes[me] = (struct node){.tag = tag, .content = content, .count = -1, .parent = parent};
	if (tag == DER_OCTET_STRING &&
	    !(der_next(&rest, &t, &inner, NULL, NULL) == E_OK && rest.n == 0 && content.n > 2))
		return me;
	rest = content;
	if ((tag & 0x20) == 0 && tag != DER_OCTET_STRING)
		return me;
	nodes[me].count = 0;
	while (rest.n > 0) {
		assert_int_equal(der_next(&rest, &t, &inner, NULL, NULL), E_OK);
		nodes[me].child[nodes[me].count++] = plant(t, inner, me);
	}
	return me;
}

enum change { NONE, REMOVE, DOUBLE, RETAG, FLIP, LENGTHEN, EMPTY, SWAP, CHANGE_COUNT };
static const char *const change_names[] = {"none", "remove", "double", "retag",
					   "flip", "append", "empty",  "swap with next"};

static void
write_node(int i, int changed, enum change how, struct buf *out)
{
	const struct node *n = &nodes[i];
	bool here = i == changed;
	size_t mark;
	int k;

	if (here && how == REMOVE)
		return;
	mark = der_begin(out, here && how == RETAG ? n->tag ^ 1 : n->tag);
	if (here && how == EMPTY) {
		der_finish(out, mark);
		return;
	}
	if (n->count < 0)
		buf_put_span(out, n->content);
	for (k = 0; k < n->count; k++) {
		if (how == SWAP && n->child[k] == changed && k + 1 < n->count) {
			write_node(n->child[k + 1], -1, NONE, out);
			write_node(n->child[k], -1, NONE, out);
			k++;
			continue;
		}
		write_node(n->child[k], changed, how, out);
		if (how == DOUBLE && n->child[k] == changed)
			write_node(n->child[k], -1, NONE, out);
	}
	if (here && how == FLIP && n->count < 0 && n->content.n > 0)
		out->p[out->n - 1] ^= 1;
	if (here && how == LENGTHEN)
		buf_put_u8(out, 0);
	der_finish(out, mark);
}

/* The order of extensions is free: they are the children of the child of [3]. */
static bool
is_extension(int i)
{
	int list = nodes[i].parent;

	return list > 0 && nodes[list].parent > 0 && nodes[nodes[list].parent].tag == 0xa3;
}

static struct tbs_request
request_for(enum profile_id id)
{
	return sample_request(id, &subject, profiles[id].issuer == id ? NULL : &root, "1234567890");
}

static struct buf
build(const struct tbs_request *rq)
{
	struct buf tbs = {0};
	struct err e = {0};

	if (tbs_build(rq, &tbs, &e) != E_OK)
		fail_msg("%s", e.text);
	if (lint_tbs(buf_span(&tbs), rq, INT64_MAX, &e) != E_OK)
		fail_msg("%s", e.text);
	return tbs;
}

static void
every_single_deviation_of_every_profile_is_refused(void **state)
{
	enum profile_id id;

	(void)state;
	for (id = 0; id < PROFILE_COUNT; id++) {
		struct tbs_request rq = request_for(id);
		struct buf tbs = build(&rq), bad = {0};
		struct span in = buf_span(&tbs), content = {0};
		unsigned tried = 0;
		int i;
		enum change how;

		node_count = 0;
		assert_int_equal(der_take(&in, DER_SEQUENCE, &content, NULL, NULL), E_OK);
		(void)plant(DER_SEQUENCE, content, -1);
		for (i = 0; i < node_count; i++) {
			for (how = REMOVE; how < CHANGE_COUNT; how++) {
				if (how == SWAP && is_extension(i))
					continue;
				buf_clear(&bad);
				write_node(0, i, how, &bad);
				if (span_equal(buf_span(&bad), buf_span(&tbs)))
					continue;
				tried++;
				if (lint_tbs(buf_span(&bad), &rq, INT64_MAX, NULL) == E_OK)
					fail_msg("%s: %s of value %d (tag %02x) passes the lint",
						 profiles[id].name, change_names[how], i,
						 nodes[i].tag);
			}
		}
		assert_true(tried > 200);
		buf_free(&bad);
		buf_free(&tbs);
	}
}

/* The same bytes against a request or profile that differs in one thing. */
static void
against(enum profile_id id, const struct tbs_request *other, enum err_code code, const char *part)
{
	struct tbs_request rq = request_for(id);
	struct buf tbs = build(&rq);
	struct err e = {0};

	assert_int_equal(lint_tbs(buf_span(&tbs), other, INT64_MAX, &e), code);
	if (strstr(e.text, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, part);
	buf_free(&tbs);
}

static void
each_field_of_the_request_is_compared_and_named(void **state)
{
	struct tbs_request rq;
	static const uint8_t other[SERIAL_LEN] = {1};
	uint8_t point[65];

	(void)state;
	rq = request_for(PROFILE_SECC_LEAF);
	rq.cn = "1234567891";
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "subject CN");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.o = "V2G demo";
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "subject O");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.params.country = "FR";
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "subject C");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.serial = (struct span){other, sizeof(other)};
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "serial number");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.not_before--;
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "notBefore");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.not_after--;
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "notAfter");
	rq = request_for(PROFILE_SECC_LEAF);
	memcpy(point, rq.point.p, sizeof(point));
	point[64] ^= 1;
	rq.point.p = point;
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "public key");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.issuer_ski = SPAN_LIT("12345678");
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "authorityKeyIdentifier");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.issuer_name = rq.issuer_ski;
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "issuer");
}

static void
each_parameter_of_the_deployment_is_compared_and_named(void **state)
{
	struct tbs_request rq;

	(void)state;
	rq = request_for(PROFILE_SECC_LEAF);
	rq.params.ocsp_url = "http://127.0.0.1:8080/ocsq";
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "authorityInfoAccess");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.params.crl_url = "http://127.0.0.1:8080/crl/other.crl";
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "cRLDistributionPoints");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.params.policy_oid = "1.3.6.1.4.1.55555.2";
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "certificatePolicies");
	rq = request_for(PROFILE_SECC_LEAF);
	rq.params.policy_oid = NULL;
	against(PROFILE_SECC_LEAF, &rq, E_LINT, "none beyond");
	rq = request_for(PROFILE_MO_SUB2);
	rq.params.mo_sub2_signs = true;
	against(PROFILE_MO_SUB2, &rq, E_LINT, "keyUsage");
	rq = request_for(PROFILE_PROVISIONING_LEAF);
	rq.params.provisioning_crldp = true;
	against(PROFILE_PROVISIONING_LEAF, &rq, E_LINT, "cRLDistributionPoints");
	rq = request_for(PROFILE_SERVICE_TLS_SERVER);
	rq.san_dns[1] = "127.0.0.2";
	against(PROFILE_SERVICE_TLS_SERVER, &rq, E_LINT, "subjectAltName");
}

static void
each_column_of_the_profile_is_compared_and_named(void **state)
{
	struct tbs_request rq;
	struct profile p;

	(void)state;
	p = profiles[PROFILE_CPO_SUB2];
	rq = request_for(p.id);
	rq.profile = &p;
	p.dc = "CPS";
	against(p.id, &rq, E_LINT, "subject DC");
	p = profiles[PROFILE_CPO_SUB2];
	p.path_len = 1;
	against(p.id, &rq, E_LINT, "basicConstraints");
	p = profiles[PROFILE_CPO_SUB2];
	p.is_ca = false;
	against(p.id, &rq, E_LINT, "basicConstraints");
	p = profiles[PROFILE_CPO_SUB2];
	p.ku |= KU_DIGITAL_SIGNATURE;
	against(p.id, &rq, E_LINT, "keyUsage");
	p = profiles[PROFILE_CPO_SUB2];
	p.eku = EKU_OCSP_SIGNING;
	against(p.id, &rq, E_LINT, "extKeyUsage");
	p = profiles[PROFILE_CPO_SUB2];
	p.aia = false;
	against(p.id, &rq, E_LINT, "none beyond");
	p = profiles[PROFILE_CPO_SUB2];
	p.nocheck = true;
	against(p.id, &rq, E_LINT, "ocsp-nocheck");
	p = profiles[PROFILE_CPO_SUB2];
	p.algo = ALGO_P521;
	against(p.id, &rq, E_LINT, "signature algorithm");
}

/* I-6 */
static void
validity_is_notafter_plus_one_second_minus_notbefore(void **state)
{
	struct tbs_request rq = request_for(PROFILE_SECC_LEAF);
	struct profile p = profiles[PROFILE_SECC_LEAF];
	struct buf tbs = {0};

	(void)state;
	rq.profile = &p;
	rq.not_after = rq.not_before + p.validity_max - 1;
	tbs = build(&rq);
	p.validity_max--; /* one second less than what the bytes have */
	assert_int_equal(lint_tbs(buf_span(&tbs), &rq, INT64_MAX, NULL), E_VALIDITY);
	buf_free(&tbs);
}

/* I-6 */
static void
validity_never_outlives_the_issuer(void **state)
{
	struct tbs_request rq = request_for(PROFILE_SECC_LEAF);
	struct buf tbs = build(&rq);
	struct err e = {0};

	(void)state;
	assert_int_equal(lint_tbs(buf_span(&tbs), &rq, rq.not_after, NULL), E_OK);
	assert_int_equal(lint_tbs(buf_span(&tbs), &rq, rq.not_after - 1, &e), E_VALIDITY);
	assert_non_null(strstr(e.text, "1 seconds after the issuing CA's"));
	buf_free(&tbs);
}

/* I-11 */
static void
certificate_over_its_size_is_refused(void **state)
{
	struct tbs_request rq = request_for(PROFILE_SECC_LEAF);
	struct profile p = profiles[PROFILE_SECC_LEAF];
	struct buf tbs = build(&rq);
	size_t size = tbs_cert_size(tbs.n, rq.issuer_algo);

	(void)state;
	rq.profile = &p;
	p.der_max = size;
	assert_int_equal(lint_tbs(buf_span(&tbs), &rq, INT64_MAX, NULL), E_OK);
	p.der_max = size - 1;
	assert_int_equal(lint_tbs(buf_span(&tbs), &rq, INT64_MAX, NULL), E_CERT_TOO_BIG);
	buf_free(&tbs);
}

/* F-6: UTCTime until 2049-12-31T23:59:59Z, GeneralizedTime from the next second on. */
static void
years_from_2050_on_are_generalized_time(void **state)
{
	struct tbs_request rq = request_for(PROFILE_SECC_LEAF);
	struct buf tbs = {0};
	int64_t edge = 0;

	(void)state;
	assert_true(clock_from_civil(2050, 1, 1, 0, 0, 0, &edge));
	rq.not_before = edge - 1;
	rq.not_after = edge;
	tbs = build(&rq);
	assert_non_null(memmem(tbs.p, tbs.n,
			       "\x17\x0d"
			       "491231235959Z",
			       15));
	assert_non_null(memmem(tbs.p, tbs.n,
			       "\x18\x0f"
			       "20500101000000Z",
			       17));
	buf_free(&tbs);
}

static int
make_keys(void **state)
{
	if (sample_setup(state) != 0)
		return -1;
	sample_issue(&root, PROFILE_V2G_ROOT, NULL, "Issuer", NULL);
	sample_key(&subject, algo_get(ALGO_P256));
	return 0;
}

static int
drop_keys(void **state)
{
	(void)state;
	sample_free(&root);
	sample_free(&subject);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_single_deviation_of_every_profile_is_refused),
		cmocka_unit_test(each_field_of_the_request_is_compared_and_named),
		cmocka_unit_test(each_parameter_of_the_deployment_is_compared_and_named),
		cmocka_unit_test(each_column_of_the_profile_is_compared_and_named),
		cmocka_unit_test(validity_is_notafter_plus_one_second_minus_notbefore),
		cmocka_unit_test(validity_never_outlives_the_issuer),
		cmocka_unit_test(certificate_over_its_size_is_refused),
		cmocka_unit_test(years_from_2050_on_are_generalized_time),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
