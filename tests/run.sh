#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need from Debian 12, builds with warnings as errors and runs everything:
# unit, vector, snapshot, layer and end-to-end tests; ASan+UBSan of unit and end-to-end tests; TSan of
# unit tests; corpus replay; mutants; 50 kills. The last line is "N passed, N failed".
#   tests/run.sh          what CI runs, at most 30 minutes on two cores
#   tests/run.sh --full   also valgrind, analyzers, fuzzing for minutes, 200 kills
#   tests/run.sh STEP …   only these steps (names as printed)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C.UTF-8
top=$PWD
out=${V2GPKI_TEST_OUT:-$(mktemp -d /tmp/v2gpki-tests.XXXXXX)}
mkdir -p "$out"
passed=0 failed=0 full=no
only=()
for a in "$@"; do
	case $a in
	--full) full=yes ;;
	-h | --help)
		sed -n '3,9s/^# \{0,1\}//p' "$0"
		exit 0
		;;
	*) only+=("$a") ;;
	esac
done

packages="meson ninja-build pkg-config gcc libc6-dev clang libclang-rt-14-dev llvm-14 ccache python3
 libssl-dev libmicrohttpd-dev libgnutls28-dev libsqlite3-dev libp11-kit-dev libjansson-dev libyaml-dev
 libcurl4-openssl-dev libjose-dev libcmocka-dev softhsm2 libnss3 libnss3-tools openssl ca-certificates
 curl jq xxd sqlite3 strongswan-pki
 libstrongswan-standard-plugins libstrongswan-extra-plugins postgresql strace mandoc shellcheck procps util-linux passwd git
 netcat-openbsd patch"

install_packages() {
	local missing=() p
	[ "$full" = no ] || packages="$packages valgrind cppcheck clang-tidy"
	for p in $packages; do
		dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || {
		echo "missing packages, install them as root: ${missing[*]}"
		return 1
	}
	# A PostgreSQL cluster of its own is of no use here: the tests make a temporary one.
	mkdir -p /etc/postgresql-common
	[ -e /etc/postgresql-common/createcluster.conf ] ||
		echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends "${missing[@]}" </dev/null
}

