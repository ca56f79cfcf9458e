# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# openssl judges every certificate that this deployment has issued, whatever its kind.
w=$E2E_WORK/chains
mkdir -p "$w"
export_all() { # every certificate of the store as PEM files
	local after=0 page
	rm -f "$w"/cert-*.pem
	while :; do
		page=$(v2gpki cert list --json --limit 100 --after "$after") || return 1
		[ "$(jq '.certs | length' <<<"$page")" -gt 0 ] || break
		jq -r '.certs[] | select(.state == "issued") | "\(.id) \(.fingerprint)"' <<<"$page" | while read -r id fp; do
			v2gpki cert show "$fp" --json | jq -r .certificate | base64 -d | openssl x509 -inform DER -out "$w/cert-$id.pem" || exit 1
		done || return 1
		after=$(jq -r '.certs[-1].id' <<<"$page")
	done
	ls "$w"/cert-*.pem >/dev/null && echo "$(ls "$w"/cert-*.pem | wc -l) certificates"
}
pool() { # all CA certificates
	rm -f "$w/cas.pem" "$w/roots.pem"
	for f in "$w"/cert-*.pem; do
		openssl x509 -in "$f" -noout -ext basicConstraints 2>/dev/null | grep -q CA:TRUE || continue
		if [ "$(openssl x509 -in "$f" -noout -subject_hash)" = "$(openssl x509 -in "$f" -noout -issuer_hash)" ]; then
			cat "$f" >>"$w/roots.pem"
		else
			cat "$f" >>"$w/cas.pem"
		fi
	done
	expect 4 "$(grep -c BEGIN "$w/roots.pem")" && expect 8 "$(grep -c BEGIN "$w/cas.pem")"
}
verify_all() {
	local f
	for f in "$w"/cert-*.pem; do
		openssl verify -x509_strict -CAfile "$w/roots.pem" -untrusted "$w/cas.pem" "$f" >"$w/out" 2>&1 || {
			cat "$w/out"
			return 1
		}
	done
}
secc_as_server() {
	local f found=no
	for f in "$w"/cert-*.pem; do
		openssl x509 -in "$f" -noout -subject | grep -q 'DC = CPO' || continue
		openssl x509 -in "$f" -noout -ext basicConstraints 2>/dev/null | grep -q CA:TRUE && continue
		found=yes
		openssl verify -purpose sslserver -x509_strict -CAfile "$w/roots.pem" -untrusted "$w/cas.pem" "$f" >"$w/out" 2>&1 || {
			cat "$w/out"
			return 1
		}
	done
	expect yes $found
}
policy_and_aia() { # every certificate of the V2G hierarchies below a root
	local f text n=0
	for f in "$w"/cert-*.pem; do
		text=$(openssl x509 -in "$f" -noout -subject -issuer -text)
		grep -qE 'Subject:.*DC = (V2G|CPO|CPS|MO|OEM)' <<<"$text" || continue
		[ "$(openssl x509 -in "$f" -noout -subject_hash)" != "$(openssl x509 -in "$f" -noout -issuer_hash)" ] || continue
		n=$((n + 1))
		grep -q "Policy: " <<<"$text" && grep -q "OCSP - URI:$V2GPKI_OCSP_URL" <<<"$text" || {
			grep -E 'Subject:|Policy|URI' <<<"$text"
			return 1
		}
	done
	echo "$n certificates"
	[ "$n" -ge 10 ]
}
small_enough() { # ISO 15118-2 [V2G2-010]
	local f size
	for f in "$w"/cert-*.pem; do
		size=$(openssl x509 -in "$f" -outform DER | wc -c)
		[ "$size" -le 800 ] || {
			echo "$f: $size bytes"
			return 1
		}
	done
}
check "every issued certificate can be read back" export_all
check "four roots and eight Sub-CAs are among them" pool
check "openssl verify -x509_strict accepts every certificate" verify_all
check "openssl verify -purpose sslserver accepts the stations" secc_as_server
check "policy OID and AIA stand in every certificate below a V2G, MO or OEM root" policy_and_aia
check "none is larger than 800 bytes" small_enough
