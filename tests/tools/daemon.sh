#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The daemon on loopback with SoftHSM and SQLite: start, reload, stop; the admin commands over mTLS and
# with tokens. Usage: daemon.sh V2GPKI V2GPKID
set -u
v2gpki=$1 v2gpkid=$2
dir=$(mktemp -d /tmp/v2gpki-daemon-XXXXXX)
pid=
# shellcheck disable=SC2317 # called by trap
cleanup() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
unset V2GPKI_ADMIN_URL V2GPKI_CA V2GPKI_CERT V2GPKI_KEY V2GPKI_ID V2GPKI_SECRET V2GPKI_HOME \
	V2GPKI_TOKEN_URL SOFTHSM2_CONF V2GPKI_FAULT V2GPKI_TEST_CLOCK
failed=0
home=$dir/home

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

# Sanitizers read their suppressions as the daemon's user.
case ${LSAN_OPTIONS-} in
suppressions=*)
	cp "${LSAN_OPTIONS#suppressions=}" "$dir/lsan.supp" && chmod 644 "$dir/lsan.supp"
	export LSAN_OPTIONS="suppressions=$dir/lsan.supp:print_suppressions=0"
	;;
esac

# root must not run the daemon: its files belong to nobody, who also makes them
mkdir "$home"
chmod 755 "$dir"
as=
user=
if [ "$(id -u)" -eq 0 ]; then
	chown nobody "$home"
	as="setpriv --reuid nobody --regid nogroup --clear-groups --"
	user="--user nobody"
fi
# shellcheck disable=SC2046
set -- $(python3 -c 'import socket
s = [socket.socket() for i in range(3)]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*[x.getsockname()[1] for x in s])')
port=$1 admin=$2 plain=$3

start() {
	# shellcheck disable=SC2086
	"$v2gpkid" -c "$home/v2gpkid.conf" $user "$@" 2>>"$dir/log" &
	pid=$!
	n=0
	until grep -q daemon.ready "$dir/log" || [ "$n" -ge 100 ] || ! kill -0 "$pid" 2>/dev/null; do
		sleep 0.1
		n=$((n + 1))
	done
	grep -q daemon.ready "$dir/log"
}

stop() { # SIGNAL
	kill "-$1" "$pid"
	wait "$pid" 2>/dev/null
	rc=$?
	pid=
	return "$rc"
}

