# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Every admin route, asked on the participants' and the plain listener, is a path that does not exist.
admin_paths() { grep -ohE '"/admin/v1/[^"]*"' "$E2E_TOP"/api/admin*.c | tr -d '"' | sed 's/{[a-z]*}/x/g' | sort -u; }
same_404() { # BASE
	local base=$1 token=$2 p status normal
	curl -sk -H "Authorization: Bearer $token" -D "$E2E_WORK/h0" -o "$E2E_WORK/b0" "$base/admin-no-such-path" || return 1
	normal=$(jq -c 'del(.traceId)' "$E2E_WORK/b0")
	for p in $(admin_paths) /console/; do
		for m in GET POST DELETE; do
			status=$(curl -sk -X $m -H "Authorization: Bearer $token" -D "$E2E_WORK/h1" -o "$E2E_WORK/b1" -w '%{http_code}' "$base$p")
			expect 404 "$status" || {
				echo "$m $base$p"
				return 1
			}
			expect "$normal" "$(jq -c 'del(.traceId)' "$E2E_WORK/b1")" || return 1
			expect "$(cut -d: -f1 "$E2E_WORK/h0" | sort | tr -d '\r' | tr '\n' ' ')" "$(cut -d: -f1 "$E2E_WORK/h1" | sort | tr -d '\r' | tr '\n' ' ')" || return 1
		done
	done
}
some_paths() { [ "$(admin_paths | wc -l)" -ge 8 ]; }
check "there are admin routes to ask for" some_paths
check "admin routes do not exist on the participants' listener" same_404 "$V2GPKI_URL" "$(token ADMIN)"
check "admin routes do not exist on the plain listener" same_404 "$V2GPKI_PLAIN_URL" none
