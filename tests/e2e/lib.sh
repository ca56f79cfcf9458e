# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # variables are for those who read this file in
# Shared by the end-to-end tests: counting, requests, one service per test run.
# check NAME COMMAND…: one test; its output is shown when it fails.
ok=0 failed=0
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		ok=$((ok + 1))
		echo "  ok    $name"
		grep '^figure: ' <<<"$out"
	else
		failed=$((failed + 1))
		echo "  FAIL  $name"
		printf '%s\n' "$out" | tail -n 12 | sed 's/^/        /'
	fi
}
# What meson prints, so that tests/run.sh counts both alike.
totals() {
	echo "Ok: $ok"
	echo "Fail: $failed"
	[ "$failed" = 0 ]
}
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# Two free ports in a row (participants, operators).
free_port_pair() {
	python3 - <<'P'
import socket
while True:
    a = socket.socket(); a.bind(("127.0.0.1", 0)); p = a.getsockname()[1]
    b = socket.socket()
    try:
        b.bind(("127.0.0.1", p + 1)); print(p); break
    except OSError:
        continue
P
}
wait_ready() { # PLAIN-URL PID
	for _ in $(seq 300); do
		curl -fs -o /dev/null "$1/readyz" && return 0
		kill -0 "$2" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}
b64() { base64 -w0 "$@"; }
token() { # ROLE: an access token on stdout
	local id=V2GPKI_$1_ID secret=V2GPKI_$1_SECRET
	jq -n --arg i "${!id}" --arg s "${!secret}" '{grant_type: "client_credentials", client_id: $i, client_secret: $s}' |
		curl -sS --fail --cacert "$V2GPKI_CA" -H 'Content-Type: application/json' --data-binary @- "$V2GPKI_TOKEN_URL" |
		jq -r .access_token
}
# req OUT METHOD URL [curl…]: status on stdout, body in OUT
req() {
	local out=$1 method=$2 url=$3
	shift 3
	curl -sS --cacert "$V2GPKI_CA" -o "$out" -w '%{http_code}' -X "$method" "$@" "$url"
}
expect() { # WANTED FOUND [file to show]
	[ "$1" = "$2" ] || {
		echo "expected $1, found $2"
		[ $# -lt 3 ] || tail -c 600 "$3"
		return 1
	}
}

# A home of its own for load and kill tests: $work, $V2GPKI_HOME and the env file's variables; what is
# started as $daemon and $loader ends with the script.
make_home() { # NAME BUILD
	work=$(mktemp -d "/tmp/v2gpki-$1.XXXXXX")
	chmod 755 "$work"
	daemon='' loader=''
	trap 'end_home' EXIT
	export V2GPKI_HOME=$work/home
	deploy/quickstart.sh --build-dir "$2" --no-story --port "$(free_port_pair)" --plain-port "$(free_port)" \
		--ocsp-url http://127.0.0.1:8080/ocsp >"$work/setup" || {
		tail "$work/setup"
		exit 1
	}
	set -a
	. "$V2GPKI_HOME/env"
	set +a
	export PATH=$V2GPKI_HOME/bin:$PATH
	drop_to_user
}
end_home() {
	[ -z "$loader" ] || kill -KILL "$loader" 2>/dev/null
	[ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null
	[ -n "${E2E_KEEP:-}" ] || rm -rf "$work"
}
# Options with which root hands the daemon over to its user.
drop_to_user() {
	user=()
	[ "$(id -u)" != 0 ] || user=(--user v2gpki)
}
# Puts the PKCS#11 spy between the daemon and its token: writes CONF with the spy as module, sets $real.
put_spy() { # BUILD FOLDER CONF
	install -m 0755 "$(find "$1/tests/hsm" -name '*p11_shim*.so' | head -n 1)" "$2/spy.so"
	real=$(sed -n "s/^ *module: *'\(.*\)'/\1/p" "$V2GPKI_HOME/v2gpkid.conf" | head -n 1)
	sed "s|^\( *module: *\).*|\1'$2/spy.so'|" "$V2GPKI_HOME/v2gpkid.conf" >"$3"
	install -m 0666 /dev/null "$2/signatures"
}
