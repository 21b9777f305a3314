#!/usr/bin/env bash
# Builds and runs the programs that prepare.sh made, on this machine's GPU: each over loopback, those of one rank also over
# NCCL; compares with what was carried along, times the large ones, and looks for bad accesses and races in a small one.
# Needs a C compiler, CMake, the CUDA toolkit and NCCL; no network.
# usage: run.sh [--cuda-root FOLDER] [--nccl-root FOLDER] [--only PATTERN] [--build-only] [--jobs N]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cuda='' nccl='' only=. build_only='' jobs=$(nproc)
while [[ $# -gt 0 ]]; do
    case $1 in
    --cuda-root) cuda=$2 && shift 2 ;;
    --nccl-root) nccl=$2 && shift 2 ;;
    --only) only=$2 && shift 2 ;;
    --build-only) build_only=1 && shift ;;
    --jobs) jobs=$2 && shift 2 ;;
    *)
        echo "usage: run.sh [--cuda-root FOLDER] [--nccl-root FOLDER] [--only PATTERN] [--build-only] [--jobs N]" >&2
        exit 2
        ;;
    esac
done
options=(${cuda:+"-DCUDA_ROOT=$cuda"} ${nccl:+"-DNCCL_ROOT=$nccl"} -DCMAKE_BUILD_TYPE=Release)
work=$here/build
mkdir -p "$work"
passed=0 failed=0 skipped=0

# --- the runtime, once for all programs, and the probe ---
configure_log=$work/runtime.log
if ! cmake -S "$here/runtime" -B "$work/runtime" -DRT_TARGET=cuda "${options[@]}" >"$configure_log" 2>&1 ||
    ! cmake --build "$work/runtime" --parallel "$jobs" >>"$configure_log" 2>&1; then
    tail -n 20 "$configure_log"
    echo "the runtime cannot be built: $configure_log"
    exit 1
fi
library=$(find "$work/runtime" -name librt_cuda.a | head -n 1)
root=$(sed -n 's/^-- CUDA: \(.*\)\/[^/]*$/\1/p' "$configure_log" | head -n 1)
mkdir -p "$work/probe"
cat >"$work/probe/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(probe LANGUAGES C)
include("$here/runtime/cuda/toolkit.cmake")
add_executable(probe "$here/probe.c")
target_link_libraries(probe PRIVATE Cuda::toolkit)
END
cmake -S "$work/probe" -B "$work/probe/build" "${options[@]}" >"$work/probe.log"
cmake --build "$work/probe/build" >>"$work/probe.log"
if [[ -z $build_only ]] && ! device=$("$work/probe/build/probe"); then
    echo "skipped: no GPU can be used here: $device"
    exit 0
fi
echo "device: ${device:-none, nothing is run}; libraries: $root"

# --- a table of cases ---
row() {
    printf '%-34s %5s %-5s %-9s %-8s %12s %9s\n' "$@"
}

# program NAME OPTION...: build it; what it took, or that it failed, is left in NAME.built
program() {
    local name=$1 begin=$SECONDS log=$work/$1.log status=0
    shift
    rm -f "$work/$name.built"
    cmake -S "$here/cases/$name" -B "$work/$name" "$@" >"$log" 2>&1 && cmake --build "$work/$name" >>"$log" 2>&1 || status=1
    echo "$status $((SECONDS - begin))" >"$work/$name.built"
}

# told STATUS SECONDS ROW...: count and print
told() {
    local status=$1 seconds=$2
    shift 2
    if [[ $status == 0 ]]; then
        passed=$((passed + 1))
        row "$@" "$seconds s"
    else
        failed=$((failed + 1))
        row "$@" "$seconds s"
        tail -n 5 "$work/last.log" | sed 's/^/    /'
    fi
}

# What the logits of a case differ by, over loopback.
declare -A differs=()

