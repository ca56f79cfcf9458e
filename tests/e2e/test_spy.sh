# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Under the PKCS#11 spy: C_Sign calls per key are exactly the certificates, bundles and tokens made (I-1,
# I-2). The proofs at start were made before signatures.start was copied.
w=$E2E_WORK/spy
mkdir -p "$w"
# Lines of the spy: key id (hex) and digest (hex) of each C_Sign.
signed_since() { tail -n +$(($(wc -l <"$1") + 1)) "$E2E_SIGNATURES"; }
per_key() { # KEY-NAME FILE: how many signatures of this key
	local id
	id=$(sqlite3 -readonly "$V2GPKI_HOME/store.db" "SELECT lower(hex(key_id)) FROM cas WHERE name = '$1'")
	grep -c "^$id " "$2" || true
}
counts_fit() {
	local before=$w/before i pcid tok
	tok=$(token CPO)
	cp "$E2E_SIGNATURES" "$before"
	for i in 1 2 3; do
		openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$w/k" -subj "/CN=${V2GPKI_CPO_ID5}ESPY$(date +%s)$i/O=X" -outform DER -out "$w/csr" 2>/dev/null
		b64 "$w/csr" >"$w/csr.b64"
		expect 200 "$(req "$w/o" POST "$V2GPKI_URL/.well-known/est/cpo/simpleenroll" -H "Authorization: Bearer $tok" -H 'Content-Type: application/pkcs10' --data-binary @"$w/csr.b64")" "$w/o" || return 1
	done
	tok=$(token MO)
	pcid=$(basename "$(ls "$V2GPKI_VEHICLES"/*.chain.pem | tail -n 1)" .chain.pem)
	for i in 1 2; do
		expect 201 "$(jq -n --arg e "${V2GPKI_MO_ID5}CSPY0000$i" --arg p "$pcid" --arg b "$(date -u -d '-1 hour' +%FT%TZ)" --arg u "$(date -u -d '+30 days' +%FT%TZ)" \
			'{emaid:$e,pcid:$p,contractBegins:$b,contractEnds:$u,xsdMsgDefNamespace:"urn:iso:15118:2:2013:MsgDef"}' |
			req "$w/o" PUT "$V2GPKI_URL/v1/cps/generate/signedContractData" -H "Authorization: Bearer $tok" -H 'Content-Type: application/json' --data-binary @-)" "$w/o" || return 1
	done
	signed_since "$before" >"$w/signed"
	expect "3 2 2 1" "$(per_key cpo-sub2 "$w/signed") $(per_key mo-sub2 "$w/signed") $(per_key cps-leaf "$w/signed") $(per_key token-signer "$w/signed")" &&
		expect 8 "$(wc -l <"$w/signed")"
}
check "C_Sign calls per key are certificates, bundles and tokens" counts_fit
