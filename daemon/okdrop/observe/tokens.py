"""Since when the credentials of each account are in use in this process: told by events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop import events

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


class Tokens:
    """A listener to events.

    Args:
        now: aware times.
        began_at: when the process was started; what it began with is in use since then.
    """

    def __init__(self, now: Callable[[], datetime], began_at: datetime) -> None:
        self._now: Final = now
        self.began_at: Final = began_at
        self._renewed: Final[dict[str, datetime]] = {}

    def __call__(self, account: str) -> datetime:
        """Since when an account's credentials are in use here."""
        return self._renewed.get(account, self.began_at)

    def hear(self, event: events.Event) -> None:
        """Take note of credentials that were renewed."""
        if isinstance(event, events.CredentialsRenewed):
            self._renewed[event.account] = self._now()
