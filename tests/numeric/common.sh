# What the numeric drivers share. GEN: the gen under test; COMPARE: the tool of compare.c; OUT: a folder for
# programs and results; TRANSPORT: shm (default) or threads.
# shellcheck shell=bash disable=SC2034

: "${GEN:?name the gen under test}" "${COMPARE:?name the compare tool}" "${OUT:?name a folder}"
: "${TRANSPORT:=shm}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
