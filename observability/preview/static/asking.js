// Questions to Prometheus, through the preview's own door; variables are filled in as Grafana does.

const SCRAPE_SECONDS = 15;
const POINTS = 240;
const LEAST_STEP = 5;

export function period(seconds) {
  const step = Math.max(LEAST_STEP, Math.ceil(seconds / POINTS));
  const end = Math.floor(Date.now() / 1000 / step) * step;
  return { start: end - seconds, end, step };
}

export function filled(expr, values, step) {
  const all = { ...values, __rate_interval: `${Math.max(4 * SCRAPE_SECONDS, step + SCRAPE_SECONDS)}s` };
  return expr.replace(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (whole, braced, bare) => all[braced ?? bare] ?? whole);
}

async function asked(path, parameters) {
  const answer = await fetch(`/prometheus/${path}?${new URLSearchParams(parameters)}`);
  const body = await answer.json();
  if (body.status !== "success") throw new Error(body.error ?? `HTTP ${answer.status}`);
  return body.data;
}

const figure = (text) => (Number.isFinite(Number(text)) ? Number(text) : null);

export async function series(target, values, when) {
  const query = filled(target.expr, values, when.step);
  const data = await asked("query_range", { query, ...when });
  return data.result.map((found) => ({
    labels: found.metric,
    name: named(target.legendFormat ?? "", found.metric),
    points: new Map(found.values.map(([at, value]) => [at, figure(value)])),
  }));
}

export async function rows(target, values, when) {
  const data = await asked("query", { query: filled(target.expr, values, when.step) });
  return data.result.map((found) => ({ labels: found.metric, value: figure(found.value[1]) }));
}

export async function exemplars(target, values, when) {
  const data = await asked("query_exemplars", { query: filled(target.expr, values, when.step), start: when.start, end: when.end });
  return data.flatMap((found) => found.exemplars.map((one) => ({ at: one.timestamp, value: Number(one.value), labels: one.labels, of: found.seriesLabels })));
}

// `label_values(metric{selector}, label)`, the one form that the boards use.
export async function choices(query, values) {
  const [, selector, label] = /^label_values\((.+),\s*(\w+)\)$/.exec(query);
  return asked(`label/${label}/values`, { "match[]": filled(selector, values, LEAST_STEP) });
}

function named(legend, labels) {
  return legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? "");
}
