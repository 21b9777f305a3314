#!/usr/bin/env bash
# mixtral-tiny with 16-bit elements over attention and expert ranks: gen verify passes.
# usage: typed.sh DTYPE
set -euo pipefail
# shellcheck source=tests/numeric/common.sh
source "$(dirname "$0")/common.sh"
dir=$OUT/typed-$1
"$GEN" make -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" -o "$dir" \
    -s ma-separation:attention=6,groups=2,experts=2 --batch 6 --prefill 24 --context 40 --dtype "$1"
"$GEN" weights "$dir" --from "$root/tests/data/mixtral-tiny"
"$GEN" verify "$dir" --transport "$TRANSPORT"
