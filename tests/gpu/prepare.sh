#!/usr/bin/env bash
# Makes the folder that run.sh takes to a machine with a GPU: programs, what they must compute, the runtime's sources and
# run.sh itself. Weights are random, by counter, so that none need to be carried along.
# usage: prepare.sh FOLDER [PATTERN]   PATTERN: only cases whose name it matches (a regular expression)
#   GEN: the gen to use; EXPECT: the tool of expect.c; ARCH: architectures of programs made ahead (sm_80,sm_90a)
set -euo pipefail
: "${GEN:?name the gen}" "${EXPECT:?name the tool of expectations}"
: "${ARCH:=sm_80,sm_90a}"
folder=$1 pattern=${2:-.}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$folder/cases"
cp -r "$root/runtime" "$here/run.sh" "$here/probe.c" "$here/README.md" "$folder/"
: >"$folder/cases.txt"
made=0

# emit NAME MODEL TOPOLOGY STRATEGY DTYPE KERNELS OPTION...
emit() {
    local name=$1 model=$2 topology=$3 strategy=$4 dtype=$5 kernels=$6
    shift 6
    "$GEN" make -q -m "$root/$model" -t "$root/topologies/$topology.yaml" -s "$strategy" --dtype "$dtype" "$@" \
        --target cuda --kernels "$kernels" --arch "$ARCH" --name "${name%-*}" -o "$folder/cases/$name" >"$folder/cases/$name.log"
}

# one_rank MODEL TOPOLOGY OPTION...: the one-rank program in bfloat16 of the same model, whose error others are held to;
# sets $base, and makes it where it is not there
one_rank() {
    local model topology=$2 options=("${@:3}")
    model=$(basename "$1" .yaml)
    base=base-$model$(printf '%s' "${options[@]}" | tr -d -c '0-9-' | tr -s -)-bf16
    if [[ -d $folder/cases/$base ]]; then return; fi
    emit "$base" "$1" "$topology" single bf16 aot "${options[@]}"
    "$EXPECT" "$folder/cases/$base" "$folder/cases/$base.rta" >>"$folder/cases/$base.log"
    echo "$base verify 1 bf16 $base.rta -" >>"$folder/cases.txt"
    made=$((made + 1))
}

# verified NAME MODEL TOPOLOGY STRATEGY DTYPE OPTION...: a case that compares itself, made ahead and by NVRTC
verified() {
    local name=$1 dtype=$5 kernels full base=-
    local arguments=("${@:2:4}") options=("${@:6}")
    for kernels in aot nvrtc; do
        full=$name-$dtype-$kernels
        [[ $full =~ $pattern ]] || continue
        if [[ $dtype == bf16 && $4 != single ]]; then one_rank "$2" "$3" "${options[@]}"; fi
        emit "$full" "${arguments[@]}" "$kernels" "${options[@]}"
        if [[ ! -f $folder/cases/$name-$dtype.rta ]]; then
            "$EXPECT" "$folder/cases/$full" "$folder/cases/$name-$dtype.rta" >>"$folder/cases/$full.log"
        fi
        world=$(jq '.ranks | length' "$folder/cases/$full/plan.json")
        echo "$full verify $world $dtype $name-$dtype.rta $base" >>"$folder/cases.txt"
        made=$((made + 1))
    done
}

# timed NAME MODEL TOPOLOGY STRATEGY DTYPE BENCH_OPTIONS OPTION...: a case that is timed
timed() {
    local full=$1-$5-aot
    [[ $full =~ $pattern ]] || return 0
    emit "$full" "$2" "$3" "$4" "$5" aot "${@:7}"
    world=$(jq '.ranks | length' "$folder/cases/$full/plan.json")
    echo "$full bench $world $5 $6" >>"$folder/cases.txt"
    made=$((made + 1))
}

