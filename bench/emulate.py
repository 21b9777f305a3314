"""Emulated against simulated step times of plans of 16 ranks: makes, builds and emulates each, prints a Markdown table.

usage: emulate.py --gen GEN --model MODEL --topology TOPOLOGY --out DIR [--plans SUBSTRING] [--steps N]
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

PLANS = [
    "ma-separation",
    "ma-separation:attention=12,experts=4",
    "ma-separation:attention=6,experts=10",
    "ma-separation:attention=8,experts=8,groups=1",
    "ma-separation:attention=8,experts=8,groups=2",
    "ma-separation:attention=8,experts=8,groups=4,output=hierarchical",
    "ma-separation:attention=8,experts=8,groups=4,output=flat",
    "ma-separation:attention=8,experts=8,placement=packed",
    "ma-separation:attention=8,experts=8,moves=exact",
    "ma-separation:attention=8,experts=8,microbatches=1",
    "ma-separation:attention=8,experts=8,microbatches=2",
    "ma-separation:attention=4,experts=4,dp=2",
    "tp",
    "tp:output=hierarchical",
    "tp:output=ring",
    "tp:output=recursive",
    "tp:tp=8,dp=2",
    "tp:tp=4,dp=4",
    "pp:pp=4,dp=4",
    "pp:pp=2,dp=8",
    "tp-pp:tp=4,pp=4",
    "tp-pp:tp=8,pp=2",
    "tp-pp:tp=2,pp=4,dp=2",
    "ep",
    "ep:ep=8,dp=2",
    "ep:microbatches=2",
    "ep:moves=exact",
    "auto",
]


def call(arguments, **more):
    done = subprocess.run([str(a) for a in arguments], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **more)
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        sys.exit(f"failed: {' '.join(str(a) for a in arguments)}")
    return done.stdout


def emulate(options, plan):
    directory = options.out / "emulated"
    shutil.rmtree(directory, ignore_errors=True)
    call([options.gen, "make", "-q", "-m", options.model, "-t", options.topology, "-s", plan, "-o",
          directory])
    call([options.gen, "build", "-q", directory])
    text = call([options.gen, "run", "-q", directory, "--emulate", "--steps", options.steps, "--json"])
    return json.loads(text)["steps"]


def row(plan, step):
    took = step["emulated_s"]
    return (f"| {plan} | {step['name']} | {step['simulated_s'] * 1e3:.3f} | {took['least_late'] * 1e3:.3f} "
            f"| {step['ratio']:.4f} | {took['min'] * 1e3:.3f} - {took['max'] * 1e3:.3f} | {step['scale']:.3g} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gen", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--topology", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--plans", default="", help="only those whose name has this in it")
    parser.add_argument("--steps", default=3, type=int)
    options = parser.parse_args()
    print("| plan | step | simulated ms | emulated ms | ratio | of the runs | scale |")
    print("|---|---|---:|---:|---:|---:|---:|", flush=True)
    ratios, plans = [], [plan for plan in PLANS if options.plans in plan]
    for plan in plans:
        for step in emulate(options, plan):
            if step["missing"] or step["surplus"]:
                sys.exit(f"{plan}: {step['name']} executed other operations than were simulated")
            print(row(plan, step), flush=True)
            ratios.append(step["ratio"])
    worst = max(ratios, key=lambda ratio: abs(ratio - 1))
    within = sum(abs(ratio - 1) <= 0.05 for ratio in ratios)
    print(f"\n{len(plans)} plans, {len(ratios)} steps: {within} within 5 %, the worst ratio {worst:.4f}")


main()
