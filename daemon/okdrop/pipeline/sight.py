"""What is seen of files that are not settled yet: one look at each, in a thread.

A look is at a file's stat alone, until that has been quiet for long enough; only then is the kernel asked
whether a writer has it open, and the file itself, once for each revision, whether it is whole.

Where the lease does not tell, and to name a writer, one walk through the open files of all processes serves
all that is about to be settled.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Final

from okdrop.containers import Standing
from okdrop.drop import too_small
from okdrop.inbox.done import NO_DEMAND, NOT_ASKED, Demand, Said, Sayings
from okdrop.inbox.lease import Writer, look_for_writer
from okdrop.inbox.revision import revision_at
from okdrop.inbox.settle import NOTHING, Beside, Cause, Settler
from okdrop.inbox.wholeness import structure_at
from okdrop.inbox.writers import OpenFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from okdrop.drop import Revision


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class Candidate:
    """A file that is not settled yet."""

    path: bytes
    folder: str
    title: str
    settler: Settler
    since: float  #: when it was found; on the monotonic clock
    demand: Demand = NO_DEMAND
    cause: Cause = Cause.QUIET
    reason: str = "not settled"
    being_written: bool = False
    told: frozenset[Cause] = frozenset()  #: what was told as the reason
    rest_until: float = 0.0  #: no look before brings news of whether it is done
    was_not_done: bool = False  #: it was seen at a time when nobody had said that it is done
    done_as: Revision | None = None  #: what it was when somebody was seen to have said that it is done
    inside: tuple[Revision, str] | None = None  #: what is missing of that revision by its own structure

    def missing(self, revision: Revision) -> str:
        """What is missing of this revision; read from the file unless it was before. Blocks.

        One that OK would not take even if it were whole is not waited for: its size says why at once.
        """
        if too_small(revision.size) is not None:
            return ""
        if self.inside is None or self.inside[0] != revision:
            structure = structure_at(self.path, revision)
            what = structure.reason if structure.standing is Standing.NOT_WHOLE else ""
            self.inside = revision, what
        return self.inside[1]

    def is_done(self, said: Said, revision: Revision | None) -> bool:
        """Whether somebody was seen to say that it is done as it is: what changed since may go on changing.

        A word that was there at the first look may be about another file that had its name before.
        """
        if not self.demand or said.waits_for:
            self.was_not_done = self.was_not_done or bool(said.waits_for)
            self.done_as = None
            return False
        self.done_as = self.done_as or revision
        return self.was_not_done and self.done_as == revision


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """A look that brought news."""

    candidate: Candidate
    revision: Revision | None
    writer: Writer
    at: float
    beside: Beside = NOTHING
    said: Said = NOT_ASKED

    @property
    def needs_witness(self) -> bool:
        """Whether it would settle the file, though whether it is written is not known."""
        return self.writer is Writer.UNKNOWN and not self.beside.waits_for


class Eyes:
    """Looks at candidates; blocking, in one thread at a time.

    Args:
        monotonic: seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic: Final = monotonic
        self._sayings: Final = Sayings()
        self._open_files: Final = OpenFiles(monotonic)

    def news(self, candidates: Iterable[Candidate], *, ask_early: bool) -> list[Look]:
        """Look at each, and keep what brings news."""
        looks = (self._look_at(candidate, ask_early=ask_early) for candidate in candidates)
        return self._witnessed([look for look in looks if look is not None])

    def _look_at(self, candidate: Candidate, *, ask_early: bool) -> Look | None:
        path, settler, now = candidate.path, candidate.settler, self._monotonic()
        if now < candidate.rest_until and not ask_early:
            return None
        revision = revision_at(path)
        said = self._said(candidate, revision, now)
        is_done = candidate.is_done(said, revision)
        if not settler.brings_news(path, revision, now, is_done=is_done) and not ask_early:
            return None
        if said.waits_for or revision is None:
            return Look(candidate, revision, Writer.UNKNOWN, now, Beside(waits_for=said.waits_for))
        if not ask_early and not settler.is_quiet(path, revision, now, is_done=is_done):
            return Look(candidate, revision, Writer.UNKNOWN, now, Beside(is_done=is_done))
        # First the writer, then the file: what was written before the answer is seen.
        writer = look_for_writer(path)
        missing, revision = "", revision_at(path)
        is_done = candidate.is_done(said, revision)
        quiet = settler.is_quiet(path, revision, now, is_done=is_done)
        if writer is not Writer.WRITING and revision is not None and quiet:
            missing = said.misfit(revision) or candidate.missing(revision)
        return Look(candidate, revision, writer, now, Beside(missing=missing, is_done=is_done), said)

    def _said(self, candidate: Candidate, revision: Revision | None, now: float) -> Said:
        if not candidate.demand or revision is None:
            return NOT_ASKED
        return self._sayings.of(candidate.path, os.fsencode(candidate.folder), candidate.demand, now)

    def _witnessed(self, looks: list[Look]) -> list[Look]:
        """The same with the writers that other witnesses see; without those that have to wait for these."""
        asked = {
            look.candidate.path: look.revision
            for look in looks
            if look.revision is not None and (look.writer is Writer.WRITING or self._would_settle(look))
        }
        seen = self._open_files.writers(asked)
        if seen is None:
            return [look for look in looks if look.candidate.path not in asked or not look.needs_witness]
        return [
            dataclasses.replace(
                look, writer=Writer.WRITING, beside=dataclasses.replace(look.beside, holder=seen[path])
            )
            if (path := look.candidate.path) in seen
            else look
            for look in looks
        ]

    def _would_settle(self, look: Look) -> bool:
        settler, candidate = look.candidate.settler, look.candidate
        return look.needs_witness and settler.is_quiet(
            candidate.path, look.revision, look.at, is_done=look.beside.is_done
        )
