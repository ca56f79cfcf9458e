#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kills.sh BUILD N: kill -9 in the middle of a load of enrolments and contract orders, N times, on one
# store; every other time at a named point between two durable steps. After each kill and restart:
#  - nothing that was acknowledged is missing (certificates by fingerprint, contracts with their bundle)
#  - every signature of an issuing CA key has its row in the store (the PKCS#11 spy keeps what was signed)
#  - the reconciler has closed what was open: no intent and no unclaimed certificate stays
# Prints what each kill hit. BUILD must be a test build (-Dtest_hooks=true).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build=$(readlink -f "$1") runs=$2
. tests/e2e/lib.sh
make_home kills "$build"
db=$V2GPKI_HOME/store.db
signatures=$work/signatures
put_spy "$build" "$work" "$V2GPKI_HOME/kills.conf"
printf 'reconcile:\n  seconds: 1\n  older_than_s: 1\n' >>"$V2GPKI_HOME/kills.conf"
sql() { sqlite3 -readonly "$db" "$1"; }

start() { # [FAULT]
	SOFTHSM2_CONF=$V2GPKI_HOME/softhsm2.conf V2GPKI_SHIM_MODULE=$real V2GPKI_SHIM_COUNT=$signatures V2GPKI_FAULT=${1:-} \
		"$V2GPKI_HOME/bin/v2gpkid" -c "$V2GPKI_HOME/kills.conf" "${user[@]}" 2>>"$work/daemon.log" &
	daemon=$!
	wait_ready "$V2GPKI_PLAIN_URL" "$daemon"
}
points=(issue-after-intent issue-after-sign issue-after-commit db-before-commit db-after-commit)
hit_intent=0 hit_reply=0 bad=0

# What is acknowledged must be there: one query each, the acknowledged lines as a table.
missing() {
	{
		echo "CREATE TEMP TABLE ack (kind, name, what);"
		echo "BEGIN;"
		awk '{ printf "INSERT INTO ack VALUES (\x27%s\x27, \x27%s\x27, \x27%s\x27);\n", $1, $2, $3 }' "$work/ack"
		echo "COMMIT;"
		echo "ATTACH 'file:$db?mode=ro' AS s;"
		echo "SELECT 'missing: ' || name FROM ack WHERE kind = 'enrol' AND NOT EXISTS (SELECT 1 FROM s.cert_der d JOIN s.cert_status c ON c.id = d.cert_id
			WHERE lower(hex(d.fingerprint)) = what AND c.state = 1 AND c.status = 0 AND c.claimed = 1);"
		echo "SELECT 'missing: ' || name FROM ack WHERE kind = 'order' AND NOT EXISTS (SELECT 1 FROM s.contracts k JOIN s.variants v ON v.contract_id = k.id
			JOIN s.cert_status c ON c.id = k.cert_id WHERE k.emaid_key = name AND k.pcid = what AND c.state = 1 AND c.status = 0 AND c.claimed = 1);"
	} | sqlite3 "file:$work/scratch.db?mode=memory"
}
# Digests that CA keys signed but that no row knows. The spy writes "KEY-ID DIGEST"; proofs of the keys at
# start are signatures over something that is no certificate, so lines from readiness to the kill count.
unknown_signatures() { # FIRST-LINE LAST-LINE
	sql "SELECT lower(hex(key_id)) FROM cas WHERE profile LIKE '%sub%' OR profile LIKE '%root%'" | sort >"$work/ca-keys"
	sed -n "$1,$2p" "$signatures" | sort | join - "$work/ca-keys" | awk '{ print $2 }' | sort -u >"$work/signed"
	sql "SELECT lower(hex(tbs_hash)) FROM cert_info" | sort -u >"$work/known"
	comm -23 "$work/signed" "$work/known" | sed 's/^/signed, but not in the store: /'
}

