#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The layers of the design: each folder may include itself and what stands left of it. Neighbours in
# one layer (policy hsm db iso15118; ca pool) do not know each other.
#
#   base < policy hsm db iso15118 < ca pool < api < tools
set -eu
cd "${1:-$(dirname "$0")/../..}"

allowed() {
	case $1 in
	base) echo base ;;
	policy | hsm | db | iso15118) echo "base $1" ;;
	ca | pool) echo "base policy hsm db iso15118 $1" ;;
	api) echo "base policy hsm db iso15118 ca pool api" ;;
	tools) echo "base policy hsm db iso15118 ca pool api tools" ;;
	esac
}

bad=0
say() {
	echo "$*"
	bad=1
}

for d in base policy hsm db iso15118 ca pool api tools; do
	ok=" $(allowed $d) "
	for f in "$d"/*.c "$d"/*.h "$d"/*.def; do
		[ -e "$f" ] || continue
		for inc in $(sed -n 's/^#include "\([a-z0-9]*\)\/.*/\1/p' "$f" | sort -u); do
			case $ok in
			*" $inc "*) ;;
			*) say "$f: includes $inc/, which is not left of $d" ;;
			esac
		done
	done
done

# only(PATTERN, WHERE): a library stays in the folder that hides it
only() {
	pattern=$1
	shift
	for f in $(grep -lE "$pattern" base/*.[ch] policy/*.[ch] hsm/*.[ch] db/*.[ch] iso15118/*.[ch] \
		ca/*.[ch] pool/*.[ch] api/*.[ch] tools/*.[ch] 2>/dev/null); do
		found=no
		for where in "$@"; do
			# shellcheck disable=SC2254 # a pattern on purpose
			case $f in $where) found=yes ;; esac
		done
		[ $found = yes ] || say "$f: $pattern belongs in $*"
	done
}
only '\bMHD_[a-z]' 'api/server*' 'api/reply*'
only '\bsqlite3_|\bPQ[a-z]+\(' 'db/*'
only '\bC_[A-Z][A-Za-z]+\(|\bpkcs11h_|\bCKM_' 'hsm/*'
only '\bjson_(t|object|array|string|integer)' 'base/*' 'iso15118/*' 'api/*' 'tools/*'

exit $bad
