"""Checks a trace in Chrome's JSON: slices of a track never overlap, every arrow joins two slices of different
ranks, counters stay within LIMIT bytes; prints how many ranks, slices, arrows and levels there are.
usage: trace.py FILE [LIMIT]"""

import collections
import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    limit = float(sys.argv[2]) if len(sys.argv) > 2 else float("inf")
    tracks, starts, ends, levels = collections.defaultdict(list), {}, {}, 0
    for event in events:
        if event["ph"] == "X":
            tracks[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
        elif event["ph"] == "s":
            assert event["id"] not in starts, "an arrow begins twice"
            starts[event["id"]] = event
        elif event["ph"] == "f":
            assert event["id"] not in ends and event["bp"] == "e", "an arrow ends twice"
            ends[event["id"]] = event
        elif event["ph"] == "C":
            levels += 1
            assert 0 < sum(event["args"].values()) <= limit and min(event["args"].values()) >= 0, event
    named = {(e["pid"], e["tid"]) for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    for track, slices in tracks.items():
        assert track in named, f"track {track} has no name"
        slices.sort()
        for before, after in zip(slices, slices[1:]):
            assert after[0] >= before[1] - 1e-6, f"{track}: {before} and {after} overlap"
    assert starts.keys() == ends.keys()
    for key, start in starts.items():
        assert start["pid"] != ends[key]["pid"] and start["ts"] <= ends[key]["ts"]
        for end in (start, ends[key]):
            slices = tracks[end["pid"], end["tid"]]
            assert any(a - 1e-6 <= end["ts"] <= b + 1e-6 for a, b in slices), "an arrow from nowhere"
    ranks = len({pid for pid, _ in tracks})
    print(ranks, sum(map(len, tracks.values())), len(starts), levels)


main()
