// dom: the elements of a page. Texts enter as text nodes, never as markup, so a name that came from a user's
// file cannot become part of the page. Everything hangs on the one global, Show.
//
//   Show.el("p", { class: "note" }, "text ", Show.el("b", {}, name))    an element with children
//   Show.svg("rect", { x: 1, fill: Show.ink("attention") })               the same in SVG
//   Show.section("memory", "Memory", "what it shows")                    appended to <main>, and to the contents
//   Show.tile("TPOT", "1.2 ms", "0.9 to 1.6 ms")                         a figure for a row of class "tiles"
//   Show.legend([{ name, color, outline }])                              colour: a token's name
//   Show.breakable("ep:tp=2,dp=4")                                        a text that may break at its commas
//   Show.data                                                            what the page was made of
const Show = {};
Show.data = JSON.parse(document.getElementById("data").textContent);

Show.fill = (node, attributes, children) => {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function")
      node.addEventListener(key, value);
    else
      node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return node;
};
Show.el = (name, attributes, ...children) => Show.fill(document.createElement(name), attributes, children);
// A text of settings, "ep:tp=2,dp=4", that may break between them.
Show.breakable = (text) => text.split(/(?<=[,:])/).flatMap((part) => [part, Show.el("wbr")]);
Show.svg = (name, attributes, ...children) =>
    Show.fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

Show.section = (id, title, lead) => {
  const heading = Show.el("h2", {}, title);
  const section = Show.el("section", {id, "aria-label": title}, heading, lead && Show.el("p", {class: "note"}, lead));
  document.querySelector("main").append(section);
  const contents = document.querySelector("nav.contents");
  if (contents) contents.append(Show.el("a", {href: "#" + id}, title));
  return section;
};

Show.tile = (name, value, ...more) => Show.el(
    "div", {class: "tile"}, Show.el("div", {class: "name"}, name), Show.el("div", {class: "value"}, value),
    more.filter(Boolean).map((line) => Show.el("div", {class: "more"}, line)));

// A colour token for style attributes (it follows the theme by itself) and, for canvases, its present value.
Show.ink = (name) => "var(--" + name + ")";
Show.color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
Show.onTheme = (draw) => {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("beforeprint", draw);
};

Show.legend = (entries) => Show.el(
    "div", {class: "legend"},
    entries.map(
        (entry) => Show.el(
            "span", {}, Show.el("span", {
              class: entry.outline ? "swatch outline" : "swatch",
              style: (entry.outline ? "border-color:" : "background:") + Show.ink(entry.color),
            }),
            entry.name)));

// One tip for the whole page. `say(event)` gives a node, lines of text (the first is bold) or nothing.
Show.tip = (node, say) => {
  const tip = (Show.tipBox = Show.tipBox || document.body.appendChild(Show.el("div", {class: "tip", role: "tooltip"})));
  const hide = () => {
    tip.style.visibility = "hidden";
  };
  const move = (event) => {
    const said = say(event);
    if (!said) return hide();
    const lines =
        Array.isArray(said) ? said.filter(Boolean).map((line, i) => Show.el(i ? "div" : "b", {}, line)) : [said];
    tip.replaceChildren(...lines);
    const {width, height} = tip.getBoundingClientRect();
    const right = event.clientX + 14 + width > innerWidth;
    const below = event.clientY + 14 + height > innerHeight;
    tip.style.left = Math.max(4, right ? event.clientX - width - 10 : event.clientX + 14) + "px";
    tip.style.top = Math.max(4, below ? event.clientY - height - 10 : event.clientY + 14) + "px";
    tip.style.visibility = "visible";
  };
  node.addEventListener("pointermove", move);
  node.addEventListener("pointerleave", hide);
};
