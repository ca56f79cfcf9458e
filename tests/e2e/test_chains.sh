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
is_root() { [ "$(openssl x509 -in "$1" -noout -subject_hash)" = "$(openssl x509 -in "$1" -noout -issuer_hash)" ]; }
policy_and_aia() { # below every root the policy; below the V2G, MO and OEM roots the AIA too (spec/iso15118 A.5)
	local f text n=0
	for f in "$w"/cert-*.pem; do
		is_root "$f" && continue
		text=$(openssl x509 -in "$f" -noout -subject -issuer -text)
		n=$((n + 1))
		grep -q 'Policy: 2.999.15118' <<<"$text" || {
			grep -E 'Subject:|Policy' <<<"$text"
			return 1
		}
		grep -qE 'Subject:.*DC = (V2G|CPO|CPS|MO|OEM)' <<<"$text" || continue
		grep -q "OCSP - URI:$V2GPKI_OCSP_URL" <<<"$text" || {
			grep -E 'Subject:|URI' <<<"$text"
			return 1
		}
	done
	echo "figure: $n certificates below a root looked at"
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
check "the policy OID stands in every certificate below a root, the AIA in those of the hierarchies" policy_and_aia
check "none is larger than 800 bytes" small_enough
