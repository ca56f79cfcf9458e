#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the requests of this folder anew with the openssl command line (3.0). Keys are thrown away.
set -eu
cd "$(dirname "$0")"
k=$(mktemp)
c=$(mktemp)
trap 'rm -f "$k" "$c"' EXIT

req() { # FILE SUBJECT [openssl req options]
	f=$1 s=$2
	shift 2
	openssl req -new -key "$k" -subj "$s" -out "$f" "$@"
}
ec() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:"$1" -out "$k"
}
everest() { # the shape that EVerest sends: DC last, extensionRequest
	cat >"$c" <<'END'
[req]
distinguished_name = dn
req_extensions = ext
prompt = no
[dn]
C = DE
O = Pionix
CN = DE*ABC*E0001
DC = CPO
[ext]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyAgreement
END
}

ec P-256
req p256.pem "/C=DE/O=V2G Demo/CN=DE*ABC*E0001"
req p256.der "/C=DE/O=V2G Demo/CN=DE*ABC*E0001" -outform DER
req no-cn.pem "/C=US/O=Pionix/DC=CPO"
req empty-subject.pem "/"
req two-cn.pem "/O=V2G Demo/CN=DE*ABC*E0001/CN=DE*ABC*E0002"
req utf8.pem "/O=Ladesäulen GmbH/CN=DE*ABC*E0001" -utf8
req sha384.pem "/CN=DE*ABC*E0001" -sha384
req challenge.pem "/CN=DE*ABC*E0001" -addext "subjectAltName=DNS:a.example,DNS:b.example"
req critical-known.pem "/CN=DE*ABC*E0001" -addext "extendedKeyUsage=critical,serverAuth"
req critical-unknown.pem "/CN=DE*ABC*E0001" -addext "1.3.6.1.4.1.55555.9=critical,DER:0500"
everest
openssl req -new -key "$k" -config "$c" -out everest.pem
openssl ec -in "$k" -conv_form compressed -out "$k" 2>/dev/null
req compressed.pem "/CN=DE*ABC*E0001"
ec P-384
req p384.pem "/CN=DE*ABC*E0001"
ec secp256k1
req k256.pem "/CN=DE*ABC*E0001"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit -out "$k"
req explicit.pem "/CN=DE*ABC*E0001"
ec P-521
req p521.pem "/CN=DE*ABC*E0001" -sha512
openssl genpkey -algorithm ED448 -out "$k"
req ed448.pem "/CN=DE*ABC*E0001"
openssl genpkey -algorithm ED25519 -out "$k"
req ed25519.pem "/CN=DE*ABC*E0001"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$k"
req rsa.pem "/CN=DE*ABC*E0001"
