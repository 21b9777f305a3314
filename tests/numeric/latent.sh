#!/usr/bin/env bash
# A model with dense layers and latent attention by a strategy: gen verify passes (prefill makes keys and values of
# the latents, decode meets the latents as they are; the reference does neither), and the tokens equal those of one
# rank.
# usage: latent.sh MODEL single | latent.sh MODEL NAME STRATEGY [DTYPE]
set -euo pipefail
# shellcheck source=tests/numeric/common.sh
source "$(dirname "$0")/common.sh"
mkdir -p "$OUT"
model=$1
name=$2
strategy=${3:-single}
dtype=${4:-f32}
stem=$(basename "$model" .yaml)
dir=$OUT/$stem-$name
tokens=$OUT/$stem.tokens.json

# Five prompts of different lengths; the ids lie within both models' vocabularies.
# shellcheck disable=SC2016 # they are jq's
prompts='[range(5) as $s | [range(9 - 2 * $s) as $t | (($s * 79 + $t * 37 + 11) % 131)]]'
[[ -s $tokens ]] || { jq -cn "$prompts" >"$tokens.$$" && mv "$tokens.$$" "$tokens"; }

"$GEN" make -m "$root/$model" -t "$root/topologies/a100-4x4.yaml" -s "$strategy" -o "$dir" \
    --batch 5 --prefill 9 --context 16 --dtype "$dtype"
"$GEN" build "$dir"
if [[ $dtype == f32 ]]; then
    "$GEN" run "$dir" --tokens "$tokens" --max-new-tokens 7 --transport "$TRANSPORT" --json \
        >"$OUT/$stem-$name.run.json"
    [[ $name == single ]] ||
        "$COMPARE" tokens "$OUT/$stem-$name.run.json" "$OUT/$stem-single.run.json" tokens
fi
"$GEN" verify "$dir" --tokens "$tokens" --max-new-tokens 7 --transport "$TRANSPORT"
rm -rf "$dir"
