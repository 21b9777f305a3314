#!/usr/bin/env bats
# Text in and out: prompts, stops, chance, perplexity, gen tokens: the same under every placement.

load common

programs=(single tp separated)

setup_file() { # the same model with random weights under three strategies, built once
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    : "${GEN:=$root/build/dev/gen}"
    make() {
        "$GEN" make -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" -s "$2" \
            -o "$BATS_FILE_TMPDIR/$1" --batch 2 --prefill 48 --context 96 --dtype f32 --candidates 512 >/dev/null
        "$GEN" build -q "$BATS_FILE_TMPDIR/$1"
    }
    make single single
    make tp tp:tp=3
    make separated ma-separation:attention=2,experts=2
    # a vocabulary as large as the model's, so that every token is some text
    /usr/bin/python3 - "$root/tests/data/tokenizers/llama3.json" "$BATS_FILE_TMPDIR/tokenizer.json" <<'PY'
import json
import sys

data = json.load(open(sys.argv[1], encoding="utf-8"))
used = set(data["model"]["vocab"].values()) | {t["id"] for t in data["added_tokens"]}
for i in range(512):
    if i not in used:
        data["model"]["vocab"]["w%d" % i] = i
json.dump(data, open(sys.argv[2], "w", encoding="utf-8"), ensure_ascii=False)
PY
}

# answer PROGRAM ARGUMENTS...: the text it gives
answer() {
    "$GEN" run -q "$BATS_FILE_TMPDIR/$1" --tokenizer "$BATS_FILE_TMPDIR/tokenizer.json" "${@:2}"
}

rate() {
    "$GEN" perplexity -q "$BATS_FILE_TMPDIR/$1" --tokenizer "$BATS_FILE_TMPDIR/tokenizer.json" "${@:2}"
}

# same_everywhere ARGUMENTS...: all programs, by processes and threads, give what stands in one.txt then
same_everywhere() {
    answer single "$@" >one.txt
    for program in "${programs[@]}"; do
        for transport in shm threads; do
            answer "$program" "$@" --transport "$transport" >two.txt
            cmp one.txt two.txt
        done
    done
}

@test "a prompt gives the same answer under every placement" {
    same_everywhere --prompt "Hello world, the quick brown fox" --max-new-tokens 24
    [ "$(wc -c <one.txt)" -gt 24 ]
}

@test "chance gives the same answer under every placement, and another one by another seed" {
    for choice in "--temperature 0.8" "--top-k 20" "--top-p 0.6" "--top-k 30 --top-p 0.8 --temperature 1.5"; do
        # shellcheck disable=SC2086
        same_everywhere --prompt "Hello world" --prompt "again and again" --prompt third --max-new-tokens 12 $choice --seed 11
        mv one.txt first.txt
        # shellcheck disable=SC2086
        answer single --prompt "Hello world" --prompt "again and again" --prompt third --max-new-tokens 12 $choice --seed 12 >one.txt
        ! cmp -s one.txt first.txt
    done
    answer single --prompt "Hello world" --top-k 1 --seed 3 >one.txt
    answer single --prompt "Hello world" >two.txt
    cmp one.txt two.txt
}

@test "top-p is exact or refused" {
    "$GEN" make -q -m "$root/tests/data/mixtral-tiny" -t "$root/topologies/one-host.yaml" -s tp:tp=2 -o few \
        --batch 2 --prefill 48 --context 96 --dtype f32 --candidates 40 >/dev/null
    draw() {
        run_split "$GEN" run -q "$1" --tokenizer "$BATS_FILE_TMPDIR/tokenizer.json" --prompt "Hello world" \
            --max-new-tokens 4 --seed 5 "${@:2}"
    }
    draw few --top-p 0.95
    expect 65
    grep -q 'the 40 likeliest tokens have 0.[0-9]* of the probability, top-p is 0.95: make the program with more --candidates, or add --top-k 40' stderr.txt
    draw few --top-p 0.95 --temperature 0.01 # a few tokens have it all
    expect 0
    cp stdout.txt few.txt
    draw "$BATS_FILE_TMPDIR/tp" --top-p 0.95 --temperature 0.01
    cmp few.txt stdout.txt
    draw few --top-p 0.95 --top-k 40
    expect 0
    cp stdout.txt few.txt
    draw "$BATS_FILE_TMPDIR/tp" --top-p 0.95 --top-k 40
    cmp few.txt stdout.txt
}

