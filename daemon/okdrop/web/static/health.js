// How folders, accounts and upload hosts do.

import { at, facts, h, name } from "./dom.js";
import { bytes, moment, shown, speed, when } from "./format.js";
import { knows, t } from "./words.js";

const LEAST = 1000; // bytes a second; below, an average that fades is all there is
const SOON = 7 * 86_400_000; // milliseconds: a token that ends then wants a person

function item(title, kind, words, ...lines) {
  return h(
    "li",
    {},
    h("div", { class: "head" }, h("span", { class: "title" }, title), h("span", { class: `badge ${kind}` }, words)),
    ...lines.filter(Boolean).map((line) => h("p", { class: "muted" }, ...[line].flat())),
  );
}

function room({ free, total }) {
  if (free === null) return "";
  const tight = total > 0 && free / total < 0.05;
  return h("span", { class: tight ? "warn" : "" }, t("health.free", { free: bytes(free) }));
}

function posts(quota) {
  return quota ? t("health.posts", { n: quota.posted_today, limit: quota.posts_per_day }) : "";
}

function folder(one, quota) {
  const seen = one.scanned_at ? t("health.scanned", { when: when(one.scanned_at) }) : t("health.not_scanned");
  const path = name(shown(one.folder));
  if (one.away !== null) return item(path, "failed", t("health.away"), one.away, one.hint);
  const watching = one.watching === null ? "" : `health.watching.${one.watching}`;
  const words = knows(watching) ? t(watching) : t("health.not_scanned");
  return item(path, one.watching === null ? "" : "published", words, facts(seen, room(one), posts(quota)));
}

function expiry(at) {
  if (at === null) return "";
  const left = Date.parse(at) - Date.now();
  const words = t(left > 0 ? "health.expires" : "health.expired", { when: when(at) });
  return h("span", { class: left < SOON ? "warn" : "", title: moment(at) }, words);
}

function account(one) {
  const title = name(one.account ? shown(one.account) : t("health.account"));
  const used = facts(
    t("health.shares", { n: one.folders }),
    h("span", { title: moment(one.in_use_since) }, t("health.since", { when: when(one.in_use_since) })),
    expiry(one.expires_at),
  );
  if (one.halted !== null) return item(title, "failed", t("health.halted"), one.halted.message, one.halted.hint, used);
  const is = one.accepted ? ["published", t("health.accepted")] : ["", t("health.not_asked")];
  return item(title, ...is, used);
}

function host(one) {
  const mode = one.mode === "parallel" || one.mode === "sequential" ? t(`health.${one.mode}`) : t("health.unknown");
  const troubles = one.troubles ? h("span", { class: "warn" }, t("health.troubles", { n: one.troubles })) : t("health.well");
  const lines = facts(t("health.connections", { n: one.connections }), one.goodput < LEAST ? "–" : speed(one.goodput), troubles);
  return item(name(shown(one.host)), one.mode === "parallel" ? "published" : "", mode, lines);
}

function part(title, items, none) {
  return [h("h3", {}, title), items.length ? h("ul", {}, ...items) : h("p", { class: "muted" }, none)];
}

let print = "";

/** Show what the daemon's status says of them. */
export function show(status) {
  const { folders, accounts, hosts } = status;
  const quotas = new Map(status.quotas.map((one) => [one.folder, one]));
  const minute = Math.floor(Date.now() / 10_000);
  const now = JSON.stringify([folders, accounts, hosts, status.quotas, minute]);
  if (now === print) return;
  print = now;
  at("health").replaceChildren(
    ...part(t("health.folders"), folders.map((one) => folder(one, quotas.get(one.folder))), ""),
    ...part(t("health.accounts"), accounts.map(account), ""),
    quotas.has("") ? h("p", { class: "muted sum" }, posts(quotas.get(""))) : "",
    ...part(t("health.hosts"), hosts.map(host), t("health.no_hosts")),
  );
}
