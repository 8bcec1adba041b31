"""A file that is to be put away, and what comes next, by what lies where: no input or output here.

Nothing is remembered but what lies on the disk, so a crash between any two steps changes nothing but the
time.

    source    the file, where it was found
    caught    the same file under a hidden name beside it, for the moment in which it is looked at closely:
              whatever lay at the source's name when we reached for it, nobody else reaches it there
    target    where it goes; a file that is to be deleted has none
"""

from __future__ import annotations

import dataclasses
import enum
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from okdrop.drop import Revision

CAUGHT: Final = b".okdrop-caught-"
PARTIAL: Final = b".okdrop-copy-"
"""What hidden names begin with. No suffix follows, so they are no video's name, whatever is ignored."""


class Place(enum.Enum):
    """What lies at a place."""

    NOTHING = "nothing"
    OURS = "ours"  #: the revision that was published
    OTHER = "other"  #: anything else


class Step(enum.Enum):
    """What comes next."""

    BRING = "bring"  #: bring the source to the target: catch it, or copy it where file systems differ
    CATCH = "catch"  #: its content is safe, or not wanted: rename the source to its hidden name
    LAND = "land"  #: rename what was caught to the target
    DROP = "drop"  #: remove what was caught
    PUT_BACK = "put back"  #: what was caught is not ours
    AIM_ANEW = "aim anew"  #: somebody else's file lies at the target
    DONE = "done"
    LEAVE = "leave"  #: the file changed since it was published
    GONE = "gone"  #: there is nothing to put away


class End(enum.Enum):
    """How it ended."""

    DONE = "done"
    TAKEN = "taken"  #: another target is needed
    LEFT = "left"
    GONE = "gone"
    STOPPED = "stopped"  #: to be done again


def decide(source: Place, caught: Place, target: Place | None) -> Step:
    """What comes next, by what lies where; a `target` of None stands for a file that is to be deleted."""
    if caught is Place.OTHER:
        return Step.PUT_BACK
    safe = target is None or target is Place.OURS
    if caught is Place.OURS:
        if safe:
            return Step.DROP
        return Step.LAND if target is Place.NOTHING else Step.AIM_ANEW
    if source is Place.OURS:
        if safe:
            return Step.CATCH
        return Step.BRING if target is Place.NOTHING else Step.AIM_ANEW
    if target is Place.OURS:
        return Step.DONE
    return Step.GONE if source is Place.NOTHING else Step.LEAVE


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One file to put away.

    Args:
        source: where it was found, absolute.
        revision: what was published.
        digest: of that, where it is known (`okdrop.leaves`).
        key: makes the hidden names this errand's own, the same after a restart.
        target: where it goes; None: it is deleted.
    """

    source: bytes
    revision: Revision
    digest: bytes | None
    key: str
    target: bytes | None

    @property
    def caught(self) -> bytes:
        """The hidden name beside the source."""
        return os.path.join(os.path.dirname(self.source), CAUGHT + self.key.encode())

    @property
    def partial(self) -> bytes | None:
        """The hidden name beside the target, under which a copy grows."""
        if self.target is None:
            return None
        return os.path.join(os.path.dirname(self.target), PARTIAL + self.key.encode())
