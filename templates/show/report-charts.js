// report-charts: the charts of gen report's page, each beside the table of the same figures.
//
//   Show.report.spans(table)   deployments, a span for each column        Show.report.lines(table)   over the columns
(() => {
  const numeric = (value) => Number.isFinite(value) && value > 0;

  // Deployments side by side: a span for each column, and the claim.
  const spans = (table) => Show.spans(
      table.rows
          .map((row) => ({
                 name: row.what,
                 marks: row.cells
                            .map((cell, c) => cell.ours && {
                              name: table.columns[c],
                              color: "s" + (c % 8 + 1),
                              value: cell.ours.expected,
                              low: cell.ours.low,
                              high: cell.ours.high
                            })
                            .concat(
                                [row.cells[0].claim &&
                                 {name: "the documents' claim", color: "critical", value: row.cells[0].claimed}])
                            .filter((one) => one && numeric(one.value)),
               }))
          .filter((row) => row.marks.length),
      {format: Show.unit(table.rows[0].cells[0].unit), log: table.log, width: 980});

  // Over columns that are numbers: a line for each row of one figure, claims as broken lines of the same colour.
  const lines = (table) => {
    const x = table.columns.map((column) => Number((/[\d.]+/.exec(column) || [])[0])),
          charts = Show.el("div", {class: "columns"});
    for (const metric of new Set(table.rows.map((row) => row.metric + " " + row.cells[0].unit))) {
      const rows = table.rows.filter((row) => row.metric + " " + row.cells[0].unit === metric);
      const claimed = (row) =>
          rows.length < 4 || row.cells.some((cell) => cell.claim);  // else bands would hide each other
      const spot = (row) => (cell, c) => cell.ours &&
          {x: x[c], y: cell.ours.expected, ...(claimed(row) ? {low: cell.ours.low, high: cell.ours.high} : {})};
      const series =
          rows.flatMap(
                  (row, r) =>
                      [{name: row.what, color: "s" + (r % 8 + 1), points: row.cells.map(spot(row)).filter(Boolean)},
                       {
                         name: row.what + ": claim",
                         color: "s" + (r % 8 + 1),
                         dash: true,
                         points: row.cells.map((cell, c) => cell.claim && {x: x[c], y: cell.claimed}).filter(Boolean)
                       },
      ]).filter((line) => line.points.some((point) => numeric(point.y)));
      if (series.length)
        charts.append(Show.chart({
          x: {name: table.x, log: true, ticks: x, format: String},
          y: {
            name: rows.length > 1 ? metric.split(" ")[0] : rows[0].what,
            format: Show.unit(rows[0].cells[0].unit),
            log: table.log && !["x", "%"].includes(rows[0].cells[0].unit)
          },
          series
        }));
    }
    return charts;
  };

  Object.assign(Show.report, {spans, lines});
})();
