// One upload, and what happened to it: a dialogue at #upload/ID.

import * as api from "./api.js";
import { at, h, name, replaced } from "./dom.js";
import { bytes, moment, nameOf, shown, when } from "./format.js";
import { cancelButton, retryButton } from "./orders.js";
import { badge, may, reason, videoPage } from "./wording.js";
import { knows, t } from "./words.js";

function wanted() {
  return /^#upload\/(\d{1,19})$/.exec(location.hash)?.[1] ?? null;
}

function fact(term, ...value) {
  return [h("dt", {}, term), h("dd", {}, ...value)];
}

function facts(row) {
  const failed = row.state === "failed" && row.failure;
  const says = failed ? "" : reason(row);
  const page = { href: videoPage(row.video_id), target: "_blank", rel: "noopener noreferrer" };
  return h(
    "dl",
    {},
    failed ? fact(t("details.cause"), row.failure.message, " ", h("code", {}, row.failure.code)) : [],
    failed && row.failure.hint ? fact(t("details.hint"), row.failure.hint) : [],
    says ? fact(badge(row).words, says) : [],
    fact(t("details.path"), name(shown(row.path))),
    row.moved_to ? fact(t("details.moved"), name(shown(row.moved_to))) : [],
    fact(t("details.size"), bytes(row.size)),
    row.bytes_sent ? fact(t("details.sent"), bytes(row.bytes_sent)) : [],
    fact(t("details.attempts"), String(row.attempts)),
    row.video_id ? fact(t("details.video"), may(row).watch ? h("a", page, row.video_id) : row.video_id) : [],
    row.title ? fact(t("details.title"), name(shown(row.title))) : [],
    row.privacy ? fact(t("details.privacy"), knows(`privacy.${row.privacy}`) ? t(`privacy.${row.privacy}`) : row.privacy) : [],
    row.cover ? fact(t("details.cover"), t(`cover.${row.cover}`)) : [],
    row.account ? fact(t("details.account"), shown(row.account)) : [],
  );
}

function cover(row) {
  if (!row.cover) return null;
  const gone = (event) => event.target.remove(); // it was moved, or the disk is away
  return h("img", { class: "cover", src: `/api/uploads/${row.id}/cover`, alt: t("details.cover"), onerror: gone });
}

function ofHistory(step) {
  const is = step.from === null && step.to === "queued" ? t("details.found") : t(`state.${step.to}`);
  return { at: step.at, kind: step.to, title: is, note: step.note, changed: step.from !== step.to };
}

function ofStep(step) {
  const outcome = step.outcome === null ? t("steps.due") : t(knows(`steps.${step.outcome}`) ? `steps.${step.outcome}` : "steps.done");
  const tries = step.tries > 1 ? `, ${t("steps.tries", { n: step.tries })}` : "";
  const note = [step.said, step.output].filter(Boolean).join("\n");
  const kind = step.outcome === "done" || step.outcome === null ? "step" : "failed";
  return { at: step.done_at ?? step.created_at, kind, title: `${step.lane}: ${outcome}${tries}`, note, changed: true };
}

function timeline(row) {
  const happened = [...row.history.map(ofHistory), ...row.steps.map(ofStep)];
  happened.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  const items = happened.map((one) =>
    h(
      "li",
      { class: `${one.kind}${one.changed ? "" : " same"}` },
      h("time", { datetime: one.at, title: moment(one.at) }, when(one.at)),
      h("div", {}, h("b", {}, one.title), one.note ? h("p", { class: "note" }, shown(one.note)) : null),
    ),
  );
  return [h("h3", {}, t("details.history")), h("ol", { class: "timeline" }, ...items)];
}

function close() {
  history.replaceState(null, "", location.pathname);
  at("details").close();
}

function content(title, ...rest) {
  const leave = h("button", { type: "button", class: "plain small", onclick: close }, t("close"));
  return [h("div", { class: "head" }, h("h2", { id: "details-title" }, title), leave), ...rest];
}

function filled(row) {
  const label = nameOf(row.path);
  const { words, kind } = badge(row);
  const can = may(row);
  const page = { class: "watch", href: videoPage(row.video_id), target: "_blank", rel: "noopener noreferrer" };
  const bar = h(
    "div",
    { class: "actions" },
    h("span", { class: `badge ${kind}` }, words),
    can.watch ? h("a", page, t("watch")) : null,
    can.retry ? retryButton(row.id, label) : null,
    can.dismiss ? cancelButton(row.id, label) : null,
  );
  return content(name(label), bar, ...[cover(row), facts(row)].filter(Boolean), ...timeline(row));
}

/** Show the upload that the address names, as it is now; none where it names none. */
export async function refresh() {
  const dialog = at("details");
  const id = wanted();
  if (id === null) {
    if (dialog.open) dialog.close();
    return;
  }
  let row;
  try {
    row = await api.upload(id);
  } catch (refused) {
    if (!dialog.open) dialog.showModal();
    dialog.replaceChildren(...content(refused.status === 404 ? t("details.gone") : refused.message));
    return;
  }
  if (wanted() !== id) return;
  const print = JSON.stringify([row, videoPage(row.video_id)]);
  if (dialog.dataset.print !== print || !dialog.open) {
    dialog.dataset.print = print;
    replaced(dialog, filled(row));
  }
  if (!dialog.open) dialog.showModal();
}

/** Follow the address. */
export function prepare() {
  addEventListener("hashchange", refresh);
  const dialog = at("details");
  dialog.addEventListener("close", () => {
    if (wanted() !== null) history.replaceState(null, "", location.pathname);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) close();
  });
}
