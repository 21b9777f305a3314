#!/bin/sh
# A module of CUDA C as a shared object that the shim runs. Errors name file and line of the source.
# usage: module.sh [--arch sm_80,sm_90a] SOURCE OUTPUT [FLAG...]   (-I, -D and whatever g++ takes)
# With --arch the output is what cudaLibraryLoadData of the stand-ins takes (standin_code.h). SHIM_CACHE names a folder that
# keeps modules by what they were made of.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
architectures=
if [ "$1" = --arch ]; then
    architectures=$(echo "$2" | tr ',' ' ' | sed 's/sm_\([0-9]*\)[a-z]*/\1/g')
    shift 2
fi
source=$1 output=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiler=${SHIM_CXX:-g++}
# -fno-extern-tls-init: shared memory is thread-local and needs no constructors. Contraction as on a device.
where=$(cd "$(dirname "$source")" && pwd)
maps="-ffile-prefix-map=$work/kernels=$where -ffile-prefix-map=$work=$(dirname "$where")"
common="-I$work/kernels -x c++ -std=c++17 -fPIC -fno-extern-tls-init -fno-exceptions -fno-rtti"
# Tensor cores and asynchronous copies are wrapped in one header, in whose place the shim has its own.
cp -rp "$(dirname "$source")" "$work/kernels"
cp "$(dirname "$source")"/../*.h "$work/" 2>/dev/null || true
if [ -f "$work/kernels/mma.cuh" ]; then cp "$here/shim_mma.h" "$work/kernels/mma.cuh"; fi
# Messages as nvcc and NVRTC write them: FILE(LINE): error: TEXT.
back() {
    sed -e "s|$work/kernels/|$where/|g" -e "s|$work/|$(dirname "$where")/|g" \
        -e 's/^\([^: ]*\):\([0-9]*\):[0-9]*: \(fatal \)\{0,1\}\(error\|warning\): /\1(\2): \4: /'
}
file=$work/kernels/$(basename "$source")
# shellcheck disable=SC2086
if ! "$compiler" $common -E -include "$here/shim.h" "$@" "$file" -o "$work/all.ii" 2> "$work/log"; then
    back < "$work/log" >&2
    exit 1
fi
# Kernels by their name, and the names of dynamic shared memory, all of which are one.
awk '
/^#/ { next }
/extern +thread_local[^;]*\[ *\] *;/ {
    name = $0
    sub(/ *\[ *\] *;.*$/, "", name)
    sub(/.*[^A-Za-z0-9_]/, "", name)
    if (!(name in seen))
        printf "__asm__(\".globl %s\\n.hidden %s\\n.type %s, @tls_object\\n.set %s, shim_dynamic\");\n", name, name, name, name
    seen[name] = 1
}
/__global__/ { open = "" }
/__global__/ || open != "" {
    open = open " " $0
    if (match(open, /__global__ +void +[A-Za-z_][A-Za-z_0-9]* *\(/)) {
        name = substr(open, RSTART, RLENGTH)
        sub(/ *\($/, "", name)
        sub(/.* /, "", name)
        kernels[count++] = name
        open = ""
    }
}
END {
    print "extern \"C\" const shim_kernel shim_kernels[] = {"
    for (i = 0; i < count; i++)
        print "    SHIM_KERNEL(" kernels[i] ")"
    print "    {0, 0, 0, 0}};"
    print "extern \"C\" const int shim_kernel_count = " count + 0 ";"
}' "$work/all.ii" > "$work/table"
{
    printf '#define __global__\n#include "%s"\n' "$file"
    echo 'extern "C" { __attribute__((aligned(1024))) thread_local unsigned char shim_dynamic[SHIM_DYNAMIC + SHIM_GUARD]; }'
    echo 'extern "C" unsigned char *shim_dynamic_at() { return shim_dynamic; }'
    cat "$work/table"
} > "$work/module.cpp"
flags="${SHIM_FLAGS:--O2 -ffp-contract=fast -march=native} $*"
kept=
if [ -n "${SHIM_CACHE:-}" ]; then
    key=$( (echo "$flags" && grep -v '^#' "$work/all.ii") | sha256sum | cut -c 1-40)
    kept=$SHIM_CACHE/$key.so
fi
# shellcheck disable=SC2086
if [ -n "$kept" ] && [ -f "$kept" ]; then
    cp "$kept" "$work/module.so"
    : > "$work/log"
elif ! "$compiler" $common ${SHIM_FLAGS:--O2 -ffp-contract=fast -march=native} $maps -Wall -Wno-unknown-pragmas \
    -Wno-unused-function -Wno-unused-variable -Wno-unused-but-set-variable \
    -include "$here/shim.h" "$@" -shared -Wl,-Bsymbolic "$work/module.cpp" -o "$work/module.so" 2> "$work/log"; then
    back < "$work/log" >&2
    exit 1
fi
back < "$work/log" >&2
if [ -n "$kept" ] && [ ! -f "$kept" ]; then
    mkdir -p "$SHIM_CACHE"
    cp "$work/module.so" "$kept.$$" && mv "$kept.$$" "$kept"
fi
if [ -z "$architectures" ]; then
    mv "$work/module.so" "$output"
    exit 0
fi
# Numbers of 4 bytes, lowest first.
number() {
    for shift in 1 256 65536 16777216; do
        # shellcheck disable=SC2059
        printf "\\$(printf '%03o' $(($1 / shift % 256)))"
    done
}
{
    printf 'standin code 1\n\000'
    number "$(wc -c < "$work/module.so")"
    number 0
    # shellcheck disable=SC2086
    set -- $architectures
    number $#
    while [ $# -lt 8 ]; do set -- "$@" 0; done
    for each in "$@"; do number "$each"; done
    number 0
    cat "$work/module.so"
} > "$output"
