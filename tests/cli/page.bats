#!/usr/bin/env bats
# The page of gen show: one small file that needs nothing else, takes hostile names, puts records beside the
# prediction, and works in a browser. Chromium is not among the packages that the tests install (it and what it
# needs are 400 MB): where it is not there, the tests that need it are skipped.

load common

small_plan() { # FILE [STRATEGY]
    "$GEN" plan -q "${small[@]}" --batch 16 --prefill 32 --context 64 --dtype f32 \
        -s "${2:-ma-separation:attention=12,experts=4,groups=6,microbatches=2}" -o "$1" >/dev/null
}

# The data of a page, as JSON.
data_of() {
    /usr/bin/python3 -c 'import re, sys
print(re.search(r"id=\"data\">(.*?)</script>", open(sys.argv[1], encoding="utf-8").read(), re.S).group(1))' "$1"
}

@test "the page is one small file that asks for nothing" {
    small_plan plan.json
    run_split "$GEN" show plan.json --format html -o plan.html
    expect 0
    [ "$(stat -c %s plan.html)" -lt 600000 ]
    grep -qF "default-src 'none'" plan.html
    # The one address is the name of SVG's elements, which nobody fetches.
    [ "$(grep -oE 'https?://[a-z0-9./]*' plan.html | sort -u)" = "http://www.w3.org/2000/svg" ]
    ! grep -qE '<link|<img|<iframe|src=|@import|url\(|fetch\(|innerHTML|eval\(' plan.html
    "$GEN" show plan.json --format html | cmp - plan.html
}

@test "the data of the page are those of plan, proof and simulation" {
    small_plan plan.json
    "$GEN" show plan.json --format html -o plan.html
    data_of plan.html >data.json
    "$GEN" diff plan.json plan.json --json >same.json
    jq -e '.name == "ma-small-ma-separation" and (.ranks | length) == 16 and (.nodes | length) == 4' data.json
    # Every operation of both steps is in some lane.
    [ "$(jq '[.steps[].line.lanes[].ops | length] | add' data.json)" = \
        "$(jq '[.figures[] | select(.what | endswith(": operations")).a.expected] | add' same.json)" ]
    jq -e '.steps[] | .line.omitted == null and .bound.seconds <= .seconds.expected' data.json
    jq -e '.steps[] | ([.path[].seconds] | add) as $path | ($path / .seconds.expected - 1 | fabs) < 1e-6' data.json
    jq -e '.steps[] | ([.pairs[][2]] | add) == ([.moves[].bytes] | add)' data.json
    [ "$(jq '[.memory[].total] | max' data.json)" = "$("$GEN" check plan.json --json | jq '[.ledger[].total] | max')" ]
    jq -e '.why | length > 3' data.json
}

@test "where scripts are off, the page is the plan as text" {
    small_plan plan.json
    "$GEN" show plan.json --format html -o plan.html
    grep -qF '<noscript><section><pre>plan ma-small-ma-separation' plan.html
}

@test "hostile names stay text" {
    sed 's|^name: .*|name: "</script><script>alert(1)</script><img src=x onerror=alert(2)>"|; s|- name: a100|- name: "<!--"|' \
        "$root/topologies/a100-4x4.yaml" >hostile.yaml
    "$GEN" plan -q -m "$root/models/ma-small.yaml" -t hostile.yaml --batch 16 --prefill 32 --context 64 -o plan.json
    "$GEN" show plan.json --format html -o plan.html
    ! grep -qF '<script>alert' plan.html
    ! grep -qF '<img src=x' plan.html
    [ "$(data_of plan.html | jq -r .topology)" = "</script><script>alert(1)</script><img src=x onerror=alert(2)>" ]
}