@test "how a checkpoint would draw is told, and not done" {
    mkdir model
    cp "$BATS_FILE_TMPDIR/tokenizer.json" model/
    echo '{"do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95}' >model/generation_config.json
    run_split "$GEN" run "$BATS_FILE_TMPDIR/single" --tokenizer model --prompt "Hello world" --max-new-tokens 5
    expect 0
    grep -q '^gen: weights are random; gen weights .*/single --from CHECKPOINT takes those of one$' stderr.txt
    grep -q '^gen: model/generation_config.json is for chance: --temperature 0.6 --top-k 20 --top-p 0.95; without' stderr.txt
    answer single --prompt "Hello world" --max-new-tokens 5 | cmp - stdout.txt
    run_split "$GEN" run "$BATS_FILE_TMPDIR/single" --tokenizer model --prompt "Hello world" --max-new-tokens 5 --seed 1 --top-k 20
    expect 0
    ! grep -q 'is for chance' stderr.txt
    echo '{"do_sample": false, "temperature": 0.6}' >model/generation_config.json
    run_split "$GEN" run "$BATS_FILE_TMPDIR/single" --tokenizer model --prompt "Hello world" --max-new-tokens 5
    expect 0
    ! grep -q 'is for chance' stderr.txt
}

@test "an answer does not depend on the prompts beside it" {
    answer tp --prompt one --prompt "the second" --prompt three --max-new-tokens 9 >three.txt
    [ "$(grep -c '^--- prompt . of 3 ---$' three.txt)" = 3 ]
    answer tp --prompt "the second" --max-new-tokens 9 >second.txt
    sed -n '/^--- prompt 2 of 3/,/^--- prompt 3 of 3/p' three.txt | sed '1d;$d' >between.txt
    cmp second.txt between.txt
}

@test "prompts come from files, by line and as JSON" {
    printf 'one\n\nthe second\r\n' >p.txt
    printf '"one"\n{"prompt": "the second", "id": 7}\n' >p.jsonl
    answer single --prompts p.txt --max-new-tokens 5 >a.txt
    answer single --prompts p.jsonl --max-new-tokens 5 >b.txt
    answer single --prompt one --prompt "the second" --max-new-tokens 5 >c.txt
    cmp a.txt b.txt
    cmp a.txt c.txt
}

@test "as JSON: the texts, why they end, and the time" {
    answer tp --prompt one --prompt "the second" --max-new-tokens 7 --json >o.json
    jq -e '.time_to_first_token_s > 0 and .inter_token_s.median > 0 and .inter_token_s.p95 >= .inter_token_s.median
        and .inter_token_s.p99 >= .inter_token_s.p95 and .tokens_per_s > 0 and (.texts | length == 2)' o.json
    jq -e '.texts | all((.tokens | length == 7) and .end == "length" and .prompt_tokens > 0)' o.json
    answer tp --prompt "the second" --max-new-tokens 7 >text.txt
    jq -r '.texts[1].text' o.json | cmp - <(iconv -c -f utf-8 -t utf-8 text.txt) ||
        jq -e '.texts[1].text | contains("\ufffd")' o.json # bytes that are no text
}

@test "a stop string ends an answer and is not shown, and no step is run for nothing" {
    answer tp --prompt "Hello world" --max-new-tokens 40 --json >all.json
    text=$(jq -r '.texts[0].text' all.json)
    stop=$(grep -o '[a-z0-9]\{3\}' <<<"${text:8}" | head -n 1)
    [ -n "$stop" ]
    answer tp --prompt "Hello world" --max-new-tokens 40 --stop "never this" --stop "$stop" --json >some.json
    jq -e --arg stop "$stop" '.texts[0] | .end == "stop" and (.text | contains($stop) | not) and (.tokens | length < 40)' some.json
    jq -e --arg all "$text" '.texts[0].text as $t | $all | startswith($t)' some.json
}

@test "tokens end answers: those of the model's folder, and those asked for" {
    answer single --prompt "Hello world" --max-new-tokens 30 --json >all.json
    id=$(jq '.texts[0].tokens[5]' all.json)
    first=$(jq --argjson id "$id" '.texts[0].tokens | index($id)' all.json)
    for program in "${programs[@]}"; do
        answer "$program" --prompt "Hello world" --max-new-tokens 30 --stop-id "$id" --json >some.json
        jq -e --argjson n "$first" '.texts[0] | .end == "end" and (.tokens | length == $n + 1)' some.json
    done
    mkdir model
    cp "$BATS_FILE_TMPDIR/tokenizer.json" model/
    echo "{\"eos_token_id\": [511, $id]}" >model/generation_config.json
    "$GEN" run -q "$BATS_FILE_TMPDIR/tp" --tokenizer model --prompt "Hello world" --max-new-tokens 30 --json >more.json
    jq -e '.texts' some.json >a
    jq -e '.texts' more.json >b
    cmp a b
}

