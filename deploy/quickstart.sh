#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole of Plug & Charge on one machine: installs what is needed from Debian 12, builds v2gpki, makes
# a SoftHSM token, a store, a complete PKI and example participants under $V2GPKI_HOME (default ./run),
# starts the daemon on loopback and plays the story. It can be run again on what it left.
#   --serve            leave the daemon in the foreground after the story
#   --no-story         set up (and serve) only
#   --port N           participants' HTTPS port (default 8443); the admin port is N+1
#   --plain-port N     port of OCSP, CRL, health (default 8080)
#   --ocsp-url URL     what certificates carry (default http://127.0.0.1:8080/ocsp)
#   --reinit           throw $V2GPKI_HOME away first
#   --postgres URL     use PostgreSQL (not in this version: exit status 2)
#   --build-dir DIR    use this build instead of making one
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
umask 027

serve=no story=yes port=8443 plain=8080 ocsp_url='' reinit=no build=''
usage() { sed -n '6,13s/^# \{0,1\}//p' "$0"; }
while [ $# -gt 0 ]; do
	case $1 in
	--serve) serve=yes ;;
	--no-story) story=no ;;
	--port) port=${2:?} && shift ;;
	--plain-port) plain=${2:?} && shift ;;
	--ocsp-url) ocsp_url=${2:?} && shift ;;
	--reinit) reinit=yes ;;
	--build-dir) build=${2:?} && shift ;;
	--postgres)
		echo "quickstart: this version stores in SQLite only; --postgres is not available" >&2
		exit 2
		;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
	shift
