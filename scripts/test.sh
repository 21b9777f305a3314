#!/usr/bin/env bash
# All tests: the dev build with every suite, then the unit suites and a few runs under sanitizers, then the fuzz
# targets for some seconds each, and random plans. --full adds the long numeric cases, the failing calls of all
# commands, 100,000 random plans, and fuzzes for long. Installs what is missing first. The last line is
# "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

full=OFF
case "${1:-}" in
"") ;;
--full) full=ON ;;
*)
    echo "usage: scripts/test.sh [--full]" >&2
    exit 2
    ;;
esac

began=$SECONDS
passed=0
failed=0
step() {
    printf '\n==> [%4d s] %s\n' "$((SECONDS - began))" "$*"
}

# Configure, build and test a preset; further arguments go to ctest. Failures are counted, and the next
# preset still runs.
suite() {
    local preset=$1 log total bad
    shift
    step "$preset: build"
    cmake --preset "$preset" -DTOPOSMITH_FULL_TESTS="$full" >/dev/null
    if ! cmake --build --preset "$preset"; then
        failed=$((failed + 1))
        return
    fi
    step "$preset: ctest $*"
    log=build/$preset/ctest.log
    ctest --preset "$preset" --parallel 2 "$@" 2>&1 | tee "$log" || true
    read -r bad total < <(sed -n \
        's/.*tests passed, \([0-9]*\) tests* failed out of \([0-9]*\).*/\1 \2/p' "$log") || true
    if [[ -z "${total:-}" ]]; then # ctest itself failed
        bad=1
        total=1
    fi
    passed=$((passed + total - bad))
    failed=$((failed + bad))
}

step "packages"
scripts/install-packages.sh --test
scripts/python-packages.sh
scripts/cuda-packages.sh
# What is freed is kept from use for 16 MiB, not 256: fresh pages took a third of the time.
export ASAN_OPTIONS=quarantine_size_mb=16:${ASAN_OPTIONS:-}
if [[ $full == ON ]]; then # everything, with processes and with threads
    suite dev
    suite asan
    suite tsan
else
    # failing calls once, where what is not given back shows
    suite dev --exclude-regex 'inject/calls'
    # slow here: what measures programs by the clock, thousands of plans, the sample of mutants, and much text; their
    # code runs in other tests, as do the programs that cli/cuda and cli/toolkit build. The fuzz targets follow below
    # under the same sanitizers.
    suite asan --label-regex 'unit|schedule|lua|golden|cli|sanitize' \
        --exclude-regex 'cli/(calibrate|emulate|report|text|names|record|cuda|toolkit)|unit/test_(auto|emulate)|schedule/mutants$'
    # one thread each, thousands of plans and megabytes of text: nothing to see here, and slow
    suite tsan --label-regex 'unit|sanitize' --exclude-regex 'unit/test_(auto|tokenizer|planner|hostile_planners)'
fi

# A short run of every fuzz target; --full gives each ten minutes.
step "fuzz"
if scripts/fuzz.sh --seconds "$([[ $full == ON ]] && echo 600 || echo 4)"; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
fi

# Random plans: every day of the year has a seed of its own, which a failure tells.
step "random plans"
if PRESET=dev scripts/prove.sh --seed "$(date +%j)" --plans "$([[ $full == ON ]] && echo 100000 || echo 500)" \
    --runs "$([[ $full == ON ]] && echo 2000 || echo 25)"; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
fi

step "done"
echo "$passed passed, $failed failed"
((failed == 0))
