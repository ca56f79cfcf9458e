#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every header compiles on its own.
set -eu
cd "${1:-$(dirname "$0")/../..}"
bad=0
flags=$(for m in p11-kit-1 gnutls jansson; do pkg-config --cflags "$m"; done)
for h in base/*.h policy/*.h hsm/*.h db/*.h iso15118/*.h ca/*.h pool/*.h api/*.h tools/*.h; do
	[ -e "$h" ] || continue
	# shellcheck disable=SC2086 # flags are words
	echo "#include \"$h\"" | gcc -std=gnu11 -D_GNU_SOURCE -I. -Wall -Wextra -Werror $flags -x c \
		-fsyntax-only - || {
		echo "$h: does not compile alone"
		bad=1
	}
done
exit $bad
