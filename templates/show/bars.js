// bars: horizontal bars of stacked parts, a line each.
//
//   Show.bars([{ name: "ranks 0-11", parts: [{ name: "weights", color: "weights", value: 5e9 }], limit: 80e9,
//                value: "41 GB of 80 GB", tip: ["..."] }], { max, format: Show.bytes, limit: "the GPU's memory" })
//
// `max` is the whole width (default: the most of any line, limits included). A limit is drawn as an upright line.
Show.bars = (rows, {max, format = Show.digits} = {}) => {
  const total = (row) => row.parts.reduce((sum, part) => sum + part.value, 0);
  const whole = max || Math.max(...rows.map((row) => Math.max(total(row), row.limit || 0))) || 1;
  const share = (value) => (100 * value / whole).toFixed(3) + "%";
  return Show.el("div", {class: "bars"}, rows.map((row) => {
    const bar = Show.el("div", {
      class: "bar",
      role: "img",
      "aria-label": row.name + ": " + row.parts.map((part) => (part.name || "") + " " + format(part.value)).join(", ")
    });
    let at = 0;
    for (const part of row.parts) {
      if (part.value > 0)
        bar.append(Show.el("i", {
          style: "left:" + share(at) + ";width:max(1px," + share(part.value) + ");background:" + Show.ink(part.color)
        }));
      at += part.value;
    }
    if (row.limit)
      bar.append(
          Show.el("i", {style: "left:calc(" + share(row.limit) + " - 2px);width:2px;background:" + Show.ink("ink")}));
    Show.tip(bar, () => [row.name, ...(row.tip || row.parts.map((part) => part.name + " " + format(part.value)))]);
    return [
      Show.el("span", {class: "name", title: row.name}, row.name), bar,
      Show.el("span", {class: "value"}, row.value || format(total(row)))
    ];
  }));
};
