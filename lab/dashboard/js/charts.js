// Four charts on one time axis with one cursor. Marks on the axis are what happened; choosing one tells why.
import { draw, keep, make, say, set } from "./dom.js";
import { ofEvent } from "./states.js";
import { clock, number, t } from "./text.js";

const WIDTH = 600;
const HEIGHT = 120;
const LEFT = 38;
const BOTTOM = 16;
const TOP = 12;
const CLASSES = [["2xx", "--c2"], ["3xx", "--c3"], ["4xx", "--c4"], ["5xx", "--c5"]];
const BREAK = 5; // points apart, in intervals, from which a line is not drawn through

/** A round number a little above `value`. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return [1, 2, 3, 5, 10].find((step) => step * power >= value) * power;
}

class Chart {
  constructor(parent, title, describe) {
    this.title = title;
    this.describe = describe;
    this.legend = make("ul");
    this.caption = make("span");
    this.svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "group" });
    this.layers = Object.fromEntries(["grid", "fills", "lines", "labels", "cursor", "marks"].map((name) => {
      const layer = draw("g");
      this.svg.append(layer);
      return [name, layer];
    }));
    parent.append(make("figure", {}, make("figcaption", {}, this.caption, this.legend), this.svg));
  }

  show(view, cursor) {
    const { points, from, to, events } = view;
    const { series, limits = [], least = 1, most = Infinity } = this.describe(view);
    const x = (time) => LEFT + ((time - from) / (to - from || 1)) * (WIDTH - LEFT);
    const values = [...series.flatMap((one) => one.values), ...limits.map((limit) => limit.value)].filter((value) => value !== null && value !== undefined);
    const top = Math.min(most, ceiling(Math.max(least, ...values) * 1.05));
    const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP);
    say(this.caption, this.title(view));
    this.drawGrid(top, y, from, to, x);
    const step = points.length > 1 ? (to - from) / (points.length - 1) : 1;
    keep(this.layers.fills, series.filter((one) => one.fill), (one) => one.name, () => draw("path"), (path, one) =>
      set(path, { d: area(points, one, x, y, step), fill: `var(${one.color})`, "fill-opacity": one.fill, stroke: "none" }));
    keep(this.layers.lines, [...series.filter((one) => !one.bare), ...limits], (one) => one.name, () => draw("path", { "vector-effect": "non-scaling-stroke" }), (path, one) =>
      set(path, {
        d: one.values ? line(points, one, x, y, step) : `M${LEFT} ${y(one.value)}H${WIDTH}`,
        stroke: `var(${one.color})`, fill: "none", "stroke-width": one.values ? 1.6 : 1.2, class: one.values ? null : "limit",
      }));
    const index = cursor === null ? points.length - 1 : nearest(points, cursor);
    keep(this.legend, series.filter((one) => one.label), (one) => one.name, () => make("li"), (item, one) => {
      item.style.color = `var(${one.color})`;
      say(item, `${one.label} ${one.format((one.shown ?? one.values)[index] ?? null)}`);
    });
    keep(this.layers.cursor, cursor === null ? [] : [cursor], () => "cursor", () => draw("line", { class: "cursor", "vector-effect": "non-scaling-stroke" }), (element, time) =>
      set(element, { x1: x(time), x2: x(time), y1: TOP, y2: HEIGHT - BOTTOM }));
    this.drawMarks(events.filter((event) => event.at >= from && event.at <= to), x, view.explain);
    set(this.svg, { "aria-label": `${this.title(view)}: ${series.filter((one) => one.label).map((one) => `${one.label} ${one.format((one.shown ?? one.values).at(-1) ?? null)}`).join(", ")}` });
  }

  drawGrid(top, y, from, to, x) {
    keep(this.layers.grid, [0, top / 2, top], (value) => value / top, () => draw("line", { class: "grid" }), (element, value) =>
      set(element, { x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }));
    const times = [0.2, 0.5, 0.8].map((part) => from + part * (to - from));
    const labels = [
      ...[0, top / 2, top].map((value) => ({ key: `y${value / top}`, x: LEFT - 5, y: y(value) + 3, anchor: "end", text: number(value, top < 2 ? 1 : 0) })),
      ...times.map((time, place) => ({ key: `x${place}`, x: x(time), y: HEIGHT - 3, anchor: "middle", text: clock(time) })),
    ];
    const wide = this.svg.clientWidth / WIDTH || 1;
    const high = this.svg.clientHeight / HEIGHT || 1;
    keep(this.layers.labels, labels, (label) => label.key, () => draw("text", { class: "tick" }), (element, label) => {
      // The picture is stretched to its place; letters are not.
      set(element, { transform: `translate(${label.x} ${label.y}) scale(${1 / wide} ${1 / high})`, "text-anchor": label.anchor });
      say(element, label.text);
    });
  }

  drawMarks(events, x, explain) {
    const wide = this.svg.clientWidth / WIDTH || 1;
    const high = this.svg.clientHeight / HEIGHT || 1;
    keep(this.layers.marks, events, (event) => event.id, (event) => {
      const mark = draw("g", { class: "mark", tabindex: "-1", role: "button" }, draw("title"), draw("path", { d: "M-5 0H5L0 8Z" }));
      const tell = () => explain(event.id);
      mark.addEventListener("click", tell);
      mark.addEventListener("keydown", (key) => {
        const next = { ArrowLeft: mark.previousSibling, ArrowRight: mark.nextSibling }[key.key];
        if (key.key === "Enter" || key.key === " ") tell();
        else if (next) next.focus();
        else return;
        key.preventDefault();
      });
      return mark;
    }, (mark, event) => {
      set(mark, { transform: `translate(${x(event.at)} 0) scale(${1 / wide} ${1 / high})`, class: `mark ${ofEvent(event).kind}`, "aria-label": event.title });
      say(mark.firstChild, `${clock(event.at)} ${event.title}`);
      set(mark.lastChild, { fill: "var(--state)" });
    });
    // One way in by Tab, to the newest; from there the arrow keys lead along the axis.
    const marks = [...this.layers.marks.children];
    marks.forEach((mark, place) => set(mark, { tabindex: place === marks.length - 1 ? 0 : -1 }));
  }
}

function runs(points, values, step) {
  const found = [];
  let run = null;
  points.forEach((point, index) => {
    const value = values[index];
    if (value === null || value === undefined) run = null;
    else {
      if (!run || point.t - run.at(-1).t > BREAK * step) found.push((run = []));
      run.push({ t: point.t, value, index });
    }
  });
  return found;
}

const line = (points, one, x, y, step) =>
  runs(points, one.values, step)
    .map((run) => run.map(({ t: time, value }, place) => {
      if (place === 0) return `M${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
      return one.stairs ? `H${x(time).toFixed(1)}V${y(value).toFixed(1)}` : `L${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
    }).join(""))
    .join("");

function area(points, one, x, y, step) {
  return runs(points, one.values, step)
    .map((run) => {
      const upper = run.map(({ t: time, value }, place) => `${place ? "L" : "M"}${x(time).toFixed(1)} ${y(value).toFixed(1)}`).join("");
      const lower = [...run].reverse().map(({ t: time, index }) => `L${x(time).toFixed(1)} ${y(one.from?.[index] ?? 0).toFixed(1)}`).join("");
      return `${upper}${lower}Z`;
    })
    .join("");
}

function nearest(points, time) {
  let best = 0;
  points.forEach((point, index) => {
    if (Math.abs(point.t - time) < Math.abs(points[best].t - time)) best = index;
  });
  return best;
}

function requests({ points }) {
  let below = points.map(() => 0);
  const series = CLASSES.map(([name, color]) => {
    const from = below;
    const shown = points.map((point) => point.rates[name] ?? 0);
    below = shown.map((value, index) => from[index] + value);
    return { name, label: name, color, values: below, from, shown, bare: true, fill: shown.some((value) => value > 0) ? 0.7 : 0, format: (value) => number(value) };
  });
  return { series, least: 10 };
}

const latency = ({ points }) => ({
  series: [["p50", "--c2"], ["p90", "--c3"], ["p99", "--c4"]].map(([name, color]) => ({
    name, label: name, color, values: points.map((point) => point[name]), format: (value) => `${number(value, value !== null && value < 10 ? 1 : 0)} ms`,
  })),
  least: 10,
});

function cpu({ points, group, alarms }) {
  const goal = group?.policies.find((policy) => policy.target !== null && policy.metric.includes("CPU"))?.target;
  const thresholds = alarms.filter((alarm) => alarm.metric === "CPUUtilization").map((alarm) => ({ name: alarm.name, color: "--off", value: alarm.threshold }));
  return {
    series: [{ name: "cpu", label: t("cpu"), color: "--move", values: points.map((point) => point.groups[group?.name]?.cpu ?? null), fill: 0.15, format: (value) => `${number(value)} %` }],
    limits: [...thresholds, ...(goal === undefined ? [] : [{ name: "target", color: "--bad", value: goal }])],
    most: 100,
    least: 100,
  };
}

function capacity({ points, group }) {
  const of = (name) => points.map((point) => point.groups[group?.name]?.[name] ?? null);
  const plain = (value) => number(value);
  return {
    series: [
      { name: "band", bare: true, color: "--quiet", values: of("max"), from: of("min"), fill: 0.1 },
      { name: "desired", label: t("desired"), color: "--calm", values: of("desired"), stairs: true, format: plain },
      { name: "in_service", label: t("serving"), color: "--good", values: of("in_service"), stairs: true, format: plain },
    ],
    least: 2,
  };
}

export class Charts {
  constructor(root, explain) {
    this.explain = explain;
    this.cursor = null;
    this.charts = [
      new Chart(root, () => t("requests"), requests),
      new Chart(root, () => t("latency"), latency),
      new Chart(root, (view) => t("cpu_chart", { group: view.group?.name ?? "" }), cpu),
      new Chart(root, (view) => t("capacity", { group: view.group?.name ?? "" }), capacity),
    ];
    root.addEventListener("pointermove", (event) => this.point(event));
    root.addEventListener("pointerleave", () => this.point(null));
    new ResizeObserver(() => this.draw()).observe(root);
  }

  point(event) {
    if (!this.view) return;
    const svg = this.charts[0].svg.getBoundingClientRect();
    const part = event ? ((event.clientX - svg.left) / svg.width - LEFT / WIDTH) / (1 - LEFT / WIDTH) : -1;
    this.cursor = part < 0 || part > 1 ? null : this.view.from + part * (this.view.to - this.view.from);
    this.draw();
  }

  /** `group` is the Auto Scaling group whose CPU and capacity are drawn, undefined without one. */
  show(points, events, lab, group) {
    if (points.length === 0) return;
    this.view = { points, events, group, alarms: lab.alarms, from: points[0].t, to: points.at(-1).t, explain: this.explain };
    this.draw();
  }

  draw() {
    if (this.view) for (const chart of this.charts) chart.show(this.view, this.cursor);
  }
}
