// show_line: the time line as arrays and its rules: what colour, what is said of an operation.
Show.streams = ["compute", "dispatch", "combine", "collectives"];
Show.moveKinds = {
  dispatch: "dispatch",
  combine: "combine",
  send: "handover",
  recv: "handover",
  all_reduce: "collectives",
  reduce_scatter: "collectives",
  all_gather: "collectives",
  transfer: "collectives"
};
Show.largeKinds = new Set(["attention", "latent_attention", "linear", "expert_ffn", "dense_ffn", "head", "embed"]);
Show.category = (kind, part) => Show.moveKinds[kind] ||
    (!Show.largeKinds.has(kind)                        ? "small" :
         part === "embed" || part === "head"           ? "vocabulary" :
         kind === "expert_ffn" || kind === "dense_ffn" ? "experts" :
                                                         "attention");
Show.bright = new Set(["dispatch", "combine", "small"]);
Show.categories = [
  ["attention", "attention"], ["experts", "experts, feed-forward"], ["vocabulary", "embedding, head"],
  ["small", "norms, routing, packing"], ["dispatch", "dispatch"], ["combine", "combine"],
  ["collectives", "collectives"], ["handover", "hand-over"]
];

// Lanes of a step as typed arrays, made once: begin, end and ready in ns of every operation, and its columns.
Show.lanesOf = (step) => {
  if (step.decoded) return step.decoded;
  const {line} = step, all = {lanes: [], meets: new Map(), path: []};
  let number = 0;
  for (const lane of line.lanes) {
    const count = lane.ops.length, begin = new Float64Array(count), end = new Float64Array(count);
    let at = 0;
    for (let i = 0; i < count; ++i) {
      begin[i] = at + lane.gaps[i];
      at = end[i] = begin[i] + lane.lengths[i];
    }
    const decoded = {
      ...lane,
      begin,
      end,
      first: number,
      critical: new Set(lane.critical),
      index: all.lanes.length,
      colors: lane.ops.map((op) => Show.category(line.ops[op][0], line.ops[op][1]))
    };
    lane.meets.forEach((meet, i) => meet && all.meets.set(meet, (all.meets.get(meet) || []).concat([[decoded, i]])));
    lane.critical.forEach((i) => all.path.push([decoded, i]));
    all.lanes.push(decoded);
    number += count;
  }
  all.path.sort(([a, i], [b, k]) => a.begin[i] - b.begin[k]);
  return (step.decoded = all);
};

// The lane and index of a number that counts over all lanes.
Show.numbered = (all, number) => {
  const lane = all.lanes.find((one) => number >= one.first && number < one.first + one.ops.length);
  return lane && [lane, number - lane.first];
};

Show.operation = (step, lane, i) => {
  const [kind, part, microbatch, text] = step.line.ops[lane.ops[i]], ns = 1e-9;
  const layer = lane.layers[i] < 0 ? "" : `, layer ${lane.layers[i]}`;
  return {
    kind,
    part,
    text,
    title: `${kind}${layer}, micro-batch ${microbatch}`,
    seconds: (lane.end[i] - lane.begin[i]) * ns,
    begin: lane.begin[i] * ns,
    wait: lane.waits[i] * ns
  };
};

Show.tellOperation = (step, all, lane, i) => {
  const of = Show.operation(step, lane, i);
  const by = lane.by[i] ? Show.numbered(all, lane.first + i - lane.by[i]) : null;
  const met = lane.meets[i] ? all.meets.get(lane.meets[i]).map(([other]) => other.ranks) : [];
  const cause = by && Show.operation(step, by[0], by[1]);
  const after =
      by && (by[0] === lane && by[1] === i - 1 ? "the operation before it" : `${cause.title} of rank ${by[0].rank}`);
  return [
    of.title, of.text,
    `${Show.time(of.seconds)}, from ${Show.time(of.begin)}; stream ${Show.streams[lane.stream]} of rank` +
        (String(lane.rank) === lane.ranks ? ` ${lane.rank}` : `s ${lane.ranks}`),
    met.length > 1 && `together with ranks ${met.filter((ranks) => ranks !== lane.ranks).join(", ")}`,
    of.wait > 0 && `waited ${Show.time(of.wait)} for the others of the move`,
    after && `let begin by the end of ${after}`, lane.critical.has(i) && "on the critical path"
  ];
};
