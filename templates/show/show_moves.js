// show_moves: what of a step is moved, where, how busy links are with it, and what decides the step's time.
Show.moves = () => {
  const section = Show.section(
      "moves", "Moves",
      "Each kind of move: its bytes in all, how long it is under way, of that with computing at a stand, both on the " +
          "rank that has most of it; hidden is the part, over all ranks, that passes while they compute.");
  const place = section.appendChild(Show.el("div"));
  const number = true;
  Show.onStep((step) => {
    const share = (seconds) => seconds / step.seconds.expected;
    if (step.moves.length === 0) return place.replaceChildren(Show.el("p", {}, "Nothing is moved."));
    const columns = [
      {name: "move", value: (move) => move.name},
      {name: "bytes a step", value: (move) => move.bytes, format: Show.bytes, number},
      {name: "under way", value: (move) => move.moving, format: Show.time, number},
      {name: "of the step", value: (move) => share(move.moving), format: Show.percent, number},
      {name: "computing stands", value: (move) => move.exposed, format: Show.time, number},
      {name: "of the step", value: (move) => share(move.exposed), format: Show.percent, number},
      {name: "hidden", value: (move) => move.hidden, format: Show.percent, number},
    ];
    place.replaceChildren(Show.table(step.moves, columns, {sortable: true}));
  });
};

Show.resourceName = (of) =>
    (of.rank < 0 ? `NICs of node ${of.node}` : `link of rank ${of.rank}`) + (of.in ? ", in" : ", out");

// Resources that are used alike to three digits are told once.
Show.alike = (step) => {
  const groups = new Map();
  for (const of of step.resources) {
    const key = [of.rank < 0, of.in, Show.bytes(of.bytes), Show.digits(of.busy), Show.digits(of.peak)].join("|");
    groups.set(key, (groups.get(key) || []).concat(of));
  }
  return [...groups.values()]
      .map((list) => ({
             ...list[0],
             name: list.length === 1 ? Show.resourceName(list[0]) :
                                       (list[0].rank < 0 ? "NICs of nodes " + Show.ranks(list.map((of) => of.node)) :
                                                           "links of ranks " + Show.ranks(list.map((of) => of.rank))) +
                     (list[0].in ? ", in" : ", out"),
           }))
      .sort((a, b) => b.busy - a.busy);
};

Show.bytesMoved = () => {
  const section = Show.section(
      "bytes", "Bytes over links",
      "Left, who sends how much to whom in a step; lines part nodes. Right, how long each link and " +
          "each node's NICs are busy.");
  const place = section.appendChild(Show.el("div", {class: "columns"}));
  const {nodes, ranks} = Show.data;
  Show.onStep((step) => {
    if (step.pairs.length === 0) return place.replaceChildren(Show.el("p", {}, "Nothing is moved."));
    const byRank = step.pairs_of === "rank", count = byRank ? ranks.length : nodes.length;
    const values = Array.from({length: count}, () => new Array(count).fill(0));
    for (const [from, to, bytes] of step.pairs) values[from][to] = bytes;
    const names = values.map((_, i) => String(i)), most = 24, used = Show.alike(step), shown = used.slice(0, most);
    const lines = byRank ? ranks.map((rank, i) => i).filter((i) => i > 0 && ranks[i].node !== ranks[i - 1].node) : [];
    place.replaceChildren(
        Show.heat({
          rows: names,
          columns: names,
          values,
          format: Show.bytes,
          lines,
          down: "from " + step.pairs_of,
          across: "to " + step.pairs_of
        }),
        Show.el(
            "div", {},
            Show.bars(
                shown.map((of) => ({
                            name: of.name,
                            value: `${Show.bytes(of.bytes)}, busy ${Show.percent(of.busy / step.seconds.expected)}`,
                            parts: [{name: "busy", color: of.rank < 0 ? "dispatch" : "attention", value: of.busy}],
                            tip: [
                              `${Show.bytes(of.bytes)} in a step, ${Show.rate(of.capacity)} at most`,
                              `busy ${Show.time(of.busy)} of ${Show.time(step.seconds.expected)}`,
                              `at most ${Show.percent(of.peak)} in use at a time`
                            ],
                          })),
                {max: step.seconds.expected, format: Show.time}),
            used.length > most && Show.el("p", {class: "note"}, `${used.length - most} less busy ones are left out.`),
            Show.legend(
                [{name: "link within a node", color: "attention"}, {name: "NICs of a node", color: "dispatch"}])));
  });
};

Show.path = () => {
  const section = Show.section(
      "path", "Critical path",
      "The chain of operations that sets the step's time, from its begin to its end without gaps: to " +
          "be faster, one of these must be.");
  const place = section.appendChild(Show.el("div"));
  Show.onStep((step) => {
    place.replaceChildren(Show.bars(
        step.path.map((row) => ({
                        name: row.kind + (row.part === row.kind ? "" : ", " + row.part),
                        value: `${Show.time(row.seconds)}, ${Show.percent(row.seconds / step.seconds.expected)}, ${
                            Show.plural(row.count, "time")}`,
                        parts: [{name: row.kind, color: Show.category(row.kind, row.part), value: row.seconds}],
                      })),
        {max: step.seconds.expected, format: Show.time}));
  });
};
