// Which lines of the log are written, and for how long.

import * as api from "./api.js";
import { at, h, say } from "./dom.js";
import { moment, when } from "./format.js";
import * as forms from "./forms.js";
import { order } from "./orders.js";
import { t } from "./words.js";

const LEVELS = ["debug", "info", "warning", "error"];
const TIMES = ["1h", "24h", ""];

let log = null;

/** Show what the daemon's status says. */
export function show(status) {
  log = status.log;
  const words = log.until === null ? t("log.level", { level: log.level }) : t("log.until", { level: log.level, until: moment(log.until) });
  say(at("log"), words);
  at("log").setAttribute("aria-label", t("log.label", { log: words }));
  at("log").hidden = false;
}

function configured() {
  const parts = [t("log.configured", { level: log.configured })];
  if (log.since !== null) parts.push(t("limit.by_hand", { since: when(log.since) }));
  return parts.join("; ");
}

function choice(id, values, words, chosen) {
  return h("select", { id }, ...values.map((one) => h("option", { value: one, selected: one === chosen }, words(one))));
}

function open() {
  const dialog = at("logs");
  const level = choice("log-level", LEVELS, (one) => one, log.level);
  const time = choice("log-time", TIMES, (one) => t(`log.for.${one || "ever"}`), "1h");
  async function set(wanted, lasts) {
    if (await order(() => api.log(wanted, lasts), t("log.said"))) dialog.close();
  }
  forms.open(
    dialog,
    t("log.title"),
    () => set(level.value, time.value || null),
    forms.field("log-level", t("log.value"), level),
    forms.field("log-time", t("log.for"), time),
    h("p", { class: "muted" }, configured()),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "submit", class: "primary" }, t("limit.set")),
      h("button", { type: "button", onclick: () => set(null, null) }, t("limit.reset")),
    ),
  );
}

/** Make the controls. */
export function prepare() {
  at("log").addEventListener("click", open);
  forms.closable(at("logs"));
}
