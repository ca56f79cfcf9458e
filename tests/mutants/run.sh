#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Breaks one rule at a time and expects the test that guards it to fail. A patch names its test in
# its first line, "# kills: MESON-TEST-NAME". Prints a line a patch, killed or SURVIVED; BROKEN is a
# patch that does not apply, does not compile, or whose test fails without it.
#   run.sh [NAME…]     NAME: I-05 for tests/mutants/I-05.patch; none: all of them
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/mutants.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
src=$work/src
build=$work/build
log=$work/log
if [ -z "${CC:-}" ] && command -v ccache >/dev/null 2>&1; then
	CC="ccache gcc"
	CCACHE_BASEDIR=$work # objects are found again although the folder has another name
	export CC CCACHE_BASEDIR
fi

patches=
if [ $# -gt 0 ]; then
	for name in "$@"; do
		patches="$patches $top/tests/mutants/$name.patch"
	done
else
	for p in "$top"/tests/mutants/*.patch; do
		if head -n 1 "$p" | grep -q '^# kills: '; then
			patches="$patches $p"
		fi
	done
fi

test_of() { sed -n '1s/^# kills: *//p' "$1"; }

# The tests of a build, by name; the status says whether all passed. Only what they need is built.
run_tests() { meson test -C "$build" --print-errorlogs "$@" >"$log" 2>&1; }
failed_in_log() { grep -Eq '^(Fail|Timeout): +[1-9]' "$log"; }

mkdir "$src"
(cd "$top" && git ls-files -z | xargs -0 tar -cf - 2>/dev/null) | tar -xf - -C "$src"
meson setup "$build" "$src" -Dtest_hooks=true -Dbuildtype=debug >"$log" 2>&1 || {
	cat "$log" >&2
	exit 2
}

names=$(for p in $patches; do test_of "$p"; done | sort -u)
# shellcheck disable=SC2086 # names are words
if ! run_tests $names; then
	tail -n 60 "$log" >&2
	echo "BROKEN: the tests fail without any patch" >&2
	exit 2
fi

killed=0
bad=0
for p in $patches; do
	name=$(basename "$p" .patch)
	test=$(test_of "$p")
	if [ -z "$test" ] || ! patch -d "$src" -p1 -s --no-backup-if-mismatch <"$p" >"$log" 2>&1; then
		verdict="BROKEN (does not apply, or names no test)"
	elif run_tests "$test"; then
		verdict=SURVIVED
	elif failed_in_log; then
		verdict=killed
	else
		verdict="BROKEN (does not build)"
	fi
	echo "$verdict $name by $test"
	if [ "$verdict" = killed ]; then
		killed=$((killed + 1))
	else
		bad=$((bad + 1))
		tail -n 20 "$log" >&2
	fi
	sed -n 's|^+++ b/||p' "$p" | while read -r f; do
		cp -p "$top/$f" "$src/$f"
		touch "$src/$f" # newer than the object of the mutant
		rm -f "$src/$f.rej" "$src/$f.orig"
	done
done
echo "$killed killed, $bad not"
[ "$bad" -eq 0 ]
