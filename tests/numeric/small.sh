#!/usr/bin/env bash
# The small source model over 12 attention and 4 expert ranks in one combination of options, or by any other
# strategy: gen verify passes, and the tokens equal those of one rank.
# usage: small.sh single | small.sh OUTPUT PLACEMENT MOVES MICROBATCHES | small.sh strategy NAME STRATEGY
set -euo pipefail
# shellcheck source=tests/numeric/common.sh
source "$(dirname "$0")/common.sh"
mkdir -p "$OUT"
tokens=$OUT/small.tokens.json
workload=(--batch 6 --prefill 16 --context 24 --dtype f32)

# Six prompts of different lengths; the ids are spread over the vocabulary.
# shellcheck disable=SC2016 # they are jq's
prompts='[range(6) as $s | [range(16 - 2 * $s) as $t | (($s * 7919 + $t * 104729 + 17) % 50265)]]'

# make_and_run NAME STRATEGY TOPOLOGY
make_and_run() {
    local dir=$OUT/small-$1
    "$GEN" make -m "$root/models/ma-small.yaml" -t "$root/topologies/$3" -s "$2" -o "$dir" \
        "${workload[@]}"
    "$GEN" build "$dir"
    "$GEN" run "$dir" --tokens "$tokens" --max-new-tokens 8 --transport "$TRANSPORT" --json \
        >"$dir.run.json"
}

if [[ "$1" == single ]]; then
    jq -cn "$prompts" >"$tokens"
    make_and_run single single one-host.yaml
    exit 0
fi

if [[ "$1" == strategy ]]; then
    name=$2
    strategy=$3
else
    name=$1-$2-$3-m$4
    strategy="ma-separation:attention=12,experts=4,groups=1,output=$1,placement=$2,moves=$3,microbatches=$4"
fi
make_and_run "$name" "$strategy" a100-4x4.yaml
"$COMPARE" tokens "$OUT/small-$name.run.json" "$OUT/small-single.run.json" tokens
"$GEN" verify "$OUT/small-$name" --tokens "$tokens" --max-new-tokens 8 --transport "$TRANSPORT"
rm -rf "$OUT/small-$name" # a set of 36 would fill a small disk
