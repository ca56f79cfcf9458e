/* SPDX-License-Identifier: Apache-2.0 */
/* Grammars of the ISO 15118-20 CommonMessages schema set. */
#include "iso15118/exi_grammar.h"

/* clang-format off */
static const char *const response_code_names[] = {
	"OK", "OK_CertificateExpiresSoon", "OK_NewSessionEstablished", "OK_OldSessionJoined",
	"OK_PowerToleranceConfirmed", "WARNING_AuthorizationSelectionInvalid",
	"WARNING_CertificateExpired", "WARNING_CertificateNotYetValid",
	"WARNING_CertificateRevoked", "WARNING_CertificateValidationError",
	"WARNING_ChallengeInvalid",
	"WARNING_EIMAuthorizationFailure", "WARNING_eMSPUnknown", "WARNING_EVPowerProfileViolation",
	"WARNING_GeneralPnCAuthorizationError", "WARNING_NoCertificateAvailable",
	"WARNING_NoContractMatchingPCIDFound", "WARNING_PowerToleranceNotConfirmed",
	"WARNING_ScheduleRenegotiationFailed", "WARNING_StandbyNotAllowed", "WARNING_WPT", "FAILED",
	"FAILED_AssociationError", "FAILED_ContactorError", "FAILED_EVPowerProfileInvalid",
	"FAILED_EVPowerProfileViolation", "FAILED_MeteringSignatureNotValid",
	"FAILED_NoEnergyTransferServiceSelected", "FAILED_NoServiceRenegotiationSupported",
	"FAILED_PauseNotAllowed", "FAILED_PowerDeliveryNotApplied",
	"FAILED_PowerToleranceNotConfirmed", "FAILED_ScheduleRenegotiation",
	"FAILED_ScheduleSelectionInvalid", "FAILED_SequenceError", "FAILED_ServiceIDInvalid",
	"FAILED_ServiceSelectionInvalid", "FAILED_SignatureError", "FAILED_UnknownSession",
	"FAILED_WrongChargeParameter",
};
static const struct exi_enum response_codes = {6, ARRAY_LEN(response_code_names),
					       response_code_names};

static const char *const processing_names[] = {
	"Finished", "Ongoing", "Ongoing_WaitingForCustomerInteraction",
};
static const struct exi_enum processings = {2, ARRAY_LEN(processing_names), processing_names};

static const char *const curve_names[] = {"SECP521", "X448"};
static const struct exi_enum curves = {1, ARRAY_LEN(curve_names), curve_names};

static ENUMERATION(t_response_code, "responseCodeType", response_codes);
static ENUMERATION(t_processing, "processingType", processings);
static ENUMERATION(t_curve, "ecdhCurveType", curves);
static SIMPLE(t_session_id, "sessionIDType", EXI_BINARY, 8);
static SIMPLE(t_timestamp, "unsignedLong", EXI_UNSIGNED, 0);
static SIMPLE(t_certificate, "certificateType", EXI_BINARY, 1600);
static SIMPLE(t_identifier, "identifierType", EXI_STRING, 255);
static SIMPLE(t_unsigned_byte, "unsignedByte", EXI_BITS8, 0);
static SIMPLE(t_dh_public_key, "dhPublicKeyType", EXI_BINARY, 133);
static SIMPLE(t_secp521_key, "secp521_EncryptedPrivateKeyType", EXI_BINARY, 94);
static SIMPLE(t_x448_key, "x448_EncryptedPrivateKeyType", EXI_BINARY, 84);
static SIMPLE(t_tpm_key, "tpm_EncryptedPrivateKeyType", EXI_BINARY, 206);

