// report: the page of gen report: for each deployment of the documents its tables and charts, and what follows from
// the documents' own figures.
(() => {
  const marks = {
    within: ["✓", "the claim lies within our interval"],
    lower: ["▼", "the claim is lower than our interval"],
    higher: ["▲", "the claim is higher than our interval"]
  };
  const main = document.querySelector("main");

  const mark = (verdict) =>
      marks[verdict] && Show.el("span", {class: "mark " + verdict, title: marks[verdict][1]}, marks[verdict][0]);

  const ours = (cell, own) => {
    const [value, range] = cell.text.split(" [");
    return Show.el(
        "td", {class: "ours"},
        Show.el(
            "span", {class: "first"}, Show.el("b", {class: cell.ours ? null : "infeasible"}, value),
            mark(cell.verdict)),
        range ? Show.el("span", {class: "more"}, range.replace("]", "").replace("..", " to ")) : "",
        own && cell.claim ? Show.el("span", {class: "more"}, "claim " + cell.claim.text) : "");
  };

  const claimsTable = (table) => {
    const own = table.rows.some((row) => new Set(row.cells.map((cell) => cell.claim && cell.claim.id)).size > 1);
    const some = !own && table.rows.some((row) => row.cells[0].claim);
    const heads = [
      "", some && "claim", ...table.columns, table.rows.some((row) => row.why) && "why they differ"
    ].filter((head) => head !== false);
    const body = table.rows.map(
        (row) => Show.el(
            "tr", {}, Show.el("td", {class: "what"}, row.what),
            some ? Show.el(
                       "td", {class: "claim", title: row.cells[0].claim ? row.cells[0].claim.context : null},
                       row.cells[0].claim ? row.cells[0].claim.text : "") :
                   "",
            row.cells.map((cell) => ours(cell, own)),
            heads.includes("why they differ") ? Show.el("td", {class: "why"}, row.why) : ""));
    return Show.el(
        "div", {class: "scroll"},
        Show.el(
            "table", {class: "claims"},
            Show.el("thead", {}, Show.el("tr", {}, heads.map((head) => Show.el("th", {scope: "col"}, head)))),
            Show.el("tbody", {}, body)));
  };

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
    const x = table.columns.map(parseFloat), charts = Show.el("div", {class: "columns"});
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

  const checks = (study) => {
    const row = (check) => Show.el(
        "tr", {}, Show.el("td", {class: "what"}, check.title), Show.el("td", {}, check.how),
        Show.el("td", {class: "stated"}, check.stated_text),
        Show.el(
            "td", {class: "follows"},
            (check.relation.startsWith("at") ? check.relation + " " : "") + check.follows_text),
        Show.el(
            "td",
            {class: check.relation === "implied" ? "" :
                 check.holds                     ? "good" :
                                                   "bad"},
            check.verdict));
    const order = [...study.checks].sort((a, b) => a.holds - b.holds);
    return Show.el(
        "div", {class: "scroll"},
        Show.el(
            "table", {class: "claims"},
            Show.el(
                "thead", {},
                Show.el(
                    "tr", {},
                    ["", "computed as", "stated", "follows", ""].map((head) => Show.el("th", {scope: "col"}, head)))),
            Show.el("tbody", {}, order.map(row))));
  };

  const untold = (study) => Show.el(
      "div", {class: "scroll"},
      Show.el(
          "table", {class: "claims"},
          Show.el(
              "tbody", {},
              study.untold.map(
                  (one) => Show.el(
                      "tr", {}, Show.el("td", {class: "what"}, one.about + ": " + one.claim.context),
                      Show.el("td", {class: "claim"}, one.claim.text), Show.el("td", {class: "why"}, one.why))))));

  const tiles = ({tally}) => Show.el(
      "div", {class: "tiles"},
      Show.tile(
          "deployments planned", Show.number(tally.points), Show.plural(tally.unplanned, "cannot be", "cannot be")),
      Show.tile("rows with a claim", Show.number(tally.claims)),
      Show.tile("agree", Show.number(tally.within), Show.number(tally.partly) + " more at some operating points"),
      Show.tile(
          "differ by more than our interval", Show.number(tally.outside),
          tally.infeasible > 0 && Show.number(tally.infeasible) + " have no deployment to compare with"),
      tally.checks > 0 ? Show.tile(
                             "computations over their figures", Show.number(tally.checks - tally.implied),
                             Show.number(tally.failed) + " do not hold") :
                         "");

  const lead = Show.section("reading", "How to read this", "");
  lead.append(
      Show.el("ul", {class: "note"}, Show.data.assumptions.map((text) => Show.el("li", {}, text))),
      Show.el(
          "div", {class: "note"},
          Object.entries(marks).map(
              ([verdict, [, text]]) => Show.el("span", {style: "margin-right:1.6em"}, mark(verdict), " " + text))));

  for (const study of Show.data.studies) {
    main.append(Show.el("header", {class: "study", id: study.name}, Show.el("h2", {}, study.title), tiles(study)));
    document.querySelector("nav.contents")
        .append(Show.el("a", {href: "#" + study.name, style: "font-weight:620"}, study.title + ":"));
    let part, section;
    for (const table of study.tables) {
      if (table.part !== part) section = Show.section(study.name + "-" + table.part, table.part_title);
      part = table.part;
      section.append(
          Show.el("h3", {}, table.title), Show.el("p", {class: "note"}, table.about),
          table.sources ? Show.el("p", {class: "note"}, table.sources) : "");
      if (table.chart === "spans") section.append(Show.el("div", {class: "scroll"}, spans(table)));
      if (table.chart === "lines") section.append(lines(table));
      section.append(claimsTable(table));
    }
    if (study.checks.length)
      Show.section(
              study.name + "-arithmetic", "What follows from their own figures",
              "Computed from the claims alone. Where a computation does not hold, no prediction can agree with all of its figures.")
          .append(checks(study));
    if (study.untold.length) Show.section(study.name + "-untold", "Claimed and not predicted").append(untold(study));
  }
})();
