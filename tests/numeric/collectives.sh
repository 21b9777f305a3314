#!/usr/bin/env bash
# A collective over groups of several sizes, on nodes of four and what is left over: gen verify passes, counters
# equal the schedule, and the tokens are those of one rank. Odd sizes cut the embedding too.
# usage: collectives.sh OUTPUT MEMBERS...
set -euo pipefail
output=$1
shift
for members in "$@"; do
    strategy=tp:tp=$members,output=$output
    ((members % 2 == 0)) || strategy+=,embedding=split
    "$(dirname "$0")/small.sh" strategy "$output-$members" "$strategy"
done
