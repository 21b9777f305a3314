#!/usr/bin/env bats
# gen build, weights, run, verify, bench on a small program: what they print, and how they fail.

load common

make_program() { # make_program DIR: mixtral-tiny on one rank
    "$GEN" make -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" \
        -o "$1" --batch 3 --prefill 24 --context 40 --dtype f32 >/dev/null
}

setup_file() { # one built program for the tests that do not change it
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    : "${GEN:=$root/build/dev/gen}"
    make_program "$BATS_FILE_TMPDIR/prog"
    "$GEN" build -q "$BATS_FILE_TMPDIR/prog"
}

prog() {
    program=$BATS_FILE_TMPDIR/prog
    echo '[[1, 2, 3], [4, 5]]' >tokens.json
}

@test "run prints a line of new tokens a sequence" {
    prog
    run_split "$GEN" run "$program" --tokens tokens.json --max-new-tokens 4
    expect 0
    [ "$(wc -l <stdout.txt)" = 2 ]
    [ "$(wc -w <stdout.txt)" = 8 ]
}

@test "run as JSON holds only the new ids, and quiet is quiet" {
    prog
    run_split "$GEN" run "$program" --tokens tokens.json --max-new-tokens 4 --json -q
    expect 0
    [ "$errors" = "" ]
    jq -e '.tokens | length == 2 and all(length == 4)' stdout.txt
    jq -e '.prefill_s > 0 and .decode_s > 0' stdout.txt
}

@test "preflight is for GPUs" {
    prog
    run_split "$GEN" run "$program" --preflight
    expect 2
    grep -q "preflight measures links between GPUs: this program is for the host" <<<"$errors"
    run_split "$GEN" run "$program" --preflight --trace f.json
    expect 2
    grep -q "no step runs that could be traced" <<<"$errors"
}

@test "processes and threads give the same tokens" {
    prog
    "$GEN" run -q "$program" --tokens tokens.json --transport shm >one.txt
    "$GEN" run -q "$program" --tokens tokens.json --transport threads >two.txt
    cmp one.txt two.txt
}

@test "tokens are the same whatever vectors and threads compute them" {
    prog
    "$GEN" run -q "$program" --tokens tokens.json >one.txt
    RT_VECTORS=plain RT_THREADS=3 "$GEN" run -q "$program" --tokens tokens.json >two.txt
    cmp one.txt two.txt
    RT_THREADS=3 "$program/build/program" info | grep -q ' vectors, 3 threads a rank$'
    RT_VECTORS=sse run_split "$program/build/program" info
    expect 2
    [ "$errors" = 'mixtral-tiny-single: RT_VECTORS is "sse"; write plain, avx2 or avx512' ]
}

@test "more sequences than the batch run in waves, with the same tokens" {
    prog
    echo '[[1], [2, 3], [4], [5, 6, 7], [8], [9, 10], [11]]' >seven.json
    "$GEN" run -q "$program" --tokens seven.json --max-new-tokens 5 >seven.txt
    [ "$(wc -l <seven.txt)" = 7 ]
    for i in 0 1 2 3 4 5 6; do
        jq -c "[.[$i]]" seven.json >one.json
        "$GEN" run -q "$program" --tokens one.json --max-new-tokens 5
    done >alone.txt
    cmp seven.txt alone.txt
}

@test "logits are a NumPy file, the trace is JSON" {
    prog
    run_split "$GEN" run "$program" --tokens tokens.json --logits l.npy --trace t.json
    expect 0
    [ "$(head -c 6 l.npy | tail -c 5)" = NUMPY ]
    grep -qa "'shape': (2, 3, 512)" l.npy
    jq -e 'length > 0' t.json >/dev/null
}

@test "run builds first when it must, and says so" {
    make_program fresh
    echo '[[1]]' >tokens.json
    run_split "$GEN" run fresh --tokens tokens.json
    expect 0
    grep -qx 'gen: fresh is not built yet' stderr.txt
    run_split "$GEN" run fresh --tokens tokens.json
    ! grep -q 'built' stderr.txt
    touch fresh/main.c
    run_split "$GEN" run fresh --tokens tokens.json
    expect 0
    grep -qx 'gen: fresh/build/program is older than fresh/main.c' stderr.txt
}

@test "a build that fails shows what the compiler said" {
    make_program broken
    echo 'this is no C;' >>broken/main.c
    run_split "$GEN" build broken
    expect 70
    grep -qF 'main.c' stderr.txt
    grep -qF 'error[E0712]: building broken failed' stderr.txt
    grep -qF 'broken/build/build.log' stderr.txt
    [ -s broken/build/build.log ]
}

@test "without a compiler it is said how to get one" {
    make_program other
    mkdir bin
    for tool in cmake ninja; do
        path=$(command -v "$tool") && ln -s "$path" bin/
    done
    run_split env -u CC PATH="$PWD/bin" "$GEN" build other
    expect 69
    [ "$errors" = "gen: error[E0711]: no C compiler is in PATH
  help: on Debian: apt-get install build-essential cmake ninja-build pkg-config libopenblas-pthread-dev" ]
}

@test "without cmake likewise" {
    make_program other
    mkdir bin
    run_split env PATH="$PWD/bin" "$GEN" build other
    expect 69
    [[ "$errors" == "gen: error[E0710]: "* ]]
}

@test "a text prompt without a tokenizer" {
    prog
    run_split "$GEN" run "$program" --prompt hello
    expect 66
    [[ "$errors" == "gen: error[E0833]: text needs a tokenizer, and there is none in the program's folder"* ]]
}

@test "an id outside the vocabulary" {
    prog
    echo '[[1, 2, 9999]]' >tokens.json
    run_split "$GEN" run "$program" --tokens tokens.json
    expect 65
    [[ "$errors" == "tokens.json:1:9: error[E0812]: token id 9999 is outside the vocabulary of 512"* ]]
}

@test "an unknown transport" {
    prog
    run_split "$GEN" run "$program" --tokens tokens.json --transport tcp
    expect 2
    [ "$errors" = "--transport: error[E0918]: there is no transport 'tcp'
  help: write shm or threads; of programs for GPUs loopback or nccl" ]
}

@test "verify with random weights passes and prints margins" {
    prog
    run_split "$GEN" verify "$program"
    expect 0
    grep -q 'verified' stdout.txt
    grep -q 'smallest router margin' stdout.txt
}

@test "verify as JSON" {
    prog
    run_split "$GEN" verify "$program" --json
    expect 0
    jq -e '.equal and .reference.router_margin.value > 0' stdout.txt
}

@test "bench as JSON" {
    prog
    run_split "$GEN" bench "$program" --steps 3 --json
    expect 0
    jq -e '.tpot_ms.count == 15 and .tps_per_s.median > 0 and .throughput_per_s.count == 5' stdout.txt
}

@test "weights that are not there" {
    prog
    mkdir nothing
    run_split "$GEN" weights "$program" --from nothing
    expect 66
    grep -qF 'error[E0601]' stderr.txt
}

@test "weights of another plan are refused" {
    make_program mapped
    "$GEN" weights -q mapped --from "$root/tests/data/mixtral-tiny"
    "$GEN" make -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" \
        -o mapped --batch 4 --prefill 24 --context 40 --dtype f32
    echo '[[1]]' >tokens.json
    run_split "$GEN" run mapped --tokens tokens.json
    expect 65
    grep -qi 'plan' stderr.txt
}
