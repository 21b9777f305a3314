#!/usr/bin/env bash
# prepare.sh and run.sh, with a few cases, over the stand-ins for CUDA's libraries; then that run.sh says so where there is no
# GPU, and fails where a result differs.
# usage: standin.sh   GEN, EXPECT: as of prepare.sh; STANDIN: the stand-ins; OUT: a folder
set -euo pipefail
: "${GEN:?name the gen}" "${EXPECT:?name the tool of expectations}" "${STANDIN:?name the stand-ins}" "${OUT:?name a folder}"
here=$(cd "$(dirname "$0")" && pwd)
folder=$OUT/gpu
rm -rf "$folder"
export STANDIN_ARCH=80 RT_CUDA_CACHE=$OUT/gpu-cache
ARCH=sm_80 "$here/prepare.sh" "$folder" '^golden-a-f32-|^tp3-ring-bf16-aot'
"$folder/run.sh" --cuda-root "$STANDIN" | tee "$OUT/gpu.txt"
# One rank made ahead and by NVRTC, and in bfloat16, over two transports; three ranks over one; what compute-sanitizer would look at.
tail -n 1 "$OUT/gpu.txt" | grep -q '^7 passed, 0 failed'
STANDIN_DEVICES=0 "$folder/run.sh" --cuda-root "$STANDIN" | grep '^skipped: no GPU can be used here'
sed -i 's/ golden-a-f32.rta -$/ tp3-ring-bf16.rta -/' "$folder/cases.txt"
if "$folder/run.sh" --cuda-root "$STANDIN" --only aot >"$OUT/gpu-wrong.txt"; then
    echo 'expectations of another program pass'
    exit 1
fi
tail -n 1 "$OUT/gpu-wrong.txt" | grep '2 failed'
