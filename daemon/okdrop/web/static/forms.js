// Dialogues with a form in them.

import { h } from "./dom.js";
import { t } from "./words.js";

/** A control with its label, and a hint below it or none. */
export function field(id, label, control, hint = null) {
  return h("div", { class: "field" }, h("label", { for: id }, label), control, hint);
}

/** Open a dialogue: its title, and a form of these parts. */
export function open(dialog, title, submitted, ...parts) {
  const submit = (event) => {
    event.preventDefault();
    submitted();
  };
  dialog.replaceChildren(
    h(
      "div",
      { class: "head" },
      h("h2", { id: dialog.getAttribute("aria-labelledby") }, title),
      h("button", { type: "button", class: "plain small", onclick: () => dialog.close() }, t("close")),
    ),
    h("form", { onsubmit: submit }, ...parts),
  );
  dialog.showModal();
}

/** Have a press beside a dialogue close it. */
export function closable(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
