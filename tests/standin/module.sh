#!/bin/sh
# A module of CUDA C as a shared object that the shim runs. Errors name file and line of the source.
# usage: module.sh SOURCE OUTPUT [FLAG...]   (-I, -D and whatever g++ takes)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$1 output=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiler=${SHIM_CXX:-g++}
# -fno-extern-tls-init: shared memory is thread-local and needs no constructors. Contraction as on a device.
where=$(cd "$(dirname "$source")" && pwd)
maps="-ffile-prefix-map=$work/kernels=$where -ffile-prefix-map=$work=$(dirname "$where")"
common="-x c++ -std=c++17 -fPIC -fno-extern-tls-init -fno-exceptions -fno-rtti"
# Tensor cores and asynchronous copies are wrapped in one header, in whose place the shim has its own.
cp -r "$(dirname "$source")" "$work/kernels"
cp "$(dirname "$source")"/../*.h "$work/" 2>/dev/null || true
if [ -f "$work/kernels/mma.cuh" ]; then cp "$here/shim_mma.h" "$work/kernels/mma.cuh"; fi
back() {
    sed -e "s|$work/kernels/|$where/|g" -e "s|$work/|$(dirname "$where")/|g"
}
file=$work/kernels/$(basename "$source")
# shellcheck disable=SC2086
if ! "$compiler" $common -E -include "$here/shim.h" "$@" "$file" -o "$work/all.ii" 2> "$work/log"; then
    back < "$work/log" >&2
    exit 1
fi
# Kernels by their name, and the names of dynamic shared memory, all of which are one.
awk '
{ text = text " " $0 }
/^#/ { next }
END {
    rest = text
    while (match(rest, /extern +thread_local[^;]*\[ *\] *;/)) {
        name = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        sub(/ *\[ *\] *;$/, "", name)
        sub(/.*[^A-Za-z0-9_]/, "", name)
        if (!(name in seen))
            printf "__asm__(\".globl %s\\n.hidden %s\\n.type %s, @tls_object\\n.set %s, shim_dynamic\");\n", name, name, name, name
        seen[name] = 1
    }
    print "extern \"C\" const shim_kernel shim_kernels[] = {"
    rest = text
    while (match(rest, /__global__ +void +[A-Za-z_][A-Za-z_0-9]* *\(/)) {
        name = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        sub(/ *\($/, "", name)
        sub(/.* /, "", name)
        print "    SHIM_KERNEL(" name ")"
        ++count
    }
    print "    {0, 0}};"
    print "extern \"C\" const int shim_kernel_count = " count + 0 ";"
}' "$work/all.ii" > "$work/table"
{
    printf '#define __global__\n#include "%s"\n' "$file"
    echo 'extern "C" { __attribute__((aligned(1024))) thread_local unsigned char shim_dynamic[SHIM_DYNAMIC + SHIM_GUARD]; }'
    echo 'extern "C" unsigned char *shim_dynamic_at() { return shim_dynamic; }'
    cat "$work/table"
} > "$work/module.cpp"
# shellcheck disable=SC2086
if ! "$compiler" $common ${SHIM_FLAGS:--O2 -ffp-contract=fast -march=native} $maps -Wall -Wno-unknown-pragmas \
    -Wno-unused-function -Wno-unused-variable -Wno-unused-but-set-variable \
    -include "$here/shim.h" "$@" -shared -Wl,-Bsymbolic "$work/module.cpp" -o "$work/module.so" 2> "$work/log"; then
    back < "$work/log" >&2
    exit 1
fi
back < "$work/log" >&2
mv "$work/module.so" "$output"
