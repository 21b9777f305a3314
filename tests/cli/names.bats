# Hostile names: texts made to break out of what they are written into, at every text field of a plan and of its
# inputs. What is made of the plan must be the same as with harmless texts but for the text itself, and well-formed.
load common

# The texts, one for each kind of output that they attack.
texts=(
    '"; system("id"); //' "'\$(id)\`id\`" '*/ #error out /*' '??/ ??= ??(' '%s%n%99999d' '${HOME} $ENV{HOME} @VAR@'
    '</script><script>alert(1)</script>' '<!--{body}--> &lt; <b>' '"]; x [label="' '\" \\ \n \u0000 \' '$(view.name) ]] //% error()'
    '#include <stdio.h>' '# heading' '- item' '../../../../tmp/x' '-rf' '| a | b | `c` [d](e)' 'ünïcödé 模型 🜂' "$(printf 'long%.0s' {1..2000})"
)
# Every fourth of them under a sanitizer, where each program takes its time.
if [ -n "${SANITIZE-}" ]; then
    some=()
    for ((i = 0; i < ${#texts[@]}; i += 4)); do some+=("${texts[i]}"); done
    texts=("${some[@]}")
fi
# Refused wherever they stand.
steering=($'two\nlines' $'esc\e[31m' $'bell\a' $'tab\t' $'back\b' $'\u202eright' $'\u200fmark' $'\u2066isolate' $'\u0085next' $'\u2028line' $'\x7f')

benign() {
    "$GEN" plan -q "${small[@]}" "${workload[@]}" -s ma-separation:attention=2,experts=2,groups=1 -o benign.json >/dev/null
    "$PLANT" benign.json harmless >harmless.json 2>count
    [ "$(cat count)" -gt 30 ]
    "$GEN" emit -q harmless.json -o harmless >/dev/null
}

# json FILE: it is JSON without duplicate keys
json() {
    python3 -c 'import json, sys
def pairs(items):
    keys = [k for k, _ in items]
    assert len(keys) == len(set(keys)), keys
    return dict(items)
json.load(open(sys.argv[1], encoding="utf-8"), object_pairs_hook=pairs)' "$1"
}

# alike A B: the files of two programs are the same, but for those that carry texts
alike() {
    diff <(cd "$1" && find . -type f | sort) <(cd "$2" && find . -type f | sort)
    local file
    while read -r file; do
        case $file in
        ./plan.json | ./schedule.json | ./certificate.json | ./prediction.json | ./README.md | ./constants.h | ./places.c) continue ;;
        esac
        cmp "$1/$file" "$2/$file"
    done < <(cd "$1" && find . -type f)
}

# compiles DIR: every source is C, with trigraphs on and no warning
compiles() {
    local source
    for source in "$1"/*.c; do
        "${CC:-cc}" -std=c11 -D_GNU_SOURCE -trigraphs -Wall -Wextra -Wno-trigraphs -Wno-unused-parameter -Werror \
            -fsyntax-only -I "$1" -I "$root/runtime" "$source"
    done
}

# tags FILE: the elements of a page, in order, without what stands between them
tags() {
    python3 -c 'import sys
from html.parser import HTMLParser
class Tags(HTMLParser):
    def handle_starttag(self, tag, attributes): print(tag, sorted(name for name, _ in attributes))
    def handle_endtag(self, tag): print("/" + tag)
    def handle_comment(self, text): print("comment")
Tags().feed(open(sys.argv[1], encoding="utf-8").read())' "$1"
}

@test "a program carries hostile texts and is the same otherwise" {
    benign
    for text in "${texts[@]}"; do
        echo "text: ${text:0:60}"
        "$PLANT" benign.json "$text" >hostile.json 2>/dev/null
        "$GEN" emit -q hostile.json -o hostile >out.txt
        alike harmless hostile
        compiles hostile
        for file in plan schedule prediction certificate; do json hostile/$file.json; done
        "$GEN" check hostile/schedule.json --certificate hostile/certificate.json >certified.txt
        ! grep -n $'[\x01-\x08\x0b-\x1f\x7f]' certified.txt
        ! grep -n $'[\x01-\x08\x0b-\x1f\x7f]' hostile/README.md
        diff <(grep -c '^#' harmless/README.md) <(grep -c '^#' hostile/README.md)
        diff <(wc -l <harmless/constants.h) <(wc -l <hostile/constants.h)
    done
}

@test "every format of show stands hostile texts" {
    benign
    "$GEN" show harmless.json --format html >harmless.html
    tags harmless.html >harmless.tags
    "$GEN" show harmless.json --format dot >harmless.dot
    for text in "${texts[@]}"; do
        echo "text: ${text:0:60}"
        "$PLANT" benign.json "$text" >hostile.json 2>/dev/null
        "$GEN" show hostile.json >show.txt
        "$GEN" check hostile.json >check.txt
        "$GEN" simulate hostile.json >simulate.txt
        "$GEN" explain hostile.json >explain.txt
        ! grep -n $'[\x01-\x08\x0b-\x1f\x7f]' show.txt check.txt simulate.txt explain.txt
        for format in json trace; do
            "$GEN" show hostile.json --rank 0 --format $format >show.json
            json show.json
        done
        "$GEN" show hostile.json --json >show.json
        json show.json
        "$GEN" diff harmless.json hostile.json >diff.txt || [ $? -eq 1 ]
        "$GEN" show hostile.json --format html >show.html
        tags show.html | diff harmless.tags -
        "$GEN" show hostile.json --format dot >show.dot
        [ "$(wc -l <show.dot)" -eq "$(wc -l <harmless.dot)" ]
        if command -v dot >/dev/null; then dot -Tplain show.dot >/dev/null; fi
    done
}

# One fault in coverage, one in the order: what refuses them names items, rules and lines.
@test "counterexamples carry hostile texts and are the same otherwise" {
    benign
    local faults=('.stages[0].experts |= .[1:]' '.steps[0].orders[0].loops |= reverse')
    for text in "${texts[@]}"; do
        echo "text: ${text:0:60}"
        "$PLANT" benign.json "$text" >hostile.json 2>/dev/null
        for fault in "${faults[@]}"; do
            for plan in harmless hostile; do
                jq "$fault" $plan.json >broken-$plan.json
                run_split "$GEN" check broken-$plan.json
                expect 1
                cp stderr.txt $plan.txt
                run_split "$GEN" check --json broken-$plan.json
                expect 1
                json stdout.txt
            done
            [ "$(wc -l <hostile.txt)" -eq "$(wc -l <harmless.txt)" ]
            diff <(grep -o 'error\[E[0-9]*\]: [a-z.]*' harmless.txt) <(grep -o 'error\[E[0-9]*\]: [a-z.]*' hostile.txt)
            ! grep -n $'[\x01-\x08\x0b-\x1f\x7f]' hostile.txt
        done
    done
}

@test "inputs take hostile texts by --set at every text field" {
    for text in "${texts[@]}"; do
        echo "text: ${text:0:60}"
        settings=()
        while read -r path; do
            case $path in model.family | model.tokenizer) continue ;; esac
            settings+=(--set "$path=$text")
        done < <("$PLANT" --settings model && "$PLANT" --settings topology && "$PLANT" --settings workload)
        [ "${#settings[@]}" -ge 8 ]
        run_split "$GEN" make -q "${small[@]}" "${workload[@]}" -s tp:tp=2 -o made "${settings[@]}"
        expect 0
        compiles made
        json made/plan.json
    done
}

@test "characters that steer terminals are refused in every text, and shown in no message" {
    for text in "${steering[@]}"; do
        run_split "$GEN" plan "${small[@]}" "${workload[@]}" --set "topology.name=x${text}y" -o plan.json
        [ "$status" -eq 65 ] || [ "$status" -eq 2 ]
        [[ $errors == *E0111* ]]
        ! grep -nP '[\x01-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' stderr.txt
    done
}

@test "names that become paths are plain" {
    benign
    for text in "${texts[@]}"; do
        jq --arg name "$text" '.name = $name' harmless.json >named.json
        run_split "$GEN" emit named.json -o named
        expect 65
        [ ! -e named ]
        run_split "$GEN" make "${small[@]}" "${workload[@]}" -o made --name "$text"
        expect 2
    done
}
