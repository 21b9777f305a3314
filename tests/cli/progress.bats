#!/usr/bin/env bats
# Progress: one line that is written over, on a terminal only. `script` gives the command a terminal.

load common

# on_terminal COMMAND...: what a terminal is sent, in $sent; control characters as ^M and ^[.
on_terminal() {
    script -qec true /dev/null >/dev/null 2>&1 || skip "this machine gives no terminal"
    status=0
    TERM=xterm script -qec "$(printf '%q ' "$@")" sent.txt >/dev/null || status=$?
    sent=$(sed '1d;$d' sent.txt | cat -v)
}

program() {
    "$GEN" init project -q >/dev/null
    "$GEN" make -m project/model.yaml -t project/topology.yaml -w project/workload.yaml \
        -s ma-separation -o prog -q >/dev/null
}

erased='^M^[[K'

# What is left on the screen: of each line, what stands after the last erasure, without the carriage returns.
screen() {
    sed 's/.*\^M\^\[\[K//; s/\^M$//' <<<"$sent"
}

@test "a terminal gets a line that is written over, and a pipe none" {
    program
    on_terminal "$GEN" verify prog
    [ "$status" -eq 0 ]
    [[ "$sent" == *"${erased}gen: building prog: configuring$erased"* ]]
    [[ "$sent" == *"${erased}gen: building prog: "*/*"$erased"* ]]
    [[ "$sent" == *"${erased}gen: computing the reference: "*" of "*" tokens$erased"* ]]
    [[ "$sent" == *"${erased}first-ma-separation: drawing weights: tensor 1 of "* ]]
    screen >left.txt
    ! grep -q 'configuring\|tokens$\|drawing' left.txt || return 1
    grep -qx 'gen: computing the reference in double precision' left.txt
    grep -q '^first-ma-separation: verified' left.txt

    rm -r prog/build
    run_split "$GEN" verify prog
    expect 0
    [[ "$errors$output" != *$'\r'* && "$errors$output" != *$'\033'* ]]
    [[ "$errors" != *configuring* && "$errors" != *drawing* ]]

    # The same, quietly and in detail, now that it is built.
    on_terminal "$GEN" verify prog -q
    [ "$status" -eq 0 ]
    [[ "$sent" != *'^['* && "$sent" != *reference* ]]
    on_terminal "$GEN" verify prog -v
    [[ "$(screen)" == *"gen: weights: random by counter"* ]]
    [[ "$sent" == *"drawing weights"* ]]

    # No colour is ever in it; a terminal that cannot write over a line gets none.
    [[ "$sent" != *m"gen: computing"* && "$sent" != *'^[[0'* && "$sent" != *'^[[1'* ]]
    TERM=dumb script -qec "$(printf '%q ' "$GEN" verify prog)" sent.txt >/dev/null
    [ "$(grep -c $'\033' sent.txt)" = 0 ]
}

@test "an error stands alone on its line" {
    program
    mkdir -p bin
    printf '#!/bin/sh\nsleep 0.4\necho "it cannot be"\nexit 1\n' >bin/cmake
    chmod +x bin/cmake
    PATH=$PWD/bin:$PATH on_terminal "$GEN" build prog
    [ "$status" -eq 70 ]
    [[ "$sent" == *"gen: building prog: configuring"* ]]
    screen | grep -qx 'it cannot be'
    screen | grep -q '^gen: error\[E0712\]: building prog failed in: cmake'
}

@test "colour of diagnostics follows NO_COLOR" {
    on_terminal "$GEN" mkae
    [[ "$sent" == *"gen: error[E0910]"* ]]
    unset NO_COLOR
    on_terminal "$GEN" mkae
    [[ "$sent" == *'^[[1;31merror'* ]]
}
