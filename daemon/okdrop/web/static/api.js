// The daemon's HTTP (docs/api.md), asked.

import { t } from "./words.js";

/** What the daemon refused, or that it gave no answer (status 0); `message` is for a person. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { headers: { Accept: "application/json" }, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, t("error.unanswered"));
  }
  if (answer.status === 401) {
    location.assign("/login");
  }
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, document.error ?? `HTTP ${answer.status}`);
  return document;
}

function query(path, facts) {
  const wanted = Object.entries(facts).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return wanted.length ? `${path}?${new URLSearchParams(wanted)}` : path;
}

const json = { Accept: "application/json", "Content-Type": "application/json" };

export const status = () => ask("/api/status");
export const waiting = () => ask("/api/waiting?limit=20");
export const speed = () => ask("/api/speed");
export const published = (days) => ask(query("/api/published", { days }));
export const upload = (id) => ask(`/api/uploads/${id}`);
export const uploads = (wanted, signal) => ask(query("/api/uploads", wanted), { signal });
export const retry = (id) => ask(`/api/uploads/${id}/retry`, { method: "POST" });
export const cancel = (id) => ask(`/api/uploads/${id}/cancel`, { method: "POST" });
export const pause = () => ask("/api/pause", { method: "POST" });
export const resume = () => ask("/api/resume", { method: "POST" });
export const log = (level, lasts) => ask("/api/log", { method: "PUT", headers: json, body: JSON.stringify({ level, for: lasts }) });
export const limit = (folder, value) =>
  ask("/api/bandwidth", { method: "PUT", headers: json, body: JSON.stringify({ folder, limit: value }) });
