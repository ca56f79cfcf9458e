/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/iso15118/naive_exi.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The tree being written. The tests that use this writer have one thread. */
static const struct exi_tree *tree;

static void
bit(struct naive_bits *w, int one)
{
	if (w->n == w->cap) {
		w->cap = w->cap * 2 + 4096;
		w->s = realloc(w->s, w->cap);
		assert(w->s != NULL);
	}
	w->s[w->n++] = one ? '1' : '0';
}

static void
number(struct naive_bits *w, int width, unsigned long value)
{
	for (int i = width - 1; i >= 0; i--)
		bit(w, (value >> i) & 1);
}

/* An event code in a state of that many productions: one value more is the escape. */
static void
code(struct naive_bits *w, int productions, int which)
{
	int width = 0;

	while ((1 << width) < productions + 1)
		width++;
	number(w, width, (unsigned long)which);
}

/* Trees: names as strings, children one after the other. */

static const char *
name_of(uint32_t node)
{
	return exi_item_names[tree->node[node].item];
}

static int
is(uint32_t node, const char *name)
{
	return node != 0 && strcmp(name_of(node), name) == 0;
}

/* The k-th child with this name, 0 if there is none. */
static uint32_t
kid_k(uint32_t node, const char *name, int k)
{
	for (uint32_t i = node + 1; i < tree->node[node].end; i = tree->node[i].end)
		if (strcmp(name_of(i), name) == 0 && k-- == 0)
			return i;
	return 0;
}

static uint32_t
kid(uint32_t node, const char *name)
{
	return kid_k(node, name, 0);
}

static const uint8_t *
bytes(uint32_t node, size_t *n)
{
	*n = tree->node[node].v.bytes.len;
	return tree->data + tree->node[node].v.bytes.off;
}

/* Values. */

static void
unsigned_integer(struct naive_bits *w, unsigned long v)
{
	for (;;) {
		bit(w, v > 127);
		number(w, 7, v % 128);
		if (v <= 127)
			return;
		v /= 128;
	}
}

static unsigned long
code_point(const uint8_t *p, size_t *used)
{
	int more = p[0] < 0x80 ? 0 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
	unsigned long c = more == 0 ? p[0] : p[0] & (0x3f >> more);

	for (int i = 1; i <= more; i++)
		c = c * 64 + (p[i] & 0x3f);
	*used = (size_t)more + 1;
	return c;
}

static void
string(struct naive_bits *w, uint32_t node)
{
	size_t n, count = 0, used;
	const uint8_t *p = bytes(node, &n);

	for (size_t i = 0; i < n; i++)
		count += (p[i] & 0xc0) != 0x80;
	unsigned_integer(w, count + 2);
	for (size_t i = 0; i < n; i += used)
		unsigned_integer(w, code_point(p + i, &used));
}

static void
binary(struct naive_bits *w, uint32_t node)
{
	size_t n;
	const uint8_t *p = bytes(node, &n);

	unsigned_integer(w, n);
	for (size_t i = 0; i < n; i++)
		number(w, 8, p[i]);
}

/* Sign, then magnitude (less one if negative) by division of a big-endian number by 128. */
static void
integer(struct naive_bits *w, uint32_t node)
{
	uint8_t m[64] = {0}, groups[80];
	size_t n, count = 0;
	const uint8_t *p = bytes(node, &n);
	int negative = p[0], rest, left, k = 63;

	memcpy(m + 64 - (n - 1), p + 1, n - 1);
	while (negative && m[k] == 0)
		m[k--] = 255;
	if (negative)
		m[k]--;
	do {
		rest = left = 0;
		for (int i = 0; i < 64; i++) {
			rest = rest * 256 + m[i];
			m[i] = (uint8_t)(rest / 128);
			rest %= 128;
			left |= m[i];
		}
		groups[count++] = (uint8_t)rest;
	} while (left);
	bit(w, negative);
	for (size_t i = 0; i < count; i++) {
		bit(w, i + 1 < count);
		number(w, 7, groups[i]);
	}
}

