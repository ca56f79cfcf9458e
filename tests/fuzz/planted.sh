#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A fuzzer that finds nothing proves nothing: plants an off-by-one read in the EXI bit reader
# (tests/mutants/exi-off-by-one.patch) and expects the EXI target to find it within 60 seconds, from an
# empty corpus. Works on a copy.
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
work=$(mktemp -d /tmp/v2gpki-planted.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src" "$work/corpus"
git ls-files -z | xargs -0 tar -cf - | tar -xf - -C "$work/src"
cd "$work/src"
patch -s -p1 <"$top/tests/mutants/exi-off-by-one.patch"
flags="-std=gnu11 -D_GNU_SOURCE -DOPENSSL_NO_DEPRECATED -I. -g -O1 -fsanitize=fuzzer,address,undefined"
# shellcheck disable=SC2046,SC2086 # words on purpose
clang $flags tests/fuzz/fuzz_exi.c iso15118/*.c base/*.c -o "$work/fuzz" \
	$(pkg-config --cflags --libs libcrypto jansson yaml-0.1) -lpthread
start=$SECONDS
if "$work/fuzz" -max_total_time=60 -max_len=4096 -timeout=5 -artifact_prefix="$work/" "$work/corpus" >"$work/log" 2>&1; then
	echo "the planted off-by-one was not found in 60 s"
	exit 1
fi
grep -qE 'AddressSanitizer: heap-buffer-overflow' "$work/log" || {
	tail -n 20 "$work/log"
	exit 1
}
echo "figure: the planted off-by-one was found after $((SECONDS - start)) s"
