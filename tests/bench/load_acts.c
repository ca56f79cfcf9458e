/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/str.h"
#include "policy/cert.h"
#include "policy/csr.h"
#include "policy/ident.h"
#include "policy/pkcs7.h"
#include "policy/profile.h"

#define FILE_MAX 65536

static bool
read_file(const char *path, struct buf *out)
{
	FILE *f = path != NULL ? fopen(path, "re") : NULL;
	uint8_t *at = buf_grow(out, FILE_MAX);
	size_t n = f != NULL && at != NULL ? fread(at, 1, FILE_MAX, f) : 0;

	out->n = n;
	if (f != NULL)
		(void)fclose(f); /* read only */
	return n > 0;
}

bool
load_enrol(struct connection *c, char *ack, size_t cap)
{
	struct buf csr = {0}, body = {0}, der = {0};
	struct span certs[4];
	size_t count = 0;
	uint8_t md[SHA256_LEN];
	char cn[64], hex[HEX_LEN(SHA256_LEN)];
	bool ok = false;

	(void)snprintf(cn, sizeof(cn), "%sE%s%03u%07llu", getenv("V2GPKI_CPO_ID5"), c->load->run,
		       c->index, (unsigned long long)++c->n);
	if (csr_make(algo_get(ALGO_P256), &c->key, "Load", cn, "CPO", &csr, NULL) != E_OK)
		goto out;
	base64_encode(buf_span(&csr), 0, &body);
	if (load_request(c, "POST", "/.well-known/est/cpo/simpleenroll", c->load->cpo_token,
			 "application/pkcs10", buf_span(&body)) != 200)
		goto out;
	if (base64_decode(buf_span(&c->answer), &der, NULL) != E_OK ||
	    pkcs7_read_certs(buf_span(&der), certs, 4, &count, NULL) != E_OK || count < 1 ||
	    sha256(certs[0], md, NULL) != E_OK)
		goto out;
	hex_encode((struct span){md, sizeof(md)}, hex, sizeof(hex));
	(void)snprintf(ack, cap, "enrol %s %s\n", cn, hex);
	ok = true;
out:
	buf_free(&der);
	buf_free(&body);
	buf_free(&csr);
	return ok;
}

static void
pcid_of(const struct load *l, unsigned i, char out[PCID_MAX])
{
	(void)snprintf(out, PCID_MAX, "%.3s%.5s%09u", getenv("V2GPKI_OEM_WMI"), l->run, i);
}

bool
load_order(struct connection *c, char *ack, size_t cap)
{
	char emaid[EMAID_MAX], pcid[PCID_MAX], from[RFC3339_LEN], to[RFC3339_LEN];
	struct buf body = {0};
	json_t *o;
	bool ok = false;

	c->n++;
	(void)snprintf(emaid, sizeof(emaid), "%.5sC%.2s%02x%04x", getenv("V2GPKI_MO_ID5"),
		       c->load->run + 3, c->index & 0xff, (unsigned)c->n & 0xffff);
	str_upper(emaid);
	pcid_of(c->load, c->index % c->load->vehicles, pcid);
	clock_format(clock_now() - 60, from);
	clock_format(clock_now() + 300 * DAY, to);
	o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "emaid", emaid, "pcid", pcid, "contractBegins",
		      from, "contractEnds", to, "xsdMsgDefNamespace", NAMESPACE_2);
	if (json_dump(o, &body, NULL) == E_OK)
		ok = load_request(c, "PUT", "/v1/cps/generate/signedContractData", c->load->mo_token,
				  "application/json", buf_span(&body)) == 201;
	if (ok)
		(void)snprintf(ack, cap, "order %s %s\n", emaid, pcid);
	json_decref(o);
	buf_free(&body);
	return ok;
}

struct oem { /* the example OEM's Sub-CAs and its software key */
	struct buf sub2, sub1;
	struct cert ca;
	const struct algo *algo;
	struct secret key;
	struct buf point;
};

