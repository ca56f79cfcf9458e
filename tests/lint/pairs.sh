#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every error code of base/err.def is named by a test or raised by the code; every public header opens
# with a comment that says what the module is for.
set -eu
cd "${1:-$(dirname "$0")/../..}"
bad=0
for code in $(sed -n 's/^ERR(\(E_[A-Z0-9_]*\),.*/\1/p' base/err.def); do
	grep -rqw "$code" --include='*.c' --include='*.h' base policy hsm db iso15118 ca pool api tools || {
		echo "base/err.def: $code is raised nowhere"
		bad=1
	}
done
for h in base/*.h policy/*.h hsm/*.h db/*.h iso15118/*.h ca/*.h pool/*.h api/*.h tools/*.h; do
	[ -e "$h" ] || continue
	sed -n 2p "$h" | grep -q '^/\*' || {
		echo "$h: the second line does not begin the comment that says what it is for"
		bad=1
	}
done
exit $bad
