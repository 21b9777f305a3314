#!/usr/bin/env bash
# A golden model whose checkpoint has another form: experts fused, in shards, in 16 bits, with tied embeddings, of 8 bits
# with scales. What is the same numbers gives the golden logits; what is not is verified against the reference, which
# reads it too; what has scales also gives the bits that the numbers give that it stands for.
# usage: forms.sh NAME MODEL STRATEGY GOLDEN DTYPE [FORM ...]
#   GOLDEN: golden, verify or plain (as verify, and compared with --plain of forms.py); FORM: arguments of forms.py
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
rm -rf "$from" "$from.plain"
[[ $golden != plain ]] || set -- "$@" --plain "$from.plain"
mkdir -p "$OUT"

/usr/bin/python3 "$here/forms.py" "$data" "$from" "$@"
jq -c .input_ids "$data/expected.json" >"$dir.tokens.json"
"$GEN" make -m "$from" -t "$root/topologies/one-host.yaml" -s "$strategy" -o "$dir" --batch 3 --prefill 24 \
    --context 40 --dtype "$dtype" "${settings[@]}"
"$GEN" weights "$dir" --from "$from" >"$dir.weights.log" 2>&1 || { cat "$dir.weights.log"; exit 1; }
if grep "more not used" "$dir.weights.log"; then exit 1; fi
"$GEN" build "$dir"
run() {
    "$GEN" run "$dir" --tokens "$dir.tokens.json" --max-new-tokens 16 --transport "$TRANSPORT" \
        --logits "$1" --json >"$dir.run.json"
}
if [[ $golden == golden ]]; then
    run "$dir.logits.npy"
    "$COMPARE" tokens "$dir.run.json" "$data/expected.json" greedy
    "$COMPARE" logits "$dir.logits.npy" "$data/logits.npy" 1e-5
fi
"$GEN" verify "$dir" --tokens "$dir.tokens.json" --max-new-tokens 16 --transport "$TRANSPORT"
if [[ $golden == plain ]]; then
    grep -q "of 8 bits with scales" "$dir.weights.log"
    run "$dir.logits.npy"
    "$GEN" weights "$dir" --from "$from.plain"
    run "$dir.plain.npy"
    cmp "$dir.logits.npy" "$dir.plain.npy"
fi
rm -rf "$dir" "$from" "$from.plain"
