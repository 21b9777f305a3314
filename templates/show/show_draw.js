// show_draw: draws the lanes that a view shows: { from, to } in ns, { left, top, lane } in pixels.
Show.laneTops = (lanes, view) => {
  let at = view.top;
  return lanes.map((lane, i) => {
    if (i > 0 && lanes[i - 1].rank !== lane.rank) at += view.gap;
    const top = at;
    at += view.lane;
    return top;
  });
};

Show.drawLine = (context, step, all, view, width, height) => {
  const {lanes} = all, tops = Show.laneTops(lanes, view), scale = (width - view.left) / (view.to - view.from);
  const x = (ns) => view.left + (ns - view.from) * scale, bar = view.lane - 2;
  const color = Object.fromEntries([
    ...Show.categories.map(([name]) => name), "critical", "ink", "muted", "line", "grid", "paper", "raised", "on-bright"
  ].map((name) => [name, Show.color(name)]));
  context.fillStyle = color.paper;
  context.fillRect(0, 0, width, height);
  context.font = "11px " + Show.color("font");
  context.textBaseline = "middle";

  const ticks = Show.ticks(view.from * 1e-9, view.to * 1e-9, Math.max(3, Math.round(width / 160)));
  for (const tick of ticks) {
    const at = x(tick * 1e9);
    context.fillStyle = color.grid;
    context.fillRect(at, 18, 1, height);
    context.fillStyle = color.muted;
    context.textAlign = "center";
    if (at > view.left + 18) context.fillText(Show.time(tick), Math.min(at, width - 24), 9);
  }
  context.save();
  context.beginPath();
  context.rect(view.left, 18, width - view.left, height);
  context.clip();
  if (step.line.omitted) {
    const from = Math.max(view.left, x(step.line.omitted.begin)), to = Math.min(width, x(step.line.omitted.end));
    context.fillStyle = color.raised;
    context.fillRect(from, 18, to - from, height);
    context.fillStyle = color.muted;
    context.textAlign = "center";
    if (to - from > 220)
      context.fillText(
          `layers ${Show.span(step.line.omitted.layers)} are left out: they are like their neighbours`, (from + to) / 2,
          30);
  }
  lanes.forEach((lane, row) => {
    const top = tops[row];
    for (let i = 0; i < lane.ops.length; ++i) {
      if (lane.end[i] < view.from || lane.begin[i] > view.to) continue;
      const left = x(lane.begin[i]),
            size = Math.max(0.7, (lane.end[i] - lane.begin[i]) * scale - (scale > 0.002 ? 0.6 : 0));
      context.globalAlpha = view.only && !lane.critical.has(i) ? 0.15 : 1;
      context.fillStyle = color[lane.colors[i]];
      if (lane.waits[i] * scale > 1) {
        context.globalAlpha *= 0.22;
        context.fillRect(x(lane.begin[i] - lane.waits[i]), top, lane.waits[i] * scale, bar);
        context.globalAlpha /= 0.22;
      }
      context.fillRect(left, top, size, bar);
      if (lane.critical.has(i)) {
        context.fillStyle = color.critical;
        context.fillRect(left, top + bar - 2, size, 2);
      }
      if (size > 46 && bar >= 11) {
        const kind = step.line.ops[lane.ops[i]][0];
        context.fillStyle = Show.bright.has(lane.colors[i]) ? color["on-bright"] : color.paper;
        context.textAlign = "left";
        if (context.measureText(kind).width < size - 8)
          context.fillText(kind, Math.max(left, view.left) + 4, top + bar / 2);
      }
    }
  });
  context.globalAlpha = 1;
  Show.drawPath(context, all, tops, x, bar, color.critical, view);
  context.restore();
  lanes.forEach((lane, row) => {
    const first = row === 0 || lanes[row - 1].rank !== lane.rank;
    context.textAlign = "left";
    context.fillStyle = color.ink;
    const name = (lane.ranks.includes("-") || lane.ranks.includes(",") ? "ranks " : "rank ") + lane.ranks;
    if (first) context.fillText(name.length > 15 ? name.slice(0, 14) + "…" : name, 6, tops[row] + bar / 2);
    context.fillStyle = color.muted;
    context.textAlign = "right";
    context.fillText(Show.streams[lane.stream], view.left - 7, tops[row] + bar / 2);
    if (first && row > 0) {
      context.fillStyle = color.grid;
      context.fillRect(0, tops[row] - view.gap / 2 - 1, width, 1);
    }
  });
};

// The critical path from lane to lane, and the move under the pointer.
Show.drawPath = (context, all, tops, x, bar, color, view) => {
  const seen = all.path
                   .filter(([lane, i], k) => {
                     const next = all.path[k + 1];
                     return next && next[0] !== lane && lane.end[i] >= view.from && next[0].begin[next[1]] <= view.to;
                   })
                   .length;
  const close = seen < (x(view.to) - view.left) / 12;  // denser lines would hide the lanes
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.beginPath();
  if (close)
    all.path.forEach(([lane, i], k) => {
      const next = all.path[k + 1];
      if (!next || next[0] === lane || lane.end[i] < view.from || next[0].begin[next[1]] > view.to) return;
      context.moveTo(x(lane.end[i]), tops[lane.index] + bar - 1);
      context.lineTo(x(next[0].begin[next[1]]), tops[next[0].index] + bar - 1);
    });
  context.stroke();
  const hover = view.hover;
  if (!hover) return;
  const members = hover[0].meets[hover[1]] ? all.meets.get(hover[0].meets[hover[1]]) : [hover];
  context.strokeStyle = Show.color("ink");
  context.lineWidth = 1.5;
  for (const [lane, i] of members)
    context.strokeRect(x(lane.begin[i]), tops[lane.index], Math.max(1, x(lane.end[i]) - x(lane.begin[i])), bar);
};
