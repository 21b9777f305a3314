// sweep: the page of gen sweep: the map (drawn before), a chart over the first numeric key, the table of all points.
(() => {
  const sweep = Show.data, by = sweep.by, format = Show.unit(sweep.unit);
  const figure = (point) => (point.figures ? point.figures[by] : undefined);
  const map = document.getElementById("map");
  if (map)
    Show.section("best", "Which is best", "By " + by + "; the figure is the lead over the second best.").append(map);

  const at = sweep.keys.findIndex((key) => key.values.length > 1 && key.values.every((value) => Number(value) > 0));
  if (at >= 0) {
    const key = sweep.keys[at], rest = sweep.keys.map((_, k) => k).filter((k) => k !== at);
    const section = Show.section(
        "chart", by + " by " + key.name, "Bands run from the lower bound to the pessimistic case of the costs.");
    const groups = new Map();
    for (const cell of sweep.cells) {
      const name = rest.map((k) => sweep.keys[k].name + " " + cell.at[k]).join(", ");
      groups.set(name, [...(groups.get(name) || []), cell]);
    }
    const charts = Show.el("div", {class: "columns"});
    for (const [name, cells] of groups) {
      const series = sweep.strategies
                         .map((strategy, s) => ({
                                name: strategy,
                                color: "s" + (s % 8 + 1),
                                points: cells.filter((cell) => figure(cell.strategies[s])).map((cell) => {
                                  const of = figure(cell.strategies[s]);
                                  return {x: Number(cell.at[at]), y: of.expected, low: of.low, high: of.high};
                                }),
                              }))
                         .filter((line) => line.points.length);
      if (!series.length) continue;
      const x = key.values.map(Number);
      charts.append(Show.el("div", {}, name && Show.el("h3", {}, name), Show.chart({
        x: {name: key.name, log: Math.max(...x) / Math.min(...x) > 4, ticks: x, format: String},
        y: {name: by, format, log: true},
        series
      })));
    }
    section.append(charts);
  }

  const rows = sweep.cells.flatMap((cell) => cell.strategies.map((point, s) => ({cell, point, s})));
  const figures = (row, name) => row.point.figures && row.point.figures[name];
  const expected = (name, heading, unit) => ({
    name: heading,
    number: true,
    value: (row) => (figures(row, name) ? figures(row, name).expected : undefined),
    format: Show.unit(unit),
  });
  const verdict = ({cell, point, s}) => !point.figures ? point.word + ": " + point.reason :
      cell.best !== s                                  ? "" :
                        "best" + (cell.lead === null ? "" : " by " + Show.percent(cell.lead));
  const interval = (row) => Show.interval(figures(row, "tpot"), Show.time);
  Show.section("points", "All points", "Expected figures; in brackets the lower bound and the pessimistic case.").append(Show.table(rows, [
    ...sweep.keys.map((key, k) => ({ name: key.name, value: (row) => (Number(row.cell.at[k]) || row.cell.at[k]), format: (_, row) => row.cell.at[k], number: true })),
    { name: "strategy", value: (row) => sweep.strategies[row.s], format: (name) => Show.el("span", { style: "white-space:nowrap" }, name) },
    { ...expected("tpot", "TPOT", "s"), format: (_, row) => interval(row) },
    expected("tps", "tokens/s", "-"), expected("throughput", "with prompts", "-"), expected("memory", "memory", "B"),
    expected("utilisation", "utilisation", "%"),
    { name: "", value: verdict, mood: (row) => (row.point.figures ? "good" : "bad") },
  ], { sortable: true, wide: true }));
})();
