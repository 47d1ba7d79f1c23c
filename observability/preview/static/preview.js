// Draws the boards that Grafana is given: the same JSON, the same questions.

import * as prometheus from "./asking.js";
import { chart, heatMap } from "./charts.js";
import { formatted } from "./formats.js";

const REFRESH_MS = 10_000;
const ROW_PIXELS = 34;
const find = (id) => document.getElementById(id);
const made = (tag, fields = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), fields);
  element.append(...children);
  return element;
};

const state = { boards: [], board: null, values: {}, drawn: new Map(), round: 0 };

async function start() {
  state.boards = await (await fetch("/boards")).json();
  const order = ["filage-service-overview", "filage-companies", "filage-database-and-pool", "filage-migrations-and-tasks"];
  state.boards.sort((one, other) => order.indexOf(one.uid) - order.indexOf(other.uid));
  for (const board of state.boards) {
    find("boards").append(made("a", { href: `#${board.uid}`, textContent: board.title.replace("Filage / ", "") }));
  }
  find("range").addEventListener("change", refresh);
  find("theme").addEventListener("click", switchTheme);
  window.addEventListener("hashchange", open);
  await open();
  setInterval(refresh, REFRESH_MS);
}

async function open() {
  const uid = location.hash.slice(1);
  state.board = state.boards.find((board) => board.uid === uid) ?? state.boards[0];
  for (const link of find("boards").children) {
    if (link.hash === `#${state.board.uid}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = state.board.title;
  find("about").textContent = state.board.description;
  state.values = {};
  find("variables").replaceChildren();
  for (const variable of state.board.templating.list.filter((one) => one.type === "query")) await offer(variable);
  lay();
  await refresh();
}

// One select per variable; "All" stands for the pattern that the board gives.
async function offer(variable) {
  const select = made("select");
  const everything = variable.includeAll ? [made("option", { value: variable.allValue, textContent: "All" })] : [];
  const found = await prometheus.choices(variable.query, state.values).catch(() => []);
  select.append(...everything, ...found.map((value) => made("option", { value, textContent: value })));
  const opening = variable.current?.value;
  if (opening && opening !== "$__all") {
    if (!found.includes(opening)) select.append(made("option", { value: opening, textContent: opening }));
    select.value = opening;
  }
  state.values[variable.name] = select.value || ".+";
  select.addEventListener("change", () => {
    state.values[variable.name] = select.value;
    lay();
    refresh();
  });
  find("variables").append(made("label", {}, variable.label, select));
}

function lay() {
  for (const drawing of state.drawn.values()) drawing.destroy?.();
  state.drawn.clear();
  const titled = (text) => prometheus.filled(text, state.values, 0);
  find("panels").replaceChildren(...state.board.panels.map((panel) => {
    if (panel.type === "row") return made("h2", { textContent: titled(panel.title) });
    // In a narrow panel, and before several links, the title needs the room.
    const links = (panel.links ?? []).map((link, _, all) =>
      made("a", { href: link.url, title: link.title, ariaLabel: link.title, target: "_blank", textContent: panel.gridPos.w < 8 || all.length > 1 ? "↗" : "runbook" }));
    const [question, , note] = panel.description.split("\n");
    const box = made("section", { className: "panel", id: `panel-${panel.id}` },
      made("h3", {}, made("span", { textContent: titled(panel.title) }), made("span", {}, ...links.flatMap((link) => [link, " "]))),
      made("p", { className: "question", textContent: question, title: note ?? "" }),
      made("div", { className: "body" }));
    const { x, w, h } = panel.gridPos;
    box.style.gridColumn = `${x + 1} / span ${w}`;
    box.style.height = `${h * ROW_PIXELS}px`;
    return box;
  }));
}

async function refresh() {
  const round = ++state.round;
  const when = prometheus.period(Number(find("range").value));
  const panels = state.board.panels.filter((panel) => panel.type !== "row");
  await Promise.all(panels.map((panel) => drawn(panel, when, round)));
  if (round === state.round) document.body.dataset.drawn = state.board.uid;
  await tell();
}

async function drawn(panel, when, round) {
  const body = find(`panel-${panel.id}`).querySelector(".body");
  try {
    const draw = await DRAWERS[panel.type](panel, when);
    if (round === state.round) draw(body);
  } catch (error) {
    if (round === state.round) empty(panel, body, String(error.message ?? error));
  }
}

function empty(panel, body, reason) {
  state.drawn.get(panel.id)?.destroy?.();
  state.drawn.delete(panel.id);
  body.replaceChildren(made("div", { className: "empty", textContent: reason }));
}

const unit = (panel) => panel.fieldConfig?.defaults.unit ?? "";
const steps = (panel) => panel.fieldConfig?.defaults.thresholds?.steps ?? [];
const reason = (panel) => panel.fieldConfig?.defaults.noValue ?? "no figures yet";
const colour = (all, value) => all.findLast((step) => step.value === null || value >= step.value)?.color;
const coloured = (element, all, value) => {
  const found = value === null || value === undefined ? undefined : colour(all, value);
  if (found) element.style.color = `var(--${found})`;
  return element;
};

async function seriesOf(panel, when) {
  const found = await Promise.all(panel.targets.map((target) => prometheus.series(target, state.values, when)));
  return found.flat().filter((one) => [...one.points.values()].some((value) => value !== null));
}

const DRAWERS = {
  async timeseries(panel, when) {
    const followed = panel.targets.filter((target) => target.exemplar);
    const [lines, ...marks] = await Promise.all([
      seriesOf(panel, when), ...followed.map((target) => prometheus.exemplars(target, state.values, when)),
    ]);
    return (body) => {
      if (!lines.length) return empty(panel, body, reason(panel));
      const before = state.drawn.get(panel.id);
      const stacked = panel.fieldConfig.defaults.custom?.stacking?.mode === "normal";
      const isSeen = (line) => [...line.points.values()].some((value) => value > 0);
      // In a stack, the line of a series that is zero throughout would only hide the one below it.
      const seen = stacked && lines.some(isSeen) ? lines.filter(isSeen) : lines;
      const options = {
        when, lines: seen, idle: lines.filter((line) => !seen.includes(line)), unit: unit(panel), steps: steps(panel), marks: slowest(marks.flat(), when),
        stacked,
        most: panel.fieldConfig.defaults.max,
      };
      if (before?.update(options)) return undefined;
      before?.destroy();
      body.replaceChildren();
      state.drawn.set(panel.id, chart(body, options));
      return undefined;
    };
  },
  async heatmap(panel, when) {
    const lines = await seriesOf(panel, when);
    return (body) => {
      if (!lines.length) return empty(panel, body, reason(panel));
      state.drawn.get(panel.id)?.destroy();
      body.replaceChildren();
      state.drawn.set(panel.id, heatMap(body, { when, lines, unit: unit(panel) }));
      return undefined;
    };
  },
  async stat(panel, when) {
    const lines = await seriesOf(panel, when);
    return (body) => {
      if (!lines.length) return empty(panel, body, reason(panel));
      const figures = lines.map((line) => {
        const last = [...line.points.values()].findLast((value) => value !== null);
        const strong = coloured(made("strong", { textContent: formatted(last, unit(panel)) }), steps(panel), last);
        return made("div", { className: "figure" }, strong, lines.length > 1 ? made("small", { textContent: line.name }) : "");
      });
      body.replaceChildren(...(lines.length === 1 ? [spark(lines[0], when)] : []), made("div", { className: "figures" }, ...figures));
      return undefined;
    };
  },
  async table(panel, when) {
    const columns = await Promise.all(panel.targets.map((target) => prometheus.rows(target, state.values, when)));
    return (body) => (columns.some((column) => column.length) ? tabulate(panel, columns, body) : empty(panel, body, reason(panel)));
  },
  async text(panel) {
    return (body) => body.replaceChildren(made("div", { className: "text" }, ...written(panel.options.content)));
  },
};

// Of many requests, the slowest of each stretch of time are the ones worth following.
function slowest(marks, when) {
  const stretch = Math.max(when.step, (when.end - when.start) / 60);
  const kept = new Map();
  for (const mark of marks) {
    const at = Math.floor(mark.at / stretch);
    if (!kept.has(at) || kept.get(at).value < mark.value) kept.set(at, mark);
  }
  return [...kept.values()];
}

// One line per set of labels, as Grafana joins it; the first column of figures orders the lines.
function tabulate(panel, columns, body) {
  const options = Object.fromEntries(panel.transformations.map((one) => [one.id, one.options]));
  const names = panel.targets.map((target, at) => options.organize.renameByName[`Value #${target.refId}`] ?? `${at}`);
  const columnsOf = (id) => Object.fromEntries(panel.fieldConfig.overrides.map((one) =>
    [one.matcher.options, one.properties.find((property) => property.id === id)?.value]));
  const [units, limits] = [columnsOf("unit"), columnsOf("thresholds")];
  const labels = [...new Set(columns.flat().flatMap((row) => Object.keys(row.labels)))].sort((one) => (one === options.joinByField.byField ? -1 : 0));
  const lines = new Map();
  columns.forEach((column, at) => column.forEach((row) => {
    const key = labels.map((label) => row.labels[label]).join("\n");
    if (!lines.has(key)) lines.set(key, { labels: row.labels, values: [] });
    lines.get(key).values[at] = row.value;
  }));
  const sorted = [...lines.values()].sort((one, other) => (other.values[0] ?? -1) - (one.values[0] ?? -1));
  body.replaceChildren(made("div", { className: "scroll" }, made("table", {},
    made("thead", {}, made("tr", {},
      ...labels.map((label) => made("th", { textContent: label })),
      ...names.map((name) => made("th", { className: "n", textContent: name })))),
    made("tbody", {}, ...sorted.map((line) => made("tr", {},
      ...labels.map((label) => made("td", { textContent: line.labels[label] ?? "" })),
      ...names.map((name, at) => coloured(
        made("td", { className: "n", textContent: formatted(line.values[at], units[name] ?? unit(panel)) }),
        limits[name]?.steps ?? [], line.values[at]))))))));
}

function spark(line, when) {
  const points = [...line.points].filter(([, value]) => value !== null);
  const values = points.map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const at = ([time, value]) => [
    ((time - when.start) / (when.end - when.start)) * 100, high === low ? 22 : 28 - ((value - low) / (high - low)) * 24,
  ].map((number) => number.toFixed(2)).join(",");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("preserveAspectRatio", "none");
  const path = document.createElementNS(svg.namespaceURI, "polyline");
  for (const [name, value] of Object.entries({
    points: points.map(at).join(" "), fill: "none", stroke: "var(--accent)", "stroke-width": "1.5", "vector-effect": "non-scaling-stroke",
  })) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}

// The little Markdown that the boards use: paragraphs, fenced and inline code, bold, emphasis.
function written(text) {
  return text.trim().split(/\n{2,}/).map((block) => {
    if (block.startsWith("```")) return made("pre", {}, made("code", { textContent: block.replaceAll("```", "").trim() }));
    const parts = block.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*)/).map((part) => {
      if (part.startsWith("`")) return made("code", { textContent: part.slice(1, -1) });
      if (part.startsWith("**")) return made("strong", { textContent: part.slice(2, -2) });
      return part.startsWith("*") ? made("em", { textContent: part.slice(1, -1) }) : part;
    });
    return made("p", {}, ...parts);
  });
}

async function tell() {
  try {
    const told = await (await fetch("/state")).json();
    const counted = Object.entries(told.answered).sort().map(([status, number]) => `${status}: ${number}`).join(" · ");
    find("state").replaceChildren("Load so far  ", counted, "  —  ", made("a", { href: `${told.demo}/docs`, textContent: "demo" }), "  ",
      made("a", { href: told.prometheus, textContent: "Prometheus" }));
  } catch {
    find("state").textContent = "The preview has ended: start it again with ./run dashboards.";
  }
}

function switchTheme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  lay();
  refresh();
}

start();
