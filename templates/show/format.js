// format: quantities as people read them, three significant digits, decimal units. No locale enters.
//
//   Show.time(1.2e-3) "1.2 ms"    Show.bytes(12e6) "12 MB"    Show.rate(25e9) "25 GB/s"    Show.percent(0.31) "31 %"
//   Show.number(212624) "212,624"  Show.interval({ low, expected, high }, Show.time) "1.2 ms (0.9 to 1.6 ms)"
//   Show.ranks([0, 1, 2, 7]) "0-2, 7"    Show.ticks(0, 4.1, 6) [0, 1, 2, 3, 4]
Show.digits = (value, digits = 3) => {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return "-";
  const text = Number(value.toPrecision(digits));
  return Math.abs(text) >= 1000 ? Show.number(text) : String(text);
};
Show.number = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
Show.scaled = (value, steps) => {
  const size = Math.abs(value);
  const [scale, unit] = steps.find(([least]) => size >= least * 0.9995) || steps[steps.length - 1];
  return Show.digits(value / scale) + " " + unit;
};
Show.time = (s) =>
    (s === 0 ? "0 s" : Show.scaled(s, [[60, "min"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]]));
Show.bytes = (b) => Show.scaled(b, [[1e15, "PB"], [1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]]);
Show.rate = (b) => Show.bytes(b) + "/s";
Show.perSecond = (v) => (v >= 1000 ? Show.number(v) : Show.digits(v)) + "/s";
Show.percent = (share) => {
  const value = 100 * share;
  const size = Math.abs(value);
  return (size >= 99.95 || size === 0 ? Show.number(value) :
              size >= 0.1             ? value.toFixed(1) :
                                        value.toPrecision(1)) +
      " %";
};
Show.range = (of, format) => format(Math.min(of.low, of.high)) + " to " + format(Math.max(of.low, of.high));
Show.interval = (of, format) => format(of.expected) + " (" + Show.range(of, format) + ")";
Show.plural = (count, thing, things) => Show.number(count) + " " + (count === 1 ? thing : things || thing + "s");

// Half-open [begin, end) as people count: "3", "3-5", "none".
Show.span = ([begin, end]) => (begin >= end ? "none" : end - begin === 1 ? String(begin) : begin + "-" + (end - 1));
Show.ranks = (list) => {
  const parts = [];
  for (let i = 0, k; i < list.length; i = k) {
    for (k = i + 1; k < list.length && list[k] === list[k - 1] + 1;) ++k;
    parts.push(Show.span([list[i], list[k - 1] + 1]));
  }
  return parts.join(", ");
};

// Round numbers from low to high, about `count` of them; on a logarithmic axis 1, 2, 5 times powers of ten.
Show.ticks = (low, high, count = 6, log = false) => {
  const ticks = [];
  if (log) {
    const wide = Math.log10(high / low) > count / 2;
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); ++power)
      for (const digit of wide ? [1] : [1, 2, 5]) {
        const value = Number((digit * 10 ** power).toPrecision(12));
        if (value >= low && value <= high) ticks.push(value);
      }
    return ticks;
  }
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((value) => value >= raw * 0.999);
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-12); ++i)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
};
