#!/usr/bin/env bash
# One placement of a golden model against what a public implementation computed: logits of the prompts within
# 1e-5 of the largest, the 16 greedy tokens of each sequence equal, counters as scheduled.
# usage: golden.sh NAME TIMES STRATEGY [MODEL [TRANSPORT]]
#   TIMES: the golden sequences so often, one after another; MODEL: a folder of tests/data, default mixtral-tiny
set -euo pipefail
name=$1
times=$2
strategy=$3
# shellcheck source=tests/numeric/common.sh
source "$(dirname "$0")/common.sh"
data=$root/tests/data/${4:-mixtral-tiny}
dir=$OUT/golden-$name
TRANSPORT=${5:-$TRANSPORT}
mkdir -p "$OUT"

tokens=$dir.tokens.json
# shellcheck disable=SC2016 # it is jq's
jq -c --argjson times "$times" '.input_ids as $all | [range($times) as $_ | $all[]]' \
    "$data/expected.json" >"$tokens"

"$GEN" make -m "$data" -t "$root/topologies/one-host.yaml" -s "$strategy" -o "$dir" \
    --batch $((3 * times)) --prefill 24 --context 40 --dtype f32
"$GEN" weights "$dir" --from "$data"
"$GEN" build "$dir"
"$GEN" run "$dir" --tokens "$tokens" --max-new-tokens 16 --transport "$TRANSPORT" \
    --logits "$dir.logits.npy" --json >"$dir.run.json"
"$COMPARE" tokens "$dir.run.json" "$data/expected.json" greedy
"$COMPARE" logits "$dir.logits.npy" "$data/logits.npy" 1e-5
"$GEN" verify "$dir" --tokens "$tokens" --max-new-tokens 16 --transport "$TRANSPORT"
