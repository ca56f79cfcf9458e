# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A bundle opened without our code but for the EXI decoder's JSON: ECDH, KDF and AES by openssl alone
# (ISO 15118-2 [V2G2-814] to [V2G2-823]).
w=$E2E_WORK/bundle
mkdir -p "$w"
openssl_opens_it() {
	local pcid car
	pcid=$(basename "$(ls "$V2GPKI_VEHICLES"/*.chain.pem | tail -n 1)" .chain.pem)
	car=$V2GPKI_VEHICLES/$pcid
	v2gpki ev request --cert "$car.pem" --key "$car.key" --root "$V2GPKI_PKI/v2g-root.pem" -o "$w/req.exi" &&
		jq -n --arg r "$(b64 "$w/req.exi")" '{certificateInstallationReq: $r, xsdMsgDefNamespace: "urn:iso:15118:2:2013:MsgDef"}' |
		req "$w/ans" POST "$V2GPKI_URL/v1/ccp/signedContractData" -H "Authorization: Bearer $(token CPO)" -H 'Content-Type: application/json' --data-binary @- >/dev/null
	jq -r '.CCPResponse.emaidContent[0].messageDef.certificateInstallationRes' "$w/ans" | base64 -d >"$w/res.exi"
	v2gpki exi decode "$w/res.exi" >"$w/res.json" || return 1
	jq -r '.. | .DHpublickey? // empty | .CONTENT' "$w/res.json" | xxd -r -p >"$w/dh"
	jq -r '.. | .ContractSignatureEncryptedPrivateKey? // empty | .CONTENT' "$w/res.json" | xxd -r -p >"$w/enc"
	jq -r '.. | .ContractSignatureCertChain? // empty | .Certificate' "$w/res.json" | xxd -r -p >"$w/cert.der"
	expect 65 "$(wc -c <"$w/dh")" && expect 48 "$(wc -c <"$w/enc")" || return 1
	# SubjectPublicKeyInfo of P-256 before the raw point
	{ xxd -r -p <<<3059301306072a8648ce3d020106082a8648ce3d030107034200 && cat "$w/dh"; } >"$w/peer.der"
	openssl pkeyutl -derive -inkey "$car.key" -peerkey "$w/peer.der" -peerform DER -out "$w/z" || return 1
	openssl kdf -keylen 16 -kdfopt digest:SHA256 -kdfopt "hexkey:$(xxd -p -c 100 "$w/z")" -kdfopt hexinfo:015556 -binary -out "$w/k" SSKDF || return 1
	openssl enc -d -aes-128-cbc -nopad -K "$(xxd -p -c 100 "$w/k")" -iv "$(head -c 16 "$w/enc" | xxd -p -c 100)" -in <(tail -c 32 "$w/enc") -out "$w/d" || return 1
	{ xxd -r -p <<<303102010104 && printf '\x20' && cat "$w/d" && xxd -r -p <<<a00a06082a8648ce3d030107; } >"$w/key.der"
	expect "$(openssl x509 -inform DER -in "$w/cert.der" -noout -pubkey)" "$(openssl pkey -inform DER -in "$w/key.der" -pubout)"
}
sizes() {
	local n
	n=$(wc -c <"$w/res.exi")
	echo "figure: a story car's bundle has $n bytes of EXI (limit 4200)"
	[ "$n" -le 4200 ]
}
same_bytes() { v2gpki exi encode "$w/res.json" -o "$w/again.exi" && cmp "$w/res.exi" "$w/again.exi"; }
explained() { # the bundle as it came is good; one with a foreign certificate in a signed element is not
	v2gpki exi explain "$w/res.exi" >"$w/explain" && expect 4 "$(grep -c 'digest fits' "$w/explain")" "$w/explain" || return 1
	jq '(.. | .eMAID? // empty | .CONTENT) |= "DEXYZC000000099"' "$w/res.json" | v2gpki exi encode - -o "$w/forged.exi"
	v2gpki exi explain "$w/forged.exi" >"$w/explain" 2>&1
	expect 3 $? "$w/explain" && grep -q 'eMAID: digest does not fit' "$w/explain"
}
over_budget() { # one byte more than the budget is refused by init, with the sum
	local home=$E2E_WORK/over url=http://127.0.0.1:8080/ocsp out rc
	for _ in $(seq 60); do # lengthen the URL until it is refused; the last that fits is one byte shorter
		out=$("$V2GPKI_HOME/bin/v2gpki" init --home "$home" --dry-run --ocsp-url "$url" 2>&1)
		rc=$?
		[ $rc = 0 ] || break
		url=${url}x
	done
	expect 3 $rc && grep -qE '33(9[1-9])' <<<"$out" && grep -q 3390 <<<"$out" || {
		echo "$url: $out"
		return 1
	}
}
check "openssl alone opens a bundle and the key fits" openssl_opens_it
check "the bundle fits OCPP 2.0.1" sizes
check "decoding and encoding it gives the same bytes" same_bytes
check "exi explain finds digests and signature right" explained
check "init refuses one byte more than the size budget" over_budget
