// Uploads, some of many: by what they are, by folder, by what their path or title holds, a page at a time.

import * as api from "./api.js";
import { at, facts, h, keyed, name, replaced, say } from "./dom.js";
import { bytes, duration, folderOf, nameOf, number, percent, when } from "./format.js";
import { cancelButton, retryButton } from "./orders.js";
import { badge, may, reason, videoPage, waits } from "./wording.js";
import { t } from "./words.js";

const PAGE = 50;
const TYPED = 200; // milliseconds after the last key

const UNFINISHED = ["queued", "uploading", "finalizing"];
const FILTERS = {
  all: {},
  queue: { state: UNFINISHED.join(","), waits: "no", order: "oldest" },
  waiting: { state: UNFINISHED.join(","), waits: "yes", order: "oldest" },
  published: { state: "published" },
  failed: { state: "failed" },
  other: { state: "superseded,cancelled,duplicate" },
};
const COUNTED = { published: ["published"], failed: ["failed"], other: ["superseded", "cancelled", "duplicate"] };

const chosen = { filter: "all", folder: "", text: "", pages: [null] };
let next = null;
let asking = null;

// --- what is shown ----------------------------------------------------------------------------------

function actions(row, label) {
  const can = may(row);
  const watch = { class: "watch", href: videoPage(row.video_id), target: "_blank", rel: "noopener noreferrer" };
  return h(
    "div",
    { class: "actions" },
    can.watch ? h("a", { ...watch, "aria-label": t("watch.label", { name: label }) }, t("watch")) : null,
    can.retry ? retryButton(row.id, label) : null,
    can.cancel ? cancelButton(row.id, label) : null,
  );
}

function far(row) {
  const stays = row.state === "uploading" && waits(row); // of what moves, the strip tells more
  return facts(stays ? percent(row.received, row.size) : "", bytes(row.size), h("time", { datetime: row.updated_at }, when(row.updated_at)));
}

function why(row) {
  const text = reason(row);
  if (!text) return null;
  const hint = row.state === "failed" && row.failure?.hint ? h("span", { class: "hint" }, row.failure.hint) : null;
  return h("p", { class: `why ${row.state}` }, h("span", {}, text), hint);
}

function line(row) {
  const label = nameOf(row.path);
  const { words, kind } = badge(row);
  return [
    h(
      "div",
      { class: "what" },
      h("a", { class: "name", href: `#upload/${row.id}`, "aria-label": t("open.label", { name: label }) }, name(label)),
      name(folderOf(row.path), { class: "folder muted" }),
    ),
    h("span", { class: `badge ${kind}` }, words),
    h("p", { class: "far muted" }, ...far(row)),
    actions(row, label),
    why(row),
  ].filter(Boolean);
}

// What is as it was is left as it is: a button that somebody is about to press stays under the hand.
function update(element, row) {
  const print = JSON.stringify([row, when(row.updated_at), reason(row), videoPage(row.video_id)]);
  if (element.dataset.print === print) return;
  element.dataset.print = print;
  replaced(element, line(row));
}

function show(rows) {
  keyed(at("rows"), rows, { key: (row) => row.id, make: () => h("li"), update });
  at("empty").hidden = rows.length > 0 || !at("unfinished").hidden;
  say(at("empty"), chosen.text ? t("empty.found") : t(`empty.${chosen.filter}`));
  const several = chosen.pages.length > 1 || next !== null;
  at("pages").hidden = !several;
  at("before").disabled = chosen.pages.length < 2;
  at("after").disabled = next === null;
  say(at("page"), t("pages.page", { n: chosen.pages.length }));
}

function unfinished(one) {
  return [
    h("div", { class: "what" }, name(nameOf(one.path), { class: "name" }), name(folderOf(one.path), { class: "folder muted" })),
    h("span", { class: "badge waiting" }, t("state.unfinished")),
    h("p", { class: "far muted" }, t("reason.for", { time: duration(one.seconds) })),
    h("p", { class: "why" }, one.words),
  ];
}

