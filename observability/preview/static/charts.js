// Lines, stacks and heat maps on uPlot: thresholds dashed, exemplars as diamonds, one tooltip for all series.

import { formatted } from "./formats.js";

const LIGHT = ["#2f5fd0", "#d9772b", "#2a9461", "#b8458f", "#7a5bd0", "#b08900", "#0f8fa8", "#d2504b", "#5d6b85", "#7d9b2c"];
const DARK = ["#7ea6ff", "#ffa25c", "#5fd39a", "#f08bcb", "#b49bff", "#f0cb4d", "#56cfe1", "#ff8683", "#a9b6cf", "#bddb6b"];
const MEANT = [[/^5\d\d$|error|failed|refused/, 7], [/^(ok|done|active|up)$|^200$/, 2], [/slow|retried|late/, 1]];
const BINARY = Array.from({ length: 44 }, (_, power) => 2 ** power);
const CHARACTER_PIXELS = 7;
const HEADROOM = 1.08;
const NEAR_PIXELS = 9;

const themed = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const isDark = () => getComputedStyle(document.documentElement).colorScheme === "dark";
const font = '11px system-ui, "Noto Sans", "DejaVu Sans", sans-serif';

export function chart(body, first) {
  let options = first;
  const palette = isDark() ? DARK : LIGHT;
  const colours = coloursOf([...options.lines, ...options.idle], palette);
  const plot = added(body, "plot");
  const legend = added(body, "legend");
  const tip = added(plot, "tip");
  tip.hidden = true;

  const plotted = new uPlot({
    ...common(plot, options),
    series: [{}, ...options.lines.map((line, at) => ({
      stroke: colours[at], width: 1.6, points: { show: false }, spanGaps: false,
      fill: `${colours[at]}${options.stacked ? "55" : options.lines.length === 1 ? "1c" : "00"}`,
    }))],
    bands: options.stacked ? options.lines.slice(1).map((_, at) => ({ series: [at + 2, at + 1] })) : [],
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, ceiling(options, most)] } },
    axes: axes(options.unit, (u, splits) => splits.map((value) => formatted(value, options.unit))),
    hooks: {
      draw: [(u) => thresholds(u, options.steps), (u) => diamonds(u, options.marks)],
      setCursor: [(u) => explain(u, tip, told(u))],
    },
  }, data(options), plot);

  function told(u) {
    const at = u.cursor.idx;
    if (at === null || at === undefined || u.cursor.left < 0) return null;
    const instant = u.data[0][at];
    const lines = options.lines.map((line, index) => [colours[index], line.name, line.points.get(instant) ?? null])
      .filter(([, , value]) => value !== null).sort((one, other) => other[2] - one[2]).slice(0, 12)
      .map(([colour, name, value]) => [colour, name, formatted(value, options.unit)]);
    const near = options.marks.find((mark) => Math.hypot(
      u.valToPos(mark.at, "x") - u.cursor.left, u.valToPos(mark.value, "y") - u.cursor.top) < NEAR_PIXELS);
    if (near) lines.push([themed("ink"), `one request, ${formatted(near.value, "s")}: trace`, near.labels.trace_id]);
    return { instant, lines };
  }

  function update(next) {
    if (names(next) !== names(options)) return false;
    options = next;
    plotted.setData(data(options));
    caption(legend, options, colours);
    return true;
  }

  caption(legend, options, colours);
  const observer = resized(plot, plotted);
  return { update, destroy: () => { observer.disconnect(); plotted.destroy(); } };
}

