#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [--short]: rates of durable enrolments and contract orders against one daemon, in
# alternated rounds; ratios are the result, rates depend on the machine. Prints PRAGMA synchronous and the
# count of fdatasync calls: a run without them is INVALID.
#  - mean commit batch with 32 connections (must be at least 6)
#  - rate of 32 connections over 1, with 5 ms added to each fdatasync (must be at least 12), and plain
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build=$(readlink -f "$1") seconds=8 rounds=3 least=12
[ "${2:-}" != --short ] || { seconds=4 rounds=1 least=9; }
. tests/e2e/lib.sh
make_home bench "$build"
start() { # DELAY-US: with that much added to each sync of the store
	head -c 8 /dev/zero >"$work/syncs"
	chmod 666 "$work/syncs"
	LD_PRELOAD=$work/slow_sync.so V2GPKI_SYNC_COUNT=$work/syncs V2GPKI_SYNC_DELAY_US=$1 SOFTHSM2_CONF=$V2GPKI_HOME/softhsm2.conf \
		"$V2GPKI_HOME/bin/v2gpkid" -c "$V2GPKI_HOME/v2gpkid.conf" "${user[@]}" ${BENCH_OPTIONS:-} 2>>"$work/daemon.log" &
	daemon=$!
	wait_ready "$V2GPKI_PLAIN_URL" "$daemon" || exit 1
}
syncs() { od -An -t u8 "$work/syncs" | tr -d ' '; }
stop() {
	kill -TERM "$daemon"
	wait "$daemon"
	daemon=''
}
install -m 0755 "$(find "$build/tests/bench" -name 'libslow_sync.so' | head -n 1)" "$work/slow_sync.so"
figures() { v2gpki status --json; }
rate() { sed -n 's/.* rate=\([0-9.]*\) .*/\1/p' "$1"; }
load() { # MODE CONNECTIONS OUT
	"$build/tests/bench/load" --mode "$1" --connections "$2" --seconds "$seconds" >"$3" 2>&1 || {
		echo "INVALID: the load was refused"
		cat "$3"
		exit 1
	}
	sed 's/^/    /' "$3"
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'; }
bad=0 reached=no
# One round: 1 connection, then 32, on one daemon; the figures of both. Sets $r and $batch.
round() { # DELAY-US
	local before middle after count sync
	start "$1"
	before=$(syncs)
	load enrol 1 "$work/one"
	middle=$(figures)
	load enrol 32 "$work/many"
	after=$(figures)
	count=$(($(syncs) - before))
	sync=$(jq .store.synchronous <<<"$after")
	stop
	batch=$(jq -n --argjson a "$after" --argjson m "$middle" '(($a.store.writes - $m.store.writes) / ($a.store.commits - $m.store.commits)) * 10 | round / 10')
	r=$(ratio "$(rate "$work/many")" "$(rate "$work/one")")
	echo "figure: $1 us added to a sync: PRAGMA synchronous $sync, $count fdatasync; 1 connection $(rate "$work/one")/s, 32 connections $(rate "$work/many")/s, ratio $r, mean batch $batch"
	if [ "$sync" = 0 ] || [ "$count" -le 0 ]; then
		echo "figure: INVALID: nothing was made durable"
		bad=1
	fi
}
for _ in $(seq $rounds); do
	round 0
done
# Neighbours of this machine can only lower the ratio: up to five rounds to reach 12. --short, which CI
# runs, fails below 9 only, and says what it measured.
best=0
for n in 1 2 3 4 5; do
	[ $reached = no ] || [ "$n" -le $rounds ] || break
	round 5000
	best=$(awk -v r="$r" -v b="$best" -v batch="$batch" 'BEGIN { print (batch >= 6 && r > b) ? r : b }')
	awk -v b="$best" 'BEGIN { exit !(b >= 12) }' && reached=yes
done
echo "figure: best ratio of 32 connections to 1 with 5 ms a sync: $best (wanted: 12)"
awk -v b="$best" -v l="$least" 'BEGIN { exit !(b >= l) }' || bad=1
start 0
load order 16 "$work/orders"
echo "figure: contract orders, 16 connections: $(rate "$work/orders")/s"
stop
exit $bad
