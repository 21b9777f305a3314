// show_why: what was decided and what came second; and what was run beside what was predicted.
Show.why = () => {
  if (Show.data.why.length === 0) return;
  const section = Show.section("why", "Why so", "What the planner chose, for what reason, and what came second.");
  section.append(Show.table(
      Show.data.why,
      [
        {name: "chosen", value: (why) => why.choice, format: (text) => Show.el("span", {}, Show.breakable(text))},
        {name: "reason", value: (why) => why.reason},
        {
          name: "next best",
          value: (why) => why.runner_up || "",
          format: (text) => Show.el("span", {}, Show.breakable(text))
        },
        {
          name: "decided in",
          value: (why) => why.where,
          format: (where) => Show.el("code", {style: "white-space:nowrap"}, where)
        },
      ],
      {wide: true}));
};

Show.recordColors = {
  prediction: "s1",
  emulation: "s2",
  measurement: "s3"
};

Show.compare = () => {
  if (!Show.data.steps.some((step) => step.records.length > 0)) return;
  const section = Show.section(
      "compare", "Prediction, emulation, measurement",
      "Time of a run of the step, and of each kind of operation in it: the mean of the ranks that have it, without " +
          "waiting for others. Intervals are the prediction's cases, and the fastest and slowest run. A measurement " +
          `is of the machine that it was made on, the prediction of the cluster ${Show.data.topology}.`);
  const place = section.appendChild(Show.el("div"));
  Show.onStep((step) => {
    const mark = (name, value, low, high) => ({name, color: Show.recordColors[name], value, low, high});
    if (step.records.length === 0) return place.replaceChildren(Show.el("p", {}, "Of this step there is no record."));
    const rows = [{
      name: "the step",
      marks: [
        mark("prediction", step.seconds.expected, step.seconds.low, step.seconds.high),
        ...step.records.map((record) => mark(record.name, record.median, record.least, record.most))
      ]
    }];
    for (const [kind, low, expected, high] of [...step.predicted].sort((a, b) => b[2] - a[2]))
      rows.push({
        name: kind,
        marks: [
          mark("prediction", expected, low, high),
          ...step.records.flatMap(
              (record) =>
                  record.kinds.filter(([name]) => name === kind).map(([, seconds]) => mark(record.name, seconds)))
        ]
      });
    const all = rows.flatMap((row) => row.marks.map((one) => one.value)).filter((value) => value > 0);
    place.replaceChildren(
        Show.el(
            "p", {class: "note"},
            step.records.map(
                (record) =>
                    `${record.name}: median of ${Show.plural(record.runs, "run")} ${Show.time(record.median)}, ` +
                    `${Show.digits(record.median / step.seconds.expected)} times the prediction. `)),
        Show.spans(rows, {format: Show.time, log: Math.max(...all) / Math.min(...all) > 30}));
  });
};
