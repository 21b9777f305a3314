#!/usr/bin/env bats
# Records of calls: gen verify compares them, gen run writes and gen check reads them; what is said of programs that
# were edited, that fail, and of records that are not theirs.

load common

setup_file() {
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    : "${GEN:=$root/build/dev/gen}"
    cd "$BATS_FILE_TMPDIR" || return
    "$GEN" make -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" \
        -s ma-separation:attention=2,experts=1,groups=2,microbatches=1 -o prog --name rec \
        --batch 2 --prefill 3 --context 6 --dtype f32 >/dev/null
    "$GEN" build -q prog
    echo '[[1, 2, 3], [4, 5], [6]]' >tokens.json
    "$GEN" run -q prog --tokens tokens.json --max-new-tokens 3 --record calls >/dev/null
}

# A copy of the program that may be edited.
copy() {
    tokens=$BATS_FILE_TMPDIR/tokens.json
    record=$BATS_FILE_TMPDIR/calls
    program=$BATS_FILE_TMPDIR/prog
    [ -z "${1-}" ] || cp -r "$program" "$1"
}

verify() {
    run_split "$GEN" verify "$1" -q --tokens "$tokens" --max-new-tokens 3 --timeout-ms 2000 "${@:2}"
}

@test "verify records and compares, as text and as JSON, and leaves no record behind" {
    copy
    mkdir tmp
    TMPDIR=$PWD/tmp verify "$program"
    expect 0
    [[ "$output" == *"calls      "*" of 3 ranks, as in schedule.json"* ]]
    [ -z "$(ls tmp)" ]
    verify "$program" --json --transport threads
    expect 0
    jq -e '.calls | .ranks == 3 and .steps == 6 and .calls > 100 and .differences == []' stdout.txt
    verify "$program" --record kept
    expect 0
    [ "$(ls kept.*)" = "kept.0
kept.1
kept.2" ]
}

@test "a record made by run is checked with the plan" {
    copy
    run_split "$GEN" check "$program" --record "$record"
    expect 0
    [[ "$output" == *"of 3 ranks, as in schedule.json" ]]
    run_split "$GEN" check "$program/plan.json" --record "$record" --json
    expect 0
    jq -e '.calls.ranks == 3 and .calls.differences == [] and .failures == 0' stdout.txt
    run_split "$GEN" check "$program/plan.json" --record "$record"
    expect 0
    [[ "$output" == *"of 3 ranks, as in the schedule" ]]
}

@test "a schedule.json that was edited is not that of the program" {
    copy edited
    sed -i '0,/: residual"/s//: other words"/' edited/schedule.json
    verify edited
    expect 1
    [[ "$errors" == *"error[E0841]: rank 0 ran a program of schedule "*", not of schedule "* ]]
}

@test "an emulation is recorded too" {
    copy
    "$GEN" run -q "$program" --emulate --steps 2 --record emulated >/dev/null
    run_split "$GEN" check "$program" --record emulated
    expect 0
    [[ "$output" == *"of 3 ranks, as in schedule.json" ]]
}

@test "an edited statement is shown where it stands, though all results are right" {
    copy edited
    # the first norm of the step, at another layer; nothing depends on what it is called
    line=$(grep -n 'rt_launch(rank, 2, 0, K_RMS_NORM' edited/role_attention.c | head -1 | cut -d: -f1)
    sed -i "${line}s/rank, 2, 0,/rank, 2, 1,/" edited/role_attention.c
    verify edited
    expect 1
    [[ "$output" == *"rec: verified"* ]]
    [[ "$output" == *"2 ranks differ"* ]]
    [[ "$errors" == *"edited/role_attention.c:$line:12: error[E0842]: rank 0, call 2 (wave 0, prefill): \
the program makes operation 2 rms_norm at layer 1; the schedule has operation 2 rms_norm at layer 0
"* ]]
    [[ "$errors" == *"$line |     RT_TRY(rt_launch(rank, 2, 1, K_RMS_NORM,"* ]]
    [[ "$errors" == *"  help: the program is not what its plan says: undo the change, or write the program "* ]]
    verify edited --json
    expect 1
    jq -e '.equal and (.calls.differences | length == 2 and
        .[1] == {call: 2, code: "E0842", file: "edited/role_attention.c", line: '"$line"',
                 operation: 2, rank: 1, text: .[1].text})' stdout.txt
}

@test "a wait that the table of operations lost is shown in the table" {
    copy edited
    line=$(grep -n '{"dispatch", ' edited/program.c | head -1 | cut -d: -f1)
    sed -i "${line}s/{[0-9]*, -1}/{-1}/" edited/program.c
    verify edited
    expect 1
    [[ "$errors" == *"edited/program.c:$line:5: error[E0843]: rank 0: operation "*" dispatch in the \
table of operations: the number of its waits is 0; the schedule has 1"* ]]
}

@test "beside a program that hangs stands the statement that is missing" {
    copy edited
    # rank 2 combines no more
    awk '/RT_TRY\(rt_combine/ && !done {skip = 1} !skip {print} skip && /}\)\);/ {skip = 0; done = 1}' \
        edited/role_experts.c >other.c
    mv other.c edited/role_experts.c
    verify edited
    expect 75
    [[ "$errors" == *"error[E0831]"* ]]
    [[ "$errors" == *"error[E0842]: rank 2, call "*"; the schedule has operation "*" combine at layer 0"* ]]
    [[ "$errors" != *"rank 0, call"* ]]
    verify edited --json
    jq -e '.calls.differences | length == 1' stdout.txt
}

@test "a rank that crashes leaves its record; what it did was right" {
    copy edited
    sed -i 's/^rt_status kernel_choose(.*{$/&\n    __builtin_trap();/' edited/kernels/choose.c
    verify edited --record left --json
    expect 70
    jq -e '.calls | .calls > 10 and .differences == [] and .ranks == 3' stdout.txt
    run_split "$GEN" check edited --record left
    expect 1
    [[ "$errors" == *"error[E0842]: rank 0 did not come to its end: its record stops after call "* ]]
}

@test "records of another plan, rank or run, damaged and missing ones" {
    copy
    for rank in 0 1 2; do
        cp "$record.$rank" mine."$rank"
        cp "$record.$rank" other."$rank"
    done
    "$GEN" run -q "$program" --tokens "$tokens" --max-new-tokens 3 --record again >/dev/null
    cp again.1 other.1
    run_split "$GEN" check "$program" --record other
    expect 1
    [[ "$errors" == *"error[E0841]: other.0 and other.1 are records of different runs"* ]]
    cp mine.0 mine.1
    run_split "$GEN" check "$program" --record mine
    expect 1
    [[ "$errors" == *"error[E0841]: the record is of rank 0 of 3 of plan "* ]]
    head -c 1000 "$record.1" >mine.1
    run_split "$GEN" check "$program" --record mine
    expect 65
    [[ "$errors" == *"error[E0840]: mine.1 is no record of calls that this gen reads: it is cut off"* ]]
    rm mine.1
    run_split "$GEN" check "$program" --record mine
    expect 66
    [[ "$errors" == *"mine.1: error[E0901]"* ]]
    "$GEN" plan -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" -s tp:tp=3 \
        --batch 2 --prefill 3 --context 6 --dtype f32 --name rec -o plan.json >/dev/null
    run_split "$GEN" check plan.json --record "$record"
    expect 1
    [[ "$errors" == *"error[E0841]: the record is of rank 0 of 3 of plan "*" not of rank 0 of 3 of plan "* ]]
}

@test "a record that cannot be written ends the run" {
    copy
    run_split "$GEN" run -q "$program" --tokens "$tokens" --record nowhere/calls
    expect 73
    [[ "$errors" == *"the record nowhere/calls."*": No such file or directory"* ]]
    mkdir folder.0
    run_split "$GEN" run -q "$program" --tokens "$tokens" --record folder
    expect 73
    [[ "$errors" == *"rank 0 (attention): loading: the record folder.0: Is a directory"* ]]
}

@test "the program says which verbs record" {
    copy
    run_split "$program/build/program" bench --record here
    expect 2
    [[ "$errors" == *"bench does not take --record"* ]]
    "$program/build/program" --help | grep -q -- '--record PREFIX'
}