@test "many ranks and layers are folded, and the page says so" {
    sed 's/^    count: 4/    count: 16/; s/^    gpus: 4/    gpus: 8/' "$root/topologies/a100-4x4.yaml" >many.yaml
    sed 's/^layers: .*/layers: 61/' "$root/models/ma-small.yaml" >deep.yaml
    "$GEN" plan -q -m deep.yaml -t many.yaml --batch 256 --prefill 32 --context 64 \
        -s ma-separation:attention=96,experts=16,groups=16 -o plan.json >/dev/null
    "$GEN" show plan.json --format html -o plan.html
    [ "$(stat -c %s plan.html)" -lt 4000000 ]
    data_of plan.html >data.json
    # Each rank is in one lane of each step, or counted among those left out.
    jq -e '.steps[] | [.line.lanes[] | select(.stream == 0).ranks] | length <= 64' data.json
    jq -e '.steps[].line | ([.lanes[].ops | length] | add) <= 60000' data.json
    jq -e '.steps[] | .pairs_of == "node"' data.json
}

@test "of many layers the first and last are drawn, and the page says which are left out" {
    sed 's/^layers: .*/layers: 61/' "$root/models/ma-small.yaml" >deep.yaml
    "$GEN" plan -q -m deep.yaml -t "$root/topologies/a100-4x4.yaml" --batch 64 --prefill 32 --context 64 \
        -s ma-separation:attention=12,experts=4,groups=6,microbatches=4 -o plan.json >/dev/null
    "$GEN" show plan.json --format html -o plan.html
    [ "$(stat -c %s plan.html)" -lt 1600000 ]
    data_of plan.html >data.json
    # As many as there is room for, equally many of both ends, and none of those that are said to be left out.
    jq -e '.steps[].line.omitted | .layers[0] > 4 and .layers[0] + .layers[1] == 61 and .begin < .end' data.json
    jq -e '.steps[].line | .omitted.layers as [$a, $b] |
        ([.lanes[].layers[]] | unique) == [range(-1; $a)] + [range($b; 61)]' data.json
    jq -e '.steps[].line | ([.lanes[].ops | length] | add) <= 26000' data.json
}

@test "a trace stands beside the prediction; one of gen's own is equal to it" {
    small_plan plan.json
    "$GEN" show plan.json --format trace -o trace.json
    run_split "$GEN" show plan.json --format html --emulation trace.json --measurement trace.json -o plan.html
    expect 0
    data_of plan.html >data.json
    jq -e '.steps[] | [.records[].name] == ["emulation", "measurement"]' data.json
    jq -e '.steps[] | .seconds.expected as $s | .records[] | .runs == 1 and (.median / $s - 1 | fabs) < 1e-3' data.json
    jq -e '.steps[] | (.predicted | map({key: .[0], value: .[2]}) | from_entries) as $p |
        .records[].kinds[] | (.[1] / $p[.[0]] - 1 | fabs) < 0.01' data.json
}

@test "a trace of another plan, or no trace, is refused" {
    small_plan plan.json
    small_plan other.json ma-separation:attention=8,experts=8,groups=1
    "$GEN" show other.json --format trace -o other-trace.json
    echo '{"traceEvents": [' >cut.json
    echo '[1]' >list.json
    for file in other-trace.json cut.json list.json; do
        run_split "$GEN" show plan.json --format html --measurement "$file"
        expect 65
        [ "$output" = "" ]
        grep -qF "error[E0730]: $file: " stderr.txt
    done
    run_split "$GEN" show plan.json --format html --measurement missing.json
    expect 66
    run_split "$GEN" show plan.json --measurement other-trace.json
    expect 2
}

# browse FILE SCRIPT: the page's document after the script has run, in document.txt; fails on console messages.
browse() {
    local browser
    browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip "no Chromium"
    sed 's|</body>||; s|</html>||' "$1" >browsed.html
    printf '<script>\n%s\n</script></body></html>\n' "$2" >>browsed.html
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" \
        --enable-logging=stderr --virtual-time-budget=20000 --window-size=1280,1600 \
        --dump-dom "file://$PWD/browsed.html" >document.txt 2>log.txt
    if grep 'CONSOLE' log.txt; then return 1; fi
    rm -rf profile
}