static void
short_integer(struct naive_bits *w, uint32_t node)
{
	long v = (long)tree->node[node].v.number;

	bit(w, v < 0);
	unsigned_integer(w, (unsigned long)(v < 0 ? -v - 1 : v));
}

typedef void (*writer)(struct naive_bits *w, uint32_t node);

/* Content of a simple element: characters, value, end. */
static void
simple(struct naive_bits *w, uint32_t node, writer value)
{
	code(w, 1, 0);
	value(w, node);
	code(w, 1, 0);
}

static void
simple_enum(struct naive_bits *w, uint32_t node, int width)
{
	code(w, 1, 0);
	number(w, width, tree->node[node].v.number);
	code(w, 1, 0);
}

static void
simple_unsigned(struct naive_bits *w, uint32_t node)
{
	code(w, 1, 0);
	unsigned_integer(w, tree->node[node].v.number);
	code(w, 1, 0);
}

/* A list of 1 to max (0: any number) elements of one name, and its end. */
static void
list(struct naive_bits *w, uint32_t node, const char *name, int max, writer element)
{
	int k = 0;

	code(w, 1, 0);
	element(w, kid_k(node, name, k++));
	while (kid_k(node, name, k) != 0) {
		code(w, 2, 0);
		element(w, kid_k(node, name, k++));
	}
	if (k == max)
		code(w, 1, 0);
	else
		code(w, 2, 1);
}

/* xmldsig. */

static void
mixed_method(struct naive_bits *w, uint32_t node)
{
	code(w, 1, 0);
	string(w, kid(node, "Algorithm"));
	code(w, 3, 1); /* SE(*), EE, CH */
}

static void
signature_method(struct naive_bits *w, uint32_t node)
{
	uint32_t length = kid(node, "HMACOutputLength");

	code(w, 1, 0);
	string(w, kid(node, "Algorithm"));
	if (length == 0) {
		code(w, 4, 2); /* HMACOutputLength, SE(*), EE, CH */
		return;
	}
	code(w, 4, 0);
	simple(w, length, integer);
	code(w, 3, 1);
}

static void
transform(struct naive_bits *w, uint32_t node)
{
	code(w, 1, 0);
	string(w, kid(node, "Algorithm"));
	code(w, 4, 2); /* XPath, SE(*), EE, CH */
}

static void
transforms(struct naive_bits *w, uint32_t node)
{
	list(w, node, "Transform", 0, transform);
}

static void
reference(struct naive_bits *w, uint32_t node)
{
	static const char *const optional[] = {"Id", "Type", "URI", "Transforms"};
	int passed = 0;

	/* {Id, Type, URI, Transforms, DigestMethod}, each time from behind the one before */
	for (int i = 0; i < 4; i++) {
		uint32_t child = kid(node, optional[i]);

		if (child == 0)
			continue;
		code(w, 5 - passed, i - passed);
		if (i < 3)
			string(w, child);
		else
			transforms(w, child);
		passed = i + 1;
	}
	code(w, 5 - passed, 4 - passed);
	mixed_method(w, kid(node, "DigestMethod"));
	code(w, 1, 0);
	simple(w, kid(node, "DigestValue"), binary);
	code(w, 1, 0);
}

/* An optional attribute Id, and then the one production that follows it. */
static void
optional_id(struct naive_bits *w, uint32_t node)
{
	uint32_t id = kid(node, "Id");

	if (id == 0) {
		code(w, 2, 1);
		return;
	}
	code(w, 2, 0);
	string(w, id);
	code(w, 1, 0);
}

static void
signed_info(struct naive_bits *w, uint32_t node)
{
	optional_id(w, node);
	mixed_method(w, kid(node, "CanonicalizationMethod"));
	code(w, 1, 0);
	signature_method(w, kid(node, "SignatureMethod"));
	list(w, node, "Reference", 0, reference);
}

