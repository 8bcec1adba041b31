// How the daemon stands: running, paused, held up, out of reach; and what is wrong, in its own words.

import { at, facts, h, keyed, replaced, say } from "./dom.js";
import { moment, when } from "./format.js";
import { showWaiting } from "./list.js";
import { tell } from "./orders.js";
import { t } from "./words.js";

const BY_HAND = "paused by hand";

let isConnected = true;
let latest = null;

function word() {
  if (isConnected === false) return ["lost", t("lost")];
  if (latest === null) return ["", t("starting")];
  if (latest.reasons.length) return ["failed", t("held_up")];
  if (latest.paused_since !== null) return ["paused", t("pausing", { since: when(latest.paused_since) })];
  return ["running", t("running")];
}

function show() {
  const [kind, words] = word();
  at("dot").className = `dot ${kind}`;
  say(at("standing-words"), words);
  document.body.classList.toggle("lost", kind === "lost");
}

/** There is a connection to the daemon, or none. */
export function connected(is) {
  if (is === isConnected) return;
  tell(t(is ? "back.said" : "lost.said"), { failed: !is });
  isConnected = is;
  show();
}

function showNow({ in_hand, waiting, held }, files) {
  const print = JSON.stringify([in_hand, waiting, held, files]);
  if (at("in-hand").dataset.print === print) return; // a button that somebody is about to press stays
  at("in-hand").dataset.print = print;
  const unfinished = () => h("button", { type: "button", class: "link", onclick: showWaiting }, t("now.files", { n: files }));
  replaced(
    at("in-hand"),
    facts(
      in_hand ? t("now.sending", { n: in_hand }) : t("now.idle"),
      waiting ? t("now.waiting", { n: waiting }) : "",
      files ? unfinished() : "",
      held ? t("now.held", { n: held }) : "",
    ),
  );
}

/** Show what the daemon's status says. */
export function stand(status) {
  latest = status;
  show();
  const wrong = [...new Set([...status.reasons, ...status.troubles])].filter((words) => words !== BY_HAND);
  keyed(at("notices"), wrong, {
    key: (words) => words,
    make: (words) => h("li", { class: status.reasons.includes(words) ? "notice failed" : "notice" }, words),
  });
  at("notices").hidden = !wrong.length;
  const files = Object.values(status.files_waiting).reduce((sum, count) => sum + count, 0);
  showNow(status, files);
  const foot = t("foot", { version: status.version, since: moment(status.began_at) });
  say(at("foot"), status.may_change ? foot : `${foot}. ${t("looking")}`);
  at("leave").hidden = !status.signed_in;
  document.body.classList.toggle("looking", !status.may_change);
}
