#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How many lines of the EXI codec the committed corpus of its fuzz target reaches; at least 90 % wanted.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d /tmp/v2gpki-cover.XXXXXX)
trap 'rm -rf "$work"' EXIT
llvm=$(dirname "$(readlink -f "$(command -v llvm-cov-14 || command -v llvm-cov)")")
flags="-std=gnu11 -D_GNU_SOURCE -DOPENSSL_NO_DEPRECATED -I. -g -O0 -fprofile-instr-generate -fcoverage-mapping"
# shellcheck disable=SC2046,SC2086 # words on purpose
clang $flags tests/fuzz/fuzz_exi.c tests/fuzz/main.c iso15118/*.c base/*.c -o "$work/fuzz" \
	$(pkg-config --cflags --libs libcrypto jansson yaml-0.1) -lpthread
LLVM_PROFILE_FILE=$work/raw "$work/fuzz" tests/fuzz/corpus/exi >/dev/null
"$llvm/llvm-profdata" merge "$work/raw" -o "$work/prof"
percent=$("$llvm/llvm-cov" export -summary-only -instr-profile="$work/prof" "$work/fuzz" iso15118/exi_*.c |
	jq '.data[0].totals.lines.percent * 10 | floor / 10')
echo "figure: the corpus covers $percent % of the lines of the EXI codec"
awk -v p="$percent" 'BEGIN { exit !(p >= 90) }'
