#!/usr/bin/env bats
# gen show in its formats, and gen diff: what they write, exit statuses, and that other programs take it.

load common

small_plan() { # FILE [STRATEGY]
    "$GEN" plan -q "${small[@]}" --batch 16 --prefill 32 --context 64 --dtype f32 \
        -s "${2:-ma-separation:attention=12,experts=4,groups=1}" -o "$1" >/dev/null
}

# The same for two ranks of everything: what is stored in tests/data.
tiny_plan() {
    "$GEN" plan -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" --batch 4 --prefill 8 \
        --context 16 --dtype f32 -s ma-separation:attention=2,experts=2,groups=1 -o "$1"
}

@test "dot is a graph, and Graphviz draws it" {
    for strategy in single ma-separation:attention=12,experts=4,groups=6 ep tp-pp:tp=4,pp=2; do
        small_plan plan.json "$strategy"
        run_split "$GEN" show plan.json --format dot
        expect 0
        [[ "$output" == "digraph plan {"* ]]
        [ "$(tail -1 stdout.txt)" = "}" ]
        # Every rank stands in it once, in the box of its group.
        ranks=$(jq '.ranks | length' plan.json)
        [ "$(grep -oE '<tr><td align="left">[0-9]+</td>' stdout.txt | sort -u | wc -l)" = "$ranks" ]
        if command -v dot >/dev/null; then
            dot -Tplain stdout.txt >plain.txt 2>dot.txt
            [ ! -s dot.txt ]
            grep -q '^stop' plain.txt
        fi
    done
    command -v dot >/dev/null || skip "Graphviz is not there: not drawn"
}

@test "dot of a small plan, to the letter" {
    tiny_plan plan.json
    "$GEN" show plan.json --format dot --step prefill >plan.dot
    diff "$root/tests/data/show.dot" plan.dot
}

@test "a name in dot cannot end its quotes" {
    sed 's/^name: .*/name: "a\\"; x -> y; \\\\"/; s/  - name: a100/  - name: "n\\"<b>"/' \
        "$root/topologies/a100-4x4.yaml" >hostile.yaml
    "$GEN" plan -q -m "$root/models/ma-small.yaml" -t hostile.yaml --batch 16 --prefill 32 --context 64 -s ep -o plan.json
    run_split "$GEN" show plan.json --format dot
    expect 0
    grep -qF 'label="node 0: n\"<b>, 1 NIC"' stdout.txt
    if command -v dot >/dev/null; then dot -Tplain stdout.txt >/dev/null; fi
}

@test "more ranks than can be told are drawn as boxes of those alike" {
    sed 's/count: 4/count: 24/' "$root/topologies/a100-4x4.yaml" >many.yaml
    "$GEN" plan -q -m "$root/models/ma-small.yaml" -t many.yaml --batch 96 --prefill 32 --context 64 \
        -s tp:tp=4,dp=24 -o plan.json
    run_split "$GEN" show plan.json --format dot
    expect 0
    [ "$(grep -c '^    g[0-9]* \[' stdout.txt)" = 24 ]
    grep -qF '<tr><td>ranks 92-95</td></tr>' stdout.txt
}

check_trace() {
    /usr/bin/python3 "$BATS_TEST_DIRNAME/trace.py" "$@"
}

@test "a trace has every operation once, arrows between ranks, and memory" {
    for strategy in ma-separation:attention=12,experts=4,groups=6,microbatches=2 ep tp-pp:tp=4,pp=2 single; do
        small_plan plan.json "$strategy"
        run_split "$GEN" show plan.json --format trace
        expect 0
        run check_trace stdout.txt "$("$GEN" check plan.json --json | jq '[.ledger[].total] | max')"
        [ "$status" -eq 0 ] || { echo "$output"; false; }
        read -r ranks slices arrows levels <<<"$output"
        [ "$ranks" = "$(jq '.ranks | length' plan.json)" ]
        "$GEN" diff plan.json plan.json --json >diff.json || true
        [ "$slices" = "$(jq '[.figures[] | select(.what | endswith(": operations")).a.expected] | add' diff.json)" ]
        [ "$levels" -gt "$ranks" ]
        if [ "$ranks" = 1 ]; then [ "$arrows" = 0 ]; else [ "$arrows" -gt "$ranks" ]; fi
    done
}

@test "a trace of one step, and of one rank" {
    small_plan plan.json
    "$GEN" show plan.json --format trace >all.json
    "$GEN" show plan.json --format trace --step prefill >prefill.json
    "$GEN" show plan.json --format trace --step prefill --rank 13 >rank.json
    read -r _ all _ <<<"$(check_trace all.json)"
    read -r ranks prefill _ <<<"$(check_trace prefill.json)"
    [ "$ranks" = 16 ]
    [ "$prefill" -lt "$all" ]
    read -r ranks slices arrows _ <<<"$(check_trace rank.json)"
    [ "$ranks $arrows" = "1 0" ]
    [ "$slices" -lt "$prefill" ]
    # Each slice says what it does; the longest wait is no longer than the step.
    jq -e '[.traceEvents[] | select(.ph == "X")] |
        all(.args.does != "") and (map(.args.waited_us) | max) <= (map(.ts + .dur) | max)' prefill.json
    jq -e '[.traceEvents[] | select(.ph == "X" and .args.critical)] | length > 10' prefill.json
}

