// What is being sent now: a card for each upload, with its strip.

import { at, facts, h, keyed, name, say } from "./dom.js";
import { bytes, duration, folderOf, nameOf, percent, speed } from "./format.js";
import { cancelButton } from "./orders.js";
import { Pace } from "./pace.js";
import { draw, legend, strip } from "./strip.js";
import { t } from "./words.js";

const paces = new Map();

function make(one) {
  const label = nameOf(one.path);
  return h(
    "li",
    { class: "card upload" },
    h(
      "div",
      { class: "head" },
      h("a", { class: "name", href: `#upload/${one.id}` }, name(label)),
      name(folderOf(one.path), { class: "folder muted" }),
      cancelButton(one.id, label),
    ),
    strip(),
    h("p", { class: "says muted" }),
  );
}

function onLine(one) {
  return one.in_flight.reduce((sum, [, , sent]) => sum + sent, 0);
}

function words(one, pace, now) {
  if (!one.host) return [t("sending.asking")];
  if (one.received === one.size) return [t("sending.whole")];
  const done = Math.min(one.received + onLine(one), one.size);
  const rate = pace.speed(now);
  const again = one.again.reduce((sum, [start, stop]) => sum + stop - start, 0);
  return [
    h("b", {}, percent(one.received, one.size)), // what OK holds, as everywhere; the strip shows what is on its way
    t("sending.of", { done: bytes(one.received), size: bytes(one.size) }),
    rate > 0 ? speed(rate) : "",
    rate > 0 ? t("sending.left", { time: duration((one.size - done) / rate) }) : "",
    one.mode === "sequential" ? t("sending.sequential") : t("sending.at_once", { n: one.in_flight.length }),
    again ? h("span", { class: "warn" }, t("sending.again", { bytes: bytes(again) })) : "",
    name(one.host),
  ];
}

function update(element, one) {
  const now = performance.now();
  const pace = paces.get(one.id);
  draw(element.querySelector(".strip"), one, nameOf(one.path));
  element.querySelector(".says").replaceChildren(...facts(...words(one, pace, now)));
}

// What is only made ready, for its turn, is in line.
function moves(one) {
  return one.in_flight.length > 0 || one.received > 0 || one.doubtful.length > 0;
}

/** Show what a pulse tells. */
export function show(pulse) {
  const now = performance.now();
  const here = new Set(pulse.sending.map((one) => one.id));
  for (const gone of [...paces.keys()].filter((id) => !here.has(id))) paces.delete(gone);
  for (const one of pulse.sending) {
    if (!paces.has(one.id)) paces.set(one.id, new Pace());
    paces.get(one.id).note(one.received + onLine(one), now);
  }
  const moving = pulse.sending.filter(moves);
  keyed(at("sending"), moving, { key: (one) => one.id, make, update });
  say(at("speed"), speed(pulse.speed));
  at("speed").classList.toggle("idle", !pulse.speed);
  at("legend").hidden = !moving.length;
}

/** Say what the colours mean, once. */
export function explain() {
  at("legend").replaceChildren(...legend());
}
