#!/usr/bin/env bash
# Draws random legal plans, proves them, and runs some of them on this machine against the program of one rank. Progress
# on stderr, one closing line of counts; fails if any plan failed, and leaves what it shrank to in failed-plans/ (--out).
# PRESET=dev takes that build instead of the release build.
#
# usage: scripts/prove.sh [--seed N] [--plans N] [--runs N] [further options of build/release/tests/prove/prove]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-packages.sh >&2
: "${PRESET:=release}"
cmake --preset "$PRESET" >/dev/null
cmake --build --preset "$PRESET" --target prove | tail -n 1 >&2
exec "build/$PRESET/tests/prove/prove" --out build/failed-plans "$@"
