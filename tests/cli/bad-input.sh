#!/usr/bin/env bash
# The table of bad inputs: each folder of bad-input/ is a case. It runs in a scratch folder with a model and
# a topology, what it says on stderr and its exit status are compared to the letter, and the folder must be
# as it was before.
#
#   command    what is run; `gen` is the gen under test
#   prepare    optional: what makes the bad input, run before
#   expected   stderr, then the exit status; ROOT stands for the source tree, SCRATCH for the folder, DIGEST for
#              the digest of a program's plan, which changes with every line of a strategy
#   others     copied into the scratch folder
#
# usage: bad-input.sh check|update [NAME...]   (GEN: the gen under test)
set -euo pipefail
mode=${1:?check or update}
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${GEN:=$root/build/dev/gen}"
scratch=$(mktemp -d)
finish() {
    umount "$scratch/case/full" 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT
mkdir "$scratch/tmp" "$scratch/shared"
export GEN root NO_COLOR=1 LC_ALL=C.UTF-8 TMPDIR=$scratch/tmp SHARED=$scratch/shared
for name in RANK WORLD_SIZE LOCAL_WORLD_SIZE CC CFLAGS; do unset "$name"; done

# Everything that would show a change: types, modes, sizes and sums of all below the current folder.
tree() {
    find . -mindepth 1 -printf '%y %m %p %l\n' | sort
    find . -type f -not -name '*.sock' -print0 | sort -z | xargs -0r sha256sum
}

# run_case NAME: what was said and the status on stdout; what is wrong besides on fd 3
run_case() {
    local case=$here/bad-input/$1 dir=$scratch/case status=0
    umount "$dir/full" 2>/dev/null || true
    rm -rf "$dir"
    mkdir "$dir"
    cp "$root/models/ma-small.yaml" "$dir/model.yaml"
    cp "$root/topologies/a100-4x4.yaml" "$dir/topology.yaml"
    find "$case" -mindepth 1 -maxdepth 1 -not -name command -not -name prepare -not -name expected \
        -exec cp -r {} "$dir/" \;
    cd "$dir"
    [[ ! -f $case/prepare ]] ||
        "$here/bad-input-helpers.bash" "$case/prepare" >"$scratch/said" 2>&1 || status=$?
    if ((status == 77)); then
        skipped=$((skipped + 1))
        cat "$case/expected"
        return 0
    elif ((status)); then
        echo "prepare failed: $(<"$scratch/said")" >&3
        return 0
    fi
    tree >"$scratch/before"
    "$here/bad-input-helpers.bash" "$case/command" >"$scratch/out" 2>"$scratch/said" || status=$?
    tree >"$scratch/after"
    sed -E "s|$dir|SCRATCH|g; s|$scratch/tmp|TMPDIR|g; s|$root|ROOT|g;
        s/(belongs to plan |this program is )[0-9a-f]{16}/\1DIGEST/g" "$scratch/said"
    echo "exit status $status"
    diff "$scratch/before" "$scratch/after" >&3 || echo "the folder has changed" >&3
    if [[ -n $(ls -A "$scratch/tmp") ]]; then
        echo "temporary files are left: $(ls "$scratch/tmp")" >&3
        rm -rf "${scratch:?}/tmp"/*
    fi
    return 0
}

names=("$@")
if ((${#names[@]} == 0)); then
    for path in "$here"/bad-input/*/; do names+=("$(basename "$path")"); done
fi
passed=0
failed=0
skipped=0
for name in "${names[@]}"; do
    case=$here/bad-input/$name
    if [[ $mode == update ]]; then
        run_case "$name" 3>"$scratch/wrong" >"$scratch/result"
        cp "$scratch/result" "$case/expected"
    else
        run_case "$name" 3>"$scratch/wrong" >"$scratch/result"
        diff -u "$case/expected" "$scratch/result" >>"$scratch/wrong" 2>&1 || true
    fi
    if [[ -s $scratch/wrong ]]; then
        failed=$((failed + 1))
        printf 'not ok %s\n' "$name"
        sed 's/^/    /' "$scratch/wrong"
    else
        passed=$((passed + 1))
    fi
done
echo "$passed bad inputs passed, $failed failed"
((skipped == 0)) || echo "$skipped of them were skipped: no mount is permitted here"
((failed == 0))
