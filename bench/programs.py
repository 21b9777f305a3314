#!/usr/bin/env python3
"""Benchmarks of emitted programs, run by run.sh: `scaling` compares the 4-rank separation with one rank at equal
work, `decode` the bytes a token needs with what a plain loop reads. What is compared alternates in one run."""

import argparse
import json
import os
import statistics
import subprocess
import sys

ELEMENT_BYTES = {"f32": 4, "bf16": 2, "f16": 2}


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}{done.stdout}")
    return done.stdout


def make(args, strategy, batch, prefill):
    """Emit and build a program; returns its directory."""
    directory = os.path.join(args.out, f"{strategy.split(':')[0]}-b{batch}")
    run([args.gen, "make", "-m", args.model, "-t", args.topology, "-s", strategy, "--batch", str(batch),
         "--prefill", str(prefill), "--context", str(prefill + args.steps + 8), "--dtype", "f32",
         "-o", directory, "-q"])  # fmt: skip
    run([args.gen, "build", directory, "-q"])
    return directory


def bench(args, directory):
    return json.loads(run([args.gen, "bench", directory, "--steps", str(args.steps), "--json", "-q"]))


def spread(values):
    """Median, and half the distance of the quartiles in percent of it."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "spread_percent": 50 * (high - low) / median}


def scaling(args):
    names = {"one": "single", "four": "ma-separation:attention=2,experts=2"}
    programs = {key: make(args, strategy, args.batch, args.prefill) for key, strategy in names.items()}
    runs = {key: [] for key in names}
    for turn in range(args.rounds):
        for key in sorted(names, reverse=bool(turn % 2)):
            runs[key].append(bench(args, programs[key]))
    result = {"batch": args.batch, "prefill": args.prefill, "steps": args.steps, "rounds": args.rounds}
    for key, strategy in names.items():
        result[key] = {
            "strategy": strategy,
            "tpot_ms": spread([r["tpot_ms"]["median"] for r in runs[key]]),
            "prefill_ms": spread([r["prefill_ms"]["median"] for r in runs[key]]),
            "throughput": spread([r["throughput"] for r in runs[key]]),
        }
    one, four = result["one"], result["four"]
    result["ratio"] = {
        "tpot": one["tpot_ms"]["median"] / four["tpot_ms"]["median"],
        "prefill": one["prefill_ms"]["median"] / four["prefill_ms"]["median"],
        "throughput": four["throughput"]["median"] / one["throughput"]["median"],
    }
    return result


def scaling_text(r):
    lines = [f"batch {r['batch']}, prompts of {r['prefill']}, {r['steps']} decode steps, {r['rounds']} rounds", "",
             f"{'':20}{'1 rank':>12} {'+-%':>4}{'4 ranks':>12} {'+-%':>4} {'ratio':>6}"]  # fmt: skip
    for name, key, ratio in (("TPOT ms", "tpot_ms", "tpot"), ("prefill ms", "prefill_ms", "prefill"),
                             ("throughput tokens/s", "throughput", "throughput")):  # fmt: skip
        one, four = r["one"][key], r["four"][key]
        lines.append(f"{name:20}{one['median']:12.2f} {one['spread_percent']:4.0f}"
                     f"{four['median']:12.2f} {four['spread_percent']:4.0f} {r['ratio'][ratio]:6.2f}")  # fmt: skip
    return "\n".join(lines)


def token_bytes(plan, context):
    """Bytes that one decode step of one sequence must read: each weight that it multiplies with, once, and keys
    and values of `context` positions."""
    model = plan["inputs"]["model"]
    element = ELEMENT_BYTES[plan["inputs"]["workload"]["dtype"]]
    hidden, wide = model["hidden"], model["heads"] * model["head_dim"]
    narrow = model["kv_heads"] * model["head_dim"]
    attention = 2 * hidden * wide + 2 * hidden * narrow
    expert = (3 if model["gated"] else 2) * hidden * model["expert_hidden"]
    layer = attention + hidden * model["experts"] + model["top_k"] * expert + 2 * narrow * context
    return element * (model["layers"] * layer + model["vocabulary"] * hidden)


def decode(args):
    program = make(args, "single", 1, args.prefill)
    with open(os.path.join(program, "plan.json"), encoding="utf-8") as plan:
        need = token_bytes(json.load(plan), args.prefill + args.steps / 2)
    threads = len(os.sched_getaffinity(0))
    tpot, plain = [], []
    for _ in range(args.rounds):
        tpot.append(bench(args, program)["tpot_ms"]["median"])
        plain.append(float(run([args.stream, str(int(need)), str(threads), "100"])))
    reached = [need / ms * 1e-6 for ms in tpot]
    return {
        "bytes_per_token": int(need),
        "threads": threads,
        "rounds": args.rounds,
        "steps": args.steps,
        "tpot_ms": spread(tpot),
        "decode_gb_per_s": spread(reached),
        "plain_gb_per_s": spread(plain),
        "ratio": statistics.median(reached) / statistics.median(plain),
    }


def decode_text(r):
    return "\n".join(
        [
            f"batch 1, {r['steps']} decode steps, {r['threads']} threads, {r['rounds']} rounds; "
            f"a token needs {r['bytes_per_token'] / 1e6:.1f} MB",
            "",
            f"{'':24}{'median':>10} {'+-%':>4}",
        ]
        + [
            f"{name:24}{r[key]['median']:10.2f} {r[key]['spread_percent']:4.0f}"
            for name, key in (
                ("TPOT ms", "tpot_ms"),
                ("decode reads GB/s", "decode_gb_per_s"),
                ("plain loop reads GB/s", "plain_gb_per_s"),
            )
        ]
        + [f"{'decode / plain':24}{r['ratio']:10.2f}"]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmark", choices=("scaling", "decode"))
    for name in ("gen", "stream", "model", "topology", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--prefill", type=int, default=64)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    result, text = (scaling, scaling_text) if args.benchmark == "scaling" else (decode, decode_text)
    result = result(args)
    with open(os.path.join(args.out, f"{args.benchmark}.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    print(text(result))


if __name__ == "__main__":
    main()
