// report-tables: the tables of gen report's page: claims beside predictions, computations, claims without a prediction.
//
//   Show.report.claims(table)  .checks(study)  .untold(study)  .mark(verdict)  .marks     nodes, of the report's JSON
Show.report = (() => {
  const marks = {
    within: ["✓", "the claim lies within our interval"],
    lower: ["▼", "the claim is lower than our interval"],
    higher: ["▲", "the claim is higher than our interval"]
  };
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

  return {marks, mark, claims: claimsTable, checks, untold};
})();