logged() { # EVENT: within five seconds
	n=0
	until grep -q "event=$1" "$dir/log" || [ "$n" -ge 50 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	grep -q "event=$1" "$dir/log"
}

heard() { # STATE: within five seconds
	n=0
	until grep -q "$1" "$dir/notified" || [ "$n" -ge 50 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	grep -q "$1" "$dir/notified"
}

: >"$dir/log"
# shellcheck disable=SC2086
status 0 $as "$v2gpki" init --home "$home" --address 127.0.0.1 --port "$port" --admin-port "$admin" \
	--plain-port "$plain"
ok "init" $?

# --- start, and telling the manager
python3 -c 'import socket, sys, os
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o777); s.settimeout(900)
try:
    while True:
        print(s.recv(4096).decode().replace("\n", " "), flush=True)
except OSError: pass' "$dir/notify" >"$dir/notified" &
listener=$!
n=0
until [ -S "$dir/notify" ] || [ $((n += 1)) -gt 50 ]; do sleep 0.1; done
NOTIFY_SOCKET=$dir/notify
export NOTIFY_SOCKET
start
ok "the daemon starts" $?
heard READY=1
ok "the manager hears that it is ready" $?
[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$plain/readyz")" = 200 ]
ok "it says that it is ready" $?
if [ -n "$user" ]; then
	! grep -q '^[UG]id:.*[[:space:]]0\([[:space:]]\|$\)' "/proc/$pid/status"
	ok "it has dropped root" $?
fi
# shellcheck disable=SC2086
status 5 $as "$v2gpki" init --home "$home" && grep -q 'has the store open' "$dir/err"
ok "init leaves the store of a running daemon alone" $?
# shellcheck disable=SC2086
status 5 "$v2gpkid" -c "$home/v2gpkid.conf" $user
ok "a second daemon on the same store is refused" $?

# --- the admin routes exist on their listener only
unknown=0
for url in "https://127.0.0.1:$port" "http://127.0.0.1:$plain"; do
	for p in status audit cas certs clients roots vehicles contracts cas/v2g-root; do
		for m in GET POST DELETE; do
			a=$(curl -s -k -X $m -o "$dir/a" -w '%{http_code}' "$url/admin/v1/$p")
			b=$(curl -s -k -X $m -o "$dir/b" -w '%{http_code}' "$url/none/v1/$p")
			for f in a b; do sed -i 's/"traceId":"[^"]*"//; s/admin/none/g' "$dir/$f"; done
			if [ "$a$b" != 404404 ] || ! cmp -s "$dir/a" "$dir/b"; then unknown=1; fi
		done
	done
done
ok "admin routes are unknown to the other listeners" "$unknown"

# --- mTLS
V2GPKI_ADMIN_URL=https://127.0.0.1:$admin
V2GPKI_CA=$home/ca.pem V2GPKI_CERT=$home/admin.pem V2GPKI_KEY=$home/admin.key
if [ -n "$user" ]; then cp "$home/admin.key" "$dir/admin.key"; V2GPKI_KEY=$dir/admin.key; fi
export V2GPKI_ADMIN_URL V2GPKI_CA V2GPKI_CERT V2GPKI_KEY
status 0 "$v2gpki" status && grep -q 'store.synchronous  *2' "$dir/out" && grep -q 'cas.ready  *14' "$dir/out"
ok "status" $?
status 0 "$v2gpki" status --json && python3 -c 'import json,sys; json.load(open(sys.argv[1]))["store"]' "$dir/out"
ok "status as JSON" $?
status 0 "$v2gpki" ca list && [ "$(wc -l <"$dir/out")" -eq 15 ]
ok "ca list" $?
status 0 "$v2gpki" ca export v2g-root -o "$dir/v2g.pem" && cmp "$dir/v2g.pem" "$home/pki/v2g-root.pem"
ok "ca export" $?
status 4 "$v2gpki" ca show none && grep -q ca.unknown "$dir/err"
ok "an unknown CA is not found" $?
status 0 "$v2gpki" cert list --limit 5 && [ "$(wc -l <"$dir/out")" -eq 6 ] && grep -q 'after 5' "$dir/err"
ok "cert list in pages" $?
status 0 "$v2gpki" cert list --ca v2g-root --json && grep -q '"subject":"CPO SubCA1"' "$dir/out"
ok "cert list of one CA" $?
status 3 "$v2gpki" cert list --limit 0 && grep -q limit "$dir/err"
ok "a page of nothing is refused" $?
status 3 "$v2gpki" cert show xyz
ok "a certificate by another name is refused" $?
status 4 "$v2gpki" cert show "v2g-root:00aa"
ok "an unknown serial is not found" $?

# --- participants
status 0 "$v2gpki" client add cpo1 --name 'CPO One' --roles CPO --operators de*abc,DEXYZ --secret-file "$dir/cpo1.secret"
ok "client add" $?
[ "$(stat -c %a "$dir/cpo1.secret")" = 600 ] && [ "$(wc -c <"$dir/cpo1.secret")" -eq 44 ] &&
	! grep -q "$(cat "$dir/cpo1.secret")" "$dir/out"
ok "the secret goes to its file alone" $?
grep -q 'DEABC,DEXYZ' "$dir/out"
ok "prefixes are normalised" $?
status 3 "$v2gpki" client add cpo1 --roles CPO && grep -q participant.exists "$dir/err"
ok "a participant that exists is refused" $?
status 3 "$v2gpki" client add x --roles KING && grep -q KING "$dir/err"
ok "an unknown role is refused" $?
status 3 "$v2gpki" client add x --roles OEM --wmi WV
ok "a WMI of two characters is refused" $?
status 3 "$v2gpki" client add 'a/b' --roles OEM
ok "an id with a slash is refused" $?
status 3 "$v2gpki" client add system --roles ADMIN
ok "our own names are refused" $?
status 0 "$v2gpki" client add aud --roles AUDITOR --secret-file "$dir/aud.secret"
ok "an auditor" $?
status 0 "$v2gpki" client add ops --roles OPERATOR --no-secret && ! grep -q secret "$dir/out"
ok "a client without a secret" $?
status 0 "$v2gpki" client cert ops --key-out "$dir/ops.key" -o "$dir/ops.pem" &&
	openssl verify -purpose sslclient -CAfile "$home/ca.pem" "$dir/ops.pem" >/dev/null
ok "client cert makes key and certificate" $?
status 3 "$v2gpki" client cert ops --key-out "$dir/ops.key"
ok "a key that is there is not overwritten" $?
status 0 "$v2gpki" client list --cert "$dir/ops.pem" --key "$dir/ops.key"
ok "the operator reads with it" $?
status 3 "$v2gpki" client add y --roles ADMIN --cert "$dir/ops.pem" --key "$dir/ops.key" && grep -q access.role "$dir/err"
ok "the operator makes no administrator" $?
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/c.key" -subj /CN=admin -out "$dir/c.csr" 2>/dev/null
status 0 "$v2gpki" client cert cpo1 --csr "$dir/c.csr" -o "$dir/c.pem" &&
	openssl x509 -in "$dir/c.pem" -noout -subject | grep -q 'CN = cpo1'
ok "the name in a CSR does not count" $?
status 3 "$v2gpki" client list --cert "$dir/c.pem" --key "$dir/c.key" && grep -q access.role "$dir/err"
ok "a CPO has no business here" $?
openssl req -newkey rsa:2048 -nodes -keyout "$dir/r.key" -subj /CN=x -out "$dir/r.csr" 2>/dev/null
status 3 "$v2gpki" client cert cpo1 --csr "$dir/r.csr" && grep -q csr.key "$dir/err"
ok "an RSA key is refused" $?
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/f.key" -subj /CN=foreign \
	-days 10 -out "$dir/f.pem" 2>/dev/null
status 3 "$v2gpki" client list --cert "$dir/f.pem" --key "$dir/f.key"
ok "a foreign certificate is refused" $?
status 0 "$v2gpki" client cert aud --register "$dir/f.pem" && grep -q 'credentials.kind  *certificate' "$dir/out"
ok "a foreign certificate is registered" $?
status 0 "$v2gpki" client list --cert "$dir/f.pem" --key "$dir/f.key"
ok "and then lets its owner in" $?

# --- id and secret
(
	unset V2GPKI_CERT V2GPKI_KEY
	V2GPKI_ID=aud V2GPKI_SECRET=$(cat "$dir/aud.secret")
	export V2GPKI_ID V2GPKI_SECRET
	status 0 "$v2gpki" root list && grep -q V2G "$dir/out" &&
		status 0 env V2GPKI_TOKEN_URL="https://127.0.0.1:$port/oauth/token" "$v2gpki" root list &&
		status 3 "$v2gpki" root remove 00000000-0000-0000-0000-000000000000 &&
		status 3 env V2GPKI_SECRET=wrong "$v2gpki" root list
)
ok "an auditor reads with id and secret, and writes nothing" $?
as_cpo() { # CODE SECRET-FILE: what a CPO is told, whom the role keeps out but the secret lets in
	status 3 env -u V2GPKI_CERT V2GPKI_ID=cpo1 V2GPKI_SECRET="$(cat "$2")" "$v2gpki" ca list && grep -q "($1)" "$dir/err"
}
as_cpo access.role "$dir/cpo1.secret" && # remembered from now on
	status 0 "$v2gpki" client secret cpo1 --secret-file "$dir/cpo2.secret" &&
	as_cpo auth.credential "$dir/cpo1.secret" && as_cpo access.role "$dir/cpo2.secret"
ok "a fresh secret replaces the old one at once, remembered or not" $?
status 0 "$v2gpki" client secret cpo1 --basic --user station && grep -q '^secret  *[A-Za-z0-9_-]\{43\}$' "$dir/out"
ok "a password for HTTP Basic is shown once" $?
status 3 "$v2gpki" client secret aud --basic --user station
ok "a user name of somebody else is refused" $?
status 3 "$v2gpki" client secret aud --basic --user a:b
ok "a user name with a colon is refused" $?
status 0 "$v2gpki" client show cpo1 && grep -q 'credentials.kind  *basic' "$dir/out" && ! grep -q '^secret ' "$dir/out"
ok "client show shows no secret" $?

# --- disable, enable, remove
status 0 "$v2gpki" client disable aud && sleep 5.2 &&
	status 3 env -u V2GPKI_CERT V2GPKI_ID=aud V2GPKI_SECRET="$(cat "$dir/aud.secret")" "$v2gpki" ca list &&
	status 3 "$v2gpki" ca list --cert "$dir/f.pem" --key "$dir/f.key"
ok "a disabled participant is out" $?
status 0 "$v2gpki" client enable aud && sleep 5.2 && status 0 "$v2gpki" ca list --cert "$dir/f.pem" --key "$dir/f.key"
ok "and in again when it is enabled" $?
status 3 "$v2gpki" client disable admin
ok "nobody disables himself" $?
status 0 "$v2gpki" client remove ops && status 4 "$v2gpki" client show ops && grep -q participant.unknown "$dir/err"
ok "client remove" $?
status 0 "$v2gpki" cert list --participant ops && grep -q revoked "$dir/out"
ok "its TLS certificate is revoked" $?
status 0 "$v2gpki" client add ops --roles ADMIN --no-secret && sleep 5.2 &&
	status 3 "$v2gpki" ca list --cert "$dir/ops.pem" --key "$dir/ops.key"
ok "a new participant of the same id does not get it back" $?

# --- certificates and roots
serial=$(openssl x509 -in "$dir/c.pem" -noout -serial | sed 's/serial=//')
status 0 "$v2gpki" cert revoke "service-root:$serial" --reason superseded && grep -q 'reason  *superseded' "$dir/out"
ok "cert revoke" $?
status 3 "$v2gpki" cert revoke "service-root:$serial" --reason certificateHold
ok "a revocation is not for a while" $?
sha=$(openssl x509 -in "$dir/c.pem" -outform DER | sha256sum | cut -d' ' -f1)
status 0 "$v2gpki" cert show "$sha" && grep -q 'state  *revoked' "$dir/out"
ok "cert show by fingerprint" $?
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/o.key" -subj '/O=x/CN=OEM x' \
	-days 9999 -out "$dir/o.pem" -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
status 0 "$v2gpki" root add "$dir/o.pem" --type OEM && id=$(awk '$1 == "id" {print $2}' "$dir/out")
ok "root add" $?
status 0 "$v2gpki" root list --type OEM && grep -q 'OEM x' "$dir/out" && ! grep -q 'V2G Root' "$dir/out"
ok "root list by type" $?
status 0 "$v2gpki" root show "$id"
ok "root show" $?
status 3 "$v2gpki" root add "$dir/o.pem" --type KING
ok "a root of another type is refused" $?
printf 'nothing' >"$dir/nothing"
status 3 "$v2gpki" root add "$dir/nothing" --type OEM
ok "a root that is no certificate is refused" $?
status 0 "$v2gpki" root remove "$id" && status 4 "$v2gpki" root show "$id"
ok "root remove" $?
# --- vehicles and contracts, made by their participants
deploy=$(dirname "$0")/../../deploy
pcid=WVA00000000000001
{
	"$deploy/mint-pki.sh" "$dir/oem" 'Test OEM' OEM &&
		"$deploy/mint-vehicle.sh" "$dir/oem/sub2.pem" "$dir/oem/sub2.key" "$pcid" "$dir/car"
} >/dev/null 2>&1
status 0 "$v2gpki" root add "$dir/oem/root.pem" --type OEM &&
	status 0 "$v2gpki" client add oem1 --roles OEM --wmi WVA --no-secret &&
	status 0 "$v2gpki" client cert oem1 --key-out "$dir/oem1.key" -o "$dir/oem1.pem" &&
	status 0 "$v2gpki" client add mo1 --roles MO_HUBJECT_PKI --providers DEXYZ --no-secret &&
	status 0 "$v2gpki" client cert mo1 --key-out "$dir/mo1.key" -o "$dir/mo1.pem"
ok "an OEM and an MO" $?
der() { openssl x509 -in "$1" -outform DER | base64 -w0; }
put() { # CLIENT PATH BODY: prints the status
	curl -s --cacert "$V2GPKI_CA" --cert "$dir/$1.pem" --key "$dir/$1.key" -o "$dir/body" -w '%{http_code}' -X PUT \
		-H 'Content-Type: application/json' -d "$3" "https://127.0.0.1:$port$2"
}
[ "$(put oem1 /v1/oem/provCerts "{\"vehicleCertificate\":\"$(der "$dir/car.pem")\",
	\"subCA2Certificate\":\"$(der "$dir/oem/sub2.pem")\",\"subCA1Certificate\":\"$(der "$dir/oem/sub1.pem")\"}")" = 200 ]
ok "the OEM publishes a car" $?
[ "$(put mo1 /v1/cps/generate/signedContractData "{\"emaid\":\"DEXYZC000000015\",\"pcid\":\"$pcid\",
	\"contractBegins\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\",
	\"contractEnds\":\"$(date -u -d '+1 year' +%Y-%m-%dT%H:%M:%SZ)\",
	\"xsdMsgDefNamespace\":\"urn:iso:15118:2:2013:MsgDef\"}")" = 201 ]
ok "the MO orders a contract" $?
status 0 "$v2gpki" vehicle list && grep -q "^$pcid  *oem1  *ISO15118-2" "$dir/out"
ok "vehicle list" $?
status 0 "$v2gpki" vehicle list --after "$pcid" && [ "$(wc -l <"$dir/out")" -eq 1 ]
ok "vehicle list behind the last" $?
status 0 "$v2gpki" vehicle show "$pcid" && grep -q "vehicleCertificate  *$(der "$dir/car.pem" | cut -c1-60)" "$dir/out"
ok "vehicle show" $?
status 0 "$v2gpki" contract list && grep -q "^DEXYZC000000015  *$pcid  *mo1" "$dir/out"
ok "contract list" $?
status 0 "$v2gpki" contract show DE-XYZ-C00000001-5 --json && grep -q '"ours":true' "$dir/out"
ok "contract show by any spelling" $?
status 0 "$v2gpki" cert list --participant mo1 --ca mo-sub2 && grep -q 'issued.*DEXYZC000000015' "$dir/out"
ok "its certificate is in the list" $?
status 0 "$v2gpki" contract remove DEXYZC000000015 --dry-run && status 0 "$v2gpki" contract show DEXYZC000000015
ok "a dry run removes nothing" $?
status 0 "$v2gpki" contract remove DEXYZC000000015 && status 4 "$v2gpki" contract show DEXYZC000000015
ok "contract remove" $?
status 0 "$v2gpki" cert list --participant mo1 --ca mo-sub2 && grep -q 'revoked.*DEXYZC000000015' "$dir/out"
ok "and its certificate is revoked" $?
! grep -e "$pcid" -e DEXYZC000000015 "$dir/log"
ok "the log has neither PCID nor EMAID" $?
status 4 "$v2gpki" vehicle show WVA12345678901234
ok "an unknown vehicle is not found" $?
status 4 "$v2gpki" contract show DEXYZC123456789
ok "an unknown contract is not found" $?
status 4 "$v2gpki" contract remove DEXYZC123456789
ok "an unknown contract is not removed" $?
curl -s --cacert "$V2GPKI_CA" --cert "$V2GPKI_CERT" --key "$V2GPKI_KEY" "$V2GPKI_ADMIN_URL/admin/v1/audit?limit=500" >"$dir/audit"
for action in participant.created participant.disabled participant.enabled participant.deleted credential.created; do
	grep -q "\"actor\":\"admin\",\"action\":\"$action\"" "$dir/audit"
	ok "$action is in the audit trail" $?
done

# --- reload
printf 'log:\n  level: debug\nstore:\n  readers: 5\n' >>"$home/v2gpkid.conf"
kill -HUP "$pid"
logged reload.done
ok "SIGHUP reloads" $?
grep -q 'reload.needs-restart item=store.readers' "$dir/log"
ok "items that need a restart are named" $?
sed -i '/^store:/,$d' "$home/v2gpkid.conf"
printf 'colour: red\n' >>"$home/v2gpkid.conf"
kill -HUP "$pid"
logged reload.failed && status 0 "$v2gpki" status
ok "a broken configuration leaves the old one in force" $?
sed -i '/^colour/d' "$home/v2gpkid.conf"
heard RELOADING=1
ok "the manager hears of a reload" $?

# --- stop
stop TERM
ok "SIGTERM ends it with status 0" $?
heard STOPPING=1
ok "the manager hears that it stops" $?
kill "$listener" 2>/dev/null
unset NOTIFY_SOCKET
status 5 "$v2gpki" status
ok "a daemon that is not there means try later" $?
: >"$dir/log"
start -s log.level=info && stop INT
ok "it starts again, and SIGINT ends it too" $?
: >"$dir/log"
start && stop KILL
: >"$dir/log"
start && stop TERM
ok "it starts after kill -9" $?

# --- what it refuses at the start
# shellcheck disable=SC2086
refuse() { status "$1" "$v2gpkid" -c "$home/v2gpkid.conf" $user -s "$2"; }
refuse 1 "privacy.key_file=$dir/none"
ok "no deployment key, no start" $?
refuse 3 "tls.cert=$dir/none"
ok "no TLS certificate, no start" $?
[ "$failed" -eq 0 ] || tail -n 20 "$dir/log"
exit "$((failed > 0))"
