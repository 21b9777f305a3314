#!/usr/bin/env bash
# Benchmarks, by hand: bench/run.sh [moves] [scaling] [decode] [emulate] [generate] [calibrate] [search] [check] [tokenizer]; all
# without arguments. Tables go to stdout, the same as text and JSON to build/bench. Every number is to be read as a ratio
# within one run.
#
#   RANKS="2 4 8 16"        of moves
#   BENCH_BATCHES, BENCH_BATCH_MS, BENCH_MIN, BENCH_MAX, BENCH_FACTOR, BENCH_MOVES      of moves, see moves.c
#   BENCH_MPI_FLAGS         further arguments of mpirun
#   EMULATE_PLANS=tp        of emulate: only plans with this in their name
#   GENERATE_REPEATS=3      of generate: runs of each case, the least counts
#   DECODE_ROUNDS=5         of decode
#   CHECK_REPEATS=5         of check, likewise
#   SETTLE_S=20             seconds, whole: how long a measurement waits at most for a moment in which nothing else runs
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/bench

usage() {
    echo "usage: bench/run.sh [moves] [scaling] [decode] [emulate] [generate] [calibrate] [search] [check] [tokenizer]" >&2
    exit 2
}
for name in "$@"; do
    case $name in
    moves | scaling | decode | emulate | generate | calibrate | search | check | tokenizer) ;;
    *) usage ;;
    esac
done
[[ $# -gt 0 ]] || set -- moves scaling decode emulate generate calibrate search check tokenizer

install_mpi() {
    if ! command -v mpirun >/dev/null || ! command -v mpicc >/dev/null; then
        echo "installing openmpi-bin and libopenmpi-dev" >&2
        local as_root=()
        [[ $EUID -eq 0 ]] || as_root=(sudo)
        "${as_root[@]}" apt-get install -y --no-install-recommends openmpi-bin libopenmpi-dev >&2
    fi
}

# More ranks than processors: give way when idle, bind nobody. Messages up to the eager limit go without a
# handshake: which limit is better depends on move and size, so both run, and the better for them counts.
flags=(--oversubscribe --bind-to none --mca mpi_yield_when_idle 1 --mca pml ob1 --mca btl "self,vader")
[[ $EUID -ne 0 ]] || flags+=(--allow-run-as-root)

# Configure and build DIR into build/bench/NAME; the rest are arguments of the build.
build() {
    local log=$out/$2.log
    if ! { cmake -S "$1" -B "$out/$2" -G Ninja && cmake --build "$out/$2" "${@:3}"; } >"$log" 2>&1; then
        tail -20 "$log" >&2
        exit 1
    fi
}

settle() {
    local running=0 i
    for ((i = 0; i < ${SETTLE_S:-20} * 5; ++i)); do
        running=$(cut -d' ' -f4 /proc/loadavg | cut -d/ -f1)
        [[ $running -gt 1 ]] || return 0
        sleep 0.2
    done
    echo "the machine is busy: $running processes run" >&2
}

moves() {
    install_mpi
    build bench bin
    rm -f "$out/moves.lines"
    for ranks in ${RANKS:-2 4 8 16}; do
        for eager in 4 32; do
            echo "moves: $ranks ranks, eager limit $eager KiB" >&2
            settle
            # shellcheck disable=SC2086
            BENCH_OUT=$PWD/$out/moves.lines BENCH_LABEL=eager-$eager-KiB mpirun -np "$ranks" \
                "${flags[@]}" --mca btl_vader_eager_limit $((eager * 1024)) ${BENCH_MPI_FLAGS:-} \
                "$out/bin/moves" >/dev/null
        done
    done
    python3 bench/table.py --json "$out/moves.lines" >"$out/moves.json"
    python3 bench/table.py --markdown "$out/moves.lines" >"$out/moves.md"
    python3 bench/table.py "$out/moves.lines" | tee "$out/moves.txt"
}

scaling() {
    build . gen --target gen
    python3 bench/scaling.py --gen "$out/gen/gen" --model models/ma-small.yaml \
        --topology topologies/one-host.yaml --out "$out" --settle "${SETTLE_S:-20}" | tee "$out/scaling.txt"
}

# Ours beside transformers and llama.cpp, which come from PyPI.
decode() {
    build bench bin --target stream
    build . gen --target gen
    bench/peers/install.sh "$out"
    python3 bench/peers/peers.py --gen "$out/gen/gen" --stream "$out/bin/stream" --topology topologies/one-host.yaml \
        --out "$out" --rounds "${DECODE_ROUNDS:-5}" --settle "${SETTLE_S:-20}" | tee "$out/decode.md"
}

emulate() {
    build . gen --target gen
    python3 bench/emulate.py --gen "$out/gen/gen" --model models/ma-8.9b.yaml \
        --topology topologies/a100-4x4.yaml --out "$out" --plans "${EMULATE_PLANS:-}" |
        tee "$out/emulate.md"
}

generate() {
    build . gen --target gen
    python3 bench/generate.py --gen "$out/gen/gen" --out "$out" --repeats "${GENERATE_REPEATS:-3}" |
        tee "$out/generate.md"
}

calibrate() {
    build . gen --target gen rt_host
    python3 bench/calibrated.py --gen "$out/gen/gen" --model models/ma-small.yaml \
        --topology topologies/one-host.yaml --out "$out" --settle "${SETTLE_S:-1}" |
        tee "$out/calibrate.md"
}

# What auto takes beside the best of every legal plan of a reduced space, on the 16 GPUs.
search() {
    build . gen --target exhaustive
    local point
    for point in "wave 64 512 1024" "decode 64 512 1024" "decode 512 64 1024" "prefill 32 512 1024" "wave 8 128 512"; do
        # shellcheck disable=SC2086
        "$out/gen/bench/exhaustive/exhaustive" . models/ma-8.9b.yaml topologies/a100-4x4.yaml $point bf16 |
            sed "s/^/$point: /"
    done | tee "$out/search.txt"
}

# The proof alone, by ranks and layers.
check() {
    build . gen --target gen proving
    python3 bench/check.py --gen "$out/gen/gen" --proving "$out/gen/bench/proving/proving" --out "$out" \
        --repeats "${CHECK_REPEATS:-5}" | tee "$out/check.md"
}

# Ours beside the reference package, which comes from PyPI.
tokenizer() {
    build . gen --target probe
    scripts/python-packages.sh >&2
    settle
    build/python/bin/python bench/tokenizer.py --probe "$out/gen/tests/text/probe" --out "$out" |
        tee "$out/tokenizer.md"
}

mkdir -p "$out"
mpirun --version 2>/dev/null | head -1 >&2 || true
for name in "$@"; do
    echo "== $name"
    case $name in
    moves) moves ;;
    emulate) emulate ;;
    generate) generate ;;
    calibrate) calibrate ;;
    search) search ;;
    check) check ;;
    tokenizer) tokenizer ;;
    scaling) scaling ;;
    decode) decode ;;
    esac
done
