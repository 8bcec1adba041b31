"""How the upload host words what it holds: every form that clients have met (protocol.md 7.3)."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Final

from aiohttp import web

from okdrop.emulator.account_forms import FreshForm, StatusForm
from okdrop.emulator.ranges import Spans

if TYPE_CHECKING:
    from okdrop.emulator.faults import Faults
    from okdrop.emulator.videos import Video

LAST_KNOWN_BYTE: Final = "X-Last-Known-Byte"


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """What the host says that it holds of a file of `total` bytes (None: it does not know)."""

    held: Spans
    total: int | None

    def contiguous(self) -> Account:
        """The same without what lies behind the first gap."""
        return Account(self.held.below(self.held.prefix), self.total)


def account_of(video: Video, faults: Faults, operation: str) -> Account:
    """What is held of a video, or what a fault makes of it."""
    name, held, total = str(video.id), video.held, video.size or None
    if stale := faults.take("stale_account", operation, name):
        held = _earlier(video, stale.integer("segments"))
    if wrong := faults.take("wrong_account", operation, name):
        held = _wrong(held, video.size, wrong.text("kind"), wrong.integer("bytes"))
    if (more := faults.take("wrong_total", operation, name)) and total is not None:
        total += more.integer("by")
    return Account(held, total)


def _earlier(video: Video, segments: int) -> Spans:
    """What was held when that many segments fewer had ended."""
    past = len(video.history) - 1 - segments
    return video.history[past] if past >= 0 else Spans()


def _wrong(held: Spans, size: int, kind: str, count: int) -> Spans:
    """A set near the truth, and untrue."""
    match kind:
        case "extra":
            return held.add(held.prefix, min(held.prefix + count, size))
        case "less":
            return held.below(max(0, (held.items[-1][1] if held.items else 0) - count))
        case _:
            return Spans(tuple((first, last + 1) for first, last in held.items))


def answer(account: Account, form: StatusForm) -> web.Response:
    """The answer to a status query about an upload that holds something."""
    headers, body = _worded(account, form)
    return web.Response(headers=headers, text=body)


def _worded(account: Account, form: StatusForm) -> tuple[dict[str, str], str]:
    listing = account.held.listing(account.total)
    bare = account.held.listing(None)
    match form:
        case StatusForm.RANGE_HEADER:
            return {"Range": ",".join(listing)}, ""
        case StatusForm.RANGE_HEADER_BYTES:
            return {"Range": "bytes " + ",".join(listing)}, ""
        case StatusForm.RANGE_HEADER_BARE:
            return {"Range": ",".join(bare)}, ""
        case StatusForm.LAST_KNOWN_BYTE:
            return last_known_byte(account), ""
        case _:
            return {}, _body(account, form, listing, bare)


def _body(account: Account, form: StatusForm, listing: list[str], bare: list[str]) -> str:
    match form:
        case StatusForm.BODY_NEWLINE:
            return "\n".join(listing)
        case StatusForm.BODY_BYTES:
            return "bytes " + ",".join(listing)
        case StatusForm.BODY_BARE:
            return ",".join(bare)
        case StatusForm.INTEGER:
            return str(account.held.prefix)
        case StatusForm.JSON:
            size, last = account.total, account.held.prefix - 1
            return json.dumps({"ranges": bare, "size": size, "last_known_byte": last})
        case StatusForm.EMPTY:
            return ""
        case StatusForm.UNKNOWN:
            return "state=RECEIVING;node=17"
        case _:
            return ",".join(listing)


def last_known_byte(account: Account) -> dict[str, str]:
    """The header of that name; absent where the first byte is missing."""
    return {LAST_KNOWN_BYTE: str(account.held.prefix - 1)} if account.held.prefix else {}


def fresh_answer(form: FreshForm) -> web.Response:
    """The answer to a status query about an upload without a byte."""
    return web.Response(status=int(form))
