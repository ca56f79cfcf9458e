#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# postgres.sh PRINTER: runs every migration and prepares every statement on a temporary PostgreSQL
# cluster, which listens on a socket in a directory of its own only. 77: no PostgreSQL here.
set -eu

bin=
for dir in /usr/lib/postgresql/*/bin; do
	[ -x "$dir/initdb" ] && bin=$dir
done
if [ -z "$bin" ]; then
	echo "skipped: no PostgreSQL server programs (Debian package postgresql)"
	exit 77
fi

# The server refuses to run as root.
as=
if [ "$(id -u)" = 0 ]; then
	user=nobody
	id postgres >/dev/null 2>&1 && user=postgres
	as="runuser -u $user --"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/v2gpgXXXXXX")
[ -z "$as" ] || chown "$user" "$work"
stop() {
	[ ! -d "$work/data" ] ||
		$as "$bin/pg_ctl" -D "$work/data" -m immediate -w stop >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap stop EXIT INT TERM

printer=$(realpath "$1")
cd "$work"
$as "$bin/initdb" -D "$work/data" -U v2gpki -A trust -E UTF8 --no-sync >/dev/null
$as "$bin/pg_ctl" -D "$work/data" -l "$work/log" -w \
	-o "-k $work -c listen_addresses='' -c fsync=off" start >/dev/null || {
	cat "$work/log"
	exit 1
}
"$printer" >"$work/sql"
$as "$bin/psql" -h "$work" -U v2gpki -d postgres -X -q -v ON_ERROR_STOP=1 -f - <"$work/sql"
