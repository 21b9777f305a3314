#!/usr/bin/env bash
# Every strategy at one number of ranks: prefill and decode give the tokens of the one-rank program, gen
# verify passes (logits against the reference, counters against the schedule). What a strategy declines
# must be declined for the reason that is written here, so that nothing is skipped unseen.
# usage: matrix.sh MODEL single | matrix.sh MODEL RANKS      (MODEL: mixtral-tiny or ma-small)
set -euo pipefail
# shellcheck source=tests/numeric/common.sh
source "$(dirname "$0")/common.sh"
model=$1
ranks=$2
new_tokens=8

case $model in
mixtral-tiny)
    source_model=$root/tests/data/mixtral-tiny
    layers=2 heads=8 vocabulary=256
    ;;
ma-small)
    source_model=$root/models/ma-small.yaml
    layers=4 heads=32 vocabulary=50265
    ;;
*) exit 2 ;;
esac
sequences=24 prompt=12

work=$OUT/matrix-$model-$ranks
tokens=$OUT/matrix-$model.tokens.json
expected=$OUT/matrix-$model.single.json
mkdir -p "$work"

# A cluster of exactly so many GPUs: two nodes with a NIC each where that can be, else one.
topology() {
    local nodes=1
    (($1 >= 4 && $1 % 2 == 0)) && nodes=2
    sed -e "s/count: 1$/count: $nodes/" -e "s/gpus: 16 /gpus: $(($1 / nodes)) /" \
        -e "s/nics: 0 .*/nics: 1\n    nic_bandwidth: 10 Gb\/s/" "$root/topologies/one-host.yaml"
    printf '\nnetwork:\n  latency: 30 us\n'
}

# make NAME STRATEGY: the program in $work/NAME, or what the strategy said in $work/NAME.log
make_program() {
    "$GEN" make -m "$source_model" -t "$work/topology.yaml" -s "$2" -o "$work/$1" \
        --batch $sequences --prefill $prompt --context $((prompt + new_tokens)) --dtype f32 \
        >"$work/$1.log" 2>&1
}

run_program() {
    [[ $model != mixtral-tiny ]] || "$GEN" weights "$work/$1" --from "$source_model" >>"$work/$1.log"
    "$GEN" build "$work/$1" >>"$work/$1.log" 2>&1
    "$GEN" run "$work/$1" --tokens "$tokens" --max-new-tokens $new_tokens --transport "$TRANSPORT" \
        --json 2>>"$work/$1.log"
}

topology "${ranks/single/1}" >"$work/topology.yaml"
if [[ $ranks == single ]]; then
    # Prompts of different lengths; the ids are spread over the vocabulary.
    jq -cn "[range($sequences) as \$s | [range(1 + (\$s * 5) % $prompt) as \$t |
        ((\$s * 7919 + \$t * 104729 + 17) % $vocabulary)]]" >"$tokens"
    make_program single single
    run_program single >"$expected"
    rm -rf "$work"
    exit 0
fi

failures=0
checked=0
# case NAME STRATEGY [REASON]: REASON: the strategy declines, and says this.
one_case() {
    local name=$1 strategy=$2 reason=${3-} verdict
    if [[ -n $reason ]]; then
        if make_program "$name" "$strategy"; then
            verdict="FAILED: taken, though: $reason"
        elif grep -q -- "$reason" "$work/$name.log"; then
            verdict="declined: $reason"
        else
            verdict="FAILED: declined for another reason"
        fi
    elif make_program "$name" "$strategy" && run_program "$name" >"$work/$name.json" &&
        "$COMPARE" tokens "$work/$name.json" "$expected" tokens >>"$work/$name.log" 2>&1 &&
        "$GEN" verify "$work/$name" --tokens "$tokens" --max-new-tokens $new_tokens \
            --transport "$TRANSPORT" >>"$work/$name.log" 2>&1; then
        verdict="equal"
        checked=$((checked + 1))
    else
        verdict="FAILED"
    fi
    printf '%-13s %2d  %-58s %s\n' "$model" "$ranks" "$strategy" "$verdict"
    if [[ $verdict == FAILED* ]]; then
        failures=$((failures + 1))
        sed 's/^/    /' "$work/$name.log"
    fi
    rm -rf "${work:?}/$name" # all of them would fill a small disk
}

# The largest divisor of $1 that is at most $2.
divisor() {
    local d=$2
    while (($1 % d)); do d=$((d - 1)); done
    echo "$d"
}

# what_declines LIMIT COUNT REASON: the reason where more are asked for than there are.
what_declines() { (($2 <= $1)) || echo "$3"; }

one_case tp "tp:tp=$ranks" "$(what_declines "$heads" "$ranks" "more than the $heads query heads")"
half=$(divisor "$ranks" $((ranks / 2 > 0 ? ranks / 2 : 1)))
half=$(divisor "$half" $((half < heads ? half : heads)))
one_case tp-copies "tp:tp=$half,dp=$((ranks / half)),output=sharded"
one_case pp "pp:pp=$ranks,microbatches=3" \
    "$(what_declines "$layers" "$ranks" "more than the $layers layers")"
stages=$(divisor "$ranks" "$layers")
one_case pp-copies "pp:pp=$stages,dp=$((ranks / stages)),microbatches=2"
((stages == 1)) || one_case tp-pp "tp-pp:tp=$((ranks / stages)),pp=$stages,microbatches=2"
one_case ep "ep:ep=$ranks"
((ranks % 2)) || one_case ep-tp "ep:ep=$((ranks / 2)),tp=2,microbatches=2"
((ranks % 2)) || one_case ep-copies "ep:ep=$((ranks / 2)),dp=2,moves=exact"
one_case single-copies "tp:tp=1,dp=$ranks"
experts=$((ranks / 4 > 0 ? ranks / 4 : 1))
attention=$((ranks - experts))
one_case heads "ma-separation:attention=$attention,experts=$experts,groups=1" \
    "$(what_declines "$heads" "$attention" "more than the $heads query heads")"
one_case requests "ma-separation:attention=$attention,experts=$experts,groups=$attention,microbatches=2"
((attention % 2 || attention == 2)) ||
    one_case grid "ma-separation:attention=$attention,experts=$experts,groups=2,moves=exact"
one_case auto auto
echo "$model at $ranks ranks: $checked placements give the tokens of one rank"
((failures == 0))
