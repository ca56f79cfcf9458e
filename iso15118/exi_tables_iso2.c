/* SPDX-License-Identifier: Apache-2.0 */
/* Grammars of the ISO 15118-2 schema set (V2G_CI_MsgDef and what it includes). */
#include "iso15118/exi_grammar.h"

/* clang-format off */
static const char *const response_code_names[] = {
	"OK", "OK_NewSessionEstablished", "OK_OldSessionJoined", "OK_CertificateExpiresSoon",
	"FAILED", "FAILED_SequenceError", "FAILED_ServiceIDInvalid", "FAILED_UnknownSession",
	"FAILED_ServiceSelectionInvalid", "FAILED_PaymentSelectionInvalid",
	"FAILED_CertificateExpired", "FAILED_SignatureError", "FAILED_NoCertificateAvailable",
	"FAILED_CertChainError", "FAILED_ChallengeInvalid", "FAILED_ContractCanceled",
	"FAILED_WrongChargeParameter", "FAILED_PowerDeliveryNotApplied",
	"FAILED_TariffSelectionInvalid", "FAILED_ChargingProfileInvalid",
	"FAILED_MeteringSignatureNotValid", "FAILED_NoChargeServiceSelected",
	"FAILED_WrongEnergyTransferMode", "FAILED_ContactorError",
	"FAILED_CertificateNotAllowedAtThisEVSE", "FAILED_CertificateRevoked",
};
const struct exi_enum exi_iso2_response_codes = {5, ARRAY_LEN(response_code_names),
						 response_code_names};

static const char *const fault_code_names[] = {
	"ParsingError", "NoTLSRootCertificatAvailable", "UnknownError",
};
const struct exi_enum exi_iso2_fault_codes = {2, ARRAY_LEN(fault_code_names), fault_code_names};

static ENUMERATION(t_response_code, "responseCodeType", exi_iso2_response_codes);
static ENUMERATION(t_fault_code, "faultCodeType", exi_iso2_fault_codes);
static SIMPLE(t_fault_msg, "faultMsgType", EXI_STRING, 64);
static SIMPLE(t_session_id, "sessionIDType", EXI_BINARY, 8);
static SIMPLE(t_certificate, "certificateType", EXI_BINARY, 800);
static SIMPLE(t_emaid_plain, "eMAIDType", EXI_STRING, 15);
static SIMPLE(t_retry_counter, "short", EXI_SHORT, 0);

static const struct exi_state issuer_serial_states[] = {
	STATE(1, SE(0, X509IssuerName, exi_t_string, 1)),
	STATE(1, SE(0, X509SerialNumber, exi_t_integer, 2)),
	STATE(1, EE(0)),
};
static COMPLEX(t_issuer_serial, "X509IssuerSerialType", issuer_serial_states);

