#!/usr/bin/env bash
# Kills of ranks and launchers: two programs are made and built, and struck at random moments. See kill.c.
# usage: run.sh [--kills N] [--seed S] [--timeout-ms T] [tiny|small]...
#   tiny: 6 attention and 2 expert ranks, where most cases run; small: 12 and 4, every fifth case.
set -euo pipefail
: "${GEN:?name the gen under test}" "${KILL:?name the kill tool}" "${OUT:?name a folder}"
root=$(cd "$(dirname "$0")/../.." && pwd)
kills=60
seed=1
timeout=5000
programs=()
while (($#)); do
    case "$1" in
    --kills) kills=$2 && shift 2 ;;
    --seed) seed=$2 && shift 2 ;;
    --timeout-ms) timeout=$2 && shift 2 ;;
    tiny | small) programs+=("$1") && shift ;;
    *)
        echo "usage: run.sh [--kills N] [--seed S] [--timeout-ms T] [tiny|small]..." >&2
        exit 2
        ;;
    esac
done
((${#programs[@]})) || programs=(tiny small)

# program NAME MODEL TOPOLOGY STRATEGY
program() {
    "$GEN" make -q -m "$2" -t "$root/topologies/$3" -s "$4" -o "$OUT/$1" \
        --batch 4 --prefill 32 --context 128 --dtype f32 >/dev/null
    "$GEN" build -q "$OUT/$1" >/dev/null
}

mkdir -p "$OUT"
failed=0
for name in "${programs[@]}"; do
    if [[ $name == tiny ]]; then
        program tiny "$root/tests/data/mixtral-tiny" one-host.yaml \
            ma-separation:attention=6,experts=2,groups=1
        "$KILL" --kills $((kills - kills / 5)) --seed "$seed" --steps 90 --stop-jobs 8 \
            --timeout-ms "$timeout" --slow --idle "$OUT/tiny/build/program" "$OUT" || failed=1
    else
        program small "$root/models/ma-small.yaml" a100-4x4.yaml \
            ma-separation:attention=12,experts=4,groups=1
        "$KILL" --kills $((kills / 5)) --seed "$seed" --steps 60 --stop-jobs 3 \
            --timeout-ms "$timeout" "$OUT/small/build/program" "$OUT" || failed=1
    fi
done
exit $failed
