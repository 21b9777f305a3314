"""What each rank of a program has to do, from schedule.json and the tables of program.c alone: operations in order, with
addresses and numbers of their arguments, and the arithmetic of what moves copy (docs/runtime.md has the formulas)."""
import json
import os
import re

TYPE_BYTES = {0: 4, 1: 2, 2: 2}
ABSENT = -1


class Op:
    """One executed operation of a rank."""

    def __init__(self, role, index, raw, layer):
        self.id, self.kind, self.stream = raw["id"], raw["kind"], raw["stream"]
        self.layer = layer - raw.get("lag", 0) if raw.get("per_layer") else -1
        self.waits, self.records = raw.get("waits", []), raw.get("records", False)
        self.channel = role.number(raw.get("channel", ABSENT), index)
        self.exchange = role.number(raw.get("exchange", ABSENT), index)
        self.args = {a[0]: self.value(role, index, a) for a in raw["arguments"]}

    def value(self, role, index, argument):
        if len(argument) == 2:
            return role.number(argument[1], index)
        buffer = role.buffers[argument[1]]
        at = buffer["offset"] + role.number(argument[2], index)
        if buffer.get("per_layer"):
            at += (self.layer - buffer["first_layer"]) * buffer["layer_stride"]
        return at

    def arg(self, name):
        return self.args.get(name, ABSENT)

    def __str__(self):
        return f"operation {self.id} {self.kind}" + (f", layer {self.layer}" if self.layer >= 0 else "")


class Role:
    def __init__(self, raw):
        self.raw = raw
        self.columns = {c["name"]: c["values"] for c in raw["columns"]}
        self.buffers = {b["name"]: b for b in raw["buffers"]}

    def number(self, value, index):
        return self.columns[value][index] if isinstance(value, str) else value

    def steps(self, index):
        """For each step its operations in the order in which they are executed."""
        for step in self.raw["steps"]:
            ops = []
            for segment in step["segments"]:
                begin, end = segment["layers"]
                for layer in range(begin, end):
                    ops += [Op(self, index, raw, layer) for raw in segment["operations"]]
            yield ops


class Exchange:
    """One direction of an exchange: senders and receivers by index."""

    def __init__(self, schedule, raw, back):
        sources = [(s["rank"], s["rows"][1] - s["rows"][0]) for s in raw["sources"]]
        targets = [(t["rank"], t["slots"]) for t in raw["targets"]]
        self.back, self.exact, self.top_k = back, raw["mode"] == "exact", schedule.top_k
        self.sources, self.targets = sources, targets
        self.senders = [r for r, _ in (targets if back else sources)]
        self.receivers = [r for r, _ in (sources if back else targets)]
        self.chunk = raw["chunk"]
        self.row_bytes, self.meta_bytes = schedule.row_bytes, 0 if back else 4 * schedule.top_k
        ways = raw.get("ways", {}).get("back" if back else "there", [])
        self.hops = [dict(zip(("stage", "from", "to", "source", "target"), w)) for w in ways]

    def window(self, sender, receiver):
        if not self.back:
            return self.sources[sender][1]
        return self.sources[receiver][1] * min(self.targets[sender][1], self.top_k)

    def ends(self, hop):
        """Sender and receiver, by index, whose rows a hop carries."""
        return (hop["target"], hop["source"]) if self.back else (hop["source"], hop["target"])

    def is_last(self, hop):
        return hop["to"] == self.receivers[self.ends(hop)[1]]

    def brought_by(self, which):
        hop = self.hops[which]
        for i, other in enumerate(self.hops[:which]):
            if other["to"] == hop["from"] and self.ends(other) == self.ends(hop):
                return i
        return None

    def relay_first(self, rank, which):
        """First row, of those that a rank passes on, of what a hop brought it."""
        before = [h for h in self.hops[:which] if h["to"] == rank and not self.is_last(h)]
        return sum(self.window(*self.ends(h)) for h in before)

    def stages(self):
        stages, last = [], None
        for i, hop in enumerate(self.hops):
            if hop["stage"] != last:
                stages.append([])
            stages[-1].append(i)
            last = hop["stage"]
        return stages


class Schedule:
    def __init__(self, folder):
        raw = json.load(open(os.path.join(folder, "schedule.json")))
        self.world, self.channels = raw["world"], raw["channels"]
        self.top_k, self.row_bytes = raw["top_k"], raw["row_bytes"]
        self.exchanges = [[Exchange(self, e, back) for back in (False, True)] for e in raw["exchanges"]]
        self.roles = [Role(r) for r in raw["roles"]]
        self.role_of = {r: (role, i) for role in self.roles for i, r in enumerate(role.raw["ranks"])}
        text = open(os.path.join(folder, "program.c")).read()
        self.streams = re.findall(r'"(\w+)"', re.search(r"streams\[\] = \{(.*?)\};", text, re.S)[1])
        self.urgent = [w == "true" for w in re.findall(r"(true|false),", re.search(r"urgent\[\] = \{(.*?)\};", text, re.S)[1])]

    def steps(self, rank):
        role, index = self.role_of[rank]
        return list(role.steps(index))

    def slab_bytes(self, rank):
        return self.role_of[rank][0].raw["slab_bytes"]


# --- ranges of collectives and transfers -----------------------------------------------------------------


def pieces(channel, op, first, last):
    units, unit = op.arg("units"), op.arg("unit_bytes")
    return units * first // channel["pieces"] * unit, units * last // channel["pieces"] * unit


def owned(channel, op, member):
    return pieces(channel, op, *channel["own"][member])


def shared(channel, op, member):
    begin, end = owned(channel, op, member)
    size, members = TYPE_BYTES[op.arg("type")], len(channel["ranks"])
    count = (end - begin) // size
    return begin + count * member // members * size, begin + count * (member + 1) // members * size


def waits_for_room(channel, me, item):
    return any(o[0] == me and o[2] < item[3] and item[2] < o[3] for o in channel["transfers"])
