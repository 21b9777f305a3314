# What the numeric drivers share. GEN: the gen under test; OUT: a folder for programs and results;
# TRANSPORT: shm (default) or threads.
# shellcheck shell=bash disable=SC2034

: "${GEN:?name the gen under test}" "${OUT:?name a folder for results}"
: "${TRANSPORT:=shm}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# same_json WHAT FILE_A FILTER_A FILE_B FILTER_B: two parts of JSON files are equal.
same_json() {
    local a b
    a=$(jq -c "$3" "$2")
    b=$(jq -c "$5" "$4")
    [[ "$a" == "$b" ]] || fail "$1 differ:
  $2: $a
  $4: $b"
    echo "$1: equal"
}
