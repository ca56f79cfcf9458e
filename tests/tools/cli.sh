#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command table and exit statuses that need no daemon.
# Usage: cli.sh V2GPKI V2GPKID SOURCE_ROOT
set -u
v2gpki=$1 v2gpkid=$2 root=$3
dir=$(mktemp -d /tmp/v2gpki-cli-XXXXXX)
trap 'rm -rf "$dir"' EXIT
unset V2GPKI_ADMIN_URL V2GPKI_CA V2GPKI_CERT V2GPKI_KEY V2GPKI_ID V2GPKI_SECRET V2GPKI_HOME
failed=0

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

names() { # the commands of the help text on standard input
	sed -n 's/^  \([a-z]*\)  *[a-zA-Z].*/\1/p'
}

status 0 "$v2gpki" --help && [ ! -s "$dir/err" ]
ok "help goes to standard output" $?
commands=$(names <"$dir/out")
[ -n "$commands" ]
ok "help lists commands" $?
status 2 "$v2gpki" && [ ! -s "$dir/out" ]
ok "no command is a fault of usage" $?
status 2 "$v2gpki" nonesuch && grep -q nonesuch "$dir/err"
ok "an unknown command is named" $?
status 0 "$v2gpki" --version && grep -q '^v2gpki [0-9]' "$dir/out"
ok "the version is printed" $?

for c in $commands; do
	[ -f "$root/doc/man/v2gpki-$c.1" ]
	ok "$c has a manual page" $?
	grep -q "v2gpki-$c 1" "$root/doc/man/v2gpki.1"
	ok "v2gpki(1) names $c" $?
	status 0 "$v2gpki" "$c" --help && grep -q '^usage: v2gpki '"$c" "$dir/out"
	ok "$c --help tells the usage" $?
	for s in $(names <"$dir/out"); do
		status 0 "$v2gpki" "$c" "$s" --help && grep -q "^usage: v2gpki $c $s" "$dir/out"
		ok "$c $s --help tells the usage" $?
		grep -q "^\.\(Ss\|It\|Nm\|Cm\).* $s" "$root/doc/man/v2gpki-$c.1"
		ok "v2gpki-$c(1) describes $s" $?
		status 2 "$v2gpki" "$c" "$s" --nonesuch
		ok "$c $s refuses an unknown option" $?
		sed -n 's/^ *\(-., \|\)--\([a-z-]*\).*/\2/p' "$dir/out" >/dev/null
	done
done

for c in "ca list" "client list" "status" "cert list" "root list" "vehicle list" "contract list"; do
	# shellcheck disable=SC2086
	status 2 "$v2gpki" $c && grep -q V2GPKI_ADMIN_URL "$dir/err"
	ok "$c without an admin URL is a fault of usage" $?
done
status 2 "$v2gpki" ca list --url https://127.0.0.1:1 && grep -q V2GPKI_CERT "$dir/err"
ok "a call without credentials is a fault of usage" $?
status 2 "$v2gpki" ca list --url http://127.0.0.1:1 --cert x --key y && grep -q https:// "$dir/err"
ok "plain HTTP is refused" $?
touch "$dir/x"
status 5 env V2GPKI_ID=a V2GPKI_SECRET=b "$v2gpki" ca list --url https://127.0.0.1:1
ok "no daemon means try later" $?
status 2 "$v2gpki" ca show
ok "a missing argument is a fault of usage" $?
status 2 "$v2gpki" root add "$dir/x"
ok "root add wants a type" $?
status 2 "$v2gpki" client add x
ok "client add wants roles" $?
status 2 "$v2gpki" client cert x
ok "client cert wants to know for which key" $?
status 4 "$v2gpki" root add "$dir/none" --type V2G
ok "a missing file is not found" $?
status 3 "$v2gpki" token list -c "$dir/none"
ok "a missing configuration is refused" $?
status 0 "$v2gpki" client remove somebody --dry-run && grep -q 'DELETE /admin/v1/clients/somebody' "$dir/err"
ok "a dry run tells the call" $?
"$v2gpki" client add --help | grep -qi -e '--secret ' -e '--password'
[ $? -eq 1 ]
ok "no secret is taken from the command line" $?

if [ -x "$v2gpkid" ]; then
	status 0 "$v2gpkid" --help
	ok "v2gpkid has help" $?
	status 2 "$v2gpkid" surplus
	ok "v2gpkid refuses arguments" $?
	printf 'server:\n  admin_port: 84x3\n' >"$dir/bad.conf"
	if [ "$(id -u)" -eq 0 ]; then
		status 3 "$v2gpkid" -t -c "$dir/bad.conf" && grep -q root "$dir/err"
		ok "v2gpkid refuses root" $?
		status 3 "$v2gpkid" -t -c "$dir/bad.conf" --user root
		ok "v2gpkid refuses root by name" $?
		status 3 "$v2gpkid" -t -c "$dir/bad.conf" --user nonesuch
		ok "v2gpkid refuses an unknown user" $?
		chmod 755 "$dir"
		user="--user nobody"
	else
		user=
	fi
	# shellcheck disable=SC2086
	status 3 "$v2gpkid" -t -c "$dir/bad.conf" $user && grep -q 'line 2 column 15' "$dir/err"
	ok "a fault of the configuration is told with line and column" $?
	printf 'server:\n  admin_port: 8443\n' >"$dir/good.conf"
	# shellcheck disable=SC2086
	status 0 "$v2gpkid" -t -c "$dir/good.conf" $user
	ok "a right configuration passes" $?
	# shellcheck disable=SC2086
	status 3 "$v2gpkid" -t -c "$dir/good.conf" -s server.admin_port=x $user
	ok "a wrong override is refused" $?
fi
exit "$((failed > 0))"
