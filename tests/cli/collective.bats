#!/usr/bin/env bats
# docs/writing-a-collective.md: its file, put together from its pieces, its commands, and the mistakes it shows.

load common

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    local page=$BATS_TEST_DIRNAME/../../docs/writing-a-collective.md
    awk '/^```/ { on = $0 == "```lua"; next } on' "$page" >tree.lua
    awk '/^```/ { on = $0 == "```sh"; next } on' "$page" >commands.sh
    awk '/^```/ { on = !on } !on && sub(/^    /, "")' "$page" >shown.txt
}

prepare() { # a folder as the page has it: the file, models and topologies, gen on the path
    cp "$BATS_FILE_TMPDIR"/{tree.lua,commands.sh,shown.txt} .
    ln -s "$root/models" models
    ln -s "$root/topologies" topologies
    mkdir bin
    ln -s "$GEN" bin/gen
    export PATH=$PWD/bin:$PATH
}

@test "the collective of the page is planned, proved, shown, and its program verified" {
    prepare
    [ "$(grep -c '^gen ' commands.sh)" -eq 5 ]
    run_split bash -eu commands.sh
    expect 0
    [[ "$output" == *"6 ranks = 1 copy of 6 with attention and experts; 1 request group of 6"* ]]
    [[ "$output" == *"from rank 5"* ]]
    [[ "$output" == *verified* ]]
    jq -e '[.steps[].moves[] | select(.kind == "attention_output") | .algorithm == "tree" and (.stages | length) == 6] | all' plan.json
    jq -e '[.steps[].moves[].stages[].primitive] | unique == ["all_gather", "transfers"]' plan.json
}

refused() { # the collective with a change, as SED: its proof says what the page says
    mkdir -p mine/lua/collectives
    sed "$1" tree.lua >mine/lua/collectives/tree.lua
    if cmp -s tree.lua mine/lua/collectives/tree.lua; then return 1; fi
    run_split gen plan --share mine "${small[@]}" --batch 4 --prefill 16 --context 32 --dtype f32 \
        -s tp:tp=6,output=tree -o plan.json
    expect 0
    run_split gen check plan.json
    expect 1
    grep "$2" shown.txt >line.txt
    [ "$(wc -l <line.txt)" -eq 1 ]
    [[ "$errors" == *"$(cat line.txt)"* ]]
}

@test "the mistakes of the page are refused in its words" {
    prepare
    wrong=$(grep '^for ' shown.txt)
    refused "s/for i = .* do/${wrong//\*/\\*}/" "lacks the part"
    refused "s/transfers.copy/transfers.sum/" "twice"
}

@test "a collective that is nowhere is named, with those that are there and where others may be" {
    prepare
    mkdir mine
    run_split gen plan --share mine "${small[@]}" "${workload[@]}" -s tp:tp=6,output=tree -o plan.json
    expect 2
    [[ "$errors" == *"output cannot be 'tree'"* ]]
    [[ "$errors" == *"or the name of a file in lua/collectives under --share"* ]]
    [ ! -e plan.json ]
}
