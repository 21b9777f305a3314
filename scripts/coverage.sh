#!/usr/bin/env bash
# Line and branch coverage, by gcovr, of what must not be wrong: the checker, the readers of foreign data, holdings and
# lowering. A table for each and a closing line; fails if a test does, and below the figures wanted (95 % of lines, 90 % of
# branches) unless --report is given. Assertions are left out: their other branch is a bug of ours.
#
# usage: scripts/coverage.sh [--report]
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=(95 90)
case "${1:-}" in
"") ;;
--report) wanted=(0 0) ;;
*)
    echo "usage: scripts/coverage.sh [--report]" >&2
    exit 2
    ;;
esac
command -v gcovr >/dev/null || {
    echo "coverage: there is no gcovr here; scripts/install-packages.sh --test installs it" >&2
    exit 69
}

declare -A parts=(
    [checker]='gen/schedule/(check|walk|ledger|certify|record_check|record_tables).*'
    [lowering]='gen/schedule/(lower|place|fold|memory|events|workspace|size|ops).*'
    [holdings]='gen/schedule/holdings.*'
    [readers]='gen/(base/(yaml|schema|number|units|jsonr|text).*|input/.*|plan/plan(_.*)?\.c|run/(arrays|tokens|map)\.c|schedule/(read|certificate_read|record\.).*)|runtime/core/(array_file|weight_map|weight_read)\.c'
)
dir=build/coverage
broken=0
if [[ -z "${COVERAGE_BUILT:-}" ]]; then
    cmake --preset coverage >/dev/null
    cmake --build --preset coverage | tail -n 1
    find "$dir" -name '*.gcda' -delete
    # what a failed test reached counts too; it is told, and the end is a failure
    ctest --preset coverage --parallel 2 --label-regex 'unit|schedule|fuzz|lua|golden' >"$dir/ctest.log" || broken=1
    grep -E 'tests passed|\((Failed|Timeout|Not Run|SEGFAULT|Subprocess aborted)\)' "$dir/ctest.log" || tail -n 3 "$dir/ctest.log"
fi

failed=0
for part in checker readers holdings lowering; do
    report=$dir/$part.json
    gcovr --root . --object-directory "$dir" --filter "${parts[$part]}" --exclude-lines-by-pattern '.*assert\(.*' \
        --exclude-throw-branches --json-summary "$report" --txt "$dir/$part.txt" "$dir" >/dev/null 2>"$dir/$part.log"
    read -r lines branches < <(python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
print(report["line_percent"], report["branch_percent"])' "$report")
    verdict=ok
    if python3 -c 'import sys; a, b, c, d = map(float, sys.argv[1:]); sys.exit(a >= b and c >= d)' \
        "$lines" "${wanted[0]}" "$branches" "${wanted[1]}"; then
        verdict="below ${wanted[0]} % and ${wanted[1]} %"
        failed=$((failed + 1))
    fi
    printf '%-10s %5s %% of lines, %5s %% of branches  %s\n' "$part" "$lines" "$branches" "$verdict"
    python3 -c 'import json, sys
files = json.load(open(sys.argv[1]))["files"]
files.sort(key=lambda f: f["branch_covered"] - f["branch_total"])
for f in files[:5]:
    print("    %-36s %3d lines and %3d branches not reached" % (f["filename"], f["line_total"] - f["line_covered"],
                                                               f["branch_total"] - f["branch_covered"]))' "$report"
done
echo "4 parts, $failed below what is wanted; which lines: $dir/PART.txt"
((broken == 0)) || echo "some tests failed: $dir/ctest.log"
((failed + broken == 0))
