# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The request shapes of real clients (spec/clients), byte for byte where it matters.
w=$E2E_WORK/clients
mkdir -p "$w"
cpo=$(token CPO)
n=0
new_csr() { # FILE: a DER CSR for a fresh EVSEID
	n=$((n + 1))
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
		-subj "/CN=${V2GPKI_CPO_ID5}E$(date +%s)$n/O=Example CPO" -outform DER -out "$1" 2>/dev/null
}
p7_subjects() { openssl base64 -d -A <"$1" | openssl pkcs7 -inform DER -print_certs -noout | sed -n 's/^subject=//p'; }
p7_wrapped() { openssl base64 -d <"$1" | openssl pkcs7 -inform DER -print_certs -noout | grep -c '^subject='; }
is_chain() { # three certificates: Sub 2, Sub 1, root
	local got
	got=$(tr -d '\r\n' <"$1" | base64 -d | openssl pkcs7 -inform DER -print_certs -noout | sed -n 's/^subject=.*CN = \([^,]*\).*/\1/p' | tr '\n' '|')
	local want
	want=$(for c in cpo-sub2 cpo-sub1 v2g-root; do openssl x509 -in "$V2GPKI_PKI/$c.pem" -noout -subject | sed 's/.*CN = \([^,]*\).*/\1/'; done | tr '\n' '|')
	expect "$want" "$got"
}

