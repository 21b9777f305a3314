"""What the calls of a move are over the transport loopback, one after the other. Events have names of the checker's own,
(rank, key), which it binds to those of the log; a wait for a peer's event says at which instance of the move that event was
recorded."""
from calls_log import Difference
from calls_schedule import ABSENT, TYPE_BYTES, owned, pieces, shared, waits_for_room

PARTS = 64  # of a launch: RT_COPY_PARTS, RT_COUNT_PARTS of cuda/moves.h


class Moves:
    def __init__(self, schedule, logs):
        self.schedule = schedule
        hops = sum(len(d.hops) for e in schedule.exchanges for d in e)
        self.slabs = {r: log.slab(schedule.slab_bytes(r)) for r, log in logs.items()}
        self.relayed = {r: log.allocation(4 * hops) for r, log in logs.items()}
        self.rows = {}  # of exact exchanges, by (instance, sender's rank, receiver's)
        self.out, self.parts, self.counts = [], [], []

    def learn(self, checker):
        """How many rows exact exchanges move: the routing decides, so the calls say."""
        for rank, steps in checker.runs.items():
            for op, run, instance in (item for step in steps for item in step):
                if op.kind not in ("dispatch", "combine"):
                    continue
                x = self.schedule.exchanges[op.exchange][op.kind == "combine"]
                if x.exact and rank in x.receivers:
                    self.learn_rows(x, rank, run, instance)

    def learn_rows(self, x, rank, run, instance):
        """The first range that comes from a sender is its rows."""
        for call in run.calls:
            for part in call.get("parts").split(";") if call.get("parts") else ():
                to, source, size = (int(v, 16) if v.startswith("0x") else int(v) for v in part.split(","))
                sender = self.owner(source)
                window = self.window_of(x, sender, rank)
                if (instance, sender, rank) not in self.rows and window is not None:
                    if size % x.row_bytes or size > window * x.row_bytes:
                        raise Difference(f"rank {rank}: {size} bytes from rank {sender} are no rows of {instance}")
                    self.rows[instance, sender, rank] = size // x.row_bytes

    @staticmethod
    def window_of(x, sender, receiver):
        return x.window(x.senders.index(sender), x.receivers.index(receiver)) if sender in x.senders else None

    def owner(self, address):
        inside = [r for r, at in self.slabs.items() if at <= address < at + self.schedule.slab_bytes(r)]
        return inside[0] if inside else None

    def finish(self, checker):
        pass

    def of(self, rank, op, instance, peers):
        """peers: the operations of the others at this instance, by rank."""
        self.rank, self.op, self.instance, self.peers = rank, op, instance, peers
        self.out, self.parts, self.counts = [], [], []
        if op.kind in ("dispatch", "combine"):
            self.exchange()
        else:
            self.channel = self.schedule.channels[op.channel]
            self.ranks = self.channel["ranks"]
            self.me = self.ranks.index(rank)
            if op.kind in ("send", "recv"):
                self.pair_ends(op.kind == "send")
            else:
                (self.transfer if op.kind == "transfer" else self.collective)()
        return self.out

    # --- pieces of all moves

    def record(self, key):
        self.out.append(("record", (self.rank, key)))

    def follow(self, peer, key):
        self.out.append(("wait", (peer, key), self.instance))

    def copy(self, to, source, size):
        if size == 0 or to == source:
            return
        if len(self.parts) == PARTS:
            self.flush()
        self.parts.append((to, source, size))

    def flush(self):
        if self.parts:
            self.out.append(("copy", tuple(self.parts)))
        self.parts = []

    def sum(self, to, sources, size):
        type_ = self.op.arg("type")
        if size:
            self.out.append(("sum", (to, size // TYPE_BYTES[type_], type_, *sources)))

    # --- over a channel

    def buffer(self, member):
        rank = self.ranks[member]
        op = self.op if rank == self.rank else self.peers[rank]
        return self.slabs[rank] + op.arg("buffer")

    def arrive(self, step):
        self.record(("channel", self.op.channel, step))

    def follow_all(self, step):
        for rank in self.ranks:
            if rank != self.rank:
                self.follow(rank, ("channel", self.op.channel, step))

    def meet(self, step):
        self.arrive(step)
        self.follow_all(step)

    def reduce(self, begin, end):
        every = range(len(self.ranks))
        self.sum(self.buffer(self.me) + begin, [self.buffer(i) + begin for i in every], end - begin)

    def gather(self, range_of):
        for i in range(len(self.ranks)):
            begin, end = range_of(self.channel, self.op, i)
            if i != self.me:
                self.copy(self.buffer(self.me) + begin, self.buffer(i) + begin, end - begin)
        self.flush()

    def collective(self):
        self.meet("begin")
        if self.op.kind == "all_reduce":
            self.reduce(*shared(self.channel, self.op, self.me))
            self.meet("middle")
            self.gather(shared)
        elif self.op.kind == "reduce_scatter":
            self.reduce(*owned(self.channel, self.op, self.me))
        else:
            self.gather(owned)
        self.meet("end")

    def receive(self, late):
        room = self.slabs[self.rank] + self.op.arg("workspace")
        pending = []
        for item in self.channel["transfers"]:
            if item[1] != self.me:
                continue
            begin, end = pieces(self.channel, self.op, item[2], item[3])
            source, to = self.buffer(item[0]) + begin, self.buffer(self.me) + begin
            waits = waits_for_room(self.channel, self.me, item)
            if waits and not late:
                pending.append((room, source, end - begin))
            elif waits == late:
                source = room if waits else source
                if item[4] == "sum":
                    self.sum(to, [to, source], end - begin)
                else:
                    self.copy(to, source, end - begin)
                    self.flush()
            room += end - begin if waits else 0
        for part in pending:
            self.copy(*part)
        self.flush()

    def transfer(self):
        self.meet("begin")
        self.receive(False)
        self.meet("end")
        self.receive(True)

    def pair_ends(self, sends):
        if sends:
            self.arrive("begin")
            self.follow(self.ranks[1 - self.me], ("channel", self.op.channel, "end"))
            return
        self.follow(self.ranks[1 - self.me], ("channel", self.op.channel, "begin"))
        self.copy(self.buffer(self.me), self.buffer(1 - self.me), self.op.arg("bytes"))
        self.flush()
        self.arrive("end")

    # --- over an exchange

    def moved(self, sender, receiver):
        x = self.x
        if not x.exact:
            return x.window(sender, receiver)
        return self.rows.get((self.instance, x.senders[sender], x.receivers[receiver]), 0)

    def place(self, rank, rows_name, meta_name, first):
        op = self.op if rank == self.rank else self.peers[rank]
        at = self.slabs[rank]
        meta = op.arg(meta_name)
        return at + op.arg(rows_name) + first * self.x.row_bytes, at + meta + first * self.x.meta_bytes

    def sent(self, sender, receiver):
        x = self.x
        tight = x.exact and not x.back
        first = sum(self.moved(sender, i) if tight else x.window(sender, i) for i in range(receiver))
        return self.place(x.senders[sender], "send_rows", "send_meta", first)

    def received(self, sender, receiver):
        x = self.x
        tight = x.exact and x.back
        first = sum(self.moved(i, receiver) if tight else x.window(i, receiver) for i in range(sender))
        return self.place(self.rank, "recv_rows", "recv_meta", first)

    def copy_rows(self, source, to, rows):
        self.copy(to[0], source[0], rows * self.x.row_bytes)
        if not self.x.back:
            self.copy(to[1], source[1], rows * self.x.meta_bytes)

    def count(self, to, source, known, window):
        if len(self.counts) == PARTS:
            self.flush_counts()
        self.counts.append((to, source, known, window))

    def flush_counts(self):
        if self.counts:
            self.out.append(("counts", tuple(self.counts)))
        self.counts = []

    def counts_at(self, rank, name, index):
        op = self.op if rank == self.rank else self.peers[rank]
        return self.slabs[rank] + op.arg(name) + 4 * index if op.arg(name) != ABSENT else 0

    def final_count(self, sender, receiver, source):
        back = self.x.back
        to = 0 if back else self.counts_at(self.rank, "recv_counts", sender)
        known = self.counts_at(self.rank, "recv_counts", sender) if back else 0
        self.count(to, source, known, self.x.window(sender, receiver))

    def pair(self, sender, receiver):
        rank = self.x.senders[sender]
        self.copy_rows(self.sent(sender, receiver), self.received(sender, receiver), self.moved(sender, receiver))
        self.final_count(sender, receiver, self.counts_at(rank, "send_counts", receiver))

    def key(self, stage, side):
        return ("exchange", self.op.exchange, self.x.back, stage, side)

    def end_stage(self, stage):
        self.flush()
        self.flush_counts()
        self.record(self.key(stage, "taken"))

    def fetch_counts(self, sender, receiver):
        x = self.x
        if not x.exact:
            return
        sizes = []
        if sender is not None:
            sizes.append((self.counts_at(self.rank, "send_counts", 0), 4 * len(x.receivers)))
        if x.back and receiver is not None:
            sizes.append((self.counts_at(self.rank, "recv_counts", 0), 4 * len(x.senders)))
        for source, size in sizes:
            self.out.append(("fetch", source, size))
        if sizes:
            self.record("counts")

    def exchange(self):
        x = self.x = self.schedule.exchanges[self.op.exchange][self.op.kind == "combine"]
        sender = x.senders.index(self.rank) if self.rank in x.senders else None
        receiver = x.receivers.index(self.rank) if self.rank in x.receivers else None
        self.fetch_counts(sender, receiver)
        if x.hops:
            self.stages(sender, receiver)
            return
        self.record(self.key(0, "sends"))
        if sender is not None and receiver is not None:
            self.pair(sender, receiver)
        for i, rank in enumerate(x.senders):
            if receiver is not None and rank != self.rank:
                self.follow(rank, self.key(0, "sends"))
                self.pair(i, receiver)
        self.end_stage(0)
        for rank in x.receivers:
            if sender is not None and rank != self.rank:
                self.follow(rank, self.key(0, "taken"))

    def relay_place(self, rank, which):
        return self.place(rank, "relay_rows", "relay_meta", self.x.relay_first(rank, which))

    def relayed_at(self, rank, which):
        first = 0
        for e, exchange in enumerate(self.schedule.exchanges):
            for direction in exchange:
                if direction is self.x:
                    return self.relayed[rank] + 4 * (first + which)
                first += len(direction.hops)
        return 0

    def hop(self, which, stage):
        x, hop = self.x, self.x.hops[which]
        sender, receiver = x.ends(hop)
        by = x.brought_by(which)
        self.follow(hop["from"], self.key(stage, "sends"))
        source = self.sent(sender, receiver) if by is None else self.relay_place(hop["from"], by)
        last = x.is_last(hop)
        to = self.received(sender, receiver) if last else self.relay_place(self.rank, which)
        self.copy_rows(source, to, self.moved(sender, receiver))
        count = self.counts_at(hop["from"], "send_counts", receiver) if by is None else self.relayed_at(hop["from"], by)
        if last:
            self.final_count(sender, receiver, count)
        else:
            self.count(self.relayed_at(self.rank, which), count, 0, x.window(sender, receiver))

    def stages(self, sender, receiver):
        x = self.x
        if sender is not None and receiver is not None:
            self.pair(sender, receiver)
        for stage, hops in enumerate(x.stages()):
            self.record(self.key(stage, "sends"))
            for which in hops:
                if x.hops[which]["to"] == self.rank:
                    self.hop(which, stage)
            self.end_stage(stage)
            for which in hops:
                if x.hops[which]["from"] == self.rank:
                    self.follow(x.hops[which]["to"], self.key(stage, "taken"))
