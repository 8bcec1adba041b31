"""How often a wrong token may be shown: so seldom that guessing leads nowhere.

An address from which the right one came lately is known, and wrong ones that come from there do not lock out
who has the right one.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import Final

FREE: Final = 10
"""Wrong tries that an address has at first."""

EVERY: Final = 6.0
"""Seconds for one more."""

REMEMBERED: Final = 1024
"""Addresses; the one that was heard of longest ago is forgotten."""

KNOWN_FOR: Final = 86_400.0
"""Seconds for which an address is known."""

_IPV6_NETWORK: Final = 64


@dataclasses.dataclass(slots=True)
class _Account:
    left: float
    at: float
    told: bool = False


class Tries:
    """Wrong tries by address; of IPv6, by the network that one machine commonly has. Times are seconds."""

    def __init__(self) -> None:
        self._accounts: Final[dict[str, _Account]] = {}
        self._known: Final[dict[str, float]] = {}

    def wait(self, address: str, now: float) -> float:
        """How many seconds until this address may try; 0: now."""
        account = self._accounts.get(_network(address))
        if account is None:
            return 0.0
        self._refill(account, now)
        return max(0.0, (1.0 - account.left) * EVERY)

    def wrong(self, address: str, now: float) -> bool:
        """It showed a wrong token; returns whether that is news."""
        name = _network(address)
        account = self._accounts.pop(name, None) or _Account(left=FREE, at=now)
        if len(self._accounts) >= REMEMBERED:
            del self._accounts[next(iter(self._accounts))]
        self._accounts[name] = account
        self._refill(account, now)
        account.left = max(0.0, account.left - 1.0)
        news, account.told = not account.told, True
        return news

    def right(self, address: str, now: float) -> None:
        """It showed the token: what it did wrong before is forgotten, and it is known for a while."""
        name = _network(address)
        self._accounts.pop(name, None)
        self._known.pop(name, None)
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[name] = now

    def knows(self, address: str, now: float) -> bool:
        """Whether it showed the token lately."""
        at = self._known.get(_network(address))
        return at is not None and now < at + KNOWN_FOR

    def _refill(self, account: _Account, now: float) -> None:
        account.left = min(FREE, account.left + (now - account.at) / EVERY)
        account.at = now


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and not found.is_loopback:
        return str(ipaddress.ip_network((found, _IPV6_NETWORK), strict=False))
    return str(found)