static bool
read_oem(struct oem *o)
{
	struct buf cert = {0}, chain = {0}, key = {0};
	struct span pem;
	bool ok = false;

	if (!read_file(getenv("V2GPKI_OEM_CA_CERT"), &cert) ||
	    !read_file(getenv("V2GPKI_OEM_CA_CHAIN"), &chain) ||
	    !read_file(getenv("V2GPKI_OEM_CA_KEY"), &key))
		goto out;
	pem = buf_span(&chain); /* Sub 2, then Sub 1 */
	if (cert_from_pem(&pem, &o->sub2, NULL) != E_OK ||
	    cert_from_pem(&pem, &o->sub1, NULL) != E_OK ||
	    cert_parse(buf_span(&o->sub2), &o->ca, NULL) != E_OK)
		goto out;
	ok = ec_private_from_pem(buf_span(&key), &o->algo, &o->key, &o->point, NULL) == E_OK;
out:
	buf_free(&key);
	buf_free(&chain);
	buf_free(&cert);
	return ok;
}

static bool
mint(const struct oem *o, const char *pcid, struct buf *leaf)
{
	uint8_t serial[SERIAL_LEN];
	struct buf tbs = {0}, sig = {0}, point = {0};
	struct secret key = {0};
	struct tbs_request rq = {.profile = &profiles[PROFILE_PROVISIONING_LEAF],
				 .params = {.country = "DE"},
				 .issuer_algo = o->algo,
				 .issuer_name = o->ca.subject,
				 .issuer_ski = o->ca.ski,
				 .serial = {serial, sizeof(serial)},
				 .not_before = clock_now() - 60,
				 .not_after = clock_now() + 1000 * DAY,
				 .algo = algo_get(ALGO_P256),
				 .o = "Load OEM",
				 .cn = pcid};
	bool ok = serial_make(serial, NULL) == E_OK &&
		  ec_generate(rq.algo, &key, &point, NULL) == E_OK;

	rq.point = buf_span(&point);
	ok = ok && tbs_build(&rq, &tbs, NULL) == E_OK &&
	     ec_sign(o->algo, &o->key, buf_span(&tbs), &sig, NULL) == E_OK &&
	     tbs_finish(buf_span(&tbs), o->algo, buf_span(&sig), leaf, NULL) == E_OK;
	secret_free(&key);
	buf_free(&point);
	buf_free(&sig);
	buf_free(&tbs);
	return ok;
}

static bool
publish(struct connection *c, const struct oem *o, const char *pcid)
{
	struct buf leaf = {0}, body = {0};
	json_t *j = NULL;
	long status = 0;

	if (mint(o, pcid, &leaf)) {
		j = json_pack("{s:o, s:o, s:o}", "vehicleCertificate", json_base64(buf_span(&leaf)),
			      "subCA2Certificate", json_base64(buf_span(&o->sub2)),
			      "subCA1Certificate", json_base64(buf_span(&o->sub1)));
		if (json_dump(j, &body, NULL) == E_OK)
			status = load_request(c, "PUT", "/v1/oem/provCerts", c->load->oem_token,
					      "application/json", buf_span(&body));
		json_decref(j);
	}
	if (status != 200)
		fprintf(stderr, "load: a vehicle was not published (status %ld): %.300s\n", status,
			c->answer.n > 0 ? buf_cstr(&c->answer) : "");
	buf_free(&body);
	buf_free(&leaf);
	return status == 200;
}

bool
load_publish(struct load *l)
{
	struct connection c = {.load = l};
	struct oem o = {0};
	char pcid[PCID_MAX];
	unsigned i;
	bool ok = read_oem(&o);

	if (!ok)
		fprintf(stderr, "load: the example OEM's files cannot be read\n");
	for (i = 0; ok && i < l->vehicles; i++) {
		pcid_of(l, i, pcid);
		ok = publish(&c, &o, pcid);
	}
	secret_free(&o.key);
	buf_free(&o.point);
	buf_free(&o.sub2);
	buf_free(&o.sub1);
	buf_free(&c.answer);
	curl_easy_cleanup(c.curl);
	return ok;
}
