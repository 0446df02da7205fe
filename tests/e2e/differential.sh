#!/bin/bash
# culvert packet against scapy, an encoder and decoder that we did not write, over all protocols,
# modes, families, algorithms and encapsulations.
#   tests/e2e/differential.sh [--seed N] [--packets N] [--only TEXT]
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
CULVERT=${BUILD:-build}/culvert
PYTHON=${PYTHON:-/usr/bin/python3}

skip() {
    echo "skipped: $1"
    exit 77
}

[ -x "$CULVERT" ] || skip "no culvert at $CULVERT"
"$PYTHON" -c 'import scapy.layers.ipsec, cryptography' 2>/dev/null || skip "no scapy for $PYTHON"
exec "$PYTHON" tests/differential/differential.py "$CULVERT" "$@"
