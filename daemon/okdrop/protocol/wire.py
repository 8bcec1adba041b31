"""A step in HTTP terms, and HTTP in terms of an answer (protocol.md 4.2, 4.3, 4.5, 5 and 7).

Two rules:

1. Whatever bytes come in, an answer value goes out; nothing raises.
2. Nothing is guessed. An account that cannot be read is no account: `Unclear` on a probe, `None` on a
   segment, and the session asks again. It is never "nothing held".
"""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import TYPE_CHECKING, Any, Final

from okdrop.drop import Mode
from okdrop.protocol.fields import field, passing, retry_after
from okdrop.protocol.messages import (
    Account,
    Complete,
    Form,
    Held,
    NothingYet,
    RangeRefused,
    Refused,
    ServerTrouble,
    Stored,
    Unclear,
    UrlDead,
    WrongTotal,
)
from okdrop.protocol.ranges import ByteRanges, MalformedRangesError
from okdrop.protocol.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.protocol.messages import FileAnswer, ProbeAnswer, SegmentAnswer
    from okdrop.protocol.ranges import ByteRange

CONTENT_TYPE: Final = "application/x-binary; charset=x-user-defined"
"""What OK's own app sends. Any type but multipart/form-data asks for the renewable mode (protocol.md 1.1)."""

_MODE_FIELD: Final = "X-Uploading-Mode"
_OK, _CREATED, _NOT_FOUND, _RANGE = 200, 201, 404, 416
_REDIRECTION, _REFUSAL = 3, 4  # hundreds
_PROXY_LOGIN: Final = 407
_DEAD: Final = frozenset({400, 403, 410})
_PASSING_CODES: Final = frozenset({1, 2, 7, 8, 11, 12, 30, 31, 500, 502, 503, 504, 5000, 9999})
_INTEGER: Final = re.compile(r"\d{1,19}", re.ASCII)
_RETVAL: Final = re.compile(
    r"(?:<\?xml[^>]{0,100}\?>\s*)?<retval>\s*(-?\d{1,19})\s*</retval>", re.ASCII | re.IGNORECASE
)


def segment_headers(span: ByteRange, total: int, *, mode: Mode | None, file_name: str) -> dict[str, str]:
    """The fields of a segment's POST, but for Content-Length, which the client sets.

    Args:
        span: the bytes that are sent.
        total: the size of the whole file in bytes.
        mode: how the host takes segments; None is a trial of the parallel mode.
        file_name: any name, hostile ones too: it is URL-encoded (protocol.md 7.14).
    """
    encoded = urllib.parse.quote(file_name, safe="", errors="replace")
    return {
        "Content-Range": span.content_range(total),
        "Content-Type": CONTENT_TYPE,
        "Content-Disposition": f'attachment; filename="{encoded}"',
        **({} if mode is Mode.SEQUENTIAL else {_MODE_FIELD: "parallel"}),
    }


def probe_headers() -> dict[str, str]:
    """The fields of a probe's GET.

    It asks for islands however the ticket is used by now: it may have been used in the other way before, and
    without the mode islands behind a gap may be hidden (protocol.md 7.9). They would be sent again.
    """
    return {_MODE_FIELD: "parallel"}


def read_segment_answer(status: int, headers: Mapping[str, str], body: bytes, total: int) -> SegmentAnswer:
    """What the answer to a segment says.

    A success other than 200 and 201 is no acknowledgement that anybody documents, and a page (`<html>`) in
    a 200 comes from somebody between: both are passing trouble, after which the session asks.
    """
    if status == _NOT_FOUND:
        return UrlDead(status, _reason(headers))
    if (failure := _failure(status, headers, body)) is not None:
        return failure
    account = _account(headers, body, total)
    if isinstance(account, WrongTotal):
        return account
    match status:
        case 201:
            return Stored(account)
        case 416:
            return RangeRefused(account)
        case 200 if not _is_page(body):
            return Complete(account)
        case _:
            return ServerTrouble(status, _reason(headers) or "an answer that says nothing about the segment")


def read_probe_answer(status: int, headers: Mapping[str, str], body: bytes, total: int) -> ProbeAnswer:
    """What the answer to a probe says.

    A fresh URL may answer 200 with nothing at all (protocol.md 7.5): that is `Held` with an empty account,
    which the session treats as it treats any other account.
    """
    if status == _NOT_FOUND:
        return NothingYet(_reason(headers))
    if (failure := _failure(status, headers, body)) is not None:
        return failure
    account = _account(headers, body, total)
    if isinstance(account, WrongTotal):
        return account
    if account is not None and status in (_OK, _CREATED, _RANGE):
        return Held(account)
    if status == _RANGE and not _speaks(headers):
        return NothingYet(_reason(headers))
    if status == _OK and not body.strip() and not _speaks(headers):
        return Held(Account(ByteRanges()))
    if _is_page(body):  # somebody between: an outage's page, a captive portal
        return ServerTrouble(status, _reason(headers) or "a page where an account was due")
    return Unclear(status, _reason(headers) or "an account in an unknown form")