@test "the page works in Chromium: every section, every control, no message on the console" {
    [[ -z "${SANITIZE:-}" ]] || skip "the browser is not what is sanitized"
    small_plan plan.json
    "$GEN" show plan.json --format trace -o trace.json
    "$GEN" show plan.json --format html --emulation trace.json -o plan.html
    # shellcheck disable=SC2016 # JavaScript
    browse plan.html '
        const canvas = document.querySelector(".line canvas"), box = () => canvas.getBoundingClientRect();
        const told = new Set(), log = [];
        const point = (x, y) => {
            canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: box().left + x, clientY: box().top + y, bubbles: true }));
            const tip = document.querySelector(".tip");
            if (tip && tip.style.visibility === "visible") told.add(tip.firstChild.textContent);
        };
        const steps = [() => {
        for (const button of [...document.querySelectorAll("button")]) {
            button.click();
            for (let y = 20; y < 700; y += 9) for (let x = 200; x < 1100; x += 90) point(x, y);
        }
        canvas.focus();
        for (const key of ["+", "-", "ArrowLeft", "ArrowRight", "0"])
            canvas.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: -300, ctrlKey: true, cancelable: true }));
        }, () => {
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        document.body.dataset.colors = new Set(new Uint32Array(pixels.buffer)).size > 8;
        document.body.dataset.told = told.size > 3; // tips come with frames, of which a busy machine makes few
        document.body.dataset.sections = [...document.querySelectorAll("section[id]")].map((s) => s.id).join(" ");
        document.body.dataset.wide = document.documentElement.scrollWidth > innerWidth;
        }];
        steps.forEach((step, i) => setTimeout(step, 500 * (i + 1)));'
    grep -qF 'data-colors="true"' document.txt
    grep -qF 'data-told="true"' document.txt
    grep -qF 'data-wide="false"' document.txt
    grep -qF 'data-sections="summary cluster memory line moves bytes path compare why"' document.txt
}

@test "hostile names do nothing in Chromium" {
    [[ -z "${SANITIZE:-}" ]] || skip "the browser is not what is sanitized"
    sed 's|^name: .*|name: "</script><script>document.title=1</script><img src=x onerror=alert(2)>"|' \
        "$root/topologies/a100-4x4.yaml" >hostile.yaml
    "$GEN" plan -q -m "$root/models/ma-small.yaml" -t hostile.yaml --batch 16 --prefill 32 --context 64 -o plan.json
    jq '.why[0].choice = "<b onclick=alert(3)>bold</b>" | .why[0].reason = "\"`${alert(4)}"' plan.json >bad.json
    "$GEN" show bad.json --format html -o plan.html
    browse plan.html 'document.body.dataset.safe = document.images.length + document.querySelectorAll("b[onclick]").length +
        "/" + document.title + "/" + document.querySelector("#why td").textContent;'
    grep -qF 'data-safe="0/ma-small-single/&lt;b onclick=alert(3)&gt;bold&lt;/b&gt;"' document.txt
}

@test "an emulation and a measurement of the program itself stand beside the prediction" {
    [[ -z "${SANITIZE:-}" ]] || skip "programs are run by other tests of the sanitizers"
    "$GEN" make -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" --batch 2 --prefill 8 \
        --context 12 --dtype f32 -s ma-separation:attention=1,experts=1 -o prog >/dev/null
    "$GEN" build -q prog
    echo '[[1, 2, 3], [4, 5]]' >tokens.json
    "$GEN" run -q prog --tokens tokens.json --max-new-tokens 4 --trace measured.json >/dev/null
    "$GEN" run -q prog --emulate --trace emulated.json >/dev/null
    run_split "$GEN" show prog --format html --emulation emulated.json --measurement measured.json -o prog.html
    expect 0
    data_of prog.html >data.json
    jq -e '.steps[] | [.records[].name] == ["emulation", "measurement"]' data.json
    # Every kind of operation that is predicted was run, in an emulated step that is no shorter than its bound.
    jq -e '.steps[] | ([.predicted[][0]] | sort) as $kinds | .records[] | ([.kinds[][0]] | sort) == $kinds' data.json
    jq -e '.steps[] | .bound.seconds as $bound | .records[0].median >= $bound and .records[1].median > 0' data.json
}
