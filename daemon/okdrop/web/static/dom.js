// Elements, made without markup: a text is a text, whatever it says.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** An element of HTML. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An element of SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** The element of that id. */
export function at(id) {
  return document.getElementById(id);
}

/** Say a text, where it says another one. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A name from a disk: whichever way its letters run, its neighbours stay where they are. */
export function name(text, attributes = {}) {
  return h("bdi", attributes, text);
}

/** Facts beside each other, with a dot between. */
export function facts(...parts) {
  const found = parts.filter((part) => part !== null && part !== undefined && part !== "");
  return found.flatMap((part, index) => (index ? [h("span", { class: "sep", "aria-hidden": "true" }, " · "), part] : [part]));
}

const REACHED = "a[href], button, input, select";

/** Have an element hold other children; who was on one with the keyboard is on the one in its place. */
export function replaced(element, children) {
  const place = [...element.querySelectorAll(REACHED)].indexOf(document.activeElement);
  element.replaceChildren(...children);
  if (place >= 0) element.querySelectorAll(REACHED)[place]?.focus({ preventScroll: true });
}

/** Have `parent` show these items in their order; elements of items that stay are kept, and so is the focus. */
export function keyed(parent, items, { key, make, update }) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const id = String(key(item));
    let element = before.get(id);
    before.delete(id);
    if (!element) {
      element = make(item);
      element.dataset.key = id;
    }
    update?.(element, item);
    if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
  });
  for (const gone of before.values()) gone.remove();
}
