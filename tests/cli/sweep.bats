#!/usr/bin/env bats
# gen sweep: the table, the map, the files, and points that have no answer.

load common

sweep() {
    run_split "$GEN" sweep "${small[@]}" "${workload[@]}" "$@"
}

@test "a sweep prints every point, the best of each, the map and where it changes" {
    sweep -s ep,tp:tp=4,dp=4 --vary batch=4,32,256
    expect 0
    [ "$(grep -c '^[0-9]* *\(ep\|tp:tp=4,dp=4\) ' <<<"$output")" -eq 6 ]
    [ "$(grep -c ' best by ' <<<"$output")" -eq 2 ]
    grep -q '^4 .* ep .*declined: 16 request groups share 4 requests' <<<"$output"
    grep -q '^4 .* tp:tp=4,dp=4 .* best$' <<<"$output"
    grep -q '^  changes between batch 4 and 32: tp:tp=4,dp=4 to ep$' <<<"$output"
    grep -qx '  A  ep' <<<"$output"
    grep -qx '  B  tp:tp=4,dp=4' <<<"$output"
    [ "$errors" = "" ]
}

@test "the best has the least expected time, or most of a rate" {
    sweep -s ep,tp:tp=4,dp=4,ma-separation --vary batch=32,256 --vary nics=1,4 --json
    expect 0
    jq -e '.cells | length == 4' stdout.txt
    jq -e '[.cells[] | (.strategies | map(.figures.tpot.expected)) as $t |
        .strategies[.best].figures.tpot.expected == ($t | min)] | all' stdout.txt
    jq -e '[.cells[].strategies[].figures[] | .low <= .expected and .expected <= .high] | all' stdout.txt
    jq -e '[.cells[] | .at] == [["32","1"],["32","4"],["256","1"],["256","4"]]' stdout.txt
    sweep -s ep,tp:tp=4,dp=4,ma-separation --vary batch=32,256 --by throughput --json
    expect 0
    jq -e '.by == "throughput" and ([.cells[] | (.strategies | map(.figures.throughput.expected)) as $t |
        .strategies[.best].figures.throughput.expected == ($t | max)] | all)' stdout.txt
}

@test "options of a strategy vary for those that have them" {
    sweep -s ma-separation,ep --vary attention=8,12 --json
    expect 0
    jq -e '[.cells[].strategies[0].strategy] == ["ma-separation:attention=8", "ma-separation:attention=12"]' stdout.txt
    jq -e '[.cells[].strategies[1].strategy] == ["ep", "ep"]' stdout.txt
    jq -e '[.cells[].strategies[1].figures] | .[0] == .[1]' stdout.txt
}

@test "gpus vary the nodes, or cut one" {
    sweep -s ep --vary gpus=2,4,8,32,6 --json
    expect 0
    jq -e '[.cells[].strategies[0].gpus] == [2, 4, 8, 32, 0]' stdout.txt
    jq -e '.cells[4].strategies[0] | .word == "topology" and .figures == null and
        .reason == "6 GPUs are no whole number of nodes of 4"' stdout.txt
}

@test "a point without an answer says why in a word, and is no error" {
    sweep -s single --vary gpus=1 --vary batch=8,2000000
    expect 0
    grep -q '^1 .*8 .*single .* [mu]s ' <<<"$output"
    grep -q '^1 .*2000000 .*single .*memory: rank 0 needs ' <<<"$output"
}

@test "no answer at all is a negative answer" {
    sweep -s tp:tp=64 --vary batch=8,16
    expect 1
    [ "$(grep -c ' declined: 64 ranks a copy do not fit' <<<"$output")" -eq 2 ]
    [ "$errors" = "" ]
}

@test "the table is written as CSV, the map as SVG and both as a page" {
    sweep -s ep,tp:tp=4,dp=4 --vary batch=32,256 --vary nics=1,4 -o map.csv
    expect 0
    [[ "$output" == *"wrote map.csv" ]]
    python3 - <<'PY'
import csv, json, subprocess
rows = list(csv.DictReader(open("map.csv", newline="")))
assert len(rows) == 8 and [r["batch"] for r in rows[:4]] == ["32"] * 4
assert sum(int(r["best"]) for r in rows) == 4
assert all(float(r["tpot_low"]) <= float(r["tpot"]) <= float(r["tpot_high"]) for r in rows)
PY
    sweep -s ep,tp:tp=4,dp=4 --vary batch=32,256 --vary nics=1,4 -o map.svg
    expect 0
    python3 -c 'import xml.dom.minidom as x; d = x.parse("map.svg"); assert len(d.getElementsByTagName("rect")) == 4 + 2'
    sweep -s ep,tp:tp=4,dp=4 --vary batch=32,256 --vary nics=1,4 -o map.html
    expect 0
    grep -q "default-src 'none'" map.html
    if grep -Eq '(src|href)="?(https?:)?//' map.html; then return 1; fi
}

@test "names of files cannot leave their place in a page" {
    name='<img src=x onerror=alert(1)>&"'
    cp "$root/lua/strategies/single.lua" "$name.lua"
    sweep -s "./$name.lua" --vary batch=2,4 -o map.html
    expect 0
    if grep -q '<img' map.html; then return 1; fi
    grep -q '&lt;img src=x onerror=alert(1)&gt;&amp;&quot;' map.html
    sweep -s "./$name.lua" --vary batch=2,4 -o map.svg
    expect 0
    python3 -c 'import xml.dom.minidom as x; x.parse("map.svg")'
}

@test "auto is a strategy like others, and never worse than those it tries" {
    sweep -s auto:for=decode,ep,tp:tp=4,dp=4 --vary batch=64 --json
    expect 0
    jq -e '.cells[0].strategies | .[0].figures.tpot.expected <= (.[1:] | map(.figures.tpot.expected) | min)' stdout.txt
    jq -e '.cells[0].strategies[0].decision != ""' stdout.txt
}

@test "costs are those of the model that is named" {
    sweep -s ep --vary batch=32
    expect 0
    [[ "$output" == "ma-small on a100-4x4, costs roofline"* ]]
    before=$output
    sweep -s ep --vary batch=32 --cost linear
    expect 0
    [[ "$output" == "ma-small on a100-4x4, costs linear"* ]]
    [ "$(grep ' ms ' <<<"$output")" != "$(grep ' us ' <<<"$before")" ]
}

@test "a file that cannot be written is said" {
    sweep -s ep --vary batch=32 -o none/map.csv
    expect 73
    [ ! -e none ]
}
