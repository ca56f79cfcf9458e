/* SPDX-License-Identifier: Apache-2.0 */
/* Installing and renewing a contract in a car, ISO 15118-2 8.4.3: the request as the car makes it
 * and the provider verifies it, the answer (bundle) as the CPS makes it and the car verifies it.
 * Certificates are DER; whether a chain is trusted is not looked at here. */
#ifndef ISO15118_INSTALL_H
#define ISO15118_INSTALL_H

#include "iso15118/iso2.h"
#include "iso15118/keywrap.h"

/* What the car puts into a CertificateInstallationReq. Everything is lent. */
struct install_req {
	struct span session_id;           /* 1 to 8 bytes */
	struct span certificate;          /* provisioning leaf */
	const struct secret *scalar;      /* its key, P-256 */
	const struct iso2_root_id *roots; /* V2G roots that the car can verify */
	unsigned n_roots;                 /* 1..ISO2_ROOTS_MAX */
};
/* The signed request, appended. */
enum err_code
install_req_make(const struct install_req *rq, struct buf *exi, struct err *e) MUST_CHECK;

/* Verifies the signature of a decoded CertificateInstallationReq with the certificate in it, or of
 * a CertificateUpdateReq with the contract certificate in it. E_MSG_CONTENT when it is neither, or
 * its certificate has no P-256 key; else the errors of sign_verify. */
enum err_code install_req_verify(const struct iso2_msg *rq, struct err *e) MUST_CHECK;

struct install_chain { /* DER, lent; sub1 may be empty */
	struct span leaf, sub2, sub1;
};

/* What the CPS puts into the answer. Everything is lent. */
struct install_res {
	struct span session_id;       /* 0 to 8 bytes; it is outside the signature */
	enum iso2_response_code code; /* OK or OK_CertificateExpiresSoon */
	struct install_chain cps, contract;
	const struct keywrap *key;
	const char *emaid; /* 14 or 15 characters */
	bool update;       /* CertificateUpdateRes instead, without RetryCounter */
};
/* The signed answer, appended. signer holds the key of cps.leaf. E_EXI_LIMIT names a certificate of
 * more than ISO2_CERTIFICATE_MAX bytes. */
enum err_code install_res_make(const struct install_res *rs, const struct msg_signer *signer,
			       struct buf *exi, struct err *e) MUST_CHECK;

/* Verifies a decoded answer as a car does, but for the chains: it says OK, exactly its four
 * elements are signed, by the first certificate of SAProvisioningCertificateChain; the key opens
 * with the car's scalar and fits the contract certificate. *contract_scalar is owned by the caller
 * (secret_free). E_MSG_CONTENT, E_KEYWRAP, errors of sign_verify. */
enum err_code install_res_verify(const struct iso2_msg *rs, const struct secret *car_scalar,
				 struct secret *contract_scalar, struct err *e) MUST_CHECK;

/* Only the signature of an answer, for whoever has no car's key: a pool that stores it. */
enum err_code install_res_verify_signature(const struct iso2_msg *rs, struct err *e) MUST_CHECK;

/* What sign_explain says of a message, with the certificate that the message names as signer. */
enum err_code
install_explain(const struct iso2_msg *m, struct sign_report *out, struct err *e) MUST_CHECK;

#endif
