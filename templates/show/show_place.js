// show_place: the cluster as it is wired, each GPU with what its rank holds; and memory by rank.
Show.sorts = [
  {name: "nothing", color: "small"}, {name: "attention", color: "attention"}, {name: "experts", color: "experts"},
  {name: "attention and experts", color: "vocabulary"}
];
Show.memoryParts = ["weights", "state", "activations", "windows", "workspace", "padding"];

Show.gpuBox = (rank, memory) => {
  const holds = [];
  if (rank.sort & 1) holds.push("heads " + Show.span(rank.heads), "seq. " + Show.span(rank.sequences));
  if (rank.sort & 2) holds.push("experts " + rank.experts);
  if (rank.stages) holds.push("layers " + Show.span(rank.layers));
  const box = Show.el(
      "div",
      {class: "gpu", "data-group": rank.group, style: "border-left-color:" + Show.ink(Show.sorts[rank.sort].color)},
      Show.el("b", {}, "rank " + rank.rank, Show.el("span", {}, "GPU " + rank.gpu)),
      holds.map((line) => Show.el("div", {}, line)), Show.el("div", {class: "fill"}, Show.el("i", {
        style: `width:${Math.min(100, 100 * memory.total / memory.capacity).toFixed(1)}%;background:` +
            Show.ink(Show.sorts[rank.sort].color)
      })));
  Show.tip(
      box,
      () =>
          [`rank ${rank.rank}: ${Show.sorts[rank.sort].name}`,
           rank.sort & 1 &&
               `heads ${Show.span(rank.heads)}, key-value heads ${Show.span(rank.kv)}, sequences ${
                   Show.span(rank.sequences)}`,
           rank.sort & 1 && `request group ${rank.group}` + (rank.copy ? `, copy ${rank.copy}` : ""),
           rank.sort & 2 && `experts ${rank.experts} of each layer`,
           rank.dense[1] > rank.dense[0] && `columns ${Show.span(rank.dense)} of dense layers`,
           rank.shared[1] > rank.shared[0] && `columns ${Show.span(rank.shared)} of shared experts`,
           `layers ${Show.span(rank.layers)}`,
           rank.sort & 1 && `embeds ${Show.span(rank.embedding)}, scores ${Show.span(rank.head)} of the vocabulary`,
           `memory ${Show.bytes(memory.total)} of ${Show.bytes(memory.capacity)}`]);
  if (rank.sort & 1) {
    const mark = (on) =>
        document.querySelectorAll(`.gpu[data-group="${rank.group}"]`)
            .forEach((other) => other.classList.toggle("same", on && other.dataset.copy === box.dataset.copy));
    box.dataset.copy = rank.copy;
    box.addEventListener("pointerenter", () => mark(true));
    box.addEventListener("pointerleave", () => mark(false));
  }
  return box;
};

// "0-2, 7" as [0, 1, 2, 7].
Show.listed = (ranks) => ranks.split(", ").flatMap((part) => {
  const [first, last = first] = part.split("-").map(Number);
  return Array.from({length: last - first + 1}, (_, i) => first + i);
});

Show.memoryOf = () => {
  const rows = new Map();
  for (const row of Show.data.memory)
    for (const rank of Show.listed(row.ranks)) rows.set(rank, row);
  return rows;
};

Show.cluster = () => {
  const {nodes, ranks, idle, network} = Show.data, memory = Show.memoryOf();
  const section = Show.section(
      "cluster", "Who holds what",
      "Each GPU with its rank; the bar is its memory in use. Point at a rank to see all of it, and " +
          "its request group outlined." +
          (nodes.length < 2 ? "" :
                              ` Nodes are joined by ${network.type}, ${Show.time(network.latency)} from NIC to NIC` +
                   (network.oversubscription > 1 ? `, oversubscribed ${Show.digits(network.oversubscription)} times.` :
                                                   ".")));
  const several = new Set(ranks.map((rank) => String(rank.layers))).size > 1;
  section.append(Show.legend([...new Set(ranks.map((rank) => rank.sort))].sort().map((sort) => Show.sorts[sort])));
  section.append(Show.el(
      "div", {class: "nodes"},
      nodes.map(
          (node, index) => Show.el(
              "div", {class: "node"},
              Show.el(
                  "header", {},
                  Show.el("div", {}, Show.el("b", {}, "node " + index), ` ${node.gpu}, ${Show.bytes(node.memory)}`),
                  Show.el(
                      "div", {}, `${node.link} ${Show.rate(node.link_rate)}`,
                      node.nics ? ` · ${Show.plural(node.nics, "NIC")} ${Show.rate(node.nic_rate)}` : "")),
              Show.el(
                  "div", {class: "gpus"},
                  ranks.filter((rank) => rank.node === index)
                      .map((rank) => Show.gpuBox({...rank, stages: several}, memory.get(rank.rank))),
                  idle.filter(([at]) => at === index)
                      .map(
                          ([, gpu, why]) => Show.el(
                              "div", {class: "gpu idle"}, Show.el("b", {}, "idle", Show.el("span", {}, "GPU " + gpu)),
                              Show.el("div", {}, why))))))));
};

// Rows that are the same to three digits are told once.
Show.memoryRows = () => {
  const rows = new Map();
  for (const row of Show.data.memory) {
    const key = [...row.values, row.total, row.capacity].map(Show.bytes).join("|"), before = rows.get(key);
    if (before)
      before.list.push(...Show.listed(row.ranks));
    else
      rows.set(key, {...row, list: Show.listed(row.ranks)});
  }
  return [...rows.values()].map((row) => ({...row, list: row.list.sort((a, b) => a - b)}));
};

Show.memory = () => {
  const rows = Show.memoryRows(), scarce = rows.some((row) => row.total > 0.35 * row.capacity);
  const section = Show.section(
      "memory", "Memory",
      "What each rank's slab is spent on" +
          (scarce ? "; the line is what the GPU has." :
                    "; the bars end at the fullest rank, far below what the GPUs have.") +
          " Bytes that buffers share by lifetime count once.");
  section.append(
      Show.bars(
          rows.map(
              (row) => ({
                name: (row.list.length === 1 ? "rank " : "ranks ") + Show.ranks(row.list),
                limit: scarce && row.capacity,
                value: `${Show.bytes(row.total)} of ${Show.bytes(row.capacity)}`,
                parts: row.values.map((value, i) => ({name: Show.memoryParts[i], color: Show.memoryParts[i], value})),
              })),
          {format: Show.bytes}),
      Show.legend(Show.memoryParts.map((name) => ({name, color: name}))));
};
