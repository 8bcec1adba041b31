// Figures, times and names for a person.

import { locale, t } from "./words.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"];
const SHORT = 100;

function unit(value, name, unitDisplay = "short") {
  const digits = value < SHORT && !name.startsWith("byte") ? 1 : 0;
  const format = { style: "unit", unit: name, unitDisplay, maximumFractionDigits: digits };
  return new Intl.NumberFormat(locale, format).format(value);
}

function scaled(whole) {
  let power = 0;
  let value = whole;
  while (value >= 999.5 && power < UNITS.length - 1) {
    value /= 1000;
    power += 1;
  }
  return [value, UNITS[power]];
}

const count = new Intl.NumberFormat(locale);

/** How many. */
export function number(value) {
  return count.format(value);
}

/** Bytes: 45 MB; a thousand is a thousand. */
export function bytes(whole) {
  const [value, name] = scaled(whole);
  return name === "byte" ? t("unit.byte", { n: value }) : unit(value, name);
}

/** Bytes a second. */
export function speed(whole) {
  const [value, name] = scaled(whole);
  return name === "byte" ? t("unit.byte_per_second", { n: Math.round(value) }) : unit(value, `${name}-per-second`);
}

const LIMITS = { GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, GB: 1e9, MB: 1e6, kB: 1e3 };

/** A limit in bytes a second, as the configuration would have it: 2MiB/s, 20MB/s; the shortest of those. */
export function limitText(rate) {
  const found = Object.entries(LIMITS)
    .filter(([, size]) => rate >= size && (100 * rate) % size === 0)
    .map(([name, size]) => `${rate / size}${name}/s`);
  return found.length ? found.reduce((best, text) => (text.length < best.length ? text : best)) : speed(rate);
}

/** A share of a whole, rounded down: 100 % only for the whole. */
export function percent(done, size) {
  const share = size ? Math.floor((100 * done) / size) / 100 : 0;
  return new Intl.NumberFormat(locale, { style: "percent" }).format(share);
}

const SPANS = [
  [86400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** A span of time by its largest unit, with the next one where it matters: 1h 20m. */
export function duration(seconds) {
  const at = SPANS.findIndex(([length], index) => seconds >= length || index === SPANS.length - 1);
  const [length, name] = SPANS[at];
  const whole = Math.floor(seconds / length);
  const parts = [unit(whole, name, "narrow")];
  const next = SPANS[at + 1];
  if (next && whole < 10) {
    const rest = Math.floor((seconds - whole * length) / next[0]);
    if (rest) parts.push(unit(rest, next[1], "narrow"));
  }
  return parts.join(" ");
}

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });

/** A moment as seen from now: 5 min ago, in 3 s; what is far away by its date. */
export function when(text, now = Date.now()) {
  const seconds = (Date.parse(text) - now) / 1000;
  const [length, name] = SPANS.find(([span]) => Math.abs(seconds) >= span) ?? SPANS.at(-1);
  if (name === "day" && Math.abs(seconds) > 7 * 86400) return day(text);
  return relative.format(Math.trunc(seconds / length), name);
}

/** A moment by date and time. */
export function moment(text) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(text));
}

/** A moment by its day. */
export function day(value) {
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" }).format(new Date(value));
}

/** A moment by its hour. */
export function hour(value) {
  const parts = { weekday: "short", hour: "numeric", minute: "2-digit" };
  return new Intl.DateTimeFormat(locale, parts).format(new Date(value));
}

/** A name from a disk, fit to be seen: what would not show, or would turn the rest around, is written out. */
export function shown(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = char.codePointAt(0);
    if (code === 0x200d || code === 0x200c) return char; // within emoji, and within words of some scripts
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`; // a byte that is not UTF-8
    const known = { 9: "\\t", 10: "\\n", 13: "\\r" }[code];
    return known ?? `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The last part of a path. */
export function nameOf(path) {
  return shown(path.slice(path.lastIndexOf("/") + 1));
}

/** All of a path but its last part. */
export function folderOf(path) {
  return shown(path.slice(0, path.lastIndexOf("/")));
}
