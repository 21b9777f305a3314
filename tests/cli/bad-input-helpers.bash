#!/usr/bin/env bash
# What the cases of bad-input/ are written with: runs the file named first, in the current folder.
# shellcheck disable=SC1090,SC2154 # the case; GEN, root and SHARED come from bad-input.sh
set -euo pipefail

gen() {
    "$GEN" "$@"
}

# edit FILE SED: change a file in place; a change that changes nothing is a mistake of the case.
edit() {
    sed -i.before "$2" "$1"
    if cmp -s "$1" "$1.before"; then exit 1; fi
    rm "$1.before"
}

# edit_json FILE FILTER: the same by jq.
edit_json() {
    jq "$2" "$1" >"$1.after"
    if cmp -s <(jq . "$1") "$1.after"; then exit 1; fi
    mv "$1.after" "$1"
}

# digest FILE KEY...: write the digests of the inputs (model, workload) as they stand in a plan, as gen tells them
digest() {
    local key told
    for key in "${@:2}"; do
        told=$(gen check "$1" 2>&1 | sed -n "s/.*${key}_digest is .*but the input has //p") || true
        edit_json "$1" ".inputs.${key}_digest = \"$told\""
    done
}

# plan [STRATEGY]: a good plan.json on two attention and two expert ranks
plan() {
    gen plan -q -m model.yaml -t topology.yaml --batch 4 --prefill 8 --context 16 --dtype f32 \
        -s "${1:-ma-separation:attention=2,experts=2,groups=1}" -o plan.json >/dev/null
}

# program [STRATEGY]: a built program prog/ of mixtral-tiny, made once for all cases. On one rank unless told, so
# that no other can be the first to fail.
program() {
    local strategy=${1:-single} made
    made=$SHARED/${strategy//[^a-z]/-}
    if [[ ! -d $made ]]; then
        gen make -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" \
            -s "$strategy" -o "$made" --batch 2 --prefill 8 --context 12 --dtype f32 >/dev/null
        gen build -q "$made"
    fi
    cp -a "$made" prog
    echo '[[1, 2, 3], [4, 5]]' >tokens.json
}

# checkpoint [PYTHON]: checkpoint/model.safetensors, with its header (a dict `header`) and bytes `data` changed
checkpoint() {
    mkdir checkpoint
    cp "$root/tests/data/mixtral-tiny/model.safetensors" checkpoint/
    (($# == 0)) || /usr/bin/python3 - "$1" <<'PY'
import json
import struct
import sys

path = "checkpoint/model.safetensors"
raw = open(path, "rb").read()
size = struct.unpack("<Q", raw[:8])[0]
scope = {"header": json.loads(raw[8 : 8 + size]), "data": raw[8 + size :]}
exec(sys.argv[1], scope)
text = json.dumps(scope["header"]).encode()
open(path, "wb").write(struct.pack("<Q", len(text)) + text + scope["data"])
PY
}

# mount_full DIR [ro]: an almost full disk there, or a read-only one; or leave with the status that says that no
# mount is permitted
mount_full() {
    mkdir "$1"
    mount -t tmpfs -o size=8k tmpfs "$1" 2>/dev/null || exit 77
    dd if=/dev/zero of="$1/filler" bs=4096 count=1 status=none
    [[ "${2:-}" != ro ]] || mount -o remount,ro "$1"
}

source "$1"
