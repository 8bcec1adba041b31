"""The words for a host that nobody reached: who says them and who listens for them means the same."""

from __future__ import annotations

from typing import Final

NO_NAME: Final = "the host's name cannot be resolved"
NO_HOST: Final = "the host cannot be reached"
NO_PROXY: Final = "the proxy cannot be reached"
NO_CONNECTION: Final = "no connection in time"

_ALL: Final = (NO_NAME, NO_HOST, NO_PROXY, NO_CONNECTION)


def is_unreachable(reason: str) -> bool:
    """Whether a trouble's reason says that no connection came about."""
    return reason.endswith(_ALL)
