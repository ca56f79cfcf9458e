#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A three-level example PKI with software keys, as a foreign OEM or MO has one:
#   mint-pki.sh DIR NAME DC    makes DIR/{root,sub1,sub2}.{pem,key} and DIR/chain.pem (sub2, sub1)
# Existing files are kept. Profiles: ISO 15118-2 Annex F (CA, pathLen 1 and 0, P-256, SHA-256).
set -euo pipefail
dir=$1 name=$2 dc=$3
mkdir -p "$dir"
umask 077

ext() { # PATHLEN
	printf 'basicConstraints=critical,CA:TRUE%s\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n%s' \
		"${1:+,pathlen:$1}" "${1:+authorityKeyIdentifier=keyid}"
}
make() { # FILE CN PATHLEN DAYS ISSUER
	[ ! -s "$dir/$1.pem" ] || return 0
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/$1.key" \
		-subj "/C=DE/O=$name/CN=$2/DC=$dc" -out "$dir/$1.csr" 2>/dev/null
	if [ -z "$5" ]; then
		openssl x509 -req -in "$dir/$1.csr" -signkey "$dir/$1.key" -days "$4" -sha256 \
			-set_serial "0x$(openssl rand -hex 15)" -extfile <(ext "$3") -out "$dir/$1.new" 2>/dev/null
	else
		openssl x509 -req -in "$dir/$1.csr" -CA "$dir/$5.pem" -CAkey "$dir/$5.key" -days "$4" -sha256 \
			-set_serial "0x$(openssl rand -hex 15)" -extfile <(ext "$3") -out "$dir/$1.new" 2>/dev/null
	fi
	mv "$dir/$1.new" "$dir/$1.pem"
	rm -f "$dir/$1.csr"
}
make root "$dc Root" '' 14600 ''
make sub1 "$dc Sub 1" 1 7300 root
make sub2 "$dc Sub 2" 0 3650 sub1
cat "$dir/sub2.pem" "$dir/sub1.pem" >"$dir/chain.pem"
