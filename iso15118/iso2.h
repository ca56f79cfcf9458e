/* SPDX-License-Identifier: Apache-2.0 */
/* The ISO 15118-2 messages that install and renew contract certificates, as plain structs. A
 * decoded message owns the memory its spans point into; one made by the program lends its spans.
 * Whether a message is signed, and by whom, is said by iso15118/install.h, never by decoding it. */
#ifndef ISO15118_ISO2_H
#define ISO15118_ISO2_H

#include "iso15118/sign.h"

#define ISO2_SESSION_ID_MAX  8   /* bytes */
#define ISO2_CERTIFICATE_MAX 800 /* bytes of DER, [V2G2-010] */
#define ISO2_SUBS_MAX        4
#define ISO2_ROOTS_MAX       20

/* responseCodeType in the order of the schema. */
/* clang-format off */
#define ISO2_RESPONSE_CODES(X) \
	X(OK) X(OK_NewSessionEstablished) X(OK_OldSessionJoined) \
	X(OK_CertificateExpiresSoon) X(FAILED) X(FAILED_SequenceError) \
	X(FAILED_ServiceIDInvalid) X(FAILED_UnknownSession) \
	X(FAILED_ServiceSelectionInvalid) X(FAILED_PaymentSelectionInvalid) \
	X(FAILED_CertificateExpired) X(FAILED_SignatureError) \
	X(FAILED_NoCertificateAvailable) X(FAILED_CertChainError) \
	X(FAILED_ChallengeInvalid) X(FAILED_ContractCanceled) \
	X(FAILED_WrongChargeParameter) X(FAILED_PowerDeliveryNotApplied) \
	X(FAILED_TariffSelectionInvalid) X(FAILED_ChargingProfileInvalid) \
	X(FAILED_MeteringSignatureNotValid) X(FAILED_NoChargeServiceSelected) \
	X(FAILED_WrongEnergyTransferMode) X(FAILED_ContactorError) \
	X(FAILED_CertificateNotAllowedAtThisEVSE) X(FAILED_CertificateRevoked)
/* clang-format on */

enum iso2_response_code {
#define X(name) ISO2_##name,
	ISO2_RESPONSE_CODES(X)
#undef X
		ISO2_RESPONSE_CODE_COUNT
};

enum iso2_fault_code {
	ISO2_NO_NOTIFICATION = -1, /* the header has no Notification */
	ISO2_PARSING_ERROR,
	ISO2_NO_TLS_ROOT,
	ISO2_UNKNOWN_ERROR,
};

enum iso2_kind { ISO2_INSTALL_REQ, ISO2_INSTALL_RES, ISO2_UPDATE_REQ, ISO2_UPDATE_RES };

struct iso2_chain {
	struct span id;   /* empty: none */
	struct span leaf; /* DER */
	struct span sub[ISO2_SUBS_MAX];
	unsigned n_sub;
};

struct iso2_value { /* an element that is signed by its Id */
	struct span id, value;
};

struct iso2_root_id {
	struct span issuer; /* DN as text, UTF-8 */
	struct span serial; /* magnitude, big-endian, without leading zeros */
	bool negative;
};

struct iso2_msg {
	enum iso2_kind kind;
	struct span session_id; /* 0 to 8 bytes */
	enum iso2_fault_code fault;
	struct span fault_msg; /* empty: none */
	/* requests */
	struct span id;              /* of the request element */
	struct span oem_certificate; /* installation: DER of the provisioning leaf */
	struct iso2_root_id root[ISO2_ROOTS_MAX];
	unsigned n_roots;
	/* answers */
	enum iso2_response_code code;
	struct iso2_chain sa_chain; /* the CPS that signed */
	struct iso2_value encrypted_key, dh_key;
	bool has_retry_counter; /* update only */
	int16_t retry_counter;
	/* answers and the update request */
	struct iso2_chain contract_chain;
	struct iso2_value emaid; /* in the request without Id */
	/* decoded messages only */
	uint32_t signature,
		body; /* nodes of Header/Signature (0: none) and of the message element */
	struct exi_tree tree;
};

/* A whole message. *m is owned by the caller (iso2_msg_free), empty after an error. E_EXI,
 * E_EXI_LIMIT with the offset. */
enum err_code iso2_decode(struct span exi, struct iso2_msg *m, struct err *e) MUST_CHECK;
void iso2_msg_free(struct iso2_msg *m); /* accepts an empty one */

/* The EXI of a message with a Signature in its header, or without (signature NULL), appended. */
enum err_code iso2_encode(const struct iso2_msg *m, const struct sign_info *signature,
			  struct buf *out, struct err *e) MUST_CHECK;

/* The same, signed by signer over the elements that spec C.3 to C.5 name. */
enum err_code iso2_encode_signed(const struct iso2_msg *m, const struct msg_signer *signer,
				 struct buf *out, struct err *e) MUST_CHECK;

/* The elements of a decoded message that its signature must cover. */
void iso2_signed(const struct iso2_msg *m, struct sign_scope *out);

/* The octets of one of these elements as they are hashed, appended. E_EXI when the message has no
 * such element. */
enum err_code iso2_fragment(const struct iso2_msg *m, enum exi_item element, struct buf *out,
			    struct err *e) MUST_CHECK;

/* A CertificateInstallationRes that says no, in the shape of the published OPCP sample:
 * Notification UnknownError, one-byte dummies. fault_msg: at most 64 characters, NULL: the sample's
 * text. */
enum err_code iso2_negative_res(struct span session_id, enum iso2_response_code code,
				const char *fault_msg, struct buf *out, struct err *e) MUST_CHECK;

/* The message in exi with another SessionID (0 to 8 bytes), appended; everything else is copied bit
 * by bit, nothing is decoded or signed again. E_EXI when it is not a -2 message. */
enum err_code iso2_set_session_id(struct span exi, struct span session_id, struct buf *out,
				  struct err *e) MUST_CHECK;

/* Names as in the schema; "" when out of range. ISO2_RESPONSE_CODE_COUNT when unknown. */
const char *iso2_response_name(enum iso2_response_code code);
enum iso2_response_code iso2_response_by_name(const char *name);

#endif
