#!/usr/bin/env bats
# docs/writing-a-strategy.md: its file, put together from its pieces, and its commands.

load common

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    local page=$BATS_TEST_DIRNAME/../../docs/writing-a-strategy.md
    awk '/^```/ { on = $0 == "```lua"; next } on' "$page" >whole.lua
    awk '/^```/ { on = $0 == "```sh"; next } on' "$page" >commands.sh
}

prepare() { # a folder as the page has it: the file, models and topologies, gen on the path
    cp "$BATS_FILE_TMPDIR"/{whole.lua,commands.sh} .
    ln -s "$root/models" models
    ln -s "$root/topologies" topologies
    mkdir bin
    ln -s "$GEN" bin/gen
    export PATH=$PWD/bin:$PATH
}

@test "the strategy of the page is planned, proved, shown, and its program verified" {
    prepare
    [ "$(grep -c '^gen ' commands.sh)" -eq 5 ]
    run_split bash -eu commands.sh
    expect 0
    [[ "$output" == *"3 ranks = 1 copy of 3 with attention and experts; 1 request group of 3"* ]]
    [[ "$output" == *verified* ]]
    jq -e '.why[0] | .choice == "3 ranks" and .reason == "as asked for" and (.where | startswith("whole.lua:"))' plan.json
    jq -e '[.stages[0].experts[].columns == [0, 1024]] | all' plan.json
    jq -e '[.steps[].moves[].kind] | unique == ["attention_output", "ffn_output", "gather"]' plan.json
}

@test "it declines, and refuses what it does not declare, as the page says" {
    prepare
    given=("${small[@]}" "${workload[@]}" -o plan.json)
    run_split gen plan "${given[@]}" -s whole.lua:ranks=40
    expect 1
    [[ "$errors" == *"strategy whole.lua declines: 40 ranks on 16 GPUs"* ]]
    run_split gen plan "${given[@]}" -s whole.lua:rank=4
    expect 2
    [[ "$errors" == *"did you mean ranks? its options: ranks, output"* ]]
    run_split gen plan "${given[@]}" -s whole.lua:output=ring
    expect 2
    [[ "$errors" == *"use one of flat, hierarchical"* ]]
    [ ! -e plan.json ]
}
