#!/bin/sh
# One golden case, or all: golden.sh EMIT_CASE SOURCE check NAME | update [NAME]
# A difference is shown with the command that accepts it.
set -eu
emit=$1 source=$2 verb=$3 only=${4:-}
here=$source/tests/golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "golden: $*" >&2
    exit 1
}

digest() { # of all files of a directory, by name and content
    (cd "$1" && find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1)
}

formatted() {
    command -v clang-format > /dev/null || { echo "golden: clang-format is not there: layout not checked"; return 0; }
    find "$1" \( -name '*.[ch]' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
        xargs -0 clang-format --style="file:$source/.clang-format" --dry-run -Werror
}

compiled() { # of programs for GPUs all but device code, in whose place any file is embedded
    blas=$(pkg-config --cflags openblas)
    for file in $(find "$1" -name '*.c' | LC_ALL=C sort); do
        # shellcheck disable=SC2086
        cc -std=gnu11 -O1 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wno-unused-parameter -Werror -I"$source/runtime" $blas -DMODULE_FILE="\"$1/kernels/module.cu\"" \
            -DPROGRAM_DIR="\"$1\"" -DRUNTIME_DIR="\"$source/runtime\"" -c "$file" -o "$work/object.o" ||
            fail "$file does not compile"
    done
}

run_case() { # name, kind, target, model, topology, workload, strategy
    echo "$1"
    cd "$source"
    "$emit" "$3" "$4" "$5" "tests/golden/$6.yaml" "$7" "$1" "$work/a/$1"
    cd "$work" # another folder and another locale must not show
    LC_ALL=${OTHER_LOCALE:-C.UTF-8} "$emit" "$3" "$source/$4" "$source/$5" "$source/tests/golden/$6.yaml" "$7" "$1" "$work/b"
    diff -r "$work/a/$1" "$work/b" || fail "$1 differs when emitted twice"
    formatted "$work/b"
    compiled "$work/b"
    if [ "$2" = full ]; then
        if [ "$verb" = update ]; then
            rm -rf "${here:?}/$1"
            cp -R "$work/b" "$here/$1"
        fi
        diff -ru "$here/$1" "$work/b" || fail "$1 changed; if it should: cmake --build BUILD --target golden-update"
    else
        line="$1 $(digest "$work/b")"
        if [ "$verb" = update ]; then
            touch "$here/digests.txt"
            { grep -v "^$1 " "$here/digests.txt" || true; echo "$line"; } | LC_ALL=C sort > "$work/digests"
            cp "$work/digests" "$here/digests.txt"
        fi
        grep -qx "$line" "$here/digests.txt" ||
            fail "$1 changed; if it should: cmake --build BUILD --target golden-update"
    fi
    rm -rf "$work/a" "$work/b"
}

grep '^[a-z0-9]' "$here/cases.txt" > "$work/cases"
while read -r name kind target model topology workload strategy; do
    if [ -z "$only" ] || [ "$only" = "$name" ]; then
        run_case "$name" "$kind" "$target" "$model" "$topology" "$workload" "$strategy"
    fi
done < "$work/cases"
