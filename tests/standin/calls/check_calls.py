#!/usr/bin/env python3
"""Compares the calls that the ranks of a program made to CUDA and NCCL, as the stand-ins logged them, with the program's
schedule: every rank's operations in order, each on its stream; the waits that the schedule wants, on the event of the last
record of that operation in the step; the records that others wait for; what each move copies, adds up, sends and receives,
byte for byte; and nothing else. For kernels it says which functions may run, not what they compute.

usage: check_calls.py DIR --log PREFIX --transport loopback|nccl --functions lua/emit/cuda.lua
"""
import argparse
import re
import sys

from calls_log import Difference, Log
from calls_loopback import Moves as LoopbackMoves
from calls_nccl import Moves as NcclMoves
from calls_schedule import ABSENT, Schedule

MOVES = ("all_reduce", "reduce_scatter", "all_gather", "transfer", "send", "recv", "dispatch", "combine")
LAUNCHES = ("cudaLaunchKernel", "cudaMemsetAsync", "cublasGemmEx")


def functions_of(path):
    """Functions of the module by kind: the table FUNCTIONS of lua/emit/cuda.lua."""
    table = re.search(r"FUNCTIONS <const> = \{(.*?)\n\}", open(path).read(), re.S)[1]
    return {k: re.findall(r'"(\w+)"', v) for k, v in re.findall(r"(\w+) = \{(.*?)\}", table, re.S)}


class Events:
    """Which event of the log is which of the checker's: one each, always the same, made by the rank that records it."""

    def __init__(self):
        self.name, self.key, self.records = {}, {}, {}

    def bind(self, key, name):
        if self.name.setdefault(key, name) != name or self.key.setdefault(name, key) != key:
            raise Difference(f"the event is {name} ({self.key.get(name, 'of nothing')}), not that of {key}")

    def recorded(self, key, instance, n):
        self.records.setdefault(key, []).append((instance, n))


