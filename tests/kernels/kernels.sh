#!/bin/sh
# The kernels of one model and element type against references in double precision: of the host, or of CUDA, whose device
# code then runs on the processor (tests/standin). With `races` instead of `cuda` ThreadSanitizer takes the threads of a
# block for threads: a barrier that a kernel lacks is a race.
# NAME=NUMBER puts another number into constants.h, say of HEAD_DIM: kernels follow that file alone.
# usage: kernels.sh EMIT_CASE SOURCE MODEL DTYPE [NAME=NUMBER...] [CFLAG...]
#        kernels.sh GEN SOURCE MODEL[@STRATEGY] DTYPE [cuda|races] [NAME=NUMBER...] [CFLAG...]
set -eu
emit=$1 source=$2 model=$3 dtype=$4 target=host
shift 4
case ${1:-} in
cuda | races) target=$1 && shift ;;
esac
strategy=single
case $model in *@*) strategy=${model#*@} model=${model%%@*} ;; esac
numbers=''
# Tiles so small that the loops over them, and parts of the cache, are more than one here.
if [ "$target" != host ]; then numbers='SPLIT_KEYS=40 LATENT_PAIRS=24 EXPANDED_ELEMENTS=10000'; fi
while case ${1:-} in [A-Z]*=[0-9]*) true ;; *) false ;; esac do
    numbers="$numbers $1" && shift
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A context past every tile.
printf 'batch: 3\nprefill: 100\ncontext: 160\ndtype: %s\n' "$dtype" > "$work/workload.yaml"
if [ "$target" = host ] && [ "$strategy" = single ]; then
    "$emit" host "$source/$model" "$source/topologies/one-host.yaml" "$work/workload.yaml" single kernels "$work/program"
else
    if [ "$target" = host ]; then targets=host; else targets="host cuda"; fi
    for each in $targets; do
        if [ "$each" = cuda ]; then options="--kernels nvrtc --arch sm_80"; else options=; fi
        # shellcheck disable=SC2086
        "$emit" make -q -m "$source/$model" -t "$source/topologies/one-host.yaml" -w "$work/workload.yaml" \
            -s "$strategy" --name kernels --target $each $options ${KERNELS_SHARE:+--share "$KERNELS_SHARE"} \
            -o "$work/$each" > "$work/log"
    done
    mv "$work/$each" "$work/program"
fi
if [ -d "$work/host" ]; then facts=$work/host; else facts=$work/program; fi
cd "$work/program"

# What the references must know of the model beyond constants.h: the host's kernels tell.
flag() {
    if grep -q "$1" "$facts"/kernels/*.c; then echo 1; else echo 0; fi
}
if grep -q 'erff(' "$facts/kernels/activation.h"; then activation=1
elif grep -q 'tanhf(' "$facts/kernels/activation.h"; then activation=2
else activation=0; fi
defines="-DACTIVATION=$activation -DGATED=$(flag 'tile->gate\[i\]') -DRENORMALIZE=$(flag 'share\[k\] /= total')"
defines="$defines -DSIGMOID=$(flag 'expf(-logits') -DCORRECTED=$(flag 'correction\[e\]')"
rotate=$facts/kernels/rotate.h
if [ -f "$rotate" ] && grep -q 'slowed' "$rotate"; then defines="$defines -DYARN"; fi
if [ -f "$rotate" ] && grep -q 'neighbours' "$rotate"; then defines="$defines -DNEIGHBOURS"; fi
for file in "$facts"/kernels/*.c; do
    name=${file##*/}
    defines="$defines -DHAVE_${name%.c}"
done
# Own tables instead of the program's moves.c: three targets, one with a single slot; every fourth expert cut in
# two column parts on different targets; padded and exact windows; sources of many rows, few and one, and of more
# than a block of a device has threads.
sed -i -e 's/^#define PARTS .*/#define PARTS 2/' -e 's/^#define TARGETS .*/#define TARGETS 3/' \
    -e 's/^#define SOURCES .*/#define SOURCES 3/' constants.h