static void
signature(struct naive_bits *w, uint32_t node)
{
	uint32_t value = kid(node, "SignatureValue");

	optional_id(w, node);
	signed_info(w, kid(node, "SignedInfo"));
	code(w, 1, 0);
	optional_id(w, value);
	binary(w, value);
	code(w, 1, 0);
	code(w, 3, 2); /* KeyInfo, Object, EE */
}

/* Both editions. */

static void
required_id(struct naive_bits *w, uint32_t node)
{
	code(w, 1, 0);
	string(w, kid(node, "Id"));
}

static void
certificate(struct naive_bits *w, uint32_t node)
{
	simple(w, node, binary);
}

static void
root_id(struct naive_bits *w, uint32_t node)
{
	code(w, 1, 0);
	simple(w, kid(node, "X509IssuerName"), string);
	code(w, 1, 0);
	simple(w, kid(node, "X509SerialNumber"), integer);
	code(w, 1, 0);
}

static void
roots(struct naive_bits *w, uint32_t node)
{
	code(w, 1, 0);
	list(w, kid(node, "ListOfRootCertificateIDs"), "RootCertificateID", 20, root_id);
}

/* {SubCertificates, EE}, and EE after them. */
static void
optional_subs(struct naive_bits *w, uint32_t node, int max)
{
	uint32_t subs = kid(node, "SubCertificates");

	if (subs == 0) {
		code(w, 2, 1);
		return;
	}
	code(w, 2, 0);
	list(w, subs, "Certificate", max, certificate);
	code(w, 1, 0);
}

/* ISO 15118-2. */

static void
chain_2(struct naive_bits *w, uint32_t node)
{
	optional_id(w, node);
	certificate(w, kid(node, "Certificate"));
	optional_subs(w, node, 4);
}

static void
id_content(struct naive_bits *w, uint32_t node, writer value)
{
	required_id(w, node);
	code(w, 1, 0);
	value(w, node);
	code(w, 1, 0);
}

static void
install_req_2(struct naive_bits *w, uint32_t node)
{
	required_id(w, node);
	code(w, 1, 0);
	certificate(w, kid(node, "OEMProvisioningCert"));
	roots(w, node);
	code(w, 1, 0);
}

static void
update_req_2(struct naive_bits *w, uint32_t node)
{
	required_id(w, node);
	code(w, 1, 0);
	chain_2(w, kid(node, "ContractSignatureCertChain"));
	code(w, 1, 0);
	simple(w, kid(node, "eMAID"), string);
	roots(w, node);
	code(w, 1, 0);
}

static void
answer_2(struct naive_bits *w, uint32_t node)
{
	uint32_t retry = kid(node, "RetryCounter");

	code(w, 1, 0);
	simple_enum(w, kid(node, "ResponseCode"), 5);
	code(w, 1, 0);
	chain_2(w, kid(node, "SAProvisioningCertificateChain"));
	code(w, 1, 0);
	chain_2(w, kid(node, "ContractSignatureCertChain"));
	code(w, 1, 0);
	id_content(w, kid(node, "ContractSignatureEncryptedPrivateKey"), binary);
	code(w, 1, 0);
	id_content(w, kid(node, "DHpublickey"), binary);
	code(w, 1, 0);
	id_content(w, kid(node, "eMAID"), string);
	if (is(node, "CertificateInstallationRes")) {
		code(w, 1, 0);
		return;
	}
	if (retry == 0) {
		code(w, 2, 1);
		return;
	}
	code(w, 2, 0);
	simple(w, retry, short_integer);
	code(w, 1, 0);
}

static void
notification(struct naive_bits *w, uint32_t node)
{
	uint32_t msg = kid(node, "FaultMsg");

	code(w, 1, 0);
	simple_enum(w, kid(node, "FaultCode"), 2);
	if (msg == 0) {
		code(w, 2, 1);
		return;
	}
	code(w, 2, 0);
	simple(w, msg, string);
	code(w, 1, 0);
}

