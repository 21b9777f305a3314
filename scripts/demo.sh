#!/usr/bin/env bash
# The main job: plan the source model on the 4 x 4 A100 cluster at full size, and show placement, proof and
# memory; then make the small model for the same sixteen ranks, run them all on this machine, verify and
# measure. Installs what is missing first. Everything it writes lies under out/demo.
set -euo pipefail
cd "$(dirname "$0")/.."

began=$SECONDS
step() {
    printf '\n==> [%3d s] %s\n' "$((SECONDS - began))" "$*"
}
show() { # print a command, then run it
    printf '$ %s\n' "$*"
    "$@"
}

step "packages"
scripts/install-packages.sh

step "building gen"
cmake --preset release >/dev/null
cmake --build --preset release --target gen rt_host
gen=build/release/gen
began=$SECONDS
mkdir -p out/demo

step "1/6 the source model at full size: 12 attention and 4 expert ranks on 4 x 4 A100"
show $gen plan -m models/ma-8.9b.yaml -t topologies/a100-4x4.yaml -o out/demo/full.json \
    -s ma-separation:attention=12,experts=4,groups=1
show $gen show out/demo/full.json

step "2/6 its proof and memory"
show $gen check out/demo/full.json

step "3/6 the small model for the same sixteen ranks"
show $gen make -m models/ma-small.yaml -t topologies/a100-4x4.yaml -o out/demo/small \
    -s ma-separation:attention=12,experts=4,groups=1 --batch 8 --prefill 32 --context 64 --dtype f32
show $gen build out/demo/small

step "4/6 prefill and decode with all sixteen processes"
printf '[[11, 22, 33, 44, 55], [7, 8, 9], [100, 200, 300, 400]]\n' >out/demo/prompts.json
show $gen run out/demo/small --tokens out/demo/prompts.json --max-new-tokens 16 \
    --trace out/demo/trace.json

step "5/6 verification against the reference in double precision"
show $gen verify out/demo/small

step "6/6 measurement"
show $gen bench out/demo/small

step "done; the plan: out/demo/full.json, the program: out/demo/small, the trace: out/demo/trace.json"
echo "open the trace at https://ui.perfetto.dev or chrome://tracing"
