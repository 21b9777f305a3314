#!/usr/bin/env bash
# The perplexity of English text is the same to 1e-6 under every strategy (each), and under every choice of it that
# changes the program (all).
# usage: perplexity.sh NAME BYTES each|all
set -euo pipefail
# shellcheck source=tests/numeric/common.sh
source "$(dirname "$0")/common.sh"
dir=$OUT/perplexity-$1
data=$root/tests/data/deepseek_v3-tiny
mkdir -p "$dir"

each=(single auto tp:tp=2 "pp:pp=2,microbatches=2" "tp-pp:tp=2,pp=2,microbatches=2" ep:ep=4
    "ma-separation:attention=3,experts=3,groups=1,shared=columns")
all=(
    single:microbatches=2 "tp:tp=3,output=ring" "tp:tp=4,output=recursive" "tp:tp=3,output=sharded,microbatches=2"
    "tp:tp=4,output=hierarchical,embedding=split" "tp:tp=3,output=pipelined" "tp:tp=4,output=ring-sharded"
    "tp:tp=2,dp=2" "tp:tp=3,shared=experts" "tp:tp=3,shared=attention"
    pp:pp=3 "tp-pp:tp=3,pp=2,output=ring"
    "ep:ep=2,tp=2" "ep:ep=4,exchange=pairwise,microbatches=1" "ep:ep=3,exchange=aggregated,moves=padded"
    "ep:ep=4,moves=exact,chunk=16,in_flight=2" "ep:ep=2,shared=experts"
    "ma-separation:attention=2,experts=2" "ma-separation:attention=3,experts=2,groups=1,output=flat"
    "ma-separation:attention=4,experts=4,groups=2,microbatches=2" "ma-separation:attention=3,experts=2,groups=1,output=sharded"
    "ma-separation:attention=3,experts=2,groups=3,shared=experts"
    "ma-separation:attention=4,experts=4,groups=4,exchange=pairwise,shared=attention"
)
cases=("${each[@]}")
[ "$3" = each ] || cases+=("${all[@]}")

for file in "$root"/lua/strategies/*.lua; do
    strategy=$(basename "$file" .lua)
    if [[ ! " ${cases[*]}" =~ \ $strategy(:| |$) ]]; then
        echo "no case for strategy $strategy" >&2
        exit 1
    fi
done

# A vocabulary as large as the model's, so that every token is some text.
jq -c '[.model.vocab[], .added_tokens[].id] as $used
    | .model.vocab += ([range(512)] - $used | map({"w\(.)": .}) | add)' \
    "$root/tests/data/tokenizers/llama3.json" >"$dir/tokenizer.json"
cat /usr/share/common-licenses/* | head -c "$2" >"$dir/text.txt" || [ -s "$dir/text.txt" ]
[ "$(wc -c <"$dir/text.txt")" -eq "$2" ]

for case in "${cases[@]}"; do
    rm -rf "$dir/program"
    "$GEN" make -q -m "$data" -t "$root/topologies/one-host.yaml" -s "$case" -o "$dir/program" \
        --batch 8 --prefill 64 --context 66 --dtype f32 >"$dir/make.txt"
    "$GEN" weights -q "$dir/program" --from "$data" >/dev/null
    "$GEN" build -q "$dir/program" >/dev/null
    "$GEN" perplexity -q "$dir/program" --tokenizer "$dir/tokenizer.json" --text "$dir/text.txt" \
        --transport "$TRANSPORT" --json >"$dir/this.json"
    [ "$case" != single ] || cp "$dir/this.json" "$dir/single.json"
    jq -er --arg case "$case" --slurpfile one "$dir/single.json" '
        (.perplexity / $one[0].perplexity - 1) as $off
        | "\(.perplexity)  \($off)  \(.scored) tokens  \($case)",
          (if .scored == $one[0].scored and .scored > 0 and ($off | fabs) < 1e-6 then empty
           else error("\($case): perplexity is off by \($off)") end)' "$dir/this.json"
done
rm -rf "$dir/program"
