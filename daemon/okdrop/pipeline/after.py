"""What becomes of a file and its video once it is published, as pure functions.

    after = "keep"     confirm
    after = "move"     move, confirm
    after = "delete"   confirm, delete

With `prune_moved_after`, a file that was moved and whose video OK confirmed is deleted there some day: prune.

What a folder says at the moment when a chore comes due is what counts, not what it said at publishing.
"""

from __future__ import annotations

import dataclasses
import enum
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop.config.fields import Target
from okdrop.config.watch import After
from okdrop.drop import Chore, Failure, State
from okdrop.errors import GaveUp, Trouble
from okdrop.events import shown
from okdrop.inbox.revision import moment
from okdrop.metadata import Facts, target_below
from okdrop.protocol.messages import VideoStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from okdrop.config import Watch
    from okdrop.drop import Upload
    from okdrop.protocol.retry import Backoff

FIRST_ASK: Final = 3.0
"""Seconds from publishing until OK is asked how its processing stands (as OK's own app, protocol.md 2.3)."""

LONGEST_PAUSE: Final = 3600.0
"""Seconds between two tries of a chore, at most."""

ASKED_FOR: Final = timedelta(days=7)
"""How long OK is asked about a video when nothing depends on its answer."""

MISSED: Final = 5
"""How many times in a row a video has to be missing before that is believed: a fresh one may not show yet."""

_ASK_FACTOR: Final = 1.5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards:
    """What a folder says of its published files.

    `move_to` is absolute, and of use with "move" alone; `delete_after` is in seconds, for "delete". With a
    `template` files move to what it says below `move_to` (`okdrop.metadata.targets`), else they keep their
    sub-folders. `move_along` and `delete_along` are the suffixes of what goes with a video that is moved, or
    is deleted; `receipt` asks for one beside it, and `prune_after` is for how many seconds a moved file is
    kept; 0: for ever.
    """

    after: After
    move_to: bytes = b""
    template: str = ""
    delete_after: float = 0.0
    move_along: tuple[str, ...] = ()
    delete_along: tuple[str, ...] = ()
    receipt: bool = False
    prune_after: float = 0.0


KEEP: Final = Afterwards(after=After.KEEP)


def afterwards_of(watch: Watch) -> Afterwards:
    """What the configuration of a folder says of its published files."""
    return Afterwards(
        after=watch.after,
        move_to=os.fsencode(watch.move_folder or ""),
        template=watch.move_to.below if isinstance(watch.move_to, Target) else "",
        delete_after=watch.delete_after,
        move_along=watch.move_along,
        delete_along=watch.delete_along,
        receipt=watch.receipt,
        prune_after=watch.prune_moved_after,
    )


class Word(enum.Enum):
    """What a status of OK's means for a published video."""

    TAKEN = "taken"  #: processed, and there to be seen
    REFUSED = "refused"  #: it will not be seen
    MISSING = "missing"  #: there is no such video
    NOT_YET = "not yet"  #: ask again


WORDS: Final[Mapping[VideoStatus, Word]] = {
    VideoStatus.OK: Word.TAKEN,
    VideoStatus.ERROR: Word.REFUSED,
    VideoStatus.BLOCKED: Word.REFUSED,
    VideoStatus.CENSORED: Word.REFUSED,
    VideoStatus.COPYRIGHTS_RESTRICTED: Word.REFUSED,
    VideoStatus.MISSING: Word.MISSING,
    VideoStatus.UPLOADING: Word.NOT_YET,
    VideoStatus.PROCESSING: Word.NOT_YET,
    VideoStatus.ON_MODERATION: Word.NOT_YET,
    VideoStatus.UNAVAILABLE: Word.NOT_YET,
    VideoStatus.LIMITED_ACCESS: Word.NOT_YET,
    VideoStatus.UNKNOWN: Word.NOT_YET,
}
"""Only OK is OK: of what is limited, unavailable or unknown nobody can say that the video is safe there."""

_RETRY: Final = "; `okdrop retry` publishes the same video again and asks anew"

_REFUSALS: Final[Mapping[VideoStatus, Failure]] = {
    VideoStatus.ERROR: Failure(
        code="video_error",
        message="OK could not process the video",
        hint="look whether the file plays to its end; to send it anew, delete the video on ok.ru,"
        " see that the file lies in its folder, then `okdrop retry`",
    ),
    VideoStatus.BLOCKED: Failure(
        code="video_blocked",
        message="OK blocked the video",
        hint=f"look at the video on ok.ru for the reason{_RETRY}",
    ),
    VideoStatus.CENSORED: Failure(
        code="video_censored",
        message="OK's moderation refused the video",
        hint=f"look at the video on ok.ru for the reason{_RETRY}",
    ),
    VideoStatus.COPYRIGHTS_RESTRICTED: Failure(
        code="video_copyright",
        message="OK restricts the video for copyright",
        hint=f"look at the video on ok.ru for the claim{_RETRY}",
    ),
}


