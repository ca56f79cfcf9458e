# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What cars send and what they accept (spec/clients: Josev EV, MaEVe's contract check), and real messages.
w=$E2E_WORK/cars
mkdir -p "$w"
ns2=urn:iso:15118:2:2013:MsgDef
cpo_token=$(token CPO)
post() { # REQ-BASE64-FILE OUT [curl…]: status
	local f=$1 out=$2
	shift 2
	jq -n --rawfile r "$f" --arg n $ns2 '{certificateInstallationReq: ($r | gsub("\\s"; "")), xsdMsgDefNamespace: $n}' |
		req "$out" POST "$V2GPKI_URL/v1/ccp/signedContractData" -H "Authorization: Bearer $cpo_token" -H 'Content-Type: application/json' "$@" --data-binary @-
}
car() { basename "$(ls "$V2GPKI_VEHICLES"/*.chain.pem | tail -n 1)" .chain.pem; }
fetch() {
	local c
	c=$V2GPKI_VEHICLES/$(car)
	v2gpki ev request --cert "$c.pem" --key "$c.key" --root "$V2GPKI_PKI/mo-root.pem" --root "$V2GPKI_PKI/v2g-root.pem" --session 0102030405060708 -o "$w/req.exi" || return 1
	b64 "$w/req.exi" >"$w/req.b64"
	expect 200 "$(post "$w/req.b64" "$w/ans")" "$w/ans" || return 1
	jq -r '.CCPResponse.emaidContent[0].messageDef.certificateInstallationRes' "$w/ans" | v2gpki exi decode --base64 - >"$w/res.json"
}
message() { jq -r ".V2G_Message.$1" "$w/res.json"; }
res() { message "Body.CertificateInstallationRes.$1"; }
josev_accepts() {
	expect 0102030405060708 "$(message Header.SessionID)" && expect OK "$(res ResponseCode)" || return 1
	expect 65 $(($(res 'DHpublickey.CONTENT' | tr -d '\n' | wc -c) / 2)) && expect 48 $(($(res 'ContractSignatureEncryptedPrivateKey.CONTENT' | tr -d '\n' | wc -c) / 2)) || return 1
	expect 64 $(($(message 'Header.Signature.SignatureValue.CONTENT // .V2G_Message.Header.Signature.SignatureValue' | tr -d '\n' | wc -c) / 2)) || return 1
	# exactly the four elements are referenced, each by its own Id
	expect "$(for e in ContractSignatureCertChain ContractSignatureEncryptedPrivateKey DHpublickey eMAID; do res "$e.Id"; done | sed 's/^/#/' | sort | tr '\n' ' ')" \
		"$(message 'Header.Signature.SignedInfo.Reference[].URI' | sort | tr '\n' ' ')" || return 1
	# sub-CA 2 then 1, pathLen 0 then 1, no root, each at most 800 bytes
	local chain i
	for chain in SAProvisioningCertificateChain ContractSignatureCertChain; do
		expect 2 "$(res "$chain.SubCertificates.Certificate | length")" || return 1
		for i in 0 1; do
			res "$chain.SubCertificates.Certificate[$i]" | xxd -r -p | openssl x509 -inform DER -noout -ext basicConstraints | grep -q "pathlen:$i" || return 1
			[ "$(res "$chain.SubCertificates.Certificate[$i]" | xxd -r -p | wc -c)" -le 800 ] || return 1
		done
	done
}
cn_is_emaid() { # MaEVe: the leaf's CN equals the EMAID exactly
	local cn
	cn=$(res ContractSignatureCertChain.Certificate | xxd -r -p | openssl x509 -inform DER -noout -subject -nameopt multiline | sed -n 's/ *commonName *= //p')
	expect "$cn" "$(jq -r '.CCPResponse.emaidContent[0].messageDef.emaid' "$w/ans")" && expect "$cn" "$(res eMAID.CONTENT)"
}
real_request() { # a published CertificateInstallationReq of a car that this pool does not know
	local real=$E2E_TOP/../shared/vectors/protocol/opcp-cireq-iso2.b64
	[ -e "$real" ] || {
		echo "skipped: the published request is not here"
		return 0
	}
	expect 404 "$(post "$real" "$w/real")" "$w/real" || return 1
	expect FAILED_NoCertificateAvailable "$(jq -r '.CCPResponse.emaidContent[0].messageDef.certificateInstallationRes' "$w/real" | v2gpki exi decode --base64 - |
		jq -r '.V2G_Message.Body.CertificateInstallationRes.ResponseCode')" || return 1
	expect 404 "$(post "$real" "$w/real" -H 'alwaysReturnEXI: false')" "$w/real" && jq -e '.errorMessages[0] and .traceId and .code' "$w/real" >/dev/null
}
no_common_root() { # a car that holds none of our V2G roots gets a negative answer
	local c
	c=$V2GPKI_VEHICLES/$(car)
	v2gpki ev request --cert "$c.pem" --key "$c.key" --root "$V2GPKI_PKI/oem-root.pem" -o "$w/other.exi" || return 1
	b64 "$w/other.exi" >"$w/other.b64"
	expect 404 "$(post "$w/other.b64" "$w/other")" "$w/other"
}
ready_bundle() { # an OEM's backend fetches it without a request
	local emaid
	emaid=$(jq -r '.CCPResponse.emaidContent[0].messageDef.emaid' "$w/ans")
	expect 200 "$(req "$w/ready" GET "$V2GPKI_URL/v1/ccp/provideSignedContractData/$emaid/$(car)?sessionID=0A0B" -H "Authorization: Bearer $(token OEM)")" "$w/ready" || return 1
	expect 0a0b "$(jq -r .certificateInstallationRes "$w/ready" | v2gpki exi decode --base64 - | jq -r .V2G_Message.Header.SessionID)"
}
lists() { # GET by PCID (OEM), by EMAID (MO), the vehicle (MO) and its HEAD
	local emaid mo
	emaid=$(jq -r '.CCPResponse.emaidContent[0].messageDef.emaid' "$w/ans")
	mo=$(token MO)
	expect 200 "$(req "$w/l" GET "$V2GPKI_URL/v1/ccp/signedContractData/$(car)" -H "Authorization: Bearer $(token OEM)")" "$w/l" && jq -e '.XMLContracts | length > 0' "$w/l" >/dev/null || return 1
	expect 200 "$(req "$w/l" GET "$V2GPKI_URL/v1/ccp/lookupContract/$emaid" -H "Authorization: Bearer $mo")" "$w/l" || return 1
	expect 200 "$(req "$w/l" GET "$V2GPKI_URL/v1/oem/provCerts/$(car)" -H "Authorization: Bearer $mo")" "$w/l" && jq -e '.OEMMessage.vehicleCertificate' "$w/l" >/dev/null || return 1
	expect 200 "$(req "$w/l" GET "$V2GPKI_URL/v1/oem/provCerts/lookupVehicle/$(car)" -H "Authorization: Bearer $mo")" "$w/l" || return 1
	expect 200 "$(curl -sS --cacert "$V2GPKI_CA" -I -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $mo" "$V2GPKI_URL/v1/oem/provCerts/$(car)")" || return 1
	expect 200 "$(req "$w/l" GET "$V2GPKI_URL/cps/signer" -H "Authorization: Bearer $mo")" "$w/l" && jq -e '.cpsCertificates[0].cpsCertificate' "$w/l" >/dev/null
}
no_skipping() { # the header that leaves a certificate good is refused, and nothing is deleted
	local emaid
	emaid=$(jq -r '.CCPResponse.emaidContent[0].messageDef.emaid' "$w/ans")
	expect 400 "$(req "$w/x" DELETE "$V2GPKI_URL/v1/ccp/signedContractData/$emaid" -H "Authorization: Bearer $(token MO)" -H 'X-Skip-Revocation: true')" "$w/x" &&
		expect 200 "$(post "$w/req.b64" "$w/ans")" "$w/ans"
}
check "a car with two roots and a SessionID gets its bundle" fetch
check "Josev: sizes, order, path lengths and references are what it accepts" josev_accepts
check "MaEVe: the contract's CN is the EMAID" cn_is_emaid
check "a published request of an unknown car is answered in EXI and as an error" real_request
check "a car without a root of ours gets a negative answer" no_common_root
check "an OEM's backend fetches a ready bundle" ready_bundle
check "contracts, vehicles and signers are listed to those who may" lists
check "X-Skip-Revocation is for test systems" no_skipping
