// The speed of the last hour, as an area; over it what it was at a moment.

import * as api from "./api.js";
import { at, svg } from "./dom.js";
import { speed } from "./format.js";
import { t } from "./words.js";

const WIDTH = 640;
const HEIGHT = 132;
const BELOW = 20; // for the times
const ROOM = 14; // above the highest
const STEPS = 360;
const PLOT = HEIGHT - BELOW;

/** The next round figure above: a scale's end. */
function round(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((end) => end >= value);
}

function rates({ bytes, step, passed }) {
  const found = bytes.map((count) => count / step);
  const begun = bytes.at(-1) / Math.max(passed, step / 2);
  if (passed < step / 2 && found.length > 1) found.pop(); // too short to tell
  else found[found.length - 1] = begun;
  return [...Array(Math.max(0, STEPS + 1 - found.length)).fill(0), ...found].slice(-STEPS);
}

function line(values, top) {
  const x = (index) => ((index / (STEPS - 1)) * WIDTH).toFixed(1);
  const y = (value) => (ROOM + (PLOT - ROOM) * (1 - value / top)).toFixed(1);
  return values.map((value, index) => `${index ? "L" : "M"}${x(index)} ${y(value)}`).join("");
}

function scale(top) {
  return [0.5, 1].flatMap((share) => {
    const y = ROOM + (PLOT - ROOM) * (1 - share);
    return [
      svg("line", { class: "grid", x1: 0, x2: WIDTH, y1: y, y2: y }),
      svg("text", { class: "label", x: 0, y: y - 4 }, speed(top * share)),
    ];
  });
}

function times() {
  const marks = [45, 30, 15].map((minutes) =>
    svg(
      "text",
      { class: minutes === 30 ? "label" : "label between", x: WIDTH * (1 - minutes / 60), y: HEIGHT - 5, "text-anchor": "middle" },
      t("hour.ago", { n: minutes }),
    ),
  );
  return [
    svg("line", { class: "base", x1: 0, x2: WIDTH, y1: PLOT, y2: PLOT }),
    ...marks,
    svg("text", { class: "label", x: WIDTH, y: HEIGHT - 5, "text-anchor": "end" }, t("hour.now")),
  ];
}

function limited(limit, top) {
  if (!limit || limit > top) return [];
  const y = ROOM + (PLOT - ROOM) * (1 - limit / top);
  return [
    svg("line", { class: "limit", x1: 0, x2: WIDTH, y1: y, y2: y }),
    svg("text", { class: "label limit", x: WIDTH, y: y - 4, "text-anchor": "end" }, t("hour.limit")),
  ];
}

let values = [];

function pointed(event, picture, mark) {
  const box = picture.getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  const index = Math.round(share * (STEPS - 1));
  const minutes = Math.round(((STEPS - 1 - index) * 10) / 60);
  mark.style.left = `${share * 100}%`;
  mark.classList.toggle("right", share > 0.5);
  mark.hidden = false;
  mark.textContent = `${speed(values[index])} · ${minutes ? t("hour.ago", { n: minutes }) : t("hour.now")}`;
}

/** Ask for the last hour, and draw it. `limit`: what may leave now, in bytes a second, or null. */
export async function refresh(limit) {
  values = rates(await api.speed());
  const peak = Math.max(...values);
  const top = round(Math.max(peak, limit && limit < 4 * peak ? limit : 0, 1000));
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "aria-label": t("hour.label", { now: speed(values.at(-1)), peak: speed(peak) }),
    },
    ...scale(top),
    svg("path", { class: "area", d: `${line(values, top)}L${WIDTH} ${PLOT}L0 ${PLOT}Z` }),
    svg("path", { class: "line", d: line(values, top) }),
    ...limited(limit, top),
    ...times(),
  );
  const mark = document.createElement("span");
  mark.className = "mark";
  mark.hidden = true;
  picture.addEventListener("pointermove", (event) => pointed(event, picture, mark));
  picture.addEventListener("pointerleave", () => (mark.hidden = true));
  at("hour").replaceChildren(picture, mark);
}
