/* SPDX-License-Identifier: Apache-2.0 */
#include "iso15118/iso2.h"

#include <string.h>

#define SESSION_ID_BIT 18 /* where the length of SessionID stands in every -2 message */

static const char *const response_names[] = {
#define X(name) #name,
	ISO2_RESPONSE_CODES(X)
#undef X
};

static const enum exi_item body_items[] = {
	[ISO2_INSTALL_REQ] = EXI_CertificateInstallationReq,
	[ISO2_INSTALL_RES] = EXI_CertificateInstallationRes,
	[ISO2_UPDATE_REQ] = EXI_CertificateUpdateReq,
	[ISO2_UPDATE_RES] = EXI_CertificateUpdateRes,
};

/* What is signed in an answer, in the order in which we reference it. */
static const enum exi_item signed_items[] = {
	EXI_ContractSignatureCertChain,
	EXI_ContractSignatureEncryptedPrivateKey,
	EXI_DHpublickey,
	EXI_eMAID,
};

const char *
iso2_response_name(enum iso2_response_code code)
{
	return (unsigned)code < ISO2_RESPONSE_CODE_COUNT ? response_names[code] : "";
}

enum iso2_response_code
iso2_response_by_name(const char *name)
{
	int i = 0;

	while (i < ISO2_RESPONSE_CODE_COUNT && strcmp(response_names[i], name) != 0)
		i++;
	return (enum iso2_response_code)i;
}

/* Reading a tree into the struct. */

static struct span
child_bytes(const struct exi_tree *t, uint32_t node, enum exi_item item)
{
	uint32_t child = node != 0 ? exi_child(t, node, item) : 0;

	return child != 0 ? exi_bytes(t, child) : (struct span){NULL, 0};
}

static void
get_chain(const struct exi_tree *t, uint32_t node, struct iso2_chain *c)
{
	uint32_t subs = exi_child(t, node, EXI_SubCertificates), cert;

	c->id = child_bytes(t, node, EXI_Id);
	c->leaf = child_bytes(t, node, EXI_Certificate);
	if (subs == 0)
		return;
	for (cert = exi_child(t, subs, EXI_Certificate); cert != 0 && c->n_sub < ISO2_SUBS_MAX;
	     cert = exi_next(t, subs, cert, EXI_Certificate))
		c->sub[c->n_sub++] = exi_bytes(t, cert);
}

static struct iso2_value
get_value(const struct exi_tree *t, uint32_t body, enum exi_item item)
{
	uint32_t node = exi_child(t, body, item);

	return (struct iso2_value){child_bytes(t, node, EXI_Id), child_bytes(t, body, item)};
}

static void
get_roots(const struct exi_tree *t, uint32_t list, struct iso2_msg *m)
{
	uint32_t node = exi_child(t, list, EXI_RootCertificateID);

	for (; node != 0 && m->n_roots < ISO2_ROOTS_MAX;
	     node = exi_next(t, list, node, EXI_RootCertificateID)) {
		struct iso2_root_id *r = &m->root[m->n_roots++];
		struct span serial = child_bytes(t, node, EXI_X509SerialNumber);

		r->issuer = child_bytes(t, node, EXI_X509IssuerName);
		if (serial.n == 0) /* never: the sign is always there */
			continue;
		r->negative = serial.p[0] == 1;
		r->serial = (struct span){serial.p + 1, serial.n - 1};
	}
}

static void
get_header(const struct exi_tree *t, struct iso2_msg *m)
{
	uint32_t header = exi_child(t, 0, EXI_Header);
	uint32_t notification = exi_child(t, header, EXI_Notification);

	m->session_id = child_bytes(t, header, EXI_SessionID);
	m->signature = exi_child(t, header, EXI_Signature);
	m->fault = ISO2_NO_NOTIFICATION;
	if (notification == 0)
		return;
	m->fault =
		(enum iso2_fault_code)t->node[exi_child(t, notification, EXI_FaultCode)].v.number;
	m->fault_msg = child_bytes(t, notification, EXI_FaultMsg);
}

static void
get_request(const struct exi_tree *t, struct iso2_msg *m)
{
	m->id = child_bytes(t, m->body, EXI_Id);
	m->oem_certificate = child_bytes(t, m->body, EXI_OEMProvisioningCert);
	get_roots(t, exi_child(t, m->body, EXI_ListOfRootCertificateIDs), m);
	if (m->kind == ISO2_INSTALL_REQ)
		return;
	get_chain(t, exi_child(t, m->body, EXI_ContractSignatureCertChain), &m->contract_chain);
	m->emaid.value = child_bytes(t, m->body, EXI_eMAID);
}

