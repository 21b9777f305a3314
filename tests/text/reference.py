#!/usr/bin/env python3
"""Trains small tokenizers with the reference package, one for each split pattern and kind, and compares ids and round
trip with ours on many texts. `--write DIR` stores small files and what they make of a few texts, for the test that
needs no package.

usage: reference.py PROBE SCRATCH [--count N] [--write DIR]
"""
import argparse
import json
import os
import random
import struct
import subprocess
import sys

import texts

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN = LLAMA3.replace("{1,3}", "")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def byte_level(*splits, prefix=False, regex=False, normalizer=None, ignore=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore))
    last = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, last]) if splits else last
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    return tokenizer, pre_tokenizers.ByteLevel.alphabet()


def sentencepiece(metaspace=None, fuse=True):
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=fuse))
    if metaspace:
        tokenizer.pre_tokenizer = metaspace
        tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(
            prepend_scheme=metaspace.prepend_scheme)])
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                               decoders.Strip(" ", 1, 0)])
    return tokenizer, ["<0x%02X>" % b for b in range(256)]


def closed(tokenizer_and_alphabet, before, after):
    """With a template of special tokens, behind what bytes ask for, as newer files write it."""

    def close(tokenizer):
        tokenizer.add_special_tokens(before + after)
        pieces = [(x, tokenizer.token_to_id(x)) for x in before + after]
        return processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
            single=" ".join(before + ["$A"] + after), special_tokens=pieces)])

    return (*tokenizer_and_alphabet, close)


KINDS = {
    "gpt2": lambda: byte_level(regex=True),
    "gpt2-prefix": lambda: byte_level(regex=True, prefix=True),
    "qwen": lambda: byte_level(split(QWEN), normalizer=normalizers.NFC()),
    "llama3": lambda: byte_level(split(LLAMA3), ignore=True),
    "o200k": lambda: byte_level(split(O200K)),
    "deepseek": lambda: byte_level(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK)),
    "neox": lambda: byte_level(regex=True, normalizer=normalizers.NFC()),
    "glm4": lambda: closed(byte_level(split(LLAMA3)), ["[gMASK]", "<sop>"], []),
    "llama3-ends": lambda: closed(byte_level(split(LLAMA3), ignore=True), ["<s>"], ["<eot>"]),
    "digits": lambda: byte_level(pre_tokenizers.Digits(individual_digits=True), regex=True),
    "digit-runs": lambda: byte_level(pre_tokenizers.Digits(individual_digits=False), split(" ", "merged_with_next")),
    "behaviors": lambda: byte_level(split(r"[a-f]+", "merged_with_previous"), split(r"\s", "contiguous"),
                                    split(r"\p{L}+", "isolated", True), split("x", "removed")),
    "mixtral": sentencepiece,
    "mixtral-phrases": sentencepiece,
    "metaspace-always": lambda: sentencepiece(pre_tokenizers.Metaspace(prepend_scheme="always")),
    "metaspace-first": lambda: sentencepiece(pre_tokenizers.Metaspace(prepend_scheme="first"), fuse=False),
    "metaspace-never": lambda: sentencepiece(pre_tokenizers.Metaspace(prepend_scheme="never", split=False)),
}


def train(name, corpus, size):
    tokenizer, alphabet, *last = KINDS[name]()
    pieces = "mixtral" in name or "metaspace" in name
    if pieces:  # bytes by name are entries that nothing merges
        special = ["<unk>", "<s>", "</s>"] + alphabet
        trainer = trainers.BpeTrainer(vocab_size=size + 256, special_tokens=special, show_progress=False,
                                      limit_alphabet=120)
    else:
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    if name == "mixtral":  # such files were made word by word, and do not say it
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    tokenizer.train_from_iterator(corpus, trainer)
    if name == "mixtral":
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([])
    if pieces:  # as such files have it: the bytes are no added tokens
        data = json.loads(tokenizer.to_str())
        if name == "mixtral":
            data["pre_tokenizer"] = None
        data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]
        tokenizer = Tokenizer.from_str(json.dumps(data))
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    else:
        tokenizer.add_special_tokens(["<|endoftext|>", "<s>"])
        tokenizer.add_tokens([AddedToken("<think>", lstrip=True, rstrip=True), AddedToken("quick", single_word=True),
                              AddedToken("</s>", lstrip=True, special=True), AddedToken("e\u0301t", normalized=True),
                              AddedToken("   ", normalized=False)])
        tokenizer.post_processor = last[0](tokenizer) if last else processors.ByteLevel(trim_offsets=False)
        if name == "neox":  # runs of spaces that are looked for in normalized text
            tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1) if n != 3])
    return tokenizer


