#!/usr/bin/env bash
# Faults planted in random plans are found, shrunk to about the least that shows them, and reported so that they can be
# seen again. usage: planted.sh PROVE GEN FOLDER
set -euo pipefail
prove=$1
gen=$2
out=$3
rm -rf "$out"
mkdir -p "$out"

fail() {
    echo "planted: $*" >&2
    exit 1
}

# planted NAME KIND: a campaign with this fault fails, by a failure of this kind, which is shrunk; its folder is shown
planted() {
    local name=$1 kind=$2 status=0 folder
    "$prove" --plans 120 --runs 0 --plant "$name" --out "$out/$name" --shrink 150 --progress 0 \
        >"$out/$name.out" 2>"$out/$name.log" || status=$?
    ((status == 1)) || fail "$name: exit status $status"
    grep -q '^[0-9]* plans proved.* 0 runs equal, [1-9][0-9]* failed, [0-9]* seconds$' "$out/$name.out" ||
        fail "$name: no closing line"
    folder=$(grep -lx "$kind" "$out/$name"/*/message.txt | head -n 1)
    [[ -n $folder ]] || fail "$name: no failure of kind $kind"
    dirname "$folder"
}

# ranks FOLDER: of the shrunk plan
ranks() {
    jq '.ranks | length' "$1/plan.json"
}

folder=$(planted replica planted)
[[ $(ranks "$folder") == 3 ]] || fail "replica: $(ranks "$folder") ranks are left, 3 are enough"
[[ $(jq '[.stages[].experts[] | select(.replica > 0)] | length' "$folder/plan.json") == 1 ]] ||
    fail "replica: more than one is left"
"$gen" check "$folder/plan.json" >/dev/null || fail "replica: gen does not prove the plan"
"$prove" --choices "$folder/choices.txt" --plant replica --out "$out/again" >/dev/null &&
    fail "replica: its choices do not fail again"
cmp "$folder/plan.json" "$out/again/case/plan.json" || fail "replica: its choices make another plan"

folder=$(planted wait E0545)
(($(ranks "$folder") <= 2)) || fail "wait: $(ranks "$folder") ranks are left, 2 are enough"
grep -q 'order.race: rank .* uses .* while .* may still write' "$folder/message.txt" ||
    fail "wait: the message does not tell the race"

folder=$(planted crash "signal 6")
[[ $(jq '.stages | length' "$folder/plan.json") == 3 && $(ranks "$folder") == 3 ]] ||
    fail "crash: more than 3 stages of a rank are left"

"$prove" --plans 3 --runs 0 --jobs 1 --progress 0 --out "$out/none" >"$out/none.out" || fail "nothing planted fails"
[[ ! -e $out/none ]] || fail "a folder of failures without one"
cat "$out"/*.out
