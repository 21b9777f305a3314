#!/usr/bin/env bats
# gen run --emulate: the emitted program with its operations asleep takes the time that was simulated, and another
# time, or fails by name, once its sources are edited.

load common

make_program() { # make_program DIR MICROBATCHES: 2 attention and 2 expert ranks
    "$GEN" make -q -m "$root/models/ma-small.yaml" -t "$root/topologies/a100-4x4.yaml" \
        -s "ma-separation:attention=2,experts=2,microbatches=$2" --batch 8 --prefill 32 --context 64 \
        --dtype f32 -o "$1" >/dev/null
}

setup_file() { # one built program, whose two micro-batches hide most of its moves
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    : "${GEN:=$root/build/dev/gen}"
    make_program "$BATS_FILE_TMPDIR/prog" 2
    "$GEN" build -q "$BATS_FILE_TMPDIR/prog"
}

# A copy of the program with `sed -i ARGUMENTS` done to a source, which must change it.
edit() { # edit FILE SED-ARGUMENT...
    local file=$1
    shift
    cp -r "$BATS_FILE_TMPDIR/prog" prog
    sed -i "$@" "prog/$file"
    ! cmp -s "prog/$file" "$BATS_FILE_TMPDIR/prog/$file"
    "$GEN" build -q prog >/dev/null
}

ratios() { # ratios RELATION: of all steps; other work of the machine makes runs longer, never shorter
    jq -e ".steps | length == 2 and all(.emulated_s.min / .simulated_s | $1)" stdout.txt
}

@test "emulated steps take as long as simulated ones, on processes and on threads" {
    for transport in shm threads; do
        run_split "$GEN" run -q "$BATS_FILE_TMPDIR/prog" --emulate --json --transport "$transport"
        expect 0
        ratios ". > 0.95 and . < 1.05"
        jq -e '.steps | all(.missing == 0 and .surplus == 0 and .runs == 3)' stdout.txt
        jq -e '.steps | all(.streams | length == 3)' stdout.txt
    done
}

@test "a person reads both sides of steps, streams and moves" {
    run_split "$GEN" run "$BATS_FILE_TMPDIR/prog" --emulate --steps 1 --scale 500 --trace trace.json
    expect 0
    [[ $output == *"nothing is computed"* ]]
    [[ $output == *"prefill "*"scale 500"*"decode "*"stream compute "*"move   dispatch "* ]]
    [[ $output == *"differs most: rank "* ]]
    [[ $errors == *"emulating 4 ranks on this machine"* ]]
    jq -e '[.traceEvents[] | select(.name == "expert_ffn")] | length > 0 and any(.dur > 1)' trace.json
    # a run begins at one time; the first operations of all ranks begin then, not before
    jq -e '[.traceEvents[] | select(.ph == "X") | .ts] | min >= 0' trace.json
    # times of the trace are the cluster's: both steps take 0.9 ms there, 430 ms here
    jq -e '[.traceEvents[] | select(.ph == "X") | .ts + .dur] | max < 100000' trace.json
}

@test "without the event of a dispatch the experts do not wait, which takes less" {
    make_program prog 1 # one micro-batch: moves are waited for
    sed -i '/{"dispatch", "dispatch", [0-9]*, ., 1, true/s/true/false/' prog/program.c
    run_split "$GEN" run -q prog --emulate --json --steps 2
    expect 0
    ratios ". < 0.95"
}

@test "with all operations on one stream nothing overlaps, which takes more" {
    edit program.c -E 's/^(    \{"[a-z_]+", "[a-z]+", [0-9]+, [0-9]+, )[0-9]+/\10/'
    run_split "$GEN" run -q prog --emulate --json --steps 2
    expect 0
    ratios ". > 1.1"
}

@test "an operation that is gone is missed" {
    edit role_experts.c -e '/rt_launch(rank, 1, 0,/,/}));/d'
    run_split "$GEN" run -q prog --emulate --json --steps 1
    expect 0
    jq -e '.steps[0].missing == 2 and .steps[0].surplus == 0' stdout.txt # one of each expert rank
}

@test "moves in another order hang, and the watchdog names who waits for what" {
    edit role_experts.c -e 's/rt_dispatch(rank, 0, 0, 0, 0,/rt_dispatch(rank, 0, 0, 0, X,/' \
        -e 's/rt_dispatch(rank, 2, 0, 0, 1,/rt_dispatch(rank, 2, 0, 0, 0,/' -e 's/0, 0, X,/0, 0, 1,/'
    run_split "$GEN" run -q prog --emulate --steps 1 --timeout-ms 500
    expect 75
    [[ $errors == *"no rank went on for 500 ms; over exchange "*" does not come: it waits in "* ]]
    [[ $errors == *"E0831"* ]]
}

@test "a layer that differs between the members of a move is refused" {
    edit role_experts.c 's/rt_dispatch(rank, 0, 0, 0, 0,/rt_dispatch(rank, 0, 1, 0, 0,/'
    run_split "$GEN" run -q prog --emulate --steps 1
    expect 70
    [[ $errors == *"exchange "*" brings operation "*" dispatch of layer "* ]]
}
