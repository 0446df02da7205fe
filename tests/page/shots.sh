#!/bin/bash
# make page-shots: pictures of the page with a fleet of 20,000, in BUILD/page-shots.
#   tests/page/shots.sh BUILD
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
out=$build/page-shots
work=$(mktemp -d)
pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT
browser_missing && exit 1
playwright "$build/playwright" || { echo "playwright-core cannot be had from npm"; exit 1; }
mkdir -p "$out"

serve_sample "$build" "$work" "${DEVICES:-20000}"
node "$here/shots.js" "$build/playwright" "https://127.0.0.1:$PORT" "$LINK" "$out"
echo "in $out"
