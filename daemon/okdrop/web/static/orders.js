// Orders about an upload, as buttons; what came of one is said.

import * as api from "./api.js";
import { at, h, say } from "./dom.js";
import { t } from "./words.js";

const SURE = 4_000; // milliseconds in which a second press cancels

let changed = () => {};

/** Call `listener` after each order that was carried out. */
export function afterwards(listener) {
  changed = listener;
}

/** Tell a person what came of an order, or what happened: seen, and read out. */
export function tell(text, { failed = false } = {}) {
  say(at("said"), text);
  const toast = h("p", { class: failed ? "toast failed" : "toast", "aria-hidden": "true" }, text);
  document.querySelector(".toast")?.remove();
  (document.querySelector("dialog[open]") ?? document.body).append(toast);
  setTimeout(() => toast.remove(), 6_000);
}

/** Carry an order out, and say what came of it; whether it was. */
export async function order(work, said) {
  try {
    await work();
    tell(said);
    changed();
    return true;
  } catch (refused) {
    tell(refused.message, { failed: true });
    return false;
  }
}

/** Hands a failed upload back. */
export function retryButton(id, label) {
  const press = async (event) => {
    event.target.disabled = true;
    if (!(await order(() => api.retry(id), t("retry.said", { name: label })))) event.target.disabled = false;
  };
  const says = { type: "button", class: "order small", "aria-label": t("retry.label", { name: label }), onclick: press };
  return h("button", says, t("retry"));
}

/** Takes an upload out, at the second press. */
export function cancelButton(id, label) {
  let sure = 0;
  const button = h(
    "button",
    {
      type: "button",
      class: "order plain small cancel",
      "aria-label": t("cancel.label", { name: label }),
      onclick: async () => {
        if (!sure) {
          say(button, t("cancel.sure"));
          button.setAttribute("aria-label", `${t("cancel.sure")} ${t("cancel.label", { name: label })}`);
          sure = setTimeout(calm, SURE);
          return;
        }
        calm();
        button.disabled = true;
        if (!(await order(() => api.cancel(id), t("cancel.said", { name: label })))) button.disabled = false;
      },
    },
    t("cancel"),
  );
  function calm() {
    clearTimeout(sure);
    sure = 0;
    say(button, t("cancel"));
    button.setAttribute("aria-label", t("cancel.label", { name: label }));
  }
  return button;
}
