// An upload in a person's words: its state, and why it waits or failed.

import { moment, when } from "./format.js";
import { knows, t } from "./words.js";

const UNFINISHED = new Set(["queued", "uploading", "finalizing"]);

function retries(row) {
  return row.retry_at !== null && Date.parse(row.retry_at) > Date.now();
}

/** Whether it waits for something else than its turn. */
export function waits(row) {
  if (!UNFINISHED.has(row.state)) return false;
  return retries(row) || row.held || row.waits_for !== null || row.waits_to_publish !== null || row.awaits !== null;
}

/** The word for where it stands, and the class that colours it. */
export function badge(row) {
  if (waits(row)) return { words: t("state.waiting"), kind: "waiting" };
  return { words: t(`state.${row.state}`), kind: row.state };
}

function publishing(row) {
  const words = knows(`reason.${row.waits_to_publish}`) ? t(`reason.${row.waits_to_publish}`) : row.waits_to_publish;
  return row.opens_at ? `${words}, ${t("reason.opens", { when: moment(row.opens_at) })}` : words;
}

/** Why an upload is where it is, where that is worth a word. */
export function reason(row) {
  if (row.failure && row.state === "failed") return row.failure.message;
  if (row.state === "duplicate" && row.duplicate_of) return t("reason.duplicate", { n: String(row.duplicate_of) });
  if (row.state === "superseded" && row.replaced_by) return t("reason.superseded", { n: String(row.replaced_by) });
  if (row.state === "published" && row.draft) return t("reason.friends");
  if (!UNFINISHED.has(row.state)) return "";
  if (row.held) return t("reason.held");
  if (row.waits_for !== null) return t("reason.twin", { n: String(row.waits_for) });
  if (row.waits_to_publish !== null) return publishing(row);
  if (row.awaits !== null) return knows(`reason.${row.awaits}`) ? t(`reason.${row.awaits}`) : row.awaits;
  if (!retries(row)) return "";
  const next = t("reason.retry", { when: when(row.retry_at) });
  return row.reason ? `${next}: ${row.reason}` : next;
}

let videos = ""; // where they are seen; "" before the daemon said so, and where that is not known

/** Take up what the daemon says of where videos are seen; whether that is news. */
export function seenAt(base) {
  const isNews = base !== videos;
  videos = base;
  return isNews;
}

/** Where a published video is seen; "" where that is not known. */
export function videoPage(id) {
  return videos && id ? videos + encodeURIComponent(id) : "";
}

/** What may be done about it. */
export function may(row) {
  return {
    retry: row.state === "failed" || row.state === "cancelled",
    cancel: UNFINISHED.has(row.state),
    dismiss: UNFINISHED.has(row.state) || row.state === "failed",
    watch: row.state === "published" && videoPage(row.video_id) !== "",
  };
}
