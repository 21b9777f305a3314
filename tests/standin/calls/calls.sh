#!/usr/bin/env bash
# A program for GPUs over the stand-ins (tests/standin), over both transports: what its ranks called is what its schedule
# says, and a log in which one thing is changed is refused.
# usage: calls.sh NAME STRATEGY
#   GEN: the gen under test; OUT: a folder; STANDIN: the stand-ins; LIBRARY: the runtime built for them
set -euo pipefail
name=$1 strategy=$2
: "${GEN:?name the gen under test}" "${OUT:?name a folder}" "${STANDIN:?name the stand-ins}" "${LIBRARY:?name the runtime}"
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
dir=$OUT/$name
export STANDIN_ARCH=80 SHIM_CACHE=$OUT/modules MASTER_ADDR=127.0.0.1 PYTHONDONTWRITEBYTECODE=1
rm -rf "$dir" "$dir".*
mkdir -p "$OUT"

"$GEN" make -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" -w "$root/tests/golden/f32.yaml" \
    -s "$strategy" -o "$dir" --target cuda --kernels aot --arch sm_80 >"$dir.make"
cmake -S "$dir" -B "$dir/build" -G Ninja -DRT_DIR="$root/runtime" -DRT_LIBRARY="$LIBRARY" -DCUDA_ROOT="$STANDIN" \
    ${LAUNCHER:+"$LAUNCHER"} >"$dir.built"
ninja -C "$dir/build" >>"$dir.built" || { cat "$dir.built"; exit 1; }
python3 "$here/tokens.py" "$dir.rta" 12 24 4 512

same() { # transport
    python3 "$here/check_calls.py" "$dir" --log "$dir.$1/calls" --transport "$1" --functions "$root/lua/emit/cuda.lua"
    "$GEN" check "$dir" --record "$dir.$1/record" >"$dir.$1/check" || { cat "$dir.$1/check"; exit 1; }
    python3 "$here/mutate_calls.py" "$dir" --log "$dir.$1/calls" --transport "$1" --functions "$root/lua/emit/cuda.lua" \
        --work "$dir.$1/mutants"
}

run() { # transport
    STANDIN_LOG=$dir.$1/calls "$dir/build/program" run --tokens "$dir.rta" --transport "$1" --record "$dir.$1/record" -q
}

mkdir "$dir.loopback" "$dir.nccl"
run loopback >"$dir.loopback/tokens"
same loopback

world=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["world"])' "$dir/schedule.json")
MASTER_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export MASTER_PORT WORLD_SIZE=$world LOCAL_WORLD_SIZE=$world
ranks=()
for ((r = 1; r < world; r++)); do
    RANK=$r LOCAL_RANK=$r run nccl >"$dir.nccl/told.$r" 2>&1 &
    ranks+=($!)
done
RANK=0 LOCAL_RANK=0 run nccl >"$dir.nccl/tokens"
for pid in "${ranks[@]}"; do wait "$pid"; done
diff "$dir.loopback/tokens" "$dir.nccl/tokens"
same nccl
