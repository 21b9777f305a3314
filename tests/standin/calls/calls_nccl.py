"""What the calls of a move are over the transport nccl: groups of NCCL's calls over the channel's communicator, with the
copies and counts of the runtime's own functions around them. From the arithmetic of windows and hops that calls_loopback
has, and no more of it."""
import calls_loopback
from calls_log import Difference
from calls_schedule import TYPE_BYTES, owned, pieces, waits_for_room

NCCL_TYPES = {0: "f32", 1: "bf16", 2: "f16"}


class Moves(calls_loopback.Moves):
    def of(self, rank, op, instance, peers):
        self.comm = self.schedule.channels[op.channel]["ranks"]
        return super().of(rank, op, instance, peers)

    @staticmethod
    def call(call):
        if call.name in ("ncclGroupStart", "ncclGroupEnd"):
            return (call.name,)
        if call.name.startswith("nccl"):
            return (call.name, call.get("comm"), int(call.get("count")), call.get("type"), int(call.get("peer")),
                    call.address("from"), call.address("to"))
        return (call.name,)

    def nccl(self, name, count, type_, peer, source, to):
        if count:
            self.out.append((name, self.comms[self.rank][self.op.channel], count, type_, peer, source, to))

    def send(self, peer, at, size):
        self.nccl("ncclSend", size, "u8", peer, at, 0)

    def recv(self, peer, at, size):
        self.nccl("ncclRecv", size, "u8", peer, 0, at)

    def group(self, body, *args):
        self.out.append(("ncclGroupStart",))
        body(*args)
        self.out.append(("ncclGroupEnd",))

    # --- communicators: each channel has its own, of its members

    def learn(self, checker):
        self.comms, self.members = {}, {}
        for rank, log in checker.logs.items():
            made = {c.get("comm"): [int(r) for r in c.get("members").split(",")] for c in log.calls if c.name == "ncclComm"}
            self.members[rank], self.comms[rank] = made, {}
            for steps in checker.runs[rank]:
                for op, run, instance in steps:
                    used = {c.get("comm") for c in run.calls if c.get("comm") and c.name != "ncclComm"}
                    for comm in used:
                        self.bind(rank, op, comm, made)

        super().learn(checker)

    def learn_rows(self, x, rank, run, instance):
        """Behind the counts of a dispatch each group has rows, and what goes along, of each sender that has some."""
        groups, own = [], [c for c in run.calls if c.get("kernel") == "rt_copy"]
        for call in run.calls:
            if call.name == "ncclGroupStart":
                groups.append({})
            elif call.name == "ncclRecv":
                peer = self.members[rank][call.get("comm")][int(call.get("peer"))]
                groups[-1].setdefault(peer, []).append(int(call.get("count")))
        for group in groups if x.back else groups[1:]:
            for peer, sizes in group.items():
                if sizes[0] % x.row_bytes:
                    raise Difference(f"rank {rank}: {sizes[0]} bytes from rank {peer} are no rows of {instance}")
                key = (instance, peer, rank)
                self.rows[key] = self.rows.get(key, 0) + sizes[0] // x.row_bytes
        if own and rank in x.senders:
            self.rows[instance, rank, rank] = int(own[0].get("parts").split(";")[0].split(",")[2]) // x.row_bytes

    def bind(self, rank, op, comm, made):
        ranks = self.schedule.channels[op.channel]["ranks"] if op.channel >= 0 else None
        if made.get(comm) != ranks:
            raise Difference(f"rank {rank}, {op}: communicator {comm} of {made.get(comm)}; the channel has {ranks}")
        if self.comms[rank].setdefault(op.channel, comm) != comm:
            raise Difference(f"rank {rank}, {op}: communicator {comm}, before it was {self.comms[rank][op.channel]}")

    def finish(self, checker):
        """The k-th send from a rank to another over a communicator meets the k-th receive there, of equal size."""
        sends, receives = {}, {}
        for rank, log in checker.logs.items():
            for call in log.calls:
                if call.name in ("ncclSend", "ncclRecv"):
                    peer = self.members[rank][call.get("comm")][int(call.get("peer"))]
                    ends, to = ((rank, peer), sends) if call.name == "ncclSend" else ((peer, rank), receives)
                    to.setdefault((call.get("comm"), *ends), []).append((int(call.get("count")), call.get("type")))
        for key in sorted(set(sends) | set(receives)):
            out, in_ = sends.get(key, []), receives.get(key, [])
            for k in range(max(len(out), len(in_))):
                a, b = (x[k] if k < len(x) else None for x in (out, in_))
                if a != b:
                    raise Difference(f"communicator {key[0]}, transfer {k} from rank {key[1]} to {key[2]}: "
                                     f"{a} is sent, {b} is received")

    # --- over a channel

    def collective(self):
        kind, every = self.op.kind, range(len(self.ranks))
        if len(self.ranks) == 1:
            return
        ranges = [owned(self.channel, self.op, i) for i in every]
        sizes = [end - begin for begin, end in ranges]
        at, type_ = self.buffer(self.me), NCCL_TYPES[self.op.arg("type")]
        element = TYPE_BYTES[self.op.arg("type")]
        even = all(r == (ranges[0][0] + i * sizes[0], ranges[0][0] + (i + 1) * sizes[0]) for i, r in enumerate(ranges))
        first, mine = at + ranges[0][0], at + ranges[self.me][0]
        count = sizes[0] // element

        def body():
            if kind == "all_reduce":
                self.nccl("ncclAllReduce", sizes[self.me] // element, type_, -1, mine, mine)
            elif even and kind == "reduce_scatter":
                self.out.append(("ncclReduceScatter", self.comms[self.rank][self.op.channel], count, type_, -1, first, mine))
            elif even:
                self.out.append(("ncclAllGather", self.comms[self.rank][self.op.channel], count, type_, -1, mine, first))
            else:
                for i in every:
                    place = at + ranges[i][0]
                    name = "ncclReduce" if kind == "reduce_scatter" else "ncclBroadcast"
                    self.nccl(name, sizes[i] // element, type_, i, place, place)

        self.group(body)

    def has_room(self, item):
        return item[4] == "sum" or waits_for_room(self.channel, self.me, item)

    def items(self):
        """Of each transfer its range, and where in the workspace what it brings would wait."""
        room = self.slabs[self.rank] + self.op.arg("workspace")
        for item in self.channel["transfers"]:
            begin, end = pieces(self.channel, self.op, item[2], item[3])
            waits = item[1] == self.me and self.has_room(item)
            yield item, begin, end, room, waits
            room += end - begin if waits else 0

    def transfer(self):
        if len(self.ranks) == 1:
            return
        at = self.buffer(self.me)
        for item, begin, end, room, waits in self.items():
            if item[0] == item[1] == self.me:
                self.copy(room, at + begin, end - begin)
        self.flush()

        def body():
            for item, begin, end, room, waits in self.items():
                if item[0] == self.me and item[1] != self.me:
                    self.send(item[1], at + begin, end - begin)
                if item[1] == self.me and item[0] != self.me:
                    self.recv(item[0], room if waits else at + begin, end - begin)

        self.group(body)
        for item, begin, end, room, waits in self.items():
            if not waits:
                continue
            if item[4] == "sum":
                self.sum(at + begin, [at + begin, room], end - begin)
            else:
                self.copy(at + begin, room, end - begin)
                self.flush()

    def pair_ends(self, sends):
        ends = (1 - self.me, self.buffer(self.me), self.op.arg("bytes"))
        self.group(self.send if sends else self.recv, *ends)

    # --- over an exchange

    def exchange(self):
        x = self.x = self.schedule.exchanges[self.op.exchange][self.op.kind == "combine"]
        sender = x.senders.index(self.rank) if self.rank in x.senders else None
        receiver = x.receivers.index(self.rank) if self.rank in x.receivers else None
        alone = len(self.comm) == 1
        own = sender is not None and receiver is not None
        if own:
            self.final_count(sender, receiver, self.counts_at(self.rank, "send_counts", receiver))
            self.flush_counts()
        ways = []
        if sender is not None:
            ways += [(sender, i, None, True, r) for i, r in enumerate(x.receivers) if r != self.rank]
        if receiver is not None:
            ways += [(i, receiver, None, False, r) for i, r in enumerate(x.senders) if r != self.rank]
        if x.exact:
            if not x.back and not alone:
                self.group(lambda: [self.go_count(way) for way in ways])
            self.fetch(sender, receiver)
        if own:
            self.copy_rows(self.sent(sender, receiver), self.received(sender, receiver), self.moved(sender, receiver))
            self.flush()
        if alone:
            return
        for stage in x.stages() or [None]:
            self.stage(ways if stage is None else self.hop_ways(stage))

    def fetch(self, sender, receiver):
        x, sizes = self.x, []
        if sender is not None:
            sizes.append((self.counts_at(self.rank, "send_counts", 0), 4 * len(x.receivers)))
        if receiver is not None:
            sizes.append((self.counts_at(self.rank, "recv_counts", 0), 4 * len(x.senders)))
        for source, size in sizes:
            self.out.append(("fetch", source, size))
        if sizes:
            self.record("counts")

    def hop_ways(self, stage):
        for which in stage:
            hop = self.x.hops[which]
            if self.rank in (hop["from"], hop["to"]) and hop["from"] != hop["to"]:
                sends = hop["from"] == self.rank
                yield (*self.x.ends(hop), which, sends, hop["to"] if sends else hop["from"])

    def ends_here(self, way):
        return way[2] is None or self.x.is_last(self.x.hops[way[2]])

    def count_place(self, way):
        sender, receiver, which, sends, _ = way
        by = self.x.brought_by(which) if which is not None else None
        if sends and by is not None:
            return self.relayed_at(self.rank, by)
        if sends:
            return self.counts_at(self.rank, "send_counts", receiver)
        return self.counts_at(self.rank, "recv_counts", sender) if self.ends_here(way) else self.relayed_at(self.rank, which)

    def rows_place(self, way):
        sender, receiver, which, sends, _ = way
        if sends:
            by = self.x.brought_by(which) if which is not None else None
            return self.sent(sender, receiver) if by is None else self.relay_place(self.rank, by)
        return self.received(sender, receiver) if self.ends_here(way) else self.relay_place(self.rank, which)

    def go(self, way, at, size):
        (self.send if way[3] else self.recv)(self.comm.index(way[4]), at, size)

    def go_count(self, way):
        self.go(way, self.count_place(way), 4)

    def messages(self, rows):
        chunk = self.x.chunk
        return 1 if chunk <= 0 or rows <= chunk else -(-rows // chunk)

    def go_rows(self, way, message):
        x, rows = self.x, self.moved(way[0], way[1])
        messages = self.messages(rows)
        if message >= messages:
            return
        begin = 0 if messages == 1 else message * x.chunk
        end = rows if message + 1 == messages else begin + x.chunk
        if message == 0 and not x.back and not x.exact:
            self.go_count(way)
        place = self.rows_place(way)
        self.go(way, place[0] + begin * x.row_bytes, (end - begin) * x.row_bytes)
        if not x.back:
            self.go(way, place[1] + begin * x.meta_bytes, (end - begin) * x.meta_bytes)

    def stage(self, ways):
        ways = list(ways)
        rounds = max([1] + [self.messages(self.moved(w[0], w[1])) for w in ways])
        for message in range(rounds):
            self.group(lambda: [self.go_rows(way, message) for way in ways])
        for way in ways:
            if not way[3] and not self.x.back and not self.x.exact:
                at = self.count_place(way)
                self.count(at, at, 0, self.x.window(way[0], way[1]))
        self.flush_counts()