citrineos_token() {
	expect 200 "$(req "$w/t" POST "$V2GPKI_TOKEN_URL" -d grant_type=client_credentials -d "client_id=$V2GPKI_CPO_ID" \
		--data-urlencode "client_secret=$V2GPKI_CPO_SECRET" --data-urlencode "audience=$V2GPKI_URL")" "$w/t" &&
		jq -e '.access_token and .token_type == "Bearer" and (.expires_in | type == "number")' "$w/t" >/dev/null
}
maeve_token() { # JSON, no audience
	expect 200 "$(jq -n --arg i "$V2GPKI_CPO_ID" --arg s "$V2GPKI_CPO_SECRET" '{grant_type:"client_credentials",client_id:$i,client_secret:$s}' |
		req "$w/t" POST "$V2GPKI_TOKEN_URL" -H 'Content-Type: application/json' --data-binary @-)" "$w/t"
}
basic_token() { # RFC 6749 2.3.1
	expect 200 "$(req "$w/t" POST "$V2GPKI_TOKEN_URL" -u "$V2GPKI_CPO_ID:$V2GPKI_CPO_SECRET" -d grant_type=client_credentials)" "$w/t"
}
wrong_audience() {
	expect 400 "$(req "$w/t" POST "$V2GPKI_TOKEN_URL" -d grant_type=client_credentials -d "client_id=$V2GPKI_CPO_ID" \
		--data-urlencode "client_secret=$V2GPKI_CPO_SECRET" -d audience=https://other.example)" "$w/t" &&
		expect invalid_target "$(jq -r .error "$w/t")"
}
citrineos_enroll() {
	new_csr "$w/a"
	b64 "$w/a" >"$w/a.b64"
	expect 200 "$(req "$w/a.p7" POST "$V2GPKI_URL/.well-known/cpo/simpleenroll" -H 'Accept: application/pkcs10' \
		-H 'Content-Type: application/pkcs10' -H "Authorization: Bearer $cpo" --data-binary @"$w/a.b64")" "$w/a.p7" &&
		expect 1 "$(p7_wrapped "$w/a.p7")"
}
citrineos_cacerts() {
	expect 200 "$(req "$w/c.p7" GET "$V2GPKI_URL/.well-known/cpo/cacerts" -H 'Accept: application/pkcs10, application/pkcs7' \
		-H 'Content-Transfer-Encoding: application/pkcs10' -H "Authorization: Bearer $cpo")" "$w/c.p7" && is_chain "$w/c.p7"
}
maeve_enroll() {
	new_csr "$w/m"
	b64 "$w/m" >"$w/m.b64"
	expect 200 "$(req "$w/m.p7" POST "$V2GPKI_URL/cpo/simpleenroll/ISO15118-2" -H "authorization: Bearer $cpo" -H "x-api-key: $cpo" \
		-H 'content-type: application/pkcs10' -H 'Accept-Encoding: gzip' --data-binary @"$w/m.b64")" "$w/m.p7" &&
		expect 1 "$(p7_wrapped "$w/m.p7")"
}
maeve_cacerts() {
	expect 200 "$(req "$w/c.p7" GET "$V2GPKI_URL/cpo/cacerts/ISO15118-2" -H "authorization: Bearer $cpo" -H "x-api-key: $cpo")" "$w/c.p7" && is_chain "$w/c.p7"
}
only_api_key() { # x-api-key alone is no credential
	expect 401 "$(req "$w/x" GET "$V2GPKI_URL/v1/root/rootCerts" -H "x-api-key: $cpo")" "$w/x"
}
roots_for_go() { # MaEVe: strict standard base64, every entry parses, roots have an SKI
	expect 200 "$(req "$w/r" GET "$V2GPKI_URL/v1/root/rootCerts" -H 'Accept: application/json' -H "Authorization: Bearer $cpo")" "$w/r" || return 1
	jq -r '.RootCertificateCollection.rootCertificates[].caCertificate' "$w/r" | while read -r c; do
		printf %s "$c" | base64 -d | openssl x509 -inform DER -noout -ext subjectKeyIdentifier >/dev/null || exit 1
	done
}
libest_first() { # no credentials: 401 with WWW-Authenticate, then Basic; CSR in 64-character lines, TLS 1.2
	new_csr "$w/l"
	openssl base64 -in "$w/l" -out "$w/l.b64"
	expect 401 "$(req "$w/l.p7" POST "$V2GPKI_URL/.well-known/est/cpo/simpleenroll" --tls-max 1.2 -A 'libest 3.2.0p' -H 'Connection: close' \
		-H 'Content-Type: application/pkcs10' -D "$w/l.h" --data-binary @"$w/l.b64")" "$w/l.p7" || return 1
	grep -qi '^www-authenticate: basic' "$w/l.h" || {
		cat "$w/l.h"
		return 1
	}
	expect 200 "$(req "$w/l.p7" POST "$V2GPKI_URL/.well-known/est/cpo/simpleenroll" --tls-max 1.2 -u "$V2GPKI_EST_USER:$V2GPKI_EST_PASS" \
		-H 'Content-Type: application/pkcs10' -H 'Content-Transfer-Encoding: base64' --data-binary @"$w/l.b64")" "$w/l.p7"
}
libest_cacerts() { # wrapped lines: none is longer than 76
	expect 200 "$(req "$w/c.p7" GET "$V2GPKI_URL/.well-known/est/cacerts" -u "$V2GPKI_EST_USER:$V2GPKI_EST_PASS")" "$w/c.p7" && is_chain "$w/c.p7" &&
		[ "$(awk '{ if (length($0) > m) m = length($0) } END { print m }' "$w/c.p7")" -le 76 ]
}
mtls_enroll() { # TLS client certificate, leaf only
	new_csr "$w/t1"
	b64 "$w/t1" >"$w/t1.b64"
	expect 200 "$(req "$w/t1.p7" POST "$V2GPKI_URL/.well-known/est/cpo/simpleenroll" --cert "$V2GPKI_CPO_CERT" --key "$V2GPKI_CPO_KEY" \
		-H 'Content-Type: application/pkcs10' --data-binary @"$w/t1.b64")" "$w/t1.p7"
}
mtls_and_token_disagree() {
	expect 401 "$(req "$w/x" GET "$V2GPKI_URL/v1/root/rootCerts" --cert "$V2GPKI_OEM_CERT" --key "$V2GPKI_OEM_KEY" -H "Authorization: Bearer $cpo")" "$w/x"
}
strongswan() { # appends /.well-known/est/…, needs base64 on one line, own TLS stack
	rm -rf "$w/ss"
	mkdir -p "$w/ss"
	pki --estca --url "$V2GPKI_URL/unwrapped/cpo" --cacert "$V2GPKI_CA" --caout "$w/ss/ca" --outform pem >"$w/ss/log" 2>&1 || {
		tail -n 5 "$w/ss/log"
		return 1
	}
	openssl ecparam -name prime256v1 -genkey -noout -out "$w/ss/key.pem"
	pki --req --in "$w/ss/key.pem" --type ecdsa --dn "O=Example CPO, CN=${V2GPKI_CPO_ID5}E$(date +%s)77" --outform pem >"$w/ss/req.pem"
	local cas=()
	for c in "$w"/ss/ca*; do cas+=(--cacert "$c"); done
	pki --est --in "$w/ss/req.pem" --url "$V2GPKI_URL/unwrapped/cpo" --cacert "$V2GPKI_CA" "${cas[@]}" \
		--userpass "$V2GPKI_EST_USER:$V2GPKI_EST_PASS" --interval 1 --maxpolltime 5 --outform pem >"$w/ss/cert.pem" 2>"$w/ss/log" || {
		tail -n 8 "$w/ss/log"
		return 1
	}
	openssl x509 -in "$w/ss/cert.pem" -noout -subject
}
everest_csr() { # C, O, CN, DC last, extensionRequest with KU and BC
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$w/e.key" -subj "/C=DE/O=EVerest/CN=${V2GPKI_CPO_ID5}E$(date +%s)88/DC=CPO" \
		-addext keyUsage=critical,digitalSignature,keyAgreement -addext basicConstraints=critical,CA:FALSE -out "$w/e.pem" 2>/dev/null
	expect 200 "$(req "$w/e.out" POST "$V2GPKI_URL/.well-known/est/cpo/simpleenroll/ISO15118-2" -H "Authorization: Bearer $cpo" \
		-H 'Accept: application/pem-certificate-chain' -H 'Content-Type: application/pkcs10' --data-binary @"$w/e.pem")" "$w/e.out" || return 1
	expect 3 "$(grep -c BEGIN "$w/e.out")" && openssl x509 -in "$w/e.out" -noout -subject | grep -q "E.*88"
}
csr_without_cn() { # an older EVerest sample: refused with the reason, nothing breaks
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$w/o.key" -subj "/C=US/O=Pionix/DC=CPO" -outform DER -out "$w/o" 2>/dev/null
	b64 "$w/o" >"$w/o.b64"
	expect 400 "$(req "$w/o.out" POST "$V2GPKI_URL/.well-known/est/cpo/simpleenroll" -H "Authorization: Bearer $cpo" -H 'Content-Type: application/pkcs10' \
		--data-binary @"$w/o.b64")" "$w/o.out" && jq -e '.errorMessages[0] and .traceId and .code' "$w/o.out" >/dev/null
}
foreign_operator() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$w/f.key" -subj "/CN=FRZZZE123/O=Other" -outform DER -out "$w/f" 2>/dev/null
	b64 "$w/f" >"$w/f.b64"
	expect 403 "$(req "$w/f.out" POST "$V2GPKI_URL/.well-known/est/cpo/simpleenroll" -H "Authorization: Bearer $cpo" -H 'Content-Type: application/pkcs10' \
		--data-binary @"$w/f.b64")" "$w/f.out" && expect access.operator-id "$(jq -r .code "$w/f.out")"
}
aliases() { # every path of spec/protocols 2.5 and 10
	local p
	for p in /.well-known/est/cpo/cacerts /.well-known/est/cpo/cacerts/ISO15118-2 /.well-known/cpo/cacerts /cpo/cacerts/ISO15118-2 \
		/cpo/cacerts/ISO15118-2/secp256r1/ /cpo/cacerts/ISO15118-2/secp256r1 /.well-known/est/cacerts /unwrapped/cpo/.well-known/est/cacerts; do
		expect 200 "$(req "$w/c.p7" GET "$V2GPKI_URL$p" -H "Authorization: Bearer $cpo")" "$w/c.p7" && is_chain "$w/c.p7" || {
			echo "$p"
			return 1
		}
	done
}
edition_20() {
	expect 400 "$(req "$w/x" GET "$V2GPKI_URL/.well-known/est/cpo/cacerts/ISO15118-20" -H "Authorization: Bearer $cpo")" "$w/x" &&
		expect edition.not-enabled "$(jq -r .code "$w/x")"
}
expired_token() { # CitrineOS drops its token on 401
	expect 401 "$(req "$w/x" GET "$V2GPKI_URL/v1/root/rootCerts" -H "Authorization: Bearer ${cpo%?????}AAAAA")" "$w/x"
}
last_item_first_item() { # CitrineOS takes the last emaidContent, MaEVe the first with a non-empty emaid: one item serves both
	local pcid
	pcid=$(basename "$(ls "$V2GPKI_VEHICLES"/*.chain.pem | tail -n 1)" .chain.pem)
	v2gpki ev request --cert "$V2GPKI_VEHICLES/$pcid.pem" --key "$V2GPKI_VEHICLES/$pcid.key" --root "$V2GPKI_PKI/v2g-root.pem" -o "$w/req.exi"
	expect 200 "$(jq -n --arg r "$(b64 "$w/req.exi")" '{certificateInstallationReq: $r, xsdMsgDefNamespace: "urn:iso:15118:2:2013:MsgDef"}' |
		req "$w/x" POST "$V2GPKI_URL/v1/ccp/signedContractData" -H "authorization: Bearer $cpo" -H "x-api-key: $cpo" -H 'Content-Type: application/json' --data-binary @-)" "$w/x" || return 1
	expect 1 "$(jq '.CCPResponse.emaidContent | length' "$w/x")" && jq -e '.CCPResponse.emaidContent[0].messageDef.emaid | length >= 14' "$w/x" >/dev/null || return 1
	local size
	size=$(jq -r '.CCPResponse.emaidContent[0].messageDef.certificateInstallationRes' "$w/x" | tr -d '\n' | wc -c)
	echo "figure: a bundle has $size base64 characters (limit 5600)"
	[ "$size" -le 5600 ]
}
negative_as_error() { # alwaysReturnEXI: false gives an Error body
	expect 400 "$(printf '{"certificateInstallationReq":"AAAA","xsdMsgDefNamespace":"urn:iso:15118:2:2013:MsgDef"}' |
		req "$w/x" POST "$V2GPKI_URL/v1/ccp/signedContractData" -H "Authorization: Bearer $cpo" -H 'Content-Type: application/json' --data-binary @-)" "$w/x" &&
		expect exi.invalid "$(jq -r .code "$w/x")"
}

