#!/usr/bin/env bats
# gen report: figures that agree in all three forms, all or nothing, and names that stay names.

load common

@test "what follows from the claims needs no deployment" {
    run_split "$GEN" report -o r --only arithmetic
    expect 0
    [ "$(ls r)" = "report.html
report.json
report.md" ]
    [[ "$output" == *"ma-separation: 0 deployments, 0 of them cannot be planned"* ]]
    [[ "$output" == *"wrote r: report.md, report.html, report.json"* ]]
    [ "$errors" = "" ]
    grep -q '^| scaling efficiency on 16 GPUs by the formula .* | 87 % | 27.11 % | does not hold |$' r/report.md
    grep -q '^| power of 16 GPUs .* |  | 174.4 W | follows, not stated |$' r/report.md
    if grep -q '^## Performance' r/report.md; then return 1; fi
    jq -e '.studies[0] | .tables == [] and .points == [] and .untold == []' r/report.json
}

@test "Markdown, JSON and what is printed agree" {
    run_split "$GEN" report -o r --only energy,untold --json
    expect 0
    cmp stdout.txt r/report.json
    python3 - <<'PY'
import json, re

report = json.load(open("r/report.json"))
unescape = lambda text: re.sub(r"\\(.)", r"\1", text).replace("&lt;", "<").replace("&amp;", "&")
rows = [[unescape(cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in open("r/report.md") if line.startswith("|")]
mark = {"within": " ✓", "lower": " ▼", "higher": " ▲"}
scale = {"mJ": 1e-3, "uJ": 1e-6, "J": 1, "%": 1e-2, "ms": 1e-3, "GB": 1e9}
cells = 0
for study in report["studies"]:
    points = {point["id"]: point["plan"] for point in study["points"]}
    for table in study["tables"]:
        for row in table["rows"]:
            claim = row["cells"][0]["claim"]
            texts = [cell["text"] + mark.get(cell["verdict"], "") for cell in row["cells"]]
            assert [row["what"], claim["text"] if claim else "", *texts, row["why"]] in rows or \
                [row["what"], *texts, row["why"]] in rows, (row["what"], texts)
            for cell in row["cells"]:
                cells += 1
                figures = points[cell["point"]]["figures"]
                if not figures:
                    assert cell["ours"] is None and cell["verdict"] == "infeasible"
                    continue
                assert cell["ours"] == figures[row["metric"]]
                low, high = cell["ours"]["low"], cell["ours"]["high"]
                assert low <= cell["ours"]["expected"] <= high
                number, unit = re.match(r"([\d.,]+) (\S+)", cell["text"]).groups()
                shown = float(number.replace(",", "")) * scale[unit]
                assert abs(shown / cell["ours"]["expected"] - 1) < 0.006
                if cell["claim"]:
                    verdict = "lower" if cell["claimed"] < low else "higher" if cell["claimed"] > high else "within"
                    assert cell["verdict"] == verdict
    for one in study["untold"]:
        assert any(row[1] == one["claim"]["text"] and row[2] == one["why"] for row in rows)
assert cells >= 24
PY
}

@test "the page needs nothing else, and has the figures of the JSON" {
    run_split "$GEN" report -o r --only energy
    expect 0
    grep -q "default-src 'none'" r/report.html
    if grep -Eq '(src|href)="?(https?:)?//|@import|url\(' r/report.html; then return 1; fi
    python3 - <<'PY'
import json, re
page = open("r/report.html").read()
data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1)
assert json.loads(data) == json.load(open("r/report.json"))
PY
}

@test "the pages of report and sweep open in a browser without a complaint" {
    command -v chromium >/dev/null || skip "chromium is not there"
    "$GEN" report -q -o r --only scaling,degrees,energy,arithmetic,untold >/dev/null
    "$GEN" sweep -q "${small[@]}" "${workload[@]}" -s ep,tp:tp=4,dp=4 --vary batch=4,32 --vary nics=1,4 -o map.html >/dev/null
    for page in r/report.html map.html; do
        chromium --headless --no-sandbox --disable-gpu --virtual-time-budget=5000 --enable-logging=stderr \
            --user-data-dir="$PWD/profile" --dump-dom "file://$PWD/$page" >dom.html 2>log.txt
        if grep CONSOLE log.txt; then return 1; fi
        if grep -q 'NaN' <(grep -o '<svg.*</svg>' dom.html); then return 1; fi
        [ "$(grep -o '<tr' dom.html | wc -l)" -gt 8 ]
        [ "$(grep -o '<svg' dom.html | wc -l)" -ge 3 ]
    done
}

@test "a report is replaced, a foreign directory is not" {
    run_split "$GEN" report -o r --only arithmetic
    expect 0
    run_split "$GEN" report -o r --only untold
    expect 0
    if grep -q '^## What follows' r/report.md; then return 1; fi
    mkdir mine
    echo precious >mine/file
    run_split "$GEN" report -o mine --only arithmetic
    expect 73
    [[ "$errors" == *"error[E0905]"* ]]
    [ "$(ls mine)" = file ]
}

@test "an unknown part is named, and nothing is written" {
    run_split "$GEN" report -o r --only energy,speed
    expect 2
    [[ "$errors" == "gen: error[E0918]: the report has no part 'speed'
  help: parts are performance, "*", arithmetic, untold" ]]
    [ ! -e r ]
}

@test "texts of claims cannot leave their place" {
    mkdir -p share/claims
    sed -e 's|^title: .*|title: "</script><script>alert(1)</script> a\|b"|' \
        -e 's|context: "recovery from a lost GPU, separation"|context: "<img src=x> \| * _"|' \
        "$root/claims/ma-separation.yaml" >share/claims/ma-separation.yaml
    run_split "$GEN" report -o r --only untold --share share
    expect 0
    if grep -q '<script>alert\|<img' r/report.md r/report.html; then return 1; fi
    grep -q '^# &lt;/script>&lt;script>alert(1)&lt;/script> a\\|b$' r/report.md
    grep -q '&lt;img src=x> \\| \\\* \\_ | 2.3 s |' r/report.md
    [ "$(grep -c '</script>' r/report.html)" -eq 2 ]
    jq -e '.studies[] | select(.name == "ma-separation") | .title == "</script><script>alert(1)</script> a|b"' r/report.json
}

@test "claims that are off are told with their place" {
    mkdir -p share/claims
    sed -e 's|value: 2.84|value: fast|' "$root/claims/ma-separation.yaml" >share/claims/ma-separation.yaml
    run_split "$GEN" report -o r --only arithmetic --share share
    expect 65
    [[ "$errors" == *"claims/ma-separation.yaml:"*"error[E0109]: value must be a number, not fast"* ]]
    [ ! -e r ]
}

@test "a gen without its models says so" {
    cp "$GEN" gen
    run_split ./gen report -o r --only energy
    expect 69
    [[ "$errors" == *"error[E0716]: the folder models is not in ../share/toposmith, seen from gen"* ]]
    [ ! -e r ]
}

@test "docs/results.md has the computations and claims of this version" {
    run_split "$GEN" report -o r --only arithmetic,untold
    expect 0
    grep '^|' r/report.md | grep -vxFf "$root/docs/results.md" >stale.txt || true
    [ ! -s stale.txt ] || { echo "stale: ninja results-update"; cat stale.txt; return 1; }
    [ "$(grep -c '^| ' "$root/docs/results.md")" -gt 150 ]
}
