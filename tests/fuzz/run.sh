#!/bin/sh
# Runs every fuzz target for SECONDS, from its seeds, with bounded memory.
#
#   tests/fuzz/run.sh SECONDS BUILD_DIR [TARGET...]
#
# One line a target: name, executions, coverage, new inputs.  Fails when a target
# does, leaves the input that did it and prints the command that replays it.
# What a run finds worth keeping stays in BUILD_DIR/fuzz/corpus and starts the next one.
#
# SPDX-License-Identifier: Apache-2.0
set -eu

if [ $# -lt 2 ]; then
    echo "usage: $0 SECONDS BUILD_DIR [TARGET...]" >&2
    exit 2
fi
seconds=$1
build=$(cd "$2" && pwd)
shift 2
here=$(cd "$(dirname "$0")" && pwd)
captures=$here/../../../shared/captures/ike_messages

# Messages of other implementations start these too, read in place when they are there.
takes_messages() {
    case $1 in
    fuzz_ike_header_payloads) [ -d "$captures" ] ;;
    *) return 1 ;;
    esac
}

# The last number behind a word in a log.
last() {
    sed -n "s/.*$1 *\([0-9][0-9]*\).*/\1/p" "$2" | tail -n 1
}

run_target() {
    name=$(basename "$1")
    corpus=$build/fuzz/corpus/$name
    artifacts=$build/fuzz/artifacts
    log=$build/fuzz/$name.log
    mkdir -p "$corpus" "$artifacts"
    program=$1
    set -- "$corpus"
    [ ! -d "$here/seeds/$name" ] || set -- "$@" "$here/seeds/$name"
    ! takes_messages "$name" || set -- "$@" "$captures"
    if "$program" -max_total_time="$seconds" -rss_limit_mb=512 -malloc_limit_mb=256 \
        -timeout=10 -max_len=4096 -print_final_stats=1 \
        -artifact_prefix="$artifacts/$name-" "$@" >"$log" 2>&1; then
        printf '%-26s %10s execs %6s cov %5s new\n' "$name" \
            "$(last 'number_of_executed_units:' "$log")" "$(last 'cov:' "$log")" \
            "$(last 'new_units_added:' "$log")"
    else
        artifact=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        printf '%-26s FAILED: see %s\n' "$name" "$log"
        printf '%-26s replay: %s %s\n' '' "$program" "$artifact"
        return 1
    fi
}

status=0
found=0
for target in "$build"/tests/fuzz/fuzz_*; do
    if [ ! -f "$target" ] || [ ! -x "$target" ]; then
        continue
    fi
    wanted=1
    if [ $# -gt 0 ]; then
        wanted=0
        for name in "$@"; do
            [ "$name" != "$(basename "$target")" ] || wanted=1
        done
    fi
    [ "$wanted" = 1 ] || continue
    found=1
    run_target "$target" || status=1
done
if [ "$found" = 0 ]; then
    echo "$0: no fuzz targets in $build/tests/fuzz; configure with -DCULVERT_FUZZ=ON" >&2
    exit 2
fi
exit "$status"
