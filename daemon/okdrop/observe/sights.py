"""What is remembered for whoever looks on: how folders do, how bytes leave, since when tokens are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop.observe.folders import Folders
from okdrop.observe.speeds import Speeds
from okdrop.observe.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from okdrop import events


class Sights:
    """One listener to events for all of them.

    Args:
        now: aware times.
        monotonic: seconds.
        began_at: when the process was started.
    """

    def __init__(
        self, now: Callable[[], datetime], monotonic: Callable[[], float], began_at: datetime
    ) -> None:
        self.folders: Final = Folders(now)
        self.speeds: Final = Speeds(monotonic)
        self.tokens: Final = Tokens(now, began_at)

    def hear(self, event: events.Event) -> None:
        """Pass an event on to each."""
        self.folders.hear(event)
        self.speeds.hear(event)
        self.tokens.hear(event)