@test "simulate writes the same trace" {
    small_plan plan.json
    "$GEN" show plan.json --format trace -o shown.json
    run_split "$GEN" simulate plan.json --trace simulated.json
    expect 0
    cmp shown.json simulated.json
    run_split "$GEN" simulate plan.json --trace missing/simulated.json
    expect 73
}

@test "a plan that is refused has no time line" {
    small_plan one.json
    jq 'del(.stages[0].experts[0])' one.json >broken.json
    run_split "$GEN" show broken.json --format trace
    expect 1
    [ "$output" = "" ]
    grep -qF 'error[E0535]' stderr.txt
}

@test "output goes to a file, or nowhere when it cannot" {
    small_plan plan.json
    run_split "$GEN" show plan.json --format dot -o plan.dot
    expect 0
    [ "$output" = "" ]
    [ "$errors" = "gen: wrote plan.dot" ]
    "$GEN" show plan.json --format dot | cmp - plan.dot
    run_split "$GEN" show plan.json -o missing/plan.txt
    expect 73
    grep -qF 'error[E0904]' stderr.txt
}

@test "an unknown format, step, or an option that the format does not take" {
    small_plan plan.json
    run_split "$GEN" show plan.json --format dott
    expect 2
    [ "$errors" = "--format: error[E0918]: there is no format 'dott'
  help: did you mean dot?" ]
    run_split "$GEN" show plan.json --format dot --json
    expect 2
    [[ "$errors" == "--format: error[E0918]: --json is not dot"* ]]
    run_split "$GEN" show plan.json --format dot --step decod
    expect 2
    [ "$errors" = "--step: error[E0918]: the plan has no step 'decod'
  help: did you mean decode?" ]
    run_split "$GEN" show plan.json --step decode
    expect 2
    [[ "$errors" == "--step: error[E0916]: the format text does not take it"* ]]
    run_split "$GEN" show plan.json --format dot --rank 1
    expect 2
    [[ "$errors" == *"help: it goes with text, json and trace" ]]
}

@test "plans that decide the same are equal, whatever they are called" {
    small_plan one.json
    jq '.name = "other" | .strategy = "by-hand" | .why = []' one.json >two.json
    run_split "$GEN" diff one.json two.json
    expect 0
    [[ "$output" == *"both decide the same" ]]
    run_split "$GEN" diff one.json two.json --json
    expect 0
    jq -e '.equal and .decisions == [] and .inputs == []' stdout.txt
}

@test "plans that differ are told apart in words and numbers" {
    small_plan one.json
    small_plan two.json ma-separation:attention=12,experts=4,groups=6
    run_split "$GEN" diff one.json two.json
    expect 1
    [ "$errors" = "" ]
    [ "$(awk 'length > 100' stdout.txt)" = "" ]
    [[ "$output" == *"12 hold attention, 4 hold experts"* ]]
    [[ "$output" == *"decided differently"*"decode: gather"*"rank 0"*"what follows"*"TPOT, a decode step"* ]]
    run_split "$GEN" diff one.json two.json --json
    expect 1
    jq -e '.equal | not' stdout.txt
    jq -e '[.decisions[].what] | index("rank 0") and index("decode: order")' stdout.txt
    jq -e '.figures[] | select(.what == "TPOT, a decode step") | .a.low <= .a.expected and .b.expected > 0' stdout.txt
    # Bytes of a step are the sum of its moves.
    jq -e '[.figures[] | select(.what | startswith("decode: "))] |
        (map(select(.what == "decode: bytes moved")) | .[0].a.expected) as $all |
        (map(select(.unit == "bytes" and .what != "decode: bytes moved").a.expected) | add) == $all' stdout.txt
}

@test "inputs that differ are named, and a refused plan is compared without times" {
    small_plan one.json
    "$GEN" plan -q "${small[@]}" --batch 24 --prefill 32 --context 64 --dtype f32 \
        -s ma-separation:attention=12,experts=4,groups=1 -o two.json
    run_split "$GEN" diff one.json two.json
    expect 1
    [[ "$output" == *"workload.batch: 16 -> 24"* ]]
    jq 'del(.stages[0].experts[0])' one.json >broken.json
    run_split "$GEN" diff one.json broken.json
    expect 1
    [[ "$output" == *"refused by coverage.experts"*"not known"* ]]
}

@test "diff needs two plans, and reads both" {
    small_plan one.json
    run_split "$GEN" diff one.json
    expect 2
    [[ "$errors" == "gen: error[E0914]: a second plan.json|DIR is required"* ]]
    run_split "$GEN" diff one.json two.json
    expect 66
    run_split "$GEN" diff one.json one.json one.json
    expect 2
    "$GEN" emit -q one.json -o prog >/dev/null
    run_split "$GEN" diff one.json prog
    expect 0
}
