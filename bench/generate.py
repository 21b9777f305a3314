"""generate: what it takes from a model, a cluster and a workload to sources: planned, lowered, proved, simulated and
written by one `gen make`. The least of several runs of each case counts, in processor and in wall seconds.
"""

import argparse
import os
import shutil
import subprocess
import time

LARGE = ["-m", "models/large-ep-61.yaml", "-t", "topologies/h100-16x8.yaml",
         "--prefill", "128", "--context", "512",
         # The time to generate is asked for, not whether it fits.
         "--set", "nodes[0].gpu.memory=4 TB"]


def case(series, label, ranks, strategy, batch, *settings):
    arguments = ["--set", f"nodes[0].count={(ranks + 7) // 8}", "-s", strategy, "--batch", str(batch)]
    for setting in settings:
        arguments += ["--set", setting]
    return series, label, strategy, arguments


def cases():
    for ranks in (8, 16, 32, 64, 128, 256, 512, 1024):
        yield case("ranks", f"{ranks} ranks", ranks, "ep", ranks)
    for ranks in (128, 1024):
        half = ranks // 2
        experts = min(128, half)
        separated = f"ma-separation:attention={ranks - experts},experts={experts},groups={ranks - experts}"
        yield case("ranks", f"{ranks} ranks", ranks, separated, ranks)
        yield case("ranks", f"{ranks} ranks", ranks, f"ep:ep={ranks // 8},tp=8", ranks)
    yield case("ranks", "128 ranks", 128, "tp-pp:tp=8,pp=16,microbatches=4", 128)
    yield case("ranks", "128 ranks", 128, "tp:tp=128", 128)
    for layers in (8, 15, 30, 61):
        yield case("layers", f"{layers} layers", 128, "ep", 128, f"layers={layers}")
    for experts in (16, 32, 64, 128, 256, 512):
        yield case("experts", f"{experts} experts", 128, "ep", 128, f"experts={experts}")


def size_of(folder):
    return sum(os.path.getsize(os.path.join(root, name))
               for root, _, names in os.walk(folder) for name in names)


def measure(gen, arguments, out, repeats):
    """Least processor seconds, least wall seconds, peak MiB, MB of sources."""
    best = [float("inf"), float("inf"), 0]
    for _ in range(repeats):
        shutil.rmtree(out, ignore_errors=True)
        before = time.monotonic()
        child = subprocess.Popen([gen, "make", *LARGE, *arguments, "-o", out, "-q"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - before
        if child.returncode:
            raise SystemExit(f"gen make {' '.join(arguments)}: {said.decode()}")
        best[0] = min(best[0], usage.ru_utime + usage.ru_stime)
        best[1] = min(best[1], wall)
        best[2] = max(best[2], usage.ru_maxrss / 1024)
    megabytes = size_of(out) / 1e6
    shutil.rmtree(out, ignore_errors=True)
    return *best, megabytes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gen", required=True)
    parser.add_argument("--out", required=True, help="folder for programs, emptied")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    out = os.path.join(options.out, "generated")
    last = None
    for series, label, strategy, arguments in cases():
        if series != last:
            print(f"\n| {series} | strategy | CPU s | wall s | peak MiB | written MB |\n|---|---|---|---|---|---|")
            last = series
        cpu, wall, peak, megabytes = measure(options.gen, arguments, out, options.repeats)
        print(f"| {label} | {strategy} | {cpu:.2f} | {wall:.2f} | {peak:.0f} | {megabytes:.2f} |", flush=True)


if __name__ == "__main__":
    main()