static void
get_answer(const struct exi_tree *t, struct iso2_msg *m)
{
	uint32_t retry = exi_child(t, m->body, EXI_RetryCounter);
	uint32_t code = exi_child(t, m->body, EXI_ResponseCode);

	m->code = (enum iso2_response_code)t->node[code].v.number;
	get_chain(t, exi_child(t, m->body, EXI_SAProvisioningCertificateChain), &m->sa_chain);
	get_chain(t, exi_child(t, m->body, EXI_ContractSignatureCertChain), &m->contract_chain);
	m->encrypted_key = get_value(t, m->body, EXI_ContractSignatureEncryptedPrivateKey);
	m->dh_key = get_value(t, m->body, EXI_DHpublickey);
	m->emaid = get_value(t, m->body, EXI_eMAID);
	m->has_retry_counter = retry != 0;
	if (retry != 0)
		m->retry_counter = (int16_t)t->node[retry].v.number;
}

enum err_code
iso2_decode(struct span exi, struct iso2_msg *m, struct err *e)
{
	const struct exi_tree *t = &m->tree;
	enum err_code rc;

	*m = (struct iso2_msg){0};
	if ((rc = exi_decode(EXI_ISO2_DOC, exi, &m->tree, e)) != E_OK)
		return rc;
	get_header(t, m);
	m->body = exi_child(t, 0, EXI_Body) + 1;
	for (unsigned i = 0; i < ARRAY_LEN(body_items); i++)
		if (t->node[m->body].item == body_items[i])
			m->kind = (enum iso2_kind)i;
	if (m->kind == ISO2_INSTALL_REQ || m->kind == ISO2_UPDATE_REQ)
		get_request(t, m);
	else
		get_answer(t, m);
	return E_OK;
}

void
iso2_msg_free(struct iso2_msg *m)
{
	exi_tree_free(&m->tree);
	*m = (struct iso2_msg){0};
}

/* Writing the struct into a tree. */

static void
put_chain(struct exi_tree *t, enum exi_item item, const struct iso2_chain *c)
{
	uint32_t node = exi_open(t, item), subs;

	if (c->id.n > 0)
		exi_put_bytes(t, EXI_Id, EXI_STRING, c->id);
	exi_put_bytes(t, EXI_Certificate, EXI_BINARY, c->leaf);
	if (c->n_sub > 0) {
		subs = exi_open(t, EXI_SubCertificates);
		for (unsigned i = 0; i < c->n_sub; i++)
			exi_put_bytes(t, EXI_Certificate, EXI_BINARY, c->sub[i]);
		exi_close(t, subs);
	}
	exi_close(t, node);
}

static void
put_value(struct exi_tree *t, enum exi_item item, enum exi_kind kind, const struct iso2_value *v)
{
	uint32_t node = exi_open(t, item);

	exi_put_bytes(t, EXI_Id, EXI_STRING, v->id);
	exi_set_bytes(t, node, kind, v->value);
	exi_close(t, node);
}

static void
put_roots(struct exi_tree *t, const struct iso2_msg *m)
{
	uint32_t list = exi_open(t, EXI_ListOfRootCertificateIDs), node, serial;

	for (unsigned i = 0; i < m->n_roots; i++) {
		const struct iso2_root_id *r = &m->root[i];
		uint8_t value[1 + EXI_INTEGER_BYTES] = {r->negative};

		if (r->serial.n > EXI_INTEGER_BYTES)
			t->failed = true;
		else if (r->serial.n > 0)
			memcpy(value + 1, r->serial.p, r->serial.n);
		node = exi_open(t, EXI_RootCertificateID);
		exi_put_bytes(t, EXI_X509IssuerName, EXI_STRING, r->issuer);
		serial = exi_open(t, EXI_X509SerialNumber);
		exi_set_bytes(t, serial, EXI_INTEGER, (struct span){value, 1 + r->serial.n});
		exi_close(t, node);
	}
	exi_close(t, list);
}

static void
put_header(struct exi_tree *t, const struct iso2_msg *m, const struct sign_info *signature)
{
	uint32_t header = exi_open(t, EXI_Header), notification;

	exi_put_bytes(t, EXI_SessionID, EXI_BINARY, m->session_id);
	if (m->fault != ISO2_NO_NOTIFICATION) {
		notification = exi_open(t, EXI_Notification);
		exi_put_number(t, EXI_FaultCode, EXI_ENUM, (uint64_t)m->fault);
		if (m->fault_msg.n > 0)
			exi_put_bytes(t, EXI_FaultMsg, EXI_STRING, m->fault_msg);
		exi_close(t, notification);
	}
	if (signature != NULL)
		sign_put(t, signature);
	exi_close(t, header);
}

