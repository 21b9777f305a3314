#!/usr/bin/env python3
"""Predicted against measured step times, run by run.sh: calibrates this machine, then makes deployments of the small
model that were not measured, and runs them in turns. Nothing is fitted to what is compared here."""

import argparse
import json
import os
import statistics
import subprocess
import sys

from quiet import settle

# Strategy, batch, prefill, and what else differs from models/ma-small.yaml.
DEPLOYMENTS = [
    ("single", 1, 72, []),
    ("single", 3, 36, []),
    ("single", 7, 40, []),
    ("single", 14, 24, []),
    ("single", 18, 20, []),
    ("single", 24, 40, []),
    ("single", 11, 64, ["model.experts=20"]),
    ("tp:tp=2", 2, 56, []),
    ("tp:tp=2", 6, 28, []),
    ("tp:tp=2", 14, 20, []),
    ("tp:tp=2", 22, 36, ["model.layers=3"]),
    ("tp:tp=2", 24, 40, []),
    ("ep:ep=2", 10, 28, []),
    ("ep:ep=2", 14, 36, []),
    ("ep:ep=2", 18, 20, []),
    ("ep:ep=2", 24, 24, ["model.experts=12"]),
    ("pp:pp=2", 10, 36, []),
    ("ma-separation:attention=1,experts=1", 10, 28, []),
    ("ma-separation:attention=1,experts=1", 14, 36, []),
]
STEPS = 8  # decode steps after full prompts, so that the context is nearly full, as plans are priced


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}{done.stdout}")
    return done.stdout


def make(args, number, strategy, batch, prefill, settings):
    """Emit and build a deployment; its folder and what is predicted for it."""
    folder = os.path.join(args.out, f"deployment-{number}")
    said = run([args.gen, "make", "-m", args.model, "-t", args.topology, "-s", strategy, "--batch", str(batch),
                "--prefill", str(prefill), "--context", str(prefill + STEPS), "--dtype", "f32", "-o", folder,
                "--json", "-q", *(word for setting in settings for word in ("--set", setting))])  # fmt: skip
    run([args.gen, "build", folder, "-q"])
    return folder, json.loads(said)["times"]


def measure(args, folder):
    return json.loads(run([args.gen, "bench", folder, "--repeat", "3", "--json", "-q"]))


def quartile(values):
    """What calibration takes too: the rounds that were least disturbed."""
    return statistics.quantiles(values, n=4, method="inclusive")[0] if len(values) > 1 else values[0]


def compare(rows, key):
    """Median error and width, share of intervals that hold."""
    errors = [abs(row[key]["expected"] / row[key]["measured"] - 1) for row in rows]
    widths = [(row[key]["high"] - row[key]["low"]) / row[key]["expected"] for row in rows]
    hits = [row[key]["low"] <= row[key]["measured"] <= row[key]["high"] for row in rows]
    return {"median_error": statistics.median(errors), "median_width": statistics.median(widths),
            "hold": sum(hits) / len(hits)}  # fmt: skip


def table(rows, key):
    lines = ["| deployment | measured ms | predicted ms | error | 90 % interval ms | holds |",
             "|---|---:|---:|---:|---:|---|"]  # fmt: skip
    for row in rows:
        t = row[key]
        holds = "yes" if t["low"] <= t["measured"] <= t["high"] else "no"
        lines.append(f"| {row['name']} | {t['measured'] * 1e3:.3f} | {t['expected'] * 1e3:.3f} | "
                     f"{100 * (t['expected'] / t['measured'] - 1):+.1f} % | "
                     f"{t['low'] * 1e3:.3f} to {t['high'] * 1e3:.3f} | {holds} |")  # fmt: skip
    summary = compare(rows, key)
    lines.append(f"\nmedian error {100 * summary['median_error']:.1f} %, {100 * summary['hold']:.0f} % of the intervals "
                 f"hold, median width {100 * summary['median_width']:.1f} %")  # fmt: skip
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("gen", "model", "topology", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--calibrated", help="a topology that gen calibrate wrote here, instead of a new one")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--settle", type=float, default=1)
    args = parser.parse_args()
    if not args.calibrated:
        folder = os.path.join(args.out, "calibration")
        run([args.gen, "calibrate", "-t", args.topology, "-o", folder, "-q"])
        args.calibrated = os.path.join(folder, "topology.yaml")
    args.topology = args.calibrated
    rows = []
    for number, (strategy, batch, prefill, settings) in enumerate(DEPLOYMENTS):
        folder, times = make(args, number, strategy, batch, prefill, settings)
        name = ", ".join([strategy, f"batch {batch}", f"prompt {prefill}", *settings])
        rows.append({"name": name, "folder": folder, "decode": times["tpot_s"], "prefill": times["prefill_s"],
                     "rounds": []})  # fmt: skip
    for _ in range(args.rounds):
        for row in rows:
            settle(args.settle)
            row["rounds"].append(measure(args, row["folder"]))
    for row in rows:
        row["decode"]["measured"] = quartile([round["tpot_ms"]["median"] for round in row["rounds"]]) / 1e3
        row["prefill"]["measured"] = quartile([round["prefill_ms"]["median"] for round in row["rounds"]]) / 1e3
    with open(os.path.join(args.out, "calibrated.json"), "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
    print("Decode step:\n\n" + table(rows, "decode") + "\n\nPrefill of the batch:\n\n" + table(rows, "prefill"))


main()
