#!/usr/bin/env bats
# gen calibrate: the mechanism, with few programs; figures are for bench/run.sh calibrate.

load common

setup_file() { # measured once; tests change copies
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    : "${GEN:=$root/build/dev/gen}"
    "$GEN" calibrate -q -t "$root/topologies/one-host.yaml" -o "$BATS_FILE_TMPDIR/cal" --quick \
        >"$BATS_FILE_TMPDIR/said"
}

import() { # import [OPTION...]: the results in ./results, with the topology as shipped
    run_split "$GEN" calibrate -t "$root/topologies/one-host.yaml" -o again --quick --import results "$@"
}

copy_results() {
    cp -r "$BATS_FILE_TMPDIR/cal/results" results
}

@test "a topology with what was measured here; the shipped text stays in it" {
    grep -qE '^measured 5 programs on .*: [0-9]+ kinds of kernel, [0-9]+ of move$' "$BATS_FILE_TMPDIR/said"
    calibrated=$BATS_FILE_TMPDIR/cal/topology.yaml
    head -n "$(wc -l <"$root/topologies/one-host.yaml")" "$calibrated" |
        diff "$root/topologies/one-host.yaml" -
    run_split "$GEN" plan -m "$root/models/ma-small.yaml" -t "$calibrated" "${workload[@]}" -s tp:tp=2 -o plan.json
    expect 0
    jq -e '.inputs.topology.measured | .dtype == "f32" and (.kernels | length > 20) and
        all(.kernels[]; .low <= 1 and .high >= 1 and .seconds >= 0) and
        any(.kernels[]; .kind == "expert_ffn" and .ranks == 2) and any(.moves[]; .kind == "all_reduce")' plan.json
    run_split "$GEN" simulate plan.json
    expect 0
    [[ "$output" == *"from operations as measured on "* ]]
    [[ "$output" != *"; from equations"* ]]
}

@test "a network is fitted as well, and prices kernels when it is asked to" {
    run_split "$GEN" make -m "$root/models/ma-small.yaml" -t "$BATS_FILE_TMPDIR/cal/topology.yaml" \
        --cost "$BATS_FILE_TMPDIR/cal/mlp.json" "${workload[@]}" -s single -o out
    expect 0
    [[ "$output" == *"kernels by the cost model $BATS_FILE_TMPDIR/cal/mlp.json, moves as measured on "* ]]
}

@test "without what was measured a plan is as before" {
    run_split "$GEN" plan "${small[@]}" "${workload[@]}" -o plan.json
    expect 0
    jq -e '.inputs.topology | has("measured") | not' plan.json
}

@test "a type of elements that was not measured is told" {
    run_split "$GEN" make -m "$root/models/ma-small.yaml" -t "$BATS_FILE_TMPDIR/cal/topology.yaml" \
        --batch 4 --prefill 8 --context 16 --dtype bf16 -s single -o out
    expect 0
    [[ "$output" == *"an estimate from rooflines: operations were measured with f32 elements only"* ]]
}

@test "results are imported; the same ones give the same topology" {
    copy_results
    import --json
    expect 0
    jq -e '.programs == 5 and .topology == "again/topology.yaml"' stdout.txt
    diff again/topology.yaml "$BATS_FILE_TMPDIR/cal/topology.yaml"
}

@test "results of another machine are told, and refused where the topology was measured" {
    copy_results
    printf 'processor: "Another CPU"\ncores: 64\n' >results/machine.yaml
    import
    expect 0
    [[ "$errors" == *"results/machine.yaml: note[E0344]: these are results of Another CPU, 64 cores, not of this machine"* ]]
    run_split "$GEN" calibrate -t "$BATS_FILE_TMPDIR/cal/topology.yaml" -o more --quick --import results
    expect 65
    [[ "$errors" == *"error[E0343]: these are results of Another CPU, 64 cores; the topology was measured on "* ]]
    [ ! -e more ]
    # A program made with the other machine's topology says so when it is measured here.
    "$GEN" make -q -m "$root/tests/data/mixtral-tiny" -t again/topology.yaml -o prog \
        --batch 2 --prefill 8 --context 16 --dtype f32 >/dev/null
    run_split "$GEN" bench prog -q --steps 2 --repeat 1
    expect 0
    [[ "$errors" == *"warning[E0344]: the topology one-host was measured on Another CPU, 64 cores; this is "* ]]
}

@test "results of another program, cut off, or absent" {
    copy_results
    cp results/one-4-1/measure.rta results/tp-4-1/measure.rta
    import
    expect 65
    [ "$errors" = "results/tp-4-1/measure.rta: error[E0341]: these are results of another program than tp-4
  help: emit and measure with this gen and this topology: gen calibrate --emit-only" ]
    [ ! -e again ]
    truncate -s 200 results/tp-4-1/measure.rta
    import
    expect 65
    [[ "$errors" == *"results/tp-4-1/measure.rta: error[E0801]"* ]]
    rm -r results/tp-4-*
    import
    expect 66
    [[ "$errors" == *"results/tp-4-1/measure.rta: error[E0342]: there is no result of this program"* ]]
    rm results/machine.yaml
    import
    expect 66
    [[ "$errors" == *"results/machine.yaml: error[E0901]"* ]]
}

@test "measure.sh measures without gen" {
    run_split "$GEN" calibrate -q -t "$root/topologies/one-host.yaml" -o cal --quick --emit-only --repeat 1
    expect 0
    [ ! -e cal/topology.yaml ]
    [[ "$output" == *"sh cal/measure.sh RUNTIME"* ]]
    rm -r cal/programs/ep-2 cal/programs/apart-4 cal/programs/pipe-4 cal/programs/tp-4
    PATH=$PATH:/usr/bin sh cal/measure.sh "$root/runtime" 2>log || {
        cat log
        false
    }
    [ -s cal/results/one-4-1/measure.rta ]
    grep -qE '^cores: [0-9]+$' cal/results/machine.yaml
    diff cal/results/machine.yaml "$BATS_FILE_TMPDIR/cal/results/machine.yaml"
}
