// An upload's bytes as a strip: held by OK, on their way, lost on the way, sent again; the rest is to come.

import { h, svg } from "./dom.js";
import { percent } from "./format.js";
import { t } from "./words.js";

const WIDTH = 1000;
const HEIGHT = 20;
const NARROWEST = 3; // of WIDTH: what is there is seen

function box(kind, size, start, stop, { top = 0, height = HEIGHT } = {}) {
  const x = (WIDTH * start) / size;
  const width = Math.max((WIDTH * (stop - start)) / size, NARROWEST);
  const left = Math.min(x, WIDTH - width);
  return svg("rect", { class: kind, x: left.toFixed(2), width: width.toFixed(2), y: top, height });
}

function drawn(one) {
  const { size, held, in_flight: inFlight, doubtful, again } = one;
  return [
    ...held.map(([start, stop]) => box("held", size, start, stop)),
    ...doubtful.map(([start, stop]) => box("doubtful", size, start, stop)),
    ...inFlight.map(([start, stop]) => box("in_flight", size, start, stop)),
    ...inFlight.filter(([, , sent]) => sent).map(([start, stop, sent]) =>
      box("on_line", size, start, Math.min(start + sent, stop)),
    ),
    ...inFlight.slice(1).map(([start]) => box("cut", size, start, start)),
    ...again.map(([start, stop]) => box("again", size, start, stop, { top: HEIGHT - 5, height: 5 })),
  ];
}

/** A new strip, with nothing on it. */
export function strip() {
  const picture = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
    focusable: "false",
  });
  const meter = { class: "strip", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 };
  return h("div", meter, picture);
}

/** Draw an upload on its strip. */
export function draw(element, one, label) {
  element.firstElementChild.replaceChildren(...drawn(one));
  element.setAttribute("aria-label", label);
  element.setAttribute("aria-valuenow", one.size ? Math.floor((100 * one.received) / one.size) : 0);
  const words = [t("strip.label", { percent: percent(one.received, one.size) })];
  if (one.in_flight.length) words.push(t("strip.flying", { n: one.in_flight.length }));
  element.setAttribute("aria-valuetext", words.join(", "));
}

const KINDS = ["held", "on_line", "doubtful", "again", "missing"];
const SAYS = { on_line: "strip.in_flight" };

/** What the colours mean. */
export function legend() {
  return KINDS.map((kind) =>
    h("span", { class: "key" }, h("i", { class: `swatch ${kind}` }), t(SAYS[kind] ?? `strip.${kind}`)),
  );
}