def read_file_answer(status: int, headers: Mapping[str, str], body: bytes) -> FileAnswer:
    """What the answer to a whole file in one request says (protocol.md 1.2, 4.5, 7.15).

    Success is 200 with `<retval>1</retval>`; JSON without an error and nothing at all pass for it too.
    Another text does not: after it, the session asks.
    """
    if status in (_NOT_FOUND, _RANGE):
        return (
            UrlDead(status, _reason(headers)) if status == _NOT_FOUND else Refused(status, _reason(headers))
        )
    if (failure := _failure(status, headers, body)) is not None:
        return failure
    text = body.decode("utf-8", "replace").strip()
    if (said := _RETVAL.match(text)) is not None and said[1] != "1":
        return Refused(status, f"retval {said[1]}")
    if status == _OK and (said is not None or not text or _is_object(text)):
        return Complete()
    return ServerTrouble(status, _reason(headers) or "an answer that says nothing about the file")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _failure(
    status: int, headers: Mapping[str, str], body: bytes
) -> UrlDead | Refused | ServerTrouble | None:
    """What a segment's answer and a probe's have in common: everything that is no account."""
    reason = _reason(headers)
    if status in _DEAD:
        return UrlDead(status, reason)
    if passing(status):
        return ServerTrouble(status, reason, retry_after(headers))
    if status // 100 == _REDIRECTION or status == _PROXY_LOGIN:
        # A redirect is not followed (protocol.md 7.31); somebody between sent it, as a proxy's refusal.
        return ServerTrouble(status, reason or "somebody between answers in the host's place")
    if status // 100 == _REFUSAL and status != _RANGE:
        return Refused(status, reason)
    return _error_inside(status, headers, body)


def _error_inside(status: int, headers: Mapping[str, str], body: bytes) -> Refused | ServerTrouble | None:
    """An error object in an answer that looks like success (protocol.md 7.15)."""
    said = _object(body)
    # Falsy values are how some answers say "no error".
    if not (said.get("error_code") or said.get("error")):
        return None
    code = said.get("error_code") or said.get("error")
    words = said.get("error_msg") or said.get("error_descr") or code
    reason = presentable(words if isinstance(words, str) else "an error object")
    passing = isinstance(code, int) and code in _PASSING_CODES
    return ServerTrouble(status, reason, retry_after(headers)) if passing else Refused(status, reason)


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is; an empty one where it is none."""
    if not body.lstrip().startswith(b"{"):
        return {}
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _account(headers: Mapping[str, str], body: bytes, total: int) -> Account | WrongTotal | None:
    """The account in whatever form it comes; None where none can be read.

    The list of the Range field says most (islands too), then the body, then the last known byte.
    """
    if listed := field(headers, "Range"):
        return _ranges(listed, total)
    text = body.decode("ascii", "replace").strip()
    if _INTEGER.fullmatch(text):
        return _prefix(int(text), total, Form.COUNT)
    if text and (account := _ranges(text, total) or _account_object(body, total)) is not None:
        return account
    last = field(headers, "X-Last-Known-Byte")
    return None if last is None else _last_byte(last, total)


def _account_object(body: bytes, total: int) -> Account | WrongTotal | None:
    """An account as a JSON object; no source names its members (protocol.md 7.3), these name themselves."""
    said = {str(name).lower().replace("_", ""): value for name, value in _object(body).items()}
    listed = said.get("ranges")
    if isinstance(listed, list):
        listed = ",".join(map(str, listed))
    account: Account | WrongTotal | None = None
    if isinstance(listed, str) and listed:
        account = _ranges(listed, total)
    elif "lastknownbyte" in said:
        account = _last_byte(str(said["lastknownbyte"]), total)
    size = said.get("size", total)
    return WrongTotal(size) if account is not None and isinstance(size, int) and size != total else account


def _last_byte(text: str, total: int) -> Account | None:
    if text in ("", "-1"):
        return Account(ByteRanges(), Form.LAST_BYTE)
    return _prefix(int(text) + 1, total, Form.LAST_BYTE) if _INTEGER.fullmatch(text) else None


def _ranges(text: str, total: int) -> Account | WrongTotal | None:
    try:
        held, named_total = ByteRanges.parse(text)
    except MalformedRangesError:
        return None
    if named_total is not None and named_total != total:
        return WrongTotal(named_total)
    return Account(held) if held.spans[-1].stop <= total else None


def _prefix(count: int, total: int, form: Form) -> Account | None:
    return Account(ByteRanges.prefix(count), form) if count <= total else None


def _speaks(headers: Mapping[str, str]) -> bool:
    """Whether a field is there that should have held an account: then silence is not "nothing"."""
    return bool(field(headers, "Range") or field(headers, "X-Last-Known-Byte"))


def _is_page(body: bytes) -> bool:
    text = body.decode("ascii", "replace").strip()
    said = _RETVAL.match(text)
    return text.startswith("<") and (said is None or said[1] != "1")


def _reason(headers: Mapping[str, str]) -> str:
    return presentable(field(headers, "X-Reason") or "")