# step NAME COMMAND…: runs it, keeps its output, counts one test, or as many as meson counted.
step() {
	local name=$1 log=$out/$1.log start=$SECONDS rc ok bad
	shift
	if [ ${#only[@]} -gt 0 ] && [[ " ${only[*]} " != *" $name "* ]]; then
		return 0
	fi
	"$@" >"$log" 2>&1 </dev/null
	rc=$?
	ok=$(sed -n 's/^Ok: *\([0-9]*\).*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
	bad=$(sed -n 's/^\(Fail\|Timeout\): *\([0-9]*\).*/\2/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
	if [ "$((ok + bad))" = 0 ]; then
		[ $rc = 0 ] && ok=1 || bad=1
	elif [ $rc != 0 ] && [ "$bad" = 0 ]; then
		bad=1
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
	printf '%-14s %3d passed %3d failed %5d s\n' "$name" "$ok" "$bad" $((SECONDS - start))
	grep -hE '^(note|skipped|figure): ' "$log" | sed 's/^/    /' | sort -u | head -40
	if [ "$bad" != 0 ]; then
		grep -aE '(FAIL|TIMEOUT|FAILED|error:|SURVIVED|ERROR)' "$log" | head -30 | sed 's/^/    /'
		echo "    … $log"
		tail -n 25 "$log" | sed 's/^/    | /'
		[ -e "$out/$name/meson-logs/testlog.txt" ] && cp "$out/$name/meson-logs/testlog.txt" "$log.meson"
	fi
	return 0
}

build() { # DIR MESON-OPTIONS…
	local dir=$1
	shift
	[ -e "$dir/build.ninja" ] || meson setup "$dir" "$@" || return 1
	ninja -C "$dir"
}

show_failures() { # DIR: what the failing tests said, behind meson's own summary
	sed -n '/^=* [0-9]*\/[0-9]* =*$/,$p' "$1/meson-logs/testlog.txt" | grep -aE '(ERROR|FAILED|Failure|error:|\[  FAILED|runtime error|SUMMARY|WARNING: ThreadSanitizer)' | head -40
}

meson_tests() { # DIR ARGS…
	local dir=$1
	shift
	meson test -C "$dir" --no-rebuild --print-errorlogs "$@" || {
		show_failures "$dir"
		return 1
	}
}

unit() { build "$out/unit" --werror -Dtest_hooks=true && meson_tests "$out/unit" --no-suite e2e; }
clang_build() { CC="ccache clang" build "$out/clang" --werror -Dtest_hooks=true; }
release_build() { build "$out/release" --werror -Dtests=false -Dbuildtype=release && ! grep -aq V2GPKI_TEST_CLOCK "$out/release/tools/v2gpkid"; }

# Sanitizers: the tests that need libfaketime hang under them (both replace the clock); they are the
# suite "faketime", listed here.
asan_options="detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
asan() {
	CC="ccache clang" build "$out/asan" -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debug \
		-Dtest_hooks=true || return 1
	echo "note: left out under sanitizers (suite faketime): $(meson introspect "$out/asan" --tests |
		jq -r '[.[] | select(.suite[] | endswith("faketime")) | .name] | if length == 0 then "none" else join(" ") end')"
	ASAN_OPTIONS=$asan_options LSAN_OPTIONS=suppressions=$top/tests/lsan.supp V2GPKI_SHORT=1 \
		UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		meson_tests "$out/asan" --no-suite lint --no-suite faketime -t 4
}
tsan() {
	CC="ccache clang" build "$out/tsan" -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debug \
		-Dtest_hooks=true || return 1
	TSAN_OPTIONS=halt_on_error=1 V2GPKI_SHORT=1 \
		meson_tests "$out/tsan" --no-suite lint --no-suite faketime --no-suite tools --no-suite fuzz -t 6
}
e2e() { "$top/tests/e2e/run.sh" "$out/unit"; }
e2e_asan() {
	ASAN_OPTIONS=$asan_options:fast_unwind_on_malloc=0 LSAN_OPTIONS=suppressions=$top/tests/lsan.supp \
		UBSAN_OPTIONS=halt_on_error=1 "$top/tests/e2e/run.sh" "$out/asan"
}
kills() { "$top/tests/faults/kills.sh" "$out/unit" "${1:-50}"; }
bench() { "$top/tests/bench/run.sh" "$out/unit" --short; }
mutants() { "$top/tests/mutants/run.sh"; }
# shellcheck disable=SC2046 # a list of files
scripts() { shellcheck -S warning -e SC1090,SC1091,SC2154 $(git ls-files '*.sh' .ci/run); }
man_pages() { mandoc -T lint -W warning doc/man/*.[1-8]; }

fuzz() { # SECONDS per target
	CC="ccache clang" build "$out/fuzz" -Dfuzz=libfuzzer -Dc_args=-fsanitize=fuzzer-no-link \
		-Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debug || return 1
	local t
	for t in exi csr; do
		mkdir -p "$out/fuzz/new-$t"
		"$out/fuzz/tests/fuzz/fuzz_$t" -max_total_time="$1" -max_len=8192 -timeout=5 \
			-print_final_stats=1 "$out/fuzz/new-$t" "tests/fuzz/corpus/$t" || return 1
	done
}
valgrind_unit() {
	meson test -C "$out/unit" --no-rebuild --suite base --suite policy --suite iso15118 --suite db -t 15 \
		--wrap="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --suppressions=$top/tests/valgrind.supp"
}
analyzer() { build "$out/analyzer" -Dc_args=-fanalyzer -Dtests=false --werror; }
tidy() {
	build "$out/clang" && (cd "$out/clang" && run-clang-tidy -quiet -p . -j2 "$top/(base|policy|hsm|db|iso15118|ca|pool|api|tools)/.*\.c")
}
# internalAstError: cppcheck 2.10 cannot read a compound literal in a conditional expression.
cppcheck_all() {
	cppcheck --project="$out/release/compile_commands.json" --library=tests/lint/cppcheck.cfg \
		--enable=warning,performance,portability --std=c11 --inline-suppr --error-exitcode=1 --quiet \
		--suppress=internalAstError
}

date -u '+%Y-%m-%dT%H:%M:%SZ'
step packages install_packages
export CCACHE_DIR=${CCACHE_DIR:-$out/ccache}
command -v ccache >/dev/null && export CC="ccache gcc"
step unit unit
step scripts scripts
step man man_pages
step release release_build
step e2e e2e
step kills kills 50
step bench bench
step asan asan
step e2e-asan e2e_asan
step tsan tsan
step clang clang_build
step planted tests/fuzz/planted.sh
step coverage tests/fuzz/coverage.sh
step mutants mutants
if [ $full = yes ]; then
	step fuzz fuzz 300
	step kills-200 kills 200
	step valgrind valgrind_unit
	step analyzer analyzer
	step tidy tidy
	step cppcheck cppcheck_all
fi
date -u '+%Y-%m-%dT%H:%M:%SZ'
echo "$passed passed, $failed failed"
[ $failed = 0 ]
