#!/usr/bin/env python3
"""The 4-rank separation beside one rank at equal work, as emitted programs, in turns within one run; by run.sh."""

import argparse
import json
import os
import statistics
import subprocess
import sys

from quiet import settle

SCALING = {
    "one": "single",
    "four": "ma-separation:attention=2,experts=2",
    "four-whole": "ma-separation:attention=2,experts=2,microbatches=1",
}


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}{done.stdout}")
    return done.stdout


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
            quiet += settle(args.settle)
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("gen", "model", "topology", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--prefill", type=int, default=64)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--settle", type=float, default=20, help="seconds to wait for a quiet machine")
    args = parser.parse_args()
    result = scaling(args)
    with open(os.path.join(args.out, "scaling.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    print(scaling_text(result))


if __name__ == "__main__":
    main()
