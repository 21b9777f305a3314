#!/usr/bin/env bash
# usage: unicode.sh PYTHON ROOT: the stored tables are those that the script makes; 77 where this Python has another
# version of Unicode than they are of.
set -euo pipefail
tables=$2/gen/text/unicode_tables.c
made=$("$1" "$2/scripts/unicode-tables.py")
if [[ "$(head -n 1 <<<"$made")" != "$(head -n 1 "$tables")" ]]; then
    echo "skipped: $(head -n 1 "$tables") This Python's are of another version."
    exit 77
fi
diff <(echo "$made") "$tables"
