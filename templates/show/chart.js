// chart: series over a numeric axis, with bands for intervals and marks for what others claim.
//
//   Show.chart({ x: { name: "GPUs", log: true, ticks: [4, 8, 16] },
//                y: { name: "TPOT", format: Show.time, log: true, zero: false },
//                series: [{ name: "prediction", color: "s1", points: [{ x: 4, y: 1e-3, low: 8e-4, high: 2e-3 }] },
//                         { name: "the document's claim", color: "s2", marks: true, dash: true, points: [...] }],
//                height: 300, width: 640 })
//
// `marks`: points without a line; `dash`: a broken line. Points need not share their x.
Show.axis = ({log, ticks, zero}, low, high, from, to, count) => {
  if (!log && zero !== false) low = Math.min(0, low);
  if (log) {
    low *= 0.92;
    high *= 1.08;
  } else if (low === high)
    high = low + 1;
  else {
    const room = 0.04 * (high - low);
    high += room;
    if (low !== 0) low -= room;
  }
  const of = (value) => (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  return {
    place: (value) => from + (to - from) * of(value),
    ticks: ticks || Show.ticks(low, high, count, log),
    low,
    high
  };
};

Show.chart = ({x, y, series, width = 640, height = 300}) => {
  const all = series.flatMap((line) => line.points);
  const xs = all.map((point) => point.x).concat(x.ticks || []);
  const ys = all.flatMap((point) => [point.y, point.low, point.high])
                 .filter((value) => Number.isFinite(value) && (!y.log || value > 0));
  const format = y.format || Show.digits;
  const bottom = height - 40;
  const down = Show.axis(y, Math.min(...ys), Math.max(...ys), bottom, 26, 5);
  const left = 16 + 7 * Math.max(...down.ticks.map((tick) => format(tick).length));
  const across = Show.axis({zero: false, ...x}, Math.min(...xs), Math.max(...xs), left, width - 16, 7);
  const picture = Show.svg(
      "svg", {viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": y.name + " by " + x.name});
  const add = (name, attributes, ...children) => picture.appendChild(Show.svg(name, attributes, ...children));
  for (const tick of down.ticks) {
    const at = down.place(tick);
    add("line", {x1: left, x2: width - 8, y1: at, y2: at, stroke: Show.ink("grid")});
    add("text", {x: left - 8, y: at + 4, "text-anchor": "end", class: "muted"}, format(tick));
  }
  for (const tick of across.ticks)
    add("text", {x: across.place(tick), y: bottom + 18, "text-anchor": "middle", class: "muted"},
        (x.format || Show.digits)(tick));
  add("line", {x1: left, x2: width - 8, y1: bottom, y2: bottom, stroke: Show.ink("line")});
  add("text", {x: (left + width) / 2, y: height - 5, "text-anchor": "middle", class: "muted"}, x.name);
  add("text", {x: 2, y: 14, class: "muted"}, y.name);
  const spot = (point) => across.place(point.x).toFixed(1) + "," + down.place(point.y).toFixed(1);
  const seen = (points) => points.filter((point) => Number.isFinite(point.y) && (!y.log || point.y > 0));
  for (const line of series) {
    const color = Show.ink(line.color), points = seen(line.points),
          band = points.filter((point) => point.low > 0 && point.high > 0);
    if (!line.marks && band.length > 1)
      add("path", {
        fill: color,
        opacity: 0.16,
        d: "M" + band.map((p) => spot({x: p.x, y: p.high})).join("L") + "L" +
            band.map((p) => spot({x: p.x, y: p.low})).reverse().join("L") + "Z"
      });
    if (!line.marks && points.length > 1)
      add("path", {
        fill: "none",
        stroke: color,
        "stroke-width": 2,
        "stroke-dasharray": line.dash ? "5 4" : null,
        d: "M" + points.map(spot).join("L")
      });
    for (const point of points) {
      const [cx, cy] = spot(point).split(",");
      const mark = line.marks ?
          add("path",
              {d: `M${cx},${cy - 6}l6,6l-6,6l-6,-6Z`, fill: Show.ink("paper"), stroke: color, "stroke-width": 2}) :
          add("circle", {cx, cy, r: 4, fill: color, stroke: Show.ink("paper"), "stroke-width": 1.5});
      Show.tip(
          mark,
          () =>
              [line.name, x.name + " " + (x.format || Show.digits)(point.x),
               y.name + " " + (point.low > 0 ? Show.interval({...point, expected: point.y}, format) : format(point.y)),
               point.note]);
    }
  }
  return Show.el(
      "figure", {}, picture,
      Show.legend(series.map((line) => ({name: line.name, color: line.color, outline: line.marks}))));
};
