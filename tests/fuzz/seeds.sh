#!/usr/bin/env bash
# Small plans of every strategy, each as it is and each proved, to begin from when plans are fuzzed: DIR/plan. What
# follows from them, for schedules and certificates: DIR/schedule, and DIR/certificate with a line for each. They are
# made, not kept: their schemas grow.
#
# usage: seeds.sh GEN DIR
set -euo pipefail
gen=${1:?the gen} dir=${2:?the folder to fill}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
for kind in plan schedule certificate; do
    mkdir -p "$dir/$kind"
    rm -f "$dir/$kind"/*
done

cat >"$dir/topology.yaml" <<'YAML'
name: pair
nodes:
  - {name: box, count: 2, gpus: 4, nics: 1, nic_bandwidth: 200 Gb/s,
     gpu: {type: x, memory: 8 GiB, flops: 10 TFLOP/s, flops_f32: 5 TFLOP/s, bandwidth: 1 TB/s},
     link: {type: y, bandwidth: 100 GB/s, latency: 2 us}}
network: {type: z, latency: 5 us, oversubscription: 1}
YAML

# seed NAME MODEL DTYPE STRATEGY
seed() {
    "$gen" plan -q -m "$root/$2" -t "$dir/topology.yaml" --batch 4 --prefill 4 --context 8 --dtype "$3" -s "$4" \
        -o "$dir/plan.json" >/dev/null
    "$gen" emit -q "$dir/plan.json" -o "$dir/program" >/dev/null
    jq -c . "$dir/plan.json" >"$dir/plan/$1"
    jq -c . "$dir/program/schedule.json" >"$dir/schedule/$1"
    jq -c . "$dir/program/schedule.json" "$dir/program/certificate.json" >"$dir/certificate/$1"
}

small=tests/data/mixtral-tiny
seed single $small f32 single
seed tp $small f32 tp:tp=2
seed tp-sharded $small f32 tp:tp=4,output=sharded
seed tp-hierarchical $small f32 tp:tp=8,output=hierarchical
seed tp-ring $small bf16 tp:tp=3,output=ring
seed tp-recursive $small bf16 tp:tp=4,output=recursive
seed tp-pipelined $small f16 tp:tp=4,output=pipelined
seed pp $small f32 pp:pp=2
seed tp-pp $small bf16 tp-pp:tp=2,pp=2
seed ep $small f32 ep:ep=4
seed ep-exact $small f16 ep:ep=2,moves=exact
seed ma $small f32 ma-separation:attention=2,experts=2,groups=1
seed ma-groups $small f32 ma-separation:attention=3,experts=2,groups=3
seed auto $small f32 auto
seed learned models/ma-small.yaml f16 ma-separation:attention=2,experts=2,groups=1,output=flat
seed uneven models/ma-small-swiglu.yaml f16 "$root/tests/data/uneven-stages.lua"
seed latent tests/data/latent-gated.yaml f32 tp:tp=2
seed latent-ep tests/data/latent-gated.yaml f32 ep:ep=2
find "$dir/schedule" "$dir/certificate" -size +40k -delete # reading takes as long as a text is
rm -r "$dir/topology.yaml" "$dir/plan.json" "$dir/program"
