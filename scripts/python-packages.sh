#!/usr/bin/env bash
# Installs from PyPI into build/python what tests and benchmarks compare with, and nothing else needs. Where PyPI cannot
# be reached it says so and ends well: the tests that want the packages are skipped with a notice.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=(tokenizers==0.23.3)

python=build/python/bin/python
if [[ ! -x $python ]] && ! { python3 -m venv build/python || python3 -m venv --without-pip build/python; }; then
    echo "python: no virtual environment can be made; comparisons with packages of PyPI are skipped"
    exit 0
fi
if "$python" -m pip install -q --disable-pip-version-check "${packages[@]}"; then
    echo "python: ${packages[*]} in build/python"
else
    echo "python: PyPI cannot be reached; comparisons with ${packages[*]} are skipped"
fi
