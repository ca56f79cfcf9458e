#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the house style can decide by a look: function and file length, banned calls, include guards,
# licence lines, trailing white space, words that say unfinished.
set -eu
cd "${1:-$(dirname "$0")/../..}"
bad=0
say() {
	echo "$*"
	bad=1
}

code=$(ls base/*.[ch] policy/*.[ch] hsm/*.[ch] db/*.[ch] iso15118/*.[ch] ca/*.[ch] pool/*.[ch] \
	api/*.[ch] tools/*.[ch] 2>/dev/null || true)
all="$code $(find tests -name '*.[ch]' -o -name '*.sh')"

# shellcheck disable=SC2046,SC2086 # word lists on purpose
long=$(awk 'FNR == 1 { i = 0 }
	!i && /^\{/ { i = 1; s = FNR; next }
	i && /^\}/ { n = FNR - s - 1; if (n > 80) print FILENAME ":" s ": a function of " n " lines"; i = 0 }' \
	$(echo "$code" | grep '\.c$'))
[ -z "$long" ] || say "$long"

for f in $code; do
	case $f in *tables*) continue ;; esac
	n=$(wc -l <"$f")
	[ "$n" -le 600 ] || say "$f: $n lines, more than 600"
done

for f in $code; do
	case $f in
	*.h)
		guard=$(echo "$f" | tr 'a-z/.' 'A-Z__')
		grep -q "^#ifndef $guard\$" "$f" || say "$f: include guard is not $guard"
		;;
	esac
done

for f in $all; do
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || say "$f: no SPDX line"
done

# shellcheck disable=SC2086
hits=$(grep -nE '\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|system|popen|rand|srand|gets|tmpnam|mktemp)\(' $code || true)
[ -z "$hits" ] || say "banned calls:
$hits"
# shellcheck disable=SC2086
hits=$(grep -nE '(TODO|FIXME|XXX|HACK)' $code || true)
[ -z "$hits" ] || say "unfinished:
$hits"
hits=$(git ls-files 2>/dev/null | grep -vE '\.(hex|bin|der)$|corpus/' | xargs -r grep -nIE '[[:blank:]]+$' -- 2>/dev/null | grep -vE '\.patch:|\.md:' | head -5 || true)
[ -z "$hits" ] || say "trailing white space:
$hits"
exit $bad
