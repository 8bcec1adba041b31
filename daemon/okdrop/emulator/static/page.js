"use strict";

// Fetches the page again now and then, and puts in what changed; a card that did not change is left alone,
// so that a video goes on playing.
const EVERY = 2000;
const list = document.getElementById("videos");

function merge(fresh) {
  const known = new Map(Array.from(list.children, (card) => [card.id, card]));
  const cards = Array.from(fresh.children, (card) => {
    const old = known.get(card.id);
    const same = old && old.dataset.version === card.dataset.version;
    return same ? old : document.importNode(card, true);
  });
  for (const card of Array.from(list.children)) {
    if (!cards.includes(card)) card.remove();
  }
  cards.forEach((card, at) => {
    if (list.children[at] !== card) list.insertBefore(card, list.children[at] ?? null);
  });
}

async function refresh() {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    merge(page.getElementById("videos"));
  } catch {
    // the emulator is away for a moment; the next look will tell
  }
  setTimeout(refresh, EVERY);
}

setTimeout(refresh, EVERY);
