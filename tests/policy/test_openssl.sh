#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# OpenSSL's own reading of a sample of every profile: strict verification, text, purposes.
# usage: test_openssl.sh MAKE_SAMPLES
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
"$1" "$d"
cd "$d"
failed=0

fail() {
	echo "FAILED: $*" >&2
	failed=1
}

# chain OPTIONS LEAF ROOT [SUB...]: verifies strictly
chain() {
	opts=$1 leaf=$2 anchor=$3
	shift 3
	cat "$anchor.pem" >untrusted.pem
	for s in "$@"; do cat "$s.pem" >>untrusted.pem; done
	# shellcheck disable=SC2086
	openssl verify -x509_strict $opts -CAfile "$anchor.pem" -untrusted untrusted.pem \
		"$leaf.pem" || fail "openssl verify $leaf"
}

# has NAME TEXT: openssl x509 -text shows it
has() {
	openssl x509 -in "$1.pem" -noout -text | tr -s ' \n' ' ' | grep -qF "$2" || fail "$1: no \"$2\""
}
hasnot() {
	if openssl x509 -in "$1.pem" -noout -text | tr -s ' \n' ' ' | grep -qF "$2"; then
		fail "$1: has \"$2\""
	fi
}

for r in v2g mo oem service; do
	chain "" $r-root $r-root
	hasnot $r-root "Policy:"
	hasnot $r-root "OCSP"
	has $r-root "X509v3 Key Usage: critical Certificate Sign, CRL Sign"
done
for b in cpo cps mo oem; do
	root=$b
	case $b in cpo | cps) root=v2g ;; esac
	chain "" $b-sub1 $root-root
	chain "" $b-sub2 $root-root $b-sub1
	has $b-sub1 "CA:TRUE, pathlen:1"
	has $b-sub2 "CA:TRUE, pathlen:0"
	for s in $b-sub1 $b-sub2; do
		hasnot $s "Extended Key Usage"
		hasnot $s "CRL Distribution"
		has $s "OCSP - URI:http://127.0.0.1:8080/ocsp"
	done
done
chain "-purpose sslserver" secc-leaf v2g-root cpo-sub2 cpo-sub1
chain "" cps-leaf v2g-root cps-sub2 cps-sub1
chain "" contract-leaf mo-root mo-sub2 mo-sub1
chain "" provisioning-leaf oem-root oem-sub2 oem-sub1
chain "-purpose ocsphelper" ocsp-signer v2g-root cpo-sub2 cpo-sub1
chain "-purpose sslserver -verify_hostname localhost" service-tls-server service-root
chain "-purpose sslserver -verify_ip 127.0.0.1" service-tls-server service-root
chain "-purpose sslclient" service-tls-client service-root
chain "" token-signer service-root

for f in *.pem; do
	n=${f%.pem}
	case $n in *root | untrusted) continue ;; esac
	has "$n" "Policy: 1.3.6.1.4.1.55555.1"
done
has secc-leaf "CRL Distribution Points: Full Name: URI:http://127.0.0.1:8080/crl/cpo-sub2.crl"
has secc-leaf "X509v3 Basic Constraints: critical CA:FALSE"
has secc-leaf "X509v3 Key Usage: critical Digital Signature, Key Agreement"
hasnot secc-leaf "Extended Key Usage"
has contract-leaf "Digital Signature, Non Repudiation, Key Encipherment, Key Agreement"
hasnot contract-leaf "CRL Distribution"
has cps-leaf "X509v3 Key Usage: critical Digital Signature X509v3"
has provisioning-leaf "X509v3 Key Usage: critical Digital Signature, Key Agreement"
has ocsp-signer "OCSP No Check"
has service-tls-server "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"
subject=$(openssl x509 -in secc-leaf.pem -noout -subject -nameopt RFC2253)
[ "$subject" = "subject=DC=CPO,CN=secc-leaf,O=V2G Demo,C=DE" ] || fail "$subject"
# a chain without its Sub-CA 1 must not verify: the checks above can fail
if openssl verify -CAfile v2g-root.pem -untrusted cpo-sub2.pem secc-leaf.pem >/dev/null 2>&1; then
	fail "an incomplete chain verifies"
fi
exit $failed