done
[[ $port =~ ^[1-9][0-9]{0,4}$ && $plain =~ ^[1-9][0-9]{0,4}$ ]] || {
	echo "quickstart: a port is a number" >&2
	exit 2
}
home=${V2GPKI_HOME:-$top/run}
[[ $home = /* ]] || home=$PWD/$home
say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

# --- packages ---------------------------------------------------------------------------------------
packages="meson ninja-build pkg-config gcc libc6-dev python3 libssl-dev libmicrohttpd-dev libgnutls28-dev
 libsqlite3-dev libp11-kit-dev libjansson-dev libyaml-dev libcurl4-openssl-dev libjose-dev
 softhsm2 openssl ca-certificates curl jq procps util-linux passwd"
missing=()
for p in $packages; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
	say "Installing from Debian: ${missing[*]}"
	[ "$(id -u)" = 0 ] || {
		echo "quickstart: run as root once, or install these packages" >&2
		exit 1
	}
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
		</dev/null >/dev/null
fi

# --- build ------------------------------------------------------------------------------------------
if [ -z "$build" ]; then
	build=$top/build-quickstart
	say "Building"
	[ -e "$build/build.ninja" ] || meson setup "$build" -Dbuildtype=release -Dtests=false >/dev/null
	ninja -C "$build" | tail -n 1
fi

# --- home and system user ---------------------------------------------------------------------------
# The daemon's user has to reach its home. A checkout below a closed folder (/root) gets its home under
# /var/lib and a link to it.
reachable() { "${as[@]}" test -x "$1" && "${as[@]}" test -w "$1"; }
as=()
if [ $reinit = yes ] && [ -e "$home" ]; then
	[ -e "$home/v2gpkid.conf" ] || [ -z "$(ls -A "$home")" ] || {
		echo "quickstart: $home is no home of v2gpki: --reinit leaves it alone" >&2
		exit 2
	}
	rm -rf "${home:?}/"
fi
if [ "$(id -u)" = 0 ]; then
	id -u v2gpki >/dev/null 2>&1 || useradd --system --home-dir /nonexistent --no-create-home \
		--shell /usr/sbin/nologin v2gpki
	as=(setpriv --reuid v2gpki --regid v2gpki --clear-groups --)
	[ -L "$home" ] || install -d -o v2gpki -g v2gpki -m 0750 "$home"
	if [ ! -L "$home" ] && ! reachable "$home"; then
		real=/var/lib/v2gpki/$(printf %s "$home" | sha256sum | cut -c1-12)
		echo "quickstart: the user v2gpki cannot reach $home: it becomes a link to $real"
		install -d -m 0755 /var/lib/v2gpki
		rmdir "$home"
		ln -s "$real" "$home"
	fi
	[ ! -L "$home" ] || install -d -o v2gpki -g v2gpki -m 0750 "$(readlink -m "$home")"
	home=$(readlink -f "$home")
	reachable "$home" || {
		echo "quickstart: the user v2gpki cannot reach $home: choose another V2GPKI_HOME" >&2
		exit 1
	}
else
	mkdir -p "$home"
	home=$(readlink -f "$home")
fi
if [ -e "$home/plain-port" ] && [ "$(cat "$home/plain-port")" != "$plain" ]; then
	echo "quickstart: the certificates of $home name plain port $(cat "$home/plain-port"): use --reinit to move it" >&2
	exit 2
fi
# Programs of this build, where the daemon's user can run them.
install -d -m 0755 "$home/bin"
install -m 0755 "$build/tools/v2gpki" "$build/tools/v2gpkid" "$home/bin/"
export PATH=$home/bin:$PATH

say "Initialising $home"
ocsp_url=${ocsp_url:-http://127.0.0.1:$plain/ocsp}
# Six certificates have to fit a bundle (the size budget, which init prints): a longer URL, a shorter name.
name=Plug2Pay
[ ${#ocsp_url} -le 26 ] || name=P2P
"${as[@]}" "$home/bin/v2gpki" init --home "$home" --name "$name" --country DE --address 127.0.0.1 \
	--public-url "https://127.0.0.1:$port" --port "$port" --admin-port $((port + 1)) --plain-port "$plain" \
	--ocsp-url "$ocsp_url" --crl-base "http://127.0.0.1:$plain/crl/"
echo "$plain" | "${as[@]}" tee "$home/plain-port" >/dev/null

# --- daemon -----------------------------------------------------------------------------------------
say "Starting v2gpkid on 127.0.0.1:$port (participants), $((port + 1)) (operators), $plain (plain)"
user=()
[ "$(id -u)" != 0 ] || user=(--user v2gpki)
SOFTHSM2_CONF=$home/softhsm2.conf "$home/bin/v2gpkid" -c "$home/v2gpkid.conf" "${user[@]}" \
	2>>"$home/v2gpkid.log" &
daemon=$!
stop() {
	if kill -0 "$daemon" 2>/dev/null; then
		kill -TERM "$daemon"
		wait "$daemon" || true
	fi
}
trap stop EXIT
for _ in $(seq 100); do
	curl -fs -o /dev/null "http://127.0.0.1:$plain/readyz" && break
	kill -0 "$daemon" 2>/dev/null || {
		echo "quickstart: v2gpkid ended:" >&2
		tail -n 5 "$home/v2gpkid.log" >&2
		exit 1
	}
	sleep 0.1
done
curl -fs "http://127.0.0.1:$plain/readyz" >/dev/null || {
	echo "quickstart: v2gpkid is not ready after 10 s, see $home/v2gpkid.log" >&2
	exit 1
}

# --- participants and the environment file ----------------------------------------------------------
say "Participants and example PKIs"
"$top/deploy/participants.sh" "$home" "$port" "$plain" "$ocsp_url" "${as[@]}"

if [ $story = yes ]; then
	"$top/deploy/story.sh" "$home/env"
fi
echo
echo "Environment for your own clients: . $home/env"
if [ $serve = yes ]; then
	echo "v2gpkid runs in the foreground; stop it with Ctrl-C (log: $home/v2gpkid.log)"
	trap - EXIT
	trap 'kill -TERM "$daemon"' INT TERM
	wait "$daemon"
fi
