#!/usr/bin/env python3
"""Shows that check_calls.py finds each class of difference: changes one thing in a rank's log, and expects that the
comparison with the schedule fails and says what is wrong.

usage: mutate_calls.py DIR --log PREFIX --transport loopback|nccl --functions lua/emit/cuda.lua --work FOLDER
"""
import argparse
import os
import random
import re
import shutil
import sys

from calls_log import Difference
from check_calls import check

BOTH, LOOPBACK, NCCL = ("loopback", "nccl"), ("loopback",), ("nccl",)


def is_call(name, **fields):
    def found(line):
        cells = line.split("\t")
        return cells[1] == name and re.match(r"\d+ ", cells[0]) and all(f"{k}={v}" in cells for k, v in fields.items())

    return found


def of_kernel(line):
    return is_call("cudaLaunchKernel")(line) and "kernel=rt_" not in line


def holds(name, text):
    return lambda line: is_call(name)(line) and text in line


def put(key, change):
    """Change a field of a line."""

    def apply(lines, i):
        lines[i] = re.sub(rf"(\t{key}=)([^\t]*)", lambda m: m[1] + change(m[2]), lines[i])

    return apply


def drop(lines, i):
    del lines[i]


def twice(lines, i):
    lines.insert(i, lines[i])


def late(lines, i):
    """Behind the next call of the operation."""
    if lines[i + 1].split("\t")[0] == lines[i].split("\t")[0]:
        lines[i], lines[i + 1] = lines[i + 1], lines[i]
    else:
        del lines[i]


def swap_operations(lines, i):
    first = lines[i].split("\t")[0]
    j = i
    while lines[j].split("\t")[0] == first:
        j += 1
    second = lines[j].split("\t")[0]
    for k in range(i, len(lines)):
        cells = lines[k].split("\t")
        if cells[0] not in (first, second):
            break
        lines[k] = "\t".join([second if cells[0] == first else first, *cells[1:]])


def other(text):
    """The next number."""
    return re.sub(r"\d+$", lambda m: str(int(m[0]) + 1), text)


def early(text):
    return "0"


def more(text):
    return str(int(text) + 4)


def part_bytes(text):
    return re.sub(r"(\d+)$", lambda m: str(int(m[1]) + 16), text)


def part_place(text):
    return re.sub(r"0x([0-9a-f]+)", lambda m: hex(int(m[1], 16) + 64), text, count=1)


def part_missing(text):
    return text.split(";", 1)[1] if ";" in text else text.replace("0x", "0x1", 1)


def terms_swapped(text):
    cells = text.split(",")
    return ",".join(cells[:3] + [cells[4], cells[3]] + cells[5:])


