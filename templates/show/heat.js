// heat: a matrix of quantities as squares; darker (in dark pages lighter) is more. Zero is left empty.
//
//   Show.heat({ rows: ["rank 0", ...], columns: [...], values: [[...], ...], format: Show.bytes,
//               down: "from", across: "to", lines: [4, 8] })        lines: where thin lines part nodes
Show.heat = ({rows, columns, values, format, down, across, lines = []}) => {
  const canvas = Show.el("canvas", {role: "img", "aria-label": down + " by " + across});
  const most = Math.max(...values.flat(), 0);
  const cell = Math.max(4, Math.min(26, Math.floor(560 / Math.max(rows.length, columns.length))));
  const left = 54, top = 34, width = left + cell * columns.length + 8, height = top + cell * rows.length + 8;
  const every = cell >= 16 ? 1 : Math.ceil(16 / cell / 4) * 4;
  const draw = () => {
    const scale = devicePixelRatio || 1, context = canvas.getContext("2d");
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.style.width = width + "px";
    canvas.style.maxWidth = "100%";
    context.scale(scale, scale);
    context.font = "11px " + Show.color("font");
    const empty = Show.color("heat-0"), full = Show.color("heat-1");
    values.forEach((row, r) => row.forEach((value, c) => {
      context.globalAlpha = 1;
      context.fillStyle = empty;
      context.fillRect(left + c * cell, top + r * cell, cell - 1, cell - 1);
      if (!value) return;
      context.globalAlpha = 0.16 + 0.84 * (value / most);
      context.fillStyle = full;
      context.fillRect(left + c * cell, top + r * cell, cell - 1, cell - 1);
    }));
    context.globalAlpha = 1;
    context.fillStyle = Show.color("muted");
    context.textBaseline = "middle";
    context.textAlign = "right";
    rows.forEach((name, r) => r % every === 0 && context.fillText(name, left - 6, top + (r + 0.5) * cell));
    context.textAlign = "center";
    columns.forEach((name, c) => c % every === 0 && context.fillText(name, left + (c + 0.5) * cell, top - 9));
    context.textAlign = "left";
    context.fillText(down + " ↓  " + across + " →", 4, 9);
    context.fillStyle = Show.color("faint");
    for (const line of lines) {
      context.fillRect(left + line * cell - 1, top - 4, 1, cell * rows.length + 4);
      context.fillRect(left - 4, top + line * cell - 1, cell * columns.length + 4, 1);
    }
  };
  Show.tip(canvas, (event) => {
    const box = canvas.getBoundingClientRect(), zoom = width / box.width;
    const c = Math.floor(((event.clientX - box.left) * zoom - left) / cell),
          r = Math.floor(((event.clientY - box.top) * zoom - top) / cell);
    return values[r] && values[r][c] !== undefined &&
        [format(values[r][c]), down + " " + rows[r], across + " " + columns[c]];
  });
  Show.onTheme(draw);
  draw();
  return Show.el("figure", {}, canvas);
};
