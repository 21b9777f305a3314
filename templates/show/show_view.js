// show_view: the time line on a canvas: wheel, drag, keys and buttons move and widen what is seen.
Show.timeLine = () => {
  const section = Show.section(
      "line", "Time line",
      "Operations of the simulated step, a lane for each stream of each rank. Drag to move; " +
          "click, then the wheel zooms, or hold " +
          "Ctrl; arrows, + and − work too, 0 shows all. Pale: there, but waiting for the others of a move.");
  const canvas = Show.el("canvas", {tabindex: "0", role: "img", "aria-label": "time line of the step"});
  const about = Show.el("p", {class: "note"});
  const view = {left: 190, top: 24, gap: 5};
  let step, all, width = 0, height = 0, asked = false;

  const draw = () => {
    asked = false;
    const scale = devicePixelRatio || 1, context = canvas.getContext("2d");
    width = canvas.clientWidth || 1000;
    canvas.width = width * scale;
    canvas.height = height * scale;
    context.scale(scale, scale);
    Show.drawLine(context, step, all, view, width, height);
  };
  const ask = () => {
    if (!asked) {
      asked = true;
      requestAnimationFrame(draw);
    }
  };
  const show = (from, to) => {
    const whole = step.line.makespan, span = Math.min(whole * 1.02, Math.max(50, to - from));
    view.from = Math.max(-0.01 * whole, Math.min(from, 1.01 * whole - span));
    view.to = view.from + span;
    ask();
  };
  const zoom = (factor, at = (view.from + view.to) / 2) =>
      show(at - (at - view.from) * factor, at + (view.to - at) * factor);
  const move = (share) => show(view.from + share * (view.to - view.from), view.to + share * (view.to - view.from));
  const whole = () => show(-0.005 * step.line.makespan, 1.01 * step.line.makespan);
  const time = (event) => view.from + (event.offsetX - view.left) * (view.to - view.from) / (width - view.left);

  const under = (event) => {
    const tops = Show.laneTops(all.lanes, view),
          row = tops.findIndex((top) => event.offsetY >= top && event.offsetY < top + view.lane);
    if (row < 0 || event.offsetX < view.left) return null;
    const lane = all.lanes[row], at = time(event), near = 2 * (view.to - view.from) / width;
    const i =
        lane.begin.findIndex((begin, k) => begin - Math.max(near, lane.waits[k]) <= at && at <= lane.end[k] + near);
    return i < 0 ? null : [lane, i];
  };
  Show.tip(canvas, (event) => {
    const hover = event.buttons ? null : under(event);
    if (String(hover) !== String(view.hover)) ask();
    view.hover = hover;
    return hover && Show.tellOperation(step, all, ...hover);
  });
  canvas.addEventListener("pointerleave", () => {
    view.hover = null;
    ask();
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== canvas) return;
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
      move((event.deltaX || event.deltaY) / 600);
    else
      zoom(Math.exp(event.deltaY / 400), time(event));
  }, {passive: false});
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add("dragged");
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons & 1) move(-event.movementX / (width - view.left));
  });
  canvas.addEventListener("pointerup", () => canvas.classList.remove("dragged"));
  canvas.addEventListener("keydown", (event) => {
    const acts = {
      ArrowLeft: () => move(-0.15),
      ArrowRight: () => move(0.15),
      "+": () => zoom(0.7),
      "=": () => zoom(0.7),
      "-": () => zoom(1.4),
      0: whole
    };
    if (!acts[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    acts[event.key]();
  });
  const button = (name, title, act) => Show.el("button", {type: "button", title, click: act}, name);
  const only = button("critical path only", "dim all other operations", () => {
    view.only = !view.only;
    only.setAttribute("aria-pressed", String(view.only));
    ask();
  });
  only.setAttribute("aria-pressed", "false");
  const layers = button("one layer", "show the middle layer", () => {
    const of = all.lanes.flatMap((lane) => [...lane.layers.keys()].map((i) => [lane, i])),
          marks = [...new Set(of.map(([lane, i]) => lane.layers[i]))];
    const middle = marks.filter((layer) => layer >= 0).sort((a, b) => a - b)[Math.floor((marks.length - 1) / 2)];
    const mine = of.filter(([lane, i]) => lane.layers[i] === middle);
    if (mine.length)
      show(Math.min(...mine.map(([lane, i]) => lane.begin[i])), Math.max(...mine.map(([lane, i]) => lane.end[i])));
  });
  section.append(
      about,
      Show.el(
          "div", {class: "controls"}, button("+", "closer", () => zoom(0.6)), button("−", "wider", () => zoom(1.7)),
          button("◀", "earlier", () => move(-0.3)), button("▶", "later", () => move(0.3)),
          button("all", "the whole step", whole), layers, only),
      Show.el("div", {class: "line"}, Show.el("div", {class: "scrolled"}, canvas)), Show.legend([
        ...Show.categories.map(([color, name]) => ({name, color})),
        {name: "critical path", color: "critical", outline: true}
      ]));
  Show.onStep((chosen) => {
    step = chosen;
    all = Show.lanesOf(step);
    view.hover = null;
    view.lane = all.lanes.length > 90 ? 12 : all.lanes.length > 40 ? 14 : 18;
    const tops = Show.laneTops(all.lanes, view);
    height = tops[tops.length - 1] + view.lane + 8;
    canvas.style.height = height + "px";
    const shown = new Set(all.lanes.map((lane) => lane.rank)).size;
    const {omitted, left_out} = step.line, notes = [];
    if (shown !== Show.data.ranks.length) notes.push("Ranks that do the same at the same times share a lane.");
    if (left_out) notes.push(`${Show.plural(left_out, "kind")} of ranks off the critical path left out.`);
    if (omitted) notes.push(`Layers ${Show.span(omitted.layers)} are not drawn: they are like their neighbours.`);
    about.textContent = notes.join(" ");
    if (omitted)
      show(0, 1.1 * omitted.begin);
    else
      whole();
  });
  new ResizeObserver(ask).observe(canvas);
  Show.onTheme(ask);
};
