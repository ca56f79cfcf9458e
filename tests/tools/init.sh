#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# v2gpki init on real SoftHSM and SQLite: once, twice, over budget, contradicted, killed at every point.
# Usage: init.sh V2GPKI
set -u
v2gpki=$1
dir=$(mktemp -d /tmp/v2gpki-init-XXXXXX)
trap 'rm -rf "$dir"' EXIT
unset V2GPKI_HOME SOFTHSM2_CONF V2GPKI_FAULT V2GPKI_TEST_CLOCK
failed=0
OBJECTS=29 # 14 key pairs and the token's own file

ok() { # WHAT STATUS
	if [ "$2" -eq 0 ]; then echo "ok: $1"; else echo "FAILED: $1"; failed=$((failed + 1)); fi
}

status() { # EXPECTED COMMAND...
	want=$1
	shift
	"$@" >"$dir/out" 2>"$dir/err"
	got=$?
	[ "$got" -eq "$want" ] || { echo "status $got instead of $want: $*"; cat "$dir/out" "$dir/err"; return 1; }
}

verify() { # HOME
	p=$1/pki
	for chain in "v2g-root cpo-sub1 cpo-sub2" "v2g-root cps-sub1 cps-leaf cps-sub2" \
		"mo-root mo-sub1 mo-sub2" "oem-root oem-sub1 oem-sub2"; do
		# shellcheck disable=SC2086
		set -- $chain
		openssl verify -x509_strict -CAfile "$p/$1.pem" -untrusted "$p/$2.pem" \
			-untrusted "$p/${4:-$3}.pem" "$p/$3.pem" >/dev/null 2>&1 || return 1
	done
	openssl verify -x509_strict -purpose sslserver -CAfile "${p%/pki}/ca.pem" "${p%/pki}/tls.pem" \
		>/dev/null 2>&1 &&
		openssl verify -x509_strict -purpose sslclient -CAfile "${p%/pki}/ca.pem" \
			"${p%/pki}/admin.pem" >/dev/null 2>&1
}

all_there() { # HOME: all there, one key pair per CA, and a further run finds nothing to do
	status 0 "$v2gpki" init --home "$1" || return 1
	if grep -q ' made$' "$dir/out"; then cat "$dir/out"; return 1; fi
	n=$(find "$1/tokens" -name '*.object' | wc -l)
	[ "$n" -eq "$OBJECTS" ] || { echo "$n objects in the token instead of $OBJECTS"; return 1; }
	verify "$1"
}

status 0 "$v2gpki" init --home "$dir/a"
ok "init makes a deployment" $?
grep -q 'of 3390 bytes' "$dir/out"
ok "init prints the size of a bundle" $?
all_there "$dir/a"
ok "a second run finds everything there" $?
[ "$(stat -c %a "$dir/a/pin" "$dir/a/admin.key" "$dir/a/tls.key" "$dir/a/deployment.key" | sort -u)" = 600 ]
ok "secrets are readable by their owner only" $?
for f in cpo-sub1 cps-leaf mo-sub2 oem-sub2; do
	openssl x509 -in "$dir/a/pki/$f.pem" -noout -ext certificatePolicies,authorityInfoAccess 2>/dev/null |
		grep -c -e 'Policy: 2.999.15118' -e 'OCSP - URI:http://127.0.0.1:8080/ocsp' | grep -qx 2
	ok "$f carries policy OID and AIA" $?
done

status 3 "$v2gpki" init --home "$dir/a" --name another && grep -q 'certificates carry it' "$dir/err"
ok "a name that contradicts the configuration is refused" $?
status 3 "$v2gpki" init --home "$dir/b" --name 'An organisation with a long name' &&
	grep -q '3521 of 3390' "$dir/out" && grep -q bundle.too-large "$dir/err" && [ ! -e "$dir/b" ]
ok "names over the size budget are refused with the sum, before anything is made" $?
full="--name v2g.pkis --country DE" # names of the budget's full length (spec/iso15118 A.5)
# shellcheck disable=SC2086
status 0 "$v2gpki" init --home "$dir/b" $full --dry-run && grep -q '3389 of 3390' "$dir/out" &&
	status 3 "$v2gpki" init --home "$dir/b" $full --ocsp-url http://127.0.0.1:8080/ocsp2 && grep -q '3395 of 3390' "$dir/out"