export function heatMap(body, { when, lines, unit }) {
  const plot = added(body, "plot");
  const tip = added(plot, "tip");
  tip.hidden = true;
  const bounds = lines.map((line) => ({ bound: line.labels.le === "+Inf" ? Infinity : Number(line.labels.le), points: line.points }))
    .sort((one, other) => one.bound - other.bound);
  const xs = instants(when);
  // The buckets of Prometheus hold everything up to their bound: what is new in each is the difference to the one below.
  const cells = bounds.map((bucket, at) => xs.map((x) =>
    Math.max(0, (bucket.points.get(x) ?? 0) - (at ? bounds[at - 1].points.get(x) ?? 0 : 0))));
  const used = cells.map((row) => row.some((count) => count > 1e-9));
  const [low, high] = [used.indexOf(true), used.lastIndexOf(true) + 1];
  const most = Math.max(...cells.flat());
  const name = (at) => (bounds[at].bound === Infinity ? `> ${formatted(bounds[at - 1].bound, unit)}` : formatted(bounds[at].bound, unit));

  const plotted = new uPlot({
    ...common(plot, { when }),
    series: [{}, { show: true, stroke: "transparent", points: { show: false } }],
    scales: { x: { time: true }, y: { range: () => [low, Math.max(high, low + 1)] } },
    axes: axes(unit, (_, splits) => splits.map((at) => (at > 0 && at <= bounds.length ? name(at - 1) : "")), {
      splits: () => Array.from({ length: high - low }, (_, at) => low + 1 + at),
      size: 14 + CHARACTER_PIXELS * Math.max(...bounds.map((_, at) => name(at).length)),
    }),
    hooks: {
      drawAxes: [(u) => paint(u, xs, cells, low, high, most, when.step)],
      setCursor: [(u) => {
        const [at, row] = [u.cursor.idx, Math.floor(u.posToVal(u.cursor.top, "y"))];
        const count = u.cursor.left < 0 || at === null ? undefined : cells[row]?.[at];
        explain(u, tip, count === undefined ? null : { instant: xs[at], lines: [[themed("accent"), `up to ${name(row)}`, `${formatted(count, "")} requests`]] });
      }],
    },
  }, [xs, xs.map(() => null)], plot);
  const observer = resized(plot, plotted);
  return { destroy: () => { observer.disconnect(); plotted.destroy(); } };
}

function paint(u, xs, cells, low, high, most, step) {
  const { ctx } = u;
  ctx.save();
  ctx.fillStyle = themed("accent");
  for (let row = low; row < high; row += 1) {
    const [top, bottom] = [u.valToPos(row + 1, "y", true), u.valToPos(row, "y", true)];
    xs.forEach((x, at) => {
      const count = cells[row][at];
      if (count < 1e-9) return;
      ctx.globalAlpha = 0.08 + 0.92 * Math.sqrt(count / most);
      // Whole pixels, so that neighbours neither overlap nor leave a gap.
      const [left, right] = [x - step, x].map((instant) => Math.round(u.valToPos(Math.max(instant, xs[0]), "x", true)));
      ctx.fillRect(left, top + 1, right - left, bottom - top - 1);
    });
  }
  ctx.restore();
}

const names = (options) => [options.lines, options.idle].map((lines) => lines.map((line) => line.name).join("\n")).join("\n\n");

// What means good or bad looks so; the other lines take what is left, in order.
function coloursOf(lines, palette) {
  const several = lines.length > 1;
  const meant = lines.map((line) => (several ? MEANT.find(([words]) => words.test(line.name))?.[1] : undefined));
  const free = palette.filter((_, at) => !meant.includes(at));
  let taken = 0;
  return meant.map((at) => (at === undefined ? free[taken++ % free.length] : palette[at]));
}

function added(parent, name) {
  const element = Object.assign(document.createElement("div"), { className: name });
  parent.append(element);
  return element;
}

function common(plot, options) {
  return {
    width: plot.clientWidth, height: plot.clientHeight, legend: { show: false }, padding: [8, 8, 0, 0],
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false }, sync: { key: "boards" } },
    when: options.when,
  };
}

function axes(unit, values, special = {}) {
  const shared = { stroke: themed("soft"), font, grid: { stroke: themed("faint"), width: 1 }, ticks: { show: false } };
  const clock = (_, instants_, __, ___, between) => instants_.map((at) => new Date(at * 1000).toLocaleTimeString("fr", {
    hour: "2-digit", minute: "2-digit", ...(between < 60 ? { second: "2-digit" } : {}),
  }));
  const size = (_, texts) => 14 + CHARACTER_PIXELS * Math.max(2, ...(texts ?? []).map((text) => text.length));
  return [
    { ...shared, values: clock, space: 62, size: 26 },
    { ...shared, values, size, space: 28, ...(unit === "bytes" ? { incrs: BINARY } : {}), ...special },
  ];
}

