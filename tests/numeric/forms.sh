#!/usr/bin/env bash
# A golden model whose checkpoint has another form: experts fused, in shards, in 16 bits, with tied embeddings. What is
# the same numbers gives the golden logits; what is not is verified against the reference, which reads it too.
# usage: forms.sh NAME MODEL STRATEGY GOLDEN DTYPE [FORM ...]   GOLDEN: golden or verify; FORM: arguments of forms.py
set -euo pipefail
name=$1 model=$2 strategy=$3 golden=$4 dtype=$5
shift 5
# shellcheck source=tests/numeric/common.sh
source "$(dirname "$0")/common.sh"
data=$root/tests/data/$model
dir=$OUT/forms-$name
from=$OUT/forms-$name.checkpoint
settings=()
[[ "$*" != *--drop* ]] || settings=(--set tie_embeddings=true)
rm -rf "$from"
mkdir -p "$OUT"

/usr/bin/python3 "$here/forms.py" "$data" "$from" "$@"
jq -c .input_ids "$data/expected.json" >"$dir.tokens.json"
"$GEN" make -m "$data" -t "$root/topologies/one-host.yaml" -s "$strategy" -o "$dir" --batch 3 --prefill 24 \
    --context 40 --dtype "$dtype" "${settings[@]}"
"$GEN" weights "$dir" --from "$from" >"$dir.weights.log" 2>&1 || { cat "$dir.weights.log"; exit 1; }
if grep "E0613" "$dir.weights.log"; then exit 1; fi # every tensor is used
"$GEN" build "$dir"
if [[ $golden == golden ]]; then
    "$GEN" run "$dir" --tokens "$dir.tokens.json" --max-new-tokens 16 --transport "$TRANSPORT" \
        --logits "$dir.logits.npy" --json >"$dir.run.json"
    "$COMPARE" tokens "$dir.run.json" "$data/expected.json" greedy
    "$COMPARE" logits "$dir.logits.npy" "$data/logits.npy" 1e-5
fi
"$GEN" verify "$dir" --tokens "$dir.tokens.json" --max-new-tokens 16 --transport "$TRANSPORT"
rm -rf "$dir" "$from"
