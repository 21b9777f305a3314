#!/usr/bin/env python3
"""Mutants of emitted sources: edits one thing of an emitted program, lets gen verify build and run it with its calls
recorded, and expects that somebody refuses it: the comparison of the calls (E0842) or of the tables (E0843) with the
schedule, verification of what came out, or the runtime. Each operator says by whom.

usage: mutants.py --gen GEN --out DIR [--sites N] [--program NAME] [--operator NAME] [--result FILE.json]
       mutants.py --table FILE.json... [--doc FILE.md]
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# name, strategy: each has moves that others lack. Four layers, so that pipelined bodies are loops.
PROGRAMS = {
    "separated": "ma-separation:attention=3,experts=2,microbatches=2,output=flat",
    "heads": "ma-separation:attention=2,experts=2,groups=1,microbatches=2",
    "exact": "ep:ep=3,moves=exact",
    "staged": "ep:ep=4,exchange=aggregated,moves=padded",
    "ring": "tp:tp=3,output=ring",
    "pipeline": "tp-pp:tp=2,pp=2,microbatches=2",
}

STATEMENT = re.compile(
    r"^(?P<indent> *)/\* (?P<id>\d+) m\d+ (?:(?!\*/).)*\*/\n"
    r" *RT_TRY\((?P<call>rt_\w+)\((?P<lead>rank, [^;]*?),\n"
    r" *&\((?P<type>[\w ]+)\)\{\n(?P<args>.*?)^ *\}\)\);\n",
    re.M | re.S,
)


class Program:
    """The sources of an emitted program as texts, by their names."""

    def __init__(self, folder):
        self.folder = folder
        names = ["program.c", "moves.c", "places.c", "kernels/launch.c"]
        names += sorted(n for n in os.listdir(folder) if n.startswith("role_"))
        self.texts = {name: open(os.path.join(folder, name)).read() for name in names}
        self.roles = [name for name in names if name.startswith("role_")]
        self.kernels = sorted(set(re.findall(r"\bK_\w+", "".join(self.texts.values()))))
        self.channels = self.count("channels")
        self.exchanges = self.count("exchanges")

    def count(self, what):
        return int((re.search(r"\.%s = (\d+),\n    \.\w+ = " % what, self.texts["program.c"]) or [0, 0])[1])

    def statements(self):
        for name in self.roles:
            for match in STATEMENT.finditer(self.texts[name]):
                yield name, match


def put(text, match, new, group=0):
    return text[: match.start(group)] + new + text[match.end(group) :]


def lead_of(match):
    """rank, id, layer, channel or kernel, exchange."""
    return [word.strip() for word in match["lead"].split(",")]


def with_lead(text, match, index, new):
    lead = lead_of(match)
    lead[index] = new
    return put(text, match, ", ".join(lead), "lead")


# --- operators: each yields (file, its new text) for every place where it applies ---------------------------


def drop(p):
    for name, m in p.statements():
        yield name, put(p.texts[name], m, "")


def duplicate(p):
    for name, m in p.statements():
        yield name, put(p.texts[name], m, m[0] + m[0])


def swap(p, dependent):
    before = None
    for name, m in p.statements():
        if before and before[0] == name and before[1].end() == m.start():
            a, b = before[1], m
            shared = buffers_of(a["args"]) & buffers_of(b["args"])
            if bool(shared - {"WORKSPACE"}) == dependent:
                text = p.texts[name]
                yield name, text[: a.start()] + b[0] + a[0] + text[b.end() :]
        before = (name, m)


def buffers_of(args):
    return set(re.findall(r"\b[A-Z][A-Z0-9_]{2,}\b", args))


def other_operation(p):
    for name, m in p.statements():
        yield name, with_lead(p.texts[name], m, 1, str(int(m["id"]) ^ 1))


def other_layer(p):
    for name, m in p.statements():
        layer = lead_of(m)[2]
        if layer != "-1":
            yield name, with_lead(p.texts[name], m, 2, "(%s) ^ 1" % layer)


def other_channel(p):
    for name, m in p.statements():
        if m["call"] not in ("rt_launch", "rt_begin", "rt_finish") and p.channels > 1:
            channel = lead_of(m)[3]
            new = "(%s + 1) %% %d" % (channel, p.channels)
            yield name, with_lead(p.texts[name], m, 3, new)


def other_exchange(p):
    for name, m in p.statements():
        if m["call"] in ("rt_dispatch", "rt_combine") and p.exchanges > 1:
            exchange = lead_of(m)[4]
            new = "(%s + 1) %% %d" % (exchange, p.exchanges)
            yield name, with_lead(p.texts[name], m, 4, new)


def other_kernel(p):
    for name, m in p.statements():
        if m["call"] == "rt_launch":
            kernel = p.kernels.index(lead_of(m)[3])
            yield name, with_lead(p.texts[name], m, 3, p.kernels[(kernel + 1) % len(p.kernels)])


def other_function(p):
    pairs = {"rt_send": "rt_recv", "rt_recv": "rt_send", "rt_all_reduce": "rt_all_gather",
             "rt_all_gather": "rt_reduce_scatter", "rt_reduce_scatter": "rt_all_gather"}
    for name, m in p.statements():
        if m["call"] in pairs:
            yield name, put(p.texts[name], m, pairs[m["call"]], "call")


def argument(p, pattern, change, calls=None):
    """Arguments whose line matches: change(value) is their new value, None where it does not apply."""
    for name, m in p.statements():
        for a in re.finditer(r"^ *\.(\w+) = (.+),$", m["args"], re.M):
            new = change(a[2]) if re.fullmatch(pattern, a[1]) else None
            if new is None or (calls and m["call"] not in calls):
                continue
            begin = m.start("args") + a.start(2)
            end = m.start("args") + a.end(2)
            yield name, p.texts[name][:begin] + new + p.texts[name][end:]


SIZES = "units|unit_bytes|bytes|rows|arrivals|sequences|tokens|columns|entries|outputs|inputs"


def size_changed(p, by):
    yield from argument(p, SIZES, lambda v: "%s %+d" % (v, by) if re.match(r"[\drow]", v) else None)


def other_buffer(p):
    for name in p.roles:
        plain = re.findall(r"^#define (\w+) +INT64_C", p.texts[name], re.M)

        def change(value):
            buffer = re.match(r"[A-Z]\w+$", value)
            return plain[(plain.index(value) + 1) % len(plain)] if buffer and value in plain else None

        yield from (x for x in argument(p, r"\w+", change) if x[0] == name)


def other_offset(p):
    yield from argument(p, r"\w+", lambda v: v + " + 4" if re.match(r"[A-Z]\w+", v) and
                        not v.startswith("RT_") else None)


def argument_dropped(p):
    yield from argument(p, r"\w+", lambda v: "0" if re.match(r"[A-Z1-9]", v) and
                        not v.startswith("RT_F32") else None)


def absent_buffer(p):
    yield from argument(p, r"\w+", lambda v: "WORKSPACE" if v == "-1" else None,
                        calls=("rt_launch",))


def row_changed(p):
    for name in p.roles:
        for m in re.finditer(r"^    \{.*\}, /\* rank \d+ \*/$", p.texts[name], re.M):
            for number in re.finditer(r"-?\d+(?=[,}])", m[0]):
                at = m.start() + number.start()
                end = m.start() + number.end()
                yield name, p.texts[name][:at] + str(int(number[0]) + 1) + p.texts[name][end:]


def loop_bound(p, which, by):
    pattern = r"for \(int layer = (\d+); layer < (\d+); \+\+layer\)"
    for name in p.roles:
        for m in re.finditer(pattern, p.texts[name]):
            yield name, put(p.texts[name], m, str(int(m[which]) + by), which)


def lag(p):
    """A whole statement of a loop, call and addresses, one layer away from where it belongs."""
    for name, m in p.statements():
        if re.fullmatch(r"layer - \d+", lead_of(m)[2]):
            yield name, put(p.texts[name], m, re.sub(r"layer - \d+", "layer", m[0]))
        elif lead_of(m)[2] == "layer":
            yield name, put(p.texts[name], m, re.sub(r"\blayer\b(?! norm)", "layer + 0 - 1 * (layer > 0)", m[0]))


def step_swapped(p):
    text = p.texts["program.c"]
    runs = list(re.finditer(r"\.run = \(const rt_step_fn\[\]\)\{(.*)\},", text))
    if len(runs) == 2:
        a, b = runs
        yield "program.c", (text[: a.start(1)] + b[1] + text[a.end(1) : b.start(1)] + a[1] + text[b.end(1) :])


OP_LINE = re.compile(r'^    \{"(\w+)", "\w+", \d+, (\d+), (\d+), (true|false), \{([-\d, ]+)\}, .*\}, /\* \d+ \*/$', re.M)


def table_of_operations(p, group, change):
    text = p.texts["program.c"]
    for m in OP_LINE.finditer(text):
        new = change(m)
        if new is not None:
            yield "program.c", put(text, m, new, group)


def wait_removed(p):
    yield from table_of_operations(p, 5, lambda m: m[5].split(", ", 1)[1] if m[5] != "-1" else None)


def record_removed(p):
    yield from table_of_operations(p, 4, lambda m: "false" if m[4] == "true" else None)


def other_stream(p):
    yield from table_of_operations(p, 3, lambda m: str(int(m[3]) ^ 1))


def other_microbatch(p):
    yield from table_of_operations(p, 2, lambda m: str(int(m[2]) ^ 1))


CHANNEL = re.compile(
    r'^    \{"[^"]*", (?P<members>\d+), \(const int32_t\[\]\)\{(?P<ranks>[\d, ]+)\}, (?P<pieces>\d+), '
    r"(?P<own>NULL|\(const int32_t\[\]\)\{[\d, ]+\}), (?P<count>\d+), (?P<transfers>NULL|.*)\}, /\* \d+ \*/$", re.M)


def member_removed(p):
    text = p.texts["moves.c"]
    for m in CHANNEL.finditer(text):
        shorter = put(text, m, ", ".join(m["ranks"].split(", ")[:-1]), "ranks")
        yield "moves.c", put(shorter, m, str(int(m["members"]) - 1), "members")


def member_exchanged(p):
    text = p.texts["moves.c"]
    for m in CHANNEL.finditer(text):
        ranks = m["ranks"].split(", ")
        ranks[0], ranks[-1] = ranks[-1], ranks[0]
        yield "moves.c", put(text, m, ", ".join(ranks), "ranks")


def pieces_changed(p):
    text = p.texts["moves.c"]
    for m in CHANNEL.finditer(text):
        if m["pieces"] != "0":
            yield "moves.c", put(text, m, str(int(m["pieces"]) + 1), "pieces")


def owner_changed(p):
    text = p.texts["moves.c"]
    for m in CHANNEL.finditer(text):
        numbers = re.search(r"\{([\d, ]+)\}", m["own"])
        if numbers:
            own = [int(n) for n in numbers[1].split(", ")]
            own[1] = own[0]
            new = "(const int32_t[]){%s}" % ", ".join(map(str, own))
            yield "moves.c", put(text, m, new, "own")


def transfer_changed(p):
    text = p.texts["moves.c"]
    for m in CHANNEL.finditer(text):
        if "true" in m["transfers"]:
            yield "moves.c", put(text, m, m["transfers"].replace("true", "false", 1), "transfers")
        elif m["transfers"] != "NULL":
            yield "moves.c", put(text, m, re.sub(r"\{(\d+), (\d+), ", r"{\2, \1, ", m["transfers"], count=1), "transfers")


def exchange_field(p, pattern, change):
    text = p.texts["moves.c"]
    for m in re.finditer(pattern, text):
        yield "moves.c", put(text, m, change(m[1]), 1)


def in_flight(p):
    yield from exchange_field(p, r"\.in_flight = (\d+),", lambda v: str(int(v) + 1))


def chunk(p):
    yield from exchange_field(p, r"\.chunk = (\d+),", lambda v: str(int(v) + 1))


def mode(p):
    yield from exchange_field(p, r"\.exact = (\w+),", lambda v: "false" if v == "true" else "true")


def bound_of_source(p):
    yield from exchange_field(p, r"\.source = \(const rt_end\[\]\)\{\{\d+, (\d+)\}", lambda v: str(int(v) + 1))


def bound_of_target(p):
    yield from exchange_field(p, r"\.target = \(const rt_end\[\]\)\{\{\d+, (\d+)\}", lambda v: str(int(v) + 1))


def hop_changed(p):
    yield from exchange_field(p, r"\.(?:there|back) = \(const rt_hop\[\]\)\{\{\d+, \d+, (\d+),", lambda v: str((int(v) + 1) % 4))


def route_changed(p):
    text = p.texts["moves.c"]
    begin = text.find("const int16_t routes")
    for m in re.finditer(r"\{(\d+), (\d+)\}", text[begin:]):
        new = "{%s, %d}" % (m[1], int(m[2]) ^ 1)
        yield "moves.c", text[: begin + m.start()] + new + text[begin + m.end() :]


def route_row_changed(p):
    text = p.texts["moves.c"]
    for m in re.finditer(r"^    \{(-?\d+)(, .*)?\}, /\* table \d+ \*/$", text, re.M):
        yield "moves.c", put(text, m, str(int(m[1]) ^ 1), 1)


WEIGHT = re.compile(r"^    \{TENSOR_(\w+), (-?\d+), (-?\d+), -?\d+, (\d+), (\d+), (\d+), (\d+), (\d+), (\d+), ", re.M)


def weight_rows(p):
    """A slice of a matrix that begins one row later, or earlier where it ends with the matrix."""
    text = p.texts["places.c"]
    for m in WEIGHT.finditer(text):
        rows, begin, end = int(m[4]), int(m[6]), int(m[7])
        by = 1 if end < rows else -1 if begin > 0 else 0
        if by and int(m[5]) > 1:
            yield "places.c", text[: m.start(6)] + "%d, %d" % (begin + by, end + by) + text[m.end(7) :]


def weight_expert(p):
    text = p.texts["places.c"]
    for m in re.finditer(r"^    \{TENSOR_EXPERT_\w+, \d+, \d+, (\d+), ", text, re.M):
        yield "places.c", put(text, m, str(int(m[1]) ^ 1), 1)


def weight_offset(p):
    text = p.texts["places.c"]
    for m in re.finditer(r"^    \{TENSOR_(?!\w*BIAS|\w*NORM)\w+, .*?INT64_C\((\d+)\), INT64_C", text, re.M):
        yield "places.c", put(text, m, str(int(m[1]) + 4), 1)


def place_changed(p):
    text = p.texts["places.c"]
    for m in re.finditer(r"\.index = (\d+),", text):
        yield "places.c", put(text, m, str(int(m[1]) ^ 1), 1)


def state_changed(p):
    text = p.texts["program.c"]
    for m in re.finditer(r"\.zero_bytes = INT64_C\((\d+)\)", text):
        if m[1] != "0":
            yield "program.c", put(text, m, str(int(m[1]) // 2), 1)


def slab_changed(p):
    text = p.texts["program.c"]
    for m in re.finditer(r"\.slab_bytes = INT64_C\((\d+)\)", text):
        yield "program.c", put(text, m, str(int(m[1]) + 4096), 1)


def tensor_exchanged(p):
    """The names of two tensors of equal shape change places."""
    text = p.texts["places.c"]
    for a, b in (("EXPERT_GATE", "EXPERT_UP"), ("KEY", "VALUE"), ("QUERY", "OUTPUT")):
        names = [re.search(r'^#define TENSOR_%s (".*")$' % name, text, re.M) for name in (a, b)]
        if all(names):
            first, second = sorted(names, key=lambda m: m.start())
            yield "places.c", (text[: first.start(1)] + second[1] + text[first.end(1) : second.start(1)] +
                               first[1] + text[second.end(1) :])


def launch_table(p):
    text = p.texts["kernels/launch.c"]
    entries = list(re.finditer(r"= (kernel_\w+),", text))
    for a, b in zip(entries, entries[1:]):
        yield "kernels/launch.c", (text[: a.start(1)] + b[1] + text[a.end(1) : b.start(1)] + a[1] + text[b.end(1) :])


def program_field(p, pattern, change):
    text = p.texts["program.c"]
    for m in re.finditer(pattern, text):
        yield "program.c", put(text, m, change(m[1]), 1)


def step_tokens(p):
    yield from program_field(p, r"\.tokens = (\d+),", lambda v: str(int(v) + 1))


def step_phase(p):
    yield from program_field(p, r"\.decode = (\w+),", lambda v: "false" if v == "true" else "true")


def bound_changed(p):
    yield from program_field(p, r"\.(?:batch|prompt|context) = (\w+),", lambda v: v + " - 1")


def kernel_args(p):
    yield from program_field(p, r"\[K_\w+\] = \{\d+, (\d+), \d+\}", lambda v: str(int(v) - 1))


CALLS, TABLES, RESULT, RUNTIME = "E0842", "E0843", "verification", "runtime"

# name, what is edited, who must refuse it, generator
OPERATORS = [
    ("drop", "a statement is left out", CALLS, drop),
    ("duplicate", "a statement stands twice", CALLS, duplicate),
    ("swap-dependent", "two neighbours that share a buffer change places", CALLS, lambda p: swap(p, True)),
    ("swap-independent", "two neighbours that share none change places", CALLS, lambda p: swap(p, False)),
    ("other-operation", "the id of another operation", CALLS, other_operation),
    ("other-layer", "another layer", CALLS, other_layer),
    ("other-channel", "another channel", CALLS, other_channel),
    ("other-exchange", "another exchange", CALLS, other_exchange),
    ("other-kernel", "another kernel with the same arguments", CALLS, other_kernel),
    ("other-function", "receive for send, gather for reduce, ...", CALLS, other_function),
    ("size-larger", "a size is larger by one", CALLS, lambda p: size_changed(p, 1)),
    ("size-smaller", "a size is smaller by one", CALLS, lambda p: size_changed(p, -1)),
    ("other-buffer", "the next buffer for an argument", CALLS, other_buffer),
    ("other-offset", "an address that is 4 bytes further", CALLS, other_offset),
    ("argument-zero", "0 for an argument", CALLS, argument_dropped),
    ("absent-buffer", "a buffer where there is none", CALLS, absent_buffer),
    ("row-changed", "a number of a rank's row in the role's table", CALLS, row_changed),
    ("loop-shorter", "a loop ends a layer early", CALLS, lambda p: loop_bound(p, 2, -1)),
    ("loop-later", "a loop begins a layer late", CALLS, lambda p: loop_bound(p, 1, 1)),
    ("lag", "a statement of a loop works a layer off", CALLS, lag),
    ("step-swapped", "prefill and decode change places", CALLS, step_swapped),
    ("wait-removed", "an operation waits for one less", TABLES, wait_removed),
    ("record-removed", "an operation that others wait for records nothing", TABLES, record_removed),
    ("other-stream", "another stream", TABLES, other_stream),
    ("other-microbatch", "another micro-batch", TABLES, other_microbatch),
    ("member-removed", "a channel has a member less", TABLES, member_removed),
    ("member-exchanged", "two members of a channel change places", TABLES, member_exchanged),
    ("pieces-changed", "a channel has a piece more", TABLES, pieces_changed),
    ("owner-changed", "a member of a channel owns nothing", TABLES, owner_changed),
    ("transfer-changed", "a transfer copies for adding, or goes the other way", TABLES, transfer_changed),
    ("in-flight", "an exchange has one more chunk in flight", TABLES, in_flight),
    ("chunk", "chunks of an exchange are a row larger", TABLES, chunk),
    ("mode", "padded for exact, exact for padded", TABLES, mode),
    ("source-bound", "a source has a row more", TABLES, bound_of_source),
    ("target-bound", "a target has a slot more", TABLES, bound_of_target),
    ("hop-changed", "rows go another way", TABLES, hop_changed),
    ("route-changed", "an expert in another slot", TABLES, route_changed),
    ("route-row", "a layer with the routes of another", TABLES, route_row_changed),
    ("place-changed", "a rank with the row of another", TABLES, place_changed),
    ("state-changed", "half of the state is cleared", TABLES, state_changed),
    ("step-tokens", "a step has a row a sequence more", TABLES, step_tokens),
    ("step-phase", "a prefill that is a decode step, a decode step that is none", RUNTIME, step_phase),
    ("bound-changed", "a bound of requests is smaller by one", TABLES + " or " + RUNTIME, bound_changed),
    ("kernel-args", "a kernel that takes one address less", TABLES, kernel_args),
    ("slab-changed", "another size of the slab", TABLES, slab_changed),
    ("launch-table", "two kernels change places in the launch table", RESULT + " or " + RUNTIME, launch_table),
    ("tensor-exchanged", "the names of two tensors change places", TABLES, tensor_exchanged),
    ("weight-rows", "a weight's slice is shifted by a row", TABLES, weight_rows),
    ("weight-expert", "the weights of another expert", TABLES, weight_expert),
    ("weight-offset", "a weight 4 bytes further in the slab", TABLES, weight_offset),
]


# --- running ------------------------------------------------------------------------------------------------


def make(gen, out, name):
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(
        [gen, "make", "-q", "-m", os.path.join(ROOT, "tests/data/mixtral-tiny"), "-t",
         os.path.join(ROOT, "topologies/one-host.yaml"), "-s", PROGRAMS[name], "--set", "model.layers=4",
         "--batch", "4", "--prefill", "3", "--context", "5", "--dtype", "f32", "-o", folder],
        check=True, stdout=subprocess.DEVNULL)
    return folder


def verify(gen, folder):
    """Who refuses the program as it is: codes of records, the classes that differ, or how it failed."""
    run = subprocess.run([gen, "verify", folder, "--json", "-q", "--tokens", os.path.join(os.path.dirname(folder), "prompts.json"), "--max-new-tokens", "3", "--timeout-ms", "1000"],
                         capture_output=True, text=True, errors="replace", timeout=120)
    caught, told = [], ""
    if "E0712" in run.stderr:
        return ["compiler"], run.stderr
    if run.stdout.strip():
        result = json.loads(run.stdout)
        for finding in result["calls"]["differences"]:
            if finding["code"] not in caught:
                caught.append(finding["code"])
            told = told or "%s:%d: %s" % (os.path.basename(finding["file"] or ""), finding["line"], finding["text"])
        if run.returncode == 1 and any(result.get(k, {}).get("different") for k in ("tokens", "logits", "operations", "bytes", "weights")):
            caught.append(RESULT)
    if run.returncode not in (0, 1):
        caught.append(RUNTIME)
    assert bool(caught) == (run.returncode != 0), run.stderr
    return caught, told or run.stderr


def choose(items, count):
    """So many of them, spread evenly."""
    if len(items) <= count:
        return items
    return [items[(2 * i + 1) * len(items) // (2 * count)] for i in range(count)]


def was_refused(by, caught):
    return any(one in caught for one in by.split(" or "))


def mutate(gen, folder, program, args, results):
    for name, what, by, sites in OPERATORS:
        if args.operator and name != args.operator:
            continue
        for at, (file, text) in enumerate(choose(list(sites(program)), args.sites)):
            path = os.path.join(folder, file)
            assert text != program.texts[file], "%s changes nothing" % name
            with open(path, "w") as stream:
                stream.write(text)
            caught, told = verify(gen, folder)
            with open(path, "w") as stream:
                stream.write(program.texts[file])
            results.append({"operator": name, "program": os.path.basename(folder), "site": at, "expected": by,
                            "caught": caught, "told": told.strip()})
            good = was_refused(by, caught)
            print("%-9s %-17s %d  %-6s %s" % (os.path.basename(folder), name, at, "caught" if good else "MISSED",
                                              " ".join(caught)), flush=True)
            if not good or args.operator:
                print("    " + told.strip().replace("\n", "\n    "))


def run(args):
    results = []
    os.makedirs(args.out, exist_ok=True)
    with open(os.path.join(args.out, "prompts.json"), "w") as stream:
        json.dump([[1, 2, 3], [4, 5], [6], [7, 8, 9], [10]], stream)
    for name in [args.program] if args.program else PROGRAMS:
        folder = make(args.gen, args.out, name)
        assert not verify(args.gen, folder)[0], "the program itself is refused"
        mutate(args.gen, folder, Program(folder), args, results)
        shutil.rmtree(folder)
    missed = sum(not was_refused(r["expected"], r["caught"]) for r in results)
    print("%d mutants of sources, %d missed" % (len(results), missed))
    if args.result:
        with open(args.result, "w") as stream:
            json.dump(results, stream, indent=1)
            stream.write("\n")
    return 1 if missed or not results else 0


# --- the table ----------------------------------------------------------------------------------------------

HEAD = """# Mutants of emitted sources