static uint32_t
put_request(struct exi_tree *t, const struct iso2_msg *m)
{
	uint32_t node = exi_open(t, body_items[m->kind]);

	exi_put_bytes(t, EXI_Id, EXI_STRING, m->id);
	if (m->kind == ISO2_INSTALL_REQ) {
		exi_put_bytes(t, EXI_OEMProvisioningCert, EXI_BINARY, m->oem_certificate);
	} else {
		put_chain(t, EXI_ContractSignatureCertChain, &m->contract_chain);
		exi_put_bytes(t, EXI_eMAID, EXI_STRING, m->emaid.value);
	}
	put_roots(t, m);
	exi_close(t, node);
	return node;
}

static uint32_t
put_answer(struct exi_tree *t, const struct iso2_msg *m)
{
	uint32_t node = exi_open(t, body_items[m->kind]);

	exi_put_number(t, EXI_ResponseCode, EXI_ENUM, (uint64_t)m->code);
	put_chain(t, EXI_SAProvisioningCertificateChain, &m->sa_chain);
	put_chain(t, EXI_ContractSignatureCertChain, &m->contract_chain);
	put_value(t, EXI_ContractSignatureEncryptedPrivateKey, EXI_BINARY, &m->encrypted_key);
	put_value(t, EXI_DHpublickey, EXI_BINARY, &m->dh_key);
	put_value(t, EXI_eMAID, EXI_STRING, &m->emaid);
	if (m->kind == ISO2_UPDATE_RES && m->has_retry_counter)
		exi_put_number(t, EXI_RetryCounter, EXI_SHORT, (uint64_t)(int64_t)m->retry_counter);
	exi_close(t, node);
	return node;
}

static uint32_t
put_body(struct exi_tree *t, const struct iso2_msg *m)
{
	if (m->kind == ISO2_INSTALL_REQ || m->kind == ISO2_UPDATE_REQ)
		return put_request(t, m);
	return put_answer(t, m);
}

static size_t
chain_size(const struct iso2_chain *c)
{
	size_t n = c->id.n + c->leaf.n;

	for (unsigned i = 0; i < c->n_sub; i++)
		n += c->sub[i].n;
	return n;
}

/* A tree with room for the message and a signature. */
static enum err_code
init_tree(struct exi_tree *t, const struct iso2_msg *m, struct err *e)
{
	size_t bytes = 2048; /* the signature, ids and short values */

	if (m->n_roots > ISO2_ROOTS_MAX || m->contract_chain.n_sub > ISO2_SUBS_MAX ||
	    m->sa_chain.n_sub > ISO2_SUBS_MAX)
		return err_set(e, E_EXI_LIMIT,
			       "more root or sub-CA certificates than a message holds");
	bytes += m->session_id.n + m->fault_msg.n + m->id.n + m->oem_certificate.n;
	bytes += chain_size(&m->sa_chain) + chain_size(&m->contract_chain);
	bytes += m->encrypted_key.value.n + m->dh_key.value.n + m->emaid.value.n;
	for (unsigned i = 0; i < m->n_roots; i++)
		bytes += m->root[i].issuer.n + m->root[i].serial.n + 1;
	return exi_tree_init(t, 80 + 3 * m->n_roots, bytes, e);
}

enum err_code
iso2_encode(const struct iso2_msg *m, const struct sign_info *signature, struct buf *out,
	    struct err *e)
{
	uint32_t message, body;
	struct exi_tree t;
	enum err_code rc;

	if ((rc = init_tree(&t, m, e)) != E_OK)
		return rc;
	message = exi_open(&t, EXI_V2G_Message);
	put_header(&t, m, signature);
	body = exi_open(&t, EXI_Body);
	put_body(&t, m);
	exi_close(&t, body);
	exi_close(&t, message);
	if ((rc = exi_tree_ok(&t, e)) == E_OK)
		rc = exi_encode(EXI_ISO2_DOC, &t, message, out, e);
	exi_tree_free(&t);
	return rc;
}

static void
signed_scope(const struct exi_tree *t, uint32_t body, struct sign_scope *out)
{
	*out = (struct sign_scope){.set = EXI_ISO2_FRAG, .tree = t};
	if (t->node[body].item == EXI_CertificateInstallationReq ||
	    t->node[body].item == EXI_CertificateUpdateReq) {
		out->node[out->n++] = body;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(signed_items); i++)
		out->node[out->n++] = exi_child(t, body, signed_items[i]);
}

