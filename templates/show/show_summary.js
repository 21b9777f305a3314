// show_summary: the head of the page, the figures of the deployment, and the choice of a step, which sections
// that tell about a step follow: Show.onStep((step) => ...) is called at once and at every choice.
Show.stepListeners = [];
Show.onStep = (listen) => {
  Show.stepListeners.push(listen);
  listen(Show.data.steps[Show.data.open]);
};

Show.header = () => {
  const {data} = Show, {model, workload} = data;
  document.querySelector("header.page")
      .prepend(
          Show.el("h1", {}, data.name), Show.el("p", {class: "lead"}, data.deployment),
          Show.el(
              "p", {class: "note"},
              `${model.name}: ${
                  Show.scaled(model.parameters, [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1, ""]])} parameters, ` +
                  `${Show.plural(model.layers, "layer")}, hidden ${model.hidden}, ${model.heads} heads, ${
                      model.experts} experts, ` +
                  `top-${model.top_k}. Cluster ${data.topology}. Batch ${workload.batch}, prompt ${
                      workload.prefill}, context ` +
                  `${workload.context}, ${workload.dtype}. Strategy `,
              Show.el("code", {}, Show.breakable(data.strategy))));
};

Show.stepChoice = () => {
  const buttons = Show.data.steps.map(
      (step, index) => Show.el(
          "button", {
            type: "button",
            "aria-pressed": String(index === Show.data.open),
            click: () => {
              Show.data.open = index;
              buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === index)));
              Show.stepListeners.forEach((listen) => listen(step));
            },
          },
          step.name));
  document.querySelector("main").append(Show.el(
      "div", {class: "steps", role: "group", "aria-label": "step"},
      Show.el("span", {class: "note"}, "What follows is of the step"), buttons));
};

Show.limits = {
  chain: "dependencies",
  compute: "arithmetic",
  memory: "memory traffic",
  network: "links or NICs",
};

Show.summary = () => {
  const {figures, memory, steps, workload} = Show.data;
  const section = Show.section(
      "summary", "Summary",
      "Simulated at the bounds of the workload, in the expected case; in brackets from nothing ever inefficient to a " +
          "pessimistic case. Nothing here was measured unless it says so.");
  const fullest = memory.reduce((most, row) => (row.total / row.capacity > most.total / most.capacity ? row : most));
  const rate = (of) => ({expected: of.expected, low: of.high, high: of.low});
  section.append(Show.el(
      "div", {class: "tiles"},
      Show.tile("TPOT, a decode step", Show.time(figures.tpot.expected), Show.range(figures.tpot, Show.time)),
      Show.tile("TPS, new tokens", Show.perSecond(figures.tps.expected), Show.range(rate(figures.tps), Show.perSecond)),
      Show.tile(
          "throughput, all tokens", Show.perSecond(figures.throughput.expected),
          Show.range(rate(figures.throughput), Show.perSecond)),
      Show.tile(
          "prefill of " + Show.plural(workload.batch, "sequence"), Show.time(figures.prefill.expected),
          Show.range(figures.prefill, Show.time)),
      Show.tile(
          "memory, fullest GPU", Show.percent(fullest.total / fullest.capacity),
          `${Show.bytes(fullest.total)} of ${Show.bytes(fullest.capacity)}: ${
              / ^\d + $ /.test(fullest.ranks) ? "rank" : "ranks"} ${fullest.ranks}`)));
  section.append(Show.table(steps, [
    {name: "step", value: (step) => step.name},
    {name: "tokens", value: (step) => step.tokens, format: Show.number, number: true},
    {name: "micro-batches", value: (step) => step.microbatches, number: true},
    {
      name: "time",
      value: (step) => step.seconds.expected,
      format: (_, step) => Show.interval(step.seconds, Show.time),
      number: true
    },
    {name: "lower bound", value: (step) => step.bound.seconds, format: Show.time, number: true},
    {
      name: "above it",
      value: (step) => step.seconds.expected / step.bound.seconds - 1,
      format: (share) => "+" + Show.percent(share),
      number: true
    },
    {
      name: "bounded by",
      value: (step) =>
          Show.limits[Object.keys(Show.limits).reduce((most, key) => (step.bound[key] > step.bound[most] ? key : most))]
    },
    {name: "ranks computing", value: (step) => step.shares.computing, format: Show.percent, number: true},
    {name: "of peak FLOP/s", value: (step) => step.shares.utilisation, format: Show.percent, number: true},
    {name: "of memory rate", value: (step) => step.shares.memory, format: Show.percent, number: true},
  ]));
};
