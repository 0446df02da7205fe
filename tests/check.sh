#!/bin/bash
# Runs the tests and sums them up.
#   tests/check.sh                 everything that `make check` promises
#   tests/check.sh quick|asan|threads|sim N|e2e|interop|firmware|fuzz SECONDS
# Each stage prints one line; a failing one prints its log.  The last line is
# "N passed, N failed, N skipped".
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 1
JOBS=${JOBS:-$(nproc)}
LOGS=$(mktemp -d)
trap 'rm -rf "$LOGS"' EXIT
trap 'exit 130' INT
passed=0 failed=0 skipped=0

line() { printf '%-9s %-52s %5ss\n' "$1" "$2" "$3"; }

# stage NAME COMMAND...: one test; exit code 77 is a skip.
stage() {
    local name=$1 log start status
    shift
    log=$LOGS/$(echo "$name" | tr ' /' '__').log
    start=$SECONDS
    "$@" >"$log" 2>&1 </dev/null
    status=$?
    case $status in
        0) passed=$((passed + 1)); line ok "$name" $((SECONDS - start)) ;;
        77) skipped=$((skipped + 1)); line skipped "$name" $((SECONDS - start)); tail -n 2 "$log" ;;
        *) failed=$((failed + 1)); line FAILED "$name" $((SECONDS - start)); tail -n 80 "$log" ;;
    esac
    return $status
}

# step NAME COMMAND...: preparation; its failure is a failed test.
step() {
    local name=$1 start=$SECONDS
    shift
    if "$@" >"$LOGS/step.log" 2>&1 </dev/null; then
        line built "$name" $((SECONDS - start))
        return 0
    fi
    failed=$((failed + 1))
    line FAILED "$name" $((SECONDS - start))
    grep -E 'error|warning|Error' "$LOGS/step.log" | head -n 40
    tail -n 20 "$LOGS/step.log"
    return 1
}

configure_and_build() { # DIR CMAKE_OPTIONS...
    local dir=$1
    shift
    cmake -S . -B "$dir" "$@" && cmake --build "$dir" -j"$JOBS"
}

build_release() {
    cmake -S . -B build -DCULVERT_TESTS=ON &&
        cmake --build build -j"$JOBS" --target culvertd culvert culvert-fleetd culvert_static culvert_shared culvert_archive man sim_test_random hooks_alone
}

build_tsan() {
    cmake -S . -B build-tsan -DCULVERT_SANITIZE=thread &&
        cmake --build build-tsan -j"$JOBS" --target host_test_ask host_test_signer
}

build_fuzz() {
    cmake -S . -B build-fuzz -DCMAKE_C_COMPILER=clang -DCULVERT_FUZZ=ON \
        -DCULVERT_SANITIZE=fuzzer-no-link,address,undefined &&
        cmake --build build-fuzz -j"$JOBS" --target fuzz_targets
}

# Unit, vector, host and simulation tests; every cmocka test counts.
run_tests() { # NAME DIR CMAKE_OPTIONS...
    local name=$1 dir=$2 log=$LOGS/ctest.log start ok bad skip
    shift 2
    step "$name" configure_and_build "$dir" "$@" || return
    start=$SECONDS
    (cd "$dir" && ctest -j"$JOBS" --output-on-failure --timeout 900 -V) >"$log" 2>&1
    local status=$?
    ok=$(grep -c '\[       OK \]' "$log")
    bad=$(grep -E '\[  FAILED  \] [a-z_0-9]+$' "$log" | sort -u | wc -l)
    skip=$(grep -c '\*\*\*Skipped' "$log")
    if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    line "$([ $status -eq 0 ] && echo ok || echo FAILED)" \
        "$ok tests in $(grep -cE '^ *[0-9]+/[0-9]+ Test' "$log") programs" $((SECONDS - start))
    sed -nE '/Test command|Working Dir/d; s/^[0-9]+: (.*(seeds, |vectors ran|per tunnel|octets a day).*)$/          \1/p' "$log" | head -n 40
    [ $status -eq 0 ] || grep -E '^[0-9]+: (\[  ERROR|\[  FAILED|.*error|.*replay)|Failed|Timeout|ERROR: |SUMMARY' "$log" | head -n 60
}

run_asan() { run_tests "with ASan and UBSan" build-asan -DCULVERT_SANITIZE=address,undefined; }
# What a change needs while it is made: no root, no sanitizer, no optimizing.
run_quick() { run_tests "without sanitizers" build-quick -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0; }

# What threads share, seen by ThreadSanitizer: the programs that start some.
run_threads() {
    local t
    step "with TSan" build_tsan || return
    for t in ask signer; do
        stage "threads: host_test_$t" env TSAN_OPTIONS=halt_on_error=1 "build-tsan/tests/host_test_$t"
    done
}

run_sim() {
    step "with ASan and UBSan" configure_and_build build-asan -DCULVERT_SANITIZE=address,undefined || return
    stage "random schedules, ${1:-20000} seeds" env CULVERT_SEEDS="${1:-20000}" build-asan/sim/sim_test_random
}

run_scripts() { # FOLDER
    local script
    for script in tests/"$1"/*.sh; do
        case $(basename "$script") in lib.sh | lib-*.sh | run.sh) continue ;; esac
        stage "$1: $(basename "$script" .sh)" env BUILD="$PWD/build" bash "$script"
    done
}

# The reference device in QEMU; what it measured is shown.
run_firmware() {
    run_scripts firmware
    sed -nE 's/^((lm3s|mps2)[^:]*: (flash .*|.*(deepest|octets|tunnel) .*))$/          \1/p' "$LOGS"/firmware*.log
}

run_fuzz() { # SECONDS
    step "fuzz targets" build_fuzz || return
    stage "fuzz: every target for $1 s" bash tests/fuzz/run.sh "$1" build-fuzz
}

case "${1:-all}" in
    all)
        stage "lint: walls, format, warnings, analyzer, cppcheck" bash tests/lint.sh
        run_asan
        run_threads
        if step "release" build_release; then
            stage "sim: 4,000 more random lives" env CULVERT_FIRST=100000 CULVERT_SEEDS=4000 build/sim/sim_test_random
            stage "embed: headers, names, pkg-config, CMake" env BUILD=build bash tests/embed.sh
            run_scripts e2e
            run_scripts interop
            run_firmware
        fi
        run_fuzz 4
        stage "size: the core on a Cortex-M3" bash tests/size.sh
        cat "$LOGS"/size*.log 2>/dev/null | sed 's/^/          /'
        stage "cross: s390x (big-endian) and armhf (32-bit)" bash tests/cross.sh
        ;;
    asan) run_asan ;;
    quick) run_quick ;;
    threads) run_threads ;;
    sim) run_sim "${2:-}" ;;
    firmware) step "release" build_release && run_firmware ;;
    e2e | interop) step "release" build_release && run_scripts "$1" ;;
    fuzz) run_fuzz "${2:-4}" ;;
    *) sed -n '2,7p' "$0" >&2; exit 2 ;;
esac
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
