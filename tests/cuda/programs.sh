#!/usr/bin/env bash
# Programs for GPUs with the real toolkit: the same sources as for the host outside kernels/, the same bytes when emitted
# twice; nvcc and NVRTC compile them for sm_80 and sm_90a, the real libraries are linked, from the emitted folder and
# runtime/ alone; and without a driver the program says what is missing.
# With ON behind them every family in every type of element.
# usage: programs.sh GEN SOURCE CUDA_ROOT [ON|OFF]
set -euo pipefail
gen=$1 source=$2 cuda=$3 full=${4:-OFF}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "programs: $*" >&2
    exit 1
}

# emit NAME INPUTS... : for the host, ahead of time, and from source; equal but for kernels/, CMakeLists.txt, README.md
emit() {
    local name=$1
    shift
    "$gen" make "$@" -q -o "$work/$name-host" >"$work/said"
    "$gen" make "$@" -q --target cuda --arch sm_90a,sm_80 -o "$work/$name-aot" >"$work/said"
    "$gen" make "$@" -q --target cuda --kernels nvrtc -o "$work/$name-nvrtc" >"$work/said"
    (cd / && "$gen" make "$@" -q --target cuda -o "$work/again" >"$work/said")
    diff -r "$work/$name-aot" "$work/again" || fail "$name differs when emitted twice"
    for kind in aot nvrtc; do
        diff -r -x kernels -x CMakeLists.txt -x README.md "$work/$name-host" "$work/$name-$kind" ||
            fail "$name differs between the targets"
    done
    diff -r -x module.c -x CMakeLists.txt -x README.md "$work/$name-aot" "$work/$name-nvrtc" ||
        fail "$name differs more than by who compiles its kernels"
    ls "$work/$name-aot"/role_*.c >/dev/null
}

# build PROGRAM FLAG... : away from the rest of the tree
build() {
    local program=$1
    shift
    if ! { cmake -S "$work/$program" -B "$work/$program/build" -G Ninja -DRT_DIR="$work/runtime" \
        -DCUDA_ROOT="$cuda" -DTOPOSMITH_WERROR=ON -DCMAKE_BUILD_TYPE=Debug "$@" &&
        cmake --build "$work/$program/build"; } >"$work/log" 2>&1; then
        cat "$work/log" >&2
        fail "$program cannot be built"
    fi
}

# without_gpu PROGRAM: what a machine without a driver or a GPU is told
without_gpu() {
    local status=0
    [[ ! -e /dev/nvidia0 ]] || return 0
    "$work/$1/build/program" bench >"$work/said" 2>"$work/errors" || status=$?
    ((status == 69)) || fail "$1 without a GPU ends with $status: $(cat "$work/errors")"
    grep -Eq "driver|no GPU|no CUDA" "$work/errors" || fail "$1 says of a lack of GPUs: $(cat "$work/errors")"
}

# compile PROGRAM ARCH...: its module by NVRTC
compile() {
    local program=$1
    shift
    cc -std=gnu11 -O1 -Wall -Wextra -Werror -I"$work/runtime" -I"$work/$program/kernels" -isystem "$cuda/include" \
        -D_GNU_SOURCE -DPROGRAM_DIR="\"$work/$program\"" -DRUNTIME_DIR="\"$work/runtime\"" \
        "$source/tests/cuda/compile_module.c" "$work/$program/kernels/module.c" "$work"/runtime/cuda/{nvrtc,cache}.c \
        "$work"/runtime/core/{error,sha256}.c "$nvrtc" -Wl,-rpath,"$(dirname "$nvrtc")" -o "$work/compile" ||
        fail "the module of $program"
    RT_CUDA_CACHE="" "$work/compile" "$@" || fail "NVRTC and $program"
}

cd "$source"
cp -R runtime "$work/runtime"
for nvrtc in "$cuda"/lib{64,}/libnvrtc.so.1?; do [[ ! -e $nvrtc ]] || break; done
emit small -m "$source"/models/ma-small-swiglu.yaml -t "$source"/topologies/a100-4x4.yaml -s ma-separation:attention=12,experts=4 \
    --batch 8 --prefill 32 --context 64 --dtype bf16
emit golden -m "$source"/tests/data/mixtral-tiny -t "$source"/topologies/one-host.yaml -s ma-separation:attention=2,experts=2 \
    --batch 4 --prefill 8 --context 16 --dtype f32

build small-aot
for arch in sm_80 sm_90a; do # of what nvcc made; the text is the debugger's table of contents
    grep -aq "$arch" "$work/small-aot/build/module.fatbin" || fail "the fatbin has no code for $arch"
done
without_gpu small-aot
build golden-nvrtc -DRT_LIBRARY="$work/small-aot/build/runtime/librt_cuda.a"
without_gpu golden-nvrtc
compile small-nvrtc 90
compile golden-nvrtc 80

# kernels MODEL TYPE ARCH...: those of a model, of one rank
kernels() {
    local name
    name=$(basename "$1" .yaml)-$2
    "$gen" make -m "$source/$1" -t "$source"/topologies/one-host.yaml --batch 4 --prefill 8 --context 16 \
        --dtype "$2" -q --target cuda --kernels nvrtc -o "$work/$name" >"$work/said"
    shift 2
    compile "$name" "$@"
}
# Kernels that only these have: latents, learned positions, norms of heads, norms over all heads and clips.
kernels tests/data/deepseek_v3-tiny bf16 80 90
kernels tests/data/gpt2_moe-tiny f16 80 90
kernels tests/data/qwen3_moe-tiny f16 80 90
kernels tests/data/mixed-attention.yaml f32 80 90
if [[ $full == ON ]]; then
    for model in deepseek_v3 glm4_moe gpt2_moe mixtral olmoe qwen2_moe qwen3_moe; do
        for type in f32 bf16 f16; do kernels "tests/data/$model-tiny" "$type" 80 90; done
    done
fi
echo "programs: all well"