# Of tiles gen's own functions must know too, which say what workspace follows.
mkdir -p "$work/gen/schedule"
cp "$source/gen/schedule/workspace.h" "$work/gen/schedule/"
for each in $numbers; do
    sed -i "s/^#define ${each%=*} .*/#define ${each%=*} ${each#*=}/" constants.h
    sed -i "s/^    ${each%=*} = [^,]*,/    ${each%=*} = ${each#*=},/" "$work/gen/schedule/workspace.h"
done
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
    exchange("true", 2, "{0, 261}, {1, 9}")
    print "};"
}' > moves.c
tests=$source/tests/kernels
checks="$tests/check.c $tests/check_workspace.c $tests/check_rows.c $tests/check_choice.c $tests/check_attention.c
    $tests/check_heads.c $tests/check_latent.c $tests/check_routing.c $tests/check_experts.c moves.c
    $source/gen/schedule/workspace.c $source/gen/schedule/ops.c"
if [ -f "$source/gen/schedule/workspace_cuda.c" ]; then checks="$checks $source/gen/schedule/workspace_cuda.c"; fi
flags="-D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter -Werror -I. -I$work/gen -I$source/gen -I$source/runtime -I$tests"
flags="$flags $(pkg-config --cflags lua5.4)"
if [ "$target" = host ]; then
    # shellcheck disable=SC2086,SC2046
    cc -std=gnu11 -O2 -march=native -ffp-contract=fast $flags $defines "$@" $(pkg-config --cflags openblas) \
        $checks "$tests/check_host.c" "$tests/check_dot.c" kernels/*.c "$source/runtime/host/tune.c" -o "$work/check" \
        $(pkg-config --libs openblas) -lm
    exec "$work/check"
fi

case $dtype in
f32) element=32 ;;
bf16) element=16 ;;
*) element=5 ;;
esac
standin=$source/tests/standin
rm kernels/module.c kernels/launch.c
sed -n 's/^    F_\([A-Z0-9_]*\),$/    "\1",/p' kernels/kernel.h | tr '[:upper:]' '[:lower:]' > functions.inc
cp "$tests/check_module.cu" kernels/
# Of float32, rows longer than their blocks: a warp each.
if [ "$dtype" = f32 ]; then sed -i 's/ROW_WARPS < 2 *? 2/1 ? 1/' kernels/kernel.h; fi
sanitize='' device='' TSAN_OPTIONS=exitcode=66
if [ "$target" = races ]; then
    sanitize=-fsanitize=thread SHIM_FLAGS='-O1 -g -fsanitize=thread' SHIM_RACES=1
    export SHIM_FLAGS SHIM_RACES TSAN_OPTIONS
fi
for each in "$@"; do
    case $each in -fsanitize* | -fno-sanitize* | -I*) device="$device $each" ;; esac
done
# shellcheck disable=SC2086
"$standin/module.sh" kernels/check_module.cu "$work/module.so" -I"$source/runtime" $device
# The host's choice, to which that of a device is compared: heads of either may be gathered.
# shellcheck disable=SC2086
cc -std=gnu11 -O1 -g -D_GNU_SOURCE -I"$source/runtime" -Dkernel_choose=host_choose -c "$facts/kernels/choose.c" \
    -o "$work/host_choose.o"
g++ -std=c++17 -O2 -g -I"$standin" -c "$standin/shim.cpp" -o "$work/shim.o"
# shellcheck disable=SC2086
cc -std=gnu11 -O1 -g $sanitize $flags -I"$standin" $defines -DCHECK_ELEMENT=$element "$@" $checks \
    "$tests/check_cuda.c" "$tests/check_device.c" kernels/*.c "$work/host_choose.o" ${KERNELS_MISSING:-} "$work/shim.o" \
    -rdynamic -o "$work/check" -lstdc++ -ldl -lm
"$work/check" "$work/module.so"
