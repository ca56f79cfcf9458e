/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate profiles as one table (spec/iso15118 A.5): a profile decides every byte of a
 * certificate but the subject's name, key, serial and dates. One more profile is one more row, one
 * snapshot and one test. Immutable. */
#ifndef POLICY_PROFILE_H
#define POLICY_PROFILE_H

#include "base/algo.h"
#include "policy/cert.h"
#include "policy/ident.h"

enum profile_id {
	PROFILE_V2G_ROOT,
	PROFILE_MO_ROOT,
	PROFILE_OEM_ROOT,
	PROFILE_CPO_SUB1,
	PROFILE_CPO_SUB2,
	PROFILE_CPS_SUB1,
	PROFILE_CPS_SUB2,
	PROFILE_MO_SUB1,
	PROFILE_MO_SUB2,
	PROFILE_OEM_SUB1,
	PROFILE_OEM_SUB2,
	PROFILE_SECC_LEAF,
	PROFILE_CPS_LEAF,
	PROFILE_CONTRACT_LEAF,
	PROFILE_PROVISIONING_LEAF,
	PROFILE_OCSP_SIGNER,
	PROFILE_TOKEN_SIGNER, /* access-token key: issued by the service root, digitalSignature, 2 y */
	PROFILE_SERVICE_ROOT,
	PROFILE_SERVICE_TLS_SERVER,
	PROFILE_SERVICE_TLS_CLIENT,
	PROFILE_COUNT
};

enum dn_source { DN_FROM_CA, DN_FROM_REQUEST };

struct profile {
	enum profile_id id;
	enum edition edition;
	const char *name; /* "secc-leaf"; also the name of its snapshot */
	const char *dc;	  /* DC of the branch: "V2G", "CPO", …; NULL: none */
	const char *clause;
	int64_t validity;     /* seconds, default */
	int64_t validity_max; /* seconds */
	size_t der_max;	      /* bytes of the whole certificate; ISO 15118-2 [V2G2-010] */
	enum algo_id algo;
	enum profile_id issuer; /* of its default issuer; its own: a root; PROFILE_COUNT: any CA */
	int path_len;		/* -1: none */
	unsigned ku, eku;
	unsigned ku_switch; /* KU bits more under params.mo_sub2_signs */
	bool is_ca;
	bool aia, crldp, policy, nocheck; /* which extensions it carries */
	bool crldp_switch;		  /* a CRLDP under params.provisioning_crldp */
};

extern const struct profile profiles[PROFILE_COUNT]; /* indexed by id */
const struct profile *profile_by_name(const char *name); /* NULL when unknown */

/* Parameters of a deployment that every profile renders with; strings are lent. */
struct profile_params {
	const char *country;	/* 2 letters for C; "" or NULL: no C */
	const char *policy_oid; /* dotted; NULL: no certificatePolicies */
	const char *ocsp_url;	/* AIA of certificates whose profile has one; "" or NULL: none */
	const char *crl_url;	/* of the issuing CA: "{base}/crl/{ca}.crl"; "": none, NULL is
				 * refused where the profile has one */
	bool mo_sub2_signs;	 /* MO Sub-CA 2 with digitalSignature, to sign tariffs */
	bool provisioning_crldp; /* CRLDP in provisioning certificates */
};

/* What one certificate needs beside its profile. */
struct tbs_request {
	const struct profile *profile;
	struct profile_params params;
	const struct algo *issuer_algo; /* algorithm of the signature */
	struct span issuer_name;	/* DER Name; empty: self-issued (roots) */
	struct span issuer_ski;		/* becomes the AKI; empty: own SKI (roots) */
	struct span serial;		/* magnitude, 16 octets (serial_make) */
	int64_t not_before, not_after;	/* inclusive (RFC 5280 4.1.2.5) */
	const struct algo *algo;	/* of the subject's key */
	struct span point;		/* raw public key */
	const char *o, *cn;		/* O may be NULL */
	const char *san_dns[4]; /* service-tls-server only, where one is needed: host names or IP
				 * texts; NULL ends */
};

/* What params make of a profile: KU bits, and whether there is a CRLDP. */
unsigned profile_ku(const struct profile *p, const struct profile_params *params);
bool profile_has_crldp(const struct profile *p, const struct profile_params *params);

/* To-be-signed bytes from the DER template of the profile, appended to out. SKI: 8 octets,
 * 0100 and the low 60 bits of SHA-1 of the key bits (RFC 5280 4.2.1.2 (2)). Refuses what the profile
 * does not allow before it costs a signature: E_VALIDITY, E_CSR_KEY, E_CERT_TOO_BIG, E_BAD_VALUE. */
enum err_code tbs_build(const struct tbs_request *rq, struct buf *out, struct err *e) MUST_CHECK;

/* TBS and DER signature value put together as a certificate, appended. */
enum err_code tbs_finish(struct span tbs, const struct algo *issuer_algo, struct span raw_sig,
			 struct buf *out, struct err *e) MUST_CHECK;

/* Bytes of the certificate around a TBSCertificate of tbs_len bytes, signature in its longest form. */
size_t tbs_cert_size(size_t tbs_len, const struct algo *issuer_algo);

/* A fresh serial: 16 octets of CSPRNG, first bit 0, first octet not 0 (I-3). */
#define SERIAL_LEN 16
enum err_code serial_make(uint8_t out[SERIAL_LEN], struct err *e) MUST_CHECK;

/* Lints to-be-signed bytes against the profile: re-reads every field with its own rules and names
 * the first that deviates, with its clause (I-5, I-6, I-11). issuer_not_after bounds validity.
 * E_VALIDITY for dates beyond profile or issuer, E_CERT_TOO_BIG, else E_LINT. */
enum err_code lint_tbs(struct span tbs, const struct tbs_request *rq, int64_t issuer_not_after,
		       struct err *e) MUST_CHECK;

/* Longest DER size in bytes of a certificate of this profile with these names (ECDSA signature in
 * its longest form). */
enum err_code profile_der_size(enum profile_id id, const struct profile_params *params,
			       const char *issuer_o, const char *issuer_cn, const char *o,
			       const char *cn, size_t *bytes, struct err *e) MUST_CHECK;

#endif
