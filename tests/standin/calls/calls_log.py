"""The log of a rank's calls as the stand-ins write it (standin_log.cpp): tab-separated lines of the innermost NVTX range,
the call, and key=value fields."""
import re

OPERATION = re.compile(r"^(\d+) (\w+)(?:, layer (-?\d+))?$")

MADE = ("cudaEventCreate", "cudaEventCreateWithFlags", "cudaMallocHost", "cudaHostAlloc")  # made when first used


class Difference(Exception):
    pass


class Call:
    def __init__(self, thread, line, number):
        self.range, self.name, *fields = line.split("\t")
        self.fields = dict(f.split("=", 1) for f in fields if "=" in f)
        self.number, self.thread = number, thread
        self.n = int(self.fields.get("n", -1))

    def text(self):
        return self.name + " " + " ".join(f"{k}={v}" for k, v in self.fields.items() if k != "n")

    def get(self, key):
        return self.fields.get(key, "")

    def address(self, key):
        return int(self.fields[key], 16) if self.fields.get(key, "").startswith("0x") else 0

    def event(self):
        """With the name of the thread that made it."""
        name = self.get("event")
        return name if ":" in name else f"{self.thread}:{name}"


class Run:
    """The calls of one operation, or (op None) of the runtime between operations."""

    def __init__(self, match, calls):
        self.op = int(match[1]) if match else None
        self.layer = int(match[3]) if match and match[3] else -1
        self.calls = calls


class Log:
    def __init__(self, prefix, rank):
        self.rank, self.thread = rank, f"rank{rank}"
        path = f"{prefix}.{self.thread}"
        lines = open(path).read().splitlines()
        every = [Call(self.thread, line, i + 1) for i, line in enumerate(lines)]
        self.calls = [c for c in every if c.name not in MADE]
        self.path = path
        self.allocations = [(c.address("at"), int(c.get("bytes"))) for c in self.calls if c.name == "cudaMalloc"]

    def slab(self, bytes_):
        found = [a for a in self.allocations if a[1] >= bytes_]
        if not found:
            raise Difference(f"rank {self.rank} allocates no slab of {bytes_} bytes")
        return max(found, key=lambda a: a[1])[0]

    def allocation(self, bytes_):
        return next((a[0] for a in self.allocations if a[1] == bytes_), None)

    def runs(self):
        runs, last = [], None
        for call in self.calls:
            if call.range != last:
                runs.append(Run(OPERATION.match(call.range), []))
                last = call.range
            runs[-1].calls.append(call)
        return runs

    def steps(self):
        """The calls before the first step, then of each step its operations and what stands around them."""
        runs, steps = self.runs(), []
        before = []
        for run in runs:
            if run.op is None:
                before.append(run)
                continue
            if before or not steps:
                steps.append({"before": [c for r in before for c in r.calls], "ops": [], "after": []})
                if len(steps) > 1:
                    steps[-2]["after"] = steps[-1]["before"]
                before = []
            steps[-1]["ops"].append(run)
        if steps:
            steps[-1]["after"] = [c for r in before for c in r.calls]
        return steps