void
iso2_signed(const struct iso2_msg *m, struct sign_scope *out)
{
	signed_scope(&m->tree, m->body, out);
}

enum err_code
iso2_encode_signed(const struct iso2_msg *m, const struct msg_signer *signer, struct buf *out,
		   struct err *e)
{
	struct sign_scope scope;
	struct sign_info info;
	struct buf uris = {0};
	struct exi_tree t;
	enum err_code rc;

	if ((rc = init_tree(&t, m, e)) != E_OK)
		return rc;
	signed_scope(&t, put_body(&t, m), &scope);
	if ((rc = exi_tree_ok(&t, e)) == E_OK)
		rc = sign_make(&scope, signer, &info, &uris, e);
	if (rc == E_OK)
		rc = iso2_encode(m, &info, out, e);
	buf_free(&uris);
	exi_tree_free(&t);
	return rc;
}

enum err_code
iso2_fragment(const struct iso2_msg *m, enum exi_item element, struct buf *out, struct err *e)
{
	struct sign_scope scope;
	struct exi_tree t;
	enum err_code rc;
	unsigned i = 0;

	if ((rc = init_tree(&t, m, e)) != E_OK)
		return rc;
	signed_scope(&t, put_body(&t, m), &scope);
	rc = exi_tree_ok(&t, e);
	while (rc == E_OK && i < scope.n && t.node[scope.node[i]].item != element)
		i++;
	if (rc == E_OK && i == scope.n)
		rc = err_set(e, E_EXI, "%s is not signed in this message", exi_item_names[element]);
	if (rc == E_OK)
		rc = exi_encode(EXI_ISO2_FRAG, &t, scope.node[i], out, e);
	exi_tree_free(&t);
	return rc;
}

enum err_code
iso2_negative_res(struct span session_id, enum iso2_response_code code, const char *fault_msg,
		  struct buf *out, struct err *e)
{
	/* hubject/opcp, ccp.v1.json, example of a 404 with alwaysReturnEXI */
	const struct iso2_value dummy = {SPAN_LIT("0"), SPAN_LIT("\0")};
	const struct iso2_msg m = {
		.kind = ISO2_INSTALL_RES,
		.session_id = session_id,
		.fault = ISO2_UNKNOWN_ERROR,
		.fault_msg = span_str(fault_msg != NULL ? fault_msg : "CPO certInstall status"),
		.code = code,
		.sa_chain = {.leaf = SPAN_LIT("\0")},
		.contract_chain = {.leaf = SPAN_LIT("\0")},
		.encrypted_key = dummy,
		.dh_key = dummy,
		.emaid = {SPAN_LIT("0"), SPAN_LIT("0")},
	};

	return iso2_encode(&m, NULL, out, e);
}

/* Every -2 message starts 80, root code 76, Header, SessionID, characters: 18 bits. Then come the
 * length and the bytes, whole octets, so what follows only moves by octets. */
enum err_code
iso2_set_session_id(struct span exi, struct span session_id, struct buf *out, struct err *e)
{
	uint8_t old_len, *o, carry;
	size_t rest;

	if (session_id.n > ISO2_SESSION_ID_MAX)
		return err_set(e, E_EXI_LIMIT, "SessionID of %zu bytes: at most %d", session_id.n,
			       ISO2_SESSION_ID_MAX);
	if (exi.n < 5 || exi.p[0] != 0x80 || exi.p[1] != 0x98 || (exi.p[2] & 0xc0) != 0)
		return err_set(e, E_EXI, "not an ISO 15118-2 message");
	old_len = (uint8_t)(exi.p[2] << 2 | exi.p[3] >> 6);
	rest = SESSION_ID_BIT / 8 + 1 + (size_t)old_len;
	if (old_len > ISO2_SESSION_ID_MAX || rest >= exi.n)
		return err_set(e, E_EXI, "EXI bit %d: SessionID of %u bytes", SESSION_ID_BIT,
			       old_len);
	o = buf_grow(out, exi.n - old_len + session_id.n);
	if (o == NULL)
		return buf_ok(out, e);
	*o++ = 0x80;
	*o++ = 0x98;
	*o++ = (uint8_t)(session_id.n >> 2);
	carry = (uint8_t)(session_id.n << 6);
	for (size_t i = 0; i < session_id.n; i++) {
		*o++ = carry | session_id.p[i] >> 2;
		carry = (uint8_t)(session_id.p[i] << 6);
	}
	*o++ = carry | (exi.p[rest] & 0x3f);
	memcpy(o, exi.p + rest + 1, exi.n - rest - 1);
	return E_OK;
}