What `tests/sources/mutants.py` edits in emitted programs, in how many places, and who refuses it: the record of calls
(E0842) or the tables in it (E0843) beside the schedule ([records](runtime.md#records)), else what verification
compares. The last columns count how many of these verification and the runtime would have refused as well. Made by
`cmake --build BUILD --target mutants-sources`; none may be missed. Programs, of four layers each:

%s

| operator | what is edited | refused by | mutants | verification too | runtime too |
|---|---|---|---|---|---|
"""


def table(files):
    results = [r for file in files for r in json.load(open(file))]
    lines = HEAD % "\n".join("- `%s`" % s for s in PROGRAMS.values())
    for name, what, by, _ in OPERATORS:
        mine = [r for r in results if r["operator"] == name]
        lines += "| %s | %s | %s | %d | %d | %d |\n" % (
            name, what, by, len(mine), sum(RESULT in r["caught"] for r in mine) if RESULT not in by else 0,
            sum(RUNTIME in r["caught"] for r in mine) if RUNTIME not in by else 0)
    return lines + "\n%d operators, %d mutants, %d missed.\n" % (
        len(OPERATORS), len(results), sum(not was_refused(r["expected"], r["caught"]) for r in results))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gen")
    parser.add_argument("--out")
    parser.add_argument("--sites", type=int, default=2)
    parser.add_argument("--program")
    parser.add_argument("--operator")
    parser.add_argument("--result")
    parser.add_argument("--table", nargs="+")
    parser.add_argument("--doc")
    args = parser.parse_args()
    if not args.table:
        return run(args)
    text = table(args.table)
    if args.doc:
        with open(args.doc, "w") as stream:
            stream.write(text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
