// Units as Grafana names them, written for people.

const DECIMALS = 3;

export function formatted(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (unit === "s") return duration(value);
  if (unit === "percentunit") return `${short(value * 100, 4)} %`;
  if (unit === "bytes") return scaled(value, 1024, ["B", "KiB", "MiB", "GiB"]);
  if (unit === "reqps") return `${short(value)} req/s`;
  if (unit === "cps" || unit === "ops") return `${short(value)} /s`;
  if (unit.startsWith("suffix:")) return `${short(value)}${unit.slice("suffix:".length)}`;
  return scaled(value, 1000, ["", "k", "M", "G"]);
}

function short(value, digits = DECIMALS) {
  if (Math.abs(value) < 1e-9) return "0";
  return Number(value.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: 5 });
}

function scaled(value, base, names) {
  let place = 0;
  let rest = value;
  while (Math.abs(rest) >= base && place < names.length - 1) {
    rest /= base;
    place += 1;
  }
  return `${short(rest)}${names[place] ? ` ${names[place]}` : ""}`;
}

function duration(seconds) {
  const size = Math.abs(seconds);
  if (size === 0) return "0 s";
  if (size < 1e-3) return `${short(seconds * 1e6)} µs`;
  if (size < 1) return `${short(seconds * 1e3)} ms`;
  if (size < 120) return `${short(seconds)} s`;
  if (size < 7200) return `${short(seconds / 60)} min`;
  if (size < 172800) return `${short(seconds / 3600)} h`;
  return `${short(seconds / 86400)} d`;
}
