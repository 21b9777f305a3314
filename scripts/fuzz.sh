#!/usr/bin/env bash
# Fuzzes every reader of foreign data with libFuzzer under the address and undefined-behaviour sanitizers (clang).
# A line of counts for each target, and a closing line; fails if any input crashed, took over a second, over 256 MiB,
# or broke a promise. What failed is kept in build/fuzz/failed; what was new and good in build/fuzz/corpus, from where
# the next run goes on.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    echo "usage: scripts/fuzz.sh [--seconds N | --runs N] [TARGET...]   (N: of each target; targets: tests/fuzz/fuzz_*.c)" >&2
    exit 2
}
limit=-max_total_time=10
targets=()
while (($#)); do
    case $1 in
    --seconds | --runs)
        [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || usage
        [[ $1 == --runs ]] && limit=-runs=$2 || limit=-max_total_time=$2
        shift 2
        ;;
    -*) usage ;;
    *)
        [[ -f tests/fuzz/fuzz_$1.c ]] || usage
        targets+=("$1")
        shift
        ;;
    esac
done
if ((${#targets[@]} == 0)); then
    for file in tests/fuzz/fuzz_*.c; do
        name=${file##*/fuzz_}
        targets+=("${name%.c}")
    done
fi
command -v clang >/dev/null || {
    echo "fuzz: there is no clang here; ctest -L fuzz replays the corpus and mutations of it without" >&2
    exit 69
}

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz | tail -n 1
bin=build/fuzz/tests/fuzz
mkdir -p build/fuzz/failed
export ASAN_OPTIONS=quarantine_size_mb=8:${ASAN_OPTIONS:-}

statistic() {
    sed -n "s/^stat::$1: *//p" "$log"
}

inputs=0
failed=0
seeded=
for target in "${targets[@]}"; do
    log=build/fuzz/$target.log
    corpus=build/fuzz/corpus/$target
    mkdir -p "$corpus"
    more=()
    if "$bin/fuzz_dictionary" "$target" >"build/fuzz/$target.dict" 2>/dev/null; then
        more=("-dict=build/fuzz/$target.dict")
    elif [[ -f tests/fuzz/$target.dict ]]; then
        more=("-dict=tests/fuzz/$target.dict")
    fi
    size=4096
    [[ $target != record ]] || size=20000 # what a rank writes
    if [[ $target == @(plan|schedule|certificate) ]]; then
        size=40000
        [[ $target == plan ]] || size=80000
        more+=(-mutate_depth=1 "$bin/seeds/$target") # several changes at once leave few plans whole
        [[ $seeded ]] || tests/fuzz/seeds.sh build/fuzz/gen "$bin/seeds"
        seeded=1
    fi
    status=0
    "$bin/fuzz_$target" "$limit" -max_len=$size -timeout="${FUZZ_TIMEOUT:-1}" -rss_limit_mb=256 -malloc_limit_mb=256 \
        -print_final_stats=1 "-artifact_prefix=build/fuzz/failed/$target-" \
        "$corpus" "tests/fuzz/corpus/$target" "${more[@]}" >"$log" 2>&1 || status=$?
    count=$(statistic number_of_executed_units)
    inputs=$((inputs + ${count:-0}))
    printf '%-18s %9s inputs, %6s a second, %3s MiB%s\n' "$target" "${count:-0}" "$(statistic average_exec_per_sec)" \
        "$(statistic peak_rss_mb)" "$( ((status == 0)) || echo ", FAILED")"
    if ((status)); then
        failed=$((failed + 1))
        grep -E 'SUMMARY|broken promise|Assertion|runtime error|Test unit written' "$log" | sed 's/^/    /' || tail -n 5 "$log"
    fi
done
echo "${#targets[@]} targets, $inputs inputs, $failed failed"
((failed == 0))
