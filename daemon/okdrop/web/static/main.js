// Where all parts meet: what is asked when, and who shows it.

import * as api from "./api.js";
import * as details from "./details.js";
import { say } from "./dom.js";
import * as health from "./health.js";
import * as hour from "./hour.js";
import * as list from "./list.js";
import { listen } from "./live.js";
import { afterwards } from "./orders.js";
import * as published from "./published.js";
import * as sending from "./sending.js";
import * as standing from "./standing.js";
import * as steering from "./steering.js";
import { seenAt } from "./wording.js";
import { language, t } from "./words.js";

const SOON = 250; // milliseconds: what happens together is asked for once
const STATUS_EVERY = 5_000;
const LIST_EVERY = 30_000;
const HOUR_EVERY = 10_000;
const PUBLISHED_EVERY = 120_000;

let events = null;
let counted = null;
let limit = null;
let unfinished = null;
let asked = 0;

async function refreshStatus() {
  const status = await api.status();
  standing.stand(status);
  steering.show(status);
  health.show(status);
  list.count(status.counts);
  list.offer(status.folders.map(({ folder }) => folder));
  if (seenAt(status.videos_at)) list.refresh();
  const now = status.counts.published;
  if (now !== counted) published.refresh().catch(passOver);
  counted = now;
  const files = JSON.stringify(status.files_waiting);
  if (unfinished !== null && files !== unfinished) list.refresh();
  unfinished = files;
  if (steering.rate() !== limit) hour.refresh(steering.rate()).catch(passOver);
  limit = steering.rate();
}

function passOver(error) {
  if (!(error instanceof api.Refused)) throw error; // the pulse tells of a daemon that is gone
}

function refresh() {
  clearTimeout(asked);
  asked = setTimeout(() => {
    refreshStatus().catch(passOver);
    list.refresh();
    details.refresh();
  }, SOON);
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
  afterwards(refresh);
  every(STATUS_EVERY, refreshStatus);
  every(HOUR_EVERY, () => hour.refresh(steering.rate()));
  every(PUBLISHED_EVERY, published.refresh);
  every(LIST_EVERY, list.refresh);
  details.refresh();
  listen({ pulse: beats, connected });
}

begin();
