#!/usr/bin/env bats
# What a program for GPUs says where the GPU, its driver, its memory or the launch are not what it needs; over the
# stand-ins for CUDA's libraries (tests/standin). STANDIN is set by ctest.

load common

make_program() { # make_program DIR STRATEGY KERNELS ARCH
    "$GEN" make -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" -s "$2" -o "$1" \
        --batch 3 --prefill 24 --context 40 --dtype f32 --target cuda --kernels "$3" --arch "$4" >/dev/null
}

setup_file() { # one rank made ahead, three ranks by NVRTC
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    : "${GEN:=$root/build/dev/gen}" "${STANDIN:=$root/build/dev/standin}"
    if [ ! -d "$STANDIN/lib" ]; then
        skip "there are no stand-ins"
    fi
    export CUDA_ROOT=$STANDIN STANDIN_ARCH=80 RT_CUDA_CACHE=$BATS_FILE_TMPDIR/cache
    make_program "$BATS_FILE_TMPDIR/one" single aot sm_80
    make_program "$BATS_FILE_TMPDIR/three" tp:tp=3 nvrtc sm_80
    "$GEN" build -q "$BATS_FILE_TMPDIR/one"
    "$GEN" build -q "$BATS_FILE_TMPDIR/three"
    echo '[[1, 2, 3], [4, 5]]' >"$BATS_FILE_TMPDIR/tokens.json"
}

one() { # one [--option]...
    run_split "$GEN" run -q "$BATS_FILE_TMPDIR/one" --tokens "$BATS_FILE_TMPDIR/tokens.json" --max-new-tokens 4 "$@"
}

@test "a program for GPUs runs over the stand-ins" {
    one
    expect 0
    [ "$(wc -w <stdout.txt)" = 8 ]
}

@test "no GPU" {
    STANDIN_DEVICES=0 one
    expect 69
    [[ $errors == *"no GPU that can be used: no CUDA-capable device is detected"* ]]
}

@test "a driver older than the toolkit" {
    STANDIN_DRIVER=12080 one
    expect 69
    [[ $errors == *"the CUDA driver is for 12.8, this program's toolkit is 13.0"* ]]
}

@test "too little memory is told before any is taken, with what is needed" {
    STANDIN_MEMORY=1000000 STANDIN_LOG=$PWD/log one
    expect 69
    [[ $errors == *"has 1.0 MiB free of 1.0 MiB; 1 rank needs"*"slabs"*"workspaces"* ]]
    ! grep -q cudaMalloc log.*
}

@test "a GPU for which there are no kernels" {
    STANDIN_ARCH=90 one
    expect 69
    [[ $errors == *"this GPU is sm_90"*"has kernels for sm_80"*"--arch sm_90a"* ]]
}

@test "a mistake in a kernel is told with its line, whoever compiles it" {
    cp -r "$BATS_FILE_TMPDIR/three" broken
    rm -rf broken/build
    sed -i '$a extern "C" __global__ void wrong(float *out) { out[0] = missing; }' broken/kernels/add.cu
    "$GEN" build -q broken
    run_split "$GEN" run -q broken --tokens "$BATS_FILE_TMPDIR/tokens.json" --max-new-tokens 4
    expect 70
    [[ $errors == *"NVRTC"*"add.cu:"*"missing"*"in: extern \"C\" __global__ void wrong"* ]]

    cp -r "$BATS_FILE_TMPDIR/one" ahead
    rm -rf ahead/build
    sed -i '$a extern "C" __global__ void wrong(float *out) { out[0] = missing; }' ahead/kernels/add.cu
    run_split "$GEN" build -q ahead
    expect 70
    [[ $errors == *"add.cu("*"missing"* ]]
}

# rank NUMBER WORLD [COMMAND]...: the program of three ranks as one of a launch
rank() {
    RANK=$1 WORLD_SIZE=$2 LOCAL_RANK=${3:-$1} LOCAL_WORLD_SIZE=$2 MASTER_PORT=1 "$BATS_FILE_TMPDIR/three/build/program" bench \
        --steps 2 --repeat 1 -q --transport nccl --rendezvous "$PWD/meet" --timeout-ms 10000
}

@test "a world of another size than the plan's" {
    run_split rank 0 4
    expect 65
    [[ $errors == *"4 ranks"*"3"* ]] || [[ $errors == *"3 ranks"*"4"* ]]
}

@test "two ranks that are given one GPU" {
    export RT_CUDA_DEVICE=0
    rank 1 3 >/dev/null 2>one.txt &
    rank 2 3 >/dev/null 2>two.txt &
    run_split rank 0 3
    wait || true
    [ "$status" -ne 0 ]
    cat stderr.txt one.txt two.txt >all.txt
    grep -q 'loopback' all.txt
    grep -q 'GPU' all.txt
}

@test "three processes, a GPU each" {
    rank 1 3 >/dev/null 2>&1 &
    rank 2 3 >/dev/null 2>&1 &
    run_split rank 0 3
    expect 0
    [[ $output == *tpot* ]]
}