# name, transports, which lines, what is done, what is said; None: of no matter
MUTANTS = [
    ("an operation is missing", BOTH, of_kernel, None, "the schedule has"),
    ("two operations change places", BOTH, of_kernel, swap_operations, "the schedule has"),
    ("a kernel runs on another stream", BOTH, of_kernel, put("stream", other), "not on"),
    ("a kernel of another kind", BOTH, of_kernel, put("kernel", lambda k: "embed_rows_of_nobody"), "runs"),
    ("a wait is left out", BOTH, holds("cudaStreamWaitEvent", "event=e"), drop, None),
    ("a wait for another event", BOTH, holds("cudaStreamWaitEvent", "event=e"), put("event", other), "event"),
    ("a wait on another stream", BOTH, holds("cudaStreamWaitEvent", "event=e"), put("stream", other), "not on"),
    ("a wait more than wanted", BOTH, holds("cudaStreamWaitEvent", "event=e"), twice, None),
    ("a record is left out", BOTH, is_call("cudaEventRecord"), drop, None),
    ("a record on another stream", BOTH, is_call("cudaEventRecord"), put("stream", other), "not on"),
    ("a record of another event", BOTH, is_call("cudaEventRecord"), put("event", other), "event"),
    ("a copy of more tokens", BOTH, is_call("cudaMemcpyAsync", kind="1"), put("bytes", more), "the schedule has"),
    ("a wait for a peer is left out", LOOPBACK, holds("cudaStreamWaitEvent", "event=rank"), drop, None),
    ("a wait for another peer's event", LOOPBACK, holds("cudaStreamWaitEvent", "event=rank"), put("event", other), "records"),
    ("a wait issued before its record", LOOPBACK, holds("cudaStreamWaitEvent", "event=rank"), put("n", early), "not between"),
    ("a copy of other bytes", LOOPBACK, holds("cudaLaunchKernel", "parts="), put("parts", part_bytes), "the schedule has"),
    ("a copy to another place", LOOPBACK, holds("cudaLaunchKernel", "parts="), put("parts", part_place), "the schedule has"),
    ("a range is not copied", LOOPBACK, holds("cudaLaunchKernel", "parts="), put("parts", part_missing), None),
    ("counts are not looked at", BOTH, holds("cudaLaunchKernel", "kernel=rt_counts"), drop, None),
    ("a sum in another order", LOOPBACK, holds("cudaLaunchKernel", "sum="), put("sum", terms_swapped), "the schedule has"),
    ("a sum is taken twice", LOOPBACK, holds("cudaLaunchKernel", "sum="), twice, None),
    ("a send is left out", NCCL, is_call("ncclSend"), drop, None),
    ("a receive of other bytes", NCCL, is_call("ncclRecv"), put("count", more), None),
    ("a send to another member", NCCL, is_call("ncclSend"), put("peer", lambda p: "0" if p != "0" else "1"), None),
    ("a send on another stream", NCCL, is_call("ncclSend"), put("stream", other), "not on"),
    ("another communicator", NCCL, is_call("ncclSend"), put("comm", lambda c: c + ".9"), "communicator"),
    ("a group is not closed", NCCL, is_call("ncclGroupEnd"), drop, None),
    ("a collective of fewer elements", NCCL, is_call("ncclAllReduce"), put("count", lambda c: str(int(c) - 1)), "the schedule has"),
    ("a collective of another type", NCCL, is_call("ncclAllReduce"), put("type", lambda t: "u8"), "the schedule has"),
]


def remove_operation(lines, i):
    name = lines[i].split("\t")[0]
    while lines[i - 1].split("\t")[0] == name:
        i -= 1
    while lines[i].split("\t")[0] == name:
        del lines[i]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    for name in ("log", "transport", "functions", "work"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    prefix, names = os.path.basename(options.log), []
    where, work = os.path.dirname(options.log) or ".", options.work
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    logs = {n: open(os.path.join(where, n)).read().splitlines() for n in os.listdir(where) if n.startswith(prefix + ".rank")}
    choose, missed, absent = random.Random(1), 0, []
    for name, transports, site, change, said in MUTANTS:
        if options.transport not in transports:
            continue
        sites = [(n, i) for n, lines in sorted(logs.items()) for i, line in enumerate(lines) if site(line)]
        if not sites:
            absent.append(name)
            continue
        names.append(name)
        chosen, i = choose.choice(sites)
        for n, lines in logs.items():
            lines = list(lines)
            if n == chosen:
                (change or remove_operation)(lines, i)
            open(os.path.join(work, n), "w").write("\n".join(lines) + "\n")
        try:
            check(options.folder, os.path.join(work, prefix), options.transport, options.functions)
            print(f"{name}: {chosen}:{i + 1}: not found")
            missed += 1
        except Difference as difference:
            if said and said not in str(difference):
                print(f"{name}: {chosen}:{i + 1}: found as something else: {difference}")
                missed += 1
    print(f"{len(names) - missed} of {len(names)} mutants of {options.transport} found; "
          f"no site for: {', '.join(absent) or 'none'}")
    return 1 if missed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
