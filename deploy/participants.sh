#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Example participants, their credentials and example foreign PKIs for quickstart.sh, and the env file that
# names them all. Repeatable: what is there already is kept.
#   participants.sh HOME PORT PLAIN-PORT OCSP-URL [command that runs as the daemon's user …]
set -euo pipefail
home=$1 port=$2 plain=$3 ocsp_url=$4
shift 4
as=("$@")
here=$(cd "$(dirname "$0")" && pwd)
umask 077
export V2GPKI_ADMIN_URL=https://127.0.0.1:$((port + 1)) V2GPKI_CA=$home/pki/service-root.pem
export V2GPKI_CERT=$home/admin.pem V2GPKI_KEY=$home/admin.key
mkdir -p "$home/clients" "$home/example" "$home/vehicles"
v2gpki=$home/bin/v2gpki
cpo=DEABC mo=DEXYZ mo_own=DEOWN oem=WVA

# participant NAME ROLES [more options of client add]: OAuth2 secret and TLS client certificate
participant() {
	local name=$1 id=example-${1//_/-}
	shift
	if [ ! -s "$home/clients/$name.secret" ]; then
		"$v2gpki" client add "$id" --name "Example $name" "$@" --secret-file "$home/clients/$name.secret" >/dev/null
		echo "   $id: $*"
	fi
	if [ ! -s "$home/clients/$name.pem" ]; then
		rm -f "$home/clients/$name.key"
		"$v2gpki" client cert "$id" --key-out "$home/clients/$name.key" -o "$home/clients/$name.pem"
	fi
}
participant cpo --roles CPO --operators $cpo
participant mo --roles MO_HUBJECT_PKI --providers $mo
participant mo_own --roles MO_EXTERNAL_PKI --providers $mo_own
participant oem --roles OEM --wmi $oem
participant cps --roles CPS
participant admin --roles ADMIN
participant auditor --roles AUDITOR
[ -s "$home/clients/est.secret" ] ||
	"$v2gpki" client secret example-cpo --basic --user station --secret-file "$home/clients/est.secret" >/dev/null

# A foreign OEM and a foreign MO with software keys; their roots are published.
for kind in OEM MO; do
	dir=$home/example/${kind,,}
	"$here/mint-pki.sh" "$dir" "Example $kind" $kind
	if [ ! -e "$dir/published" ]; then
		"$v2gpki" root add --type $kind "$dir/root.pem" >/dev/null
		touch "$dir/published"
		echo "   root of the example $kind published"
	fi
done
# Three cars
for n in 1 2 3; do
	pcid=${oem}0000000000000$n
	car=$home/vehicles/$pcid
	[ -s "$car.pem" ] || "$here/mint-vehicle.sh" "$home/example/oem/sub2.pem" "$home/example/oem/sub2.key" "$pcid" "$car"
	[ -s "$car.chain.pem" ] || cat "$car.pem" "$home/example/oem/chain.pem" >"$car.chain.pem"
done

secret() { head -n 1 "$home/clients/$1.secret"; }
write_env() {
	cat <<EOF
V2GPKI_URL=https://127.0.0.1:$port
V2GPKI_ADMIN_URL=https://127.0.0.1:$((port + 1))
V2GPKI_PLAIN_URL=http://127.0.0.1:$plain
V2GPKI_TOKEN_URL=https://127.0.0.1:$port/oauth/token
V2GPKI_OCSP_URL=$ocsp_url
V2GPKI_METRICS_URL=http://127.0.0.1:9090/metrics
V2GPKI_CA=$home/pki/service-root.pem
EOF
	for who in CPO MO MO_OWN OEM CPS ADMIN AUDITOR; do
		name=${who,,}
		printf 'V2GPKI_%s_ID=example-%s\nV2GPKI_%s_SECRET=%s\n' "$who" "${name//_/-}" "$who" "$(secret "$name")"
		printf 'V2GPKI_%s_CERT=%s\nV2GPKI_%s_KEY=%s\n' "$who" "$home/clients/$name.pem" "$who" "$home/clients/$name.key"
	done
	cat <<EOF
V2GPKI_EST_USER=station
V2GPKI_EST_PASS=$(secret est)
V2GPKI_CPO_ID5=$cpo
V2GPKI_MO_ID5=$mo
V2GPKI_OEM_WMI=$oem
V2GPKI_PKI=$home/pki
V2GPKI_OEM_CA_CERT=$home/example/oem/sub2.pem
V2GPKI_OEM_CA_KEY=$home/example/oem/sub2.key
V2GPKI_OEM_CA_CHAIN=$home/example/oem/chain.pem
V2GPKI_MO_CA_CERT=$home/example/mo/sub2.pem
V2GPKI_MO_CA_KEY=$home/example/mo/sub2.key
V2GPKI_MO_CA_CHAIN=$home/example/mo/chain.pem
V2GPKI_VEHICLES=$home/vehicles
V2GPKI_CERT=$home/clients/admin.pem
V2GPKI_KEY=$home/clients/admin.key
EOF
}
write_env >"$home/env.new"
[ ${#as[@]} = 0 ] || chown -R v2gpki:v2gpki "$home/clients" "$home/example" "$home/vehicles" "$home/env.new"
chmod 0600 "$home/env.new"
mv "$home/env.new" "$home/env"
