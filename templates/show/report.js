// report: the page of gen report: for each deployment of the documents its tables and charts, and what follows from
// the documents' own figures.
(() => {
  const main = document.querySelector("main");

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
          Object.entries(Show.report.marks)
              .map(
                  ([verdict, [, text]]) =>
                      Show.el("span", {style: "margin-right:1.6em"}, Show.report.mark(verdict), " " + text))));

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
      if (table.chart === "spans") section.append(Show.el("div", {class: "scroll"}, Show.report.spans(table)));
      if (table.chart === "lines") section.append(Show.report.lines(table));
      section.append(Show.report.claims(table));
    }
    if (study.checks.length)
      Show.section(
              study.name + "-arithmetic", "What follows from their own figures",
              "Computed from the claims alone. Where a computation does not hold, no prediction can agree with all of its figures.")
          .append(Show.report.checks(study));
    if (study.untold.length)
      Show.section(study.name + "-untold", "Claimed and not predicted").append(Show.report.untold(study));
  }
})();
