#!/usr/bin/env python3
"""Benchmarks of emitted programs, run by run.sh: `scaling` compares the 4-rank separation with one rank at equal
work, `decode` the bytes a token needs with what a plain loop reads. What is compared alternates in one run."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

SCALING = {
    "one": "single",
    "four": "ma-separation:attention=2,experts=2",
    "four-whole": "ma-separation:attention=2,experts=2,microbatches=1",
}
ELEMENT_BYTES = {"f32": 4, "bf16": 2, "f16": 2}


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}{done.stdout}")
    return done.stdout


def settle(args):
    """Wait for a moment in which nothing else runs; whether it came."""
    end = time.monotonic() + args.settle
    while time.monotonic() < end:
        with open("/proc/loadavg", encoding="ascii") as load:
            if int(load.read().split()[3].split("/")[0]) <= 1:
                return True
        time.sleep(0.05)
    return False


def make(args, name, strategy, batch):
    """Emit and build a program; returns its directory."""
    directory, prefill = os.path.join(args.out, name), args.prefill
    run([args.gen, "make", "-m", args.model, "-t", args.topology, "-s", strategy, "--batch", str(batch),
         "--prefill", str(prefill), "--context", str(prefill + args.steps + 8), "--dtype", "f32",
         "-o", directory, "-q"])  # fmt: skip
    run([args.gen, "build", directory, "-q"])
    return directory


def bench(args, directory):
    return json.loads(run([args.gen, "bench", directory, "--steps", str(args.steps), "--repeat", "1", "--json", "-q"]))


def spread(values):
    """Median, and half the distance of the quartiles in percent of it."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "spread_percent": 50 * (high - low) / median}


def scaling(args):
    programs = {key: make(args, f"scaling-{key}", strategy, args.batch) for key, strategy in SCALING.items()}
    runs = {key: [] for key in SCALING}
    quiet = 0
    for turn in range(args.rounds):
        for key in sorted(SCALING, reverse=bool(turn % 2)):
            quiet += settle(args)
            runs[key].append(bench(args, programs[key]))
    result = {name: getattr(args, name) for name in ("batch", "prefill", "steps", "rounds")}
    result |= {"runs": args.rounds * len(SCALING), "quiet_runs": quiet, "programs": {}}
    for key, strategy in SCALING.items():
        result["programs"][key] = {
            "strategy": strategy,
            "tpot_ms": spread([r["tpot_ms"]["median"] for r in runs[key]]),
            "prefill_ms": spread([r["prefill_ms"]["median"] for r in runs[key]]),
            "throughput": spread([r["throughput_per_s"]["median"] for r in runs[key]]),
        }
    one = result["programs"]["one"]
    for program in result["programs"].values():
        program["ratio"] = {
            "tpot_ms": one["tpot_ms"]["median"] / program["tpot_ms"]["median"],
            "prefill_ms": one["prefill_ms"]["median"] / program["prefill_ms"]["median"],
            "throughput": program["throughput"]["median"] / one["throughput"]["median"],
        }
    return result


def scaling_text(r):
    lines = [
        f"batch {r['batch']}, prompts of {r['prefill']}, {r['steps']} decode steps, {r['rounds']} rounds; "
        f"{r['quiet_runs']} of {r['runs']} runs began on a quiet machine",
        "",
        f"{'':62}{'':>10} {'+-%':>4} {'ratio':>6}",
    ]
    for key, name in (("tpot_ms", "TPOT ms"), ("prefill_ms", "prefill ms"), ("throughput", "tokens/s")):
        for program in r["programs"].values():
            value = program[key]
            lines.append(f"{name:11}{program['strategy']:51}{value['median']:10.2f} "
                         f"{value['spread_percent']:4.0f} {program['ratio'][key]:6.2f}")  # fmt: skip
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
    program = make(args, "decode", "single", 1)
    with open(os.path.join(program, "plan.json"), encoding="utf-8") as plan:
        need = token_bytes(json.load(plan), args.prefill + args.steps / 2)
    threads = len(os.sched_getaffinity(0))
    tpot, plain = [], []
    quiet = 0
    for _ in range(args.rounds):
        quiet += settle(args)
        tpot.append(bench(args, program)["tpot_ms"]["median"])
        plain.append(float(run([args.stream, str(int(need)), str(threads), "100"])))
    reached = [need / ms * 1e-6 for ms in tpot]
    return {
        "bytes_per_token": int(need),
        "threads": threads,
        "rounds": args.rounds,
        "quiet_rounds": quiet,
        "steps": args.steps,
        "tpot_ms": spread(tpot),
        "decode_gb_per_s": spread(reached),
        "plain_gb_per_s": spread(plain),
        "ratio": statistics.median(reached) / statistics.median(plain),
    }


def decode_text(r):
    return "\n".join(
        [
            f"batch 1, {r['steps']} decode steps, {r['threads']} threads, {r['rounds']} rounds, "
            f"{r['quiet_rounds']} of them on a quiet machine; a token needs {r['bytes_per_token'] / 1e6:.1f} MB",
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
    parser.add_argument("--settle", type=float, default=20, help="seconds to wait for a quiet machine")
    args = parser.parse_args()
    result, text = (scaling, scaling_text) if args.benchmark == "scaling" else (decode, decode_text)
    result = result(args)
    with open(os.path.join(args.out, f"{args.benchmark}.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    print(text(result))


if __name__ == "__main__":
    main()