for run in $(seq "$runs"); do
	fault=''
	if [ $((run % 2)) = 0 ]; then
		fault=${points[$((run / 2 % ${#points[@]}))]}
		# the proofs of the keys at start commit too: the store is struck later
		if [[ $fault = db-* ]]; then fault=$fault:kill:$((RANDOM % 60 + 40)); else fault=$fault:kill:$((RANDOM % 40 + 5)); fi
	fi
	start "$fault" || {
		echo "run $run: the daemon does not start"
		tail -n 3 "$work/daemon.log"
		exit 1
	}
	first=$(($(wc -l <"$signatures") + 1))
	"$build/tests/bench/load" --mode mixed --connections 16 --seconds 4 --log "$work/ack" >"$work/load" 2>&1 &
	loader=$!
	if [ -z "$fault" ]; then
		# until the load really runs, then a random moment
		for _ in $(seq 100); do [ "$(wc -l <"$signatures")" -gt $((first + 20)) ] && break; sleep 0.02; done
		sleep "0.$((RANDOM % 900 + 50))"
		kill -KILL "$daemon"
	fi
	wait "$daemon" 2>/dev/null
	rc=$?
	daemon=''
	wait "$loader" 2>/dev/null
	loader=''
	[ $rc = 137 ] || {
		echo "run $run: the daemon ended with status $rc instead of being killed (${fault:-random})"
		bad=$((bad + 1))
	}
	touch "$work/ack"
	last=$(wc -l <"$signatures")
	intents=$(sql "SELECT count(*) FROM cert_status WHERE state = 0")
	acked=$(wc -l <"$work/ack")
	issued=$(sql "SELECT count(*) FROM cert_status s JOIN cert_info i ON i.cert_id = s.id WHERE s.state = 1 AND s.status = 0 AND i.profile IN ('secc-leaf', 'contract-leaf')")
	unanswered=$((issued - acked - ${left_over:-0}))
	[ "$intents" = 0 ] || hit_intent=$((hit_intent + 1))
	[ $unanswered -le 0 ] || hit_reply=$((hit_reply + 1))
	start || exit 1
	# the reconciler's turn: one second old, every second
	for _ in $(seq 60); do
		[ "$(sql "SELECT count(*) FROM cert_status WHERE state = 0 OR (state = 1 AND claimed = 0 AND status = 0)")" = 0 ] && break
		sleep 0.1
	done
	open=$(sql "SELECT count(*) FROM cert_status WHERE state = 0 OR (state = 1 AND claimed = 0 AND status = 0)")
	{
		missing
		unknown_signatures "$first" "$last"
		[ "$open" = 0 ] || echo "the reconciler left $open open"
		[ "$(sql 'PRAGMA quick_check')" = ok ] || echo "the store is damaged"
	} >"$work/wrong"
	# claimed, durable, but the answer never went out: they stay
	left_over=$(($(sql "SELECT count(*) FROM cert_status s JOIN cert_info i ON i.cert_id = s.id WHERE s.state = 1 AND s.status = 0 AND i.profile IN ('secc-leaf', 'contract-leaf')") - acked))
	printf 'run %d: %s; %s acknowledged so far, %s intents without certificate, %s certificates without reply\n' \
		"$run" "${fault:-random moment}" "$acked" "$intents" "$unanswered"
	if [ -s "$work/wrong" ]; then
		bad=$((bad + 1))
		head -n 5 "$work/wrong"
	fi
	kill -TERM "$daemon" && wait "$daemon"
	daemon=''
done
echo "figure: $runs kills, $hit_intent hit an intent without certificate, $hit_reply a certificate without reply, $bad left something wrong"
acked=$(wc -l <"$work/ack")
[ "$acked" -gt $((runs * 10)) ] || {
	echo "too little was acknowledged ($acked) for this to mean anything"
	bad=$((bad + 1))
}
if [ "$runs" -ge 50 ] && { [ "$hit_intent" -lt 5 ] || [ "$hit_reply" -lt 5 ]; }; then
	echo "too few kills hit an open intent (5) or an unanswered certificate (5)"
	bad=$((bad + 1))
fi
[ $bad = 0 ]
