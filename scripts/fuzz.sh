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

# fuzz TARGET: its line of counts and, below it, what failed to TARGET.said; inputs and exit status to TARGET.result
fuzz() {
    local target=$1 log=build/fuzz/$1.log corpus=build/fuzz/corpus/$1 more=() size=4096 status=0 count
    statistic() {
        sed -n "s/^stat::$1: *//p" "$log"
    }
    mkdir -p "$corpus"
    if "$bin/fuzz_dictionary" "$target" >"build/fuzz/$target.dict" 2>/dev/null; then
        more=("-dict=build/fuzz/$target.dict")
    elif [[ -f tests/fuzz/$target.dict ]]; then
        more=("-dict=tests/fuzz/$target.dict")
    fi
    [[ $target != record ]] || size=20000 # what a rank writes
    if [[ $target == @(plan|schedule|certificate) ]]; then
        size=40000
        [[ $target == plan ]] || size=80000
        more+=(-mutate_depth=1 "$bin/seeds/$target") # several changes at once leave few plans whole
    fi
    "$bin/fuzz_$target" "$limit" -max_len=$size -timeout="${FUZZ_TIMEOUT:-1}" -rss_limit_mb=256 -malloc_limit_mb=256 \
        -print_final_stats=1 "-artifact_prefix=build/fuzz/failed/$target-" \
        "$corpus" "tests/fuzz/corpus/$target" "${more[@]}" >"$log" 2>&1 || status=$?
    count=$(statistic number_of_executed_units)
    {
        printf '%-18s %9s inputs, %6s a second, %3s MiB%s\n' "$target" "${count:-0}" \
            "$(statistic average_exec_per_sec)" "$(statistic peak_rss_mb)" "$( ((status == 0)) || echo ", FAILED")"
        ((status == 0)) ||
            grep -E 'SUMMARY|broken promise|Assertion|runtime error|Test unit written' "$log" | sed 's/^/    /' ||
            tail -n 5 "$log"
    } >"build/fuzz/$target.said"
    echo "${count:-0} $status" >"build/fuzz/$target.result"
}

if [[ " ${targets[*]} " =~ \ (plan|schedule|certificate)\  ]]; then
    tests/fuzz/seeds.sh build/fuzz/gen "$bin/seeds"
fi
for target in "${targets[@]}"; do
    rm -f "build/fuzz/$target.said" "build/fuzz/$target.result"
done
for target in "${targets[@]}"; do # as many at a time as there are cores
    while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n || true; done
    fuzz "$target" &
done
wait

inputs=0
failed=0
for target in "${targets[@]}"; do
    count=0 status=1
    if [[ -f build/fuzz/$target.result ]]; then
        cat "build/fuzz/$target.said"
        read -r count status <"build/fuzz/$target.result"
    else
        echo "$target: did not run, FAILED"
    fi
    inputs=$((inputs + count))
    ((status == 0)) || failed=$((failed + 1))
done
echo "${#targets[@]} targets, $inputs inputs, $failed failed"
((failed == 0))
