#!/usr/bin/env bash
# Installs from Debian's packages what building and testing Toposmith needs and the machine lacks, and
# says what. CUDA is looked for and reported, never installed and never an error.
set -euo pipefail

build=(build-essential cmake ninja-build pkg-config libyaml-dev liblua5.4-dev libjansson-dev
    libexpat1-dev libpcre2-dev libopenblas-pthread-dev)
# clang and its runtime are for the fuzz targets: some 45 MB, most of them shared with clang-format
test=(libcmocka-dev bats clang clang-format gcovr libclang-rt-dev jq python3 python3-venv shellcheck git mandoc zsh graphviz)

wanted=("${build[@]}")
if [[ "${1:-}" == --test ]]; then
    wanted+=("${test[@]}")
fi

missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ "$state" == installed ]] || missing+=("$package")
done

if ((${#missing[@]} == 0)); then
    echo "packages: all there"
else
    echo "packages: installing ${missing[*]}"
    if ! command -v apt-get >/dev/null; then
        echo "packages: there is no apt-get here; install the above yourself and run again" >&2
        exit 69
    fi
    as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || {
            echo "packages: run this as root, or install sudo" >&2
            exit 69
        }
        as_root=(sudo)
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

if nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null); then
    echo "CUDA: $nvcc"
else
    echo "CUDA: not found; everything for the host target works without it"
fi