static void
header_2(struct naive_bits *w, uint32_t node)
{
	uint32_t note = kid(node, "Notification"), sig = kid(node, "Signature");
	int passed = 0;

	code(w, 1, 0);
	simple(w, kid(node, "SessionID"), binary);
	if (note != 0) {
		code(w, 3, 0);
		notification(w, note);
		passed = 1;
	}
	if (sig == 0) {
		code(w, 3 - passed, 2 - passed);
		return;
	}
	code(w, 3 - passed, 1 - passed);
	signature(w, sig);
	code(w, 1, 0);
}

static void
body_2(struct naive_bits *w, uint32_t node)
{
	static const char *const names[] = {"CertificateInstallationReq",
					    "CertificateInstallationRes", "CertificateUpdateReq",
					    "CertificateUpdateRes"};

	for (int i = 0; i < 4; i++) {
		uint32_t message = kid(node, names[i]);

		if (message == 0)
			continue;
		number(w, 6, (unsigned long)(5 + i));
		if (i == 0)
			install_req_2(w, message);
		else if (i == 2)
			update_req_2(w, message);
		else
			answer_2(w, message);
	}
	code(w, 1, 0);
}

static void
message_2(struct naive_bits *w, uint32_t node)
{
	code(w, 1, 0);
	header_2(w, kid(node, "Header"));
	code(w, 1, 0);
	body_2(w, kid(node, "Body"));
	code(w, 1, 0);
}

/* ISO 15118-20. */

static void
header_20(struct naive_bits *w, uint32_t node)
{
	uint32_t sig = kid(node, "Signature");

	code(w, 1, 0);
	simple(w, kid(node, "SessionID"), binary);
	code(w, 1, 0);
	simple_unsigned(w, kid(node, "TimeStamp"));
	if (sig == 0) {
		code(w, 2, 1);
		return;
	}
	code(w, 2, 0);
	signature(w, sig);
	code(w, 1, 0);
}

static void
oem_chain_20(struct naive_bits *w, uint32_t node)
{
	required_id(w, node);
	code(w, 1, 0);
	certificate(w, kid(node, "Certificate"));
	optional_subs(w, node, 3);
}

static void
emaid_20(struct naive_bits *w, uint32_t node)
{
	simple(w, node, string);
}

static void
install_req_20(struct naive_bits *w, uint32_t node)
{
	uint32_t emaids = kid(node, "PrioritizedEMAIDs");

	code(w, 1, 0);
	header_20(w, kid(node, "Header"));
	code(w, 1, 0);
	oem_chain_20(w, kid(node, "OEMProvisioningCertificateChain"));
	roots(w, node);
	code(w, 1, 0);
	simple_enum(w, kid(node, "MaximumContractCertificateChains"), 8);
	if (emaids == 0) {
		code(w, 2, 1);
		return;
	}
	code(w, 2, 0);
	list(w, emaids, "EMAID", 8, emaid_20);
	code(w, 1, 0);
}

static void
installation_data(struct naive_bits *w, uint32_t node)
{
	static const char *const keys[] = {"SECP521_EncryptedPrivateKey",
					   "X448_EncryptedPrivateKey", "TPM_EncryptedPrivateKey"};
	uint32_t chain = kid(node, "ContractCertificateChain");

	required_id(w, node);
	code(w, 1, 0);
	code(w, 1, 0);
	certificate(w, kid(chain, "Certificate"));
	code(w, 1, 0);
	list(w, kid(chain, "SubCertificates"), "Certificate", 3, certificate);
	code(w, 1, 0);
	code(w, 1, 0);
	simple_enum(w, kid(node, "ECDHCurve"), 1);
	code(w, 1, 0);
	simple(w, kid(node, "DHPublicKey"), binary);
	for (int i = 0; i < 3; i++) {
		uint32_t key = kid(node, keys[i]);

		if (key == 0)
			continue;
		code(w, 3, i);
		simple(w, key, binary);
	}
	code(w, 1, 0);
}