@test "token files end by token, too, in waves" {
    echo '[[1, 2, 3], [4, 5], [7, 7, 7], [9, 8], [100]]' >t.json
    "$GEN" run -q "$BATS_FILE_TMPDIR/single" --tokens t.json --max-new-tokens 20 >all.txt
    stops=()
    for line in 1 2 3; do stops+=(--stop-id "$(sed -n "${line}p" all.txt | cut -d' ' -f4)"); done
    for program in "${programs[@]}"; do
        "$GEN" run -q "$BATS_FILE_TMPDIR/$program" --tokens t.json --max-new-tokens 20 "${stops[@]}" >some.txt
        /usr/bin/python3 - "${stops[@]}" <<'PY'
import sys

stops = {int(n) for n in sys.argv[2::2]}
for whole, cut in zip(open("all.txt"), open("some.txt")):
    whole, cut = [[int(n) for n in line.split()] for line in (whole, cut)]
    ends = [i for i, n in enumerate(whole) if n in stops]
    assert cut == whole[: ends[0] + 1 if ends else len(whole)], (whole, cut, stops)
PY
    done
}

@test "gen tokens: any bytes go to tokens and back" {
    head -c 5000 /dev/urandom >bytes.bin
    "$GEN" tokens -q bytes.bin --tokenizer "$BATS_FILE_TMPDIR/tokenizer.json" -o bytes.json
    "$GEN" tokens -q bytes.json --decode --tokenizer "$BATS_FILE_TMPDIR/tokenizer.json" | cmp - bytes.bin
    printf 'one line\nanother\n' >lines.txt
    "$GEN" tokens lines.txt --lines --tokenizer "$BATS_FILE_TMPDIR/tokenizer.json" -o lines.json
    jq -e 'length == 2' lines.json
    "$GEN" tokens lines.json --decode --tokenizer "$BATS_FILE_TMPDIR/tokenizer.json" | cmp - lines.txt
    "$GEN" tokens lines.json --decode --json --tokenizer "$BATS_FILE_TMPDIR/tokenizer.json" >lines.out
    [ "$(jq -c . lines.out)" = '["one line","another"]' ]
}

@test "tokens made of a text are those that a prompt is" {
    printf 'Hello world' >p.txt
    "$GEN" tokens p.txt --tokenizer "$BATS_FILE_TMPDIR/tokenizer.json" -o p.json
    "$GEN" run -q "$BATS_FILE_TMPDIR/single" --tokens p.json --max-new-tokens 6 >ids.txt
    answer single --prompt "Hello world" --max-new-tokens 6 --json >o.json
    [ "$(jq -r '.texts[0].tokens | map(tostring) | join(" ")' o.json)" = "$(cat ids.txt)" ]
    answer single --tokens p.json --max-new-tokens 6 >a.txt
    answer single --prompt "Hello world" --max-new-tokens 6 >b.txt
    cmp a.txt b.txt
}

@test "perplexity of English is equal to 1e-6 under every placement" {
    cat /usr/share/common-licenses/{GPL-3,GPL-2,LGPL-2.1,GFDL-1.3,Apache-2.0,MPL-1.1,MPL-2.0} >english.txt
    [ "$(wc -c <english.txt)" -gt 150000 ]
    for program in "${programs[@]}"; do rate "$program" --text english.txt --json >"$program.json"; done
    jq -e '.scored == .tokens - 1 and .window == 48 and .stride == 24 and .perplexity > 1' single.json
    for program in tp separated; do
        jq -es '(.[0].perplexity / .[1].perplexity - 1) | fabs < 1e-6' single.json "$program.json"
    done
}

