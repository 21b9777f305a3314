// units: figures with their unit in SI, as gen's JSON has them.
//
//   Show.unit("s")(1.2e-3) "1.2 ms"     units: s B B/s % J W x tokens/s -
Show.units = {
  s: (v) => Show.time(v),
  B: (v) => Show.bytes(v),
  "B/s": (v) => Show.rate(v),
  "%": (v) => Show.percent(v),
  J: (v) => (v === 0 ? "0 J" : Show.scaled(v, [[1, "J"], [1e-3, "mJ"], [1e-6, "µJ"]])),
  x: (v) => Show.digits(v) + " ×",
};
Show.unit = (name) => Show.units[name] || ((v) => Show.digits(v) + (name === "-" ? "" : " " + name));