static void
install_res_20(struct naive_bits *w, uint32_t node)
{
	uint32_t cps = kid(node, "CPSCertificateChain");

	code(w, 1, 0);
	header_20(w, kid(node, "Header"));
	code(w, 1, 0);
	simple_enum(w, kid(node, "ResponseCode"), 6);
	code(w, 1, 0);
	simple_enum(w, kid(node, "EVSEProcessing"), 2);
	code(w, 1, 0);
	code(w, 1, 0);
	certificate(w, kid(cps, "Certificate"));
	optional_subs(w, cps, 3);
	code(w, 1, 0);
	installation_data(w, kid(node, "SignedInstallationData"));
	code(w, 1, 0);
	simple_enum(w, kid(node, "RemainingContractCertificateChains"), 8);
	code(w, 1, 0);
}

/* Documents and fragments. */

static void
key_or_dh(struct naive_bits *w, uint32_t node)
{
	id_content(w, node, binary);
}

/* The element fragment grammar over 10 attribute and 243 element names. */
static void
emaid_fragment(struct naive_bits *w, uint32_t node)
{
	number(w, 9, 4); /* Id of MsgDataTypes */
	string(w, kid(node, "Id"));
	number(w, 9, 256); /* characters */
	string(w, node);
	number(w, 8, 244); /* end */
}

static const struct {
	enum exi_set set;
	const char *root;
	int width;
	unsigned long code, end; /* end 0: a document */
	writer content;
} documents[] = {
	{EXI_ISO2_DOC, "V2G_Message", 7, 76, 0, message_2},
	{EXI_ISO20_DOC, "CertificateInstallationReq", 6, 7, 0, install_req_20},
	{EXI_ISO20_DOC, "CertificateInstallationRes", 6, 8, 0, install_res_20},
	{EXI_ISO2_FRAG, "CertificateInstallationReq", 8, 15, 244, install_req_2},
	{EXI_ISO2_FRAG, "CertificateUpdateReq", 8, 17, 244, update_req_2},
	{EXI_ISO2_FRAG, "ContractSignatureCertChain", 8, 33, 244, chain_2},
	{EXI_ISO2_FRAG, "ContractSignatureEncryptedPrivateKey", 8, 34, 244, key_or_dh},
	{EXI_ISO2_FRAG, "DHpublickey", 8, 45, 244, key_or_dh},
	{EXI_ISO2_FRAG, "eMAID", 8, 236, 244, emaid_fragment},
	{EXI_ISO2_FRAG, "SignedInfo", 8, 208, 244, signed_info},
	{EXI_ISO20_FRAG, "OEMProvisioningCertificateChain", 9, 128, 282, oem_chain_20},
	{EXI_ISO20_FRAG, "SignedInstallationData", 9, 231, 282, installation_data},
	{EXI_ISO20_FRAG, "SignedInfo", 9, 230, 282, signed_info},
	{EXI_ISO20_FRAG, "CertificateInstallationReq", 9, 27, 282, install_req_20},
	{EXI_XMLDSIG_FRAG, "SignedInfo", 6, 32, 46, signed_info},
};

void
naive_write(enum exi_set set, const struct exi_tree *t, struct naive_bits *w)
{
	tree = t;
	w->n = 0;
	number(w, 8, 0x80);
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		if (documents[i].set != set || strcmp(documents[i].root, name_of(0)) != 0)
			continue;
		number(w, documents[i].width, documents[i].code);
		documents[i].content(w, 0);
		if (documents[i].end != 0)
			number(w, documents[i].width, documents[i].end);
	}
	while (w->n % 8 != 0)
		bit(w, 0);
}

uint8_t *
naive_octets(const struct naive_bits *w, size_t *n)
{
	uint8_t *out = calloc(w->n / 8 + 1, 1);

	assert(out != NULL);
	*n = w->n / 8;
	for (size_t i = 0; i < w->n; i++)
		if (w->s[i] == '1')
			out[i / 8] |= (uint8_t)(128 >> (i % 8));
	return out;
}
