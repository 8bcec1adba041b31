"""A browser that showed the token once, and shows a cookie since.

The cookie says until when it is good, signed with a key that only who knows the token can make. So nothing is
kept here, a restart ends no session, another token ends them all, and the token itself is in no cookie. Its
name depends on the token too: cookies know no ports, and two daemons on one machine shall not take each
other's away.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

LIFE: Final = 30 * 86400
"""Seconds for which a cookie is good."""


class Sessions:
    """Cookies of one token.

    Args:
        token: what was shown for them.
        now: aware times.
    """

    def __init__(self, token: bytes, now: Callable[[], datetime]) -> None:
        self._key: Final = hashlib.sha256(b"okdrop page " + token).digest()
        self._now: Final = now
        self.name: Final = f"okdrop-{self._signed('name')[:8]}"

    def begin(self) -> str:
        """A new cookie's value."""
        until = str(int(self._now().timestamp()) + LIFE)
        return f"{until}.{self._signed(until)}"

    def holds(self, cookie: str) -> bool:
        """Whether a cookie is one of ours, and still good."""
        until, _, signature = cookie.partition(".")
        is_ours = hmac.compare_digest(signature.encode("utf-8", "replace"), self._signed(until).encode())
        return is_ours and int(until) > self._now().timestamp()

    def _signed(self, text: str) -> str:
        return hmac.digest(self._key, text.encode("utf-8", "replace"), "sha256").hex()
