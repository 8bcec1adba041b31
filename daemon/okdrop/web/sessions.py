"""A browser that showed the token once, and shows a cookie since.

The cookie says until when it is good, and which session it is, signed with a key that only who knows the
token can make. So nothing is kept of a session, a restart ends none, another token ends them all, and the
token itself is in no cookie. What is kept is which ones were ended, until their time is over: a cookie may
have been copied. Its name depends on the token too: cookies know no ports, and two daemons on one machine
shall not take each other's away.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

LIFE: Final = 30 * 86400
"""Seconds for which a cookie is good."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One of them: its number, and until when it is good, in seconds since 1970."""

    number: str
    until: int


class Sessions:
    """Cookies of one token.

    Args:
        token: what was shown for them.
        now: aware times.
        chance: a number that is no other session's.
    """

    def __init__(
        self, token: bytes, now: Callable[[], datetime], chance: Callable[[], str] = secrets.token_hex
    ) -> None:
        self._key: Final = hashlib.sha256(b"okdrop page " + token).digest()
        self._now: Final = now
        self._chance: Final = chance
        self._ended: Final[dict[str, int]] = {}
        self._begun_after = 0
        self.name: Final = f"okdrop-{self._signed('name', '')[:8]}"

    def begin(self) -> str:
        """A new cookie's value."""
        said = f"{self._seconds() + LIFE}.{self._chance()}"
        return f"{said}.{self._signed('value', said)}"

    def holds(self, cookie: str) -> bool:
        """Whether a cookie is one of ours, still good, and not ended."""
        session = self._session_of(cookie)
        if session is None or session.number in self._ended:
            return False
        return session.until > max(self._seconds(), self._begun_after + LIFE - 1)

    def end(self, cookie: str) -> Session | None:
        """Let a cookie be good no more, wherever else it is; returns whose it was, None: nobody's."""
        session = self._session_of(cookie)
        if session is not None and session.until > self._seconds():
            self.ended([session])
            return session
        return None

    def ended(self, sessions: Iterable[Session]) -> None:
        """Some were ended, now or in an earlier life."""
        now = self._seconds()
        for number in [number for number, until in self._ended.items() if until <= now]:
            del self._ended[number]
        self._ended.update({one.number: one.until for one in sessions})

    def distrust(self) -> None:
        """It is not known which ones were ended: none that began before now is good any more."""
        self._begun_after = self._seconds()

    def _session_of(self, cookie: str) -> Session | None:
        said, _, signature = cookie.rpartition(".")
        wanted = self._signed("value", said)
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), wanted.encode()):
            return None
        until, _, number = said.partition(".")
        return Session(number=number, until=int(until))

    def _seconds(self) -> int:
        return int(self._now().timestamp())

    def _signed(self, kind: str, text: str) -> str:
        """What is signed as one kind of thing is good for no other."""
        return hmac.digest(self._key, f"{kind}:{text}".encode("utf-8", "replace"), "sha256").hex()
