#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The committed conf(5) is what the table renders today; every page passes mandoc's lint.
# Usage: confman.sh CONFMAN FOLDER
set -eu
tmp=$(mktemp /tmp/v2gpki-confman-XXXXXX)
trap 'rm -f "$tmp"' EXIT
"$1" "$tmp"
cmp "$tmp" "$2/v2gpkid.conf.5" || { echo "run: ninja conf-man"; exit 1; }
for page in "$2"/*.[1-8]; do
	mandoc -T lint -W warning "$page"
done
