#!/usr/bin/env python3
"""Decoding on this machine's processors by a program of gen, by transformers and by llama.cpp: the same weights, prompts and
number of new tokens, greedy, in turns within one run, beside what plain loops read from memory. install.sh gets the
others; of one that is not there the row says why.

usage: peers.py --gen GEN --stream STREAM --topology FILE --out DIR [--rounds N] [--settle SECONDS]
"""
import argparse
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import checkpoint  # noqa: E402
from quiet import settle  # noqa: E402

PROMPT, LONG, NEW = 64, 512, 64
HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = {"gen": "gen", "transformers": "transformers", "llama": "llama.cpp"}


def run(command, environment=None):
    """(stdout, seconds, most MB that one of its processes had) of a command, which must succeed."""
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+") as error:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=error, text=True, env=environment)
        out = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            error.seek(0)
            sys.exit(f"{' '.join(command)}: status {child.returncode}\n{error.read()}{out}")
    return out, time.monotonic() - begin, usage.ru_maxrss / 1000


class Bench:
    """Where things lie; each engine's method does one round and returns its figures."""

    def __init__(self, args):
        self.args, self.threads = args, len(os.sched_getaffinity(0))
        self.model, self.program = os.path.join(args.out, "peers-model"), os.path.join(args.out, "peers-program")
        self.prompts = os.path.join(args.out, "peers-prompts.json")
        self.exact = False  # whether there is a program in float32

    def prepare(self):
        config = os.path.join(self.model, "config.json")
        with open(config, encoding="utf-8") if os.path.exists(config) else open(os.devnull, encoding="utf-8") as file:
            if file.read() != checkpoint.config_text():
                run([sys.executable, os.path.join(HERE, "checkpoint.py"), self.model])
        random.seed(6)
        short, long = ([random.randrange(checkpoint.CONFIG["vocab_size"]) for _ in range(n)] for n in (PROMPT, LONG))
        self.write(self.prompts, [short, long])
        self.write(self.prompts + ".short", [short])
        self.write(self.prompts + ".long", [long])
        self.make(self.program, "bf16")

    @staticmethod
    def write(path, value):
        with open(path, "w", encoding="utf-8") as out:
            json.dump(value, out)

    def make(self, directory, dtype):
        gen = self.args.gen
        run([gen, "make", "-q", "-m", self.model, "-t", self.args.topology, "-s", "single", "--batch", "1", "--prefill",
             str(LONG), "--context", str(LONG + 2 * NEW), "--dtype", dtype, "-o", directory])  # fmt: skip
        run([gen, "weights", "-q", directory, "--from", self.model])
        run([gen, "build", "-q", directory])

    def gen(self):
        def told(prompt, new):
            out, seconds, peak = run([self.args.gen, "run", self.program, "-q", "--json", "--tokens", f"{self.prompts}.{prompt}",
                                      "--max-new-tokens", str(new)])  # fmt: skip
            return json.loads(out), seconds, peak

        whole, _, peak = told("short", NEW)
        _, first, _ = told("short", 1)  # a process that ends with its first token
        long, _, other = told("long", 1)
        return {"version": run([self.args.gen, "--version"])[0].strip(), "first_token_s": first,
                "token_s": [whole["inter_token_s"]["min"], whole["inter_token_s"]["median"]], "tokens": whole["tokens"][0],
                "prefill_s": long["prefill_s"], "peak_mb": max(peak, other)}  # fmt: skip

    def other(self, script, path, environment):
        python = os.path.join(self.args.out, "python", "bin", "python")
        out, _, peak = run([python, os.path.join(HERE, script), path, self.prompts, str(NEW), str(self.threads),
                            str(time.monotonic())], os.environ | environment)  # fmt: skip
        told = json.loads(out)
        return told | {"token_s": [min(told["token_s"]), statistics.median(told["token_s"])], "peak_mb": peak}

    def transformers(self):
        return self.other("with_transformers.py", self.model, {"LD_LIBRARY_PATH": os.path.join(self.args.out, "standins")})

    def llama(self):
        return self.other("with_llama.py", os.path.join(self.model, "model.gguf"),
                          {"PYTHONPATH": os.path.join(self.args.out, "llama")})  # fmt: skip

    def stream(self, threads):
        """[GB/s of the best pass, of the median one] over as many bytes as the model has: a token reads another half of
        them each time, so that caches help both about alike."""
        out, _, _ = run([self.args.stream, str(self.size()), str(threads), "20"])
        median, best = map(float, out.split())
        return [best, median]

    def size(self):
        return os.path.getsize(os.path.join(self.model, "model.safetensors"))

    @staticmethod
    def need():
        return checkpoint.token_bytes(checkpoint.CONFIG, PROMPT + NEW / 2)

    def scores(self, tokens):
        """The next token's scores after the short prompt and `tokens`, by a program in float32."""
        directory, path = self.program + "-f32", os.path.join(self.args.out, "peers-scores.npy")
        if not self.exact:
            self.make(directory, "f32")
            self.exact = True
        with open(self.prompts, encoding="utf-8") as file:
            self.write(self.prompts + ".part", [json.load(file)[0] + tokens])
        run([self.args.gen, "run", directory, "-q", "--tokens", self.prompts + ".part", "--max-new-tokens", "1", "--logits", path])
        with open(path, "rb") as file:
            data = file.read()
        count = checkpoint.CONFIG["vocab_size"]
        return struct.unpack(f"<{count}f", data[-4 * count :])