@test "perplexity is what the logits say" {
    printf 'The quick brown fox jumps over the lazy dog' >text.txt
    rate tp --text text.txt --window 9 --stride 4 --json >p.json
    "$GEN" tokens text.txt --tokenizer "$BATS_FILE_TMPDIR/tokenizer.json" -o ids.json
    jq -c '.[0] as $t | [range(0; $t | length; 4) | $t[. : . + 9] | select(length > 1)]' ids.json >windows.json
    "$GEN" run -q "$BATS_FILE_TMPDIR/single" --tokens windows.json --max-new-tokens 1 --logits l.npy >/dev/null
    /usr/bin/python3 - <<'PY'
import json
import math
import struct

raw = open("l.npy", "rb").read()
start = 10 + struct.unpack_from("<H", raw, 8)[0]
windows, told = json.load(open("windows.json")), json.load(open("p.json"))
longest, at, known, nats = max(map(len, windows)), 0, 1, 0.0
for w, ids in enumerate(windows):
    for t in range(len(ids) - 1):
        row = struct.unpack_from("<512f", raw, start + 4 * 512 * (w * longest + t))
        if 4 * w + t + 1 == known:
            top = max(row)
            nats -= row[ids[t + 1]] - top - math.log(sum(math.exp(x - top) for x in row))
            known += 1
assert known - 1 == told["scored"], (known, told)
assert abs(math.exp(nats / told["scored"]) / told["perplexity"] - 1) < 1e-6, (nats, told)
PY
}

@test "the tokenizer lies in the program's folder, or beside its checkpoint" {
    cp -r "$BATS_FILE_TMPDIR/single" prog
    cp "$BATS_FILE_TMPDIR/tokenizer.json" prog/
    "$GEN" run -q prog --prompt "Hello world" --max-new-tokens 6 >a.txt
    answer single --prompt "Hello world" --max-new-tokens 6 >b.txt
    cmp a.txt b.txt
    rm prog/tokenizer.json
    cp -r "$root/tests/data/mixtral-tiny" checkpoint
    cp "$BATS_FILE_TMPDIR/tokenizer.json" checkpoint/
    "$GEN" weights -q prog --from checkpoint
    run_split "$GEN" run prog --prompt "Hello world" --max-new-tokens 6 -v
    expect 0
    grep -q '^gen: tokenizer: .*checkpoint/tokenizer.json$' stderr.txt
    grep -q '^gen: first token after ' stderr.txt
}

@test "a folder of the hub needs nothing else" {
    for model in mixtral qwen3_moe olmoe deepseek_v3; do
        run_split "$GEN" make -m "$root/tests/data/$model-tiny" -t "$root/topologies/one-host.yaml" -o "$model"
        expect 0
        grep -qx "  gen weights $model --from $root/tests/data/$model-tiny" stdout.txt
        jq -e '.inputs.workload | .context == 256 and .prefill == 128' "$model/plan.json"
    done
}

@test "a program streams its tokens as records" {
    echo '[[1, 2, 3], [4, 5], [7, 7, 7]]' >t.json
    cat >stream.py <<'PY'
import struct
import sys

raw = open("s.bin", "rb").read()
assert raw[:8] == b"RTSTREAM" and struct.unpack_from("<IIqq", raw, 8) == (1, 16, 3, 5)
records = [struct.unpack_from("<4i", raw, 64 + 16 * i) for i in range((len(raw) - 64) // 16)]
lines = [[int(n) for n in line.split()] for line in open("o.txt")]
for s in range(3):
    mine = [r for r in records if r[0] == s]
    assert [r[2] for r in mine] == lines[s] and [r[1] for r in mine] == list(range(5)), mine
    assert [r[3] for r in mine] == [0, 0, 0, 0, 1], mine
PY
    /usr/bin/python3 - t.json <<'PY'
import json
import struct
import sys

ids = json.load(open(sys.argv[1]))
longest = max(map(len, ids))


def array(name, shape, data):
    entry = struct.pack("<24sII3QQ", name, 3, len(shape), *(shape + [1] * (3 - len(shape))), len(data))
    return entry + data + b"\0" * (-len(data) % 64)


flat = b"".join(struct.pack(f"<{longest}i", *(i + [0] * (longest - len(i)))) for i in ids)
arrays = [
    array(b"lengths", [len(ids)], struct.pack(f"<{len(ids)}i", *map(len, ids))),
    array(b"ids", [len(ids), longest], flat),
    array(b"max_new", [1], struct.pack("<i", 5)),
]
open("t.rta", "wb").write(struct.pack("<8sII48x", b"RTARRAY", 1, len(arrays)) + b"".join(arrays))
PY
    for transport in shm threads; do
        "$BATS_FILE_TMPDIR/tp/build/program" run -q --tokens t.rta --transport "$transport" --stream s.bin >o.txt
        /usr/bin/python3 stream.py
    done
    run_split "$BATS_FILE_TMPDIR/tp/build/program" run -q --tokens t.rta --stream /nowhere/s.bin
    expect 73
    grep -q '/nowhere/s.bin: No such file or directory' stderr.txt
}