def add_at_random(tokenizer, seed):
    """Added tokens of all flags, of letters that texts are full of: within one another, side by side, overlapping."""
    rng = random.Random(seed)
    contents = {"".join(rng.choice("ab 's<é\u0301e▁中.") for _ in range(rng.randrange(1, 4))) for _ in range(12)}
    for content in sorted(contents - {" ", "▁"}):
        flags = [rng.randrange(3) == 0 for _ in range(4)] + [rng.randrange(2) == 0]
        # Of special tokens that a normalizer changes the package takes the changed form for a usual token.
        flags[4] &= not (flags[3] and tokenizer.normalizer)
        token = AddedToken(content, single_word=flags[0], lstrip=flags[1], rstrip=flags[2], normalized=flags[4],
                           special=flags[3])
        (tokenizer.add_special_tokens if flags[3] else tokenizer.add_tokens)([token])
    return tokenizer


def probe(program, path, items):
    data = b"".join(struct.pack("<I", len(t)) + t for t in items)
    run = subprocess.run([program, path], input=data, stdout=subprocess.PIPE, check=False)
    if run.returncode:
        sys.exit(f"{path}: the probe ended with {run.returncode}")
    at = 0

    def take(size):
        nonlocal at
        (count,) = struct.unpack_from("<I", run.stdout, at)
        out = run.stdout[at + 4 : at + 4 + count * size]
        at += 4 + count * size
        return out

    results = []
    for _ in items:
        raw = take(4)
        results.append((list(struct.unpack(f"<{len(raw) // 4}i", raw)), take(1), take(1)))
    return results


def compare(name, tokenizer, path, program, items):
    wrong = 0
    for text, (ids, plain, whole) in zip(items, probe(program, path, [t.encode() for t in items])):
        theirs = tokenizer.encode(text).ids
        # Bytes that are no text come back as they are; the package shows them as U+FFFD.
        shown = (tokenizer.decode(ids), tokenizer.decode(ids, skip_special_tokens=False))
        ours = (plain.decode(errors="replace"), whole.decode(errors="replace"))
        if ids != theirs or any(a != b and "\ufffd" not in b for a, b in zip(ours, shown)):
            wrong += 1
            if wrong <= 3:
                print(f"{name}: {text!r}\n  ours   {ids} {ours}\n  theirs {theirs} {shown}")
    return wrong


def of_files(scratch, corpus):
    """A folder of vocab.json and merges.txt, and what the package makes of the same two."""
    folder = os.path.join(scratch, "vocab-merges")
    os.makedirs(folder, exist_ok=True)
    tokenizer, alphabet = byte_level(regex=True)
    trainer = trainers.BpeTrainer(vocab_size=2000, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.model.save(folder)
    tokenizer.model = models.BPE.from_file(os.path.join(folder, "vocab.json"), os.path.join(folder, "merges.txt"))
    return tokenizer, folder


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("probe")
    parser.add_argument("scratch")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--only")
    parser.add_argument("--added", type=int, default=1, help="rounds of tokenizers with tokens added at random")
    parser.add_argument("--write")
    options = parser.parse_args()
    os.makedirs(options.scratch, exist_ok=True)
    corpus = texts.texts(3000, 7)
    items = texts.texts(options.count, 1)
    wrong = 0

    def hold(name, tokenizer, path):
        nonlocal wrong
        bad = compare(name, tokenizer, path, options.probe, items)
        print(f"{name}: {len(items)} texts, {bad} differ")
        wrong += bad

    for name in KINDS:
        if options.only and options.only not in name:
            continue
        tokenizer = train(name, corpus, 400 if options.write else 2000)
        path = os.path.join(options.write or options.scratch, name + ".json")
        tokenizer.save(path, pretty=False)
        hold(name, tokenizer, path)
        if options.write:
            few = texts.texts(40, 3)
            with open(os.path.join(options.write, name + ".expected.json"), "w", encoding="utf-8") as out:
                json.dump([[t.encode().hex(), tokenizer.encode(t).ids] for t in few], out)
                out.write("\n")
    for seed, name in enumerate(["gpt2", "qwen", "mixtral", "metaspace-always", "metaspace-first", "llama3"] * options.added):
        if options.only and options.only not in "added":
            continue
        tokenizer = add_at_random(train(name, corpus, 400), seed)
        path = os.path.join(options.scratch, f"added-{seed}.json")
        tokenizer.save(path, pretty=False)
        hold(f"{name} with tokens added at random, {seed}", tokenizer, path)
    if not options.only or options.only in "vocab-merges":
        hold("vocab.json with merges.txt", *of_files(options.scratch, corpus))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
