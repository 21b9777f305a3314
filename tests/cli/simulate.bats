#!/usr/bin/env bats
# gen simulate: what it prints of a plan and of a program, and that it agrees with what make wrote.
load common

plan() {
    "$GEN" plan -q "${small[@]}" --batch "${batch:-48}" --prefill 16 --context 32 "$@" -o plan.json
}

@test "a plan's times, bound, critical path, moves and busiest resources are printed" {
    plan -s ma-separation:attention=12,experts=4,microbatches=2
    run "$GEN" simulate plan.json
    [[ "$output" == *"predicted for a100-4x4 at batch 48"*"nothing was measured"* ]]
    [[ "$output" == *"bound "*"times that"* ]]
    [[ "$output" == *"critical path"*"expert_ffn"* ]]
    [[ "$output" == *"dispatch"*"% of the step"* ]]
    [[ "$output" == *"NICs of node"* ]]
    [ "$(grep -c "critical path" <<<"$output")" -eq 2 ]
}

@test "one rank moves nothing" {
    plan -s single
    run "$GEN" simulate plan.json
    [[ "$output" != *"of the step"* ]]
    [[ "$output" != *"in use"* ]]
}

@test "the JSON is what make writes into a program" {
    "$GEN" make -q "${small[@]}" "${workload[@]}" -s ma-separation -o out > /dev/null
    "$GEN" simulate --json out >again.json
    diff again.json out/prediction.json
    python3 - again.json <<'PY'
import json, sys
of = json.load(open(sys.argv[1]))
for step in of["steps"]:
    path = step["critical_path"]["operations"]
    assert path[0]["begin_s"] == 0
    assert abs(sum(op["seconds"] for op in path) / step["seconds"]["expected"] - 1) < 1e-9
    assert abs(sum(kind["share"] for kind in step["critical_path"]["by_kind"]) - 1) < 1e-9
    assert step["bound"]["times_the_bound"] >= 1 and step["nics"] and step["links"]
    assert all(0 <= move["hidden_share"] <= 1 for move in step["moves"])
PY
}

@test "a plan that is refused has no times" {
    batch=8000000 plan -s single
    run_split "$GEN" simulate plan.json
    expect 1
    [ -z "$output" ]
    [[ "$errors" == *"E0573"* ]]
}
