// table: rows as a table, sorted by a click on a heading.
//
//   Show.table(rows, [{ name: "rank", value: (row) => row.rank, number: true },
//                     { name: "memory", value: (row) => row.bytes, format: Show.bytes, number: true,
//                       mood: (row) => "good" | "bad" | "warn" | undefined }], { caption, sortable: true, wide: true })
//
// `value` is what is sorted by and shown; `format` makes text or a node of it.
Show.table = (rows, columns, {caption, sortable = false, wide = false} = {}) => {
  const body = Show.el("tbody");
  const cell = (row) => (column) => {
    const value = column.value(row);
    const shown = value === undefined || value === null ? "" : column.format ? column.format(value, row) : value;
    return Show.el(
        "td", {class: [column.number && "number", column.mood && column.mood(row)].filter(Boolean).join(" ") || null},
        shown instanceof Node ? shown : String(shown));
  };
  const fill = (list) => body.replaceChildren(...list.map((row) => Show.el("tr", {}, columns.map(cell(row)))));
  const order = {column: -1, down: false};
  const sort = (index) => {
    order.down = order.column === index ? !order.down : Boolean(columns[index].number);
    order.column = index;
    const key = columns[index].value;
    const sorted = [...rows].sort((a, b) => (key(a) > key(b) ? 1 : key(a) < key(b) ? -1 : 0));
    fill(order.down ? sorted.reverse() : sorted);
    heads.forEach(
        (head, i) => head.setAttribute(
            "aria-sort",
            i !== index    ? "none" :
                order.down ? "descending" :
                             "ascending"));
  };
  const heads = columns.map(
      (column, index) => Show.el(
          "th", {
            class: column.number ? "number" : null,
            scope: "col",
            style: sortable ? "cursor:pointer" : null,
            title: sortable ? "sort by " + column.name : null,
            click: sortable ? () => sort(index) : null
          },
          column.name));
  fill(rows);
  return Show.el(
      "div", {class: "scroll"},
      Show.el(
          "table", {class: wide && "wide"}, caption && Show.el("caption", {}, caption),
          Show.el("thead", {}, Show.el("tr", {}, heads)), body));
};
