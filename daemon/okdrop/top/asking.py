"""One short question to a daemon, by the standard library alone: a command that only looks starts quickly."""

from __future__ import annotations

import contextlib
import http.client
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from okdrop.errors import OkdropError
from okdrop.top.unfinished import NAMED, Unfinished, unfinished_of

if TYPE_CHECKING:
    from okdrop.top.where import Where

WITHIN: Final = 2.0
"""Seconds for the way there, and for each piece of the answer: whoever asks has other things to show."""

_LARGEST: Final = 1024 * 1024  #: bytes of an answer
_OK: Final = 200


class NotTold(OkdropError):
    """The daemon gives no answer, or none that can be read."""

    code = "daemon_unanswered"


def unfinished(where: Where) -> Unfinished:
    """Which files are not finished yet, the first few by name.

    Raises:
        NotTold: no daemon says so.
    """
    parts = urlsplit(where.url)
    headers = {"Authorization": f"Bearer {where.token}"} if where.token else {}
    try:
        with contextlib.closing(
            http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=WITHIN)
        ) as line:
            line.request("GET", f"/api/waiting?limit={NAMED}", headers=headers)
            answer = line.getresponse()
            raw = answer.read(_LARGEST)
    except (OSError, http.client.HTTPException, ValueError):  # the last: a token that is no header
        raise NotTold(f"no daemon answers at {where.url}") from None
    if answer.status != _OK:
        raise NotTold(f"the daemon at {where.url} refuses, with {answer.status}")
    try:
        return unfinished_of(json.loads(raw))
    except (KeyError, TypeError, ValueError, RecursionError, OverflowError):
        raise NotTold(f"what answers at {where.url} is no okdrop daemon, or one of another version") from None