def first_chore(after: After, *, moved: bool = False) -> Chore:
    """What is to do first for an upload that gets published; `moved`: its file was moved already."""
    return Chore.MOVE if after is After.MOVE and not moved else Chore.CONFIRM


def chore_of_duplicate(after: After) -> Chore | None:
    """What is to do for a file whose bytes another upload published.

    It is moved as that one was. It is not deleted: nobody asks OK about the video on its account.
    """
    return Chore.MOVE if after is After.MOVE else None


def next_chore(row: Upload, after: After) -> Chore | None:
    """What follows the row's chore, which is done; None: nothing."""
    if row.state is not State.PUBLISHED:
        return None  # a duplicate has no video of its own to ask about
    if row.chore is Chore.MOVE:
        return Chore.CONFIRM
    if row.chore is Chore.CONFIRM and after is After.DELETE and row.moved_to is None:
        return Chore.DELETE
    return None


def due_chore(row: Upload, after: After, *, prunes: bool = False) -> Chore | None:
    """What is to do in place of the row's chore, as its folder wants it now; None: nothing."""
    if row.chore is Chore.PRUNE:
        return Chore.PRUNE if prunes and row.state is State.PUBLISHED else None
    if row.state is State.DUPLICATE:
        return Chore.MOVE if row.chore is Chore.MOVE and after is After.MOVE else None
    if row.state is not State.PUBLISHED:
        return None
    if row.chore is Chore.MOVE and after is not After.MOVE:
        return Chore.CONFIRM
    if row.chore is Chore.DELETE and after is not After.DELETE:
        return Chore.MOVE if after is After.MOVE else None
    return row.chore


def target_of(path: bytes, folder: bytes, move_to: bytes) -> bytes:
    """Where a file moves to: the sub-folders below its watched folder are kept."""
    below = path[len(folder.rstrip(b"/")) + 1 :] if is_below(path, folder) else path.rpartition(b"/")[2]
    return move_to.rstrip(b"/") + b"/" + below


def templated(row: Upload, wanted: Afterwards, published: datetime) -> bytes:
    """Where a file moves to by the template of its folder.

    Raises:
        Trouble: (`move_to_template`) the template fails for this very file.
    """
    drop = row.drop
    facts = Facts(
        path=drop.path,
        folder=drop.folder.encode("utf-8", "surrogateescape"),
        size=drop.revision.size,
        modified=moment(drop.revision.mtime_ns),
        published=published,
        number=row.id,
        video_id=row.ticket.video_id if row.ticket is not None else "",
    )
    try:
        below = target_below(wanted.template, facts)
    except GaveUp as error:
        hint = "mend `move_to` of this folder in the configuration; the file is whole, and it is tried again"
        raise Trouble(error.message, code="move_to_template", hint=hint) from error
    return wanted.move_to.rstrip(b"/") + b"/" + below


def is_below(path: bytes, folder: bytes) -> bool:
    """Whether a path lies in a folder, by name alone; both are absolute."""
    return path.startswith(folder.rstrip(b"/") + b"/")


def refusal(status: VideoStatus, row: Upload) -> Failure:
    """Why a published upload has failed after all, and where its file lies."""
    failure = _REFUSALS[status]
    lies = row.drop.path if row.moved_to is None else row.moved_to
    return dataclasses.replace(failure, message=f"{failure.message}; the file lies at {shown(lies)}")


def is_prunable(row: Upload, prune_after: float, now: datetime) -> bool:
    """Whether a file has lain for long enough where it was moved to; for ever is never long enough."""
    return 0 < prune_after <= (now - (row.moved_at or now)).total_seconds()


def until_deletion(row: Upload, delete_after: float, now: datetime) -> float:
    """Seconds until a confirmed file may be deleted.

    It counts from the write that noted OK's word, by the wall clock, since it has to outlive the process; and
    by what the folder says now. Where the clock had run ahead, nobody waits longer than that once more.
    """
    left = delete_after - (now - (row.confirmed_at or row.updated_at)).total_seconds()
    return max(0.0, min(left, delete_after))


def until_next_ask(asked: int) -> float:
    """Seconds until OK is asked again, after so many answers that decide nothing."""
    return min(FIRST_ASK * _ASK_FACTOR ** min(asked, 40), LONGEST_PAUSE)


def patient(backoff: Backoff) -> Backoff:
    """The backoff of chores: nobody waits for them, so that its pauses grow to an hour."""
    return dataclasses.replace(backoff, max_delay=max(backoff.max_delay, LONGEST_PAUSE))
