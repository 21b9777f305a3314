#!/usr/bin/env bash
# A program for GPUs over the stand-ins for CUDA's libraries (tests/standin), unmodified: it computes what the reference
# says, float32 within 1e-4 and every token, and what it called equals the schedule.
# usage: cuda.sh NAME MODEL TIMES STRATEGY DTYPE KERNELS TRANSPORT
#   MODEL: a folder of tests/data, or a file of models/; TIMES: sequences by three; TRANSPORT: loopback, or nccl: a process a
#   rank. STANDIN: the stand-ins; EXPECT: the tool of tests/gpu/expect.c; SANITIZE: sanitizers, of the stand-ins too
set -euo pipefail
name=$1 model=$2 times=$3 strategy=$4 dtype=$5 kernels=$6 way=$7
# shellcheck source=tests/numeric/common.sh
source "$(dirname "$0")/common.sh"
: "${STANDIN:?name the stand-ins}" "${EXPECT:?name the tool of expectations}"
dir=$OUT/cuda-$name
mkdir -p "$OUT"
export STANDIN_ARCH=80 SHIM_CACHE=$OUT/cuda-modules RT_CUDA_CACHE=$OUT/cuda-cache CUDA_ROOT=$STANDIN
SHIM_FLAGS=${SHIM_FLAGS:-}
if [[ -n ${SANITIZE:-} ]]; then SHIM_FLAGS="-O1 -g -fsanitize=$SANITIZE"; fi
case ${SANITIZE:-} in # a block's threads are one to ThreadSanitizer here: it looks at streams
*thread*) SHIM_FLAGS="$SHIM_FLAGS --param tsan-instrument-func-entry-exit=0" ;;
esac
export SHIM_FLAGS
topology=one-host.yaml new=8
expectation=()
workload=(--batch $((3 * times)) --prefill 12 --context 24)
case $model in
*.yaml) # of full width: fewer rows
    new=3 workload=(--batch $((3 * times)) --prefill 4 --context 7)
    from=$root/models/$model
    if [[ $strategy != single ]]; then topology=a100-4x4.yaml; fi
    ;;
*) from=$root/tests/data/$model ;;
esac

"$GEN" make -q -m "$from" -t "$root/topologies/$topology" -s "$strategy" -o "$dir" "${workload[@]}" --dtype "$dtype" \
    --target cuda --kernels "$kernels" --arch sm_80 >"$dir.make"

# Prompts of several lengths over the vocabulary; of a golden model those of which an implementation told the tokens.
world=$(jq '.ranks | length' "$dir/plan.json")
if [[ -f $from/expected.json ]]; then
    # shellcheck disable=SC2016 # it is jq's
    jq -c --argjson times "$times" '.input_ids as $all | [range($times) as $_ | $all[][:12]]' "$from/expected.json" \
        >"$dir.tokens.json"
    "$GEN" weights "$dir" --from "$from" >"$dir.weights"
    expectation=("$from")
else
    # shellcheck disable=SC2016
    jq -cn --argjson all $((3 * times)) \
        '[range($all) as $s | [range(4 - $s % 3) as $t | (($s * 7919 + $t * 104729 + 17) % 50265)]]' \
        >"$dir.tokens.json"
fi

# The runtime is built once for all; one at a time.
library=$OUT/cuda-runtime/librt_cuda.a
(
    flock 9
    cmake -S "$root/runtime" -B "$OUT/cuda-runtime" -G Ninja -DRT_TARGET=cuda -DCUDA_ROOT="$STANDIN" ${LAUNCHER:+"$LAUNCHER"} \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTOPOSMITH_SANITIZE="${SANITIZE:-}" >"$OUT/cuda-runtime.log"
    ninja -C "$OUT/cuda-runtime" >>"$OUT/cuda-runtime.log"
) 9>"$OUT/cuda-runtime.lock"
cmake -S "$dir" -B "$dir/build" -G Ninja -DRT_DIR="$root/runtime" -DRT_LIBRARY="$library" -DCUDA_ROOT="$STANDIN" \
    ${LAUNCHER:+"$LAUNCHER"} -DTOPOSMITH_WERROR=ON -DTOPOSMITH_SANITIZE="${SANITIZE:-}" >"$dir.build.log"
ninja -C "$dir/build" >>"$dir.build.log" || {
    tail -n 40 "$dir.build.log"
    exit 1
}
"$EXPECT" "$dir" "$dir.expected.rta" "$dir.tokens.json" "$new" "${expectation[@]}"
program=("$dir/build/program" verify --expected "$dir.expected.rta" -q --transport "$way")
if [[ -f $dir/weights.map ]]; then program+=(--weights "$dir/weights.map"); fi

# run_ranks ARGUMENT...: all ranks of the program
run_ranks() {
    local status=0 pids=() rank pid
    if [[ $way == loopback ]]; then
        "${program[@]}" "$@"
        return
    fi
    rm -f "$dir.meet"
    for ((rank = 0; rank < world; rank++)); do
        RANK=$rank WORLD_SIZE=$world LOCAL_RANK=$rank LOCAL_WORLD_SIZE=$world MASTER_PORT=1 STANDIN_DEVICES=$world \
            "${program[@]}" --rendezvous "$dir.meet" "$@" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || status=$?; done
    return "$status"
}

rm -f "$dir".calls.*
STANDIN_LOG=$dir.calls run_ranks --record "$dir.record"
"$GEN" check "$dir" --record "$dir.record" >"$dir.check" || { cat "$dir.check"; exit 1; }
tail -n 1 "$dir.check"
if command -v python3 >/dev/null; then
    PYTHONDONTWRITEBYTECODE=1 python3 "$root/tests/standin/calls/check_calls.py" "$dir" --log "$dir.calls" \
        --transport "$way" --functions "$root/lua/emit/cuda.lua"
fi

# Where nothing is recorded steps that are always the same are captured, the second time that they run, and replayed.
if [[ $way == nccl ]]; then
    rm -f "$dir".log.*
    STANDIN_LOG=$dir.log run_ranks
    wanted=$(("$("$dir/build/program" info --json | jq '.graphs | length')" * (new - 2)))
    for ((rank = 0; rank < world; rank++)); do
        replays=$(grep -c cudaGraphLaunch "$dir.log.rank$rank" || true)
        if ((replays != wanted)); then
            echo "rank $rank launches $replays graphs, not $wanted"
            exit 1
        fi
    done
    echo "$wanted replays of a step"
fi
