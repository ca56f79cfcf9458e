/* SPDX-License-Identifier: Apache-2.0 */
/* EXI 1.0 as ISO 15118 uses it for certificate installation: bit-packed, schema-informed, not
 * strict, no options in the header, string values always written in full. The grammars are const
 * tables (exi_tables_*.c); one decoder and one encoder interpret them and know no message.
 * Invariant: what exi_decode accepts, exi_encode turns back into the same octets. */
#ifndef ISO15118_EXI_H
#define ISO15118_EXI_H

#include "base/buf.h"

/* Bounds of what is accepted. Input over one of them is refused with E_EXI_LIMIT. */
#define EXI_INPUT_MAX      65536 /* octets */
#define EXI_NODES_MAX      2048  /* elements and attributes of one document */
#define EXI_DEPTH_MAX      12    /* nested elements; the schemas need 8 */
#define EXI_STRING_MAX     2048  /* code points where the schema has no maximum */
#define EXI_BINARY_MAX     4096  /* octets where the schema has no maximum */
#define EXI_INTEGER_OCTETS 64    /* 7-bit octets of an xs:integer: 448 bits */
#define EXI_INTEGER_BYTES  56    /* bytes of magnitude that these hold */

enum exi_set {
	EXI_ISO2_DOC,        /* -2 messages */
	EXI_ISO2_FRAG,       /* -2 elements that are signed */
	EXI_XMLDSIG_FRAG,    /* SignedInfo over the xmldsig schema alone: what is signed */
	EXI_ISO20_DOC,       /* -20 CommonMessages */
	EXI_ISO20_FRAG,      /* -20 elements that are signed */
	EXI_ISO2_FRAG_TYPED, /* libcbv2g's wrong eMAID fragment, only to explain wrong digests */
	EXI_SET_COUNT
};

/* Local names of elements and attributes, in all sets. */
/* clang-format off */
#define EXI_ITEMS(X) \
	X(Algorithm) X(Body) X(CPSCertificateChain) X(CanonicalizationMethod) \
	X(Certificate) X(CertificateInstallationReq) X(CertificateInstallationRes) \
	X(CertificateUpdateReq) X(CertificateUpdateRes) X(ContractCertificateChain) \
	X(ContractSignatureCertChain) X(ContractSignatureEncryptedPrivateKey) \
	X(DHPublicKey) X(DHpublickey) X(DigestMethod) X(DigestValue) X(ECDHCurve) X(EMAID) \
	X(EVSEProcessing) X(FaultCode) X(FaultMsg) X(HMACOutputLength) X(Header) X(Id) \
	X(KeyInfo) X(ListOfRootCertificateIDs) X(MaximumContractCertificateChains) \
	X(Notification) X(OEMProvisioningCert) X(OEMProvisioningCertificateChain) X(Object) \
	X(PrioritizedEMAIDs) X(Reference) X(RemainingContractCertificateChains) \
	X(ResponseCode) X(RetryCounter) X(RootCertificateID) \
	X(SAProvisioningCertificateChain) X(SECP521_EncryptedPrivateKey) X(SessionID) \
	X(Signature) X(SignatureMethod) X(SignatureValue) X(SignedInfo) \
	X(SignedInstallationData) X(SubCertificates) X(TPM_EncryptedPrivateKey) \
	X(TimeStamp) X(Transform) X(Transforms) X(Type) X(URI) X(V2G_Message) \
	X(X448_EncryptedPrivateKey) X(X509IssuerName) X(X509SerialNumber) X(XPath) X(eMAID) \
	X(undeclared)
/* clang-format on */

enum exi_item {
#define X(name) EXI_##name,
	EXI_ITEMS(X)
#undef X
		EXI_ITEM_COUNT
};

/* What a value is, and where a node keeps it. */
enum exi_kind {
	EXI_NONE,     /* no value of its own */
	EXI_STRING,   /* bytes: UTF-8 */
	EXI_BINARY,   /* bytes */
	EXI_INTEGER,  /* bytes: 0 or 1 (negative), then the magnitude, big-endian, no leading zeros
		       */
	EXI_UNSIGNED, /* number: unsigned 64 bits */
	EXI_SHORT,    /* number: int64_t in two's complement, -32768..32767 */
	EXI_BITS8,    /* number: 0..255 in 8 bits */
	EXI_ENUM,     /* number: index into the names of the type */
};

struct exi_enum {
	uint8_t bits;
	uint8_t n;
	const char *const *names; /* in schema order */
};

enum exi_event { EXI_EV_AT, EXI_EV_SE, EXI_EV_CH, EXI_EV_EE, EXI_EV_REFUSED };

/* One production: event code, event, what follows. After the max-th time it is taken in one
 * element (max > 0) the state is full instead of next: maxOccurs without one state for each. */
