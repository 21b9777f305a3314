#!/usr/bin/env bats
# The commonest mistakes in inputs: place, cause and cure, to the letter.

load common

plan() { # plan MODEL TOPOLOGY ARGUMENT...
    local model=$1 topology=$2
    shift 2
    run_split "$GEN" plan -m "$model" -t "$topology" -o plan.json "$@"
}

@test "a missing file" {
    plan nowhere.yaml "$root/topologies/one-host.yaml"
    expect 66
    [ "${errors%%$'\n'*}" = "nowhere.yaml: error[E0901]: there is no such file" ]
    [ ! -e plan.json ]
}

@test "a bandwidth without its unit" {
    sed 's/nic_bandwidth: 200 Gb\/s/nic_bandwidth: 200/' "$root/topologies/a100-4x4.yaml" >t.yaml
    plan "$root/models/ma-small.yaml" t.yaml
    expect 65
    [[ "$errors" == t.yaml:*": error[E0312]: nic_bandwidth needs a unit"* ]]
    [[ "$errors" == *"^^^"* ]]
    [[ "$errors" == *"  help: "*"Gb/s"* ]]
}

@test "a misspelt key names the nearest" {
    sed 's/^layers: 4/layes: 4/' "$root/models/ma-small.yaml" >m.yaml
    plan m.yaml "$root/topologies/one-host.yaml"
    expect 65
    [[ "$errors" == *"error[E0107]: unknown key \`layes\`"* ]]
    [[ "$errors" == *"layers"* ]]
}

@test "no NIC between nodes" {
    sed '/nics: 1/d; /nic_bandwidth/d' "$root/topologies/a100-4x4.yaml" >t.yaml
    plan "$root/models/ma-small.yaml" t.yaml
    expect 65
    [[ "$errors" == *"nics"* ]]
}

@test "all mistakes of a file are told at once" {
    sed 's/^layers: 4/layers: four/; s/^hidden: 256/hidden: -1/' "$root/models/ma-small.yaml" >m.yaml
    plan m.yaml "$root/topologies/one-host.yaml"
    expect 65
    [ "$(grep -c 'error\[' stderr.txt)" -ge 2 ]
}

@test "a workload flag of the wrong type is a usage error" {
    plan "$root/models/ma-small.yaml" "$root/topologies/one-host.yaml" --dtype f33
    expect 2
    [[ "$errors" == "--dtype: error["* ]]
}

@test "a context beyond the model's positions" {
    plan "$root/models/ma-small.yaml" "$root/topologies/one-host.yaml" --context 4096
    expect 65
    [ "$errors" = "gen: error[E0402]: context 4096 is over the 2048 positions of model ma-small
  help: make context smaller" ]
}

@test "an unknown strategy lists those there are" {
    plan "$root/models/ma-small.yaml" "$root/topologies/one-host.yaml" -s separation
    expect 2
    [[ "$errors" == "gen: error[E0464]: there is no strategy 'separation'"* ]]
    [[ "$errors" == *"auto, ep, ma-separation, pp, single, tp-pp, tp"* ]]
}

@test "an unknown option of a strategy" {
    plan "$root/models/ma-small.yaml" "$root/topologies/one-host.yaml" -s ma-separation:atention=3
    expect 2
    [[ "$errors" == *"error[E0465]: strategy ma-separation has no option 'atention'"* ]]
    [[ "$errors" == *"attention"* ]]
}

@test "an alias that the strategy cannot use is refused by name" {
    plan "$root/models/ma-small.yaml" "$root/topologies/one-host.yaml" \
        --tensor-parallel-size 4
    expect 2
    [[ "$errors" == *"error[E0465]: strategy single has no option 'tp'"* ]]
}

@test "an alias that the strategy takes" {
    plan "$root/models/ma-small.yaml" "$root/topologies/a100-4x4.yaml" \
        -s ma-separation:attention=4,experts=4 --data-parallel-size 2
    expect 0
    [[ "$output" == *"16 ranks = 2 copies of 4 attention + 4 expert"* ]]
}

@test "an alias and the same option of the strategy" {
    plan "$root/models/ma-small.yaml" "$root/topologies/a100-4x4.yaml" \
        -s ma-separation:dp=2 --data-parallel-size 2
    expect 2
    [[ "$errors" == "--data-parallel-size: error[E0915]: the strategy has dp= already"* ]]
}

@test "a plan of another version" {
    echo '{"schema_version": 99}' >plan.json
    run_split "$GEN" check plan.json
    expect 65
    [[ "$errors" == *"error[E0501]"* ]]
}

@test "a directory that is no program" {
    mkdir empty
    run_split "$GEN" build empty
    expect 66
    [ "${errors%%$'\n'*}" = "gen: error[E0714]: empty is no emitted program: it has no plan.json and CMakeLists.txt" ]
}

@test "every code that gen prints is explained" {
    for code in $(grep -rhoE '"E0[0-9]{3}"' "$root/gen" | tr -d '"' | sort -u); do
        "$GEN" explain "$code" >explained.txt || {
            echo "$code has no explanation"
            return 1
        }
        grep -qE '^  (wrong|right|look):' explained.txt || {
            echo "$code has neither example nor place to look"
            return 1
        }
    done
}
