#!/bin/sh
# The stand-ins for CUDA's libraries and tools, in a folder laid out as the toolkit is, with NCCL in it.
# usage: build.sh FOLDER [CFLAG...]   (SHIM_CXX: the compiler, g++)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
shift
runtime=$here/../../runtime
mkdir -p "$folder/bin" "$folder/lib" "$folder/standin"
folder=$(cd "$folder" && pwd)
cp -r "$here/include" "$folder/"
cp "$here/shim.h" "$here/shim_kernel.h" "$here/shim_mma.h" "$here/module.sh" "$folder/standin/"
cp "$here/nvcc.sh" "$folder/bin/nvcc"
objects=$folder/objects
mkdir -p "$objects"
compile() {
    # shellcheck disable=SC2086
    ${SHIM_CXX:-g++} -std=c++17 -O3 -g -fPIC -Wall -Wextra -I"$here/include" -I"$here" -I"$runtime" \
        "$@" -c "$here/$source.cpp" -o "$objects/$source.o"
}
# The shim tells the sanitizers itself what they must know of its fibres.
source=shim && compile
for source in standin_log standin_stream standin_memory standin_device standin_cublas standin_nvrtc \
    standin_nccl standin_wire standin_moves; do compile "$@"; done

library() {
    name=$1
    shift
    ${SHIM_CXX:-g++} -shared -Wl,-soname,"$name" "$@" -o "$folder/lib/$name.new" -pthread -ldl
    mv "$folder/lib/$name.new" "$folder/lib/$name"
}
o=$objects
library libcudart.so.13 "$o/shim.o" "$o/standin_log.o" "$o/standin_stream.o" "$o/standin_memory.o" \
    "$o/standin_device.o" "$o/standin_moves.o" "$@"
library libcublas.so.13 "$o/standin_cublas.o" "$folder/lib/libcudart.so.13" "$@"
library libnvrtc.so.13 "$o/standin_nvrtc.o" "$@"
library libnccl.so.2 "$o/standin_nccl.o" "$o/standin_wire.o" "$folder/lib/libcudart.so.13" "$@"