struct exi_prod {
	uint16_t code;
	uint8_t event; /* enum exi_event */
	uint8_t item;  /* enum exi_item, for AT, SE and REFUSED */
	uint8_t next, max, full;
	const struct exi_type *type; /* of the attribute or element */
};

struct exi_state {
	uint8_t bits; /* width of the event code */
	uint8_t n;
	const struct exi_prod *prods;
};

/* A simple type has a kind and no states; a complex type has states, the first is its start, and a
 * kind if it has simple content. */
struct exi_type {
	const char *name;
	uint8_t kind; /* enum exi_kind */
	uint8_t n_states;
	uint32_t max; /* code points or octets; 0: EXI_STRING_MAX, EXI_BINARY_MAX */
	const struct exi_enum *names;
	const struct exi_state *states;
};

struct exi_root {
	uint16_t code;
	uint8_t item;
	const struct exi_type *type;
};

struct exi_set_def {
	const char *name; /* as the command line spells it */
	uint8_t root_bits;
	bool fragment; /* an end-of-fragment code follows the root element */
	uint16_t end_code;
	uint8_t n_roots;
	const struct exi_root *roots;
};

extern const struct exi_set_def exi_sets[EXI_SET_COUNT];
extern const char *const exi_item_names[EXI_ITEM_COUNT];

/* A document as an array of nodes in the order of the document. The children of node i are i + 1
 * and then each end of the one before, up to node[i].end. */
struct exi_node {
	const struct exi_type *type; /* NULL in a tree made by the program */
	uint8_t item;                /* enum exi_item */
	uint8_t kind;                /* enum exi_kind of the value */
	uint32_t end;                /* index after the last descendant */
	union {
		uint64_t number;
		struct {
			uint32_t off, len; /* in tree.data */
		} bytes;
	} v;
};

/* Owns its nodes and values, in one allocation. Read-only after it is made; then safe to share. */
struct exi_tree {
	struct exi_node *node;
	uint8_t *data;
	uint32_t n, cap;           /* nodes */
	uint32_t data_n, data_cap; /* bytes */
	void *memory;
	bool failed; /* an append did not fit; see exi_tree_ok */
};

/* Decodes exactly one document (or fragment) of the set. E_EXI or E_EXI_LIMIT with the offset in
 * bits and octets and the reason when refused; the tree is then empty. The header must be the one
 * octet 0x80. Padding must be zero bits. After it nothing may follow, but for one zero octet, which
 * stations on EVerest append; it is ignored. */
enum err_code
exi_decode(enum exi_set set, struct span in, struct exi_tree *t, struct err *e) MUST_CHECK;

/* Appends the encoding of the element at node index root, and what is below it, as a document or
 * fragment of the set. E_EXI when the set has no such root or the tree does not follow the grammar,
 * E_EXI_LIMIT when a value is over its maximum. out is unchanged after an error. */
enum err_code exi_encode(enum exi_set set, const struct exi_tree *t, uint32_t root, struct buf *out,
			 struct err *e) MUST_CHECK;

/* An empty tree with room for nodes (at most EXI_NODES_MAX) and bytes of values, owned by the
 * caller (exi_tree_free). */
enum err_code
exi_tree_init(struct exi_tree *t, uint32_t nodes, size_t bytes, struct err *e) MUST_CHECK;
void exi_tree_free(struct exi_tree *t); /* accepts an empty one */

/* Building, in document order: open an element, put its attributes and children, close it. Values
 * are copied. A failed tree stays failed; exi_tree_ok at the end is the only check needed. */
uint32_t exi_open(struct exi_tree *t, enum exi_item item);
void exi_close(struct exi_tree *t, uint32_t node);
uint32_t exi_put_bytes(struct exi_tree *t, enum exi_item item, enum exi_kind kind, struct span s);
uint32_t exi_put_number(struct exi_tree *t, enum exi_item item, enum exi_kind kind, uint64_t v);
/* The value of an element that also has attributes. */
void exi_set_bytes(struct exi_tree *t, uint32_t node, enum exi_kind kind, struct span s);
/* Copies an element with what is below it from another tree. */
void exi_put_copy(struct exi_tree *t, const struct exi_tree *from, uint32_t node);
enum err_code exi_tree_ok(const struct exi_tree *t, struct err *e) MUST_CHECK;

/* Reading. exi_child: the first child of node with this name, or 0 (the root is nobody's child).
 * exi_bytes: the value, an empty span where there is none; lives as long as the tree. */
uint32_t exi_child(const struct exi_tree *t, uint32_t node, enum exi_item item);
uint32_t exi_next(const struct exi_tree *t, uint32_t parent, uint32_t node, enum exi_item item);
struct span exi_bytes(const struct exi_tree *t, uint32_t node);

/* NULL when unknown. */
const struct exi_set_def *exi_set_get(enum exi_set set);
/* EXI_SET_COUNT when unknown; EXI_ISO2_FRAG_TYPED has no public name. */
enum exi_set exi_set_by_name(const char *name);

#endif
