#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Opens the contract key of a bundle with the openssl command line alone (ISO 15118-2 7.9.2.4.3) and
# proves that it is the key of the contract. Usage: open_with_openssl.sh MAKE_BUNDLE
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$1" "$dir" >/dev/null 2>&1
cd "$dir"

hex() {
	od -An -v -tx1 "$@" | tr -d ' \n'
}

# The public point as SubjectPublicKeyInfo of P-256.
printf '\060\131\060\023\006\007\052\206\110\316\075\002\001\006\010\052\206\110\316\075\003\001\007\003\102\000' |
	cat - dh.bin >dh.der
openssl pkey -pubin -inform DER -in dh.der -pubout -out dh.pem
openssl pkeyutl -derive -inkey car.pem -peerkey dh.pem -out z.bin
openssl kdf -keylen 16 -kdfopt digest:SHA256 -kdfopt "hexkey:$(hex z.bin)" \
	-kdfopt hexinfo:015556 -binary -out key.bin SSKDF
test "$(wc -c <field.bin)" -eq 48
head -c 16 field.bin >iv.bin
tail -c 32 field.bin >cipher.bin
openssl enc -d -aes-128-cbc -nopad -K "$(hex key.bin)" -iv "$(hex iv.bin)" -in cipher.bin -out scalar.bin
test "$(wc -c <scalar.bin)" -eq 32

# The scalar as ECPrivateKey of P-256, and its public point.
{
	printf '\060\061\002\001\001\004\040'
	cat scalar.bin
	printf '\240\012\006\010\052\206\110\316\075\003\001\007'
} >contract.der
openssl ec -inform DER -in contract.der -pubout -outform DER 2>/dev/null | tail -c 65 >point.bin
cmp point.bin contract-point.bin
echo "the contract key of $(wc -c <bundle.exi) bytes of bundle opens with openssl alone"