golden=(--prefill 24 --context 40)
for dtype in f32 bf16; do
    # The golden placements.
    verified golden-a tests/data/mixtral-tiny one-host single $dtype --batch 3 "${golden[@]}"
    verified golden-b tests/data/mixtral-tiny one-host ma-separation:attention=6,experts=2,groups=1 $dtype --batch 3 "${golden[@]}"
    verified golden-c tests/data/mixtral-tiny one-host ma-separation:attention=6,groups=3,experts=2 $dtype --batch 3 "${golden[@]}"
    verified golden-d tests/data/mixtral-tiny one-host ma-separation:attention=12,groups=6,experts=4,microbatches=2 $dtype \
        --batch 12 "${golden[@]}"
    verified golden-e tests/data/mixtral-tiny one-host ma-separation:attention=5,experts=3,groups=1 $dtype --batch 3 "${golden[@]}"
    verified golden-f tests/data/mixtral-tiny one-host ma-separation:attention=12,groups=12,experts=4 $dtype --batch 12 "${golden[@]}"

    # Moves in chunks, padded, exact and in stages; every other strategy.
    verified chunks-exact tests/data/mixtral-tiny one-host \
        ma-separation:attention=6,groups=2,experts=2,microbatches=2,moves=exact,chunk=5,in_flight=2 $dtype --batch 12 "${golden[@]}"
    verified chunks-padded tests/data/mixtral-tiny one-host \
        ma-separation:attention=6,groups=3,experts=2,moves=padded,chunk=3,in_flight=3 $dtype --batch 12 "${golden[@]}"
    verified split tests/data/mixtral-tiny one-host ma-separation:attention=3,groups=1,experts=3,embedding=split,output=flat $dtype \
        --batch 3 "${golden[@]}"
    verified copies tests/data/mixtral-tiny one-host ma-separation:attention=4,groups=2,experts=2,dp=2 $dtype --batch 12 "${golden[@]}"
    verified tp3 tests/data/mixtral-tiny one-host tp:tp=3,microbatches=2 $dtype --batch 12 "${golden[@]}"
    verified tp3-ring tests/data/mixtral-tiny one-host tp:tp=3,output=ring $dtype --batch 3 "${golden[@]}"
    verified tp5-sharded tests/data/mixtral-tiny one-host tp:tp=5,output=sharded $dtype --batch 3 "${golden[@]}"
    verified tp8-pipelined models/ma-small.yaml a100-4x4 tp:tp=8,output=pipelined $dtype --batch 6 --prefill 16 --context 24
    verified ep12 tests/data/mixtral-tiny one-host ep:ep=12 $dtype --batch 12 "${golden[@]}"
    verified ep-tp tests/data/mixtral-tiny one-host ep:ep=3,tp=2,output=hierarchical,moves=exact $dtype --batch 12 "${golden[@]}"
    verified ep8-aggregated models/ma-small.yaml a100-4x4 ep:ep=8,exchange=aggregated,moves=padded $dtype \
        --batch 6 --prefill 16 --context 24
    verified pp2 tests/data/mixtral-tiny one-host pp:pp=2,microbatches=4 $dtype --batch 12 "${golden[@]}"
    verified tp-pp tests/data/mixtral-tiny one-host tp-pp:tp=3,pp=2,microbatches=2,dp=2,output=sharded $dtype --batch 12 "${golden[@]}"

    # The families.
    for model in qwen3_moe olmoe deepseek_v3 qwen2_moe glm4_moe; do
        verified $model tests/data/$model-tiny one-host single $dtype --batch 3 "${golden[@]}"
        verified $model-tp4 tests/data/$model-tiny one-host tp:tp=4 $dtype --batch 3 "${golden[@]}"
        verified $model-grid4 tests/data/$model-tiny one-host \
            ma-separation:attention=4,experts=4,groups=2,microbatches=2,moves=exact $dtype --batch 12 "${golden[@]}"
    done

    # The small source model over 12 attention and 4 expert ranks, in every split.
    verified small models/ma-small.yaml one-host single $dtype --batch 6 --prefill 16 --context 24
    for output in flat hierarchical sharded; do
        for moves in padded exact; do
            for microbatches in 1 2; do
                verified "small-$output-$moves-m$microbatches" models/ma-small.yaml a100-4x4 \
                    "ma-separation:attention=12,experts=4,groups=1,output=$output,moves=$moves,microbatches=$microbatches" \
                    $dtype --batch 6 --prefill 16 --context 24
            done
        done
    done
done

# The source model at full size: prefill of 4 x 2047 (it has 2048 positions, of which a decode step needs one), decode of
# 64 sequences.
full=models/ma-8.9b.yaml
for strategy in single ma-separation:attention=12,experts=4; do
    short=${strategy%%:*}
    topology=$([[ $short == single ]] && echo h200-1 || echo a100-4x4)
    timed "full-prefill-$short" $full "$topology" "$strategy" bf16 "--steps,1,--repeat,3" --batch 4 --prefill 2047 --context 2048
    timed "full-decode-$short" $full "$topology" "$strategy" bf16 "--steps,16,--repeat,3" --batch 64 --prefill 64 --context 160
done
echo "$made programs in $folder; there: ./run.sh"
