"""check: processor time of the proof alone, by ranks and by layers. Plans are made by gen; bench/proving lowers and proves
them, the least of several runs counts.
"""

import argparse
import os
import subprocess

LARGE = ["-m", "models/large-ep-61.yaml", "-t", "topologies/h100-16x8.yaml", "--batch", "1024",
         "--prefill", "64", "--context", "1024",
         # The time to prove is asked for, not whether it fits.
         "--set", "nodes[0].gpu.memory=4 TB"]


def strategies(ranks):
    return {
        "ep": "ep",
        "tp-pp": f"tp-pp:tp=8,pp={ranks // 8},microbatches=4" if ranks <= 64 else
                 f"tp-pp:tp=8,pp=8,dp={ranks // 64},microbatches=4",
        "ma-separation": f"ma-separation:attention={ranks // 2},experts={ranks // 2},"
                         f"groups={ranks // 8},microbatches=2",
    }


def measure(options, name, strategy, ranks, layers):
    plan = os.path.join(options.out, "check-plan.json")
    subprocess.run([options.gen, "plan", *LARGE, "--set", f"nodes[0].count={ranks // 8}",
                    "--set", f"layers={layers}", "-s", strategy, "-o", plan, "-q"],
                   check=True, stdout=subprocess.DEVNULL)
    found = subprocess.run([options.proving, plan, str(options.repeats)], check=True,
                           capture_output=True, text=True).stdout.split()
    print(f"| {name} | {ranks} | {layers} | {found[1]} | {found[2]} | {found[3]} | {found[4]} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gen", required=True)
    parser.add_argument("--proving", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print("| strategy | ranks | layers | operations listed | executed | CPU s | flat, CPU s |\n"
          "|---|---|---|---|---|---|---|")
    for name in strategies(16):
        for ranks in (16, 32, 64, 128):
            measure(options, name, strategies(ranks)[name], ranks, 61)
        for layers in (8, 16, 32, 122):
            measure(options, name, strategies(128)[name], 128, layers)


if __name__ == "__main__":
    main()
