#!/bin/sh
# The host kernels of one model and element type against references in double precision.
# usage: kernels.sh EMIT_CASE SOURCE MODEL DTYPE [CFLAG...]
set -eu
emit=$1 source=$2 model=$3 dtype=$4
shift 4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A context past every tile.
printf 'batch: 3\nprefill: 100\ncontext: 160\ndtype: %s\n' "$dtype" > "$work/workload.yaml"
"$emit" "$source/$model" "$source/topologies/one-host.yaml" "$work/workload.yaml" single kernels "$work/program"
cd "$work/program"

# What the references must know of the model beyond constants.h.
flag() {
    if grep -q "$1" kernels/*.c; then echo 1; else echo 0; fi
}
if grep -q 'erff(' kernels/activation.h; then activation=1
elif grep -q 'tanhf(' kernels/activation.h; then activation=2
else activation=0; fi
defines="-DACTIVATION=$activation -DGATED=$(flag 'tile->gate\[i\]') -DRENORMALIZE=$(flag 'share\[k\] /= total')"
defines="$defines -DSIGMOID=$(flag 'expf(-logits') -DCORRECTED=$(flag 'correction\[e\]')"
if [ -f kernels/rotate.h ] && grep -q 'slowed' kernels/rotate.h; then defines="$defines -DYARN"; fi
if [ -f kernels/rotate.h ] && grep -q 'neighbours' kernels/rotate.h; then defines="$defines -DNEIGHBOURS"; fi
for file in kernels/*.c; do
    name=${file#kernels/}
    defines="$defines -DHAVE_${name%.c}"
done
# Own tables instead of the program's moves.c: three targets, one with a single slot; every fourth expert cut in
# two column parts on different targets; padded and exact windows; sources of many rows, few and one.
sed -i -e 's/^#define PARTS .*/#define PARTS 2/' -e 's/^#define TARGETS .*/#define TARGETS 3/' constants.h
experts=$(sed -n 's/^#define ROUTED //p' constants.h)
bytes=$(sed -n 's/.*\.row_bytes = HIDDEN \* \([24]\),.*/\1/p' moves.c | head -n 1)
awk -v experts="$experts" -v bytes="$bytes" '
function exchange(exact, sources, ends) {
    printf "    {\"test\", %d, 3, (const rt_end[]){%s},\n", sources, ends
    printf "     (const rt_end[]){{7, %d}, {8, %d}, {9, %d}},\n", slots[0], slots[1], slots[2]
    printf "     CHOICES, %s, 0, 1, HIDDEN * %d, CHOICES * 4, 0, 0, NULL, NULL},\n", exact, bytes
}
BEGIN {
    print "#include \"program.h\"\n\nconst int16_t routes[][ROUTED][PARTS][2] = {\n    {{{-1, 0}}},\n    {"
    for (e = 0; e < experts; e++) {
        first = e == 0 ? 0 : 1 + e % 2
        printf "        {{%d, %d}, ", first, slots[first]++
        if (e % 4 == 1)
            printf "{%d, %d}},\n", 3 - first, slots[3 - first]++
        else
            print "{-1, -1}},"
    }
    print "    },\n};\n\nconst rt_exchange exchanges[] = {"
    exchange("false", 3, "{0, 70}, {1, 9}, {2, 1}")
    exchange("true", 3, "{0, 70}, {1, 9}, {2, 1}")
    exchange("false", 1, "{0, 2}")
    print "};"
}' > moves.c
# shellcheck disable=SC2086,SC2046
cc -std=gnu11 -D_GNU_SOURCE -O2 -march=native -ffp-contract=fast -Wall -Wextra -Wno-unused-parameter \
    -Werror $defines "$@" -I. -I"$source/gen" -I"$source/runtime" \
    $(pkg-config --cflags openblas lua5.4) "$source"/tests/kernels/*.c kernels/*.c moves.c \
    "$source/runtime/host/tune.c" "$source/gen/schedule/workspace.c" "$source/gen/schedule/ops.c" -o "$work/check" \
    $(pkg-config --libs openblas) -lm
"$work/check"
