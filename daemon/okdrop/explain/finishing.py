"""Whether a file is finished, as far as one look tells, and what it waits for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from okdrop.config import Unfinished
from okdrop.containers import Standing
from okdrop.inbox.done import Sayings, demand_of
from okdrop.inbox.lease import Writer, look_for_writer, prepare
from okdrop.inbox.settle import DONE_QUIET
from okdrop.inbox.wholeness import structure_at
from okdrop.inbox.writers import OpenFiles
from okdrop.words import lasting

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.config import Watch
    from okdrop.drop import Drop
    from okdrop.inbox.done import Said

_WRITERS: Final = {
    Writer.WRITING: "a writer{} has it open: it is taken once that is closed and",
    Writer.NONE: "no writer has it open: it is taken once",
    Writer.UNKNOWN: "whether a writer has it open cannot be seen here: it is taken once",
}


def whether_finished(drop: Drop, watch: Watch, monotonic: Callable[[], float]) -> tuple[str, bool]:
    """Say what stands between a file and being taken.

    Returns:
        That in words, and whether anything but quiet is known to.
    """
    writer, holder = _writer(drop, monotonic)
    said = _said(drop, watch)
    who = f" ({holder})" if holder else ""
    text = (
        f"as far as one look tells, {_WRITERS[writer].format(who)} nothing changed for {_quiet(watch, said)}"
    )
    if said.waits_for:
        return f"{text}, and once it is said to be done: {said.waits_for}", True
    if writer is Writer.WRITING:
        return text, True
    if misfit := said.misfit(drop.revision):
        return f"{text}; but {misfit}", True
    if said.promise.algorithm:
        text = f"{text}, if its {said.promise.algorithm} is that in {said.by}"
    doubt = _not_whole(drop, watch)
    return (f"{text}; {doubt}", True) if doubt else (text, False)


def _quiet(watch: Watch, said: Said) -> str:
    """For how long; one look cannot tell whether the word that it is done came after the file was found."""
    if not watch.done or said.waits_for or watch.settle <= DONE_QUIET:
        return lasting(watch.settle)
    return (
        f"{lasting(watch.settle)} ({lasting(DONE_QUIET)} if that it is done was said while a run looked on)"
    )


def _writer(drop: Drop, monotonic: Callable[[], float]) -> tuple[Writer, str]:
    prepare()
    writer = look_for_writer(drop.path)
    if writer is Writer.NONE:
        return writer, ""
    holder = (OpenFiles(monotonic).writers({drop.path: drop.revision}) or {}).get(drop.path, "")
    return (Writer.WRITING if holder else writer), holder


def _said(drop: Drop, watch: Watch) -> Said:
    # A last line without an end has to be quiet, which one look cannot tell: it is taken as it is.
    return Sayings().of(drop.path, os.fsencode(drop.folder), demand_of(watch), float("inf"))


def _not_whole(drop: Drop, watch: Watch) -> str:
    """What becomes of a file that is not whole by its own structure; "" where that is not known."""
    structure = structure_at(drop.path, drop.revision)
    if structure.standing is not Standing.NOT_WHOLE:
        return ""
    then = "it is sent as it is" if watch.unfinished is Unfinished.TAKE else "it fails (file_not_whole)"
    longer = f"if it stays so for {lasting(watch.unfinished_after)} more"
    return f"but it is not whole: {structure.reason}; {longer}, {then}"
