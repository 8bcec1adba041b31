"""Which connection a request goes over: a kept one, or one of its own.

Kept connections save a handshake for each request. But some hosts close theirs soon after an answer and do
not say so; a request that meets such a connection dies, and since the next one would go over the connection
of the probe that was asked in between, so would that. Thus after each request that brought no answer the
host's next ones go over connections of their own, for longer each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import aiohttp

FIRST_SPELL: Final = 8
LONGEST_SPELL: Final = 1024
"""Requests that go over connections of their own: after the first without an answer, and at most."""


class Connections:
    """The two ways to a host.

    Args:
        kept: a session that keeps connections.
        single: a session that closes each after its request.
    """

    def __init__(self, kept: aiohttp.ClientSession, single: aiohttp.ClientSession) -> None:
        self._kept: Final = kept
        self._single: Final = single
        self._spells: Final[dict[str, int]] = {}
        self._left: Final[dict[str, int]] = {}

    def to(self, host: str) -> aiohttp.ClientSession:
        """The session for the next request to a host."""
        left = self._left.get(host, 0)
        if not left:
            return self._kept
        self._left[host] = left - 1
        return self._single

    def unanswered(self, host: str) -> None:
        """A request brought no answer: keep away from kept connections for a while."""
        spell = min(2 * self._spells.get(host, FIRST_SPELL // 2), LONGEST_SPELL)
        self._spells[host] = self._left[host] = spell

    async def close(self) -> None:
        """Close whatever is open."""
        await self._kept.close()
        await self._single.close()
