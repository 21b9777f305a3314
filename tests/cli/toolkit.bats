# Where programs for GPUs find the CUDA toolkit and NCCL, with toolkits of empty files: as vendors lay them out, as PyPI
# does, and what is said where something is missing.

setup_file() {
    cd "$BATS_FILE_TMPDIR"
    mkdir project
    cat >project/CMakeLists.txt <<PROJECT
cmake_minimum_required(VERSION 3.25)
project(probe LANGUAGES C)
set(KERNELS \${MADE})
include($(cd "$BATS_TEST_DIRNAME/../.." && pwd)/runtime/cuda/toolkit.cmake)
get_target_property(includes Cuda::toolkit INTERFACE_INCLUDE_DIRECTORIES)
message(STATUS "includes: \${includes}")
message(STATUS "nvcc: \${CUDA_NVCC}")
PROJECT
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset CUDA_ROOT CUDA_HOME CUDA_PATH NCCL_ROOT
}

# toolkit FOLDER LIBRARIES SUFFIX: headers, libraries and nvcc, without NCCL
toolkit() {
    mkdir -p "$1/bin" "$1/include" "$1/$2"
    echo "#define CUDART_VERSION  13000" >"$1/include/cuda_runtime_api.h"
    touch "$1"/include/{cublas_v2,nvrtc}.h
    for name in cudart cublas nvrtc; do touch "$1/$2/lib$name$3"; done
    printf '#!/bin/sh\n' >"$1/bin/nvcc"
    chmod +x "$1/bin/nvcc"
}

nccl() {
    mkdir -p "$1/include" "$1/lib"
    touch "$1/include/nccl.h" "$1/lib/$2"
}

# configure aot|nvrtc FLAG...: what CMake says, on one line a message
configure() {
    local made=$1
    shift
    run cmake -S "$BATS_FILE_TMPDIR/project" -B build -DCMAKE_C_COMPILER_WORKS=1 -DMADE="$made" "$@"
    said=$(sed 's/^ *//' <<<"$output" | tr -s '\n ' '  ')
    echo "$said"
}

@test "a toolkit as its vendor installs it, with NCCL in it" {
    toolkit cuda targets/x86_64-linux/lib .so
    nccl cuda libnccl.so
    configure aot -DCUDA_ROOT="$PWD/cuda"
    [ "$status" = 0 ]
    [[ $said == *"CUDA: $PWD/cuda/targets/x86_64-linux/lib/libcudart.so "* ]]
    [[ $said == *"NCCL: $PWD/cuda/lib/libnccl.so "* ]]
    [[ $said == *"nvcc: $PWD/cuda/bin/nvcc"* ]]
}

@test "packages of PyPI: libraries by their versions alone, NCCL beside the toolkit" {
    toolkit nvidia/cu13 lib .so.13
    nccl nvidia/nccl libnccl.so.2
    configure aot -DCUDA_ROOT=nvidia/cu13
    [ "$status" = 0 ]
    [[ $said == *"CUDA: $PWD/nvidia/cu13/lib/libcudart.so.13 "* ]]
    [[ $said == *"cuBLAS: $PWD/nvidia/cu13/lib/libcublas.so.13 "* ]]
    [[ $said == *"NVRTC: $PWD/nvidia/cu13/lib/libnvrtc.so.13 "* ]]
    [[ $said == *"NCCL: $PWD/nvidia/nccl/lib/libnccl.so.2 "* ]]
    [[ $said == *"includes: $PWD/nvidia/cu13/include;"*"$PWD/nvidia/nccl/include "* ]]
}

@test "the toolkit of the environment, and that of nvcc in PATH" {
    toolkit one lib64 .so
    toolkit two lib64 .so
    nccl net libnccl.so.2
    NCCL_ROOT=$PWD/net CUDA_HOME=$PWD/one configure aot
    [ "$status" = 0 ]
    [[ $said == *"CUDA: $PWD/one/lib64/libcudart.so "* ]]
    [[ $said == *"NCCL: $PWD/net/lib/libnccl.so.2 "* ]]
    rm -rf build
    PATH=$PWD/two/bin:$PATH configure aot -DNCCL_ROOT="$PWD/net"
    [ "$status" = 0 ]
    [[ $said == *"CUDA: $PWD/two/lib64/libcudart.so "* ]]
}

@test "cuBLAS of another folder" {
    toolkit cuda lib64 .so
    nccl cuda libnccl.so
    mkdir blas
    mv cuda/lib64/libcublas.so blas/
    mkdir blas/lib blas/include
    mv blas/libcublas.so blas/lib/
    mv cuda/include/cublas_v2.h blas/include/
    configure nvrtc -DCUDA_ROOT="$PWD/cuda"
    [ "$status" != 0 ]
    [[ $said == *"cuBLAS is missing: no cublas_v2.h with its library in $PWD/cuda. Install the toolkit's cuBLAS with its headers, or name its folder with -DCUBLAS_ROOT=FOLDER."* ]]
    rm -rf build
    configure nvrtc -DCUDA_ROOT="$PWD/cuda" -DCUBLAS_ROOT="$PWD/blas"
    [ "$status" = 0 ]
    [[ $said == *"cuBLAS: $PWD/blas/lib/libcublas.so "* ]]
}

@test "no toolkit, an old one, no NCCL, no nvcc" {
    configure aot -DCUDA_ROOT="$PWD/none"
    [ "$status" != 0 ]
    [[ $said == *"CUDA is missing: no cuda_runtime_api.h with its library in $PWD/none. Install the CUDA toolkit, 12.8 or newer, and name its folder with -DCUDA_ROOT=FOLDER."* ]]
    toolkit cuda lib64 .so
    rm -rf build
    configure aot -DCUDA_ROOT="$PWD/cuda" -DNCCL_ROOT="$PWD/net"
    [ "$status" != 0 ]
    [[ $said == *"NCCL is missing: no nccl.h with its library in $PWD/net. Install NCCL, 2.19 or newer, with its headers, and name its folder with -DNCCL_ROOT=FOLDER."* ]]
    nccl net libnccl.so
    rm cuda/bin/nvcc
    rm -rf build
    configure aot -DCUDA_ROOT="$PWD/cuda" -DNCCL_ROOT="$PWD/net"
    [ "$status" != 0 ]
    [[ $said == *"nvcc is missing: it is not in the folder bin of $PWD/cuda."*"Or emit the program with --kernels nvrtc, which needs no nvcc."* ]]
    rm -rf build
    configure nvrtc -DCUDA_ROOT="$PWD/cuda" -DNCCL_ROOT="$PWD/net"
    [ "$status" = 0 ]
    echo "#define CUDART_VERSION 12060" >cuda/include/cuda_runtime_api.h
    rm -rf build
    configure nvrtc -DCUDA_ROOT="$PWD/cuda" -DNCCL_ROOT="$PWD/net"
    [ "$status" != 0 ]
    [[ $said == *"The CUDA toolkit is of version 12060, 12080 (12.8) or newer is needed."* ]]
}
