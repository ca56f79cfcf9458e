#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# End-to-end tests: run.sh BUILD [test …]. Plays the quickstart twice on one home with a PKCS#11 spy
# between the daemon and SoftHSM, then runs tests/e2e/test_*.sh against the daemon it leaves running.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build=$(readlink -f "$1")
shift
. tests/e2e/lib.sh
export E2E_BUILD=$build E2E_TOP=$PWD
E2E_WORK=$(mktemp -d /tmp/v2gpki-e2e.XXXXXX)
export E2E_WORK
chmod 755 "$E2E_WORK"
if [ -n "${LSAN_OPTIONS:-}" ]; then # where the daemon's user can read it
	install -m 0644 tests/lsan.supp "$E2E_WORK/lsan.supp"
	export LSAN_OPTIONS=suppressions=$E2E_WORK/lsan.supp:print_suppressions=0
fi
export V2GPKI_HOME=$E2E_WORK/home
port=$(free_port_pair) plain=$(free_port)
daemon=''
cleanup() {
	[ -z "$daemon" ] || { kill -TERM "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null; }
	[ -n "${E2E_KEEP:-}" ] || rm -rf "$E2E_WORK"
}
trap cleanup EXIT

quickstart() {
	deploy/quickstart.sh --build-dir "$build" --port "$port" --plain-port "$plain" \
		--ocsp-url http://127.0.0.1:8080/ocsp
}
story_first() {
	quickstart >"$E2E_WORK/story1" || {
		tail -n 30 "$E2E_WORK/story1"
		tail -n 5 "$V2GPKI_HOME/v2gpkid.log"
		return 1
	}
}
story_again() {
	quickstart >"$E2E_WORK/story2" || {
		tail -n 30 "$E2E_WORK/story2"
		return 1
	}
}
check "the quickstart plays the story" story_first
check "a second run works on what the first left" story_again
[ -e "$V2GPKI_HOME/env" ] || {
	totals
	exit 1
}
set -a
. "$V2GPKI_HOME/env"
set +a
export PATH=$V2GPKI_HOME/bin:$PATH

put_spy "$build" "$E2E_WORK" "$V2GPKI_HOME/e2e.conf"
export E2E_SIGNATURES=$E2E_WORK/signatures
drop_to_user
SOFTHSM2_CONF=$V2GPKI_HOME/softhsm2.conf V2GPKI_SHIM_MODULE=$real V2GPKI_SHIM_COUNT=$E2E_SIGNATURES \
	"$V2GPKI_HOME/bin/v2gpkid" -c "$V2GPKI_HOME/e2e.conf" "${user[@]}" >/dev/null 2>>"$E2E_WORK/daemon.log" &
daemon=$!
check "the daemon starts behind the PKCS#11 spy" wait_ready "$V2GPKI_PLAIN_URL" $daemon
export E2E_DAEMON_LOG=$E2E_WORK/daemon.log
cp "$E2E_SIGNATURES" "$E2E_WORK/signatures.start"

tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(tests/e2e/test_*.sh)
for t in "${tests[@]}"; do
	echo "$t"
	. "$t"
done
kill -TERM "$daemon"
wait "$daemon"
rc=$?
daemon=''
check "the daemon stops with status 0 on SIGTERM" expect 0 $rc "$E2E_WORK/daemon.log"
totals
