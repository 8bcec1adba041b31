"""Files that are passed over by the rules of their folder: each is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop import events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.rules import Left


class PassedOver:
    """What of one folder was told.

    A number stands for each path with its rule. Two that fall together, which does not happen in practice,
    would cost a line of the log.

    Args:
        emit: told of each.
        folder: as it may be shown.
    """

    def __init__(self, emit: events.Emit, folder: str) -> None:
        self._emit: Final = emit
        self._folder: Final = folder
        self._told: set[int] = set()
        self._seen: set[int] = set()

    def tell(self, left: Mapping[bytes, Left]) -> None:
        """Tell of what was not told yet; of a folder, whose path ends in "/", with all that is in it."""
        for path, why in left.items():
            key = hash((path, why.rule))
            self._seen.add(key)
            if key not in self._told:
                self._told.add(key)
                self._emit(
                    events.FilePassedOver(
                        path=events.shown(path), folder=self._folder, rule=why.rule.value, reason=why.reason
                    )
                )

    def scanned(self) -> None:
        """A whole scan came to its end: what it did not see is forgotten."""
        self._told, self._seen = self._seen, set()
