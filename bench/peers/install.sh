#!/usr/bin/env bash
# Installs transformers and llama.cpp, which peers.py compares with, from PyPI into OUT/python and OUT/llama, and nothing
# else uses. 1.6 GB on disk. What cannot be had leaves its reason in OUT/transformers.why or OUT/llama.why: the row of it
# says so. llama.cpp is built from source, for the processor at hand: minutes.
set -euo pipefail
out=$(realpath "$1") here=$(cd "$(dirname "$0")" && pwd)
torch=2.15.0 transformers=5.23.0 llama=0.3.36
python=$out/python/bin/python
pip=("$python" -m pip install -q --disable-pip-version-check)

# Whether the tools of the rest are there, else why not.
why() {
    echo "$2" >"$out/$1.why"
    echo "peers: without $1: $2" >&2
    return 1
}

environment() {
    [[ -x $python ]] || python3 -m venv "$out/python" >"$out/venv.log" 2>&1 ||
        { rm -rf "$out/python" && why "$1" "no virtual environment of Python can be made (Debian: python3-venv)"; }
}

# torch of PyPI for Linux is linked with CUDA's libraries. Small ones are installed, the rest have stand-ins.
transformers() {
    environment transformers || return 0
    local packages=("torch==$torch")
    if [[ $(uname -m) == x86_64 ]]; then
        packages+=("nvidia-cuda-runtime==13.2.*" "nvidia-cuda-cupti==13.2.*" "nvidia-cufile==1.*")
    fi
    if ! { "${pip[@]}" --no-deps "${packages[@]}" && "${pip[@]}" "transformers==$transformers" numpy jinja2 sympy networkx; } \
        >"$out/transformers.log" 2>&1; then
        why transformers "PyPI's torch $torch and transformers $transformers cannot be installed" || return 0
    fi
    local lib
    lib=$(dirname "$(find "$out/python" -name libtorch_cpu.so | head -1)")
    python3 "$here/standins.py" "$lib" "$out/standins" >>"$out/transformers.log" 2>&1 &&
        LD_LIBRARY_PATH=$out/standins "$python" -c "from transformers import Qwen3MoeForCausalLM" >>"$out/transformers.log" 2>&1 ||
        why transformers "torch $torch cannot be loaded" || return 0
    rm -f "$out/transformers.why"
    touch "$out/transformers.done"
}

llama() {
    environment llama || return 0
    local source=$out/llama/llama_cpp_python-$llama
    rm -rf "$out/llama" && mkdir -p "$out/llama"
    if ! { "${pip[@]}" scikit-build-core numpy typing-extensions diskcache jinja2 &&
        "$python" -m pip download -q --disable-pip-version-check --no-deps --no-build-isolation --no-binary :all: \
            -d "$out/llama" "llama-cpp-python==$llama" && tar -xzf "$source.tar.gz" -C "$out/llama"; } >"$out/llama.log" 2>&1; then
        why llama "PyPI's llama-cpp-python $llama cannot be had" || return 0
    fi
    # The library alone, without the programs around it, which are half of the time.
    echo "peers: building llama.cpp of llama-cpp-python $llama" >&2
    if ! { cmake -S "$source/vendor/llama.cpp" -B "$out/llama/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DLLAMA_BUILD_COMMON=OFF -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=ON &&
        nice cmake --build "$out/llama/build" --target llama; } >>"$out/llama.log" 2>&1; then
        why llama "llama.cpp of llama-cpp-python $llama cannot be built" || return 0
    fi
    mkdir -p "$source/llama_cpp/lib"
    cp -P "$out/llama/build/bin/"*.so* "$source/llama_cpp/lib/"
    mv "$source/llama_cpp" "$out/llama/"
    rm -rf "$source" "$source.tar.gz" "$out/llama/build"
    if ! PYTHONPATH=$out/llama "$python" -c "import llama_cpp" >>"$out/llama.log" 2>&1; then
        why llama "llama-cpp-python $llama cannot be loaded" || return 0
    fi
    rm -f "$out/llama.why"
    touch "$out/llama.done"
}

[[ -f $out/transformers.done ]] || transformers
[[ -f $out/llama.done ]] || llama