function instants(when) {
  const found = [];
  for (let at = when.start; at <= when.end; at += when.step) found.push(at);
  return found;
}

// Stacked lines are drawn at their sums; the tooltip and the legend keep to each one's own figure.
function data(options) {
  const xs = instants(options.when);
  const rows = options.lines.map((line) => xs.map((x) => line.points.get(x) ?? null));
  if (!options.stacked) return [xs, ...rows];
  const sums = xs.map(() => 0);
  return [xs, ...rows.map((row) => row.map((value, at) => {
    if (rows.every((other) => other[at] === null)) return null;
    sums[at] += value ?? 0;
    return sums[at];
  }))];
}

function ceiling(options, most) {
  if (options.most !== undefined && options.most !== null) return options.most;
  const top = Math.max(most ?? 0, 0);
  const near = options.steps.map((step) => step.value).filter((value) => value !== null && value <= top * 1.8);
  const reached = Math.max(top, ...near) * HEADROOM;
  return reached > 0 ? reached : 1;
}

function thresholds(u, steps) {
  const { ctx } = u;
  for (const step of steps.filter((one) => one.value !== null && one.value <= u.scales.y.max)) {
    const y = u.valToPos(step.value, "y", true);
    ctx.save();
    ctx.strokeStyle = themed(step.color);
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 5 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(u.bbox.left, y);
    ctx.lineTo(u.bbox.left + u.bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }
}

function diamonds(u, marks) {
  const { ctx } = u;
  const size = 3.2 * devicePixelRatio;
  ctx.save();
  ctx.fillStyle = themed("ink");
  ctx.globalAlpha = 0.55;
  for (const mark of marks.filter((one) => one.value <= u.scales.y.max && one.at >= u.scales.x.min)) {
    const [x, y] = [u.valToPos(mark.at, "x", true), u.valToPos(mark.value, "y", true)];
    ctx.beginPath();
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
    ctx.lineTo(x - size, y);
    ctx.fill();
  }
  ctx.restore();
}

function caption(legend, options, colours) {
  legend.replaceChildren(...[...options.lines, ...options.idle].map((line, at) => {
    const entry = document.createElement("span");
    const last = [...line.points.values()].findLast((value) => value !== null);
    const mark = document.createElement("i");
    mark.style.background = colours[at];
    const figure = document.createElement("b");
    figure.textContent = formatted(last, options.unit);
    entry.append(mark, line.name, figure);
    return entry;
  }));
}

function explain(u, tip, what) {
  tip.hidden = !what || !u.root.matches(":hover");
  if (tip.hidden) return;
  const head = Object.assign(document.createElement("div"), { textContent: new Date(what.instant * 1000).toLocaleTimeString("fr") });
  tip.replaceChildren(head, ...what.lines.map(([colour, name, value]) => {
    const line = document.createElement("div");
    const [text, mark, figure] = ["span", "i", "b"].map((tag) => document.createElement(tag));
    mark.style.background = colour;
    text.append(mark, name);
    figure.textContent = value;
    line.append(text, figure);
    return line;
  }));
  const left = u.cursor.left + u.bbox.left / devicePixelRatio;
  const beside = left + tip.offsetWidth + 20 < u.width ? left + 14 : left - tip.offsetWidth - 14;
  tip.style.left = `${Math.max(0, beside)}px`;
  tip.style.top = `${Math.max(0, Math.min(u.cursor.top, u.height - tip.offsetHeight - 6))}px`;
}

function resized(plot, plotted) {
  const observer = new ResizeObserver(() => plotted.setSize({ width: plot.clientWidth, height: plot.clientHeight }));
  observer.observe(plot);
  return observer;
}
