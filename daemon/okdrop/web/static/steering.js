// A pause of everything, and limits on what is sent.

import * as api from "./api.js";
import { at, h, say } from "./dom.js";
import { limitText, shown, when } from "./format.js";
import * as forms from "./forms.js";
import { order } from "./orders.js";
import { t } from "./words.js";

let isPaused = false;
let limits = [];

/** Show what the daemon's status says. */
export function show(status) {
  isPaused = status.paused_since !== null;
  limits = status.limits;
  const button = at("pause");
  button.disabled = false;
  say(button, t(isPaused ? "resume" : "pause"));
  const { rate } = limits[0];
  const words = rate === null ? t("limit.none") : t("limit.some", { rate: limitText(rate) });
  say(at("limit"), words);
  at("limit").setAttribute("aria-label", t("limit.label", { limit: words }));
}

/** What may leave now, in bytes a second; null: all that can. */
export function rate() {
  return limits[0]?.rate ?? null;
}

async function turn() {
  at("pause").disabled = true;
  await order(isPaused ? api.resume : api.pause, t(isPaused ? "resume.said" : "pause.said"));
  at("pause").disabled = false;
}

function configured(limit) {
  const parts = [t("limit.configured", { limit: limit.configured || t("off") })];
  if (limit.since !== null) parts.push(t("limit.by_hand", { since: when(limit.since) }));
  return parts.join("; ");
}

function open() {
  const dialog = at("limits");
  const hint = h("p", { class: "muted", id: "limit-hint" }, t("limit.hint"));
  const stands = h("p", { class: "muted" });
  const value = h("input", {
    id: "limit-value",
    type: "text",
    maxlength: 400,
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "limit-hint",
  });
  const select = h(
    "select",
    { id: "limit-folder", onchange: chosen },
    ...limits.map(({ folder }) => h("option", { value: folder }, folder ? shown(folder) : t("limit.everything"))),
  );
  function chosen() {
    const limit = limits.find(({ folder }) => folder === select.value);
    value.value = limit.by_hand ?? limit.configured;
    say(stands, configured(limit));
  }
  async function set(limit) {
    if (await order(() => api.limit(select.value, limit), t("limit.said"))) dialog.close();
  }
  const other = (words, limit) => h("button", { type: "button", onclick: () => set(limit) }, words);
  forms.open(
    dialog,
    t("limit.title"),
    () => set(value.value.trim() || "off"),
    limits.length > 1 ? forms.field("limit-folder", t("limit.of"), select) : "",
    forms.field("limit-value", t("limit.value"), value, hint),
    stands,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "submit", class: "primary" }, t("limit.set")),
      other(t("limit.off"), "off"),
      other(t("limit.reset"), null),
    ),
  );
  chosen();
  value.select();
}

/** Make the controls. */
export function prepare() {
  at("pause").addEventListener("click", turn);
  at("limit").addEventListener("click", open);
  forms.closable(at("limits"));
}