static const struct exi_state header_states[] = {
	STATE(1, SE(0, SessionID, t_session_id, 1)),
	STATE(1, SE(0, TimeStamp, t_timestamp, 2)),
	STATE(2, SE(0, Signature, exi_t_signature, 3), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_header, "MessageHeaderType", header_states);

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

static const struct exi_state emaid_list_states[] = {
	STATE(1, SE_MAX(0, EMAID, t_identifier, 1, 8, 2)),
	STATE(2, SE_MAX(0, EMAID, t_identifier, 1, 8, 2), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_emaid_list, "EMAIDListType", emaid_list_states);

static const struct exi_state sub_certificates_states[] = {
	STATE(1, SE_MAX(0, Certificate, t_certificate, 1, 3, 2)),
	STATE(2, SE_MAX(0, Certificate, t_certificate, 1, 3, 2), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_sub_certificates, "SubCertificatesType", sub_certificates_states);

static const struct exi_state signed_chain_states[] = {
	STATE(1, AT(0, Id, exi_t_id, 1)),
	STATE(1, SE(0, Certificate, t_certificate, 2)),
	STATE(2, SE(0, SubCertificates, t_sub_certificates, 3), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_signed_chain, "SignedCertificateChainType", signed_chain_states);

static const struct exi_state chain_states[] = {
	STATE(1, SE(0, Certificate, t_certificate, 1)),
	STATE(2, SE(0, SubCertificates, t_sub_certificates, 2), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_chain, "CertificateChainType", chain_states);

static const struct exi_state contract_chain_states[] = {
	STATE(1, SE(0, Certificate, t_certificate, 1)),
	STATE(1, SE(0, SubCertificates, t_sub_certificates, 2)),
	STATE(1, EE(0)),
};
static COMPLEX(t_contract_chain, "ContractCertificateChainType", contract_chain_states);

static const struct exi_state installation_data_states[] = {
	STATE(1, AT(0, Id, exi_t_id, 1)),
	STATE(1, SE(0, ContractCertificateChain, t_contract_chain, 2)),
	STATE(1, SE(0, ECDHCurve, t_curve, 3)),
	STATE(1, SE(0, DHPublicKey, t_dh_public_key, 4)),
	STATE(2, SE(0, SECP521_EncryptedPrivateKey, t_secp521_key, 5),
	      SE(1, X448_EncryptedPrivateKey, t_x448_key, 5),
	      SE(2, TPM_EncryptedPrivateKey, t_tpm_key, 5)),
	STATE(1, EE(0)),
};
static COMPLEX(t_installation_data, "SignedInstallationDataType", installation_data_states);

static const struct exi_state install_req_states[] = {
	STATE(1, SE(0, Header, t_header, 1)),
	STATE(1, SE(0, OEMProvisioningCertificateChain, t_signed_chain, 2)),
	STATE(1, SE(0, ListOfRootCertificateIDs, t_root_list, 3)),
	STATE(1, SE(0, MaximumContractCertificateChains, t_unsigned_byte, 4)),
	STATE(2, SE(0, PrioritizedEMAIDs, t_emaid_list, 5), EE(1)),
	STATE(1, EE(0)),
};
static COMPLEX(t_install_req, "CertificateInstallationReqType", install_req_states);

static const struct exi_state install_res_states[] = {
	STATE(1, SE(0, Header, t_header, 1)),
	STATE(1, SE(0, ResponseCode, t_response_code, 2)),
	STATE(1, SE(0, EVSEProcessing, t_processing, 3)),
	STATE(1, SE(0, CPSCertificateChain, t_chain, 4)),
	STATE(1, SE(0, SignedInstallationData, t_installation_data, 5)),
	STATE(1, SE(0, RemainingContractCertificateChains, t_unsigned_byte, 6)),
	STATE(1, EE(0)),
};
static COMPLEX(t_install_res, "CertificateInstallationResType", install_res_states);

const struct exi_root exi_iso20_doc_roots[2] = {
	{7, EXI_CertificateInstallationReq, &t_install_req},
	{8, EXI_CertificateInstallationRes, &t_install_res},
};

const struct exi_root exi_iso20_frag_roots[4] = {
	{27, EXI_CertificateInstallationReq, &t_install_req},
	{128, EXI_OEMProvisioningCertificateChain, &t_signed_chain},
	{230, EXI_SignedInfo, &exi_t_signed_info},
	{231, EXI_SignedInstallationData, &t_installation_data},
};
/* clang-format on */
