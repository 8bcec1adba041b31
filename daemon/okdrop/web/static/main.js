// Where all parts meet: what is asked when, and who shows it.

import * as api from "./api.js";
import * as details from "./details.js";
import { say } from "./dom.js";
import * as health from "./health.js";
import * as hour from "./hour.js";
import * as list from "./list.js";
import { listen } from "./live.js";
import * as log from "./log.js";
import { afterwards } from "./orders.js";
import * as published from "./published.js";
import * as sending from "./sending.js";
import * as standing from "./standing.js";
import * as steering from "./steering.js";
import { seenAt } from "./wording.js";
import { language, t } from "./words.js";

const SOON = 250; // milliseconds: what happens together is asked for once
const NEWS = 2_000; // milliseconds at least between two questions, where it happens again and again
const CHART = 10_000; // the same, for what was published
const STATUS_EVERY = 5_000;
const LIST_EVERY = 30_000;
const HOUR_EVERY = 10_000;
const PUBLISHED_EVERY = 120_000;

let events = null;
let counted = null;
let limit = null;
let unfinished = null;
let asked = 0;
let refreshed = -NEWS;
let drawn = -CHART;

async function refreshStatus() {
  const status = await api.status();
  standing.stand(status);
  steering.show(status);
  health.show(status);
  log.show(status);
  list.count(status.counts);
  list.offer(status.folders.map(({ folder }) => folder));
  if (seenAt(status.videos_at)) list.refresh();
  chart(status.counts.published);
  const files = JSON.stringify(status.files_waiting);
  if (unfinished !== null && files !== unfinished) list.refresh();
  unfinished = files;
  if (steering.rate() !== limit) hour.refresh(steering.rate()).catch(passOver);
  limit = steering.rate();
}

function chart(count) {
  const now = performance.now();
  if (count === counted || now < drawn + CHART) return;
  counted = count;
  drawn = now;
  published.refresh().catch(passOver);
}

function passOver(error) {
  if (!(error instanceof api.Refused)) throw error; // the pulse tells of a daemon that is gone
}

function refresh({ atOnce = false } = {}) {
  clearTimeout(asked);
  const wait = atOnce ? 0 : refreshed + NEWS - performance.now();
  asked = setTimeout(() => {
    refreshed = performance.now();
    refreshStatus().catch(passOver);
    list.refresh();
    details.refresh();
  }, Math.max(SOON, wait));
}

function beats(pulse) {
  sending.show(pulse);
  if (pulse.events !== events) {
    events = pulse.events;
    refresh();
  }
}

function connected(is) {
  if (!is) events = null; // much may have happened by the time that it is back
  standing.connected(is);
}

function every(milliseconds, work) {
  const turn = () => {
    if (!document.hidden) work().catch(passOver);
  };
  turn();
  setInterval(turn, milliseconds);
  document.addEventListener("visibilitychange", turn);
}

function begin() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-says]")) say(element, t(element.dataset.says));
  sending.explain();
  list.prepare();
  details.prepare();
  published.prepare();
  steering.prepare();
  log.prepare();
  afterwards(() => refresh({ atOnce: true }));
  every(STATUS_EVERY, refreshStatus);
  every(HOUR_EVERY, () => hour.refresh(steering.rate()));
  every(PUBLISHED_EVERY, published.refresh);
  every(LIST_EVERY, list.refresh);
  details.refresh();
  listen({ pulse: beats, connected });
}

begin();