async function showUnfinished() {
  const wanted = chosen.filter === "waiting" && !chosen.text && chosen.pages.length === 1;
  const { files, count } = wanted ? await api.waiting() : { files: [], count: 0 };
  at("unfinished").hidden = !files.length;
  keyed(at("unfinished"), files, {
    key: (one) => one.path,
    make: () => h("li"),
    update: (element, one) => element.replaceChildren(...unfinished(one)),
  });
  const more = count - files.length;
  if (more > 0) at("unfinished").append(h("li", { class: "muted", "data-key": "" }, t("files.more", { n: more })));
}

// --- what is asked ----------------------------------------------------------------------------------

/** Ask for the page that is chosen, and show it. What was asked before is of no more interest. */
export async function refresh() {
  asking?.abort();
  const mine = (asking = new AbortController());
  const { filter, folder, text, pages } = chosen;
  const wanted = { ...FILTERS[filter], q: text, folder, limit: PAGE, after: pages.at(-1) };
  try {
    const [answer] = await Promise.all([api.uploads(wanted, mine.signal), showUnfinished()]);
    if (mine.signal.aborted) return;
    next = answer.next;
    show(answer.uploads);
    at("rows").removeAttribute("aria-busy");
  } catch (error) {
    if (error.name !== "AbortError" && !(error instanceof api.Refused)) throw error;
  }
}

function choose(changes) {
  Object.assign(chosen, { pages: [null] }, changes);
  for (const chip of at("chips").children) {
    chip.setAttribute("aria-pressed", String(chip.dataset.filter === chosen.filter));
  }
  at("rows").setAttribute("aria-busy", "true");
  refresh();
}

function turn(pages) {
  choose({ pages });
  at("uploads").scrollIntoView({ block: "start" });
}

// --- the controls -----------------------------------------------------------------------------------

/** Say how many there are of each kind. */
export function count(counts) {
  const sum = (states) => states.reduce((all, state) => all + counts[state], 0);
  const found = { all: sum(Object.keys(counts)), queue: sum(UNFINISHED) };
  for (const [filter, states] of Object.entries(COUNTED)) found[filter] = sum(states);
  for (const chip of at("chips").children) {
    const some = found[chip.dataset.filter];
    say(chip.lastElementChild, some === undefined ? "" : number(some));
    chip.classList.toggle("some", chip.dataset.filter === "failed" && some > 0);
  }
}

/** Offer the watched folders to choose from, where there are several. */
export function offer(folders) {
  const select = at("folder");
  select.hidden = folders.length < 2;
  const options = ["", ...folders];
  if (select.options.length === options.length) return;
  select.replaceChildren(...options.map((one) => h("option", { value: one }, one ? folderOf(`${one}/`) : t("folder.all"))));
}

/** Show what is not finished yet or waits, in all folders. */
export function showWaiting() {
  at("search").value = "";
  at("folder").value = "";
  choose({ filter: "waiting", folder: "", text: "" });
  at("uploads").scrollIntoView({ block: "start" });
  at("uploads").focus({ preventScroll: true });
}

/** Make the controls. */
export function prepare() {
  at("chips").setAttribute("aria-label", t("filter.label"));
  const pressed = (filter) => ({ "aria-pressed": String(filter === chosen.filter), "data-filter": filter });
  at("chips").append(
    ...Object.keys(FILTERS).map((filter) =>
      h(
        "button",
        { type: "button", ...pressed(filter), onclick: () => choose({ filter }) },
        t(`filter.${filter}`),
        h("span", { class: "number" }),
      ),
    ),
  );
  at("folder").setAttribute("aria-label", t("folder.label"));
  at("folder").addEventListener("change", (event) => choose({ folder: event.target.value }));
  at("pages").setAttribute("aria-label", t("pages.label"));
  say(at("before"), t("pages.before"));
  say(at("after"), t("pages.after"));
  at("before").addEventListener("click", () => turn(chosen.pages.slice(0, -1)));
  at("after").addEventListener("click", () => turn([...chosen.pages, next]));
  prepareSearch(at("search"));
}

function prepareSearch(search) {
  search.setAttribute("aria-label", t("search.label"));
  search.placeholder = t("search.hint");
  let typed = 0;
  search.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(() => choose({ text: search.value.trim() }), TYPED);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "Enter") return;
    event.preventDefault();
    at("rows").querySelector("a")?.focus();
  });
  document.addEventListener("keydown", (event) => {
    const writes = event.target.closest("input, select, textarea, dialog");
    if (event.key !== "/" || writes || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    search.focus();
  });
}
