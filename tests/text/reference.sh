#!/usr/bin/env bash
# Runs reference.py with the Python of scripts/python-packages.sh; 77 where it is not there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${TOPOSMITH_PYTHON:-$here/../../build/python/bin/python}
if ! "$python" -c 'import tokenizers' 2>/dev/null; then
    echo "skipped: the package tokenizers is not there; scripts/python-packages.sh installs it from PyPI"
    exit 77
fi
exec "$python" "$here/reference.py" "$1" "$2/tokenizers" "${@:3}"
