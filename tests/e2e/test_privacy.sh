# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# I-41: after the story no log, audit row or event holds a PCID or EMAID of it in clear, in any spelling.
story_ids() {
	ls "$V2GPKI_VEHICLES" | sed -n 's/\.chain\.pem$//p'
	v2gpki contract list --json | jq -r '.. | .emaid? // empty' | cut -c1-14
}
no_ids_in() { # FILE…
	local id
	[ "$(story_ids | wc -l)" -ge 5 ] || {
		echo "too few identifiers to look for"
		return 1
	}
	for id in $(story_ids); do
		if grep -aqi -- "$id" "$@"; then
			echo "an identifier of the story stands in: $(grep -ail -- "$id" "$@" | tr '\n' ' ')"
			return 1
		fi
	done
}
dump_tables() {
	local db
	db=$V2GPKI_HOME/store.db
	for t in audit outbox; do
		sqlite3 -readonly "$db" "SELECT * FROM $t" >"$E2E_WORK/dump.$t"
		sqlite3 -readonly "$db" ".dump $t" >>"$E2E_WORK/dump.$t"
		[ -s "$E2E_WORK/dump.$t" ] || return 1
	done
}
metrics_and_health() { curl -fs "$V2GPKI_PLAIN_URL/healthz" "$V2GPKI_PLAIN_URL/readyz" >"$E2E_WORK/health"; }
check "tables of audit and events are read" dump_tables
check "health answers" metrics_and_health
check "no PCID and no EMAID in logs, health, audit rows and events" no_ids_in "$V2GPKI_HOME/v2gpkid.log" "$E2E_DAEMON_LOG" "$E2E_WORK/health" \
	"$E2E_WORK/dump.audit" "$E2E_WORK/dump.outbox"