def part(bench, name, mine, theirs):
    """One line: up to which token two answers agree, and how near the two next ones are to each other."""
    same = next((i for i, (a, b) in enumerate(zip(mine, theirs)) if a != b), len(mine))
    if same == len(mine):
        return f"{name}: all {same} tokens equal to gen's."
    scores = bench.scores(mine[:same])
    gap, spread = scores[mine[same]] - scores[theirs[same]], statistics.pstdev(scores)
    return (f"{name}: the first {same} of {len(mine)} tokens equal to gen's; then its choice scores {abs(gap):.3f} "
            f"{'less' if gap > 0 else 'more'} than gen's in float32, where all scores have a deviation of {spread:.2f}.")  # fmt: skip


def why_not(out, engine):
    path = os.path.join(out, engine + ".why")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def measure(bench, args):
    absent = {engine: why_not(args.out, engine) for engine in NAMES}
    engines = [engine for engine in NAMES if not absent[engine]]
    rounds, streams, quiet = {engine: [] for engine in engines}, {1: [], bench.threads: []}, 0
    for turn in range(args.rounds):
        for engine in engines[turn % len(engines) :] + engines[: turn % len(engines)]:
            quiet += settle(args.settle)
            streams[1].append(bench.stream(1))
            before = bench.stream(bench.threads)
            told = getattr(bench, engine)()
            after = bench.stream(bench.threads)
            streams[bench.threads] += [before, after]
            rounds[engine].append(told | {"around_gb_s": max(before[0], after[0])})
            print(f"round {turn + 1}: {NAMES[engine]} {rounds[engine][-1]['token_s'][0] * 1e3:.2f} ms a token", file=sys.stderr)
    return {
        "bytes_per_token": bench.need(), "model_bytes": bench.size(), "threads": bench.threads, "rounds": args.rounds, "absent": absent,
        "runs": args.rounds * len(engines), "quiet_runs": quiet, "engines": rounds,
        "stream_gb_s": {str(t): [max(s[0] for s in r), statistics.median(s[1] for s in r)] for t, r in streams.items()},
    }  # fmt: skip


def row(result, engine):
    if result["absent"][engine]:
        return f"| {NAMES[engine]} | not here: {result['absent'][engine]} |" + " |" * 8
    rounds, need = result["engines"][engine], result["bytes_per_token"] * 1e-9
    least, median = min(r["token_s"][0] for r in rounds), statistics.median(r["token_s"][1] for r in rounds)
    best, _ = result["stream_gb_s"][str(result["threads"])]
    share = statistics.median(need / r["token_s"][0] / r["around_gb_s"] for r in rounds)
    prefill, first = (min(r[key] for r in rounds) for key in ("prefill_s", "first_token_s"))
    return (f"| {NAMES[engine]} | {least * 1e3:.2f} | {median * 1e3:.2f} | {1 / median:.1f} | {need / least:.1f} | "
            f"{need / least / best:.0%} | {share:.0%} | {LONG / prefill:.0f} | {first:.2f} | "
            f"{max(r['peak_mb'] for r in rounds):.0f} |")  # fmt: skip


def table(result, bench):
    streams = ", ".join(f"{best:.1f} GB/s at best and {median:.1f} as a median with {threads} thread{'s' * (threads != '1')}"
                        for threads, (best, median) in result["stream_gb_s"].items())  # fmt: skip
    lines = [
        f"A token needs {result['bytes_per_token'] / 1e6:.1f} MB; prompt of {PROMPT}, {NEW} new tokens, {result['threads']} threads, "
        f"{result['rounds']} rounds; {result['quiet_runs']} of {result['runs']} runs began on a quiet machine.",
        f"A plain loop over all {result['model_bytes'] / 1e6:.0f} MB reads {streams}.",
        "",
        "| | ms/token, least | median | tokens/s | GB/s at best | of the loop's best | of the loop around it | prefill, tokens/s "
        "| start to first token, s | peak MB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [row(result, engine) for engine in NAMES]
    lines += [""] + [f"- {NAMES[e]}: {rounds[0]['version']}" for e, rounds in result["engines"].items()]
    mine = result["engines"]["gen"][0]["tokens"]
    lines += ["- " + part(bench, NAMES[e], mine, r[0]["tokens"]) for e, r in result["engines"].items() if e != "gen"]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("gen", "stream", "topology", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--settle", type=float, default=20, help="seconds to wait for a quiet machine")
    args = parser.parse_args()
    bench = Bench(args)
    bench.prepare()
    result = measure(bench, args)
    text = table(result, bench)
    with open(os.path.join(args.out, "decode.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    print(text)


if __name__ == "__main__":
    main()
