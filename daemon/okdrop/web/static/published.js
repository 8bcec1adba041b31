// How much was published, by day or by hour, as bars; each says its figures.

import * as api from "./api.js";
import { at, h, say, svg } from "./dom.js";
import { bytes, day, hour } from "./format.js";
import { t } from "./words.js";

const WIDTH = 320;
const HEIGHT = 110;
const BELOW = 18;
const HOUR = 3_600_000;
const SPANS = {
  days: { count: 28, asks: 28, label: day },
  hours: { count: 48, asks: 3, label: hour },
};

let span = "days";

function begins(moment) {
  const begin = new Date(moment);
  if (span === "days") begin.setHours(0, 0, 0, 0);
  else begin.setMinutes(0, 0, 0);
  return begin;
}

/** The beginnings of the spans that are shown, oldest first. A day is no fixed number of hours. */
function spans() {
  const last = begins(Date.now());
  return Array.from({ length: SPANS[span].count }, (_, index) => {
    const back = SPANS[span].count - 1 - index;
    if (span === "hours") return last.getTime() - back * HOUR;
    return new Date(last.getFullYear(), last.getMonth(), last.getDate() - back).getTime();
  });
}

function summed(hours) {
  const sums = new Map(spans().map((begin) => [begin, { bytes: 0, files: 0 }]));
  for (const one of hours) {
    const sum = sums.get(begins(one.at).getTime());
    if (!sum) continue;
    sum.bytes += one.bytes;
    sum.files += one.files;
  }
  return [...sums].map(([begin, sum]) => ({ begin, ...sum }));
}

function bars(sums) {
  const top = Math.max(...sums.map((sum) => sum.bytes), 1);
  const each = WIDTH / sums.length;
  const plot = HEIGHT - BELOW;
  return sums.map((sum, index) => {
    const height = sum.bytes ? Math.max(3, (plot - 6) * (sum.bytes / top)) : 1;
    const facts = { at: SPANS[span].label(sum.begin), bytes: bytes(sum.bytes), n: sum.files };
    const place = { x: index * each + each * 0.12, width: each * 0.76, y: plot - height, height, rx: 1.5 };
    return svg(
      "g",
      { class: sum.bytes ? "bar" : "bar none" },
      svg("title", {}, t("published.one", facts)),
      svg("rect", { class: "reach", x: index * each, width: each, y: 0, height: plot }),
      svg("rect", { class: "is", ...place }),
    );
  });
}

function ends(sums) {
  const label = (sum) => SPANS[span].label(sum.begin);
  return [
    svg("text", { class: "label", x: 0, y: HEIGHT - 3 }, label(sums[0])),
    svg("text", { class: "label", x: WIDTH, y: HEIGHT - 3, "text-anchor": "end" }, label(sums.at(-1))),
  ];
}

/** Ask what was published, and draw it. */
export async function refresh() {
  const sums = summed((await api.published(SPANS[span].asks)).hours);
  const whole = sums.reduce((all, sum) => ({ bytes: all.bytes + sum.bytes, n: all.n + sum.files }), { bytes: 0, n: 0 });
  const words = t(`published.sum_${span}`, { bytes: bytes(whole.bytes), n: whole.n });
  say(at("published-sum"), words);
  const picture = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words };
  at("published").replaceChildren(svg("svg", picture, ...bars(sums), ...ends(sums)));
}

/** Make the controls. */
export function prepare() {
  at("spans").setAttribute("aria-label", t("published.spans"));
  const buttons = Object.keys(SPANS).map((one) =>
    h("button", { type: "button", "aria-pressed": String(one === span), onclick: () => choose(one) }, t(`published.${one}`)),
  );
  function choose(one) {
    span = one;
    Object.keys(SPANS).forEach((name, index) => buttons[index].setAttribute("aria-pressed", String(name === one)));
    refresh();
  }
  at("spans").append(...buttons);
}
