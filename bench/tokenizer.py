#!/usr/bin/env python3
"""Our tokenizer beside the reference package, on English text of Debian's packages, both with one thread, in processor
time of one run: MB/s and their ratio, for the split patterns of the supported families. The least of some rounds counts.
Then the slowest of texts of 1 MB that repeat themselves or are no text at all, ours alone.

usage: tokenizer.py --probe PROBE --out DIR [--rounds N] [--megabytes N]
"""
import argparse
import glob
import json
import os
import random
import struct
import subprocess
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "text"))
import reference  # noqa: E402  (found by the line above)

# What texts of 1 MB repeat. The tokenizers are trained on some of each, so that it merges far.
HOSTILE = {"one letter": "a", "spaces": " ", "digits": "7", "an emoji": "\U0001f600", "newlines": "\n", "quotes": "'",
           "two letters": "ab", "letter, space": "a ", "letter, digit": "a7", "space, newline": " \n", "both cases": "aB",
           "letter, mark": "e\u0301", "ideograph": "\u4e2d", "all but an added token": "<|endoftext|"}  # fmt: skip
KINDS = ["gpt2", "llama3", "qwen", "o200k", "deepseek", "mixtral", "mixtral-phrases"]


def english():
    paths = sorted(glob.glob("/usr/share/common-licenses/*")) + sorted(glob.glob("/usr/share/doc/*/copyright"))
    texts = []
    for path in paths:
        if os.path.isfile(path) and not os.path.islink(path):
            texts.append(open(path, encoding="utf-8", errors="ignore").read())
    return "\n".join(texts)


def ours(probe, path, text):
    data = struct.pack("<I", len(text)) + text
    run = subprocess.run([probe, path, "seconds"], input=data, capture_output=True, check=True)
    return float(run.stderr.split()[0])


def hostile():
    """{name: 1 MB}"""
    texts = {name: (unit.encode() * (1 << 20))[: 1 << 20] for name, unit in HOSTILE.items()}
    random.seed(6)
    letters = "".join(chr(c) for c in (*range(32, 127), *range(0x3B1, 0x3C9), *range(0x4E00, 0x4E80), *range(0x1F600, 0x1F640)))
    texts["random characters"] = "".join(random.choices(letters, k=1 << 20)).encode()[: 1 << 20]
    return texts | {"random bytes": random.randbytes(1 << 20)}


def theirs(path, text):
    tokenizer = reference.Tokenizer.from_file(path)
    begin = time.process_time()
    tokenizer.encode(text)
    return time.process_time() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--probe", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=float, default=4)
    options = parser.parse_args()
    source = english()
    size = int(options.megabytes * 1e6)
    text = (source * (size // max(1, len(source)) + 1))[:size]
    raw = text.encode()
    rows, slow = [], []
    corpus = source[: 1 << 20].splitlines() + [unit * 64 for unit in HOSTILE.values()] * 20
    print(f"{len(raw) / 1e6:.1f} MB of English, {len(source) / 1e6:.1f} MB of it different; MB/s on one core\n")
    print("| split pattern | gen | tokenizers | ratio |\n|---|---|---|---|")
    for kind in KINDS:
        path = os.path.join(options.out, f"tokenizer-{kind}.json")
        reference.train(kind, corpus, 8000).save(path, pretty=False)
        mine = min(ours(options.probe, path, raw) for _ in range(options.rounds))
        other = min(theirs(path, text) for _ in range(options.rounds))
        row = {"kind": kind, "gen_mb_s": len(raw) / 1e6 / mine, "tokenizers_mb_s": len(raw) / 1e6 / other}
        row["ratio"] = row["gen_mb_s"] / row["tokenizers_mb_s"]
        rows.append(row)
        print(f"| {kind} | {row['gen_mb_s']:.1f} | {row['tokenizers_mb_s']:.1f} | {row['ratio']:.1f} |", flush=True)
    print("\n| 1 MB, s of processor time | slowest of " + str(len(hostile())) + " texts | which |\n|---|---|---|")
    for kind in KINDS:
        path = os.path.join(options.out, f"tokenizer-{kind}.json")
        times = {name: ours(options.probe, path, text) for name, text in hostile().items()}
        worst = max(times, key=times.get)
        slow.append({"kind": kind, "seconds": times})
        print(f"| {kind} | {times[worst]:.2f} | {worst} |", flush=True)
    with open(os.path.join(options.out, "tokenizer.json"), "w", encoding="utf-8") as out:
        json.dump({"english": rows, "hostile": slow}, out, indent=2)
        out.write("\n")


main()