ok "one character more than the budget is refused" $?
status 3 "$v2gpki" init --home "$dir/b" --policy-oid 1.2.x && [ ! -e "$dir/b" ]
ok "a policy OID that is none is refused before anything is made" $?
status 3 "$v2gpki" init --home "$dir/b" --port 70000 && [ ! -e "$dir/b" ]
ok "a port that is none is refused before anything is made" $?
status 0 "$v2gpki" init --home "$dir/b" --dry-run && [ ! -e "$dir/b" ]
ok "a dry run makes nothing" $?
status 2 "$v2gpki" init --home "$dir/b" surplus
ok "an argument is a fault of usage" $?
status 0 "$v2gpki" init --home "$dir/b" --name 'An organisation with a long name' --allow-large \
	--public-url https://pki.example.org:8443/ --country DE && grep -q 'OCPP 2.0.1' "$dir/err"
ok "--allow-large makes it and warns" $?
openssl x509 -in "$dir/b/tls.pem" -noout -ext subjectAltName | grep -q DNS:pki.example.org
ok "the host of the public URL is in the TLS certificate" $?
all_there "$dir/b"
ok "it stays allowed" $?

# --- tokens
conf=$dir/a/v2gpkid.conf
status 0 "$v2gpki" token list -c "$conf" && grep -q '^main  label:v2gpki  yes' "$dir/out"
ok "token list" $?
status 0 "$v2gpki" token check -c "$conf" && grep -q 'P-256 signatures' "$dir/out"
ok "token check tells the speed" $?
status 4 "$v2gpki" token check none -c "$conf"
ok "an unknown token is not found" $?
status 3 "$v2gpki" token init -c "$conf" --so-pin-file "$dir/a/so-pin" && grep -q token.key-exists "$dir/err"
ok "a token that is there is not made again" $?
status 2 "$v2gpki" token init -c "$conf"
ok "token init wants the file of the SO PIN" $?
status 2 "$v2gpki" token check --module /none
ok "--module wants --slot" $?
status 5 "$v2gpki" token check --module /none --slot id:0
ok "a module that is not there means try later" $?

printf '# mine\n' >>"$dir/b/v2gpkid.conf"
status 0 "$v2gpki" init --home "$dir/b" --port 9443 --admin-port 9444 --public-url https://other.example.org:9443 &&
	grep -q 'participant_port: 9443' "$dir/b/v2gpkid.conf" && grep -q '^# mine' "$dir/b/v2gpkid.conf" &&
	[ "$(grep -c _port: "$dir/b/v2gpkid.conf")" -eq 2 ]
ok "ports and the public URL move" $?
openssl x509 -in "$dir/b/tls.pem" -noout -ext subjectAltName | grep -q DNS:other.example.org
ok "a host that moved gets a TLS certificate of its own" $?
all_there "$dir/b"
ok "and then there is nothing to do" $?

flock "$dir/a/store.db.lock" "$v2gpki" init --home "$dir/a" >/dev/null 2>"$dir/err"
[ $? -eq 5 ]
ok "a store in use is left alone" $?

# Killed at a point, run again: complete, and no key twice.

cp -a "$dir/a" "$dir/c"
sed -i "s#$dir/a/#$dir/c/#" "$dir/c/softhsm2.conf"
old=$(openssl x509 -in "$dir/c/tls.pem" -noout -serial)
V2GPKI_TEST_CLOCK=+5270400 status 0 "$v2gpki" init --home "$dir/c" # 61 of 90 days
[ "$old" != "$(openssl x509 -in "$dir/c/tls.pem" -noout -serial)" ]
ok "a TLS certificate about to expire is renewed" $?

points="init.token-made:kill init.ca-made:kill:1 init.ca-made:kill:7 init.ca-made:kill:14
	init.root-published:kill:1 init.root-published:kill:3 init.key-made:kill:1 init.key-made:kill:2
	init.cert-issued:kill:1 init.cert-issued:kill:2 init.admin-made:kill
	ceremony-after-row:kill:3 ceremony-after-key:kill:3 ceremony-after-certificate:kill:3
	ceremony-after-store:kill:13
	issue-after-intent:kill:5 issue-after-sign:kill:9 issue-after-commit:kill:15
	db-migrate:kill:1 db-before-commit:kill:20 db-after-commit:kill:30"
i=0
while [ $((i += 1)) -le 12 ]; do points="$points init.step:kill:$i"; done
# Sanitizer builds take a few: what a kill leaves is the same for them.
[ -z "${V2GPKI_SHORT:-}" ] || points="init.ca-made:kill:7 ceremony-after-key:kill:3
	issue-after-sign:kill:9 db-after-commit:kill:30"
for point in $points; do
	rm -rf "$dir/k"
	V2GPKI_FAULT=$point "$v2gpki" init --home "$dir/k" >/dev/null 2>&1
	if [ $? -ne 137 ]; then
		ok "$point kills" 1
		continue
	fi
	status 0 "$v2gpki" init --home "$dir/k" && all_there "$dir/k"
	ok "killed at $point, the next run completes" $?
done
exit "$((failed > 0))"
