#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Plug & Charge story against a running v2gpkid: what each party sends, what comes back and how long
# it took; then the refusals. Argument: the env file that quickstart.sh wrote. Ends with status 0 only
# if every answer was the expected one.
set -euo pipefail
# shellcheck source=/dev/null
. "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ns2=urn:iso:15118:2:2013:MsgDef
step=0 bad=0

title() { printf '\n\033[1m%d. %s\033[0m\n' $((++step)) "$*"; }
b64() { base64 -w0 "$@"; }
der() { openssl x509 -in "$1" -outform DER | base64 -w0; }
nth() { # N FILE: the N-th certificate of a PEM file, as base64 DER
	awk -v n="$1" '/BEGIN CERTIFICATE/ { i++ } i == n' "$2" | openssl x509 -outform DER | base64 -w0
}
fail() {
	echo "   !! $*"
	bad=$((bad + 1))
}

# A body in one line: long values are cut, text that is not JSON too.
short() {
	jq -c 'walk(if type == "string" and length > 40 then .[0:12] + "…(" + (length | tostring) + " characters)" else . end)' "$1" 2>/dev/null | cut -c1-200 || true
	jq -e . "$1" >/dev/null 2>&1 || { head -c 40 "$1" | tr -d '\r\n' && [ "$(wc -c <"$1")" -le 40 ] || printf '…(%s bytes)' "$(wc -c <"$1")"; }
}
# call ROLE METHOD PATH [curl arguments]: body into $work/body, status into $status, time printed.
call() {
	local role=$1 method=$2 path=$3 token t
	shift 3
	token=$(cat "$work/token-$role")
	t=$(curl -sS --cacert "$V2GPKI_CA" -o "$work/body" -w '%{http_code} %{time_total}' -X "$method" \
		-H "Authorization: Bearer $token" "$@" "$V2GPKI_URL$path")
	status=${t% *}
	printf '   %-6s %-6s %s\n' "$role" "$method" "$path"
	[ ! -s "$work/request" ] || printf '      sent  %s\n' "$(short "$work/request")"
	printf '      back  %s in %s ms  %s\n' "$status" "$(awk -v s="${t#* }" 'BEGIN { printf "%.1f", s * 1000 }')" "$(short "$work/body")"
	: >"$work/request"
}
json() { # ROLE METHOD PATH JSON
	printf '%s' "$4" >"$work/request"
	cp "$work/request" "$work/json"
	call "$1" "$2" "$3" -H 'Content-Type: application/json' --data-binary @"$work/json"
}
want() { # STATUS [text in the body]
	if [ "$status" != "$1" ]; then
		fail "expected status $1, got $status: $(head -c 300 "$work/body")"
	elif [ $# -gt 1 ] && ! grep -q -- "$2" "$work/body"; then
		fail "expected '$2' in the answer: $(head -c 300 "$work/body")"
	elif [ "$1" -ge 400 ] && jq -e .errorMessages "$work/body" >/dev/null 2>&1; then
		printf '            %s (%s)\n' "$(jq -r '.errorMessages[0]' "$work/body")" "$(jq -r .code "$work/body")"
	fi
}
# The response code inside a CertificateInstallationRes of a 200 or 404.
response_code() {
	jq -r '.CCPResponse.emaidContent[0].messageDef.certificateInstallationRes' "$work/body" |
		v2gpki exi decode --base64 - | jq -r '.. | .ResponseCode? // empty'
}
want_code() { # STATUS CODE
	want "$1"
	local code
	code=$(response_code) || code=
	printf '            ResponseCode %s\n' "$code"
	[ "$code" = "$2" ] || fail "expected ResponseCode $2"
}

title "Every party gets an access token"
for role in CPO MO MO_OWN OEM CPS; do
	id=V2GPKI_${role}_ID secret=V2GPKI_${role}_SECRET
	jq -n --arg i "${!id}" --arg s "${!secret}" --arg a "$V2GPKI_URL" \
		'{grant_type: "client_credentials", client_id: $i, client_secret: $s, audience: $a}' |
		curl -sS --fail --cacert "$V2GPKI_CA" -H 'Content-Type: application/json' --data-binary @- \
			"$V2GPKI_TOKEN_URL" | jq -r .access_token >"$work/token-$role"
	echo "   $role: ES256 token of $(wc -c <"$work/token-$role") characters"
done

title "Roots are published (RCP)"
call CPO GET /v1/root/rootCerts
want 200
jq -r '.RootCertificateCollection.rootCertificates[] | "            \(.rootType)  \(.commonName)  until \(.validTo)"' "$work/body"

title "The OEM, with its own PKI, publishes three cars (PCP)"
cars=()
for f in "$V2GPKI_VEHICLES"/*.chain.pem; do
	pcid=$(basename "$f" .chain.pem)
	cars+=("$pcid")
	json OEM PUT /v1/oem/provCerts "$(jq -n --arg l "$(der "$V2GPKI_VEHICLES/$pcid.pem")" \
		--arg s2 "$(der "$V2GPKI_OEM_CA_CERT")" --arg s1 "$(nth 2 "$V2GPKI_OEM_CA_CHAIN")" --arg n $ns2 \
		'{vehicleCertificate: $l, subCA2Certificate: $s2, subCA1Certificate: $s1, xsdMsgDefNamespace: $n}')"
	want 200 vehicleCertificate
done
[ ${#cars[@]} = 3 ] || fail "expected three cars, found ${#cars[@]}"

title "The MO orders a contract for each car: key, certificate, encryption, signature (CPS)"
begins=$(date -u -d '-1 hour' +%Y-%m-%dT%H:%M:%SZ) ends=$(date -u -d '+1 year' +%Y-%m-%dT%H:%M:%SZ)
emaids=(DEXYZC000000015 DEXYZC000000022 DEXYZC000000034) # with their check digits
for i in 0 1 2; do
	emaid=${emaids[$i]}
	json MO PUT /v1/cps/generate/signedContractData "$(jq -n --arg e "$emaid" --arg p "${cars[$i]}" \
		--arg b "$begins" --arg u "$ends" --arg n $ns2 \
		'{emaid: $e, pcid: $p, contractBegins: $b, contractEnds: $u, xsdMsgDefNamespace: $n}')"
	want 201
done

title "A charging station is enrolled by its operator (EST)"
evse=${V2GPKI_CPO_ID5}E$(date +%s)
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/evse.key" \
	-subj "/C=DE/O=Example CPO/CN=$evse" -outform DER -out "$work/evse.csr" 2>/dev/null
b64 "$work/evse.csr" | tee "$work/request" >"$work/evse.b64"
call CPO POST /.well-known/est/cpo/simpleenroll -H 'Content-Type: application/pkcs10' --data-binary @"$work/evse.b64"
want 200
openssl base64 -d -in "$work/body" | openssl pkcs7 -inform DER -print_certs -out "$work/evse.pem"
call CPO GET /.well-known/est/cpo/cacerts
want 200
openssl base64 -d -in "$work/body" | openssl pkcs7 -inform DER -print_certs -out "$work/cacerts.pem"
if openssl verify -x509_strict -purpose sslserver -CAfile "$V2GPKI_PKI/v2g-root.pem" -untrusted "$work/cacerts.pem" "$work/evse.pem" >"$work/verify" 2>&1; then
	echo "            openssl verify -x509_strict -purpose sslserver: OK ($(openssl x509 -in "$work/evse.pem" -noout -subject))"
else
	fail "openssl verify: $(cat "$work/verify")"
fi

# install CAR-INDEX [root]: the car asks at the station; $status and body as call leaves them
request() { # PCID KEY CERT
	v2gpki ev request --cert "$3" --key "$2" --root "$V2GPKI_PKI/v2g-root.pem" -o "$work/$1.req"
	json CPO POST /v1/ccp/signedContractData "$(jq -n --arg r "$(b64 "$work/$1.req")" --arg n $ns2 \
		'{certificateInstallationReq: $r, xsdMsgDefNamespace: $n}')"
}

title "Each car asks at the station and opens what comes back (CCP)"
for i in 0 1 2; do
	pcid=${cars[$i]}
	request "$pcid" "$V2GPKI_VEHICLES/$pcid.key" "$V2GPKI_VEHICLES/$pcid.pem"
	want 200
	jq -r '.CCPResponse.emaidContent[0].messageDef.certificateInstallationRes' "$work/body" | base64 -d >"$work/$pcid.res"
	if v2gpki ev install --key "$V2GPKI_VEHICLES/$pcid.key" --root "$V2GPKI_PKI/v2g-root.pem" \
		--req "$work/$pcid.req" "$work/$pcid.res" --out-key "$work/$pcid.contract.key" --out-chain "$work/$pcid.contract.pem" >"$work/ev" 2>&1; then
		sed 's/^/            /' "$work/ev"
		echo "            bundle of $(wc -c <"$work/$pcid.res") bytes of EXI"
	else
		fail "the car refuses the bundle: $(cat "$work/ev")"
	fi
	[ "$(openssl x509 -in "$work/$pcid.contract.pem" -noout -pubkey)" = "$(openssl pkey -in "$work/$pcid.contract.key" -pubout)" ] ||
		fail "the contract key does not fit the contract certificate"
	openssl verify -x509_strict -CAfile "$V2GPKI_PKI/mo-root.pem" -untrusted "$work/$pcid.contract.pem" "$work/$pcid.contract.pem" >/dev/null ||
		fail "openssl verify of the contract chain"
done

title "The first contract ends: the MO deletes it, the car finds nothing"
call MO DELETE "/v1/ccp/signedContractData/${emaids[0]}"
want 200
request "${cars[0]}" "$V2GPKI_VEHICLES/${cars[0]}.key" "$V2GPKI_VEHICLES/${cars[0]}.pem"
want_code 404 FAILED_NoCertificateAvailable

title "What must be refused is refused"
echo "   a car of another maker:"
"$(dirname "$0")/mint-vehicle.sh" "$V2GPKI_OEM_CA_CERT" "$V2GPKI_OEM_CA_KEY" WZZ00000000000001 "$work/foreign" >/dev/null
json OEM PUT /v1/oem/provCerts "$(jq -n --arg l "$(der "$work/foreign.pem")" --arg s2 "$(der "$V2GPKI_OEM_CA_CERT")" \
	--arg s1 "$(nth 2 "$V2GPKI_OEM_CA_CHAIN")" '{vehicleCertificate: $l, subCA2Certificate: $s2, subCA1Certificate: $s1}')"
want 403 access.wmi
echo "   a contract of another provider:"
json MO PUT /v1/cps/generate/signedContractData "$(jq -n --arg p "${cars[1]}" --arg b "$begins" --arg u "$ends" --arg n $ns2 \
	'{emaid: "FRZZZC00000001", pcid: $p, contractBegins: $b, contractEnds: $u, xsdMsgDefNamespace: $n}')"
want 403 access.provider-id
echo "   a station operator that publishes a car:"
json CPO PUT /v1/oem/provCerts '{"vehicleCertificate":"AA==","subCA1Certificate":"AA=="}'
want 403 access.role
echo "   a request whose signature was forged (car 2 claims the certificate of car 3):"
request forged "$V2GPKI_VEHICLES/${cars[1]}.key" "$V2GPKI_VEHICLES/${cars[2]}.pem"
want_code 404 FAILED_SignatureError
echo "   a car under a root that nobody published:"
"$(dirname "$0")/mint-pki.sh" "$work/unknown" "Nobody" OEM >/dev/null
"$(dirname "$0")/mint-vehicle.sh" "$work/unknown/sub2.pem" "$work/unknown/sub2.key" "${V2GPKI_OEM_WMI}99999999999999" "$work/stranger" >/dev/null
json OEM PUT /v1/oem/provCerts "$(jq -n --arg l "$(der "$work/stranger.pem")" --arg s2 "$(der "$work/unknown/sub2.pem")" \
	--arg s1 "$(der "$work/unknown/sub1.pem")" '{vehicleCertificate: $l, subCA2Certificate: $s2, subCA1Certificate: $s1}')"
want 400 certificate.unknown-root
request stranger "$work/stranger.key" "$work/stranger.pem"
want_code 404 FAILED_NoCertificateAvailable

echo
if [ $bad = 0 ]; then
	printf '\033[1mThe story is complete: every answer was the expected one.\033[0m\n'
else
	echo "$bad answers were not the expected ones."
	exit 1
fi
