#!/usr/bin/env bats
# Verbs, help, usage errors and their exit codes, to the letter.

load common

@test "no verb is a usage error" {
    run_split "$GEN"
    expect 2
    [ "$output" = "" ]
    [ "$errors" = "gen: error[E0914]: a verb is required
  help: see: gen --help" ]
}

@test "an unknown verb names the nearest" {
    run_split "$GEN" mkae
    expect 2
    [ "$errors" = "gen: error[E0910]: unknown verb 'mkae'
  help: did you mean gen make?" ]
}

@test "an unknown option names the nearest" {
    run_split "$GEN" make --modle x
    expect 2
    [ "$errors" = "gen: error[E0911]: unknown option --modle
  help: did you mean --model?" ]
}

@test "an option of another verb is said to be one" {
    run_split "$GEN" doctor --model x
    expect 2
    [ "$errors" = "gen: error[E0916]: this verb does not take --model
  help: see: gen doctor --help" ]
}

@test "abbreviated options are refused" {
    run_split "$GEN" make --mod x
    expect 2
    [ "$errors" = "gen: error[E0911]: unknown option --mod
  help: see: gen make --help" ]
}

@test "an unknown letter is refused" {
    run_split "$GEN" make -x
    expect 2
    [ "$errors" = "gen: error[E0911]: unknown option -x
  help: see: gen make --help" ]
}

@test "an option without its value" {
    run_split "$GEN" make -m
    expect 2
    [ "$errors" = "gen: error[E0912]: -m needs a value
  help: see: gen make --help" ]
}

@test "an option given twice" {
    run_split "$GEN" make -m a -m b
    expect 2
    [ "$errors" = "gen: error[E0915]: --model is given twice
  help: give it once" ]
}

@test "all that is missing is told at once" {
    run_split "$GEN" plan -m a
    expect 2
    [ "$(grep -c 'error\[E0914\]' stderr.txt)" = 2 ]
    grep -qF -- '-t FILE is required' stderr.txt
    grep -qF -- '-o PATH is required' stderr.txt
}

@test "one operand too many" {
    run_split "$GEN" check a b
    expect 2
    [ "$errors" = "gen: error[E0913]: 'b' is one argument too many
  help: see: gen check --help" ]
}

@test "a missing operand" {
    run_split "$GEN" check
    expect 2
    [ "${errors%%$'\n'*}" = "gen: error[E0914]: plan.json|DIR is required" ]
}

@test "a number out of range" {
    run_split "$GEN" run x --max-new-tokens many
    expect 2
    [ "$errors" = "--max-new-tokens: error[E0917]: 'many' is no number in range
  help: write a whole number from 1 to 16777216" ]
}

@test "every verb has help that names its options" {
    for verb in init make plan check emit build weights run verify bench show diff doctor explain; do
        run_split "$GEN" "$verb" --help
        expect 0
        [ "$errors" = "" ]
        [ "${output%% [*}" != "$output" ] || false
        grep -qF -- '--json' stdout.txt
        "$GEN" help "$verb" | cmp - stdout.txt
    done
}

@test "the version" {
    run_split "$GEN" --version
    expect 0
    [[ "$output" =~ ^gen\ \(Toposmith\)\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "no colour in a pipe" {
    unset NO_COLOR
    run_split "$GEN" mkae
    [[ "$errors" != *$'\033'* ]]
}

@test "doctor as JSON" {
    run_split "$GEN" doctor --json
    [ "$status" -eq 0 ] || [ "$status" -eq 69 ]
    jq -e '.findings | map(.name) | index("C compiler") != null and index("GPU") != null' stdout.txt
    [ "$(jq .ready stdout.txt)" = "$([ "$status" -eq 0 ] && echo true || echo false)" ]
}
