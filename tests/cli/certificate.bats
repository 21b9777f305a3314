#!/usr/bin/env bats
# Certificates: gen make writes one and emits nothing without; gen check makes one, holds one against a schedule alone,
# and sees that a program carries both; build and verify say when they do not belong together; ranks of a launch with
# another program end it.

load common

setup_file() {
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    : "${GEN:=$root/build/dev/gen}"
    cd "$BATS_FILE_TMPDIR" || return
    for batch in 2 3; do
        "$GEN" make -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" \
            -s ma-separation:attention=1,experts=1 -o "prog$batch" --name cert --batch "$batch" --prefill 3 --context 6 \
            --dtype f32 >/dev/null
        "$GEN" build -q "prog$batch" >/dev/null
    done
}

# A copy of the program that may be edited.
copy() {
    program=$BATS_FILE_TMPDIR/prog2
    other=$BATS_FILE_TMPDIR/prog3
    cp -r "$program" prog
}

@test "a program carries its certificate, and check says so after the proof and alone" {
    copy
    run_split "$GEN" check prog
    expect 0
    [[ "$output" == *"certificate  "*" holds: schedule "*", 2 ranks, 2 steps"* ]]
    [[ "$output" == *"coverage.requests"* ]]
    run_split "$GEN" check prog --certificate prog/certificate.json
    expect 0
    [[ "$output" == "certificate  "*" holds: schedule "*", 2 ranks, 2 steps" ]]
    digest=${output#certificate  }
    digest=${digest%% *}
    grep -q "#define CERTIFICATE_DIGEST \"$digest\"" prog/constants.h
    run_split "$GEN" check prog/schedule.json --certificate prog/certificate.json --json
    expect 0
    jq -e --arg digest "$digest" '.certificate | .digest == $digest and .ranks == 2 and .steps == 2' stdout.txt
    run_split "$GEN" check prog --json
    jq -e --arg digest "$digest" '.certificate.digest == $digest and .failures == 0' stdout.txt
}

@test "check writes a certificate, the same as make, and emit takes it" {
    copy
    run_split "$GEN" check prog/plan.json -o certificate.json
    expect 0
    cmp certificate.json prog/certificate.json
    run_split "$GEN" emit -q prog/plan.json --certificate certificate.json -o again
    expect 0
    diff -r -x build again prog
}

@test "nothing is emitted with a certificate of another plan, or one that was changed" {
    copy
    run_split "$GEN" emit -q prog/plan.json --certificate "$other/certificate.json" -o again
    expect 1
    [[ "$errors" == *"error[E0593]"* ]]
    jq '.steps[0].order[0].places |= reverse' prog/certificate.json >certificate.json
    run_split "$GEN" emit -q prog/plan.json --certificate certificate.json -o again
    expect 1
    [[ "$errors" == *"error[E0594]"* ]]
    run_split "$GEN" emit -q prog/plan.json --certificate nowhere.json -o again
    expect 66
    head -c 900 prog/certificate.json >certificate.json
    run_split "$GEN" emit -q prog/plan.json --certificate certificate.json -o again
    expect 65
    run_split "$GEN" emit -q prog/plan.json --certificate prog/plan.json -o again
    expect 65
    [[ "$errors" == *"error[E0592]"* ]]
    [ ! -e again ]
}

@test "one edited number in schedule, certificate or constants is seen" {
    copy
    check_edited() { # FILE SED CODE
        cp "prog/$1" kept
        sed -i "$2" "prog/$1"
        ! cmp -s kept "prog/$1"
        run_split "$GEN" check prog --certificate prog/certificate.json
        expect 1
        [[ "$errors" == *"error[$3]"* ]]
        run_split "$GEN" build prog
        expect 0
        [[ "$errors" == *"warning[$3]"* ]]
        cp kept "prog/$1"
    }
    check_edited schedule.json 's/"top_k": 2/"top_k": 1/' E0593
    check_edited certificate.json '0,/"count": 2/s//"count": 3/' E0595
    check_edited constants.h 's/CERTIFICATE_DIGEST "./CERTIFICATE_DIGEST "_/' E0593
    check_edited plan.json 's/"strategy": "/&x/' E0593
    run_split "$GEN" check prog --certificate prog/certificate.json
    expect 0
}

@test "verify warns of a program without a certificate" {
    copy
    rm prog/certificate.json
    run_split "$GEN" verify -q prog
    expect 0
    [[ "$errors" == *"warning[E0901]"* ]]
    run_split "$GEN" check prog
    expect 0
    [[ "$output" != *"certificate  "* ]]
}

# launch PROGRAM0 PROGRAM1: a rank each, as torchrun starts them; what they say in 0.err and 1.err
launch() {
    local rank statuses=()
    begin=$EPOCHREALTIME
    for rank in 0 1; do
        local -n of=launch_$rank
        RANK=$rank WORLD_SIZE=2 MASTER_PORT=cert-$$-$BATS_TEST_NUMBER "$of/build/program" bench --repeat 1 --steps 2 \
            --load-timeout-ms 60000 >/dev/null 2>"$rank.err" &
        pids[rank]=$!
    done
    for rank in 0 1; do
        statuses[rank]=0
        wait "${pids[rank]}" || statuses[rank]=$?
    done
    status="${statuses[*]}"
    ((${EPOCHREALTIME%.*} - ${begin%.*} < 20)) # no limit had to pass
}

@test "a rank with another program ends the run at once, naming both" {
    copy
    launch_0=$program launch_1=$program
    launch
    [ "$status" = "0 0" ]
    launch_1=$other
    launch
    [ "$status" = "65 65" ]
    for rank in 0 1; do
        grep "rank 1 runs another program than rank 0" $rank.err
        for dir in "$program" "$other"; do
            grep -q "$(sed -n 's/#define CERTIFICATE_DIGEST "\(.*\)"/\1/p' "$dir/constants.h")" $rank.err
        done
    done
}

@test "the same plan with another certificate is another program" {
    copy
    sed -i 's/CERTIFICATE_DIGEST "./CERTIFICATE_DIGEST "0/' prog/constants.h
    cmp -s prog/constants.h "$program/constants.h" && skip "the digest begins with 0"
    run_split "$GEN" build -q prog
    launch_0=$program launch_1=$PWD/prog
    launch
    [ "$status" = "65 65" ]
    grep "rank 1 runs another program than rank 0" 0.err 1.err
}
