#!/usr/bin/env bats
# gen make, plan, check, emit: what they write, that it is the same everywhere, and what it costs.

load common

full() { # the arguments of the 16-GPU deployment at full size
    args=(-m "$root/models/ma-8.9b.yaml" -t "$root/topologies/a100-4x4.yaml"
        -s ma-separation:attention=12,experts=4,groups=1)
}

@test "make writes a program and says what it is" {
    run_split "$GEN" make "${small[@]}" -s ma-separation "${workload[@]}" -o prog
    expect 0
    [[ "$output" == *"16 ranks = 1 copy of "* ]]
    [[ "$output" == *"gen build prog"* ]]
    for file in plan.json schedule.json prediction.json constants.h CMakeLists.txt README.md; do
        [ -s "prog/$file" ]
    done
}

@test "make as JSON" {
    run_split "$GEN" make "${small[@]}" -s ma-separation "${workload[@]}" -o prog --json
    expect 0
    jq -e '.ranks == 16 and .proved > 20 and .times.tpot_s.expected > 0' stdout.txt
}

@test "two makes from different folders, locales and umasks give identical trees" {
    full
    "$GEN" make "${args[@]}" -o one
    mkdir -p else/where
    (
        cd else/where
        umask 077
        LC_ALL=tr_TR.UTF-8 TZ=Asia/Tokyo HOME=/nowhere "$GEN" make "${args[@]}" -o ../../two
    )
    diff -r one two
}

@test "plan, check and emit give what make gives" {
    full
    "$GEN" make "${args[@]}" -o one
    "$GEN" plan "${args[@]}" -o plan.json
    "$GEN" check plan.json
    "$GEN" emit plan.json -o two
    diff -r one two
}

@test "plan to stdout" {
    full
    run_split "$GEN" plan "${args[@]}" -o -
    expect 0
    jq -e '.ranks | length == 16' stdout.txt
}

@test "the sixteen-GPU deployment is made in a second and 64 MiB" {
    [[ "${SANITIZE:-}" != *thread* ]] || skip "the thread sanitizer's own memory would be measured"
    full
    run /usr/bin/python3 - "$GEN" make "${args[@]}" -o prog <<'PY'
import resource
import subprocess
import sys
import time

begin = time.monotonic()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
seconds = time.monotonic() - begin
mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{seconds:.3f} s, {mib:.1f} MiB")
sys.exit(seconds > 1 or mib > 64)
PY
    echo "# $output" >&3
    [ "$status" -eq 0 ]
}

@test "a foreign directory is not replaced" {
    mkdir mine
    echo precious >mine/notes.txt
    run_split "$GEN" make "${small[@]}" "${workload[@]}" -o mine
    expect 73
    grep -qF 'error[E0905]' stderr.txt
    [ "$(cat mine/notes.txt)" = precious ]
    [ "$(ls mine)" = notes.txt ]
}

@test "making again replaces our own, and leaves what was built" {
    "$GEN" make "${small[@]}" "${workload[@]}" -o prog
    mkdir prog/build
    touch prog/build/kept
    "$GEN" make "${small[@]}" "${workload[@]}" -s ma-separation -o prog
    [ -e prog/build/kept ]
    [ "$(jq '.ranks | length' prog/plan.json)" = 16 ]
}

@test "a plan that lacks an expert is refused with exit status 1" {
    "$GEN" plan "${small[@]}" "${workload[@]}" -s ma-separation -o plan.json
    jq 'del(.stages[0].experts[0])' plan.json >broken.json
    run_split "$GEN" check broken.json
    expect 1
    grep -qF 'error[E0535]' stderr.txt
    grep -qE 'REFUSED +coverage.experts' stdout.txt
    run_split "$GEN" emit broken.json -o prog
    expect 1
    [ ! -e prog ]
}

@test "what does not fit memory is refused, with the ledger" {
    sed 's/memory: 80 GiB/memory: 4 GiB/' "$root/topologies/a100-4x4.yaml" >tight.yaml
    full
    args[3]=tight.yaml
    run_split "$GEN" make "${args[@]}" -o prog
    expect 1
    [ ! -e prog ]
    grep -q 'GB' stderr.txt
}

@test "quiet is quiet" {
    run_split "$GEN" make "${small[@]}" "${workload[@]}" -o prog -q
    expect 0
    [ "$errors" = "" ]
}

@test "auto says what it took, what came second and whether separation pays" {
    for batch in 4 1024; do
        run_split "$GEN" make -m "$root/models/ma-8.9b.yaml" -t "$root/topologies/a100-4x4.yaml" \
            -s auto --batch "$batch" --prefill 512 --context 1024 -o "auto-$batch"
        expect 0
        [[ "$output" == "ma-8-9b-auto: "* ]]
        [[ "$output" =~ "chosen       "[a-z-]+:[a-z_=0-9,]+": priced least: "[0-9.]+" "m?"s a wave; " ]]
        [[ "$output" =~ "decides, "[0-9.]+" ms"( a step)?" against ".*" % more" ]]
        [[ "$output" =~ "separation "(does not )?pay ]]
        jq -e '.strategy == "auto" and (.why[2].choice | endswith("plans priced"))' "auto-$batch/plan.json"
        # What it names is a strategy that can be asked for, and plans the same.
        "$GEN" plan -m "$root/models/ma-8.9b.yaml" -t "$root/topologies/a100-4x4.yaml" \
            -s "$(jq -r '.why[0].choice' "auto-$batch/plan.json")" --batch "$batch" --prefill 512 \
            --context 1024 -o named.json
        diff <(jq '[.stages, .steps, .ranks]' "auto-$batch/plan.json") <(jq '[.stages, .steps, .ranks]' named.json)
    done
    ! diff <(jq .stages auto-4/plan.json) <(jq .stages auto-1024/plan.json)
}
