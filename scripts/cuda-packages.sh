#!/usr/bin/env bash
# Installs from PyPI into build/cuda the CUDA toolkit and NCCL that programs for GPUs are compiled and linked with in tests;
# build/cuda/cu13 and build/cuda/nccl lead to them. No GPU is needed. Where PyPI cannot be reached it says so and ends
# well: the tests that want the toolkit are skipped with a notice.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=(nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96
    nvidia-cuda-cccl==13.0.85 nvidia-cuda-nvrtc==13.0.88 nvidia-nccl-cu13==2.32.3 nvidia-nvtx==13.0.85
    nvidia-cublas==13.0.2.14)

python=build/cuda/bin/python
if [[ ! -x $python ]] && ! python3 -m venv build/cuda; then
    echo "cuda: no virtual environment can be made; tests with the CUDA toolkit are skipped"
    exit 0
fi
if ! "$python" -m pip install -q --no-deps --disable-pip-version-check "${packages[@]}"; then
    echo "cuda: PyPI cannot be reached; tests with the CUDA toolkit are skipped"
    exit 0
fi
for folder in cu13 nccl; do
    found=$(cd build/cuda && ls -d lib/python3*/site-packages/nvidia/"$folder")
    ln -sfn "$found" "build/cuda/$folder"
done
echo "cuda: $(build/cuda/cu13/bin/nvcc --version | sed -n 's/.*release \([^,]*\).*/toolkit \1/p') in build/cuda"