check "CitrineOS: token by form with audience" citrineos_token
check "CitrineOS: enrolment at /.well-known/cpo/simpleenroll" citrineos_enroll
check "CitrineOS: cacerts are Sub 2, Sub 1, root" citrineos_cacerts
check "CitrineOS: a bad token is 401" expired_token
check "MaEVe: token by JSON without audience" maeve_token
check "MaEVe: enrolment at /cpo/simpleenroll/ISO15118-2 with two headers" maeve_enroll
check "MaEVe: cacerts at /cpo/cacerts/ISO15118-2" maeve_cacerts
check "MaEVe: roots are strict base64 and have an SKI" roots_for_go
check "MaEVe and CitrineOS: one item with emaid, at most 5600 characters" last_item_first_item
check "RFC 6749: token by HTTP Basic" basic_token
check "a foreign audience is invalid_target" wrong_audience
check "x-api-key alone is no credential" only_api_key
check "libest: 401 with WWW-Authenticate, then Basic, over TLS 1.2" libest_first
check "libest: cacerts in wrapped lines" libest_cacerts
check "TLS client certificate, leaf only" mtls_enroll
check "certificate and token of two participants are refused" mtls_and_token_disagree
check "strongSwan: estca and est on the unwrapped path" strongswan
check "EVerest: CSR with DC and extensions, PEM chain of three" everest_csr
check "EVerest: a CSR without CN is refused with a reason" csr_without_cn
check "a foreign operator id is refused" foreign_operator
check "every EST alias answers" aliases
check "edition -20 is refused by name" edition_20
check "what is not EXI is refused" negative_as_error
