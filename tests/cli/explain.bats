#!/usr/bin/env bats
# gen explain: of codes and of plans.

load common

@test "a plan is told in words: what, why, what came second, where its time and memory go" {
    "$GEN" plan -q "${small[@]}" --batch 16 --prefill 32 --context 64 --dtype f32 -s auto -o plan.json >/dev/null
    run_split "$GEN" explain plan.json
    expect 0
    [ "$errors" = "" ]
    for part in "what was decided" "why it is so" "where its time goes, as simulated" "what it holds" \
        "Next best: " "plans priced: " "critical path: " "cannot take less than " "The fullest is rank "; do
        grep -qF "$part" stdout.txt || { echo "nothing says: $part"; false; }
    done
    grep -qE '^  separation (does not )?pays?' stdout.txt
    ! grep -qF 'was not asked for' stdout.txt
    # Lines are at most 100 columns, but for the name of a strategy that is longer by itself.
    [ "$(awk 'length > 100 && NF > 1' stdout.txt)" = "" ]
}

@test "of a plan that was asked for, it says that separation was not weighed" {
    "$GEN" plan -q "${small[@]}" --batch 16 --prefill 32 --context 64 --dtype f32 -s tp:tp=4,dp=2 -o plan.json >/dev/null
    run_split "$GEN" explain plan.json
    expect 0
    grep -qF 'was not asked for this plan: gen plan' <(tr '\n' ' ' <stdout.txt | tr -s ' ')
}

@test "a plan is told as JSON, with the figures of the simulation" {
    "$GEN" make -q "${small[@]}" --batch 16 --prefill 32 --context 64 --dtype f32 -s ma-separation -o prog >/dev/null
    run_split "$GEN" explain prog --json
    expect 0
    jq -e '.why == $plan[0].why and .strategy == "ma-separation"' --slurpfile plan prog/plan.json stdout.txt
    jq -e '.steps[] | .bound_s <= .seconds and ([.path[].share] | add - 1 | fabs) < 1e-6' stdout.txt
    [ "$(jq '.steps[] | select(.name == "decode").seconds' stdout.txt)" = "$(jq .tpot_s.expected prog/prediction.json)" ]
}

@test "a plan that is refused is not explained, and what is neither code nor file is said to be so" {
    "$GEN" plan -q "${small[@]}" "${workload[@]}" -s ma-separation -o plan.json >/dev/null
    jq 'del(.stages[0].experts[0])' plan.json >broken.json
    run_split "$GEN" explain broken.json
    expect 1
    [ "$output" = "" ]
    run_split "$GEN" explain missing.json
    expect 2
    [[ "$errors" == "gen: error[E0910]: there is no code and no file 'missing.json'"* ]]
}

@test "a code is told as before, also where a file has its name" {
    "$GEN" explain E0312 >before.txt
    touch E0312
    "$GEN" explain E0312 | cmp - before.txt
}
