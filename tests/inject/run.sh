#!/usr/bin/env bash
# Every call to the system that gen and programs make fails, one a run: see drive.c. Prints a line a command: sites,
# runs, how many of them never came to the call (waits come as they come), how many did not end cleanly.
# Usage: run.sh [--full] [NAME...]. Without --full the first call of each site of four commands fails; with it the
# first, middle and last call of each site of all commands. GEN, DRIVE, LIBRARY: the binaries; OUT: a folder to
# work in. In a build with the address sanitizer leaks count too; it must let our library come first:
# ASAN_OPTIONS=verify_asan_link_order=0.
set -euo pipefail
: "${GEN:?name the gen under test}" "${DRIVE:?name the driver}" "${LIBRARY:?name the library}" "${OUT:?name a folder}"
root=$(cd "$(dirname "$0")/../.." && pwd)

policy=(-1)
names=(check emit weights threads)
if [[ ${1:-} == --full ]]; then
    shift
    policy=()
    names=(plan check emit emit-over make make-bad-topology make-no-model show show-json weights weights-cut run
        threads verify info bench bench-threads measure trace seat)
fi
(($# == 0)) || names=("$@")

# --- what the commands work on: small programs, built, one with a checkpoint; and bad inputs ---------------------
inputs=$OUT/inputs
rm -rf "$inputs"
mkdir -p "$inputs"
cp -r "$root/tests/data/mixtral-tiny" "$inputs/model"
cp "$root/topologies/a100-4x4.yaml" "$inputs/topology.yaml"
cd "$inputs"
sed 's/bandwidth: .*/bandwidth: 200/' topology.yaml >bad.yaml
mkdir cut
cp model/config.json cut/
head -c 100000 model/model.safetensors >cut/model.safetensors
echo '[[1, 2, 3], [4, 5]]' >tokens.json
given=(-m model -t topology.yaml --batch 2 --prefill 8 --context 12 --dtype f32)
split=ma-separation:attention=2,experts=2,groups=1
"$GEN" plan "${given[@]}" -s single -o plan.json >/dev/null
"$GEN" make -q "${given[@]}" -s "$split" -o many >/dev/null
"$GEN" make -q "${given[@]}" -s single -o one >/dev/null
"$GEN" build -q many
"$GEN" build -q one
"$GEN" weights -q many --from model

# --- the commands ---------------------------------------------------------------------------------------------------
failed=0
many=$inputs/many/build/program
one=$inputs/one/build/program

drive() { # drive OPTIONS NAME COMMAND...
    "$DRIVE" "${policy[@]}" -l "$LIBRARY" -f "$inputs" -g "$GEN" "$@" || failed=1
}

run() {
    case $1 in
    plan) drive "$1" "$GEN" plan "${given[@]}" -s "$split" -o p.json ;;
    check) drive "$1" "$GEN" check plan.json ;;
    emit) drive "$1" "$GEN" emit plan.json -o deep/out ;;
    emit-over) drive "$1" "$GEN" emit plan.json -o many ;;
    make) drive "$1" "$GEN" make "${given[@]}" -s "$split" -o out ;;
    make-bad-topology) drive -s 65 "$1" "$GEN" make -m model -t bad.yaml -s single -o out ;;
    make-no-model) drive -s 66 "$1" "$GEN" make -m nowhere -t topology.yaml -o out ;;
    show) drive "$1" "$GEN" show plan.json ;;
    show-json) drive "$1" "$GEN" show plan.json --format json ;;
    weights) drive "$1" "$GEN" weights one --from model ;;
    weights-cut) drive -s 65 "$1" "$GEN" weights one --from cut ;;
    run) drive -p "$many" "$1" "$GEN" run many --tokens tokens.json --max-new-tokens 3 --logits l.npy -q ;;
    threads) drive -p "$one" "$1" "$GEN" run one --tokens tokens.json --transport threads --logits l.npy -q ;;
    verify) drive -p "$many" "$1" "$GEN" verify many ;;
    info) drive -p "$many" "$1" "$many" info ;;
    bench) drive -t -p "$many" "$1" "$many" bench --steps 2 --repeat 1 --out o --json ;;
    bench-threads) drive -t -p "$many" "$1" "$many" bench --steps 2 --repeat 1 --out o --transport threads ;;
    measure) drive -t -p "$many" "$1" "$many" measure --steps 2 --out o --transport threads ;;
    # the time line of a failed run is written too
    trace) drive -t -a t.json -p "$many" "$1" "$many" bench --steps 2 --repeat 1 --trace t.json ;;
    # a rank started by another launcher
    seat) RANK=0 WORLD_SIZE=1 drive -t -p "$one" "$1" "$one" bench --steps 2 --repeat 1 --out o ;;
    *)
        echo "run.sh: there is no command '$1'" >&2
        exit 2
        ;;
    esac
}

began=$SECONDS
for name in "${names[@]}"; do
    run "$name"
done
echo "$((SECONDS - began)) s"
exit "$failed"
