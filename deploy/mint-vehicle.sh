#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A provisioning certificate from an example OEM CA with a software key:
#   mint-vehicle.sh CA.pem CA.key PCID OUT    makes OUT.pem and OUT.key
# Profile: ISO 15118-2 Annex F.5 (CN = PCID, DC = OEM, digitalSignature and keyAgreement).
set -euo pipefail
ca=$1 key=$2 pcid=$3 out=$4
umask 077
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$out.key" \
	-subj "/C=DE/O=Example OEM/CN=$pcid/DC=OEM" -out "$out.csr" 2>/dev/null
openssl x509 -req -in "$out.csr" -CA "$ca" -CAkey "$key" -days 1460 -sha256 \
	-set_serial "0x$(openssl rand -hex 15)" -out "$out.pem" -extfile <(
		printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyAgreement\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
	) 2>/dev/null
rm -f "$out.csr"
