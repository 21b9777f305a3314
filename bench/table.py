#!/usr/bin/env python3
"""Turn the lines of moves into a table of ratios, as text JSON (--json), or the tables of
docs/benchmarks.md (--markdown). Times are medians over batches;
+- is half the distance of the quartiles, in percent of the median; the ratio is theirs / ours, above 1 where
ours is faster. A cell that was run with several settings of the MPI shows the run with the least ratio."""

import json
import statistics
import sys


def read(path):
    cells = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            label, move, ranks, size, side, _, _, time = line.split()
            runs = cells.setdefault((move, int(ranks), int(size)), {})
            runs.setdefault(label, {}).setdefault(side, []).append(float(time))
    return cells


def summary(times):
    median = statistics.median(times)
    if len(times) < 2:
        return median, 0.0
    low, _, high = statistics.quantiles(times, n=4, method="inclusive")
    return median, 50 * (high - low) / median


def row_of(move, ranks, size, label, sides):
    ours, theirs = summary(sides["ours"]), summary(sides["theirs"])
    return {
        "move": move,
        "ranks": ranks,
        "bytes": size,
        "settings": label,
        "ours_us": ours[0],
        "ours_spread_percent": ours[1],
        "theirs_us": theirs[0],
        "theirs_spread_percent": theirs[1],
        "ratio": theirs[0] / ours[0],
    }


def rows(cells):
    moves = list(dict.fromkeys(move for move, _, _ in cells))
    for (move, ranks, size), runs in sorted(cells.items(), key=lambda cell: (moves.index(cell[0][0]), cell[0][1:])):
        yield min((row_of(move, ranks, size, *run) for run in runs.items()), key=lambda row: row["ratio"])


def size_text(size):
    return f"{size >> 20} MiB" if size >> 20 else f"{size >> 10} KiB"


def medians(table):
    groups = {}
    for row in table:
        groups.setdefault((row["move"], row["ranks"]), []).append(row["ratio"])
    return [
        {
            "move": move,
            "ranks": ranks,
            "sizes": len(ratios),
            "median_ratio": statistics.median(ratios),
            "least_ratio": min(ratios),
        }
        for (move, ranks), ratios in groups.items()
    ]


def print_text(table, groups):
    print(f"{'move':18} {'ranks':>5} {'size':>8} {'ours us':>10} {'+-%':>4} {'theirs us':>10} {'+-%':>4} {'ratio':>6}  settings")
    for r in table:
        print(
            f"{r['move']:18} {r['ranks']:5} {size_text(r['bytes']):>8} {r['ours_us']:10.1f} "
            f"{r['ours_spread_percent']:4.0f} {r['theirs_us']:10.1f} {r['theirs_spread_percent']:4.0f} "
            f"{r['ratio']:6.2f}  {r['settings']}"
        )
    print()
    ranks = sorted({g["ranks"] for g in groups})
    print("median ratio over the sizes (least)")
    print(f"{'move':18}" + "".join(f"{n:>5} ranks   " for n in ranks))
    for move in dict.fromkeys(g["move"] for g in groups):
        by_ranks = {g["ranks"]: g for g in groups if g["move"] == move}
        cells = (f"{by_ranks[n]['median_ratio']:6.2f} ({by_ranks[n]['least_ratio']:.2f})" for n in ranks if n in by_ranks)
        print(f"{move:18}" + "".join(f"{cell:14}" for cell in cells))


def print_markdown(table, groups):
    ranks = sorted({g["ranks"] for g in groups})
    print("| median over sizes (least) | " + " | ".join(f"{n} ranks" for n in ranks) + " |")
    print("|---|" + "---:|" * len(ranks))
    for move in dict.fromkeys(g["move"] for g in groups):
        cells = [f"{g['median_ratio']:.2f} ({g['least_ratio']:.2f})" for g in groups if g["move"] == move]
        print(f"| {move} | " + " | ".join(cells) + " |")
    sizes = sorted({r["bytes"] for r in table})
    print("\n| move, ranks | " + " | ".join(size_text(size) for size in sizes) + " |")
    print("|---|" + "---:|" * len(sizes))
    for g in groups:
        cells = [r for r in table if (r["move"], r["ranks"]) == (g["move"], g["ranks"])]
        print(f"| {g['move']}, {g['ranks']} | " + " | ".join(f"{r['ratio']:.2f}" for r in cells) + " |")
    print(f"\n| us at {ranks[-1]} ranks | " + " | ".join(size_text(size) for size in sizes) + " |")
    print("|---|" + "---:|" * len(sizes))
    for move in dict.fromkeys(g["move"] for g in groups):
        for side in ("ours", "theirs"):
            cells = [r for r in table if (r["move"], r["ranks"]) == (move, ranks[-1])]
            times = " | ".join(f"{r[side + '_us']:.0f} ±{r[side + '_spread_percent']:.0f}%" for r in cells)
            print(f"| {move}, {side} | {times} |")


def main():
    paths = [a for a in sys.argv[1:] if a not in ("--json", "--markdown")]
    if len(paths) != 1:
        sys.exit("usage: table.py [--json | --markdown] FILE")
    table = list(rows(read(paths[0])))
    groups = medians(table)
    if "--json" in sys.argv:
        json.dump({"cells": table, "medians": groups}, sys.stdout, indent=1)
        print()
    elif "--markdown" in sys.argv:
        print_markdown(table, groups)
    else:
        print_text(table, groups)


if __name__ == "__main__":
    main()