# verify NAME RANKS DTYPE "EXPECTED BASE" TRANSPORT; BASE: of bfloat16, whose difference times 1.5 is the most, or -
verify() {
    local status=0 begin=$SECONDS differ expected=${4% *} base=${4#* }
    "$work/$1/program" verify --expected "$here/cases/$expected" --transport "$5" --timeout-ms 60000 -q >"$work/last.log" 2>&1 ||
        status=$?
    cp "$work/last.log" "$work/$1.$5.log"
    differ=$(sed -n 's/.*logits differ by \([^ ]*\) of.*/\1/p' "$work/last.log")
    if [[ $5 == loopback ]]; then differs[$1]=$differ; fi
    if [[ $status != 0 ]]; then
        differ="status $status"
    elif [[ $base != - && -z ${differs[$base]:-} ]]; then
        differ="$differ*" # --only left the base out
    elif [[ $base != - ]] && ! awk "BEGIN { exit !($differ <= 1.5 * ${differs[$base]}) }"; then
        status=1
        echo "logits differ by $differ, more than 1.5 times the ${differs[$base]} of $base" >>"$work/last.log"
    fi
    told "$status" $((SECONDS - begin)) "$1" "$2" "$3" "$5" "$([[ $status == 0 ]] && echo ok || echo FAILED)" "${differ:-?}"
}

# bench NAME RANKS DTYPE OPTIONS TRANSPORT
bench() {
    local status=0 begin=$SECONDS time options
    IFS=, read -ra options <<<"$4"
    "$work/$1/program" bench "${options[@]}" --transport "$5" --timeout-ms 120000 -q >"$work/last.log" 2>&1 || status=$?
    cp "$work/last.log" "$work/$1.$5.log"
    time=$(awk '$1 == "tpot" { print $3 " ms" }' "$work/last.log")
    told "$status" $((SECONDS - begin)) "$1" "$2" "$3" "$5" "$([[ $status == 0 ]] && echo TPOT || echo FAILED)" "${time:-?}"
    grep -E '^(prefill|tpot|tps|throughput) ' "$work/last.log" | sed 's/^/    /' || true
}

# All programs side by side, for the kernels of one are one translation unit.
export here work
export -f program
options+=("-DRT_DIR=$here/runtime" "-DRT_LIBRARY=$library")
cut -d ' ' -f 1 "$here/cases.txt" | { grep -E -- "$only" || true; } |
    xargs -P "$jobs" -I '{}' bash -c 'program "$@"' program '{}' "${options[@]}"

row case ranks type transport result difference time
while read -r name verb ranks dtype rest; do
    [[ $name =~ $only ]] || continue
    read -r status seconds <"$work/$name.built"
    if [[ $status != 0 ]]; then
        cp "$work/$name.log" "$work/last.log"
        told 1 "$seconds" "$name" "$ranks" "$dtype" - FAILED "no build"
        continue
    fi
    if [[ -n $build_only ]]; then
        told 0 "$seconds" "$name" "$ranks" "$dtype" - built -
        continue
    fi
    "$verb" "$name" "$ranks" "$dtype" "$rest" loopback
    if [[ $ranks == 1 ]]; then "$verb" "$name" "$ranks" "$dtype" "$rest" nccl; fi
done <"$here/cases.txt"

# --- bad accesses and races, in a small case of one rank and one of several ---
sanitizer=$(command -v compute-sanitizer || true)
if [[ -z $sanitizer && -n $cuda && -x $cuda/bin/compute-sanitizer ]]; then sanitizer=$cuda/bin/compute-sanitizer; fi
for name in golden-a-f32-aot golden-a-bf16-aot golden-b-f32-aot; do
    [[ -z $build_only && -x $work/$name/program && $name =~ $only ]] || continue
    for tool in memcheck racecheck; do
        if [[ -z $sanitizer ]]; then
            skipped=$((skipped + 1))
            row "$name $tool" - - loopback skipped "no tool" -
            continue
        fi
        begin=$SECONDS status=0
        "$sanitizer" --tool "$tool" --error-exitcode 99 "$work/$name/program" verify --expected "$here/cases/${name%-aot}.rta" \
            --transport loopback --timeout-ms 0 -q >"$work/last.log" 2>&1 || status=$?
        cp "$work/last.log" "$work/$name.$tool.log"
        told "$status" $((SECONDS - begin)) "$name $tool" - - loopback \
            "$([[ $status == 0 ]] && echo clean || echo FAILED)" "$(grep -c '=========' "$work/last.log" || true) lines"
    done
done
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed == 0 && $passed -gt 0 ]]
