// spans: values with their intervals on one axis, a line each: claim, prediction, emulation and measurement side
// by side.
//
//   Show.spans([{ name: "decode", marks: [{ name: "prediction", color: "s1", value: 1e-3, low: 8e-4, high: 2e-3 },
//                                         { name: "emulation", color: "s2", value: 1.05e-3 }] }],
//              { format: Show.time, log: false, width: 900 })
Show.spans = (rows, {format = Show.digits, log = false, width = 860} = {}) => {
  const named =
      (mark) => [mark.value, mark.low, mark.high].filter((value) => Number.isFinite(value) && (!log || value > 0));
  const values = rows.flatMap((row) => row.marks.flatMap(named));
  const names = Math.min(300, 20 + 7 * Math.max(...rows.map((row) => row.name.length)));
  const step = 15, gap = 12;
  const height = 34 + rows.reduce((sum, row) => sum + gap + step * row.marks.length, 0);
  const axis = Show.axis({log, zero: true}, Math.min(...values), Math.max(...values), names, width - 90, 6);
  const picture = Show.svg(
      "svg", {viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "values side by side"});
  const add = (name, attributes, ...children) => picture.appendChild(Show.svg(name, attributes, ...children));
  for (const tick of axis.ticks) {
    const at = axis.place(tick);
    add("line", {x1: at, x2: at, y1: 4, y2: height - 24, stroke: Show.ink("grid")});
    add("text", {x: at, y: height - 8, "text-anchor": "middle", class: "muted"}, format(tick));
  }
  let top = gap / 2 + 2;
  const colors = new Map();
  for (const row of rows) {
    add("text", {x: 0, y: top + step * row.marks.length / 2 + 4}, row.name);
    for (const mark of row.marks) {
      colors.set(mark.name, mark.color);
      const y = top + step / 2, x = axis.place(mark.value), color = Show.ink(mark.color);
      const line = Show.svg("g", {});
      if (Number.isFinite(mark.low) && Number.isFinite(mark.high))
        line.append(Show.svg("line", {
          x1: axis.place(log ? Math.max(mark.low, axis.low) : mark.low),
          x2: axis.place(mark.high),
          y1: y,
          y2: y,
          stroke: color,
          "stroke-width": 5,
          opacity: 0.32,
          "stroke-linecap": "round"
        }));
      line.append(
          Show.svg("circle", {cx: x, cy: y, r: 5, fill: color, stroke: Show.ink("paper"), "stroke-width": 1.5}));
      const end = Number.isFinite(mark.high) ? Math.max(x, axis.place(mark.high)) : x;
      line.append(Show.svg("text", {x: end + 10, y: y + 4, class: "muted"}, format(mark.value)));
      Show.tip(
          line,
          () =>
              [row.name,
               mark.name + " " +
                   (Number.isFinite(mark.low) ? Show.interval({...mark, expected: mark.value}, format) :
                                                format(mark.value)),
               mark.note]);
      picture.append(line);
      top += step;
    }
    top += gap;
  }
  return Show.el("figure", {}, picture, Show.legend([...colors].map(([name, color]) => ({name, color}))));
};