static const struct exi_state root_list_states[] = {
	STATE(1, SE_MAX(0, RootCertificateID, t_issuer_serial, 1, 20, 2)),
	STATE(2, SE_MAX(0, RootCertificateID, t_issuer_serial, 1, 20, 2), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_root_list, "ListOfRootCertificateIDsType", root_list_states);

static const struct exi_state sub_certificates_states[] = {
	STATE(1, SE_MAX(0, Certificate, t_certificate, 1, 4, 2)),
	STATE(2, SE_MAX(0, Certificate, t_certificate, 1, 4, 2), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_sub_certificates, "SubCertificatesType", sub_certificates_states);

static const struct exi_state certificate_chain_states[] = {
	STATE(2, AT(0, Id, exi_t_id, 1), SE(1, Certificate, t_certificate, 2)),
	STATE(1, SE(0, Certificate, t_certificate, 2)),
	STATE(2, SE(0, SubCertificates, t_sub_certificates, 3), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_certificate_chain, "CertificateChainType", certificate_chain_states);

static const struct exi_state id_content_states[] = {
	STATE(1, AT(0, Id, exi_t_id, 1)),
	STATE(1, CH(0, 2)),
	STATE(1, EE(0)),
};
static CONTENT(t_encrypted_key, "ContractSignatureEncryptedPrivateKeyType", EXI_BINARY, 48,
	       id_content_states);
static CONTENT(t_dh_public_key, "DiffieHellmanPublickeyType", EXI_BINARY, 65, id_content_states);
static CONTENT(t_emaid, "EMAIDType", EXI_STRING, 15, id_content_states);

/* The name eMAID has two types in this set, so as the root of a fragment it takes the element
 * fragment grammar (EXI 1.0 8.5.3) over all 10 attribute and 243 element names. */
static const struct exi_state emaid_fragment_states[] = {
	STATE(9, AT(4, Id, exi_t_id, 1)),
	STATE(9, CH(256, 2)),
	STATE(8, EE(244)),
};
static CONTENT(t_emaid_fragment, "element fragment eMAID", EXI_STRING, 15, emaid_fragment_states);

static const struct exi_state install_req_states[] = {
	STATE(1, AT(0, Id, exi_t_id, 1)),
	STATE(1, SE(0, OEMProvisioningCert, t_certificate, 2)),
	STATE(1, SE(0, ListOfRootCertificateIDs, t_root_list, 3)),
	STATE(1, EE(0)),
};
static COMPLEX(t_install_req, "CertificateInstallationReqType", install_req_states);

static const struct exi_state install_res_states[] = {
	STATE(1, SE(0, ResponseCode, t_response_code, 1)),
	STATE(1, SE(0, SAProvisioningCertificateChain, t_certificate_chain, 2)),
	STATE(1, SE(0, ContractSignatureCertChain, t_certificate_chain, 3)),
	STATE(1, SE(0, ContractSignatureEncryptedPrivateKey, t_encrypted_key, 4)),
	STATE(1, SE(0, DHpublickey, t_dh_public_key, 5)),
	STATE(1, SE(0, eMAID, t_emaid, 6)),
	STATE(1, EE(0)),
};
static COMPLEX(t_install_res, "CertificateInstallationResType", install_res_states);

static const struct exi_state update_req_states[] = {
	STATE(1, AT(0, Id, exi_t_id, 1)),
	STATE(1, SE(0, ContractSignatureCertChain, t_certificate_chain, 2)),
	STATE(1, SE(0, eMAID, t_emaid_plain, 3)),
	STATE(1, SE(0, ListOfRootCertificateIDs, t_root_list, 4)),
	STATE(1, EE(0)),
};
static COMPLEX(t_update_req, "CertificateUpdateReqType", update_req_states);

static const struct exi_state update_res_states[] = {
	STATE(1, SE(0, ResponseCode, t_response_code, 1)),
	STATE(1, SE(0, SAProvisioningCertificateChain, t_certificate_chain, 2)),
	STATE(1, SE(0, ContractSignatureCertChain, t_certificate_chain, 3)),
	STATE(1, SE(0, ContractSignatureEncryptedPrivateKey, t_encrypted_key, 4)),
	STATE(1, SE(0, DHpublickey, t_dh_public_key, 5)),
	STATE(1, SE(0, eMAID, t_emaid, 6)),
	STATE(2, SE(0, RetryCounter, t_retry_counter, 7), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_update_res, "CertificateUpdateResType", update_res_states);

static const struct exi_state body_states[] = { /* substitution group of BodyElement, by name */
	STATE(6, SE(5, CertificateInstallationReq, t_install_req, 1),
	      SE(6, CertificateInstallationRes, t_install_res, 1),
	      SE(7, CertificateUpdateReq, t_update_req, 1),
	      SE(8, CertificateUpdateRes, t_update_res, 1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_body, "BodyType", body_states);

static const struct exi_state notification_states[] = {
	STATE(1, SE(0, FaultCode, t_fault_code, 1)),
	STATE(2, SE(0, FaultMsg, t_fault_msg, 2), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_notification, "NotificationType", notification_states);

static const struct exi_state header_states[] = {
	STATE(1, SE(0, SessionID, t_session_id, 1)),
	STATE(2, SE(0, Notification, t_notification, 2), SE(1, Signature, exi_t_signature, 3),
	      EE(2)),
	STATE(2, SE(0, Signature, exi_t_signature, 3), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_header, "MessageHeaderType", header_states);

static const struct exi_state message_states[] = {
	STATE(1, SE(0, Header, t_header, 1)),
	STATE(1, SE(0, Body, t_body, 2)),
	STATE(1, EE(0)),
};
static COMPLEX(t_message, "V2G_Message", message_states);

const struct exi_root exi_iso2_doc_roots[1] = {
	{76, EXI_V2G_Message, &t_message},
};

const struct exi_root exi_iso2_frag_roots[7] = {
	{15, EXI_CertificateInstallationReq, &t_install_req},
	{17, EXI_CertificateUpdateReq, &t_update_req},
	{33, EXI_ContractSignatureCertChain, &t_certificate_chain},
	{34, EXI_ContractSignatureEncryptedPrivateKey, &t_encrypted_key},
	{45, EXI_DHpublickey, &t_dh_public_key},
	{208, EXI_SignedInfo, &exi_t_signed_info},
	{236, EXI_eMAID, &t_emaid_fragment},
};

/* What libcbv2g writes (cbexigen issue 60): wrong, but it tells what a peer has signed. */
const struct exi_root exi_iso2_typed_roots[1] = {
	{236, EXI_eMAID, &t_emaid},
};
/* clang-format on */