class Checker:
    def __init__(self, schedule, logs, functions, moves):
        self.schedule, self.logs, self.functions, self.moves = schedule, logs, functions, moves
        self.events = Events()
        self.waits = []  # for peers: rank, call, key, instance
        self.instances = {}  # (place, number) -> {rank: op}
        self.runs = {}  # rank -> by step [(operation, Run, instance)]
        self.actual = {}  # rank -> by step what the log has
        self.streams = {}  # rank -> {name: of the log}

    # --- which operations ran

    def match_steps(self, rank, log):
        steps, seen, self.runs[rank] = self.schedule.steps(rank), {}, []
        self.actual[rank] = log.steps()
        for number, step in enumerate(self.actual[rank]):
            wanted = next((s for s in steps if s and s[0].id == step["ops"][0].op), None)
            if wanted is None:
                raise Difference(f"rank {rank}, step {number}: no step begins with operation {step['ops'][0].op}")
            for op, run in zip(wanted, step["ops"]):
                if (op.id, op.layer) != (run.op, run.layer):
                    raise Difference(
                        f"rank {rank}, step {number}, {log.path}:{run.calls[0].number}: calls of operation {run.op} "
                        f"at layer {run.layer}; the schedule has {op}")
            if len(wanted) != len(step["ops"]):
                raise Difference(f"rank {rank}, step {number}: {len(step['ops'])} operations, "
                                 f"the schedule has {len(wanted)}")
            self.runs[rank].append([(op, run, self.meet(rank, op, seen)) for op, run in zip(wanted, step["ops"])])

    def meet(self, rank, op, seen):
        if op.kind not in MOVES:
            return None
        place = ("exchange", op.exchange, op.kind) if op.exchange != ABSENT else ("channel", op.channel)
        seen[place] = seen.get(place, 0) + 1
        instance = (*place, seen[place])
        self.instances.setdefault(instance, {})[rank] = op
        return instance

    # --- one operation

    def body(self, rank, op, instance):
        """The calls that an operation has to make, None: those of a kernel."""
        if op.kind in MOVES:
            return self.moves.of(rank, op, instance, self.instances[instance])
        slab = self.moves.slabs[rank]
        if op.kind == "begin":
            size = 4 * op.arg("sequences") * op.arg("tokens")
            return [("store", slab + op.arg(a), size) for a in ("ids", "positions") if op.arg(a) != ABSENT]
        if op.kind == "finish":
            return [("fetch", slab + op.arg("next"), 4 * op.arg("sequences"))]
        return None

    def check_op(self, rank, op, run, instance, stream, recorded, number):
        calls = list(run.calls)
        waits = [w for w in op.waits if w in recorded]
        for wait in waits:
            self.check_wait(rank, calls.pop(0) if calls else None, stream, (rank, ("op", wait)), None)
        tail = [(rank, ("op", op.id))] if op.records else []
        tail.append((rank, ("track", number)))
        ends = calls[len(calls) - len(tail):] if len(calls) >= len(tail) else []
        middle = calls[:len(calls) - len(ends)]
        wanted = self.body(rank, op, instance)
        if wanted is None:
            self.check_kernel(rank, op, middle, stream)
        else:
            self.check_calls(rank, middle, wanted, stream, instance)
        for key in tail:
            self.check_record(rank, ends.pop(0) if ends else None, stream, key, instance)
        if op.records:
            recorded.add(op.id)

    def check_kernel(self, rank, op, calls, stream):
        """Launches, products, and logits that are read: copies to the host, each part with an event that nobody has else."""
        allowed, read = self.functions.get(op.kind, []), False
        for call in calls:
            if read and call.name == "cudaEventRecord":
                self.check_record(rank, call, stream, (rank, ("read", call.event())), None)
                continue
            if call.get("stream") != stream:
                raise Difference(f"{call.text()}: not on {stream}, the stream of {op.stream}")
            if call.name == "cudaLaunchKernel" and call.get("kernel") not in allowed:
                raise Difference(f"{call.text()}: {op.kind} runs {', '.join(allowed) or 'no function'}")
            reads = call.name == "cudaMemcpyAsync" and call.get("kind") == "2"
            read = read or reads
            if call.name not in LAUNCHES and not call.name.startswith("cublas") and not reads:
                raise Difference(f"{call.text()}: not a kernel's")

    def check_record(self, rank, call, stream, key, instance):
        if call is None or call.name != "cudaEventRecord":
            raise Difference(f"{call.text() if call else 'nothing more'}: the record of {key[1]} is missing")
        self.on(call, stream)
        self.events.bind(key, call.event())
        self.events.recorded(key, instance, call.n)

    def check_wait(self, rank, call, stream, key, instance):
        if call is None or call.name != "cudaStreamWaitEvent":
            raise Difference(f"{call.text() if call else 'nothing more'}: the wait for {key[1]} of rank {key[0]} is missing")
        self.on(call, stream)
        if key[0] == rank:
            self.events.bind(key, call.event())
        self.waits.append((rank, call, key, instance))

    @staticmethod
    def on(call, stream):
        if call.get("stream") != stream:
            raise Difference(f"{call.text()}: not on {stream}")

    def check_calls(self, rank, calls, wanted, stream, instance):
        for want in wanted:
            call = calls.pop(0) if calls else None
            if want[0] == "record":
                self.check_record(rank, call, stream, want[1], instance)
            elif want[0] == "wait":
                self.check_wait(rank, call, stream, want[1], want[2])
            else:
                got = self.moves_call(call)
                if got != want:
                    raise Difference(f"{call.text() if call else 'nothing more'}: {show(got)}; "
                                     f"the schedule has {show(want)}")
                if not call.name.startswith("ncclGroup"):
                    self.on(call, stream)
        if calls:
            raise Difference(f"{calls[0].text()}: the schedule has nothing more here")

    @staticmethod
    def moves_call(call):
        if call is None:
            return ("nothing",)
        if call.name == "cudaMemcpyAsync":
            if call.get("kind") == "1":
                return ("store", call.address("to"), int(call.get("bytes")))
            return ("fetch" if call.get("kind") == "2" else "copy", call.address("from"), int(call.get("bytes")))
        if call.name == "cudaLaunchKernel":
            kernel = call.get("kernel")
            for name, key in (("copy", "parts"), ("counts", "counts"), ("sum", "sum")):
                if kernel == "rt_" + name:
                    parts = tuple(tuple(number(x) for x in p.split(",")) for p in call.get(key).split(";"))
                    return (name, parts[0] if name == "sum" else parts)
            return ("kernel", kernel)
        return NcclMoves.call(call)

    # --- around them

    def check_step(self, rank, number):
        step, recorded = self.actual[rank][number], set()
        streams = self.streams[rank]
        first, *others = streams.values()
        fork = [("record", first, "fork")] + [("wait", s, "fork") for s in others]
        join = sum(([("record", s, "join " + s), ("wait", first, "join " + s)] for s in others), [])
        fork_calls = [c for c in step["before"] if c.range == self.range(rank, step["before"])]
        before = [c for c in fork_calls if c.name in ("cudaEventRecord", "cudaStreamWaitEvent")][-len(fork):]
        self.check_frame(rank, before, fork)
        for i, (op, run, instance) in enumerate(self.runs[rank][number]):
            try:
                self.check_op(rank, op, run, instance, streams[op.stream], recorded, i)
            except Difference as difference:
                raise Difference(f"rank {rank}, step {number}, {op} ({self.logs[rank].path}:{run.calls[0].number}): "
                                 f"{difference}") from None
        after = [c for c in step["after"] if c.name in ("cudaEventRecord", "cudaStreamWaitEvent")]
        self.check_frame(rank, after[:len(join) + 1], join + [("record", first, "done")])
        strangers = [c for c in step["after"][:len(join) + 1] if c.name.startswith("nccl") or c.name == "cudaLaunchKernel"]
        if strangers:
            raise Difference(f"rank {rank}, step {number}: {strangers[0].text()}: between operations")

    @staticmethod
    def range(rank, calls):
        """The innermost range of the last call before the operations: the step's."""
        return calls[-1].range if calls else ""

    def check_frame(self, rank, calls, wanted):
        for want in wanted:
            call = calls.pop(0) if calls else None
            check = self.check_record if want[0] == "record" else self.check_wait
            try:
                check(rank, call, want[1], (rank, (want[2],)), None)
            except Difference as difference:
                raise Difference(f"rank {rank}, around a step: {difference}") from None

    def check_waits(self):
        """Waits for peers: of the event that the peer records, and between that record and its next."""
        for rank, call, key, instance in self.waits:
            where = f"rank {rank}, {self.logs[rank].path}:{call.number}: {call.text()}"
            records = self.events.records.get(key, [])
            if not records:
                raise Difference(f"{where}: rank {key[0]} never records {key[1]}")
            if self.events.name[key] != call.event():
                raise Difference(f"{where}: rank {key[0]} records {self.events.name[key]} as {key[1]}")
            before = [r for r in records if r[1] < call.n]
            if instance is not None and call.n >= 0 and (not before or before[-1][0] != instance):
                raise Difference(f"{where}: issued at {call.n}, not between the record for {instance} and the next")

    def check_streams(self, rank):
        """The first rank of a process makes one more before, to open the device."""
        made = [c for c in self.logs[rank].calls if c.name == "cudaStreamCreateWithPriority"]
        if len(made) < len(self.schedule.streams):
            raise Difference(f"rank {rank}: {len(made)} streams, the schedule has {len(self.schedule.streams)}")
        made = made[len(made) - len(self.schedule.streams):]
        self.streams[rank] = {name: c.get("stream") for name, c in zip(self.schedule.streams, made)}
        level = [int(c.get("priority")) for c in made]
        for i, urgent in enumerate(self.schedule.urgent):
            for j, other in enumerate(self.schedule.urgent):
                if urgent and not other and level[i] >= level[j]:
                    raise Difference(f"rank {rank}: stream {self.schedule.streams[i]} does not go before "
                                     f"{self.schedule.streams[j]}")

    def run(self):
        for rank, log in self.logs.items():
            self.check_streams(rank)
            self.match_steps(rank, log)
        self.moves.learn(self)
        counts = {len(steps) for steps in self.runs.values()}
        if len(counts) > 1:
            raise Difference(f"the ranks run different numbers of steps: {sorted(counts)}")
        for rank in self.logs:
            for number in range(len(self.runs[rank])):
                self.check_step(rank, number)
        self.check_waits()
        self.moves.finish(self)
        calls = sum(len(log.calls) for log in self.logs.values())
        return f"{calls} calls of {len(self.logs)} ranks in {sum(counts)} steps, as in schedule.json"


def number(text):
    return 0 if text == "(nil)" else int(text, 16) if text.startswith("0x") else int(text)


def show(part):
    if isinstance(part, tuple):
        text = " ".join(show(p) for p in part)
        return text if len(text) < 400 else text[:400] + " ..."
    return hex(part) if isinstance(part, int) and part >= 4096 else str(part)


def check(folder, prefix, transport, functions):
    schedule = Schedule(folder)
    logs = {rank: Log(prefix, rank) for rank in range(schedule.world)}
    moves = (LoopbackMoves if transport == "loopback" else NcclMoves)(schedule, logs)
    return Checker(schedule, logs, functions_of(functions), moves).run()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--log", required=True)
    parser.add_argument("--transport", required=True, choices=("loopback", "nccl"))
    parser.add_argument("--functions", required=True)
    options = parser.parse_args()
    try:
        print(check(options.folder, options.log, options.transport, options.functions))
    except Difference as difference:
        print(f"check_calls: {difference}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
