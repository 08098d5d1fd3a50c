// Charts are drawn at the width they have, so that their text keeps its size on a phone: once when the page
// is put together, and again when their width changes.
const charts = [];

function chart(label, height, draw) {
  const frame = el("div", { class: "chart", role: "img", "aria-label": label, style: `height:${height}px` });
  let drawn = 0;
  const redraw = () => {
    const width = Math.max(260, Math.round(frame.clientWidth || 600));
    if (width === drawn) return;
    drawn = width;
    frame.replaceChildren(svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...draw(width, height)));
  };
  charts.push(redraw);
  new ResizeObserver(() => requestAnimationFrame(redraw)).observe(frame);
  return frame;
}

function niceTicks(low, high, count) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const ticks = [];
  for (let t = Math.ceil(low / step) * step; t <= high + step * 1e-9; t += step) ticks.push(Number(t.toPrecision(12)));
  return ticks;
}

function axes(box, xs, ys, names, xText, yText) {
  const nodes = [];
  for (const tick of ys.ticks) {
    nodes.push(svg("line", { class: "grid", x1: box.left, x2: box.right, y1: ys.at(tick), y2: ys.at(tick) }));
    nodes.push(svg("text", { x: box.left - 8, y: ys.at(tick) + 4, "text-anchor": "end" }, yText(tick)));
  }
  nodes.push(svg("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
  for (const tick of xs.ticks) {
    nodes.push(svg("text", { x: xs.at(tick), y: box.bottom + 18, "text-anchor": "middle" }, xText(tick)));
  }
  nodes.push(svg("text", { x: box.right, y: box.bottom + 38, "text-anchor": "end" }, names.x));
  nodes.push(svg("text", { x: 0, y: 14 }, names.y));
  return nodes;
}

function scale(low, high, from, to, count) {
  const span = high - low || 1;
  return { at: (v) => from + ((v - low) / span) * (to - from), ticks: niceTicks(low, high, count), low, high };
}

const METHODS = {
  features: { name: "the word’s features", color: "var(--one)" },
  word_vector: { name: "plain word vector", color: "var(--two)" },
  random_features: { name: "random features", color: "var(--three)" },
};

function tuningChart(points, budget, chosen) {
  const kls = points.map((p) => p.kl).concat([0, budget || 0]);
  const effects = points.map((p) => p.effect_nats).concat([0]);
  const top = Math.max(...effects), bottom = Math.min(...effects), right = Math.max(...kls);
  const label = "Effect against damage for each strength tried; the table below has the numbers";
  return chart(label, 380, (width, height) => {
    const box = { left: 44, right: width - 14, top: 30, bottom: height - 52 };
    const xs = scale(0, right * 1.05, box.left, box.right, width < 500 ? 4 : 8);
    const ys = scale(bottom - 0.06 * (top - bottom), top * 1.06, box.bottom, box.top, 6);
    const nodes = axes(box, xs, ys, { x: "damage: KL, nats a token", y: "effect: log-probability of the words, nats" },
      (t) => number(t), (t) => (t > 0 ? "+" : "") + number(t).replace("-", "−"));
    if (given(budget)) {
      nodes.push(svg("line", { class: "limit", x1: xs.at(budget), x2: xs.at(budget), y1: box.top, y2: box.bottom }));
      nodes.push(svg("text", { x: xs.at(budget) + 6, y: box.bottom - 8 }, "budget " + number(budget)));
    }
    for (const [method, look] of Object.entries(METHODS)) nodes.push(...tuningLine(points, method, look, xs, ys, chosen));
    return nodes;
  });
}

function tuningLine(points, method, look, xs, ys, chosen) {
  const sets = [...new Set(points.filter((p) => p.method === method).map((p) => p.set || 0))];
  return sets.flatMap((set) => tuningCurve(points.filter((p) => p.method === method && (p.set || 0) === set), method, look, xs, ys, chosen));
}

function tuningCurve(unsorted, method, look, xs, ys, chosen) {
  const own = [...unsorted].sort((a, b) => a.strength_relative - b.strength_relative);
  const path = [[0, 0], ...own.map((p) => [p.kl, p.effect_nats])].map(([x, y]) => xs.at(x).toFixed(1) + "," + ys.at(y).toFixed(1));
  const nodes = [svg("polyline", { points: path.join(" "), fill: "none", stroke: look.color, "stroke-width": 2.5, "stroke-linejoin": "round" })];
  for (const p of own) {
    const isChosen = method === "features" && p.strength_relative === chosen;
    nodes.push(svg("circle", { cx: xs.at(p.kl), cy: ys.at(p.effect_nats), r: isChosen ? 7 : 4,
      fill: isChosen ? "var(--card)" : look.color, stroke: look.color, "stroke-width": isChosen ? 3 : 0 },
      svg("title", {}, `${look.name}, strength ${number(p.strength_relative)}: ${signed(p.effect_nats, 2)} nats at KL ${number(p.kl, 3)}`)));
  }
  return nodes;
}

function tuningLegend(points) {
  const used = Object.entries(METHODS).filter(([method]) => points.some((p) => p.method === method));
  return el("p", { class: "legend" }, ...used.map(([, look]) =>
    el("span", {}, el("span", { "aria-hidden": "true", style: `display:inline-block;width:18px;height:4px;border-radius:2px;vertical-align:middle;margin-right:7px;background:${look.color}` }), look.name)));
}

function trainingChart(rows) {
  const values = rows.map((r) => r.fvu);
  const steps = rows.map((r) => r.step);
  const label = `Training: the share of variance not explained falls to ${number(values[values.length - 1], 3)}`;
  return chart(label, 260, (width, height) => {
    const box = { left: 40, right: width - 10, top: 30, bottom: height - 48 };
    const xs = scale(0, Math.max(...steps), box.left, box.right, 4);
    const ys = scale(0, Math.min(1, Math.max(...values)), box.bottom, box.top, 5);
    const path = rows.map((r) => xs.at(r.step).toFixed(1) + "," + ys.at(Math.min(r.fvu, ys.high)).toFixed(1)).join(" ");
    return [...axes(box, xs, ys, { x: "training step", y: "variance not explained (FVU)" }, (t) => number(t), (t) => number(t)),
      svg("polyline", { points: path, fill: "none", stroke: "var(--one)", "stroke-width": 2 })];
  });
}

function densityChart(histogram) {
  const most = Math.max(...histogram.counts, 1);
  const end = histogram.from + histogram.step * histogram.counts.length;
  return chart("How often features fire: a histogram of the share of tokens on which each is active", 260, (width, height) => {
    const box = { left: 44, right: width - 10, top: 30, bottom: height - 48 };
    const xs = scale(histogram.from, end, box.left, box.right, 5);
    const ys = scale(0, most * 1.05, box.bottom, box.top, 4);
    const bars = histogram.counts.map((count, i) => {
      const from = histogram.from + i * histogram.step;
      const x = xs.at(from) + 0.5, w = Math.max(1, xs.at(from + histogram.step) - xs.at(from) - 1);
      return svg("rect", { class: "bar", x, width: w, y: ys.at(count), height: Math.max(0, box.bottom - ys.at(count)) },
        svg("title", {}, `${count} features`));
    });
    xs.ticks = xs.ticks.filter(Number.isInteger);
    return [...axes(box, xs, ys, { x: "share of tokens on which a feature is active", y: "features" },
      (t) => percent(10 ** t), (t) => number(t)), ...bars];
  });
}
