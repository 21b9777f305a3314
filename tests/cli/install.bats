#!/usr/bin/env bats
# A stranger's path: what cmake --install puts under a prefix works after the prefix was moved, from a project
# begun in an empty folder to a verified program. One installation serves all tests; each has a moved copy.

load common

setup_file() {
    : "${GEN:=$BATS_TEST_DIRNAME/../../build/dev/gen}"
    cmake --install "$(dirname "$GEN")" --prefix "$BATS_FILE_TMPDIR/prefix" >/dev/null
}

# move_to FOLDER: the tree stands at FOLDER and nowhere else, and its gen is the one that runs.
move_to() {
    mkdir -p "$(dirname "$1")"
    cp -a "$BATS_FILE_TMPDIR/prefix" "$1"
    mv "$BATS_FILE_TMPDIR/prefix" "$BATS_FILE_TMPDIR/away"
    PATH=$1/bin:$PATH
}

teardown() {
    if [ -d "$BATS_FILE_TMPDIR/away" ]; then
        mv "$BATS_FILE_TMPDIR/away" "$BATS_FILE_TMPDIR/prefix"
    fi
}

# The commands that init prints are what is run, as they are printed.
stranger() {
    run_split gen init "$1"
    expect 0
    printf 'set -e\n%s\n' "$(sed -n 's/^  //p' stdout.txt)" >next.sh
    [ "$(grep -c '^gen ' next.sh)" = 3 ]
    run_split sh next.sh
    expect 0
    [[ "$output" == *"verified; logits differ by"* ]]
}

@test "install, move, init, make, build, verify" {
    move_to "$BATS_TEST_TMPDIR/moved"
    mkdir empty
    cd empty
    stranger first
    grep -qF "RT_DIR=$BATS_TEST_TMPDIR/moved/share/toposmith/runtime" first/out/build/configured.txt
    grep -qF "RT_LIBRARY=$BATS_TEST_TMPDIR/moved/lib/toposmith/librt_host.a" \
        first/out/build/configured.txt
    ! grep -rqF "$root" first --include=configured.txt --include=CMakeCache.txt || return 1
}

@test "the same under paths with blanks and letters beyond ASCII" {
    move_to "$BATS_TEST_TMPDIR/dé plàcé/tøpo smith"
    mkdir 'leerer Ordner ü'
    cd 'leerer Ordner ü'
    stranger "mein erstes Projekt ß, it's"
}

@test "an installed gen does not reach back to where it was built" {
    move_to "$BATS_TEST_TMPDIR/moved"
    gen init first -q
    cd first
    gen make -m model.yaml -t topology.yaml -w workload.yaml -o out -q
    rm -r "$BATS_TEST_TMPDIR/moved/share/toposmith/runtime"
    run_split gen build out -q
    expect 69
    [ "$errors" = "gen: error[E0713]: the runtime is not in ../share/toposmith/runtime, seen from gen
  help: name the folder that holds rt.h with --runtime" ]
}

@test "the runtime as a CMake package and by pkg-config" {
    [[ -z "${SANITIZE:-}" ]] || skip "a sanitized library links only with sanitized programs"
    move_to "$BATS_TEST_TMPDIR/a prefix"
    mkdir use
    cat >use/main.c <<'C'
#include "rt.h"
#include <stdio.h>
int main(int argc, char **argv) {
    static const rt_program none;
    return rt_main(&none, argc, argv) == 0; /* refused: it is no program */
}
C
    cat >use/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(use C)
find_package(Toposmith 0.1 REQUIRED)
add_executable(use main.c)
target_link_libraries(use PRIVATE Toposmith::rt_host)
CMAKE
    cmake -S use -B use/build "-DCMAKE_PREFIX_PATH=$BATS_TEST_TMPDIR/a prefix" >/dev/null
    cmake --build use/build >/dev/null
    ./use/build/use
    export PKG_CONFIG_PATH="$BATS_TEST_TMPDIR/a prefix/lib/pkgconfig"
    eval "cc use/main.c -o use/by-pkg-config $(pkg-config --cflags --libs toposmith)"
    ./use/by-pkg-config
}

@test "models, topologies, and the files to read and override are there" {
    share=$BATS_FILE_TMPDIR/prefix/share/toposmith
    for folder in models topologies lua templates; do
        diff -r "$root/$folder" "$share/$folder"
    done
}

@test "the man page has every verb and every option, and is well-formed" {
    page=$BATS_FILE_TMPDIR/prefix/share/man/man1/gen.1
    for verb in $("$GEN" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
        grep -qx ".Ss gen $verb" "$page"
        for option in $("$GEN" "$verb" --help | grep -o -- '--[a-z-]*' | sort -u); do
            sed 's/\\-/-/g' "$page" | grep -qF -- "Fl ${option#-}" || {
                echo "$verb $option"
                return 1
            }
        done
    done
    if command -v mandoc >/dev/null; then
        mandoc -T lint "$page"
    fi
    if command -v man >/dev/null; then
        [ "$(LC_ALL=C.UTF-8 man --warnings -l "$page" 2>&1 >/dev/null)" = "" ]
    fi
}

complete() { # complete WORD...: what bash would offer for the last word
    bash -c 'compopt() { :; }
        source "$0"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _gen
        echo "${COMPREPLY[*]}"' "$BATS_FILE_TMPDIR/prefix/share/bash-completion/completions/gen" "$@"
}

@test "completions of bash and zsh" {
    [ "$(complete gen ver)" = verify ]
    [ "$(complete gen make --dt)" = --dtype ]
    [ "$(complete gen make --dtype '')" = "f32 bf16 f16" ]
    [[ " $(complete gen make -s '') " == *" ma-separation "* ]]
    [ "$(complete gen run out --transport t)" = threads ]
    [ "$(complete gen doctor --mod)" = "" ]
    touch plan.json
    [ "$(complete gen check pl)" = plan.json ]
    if command -v shellcheck >/dev/null; then
        shellcheck -s bash "$BATS_FILE_TMPDIR/prefix/share/bash-completion/completions/gen"
    fi
    if command -v zsh >/dev/null; then
        zsh -n "$BATS_FILE_TMPDIR/prefix/share/zsh/site-functions/_gen"
    fi
    head -1 "$BATS_FILE_TMPDIR/prefix/share/zsh/site-functions/_gen" | grep -qx '#compdef gen'
}
