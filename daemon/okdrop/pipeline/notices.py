"""What follows from what became of an upload: who hears of it, and what lies beside its file. Pure.

The ledger asks with every write of a row (`Ledger.follow_by`), and writes the steps together with the row: a
process that dies loses neither, or both.
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Any, Final

from okdrop.config.watch import After
from okdrop.documents import rfc3339
from okdrop.drop import Chore, State
from okdrop.errors import GaveUp
from okdrop.inbox.revision import moment
from okdrop.metadata import render
from okdrop.pipeline.telling import recalled
from okdrop.steps import FACTS, FILES, Kind, NewStep, Occasion, lane_of
from okdrop.words import video_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from okdrop.client.webhooks import Address
    from okdrop.drop import Drop, Upload
    from okdrop.metadata import Settings
    from okdrop.pipeline.after import Afterwards
    from okdrop.pipeline.messengers import Receiver

_EPOCH_US: Final = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Whoever hears of events, by a hook, a webhook or a message.

    Attributes:
        kind: how.
        name: in the configuration.
        occasions: of which.
        folders: of uploads from which watched folders; none named: of all.
    """

    kind: Kind
    name: str
    occasions: frozenset[Occasion]
    folders: frozenset[str] = frozenset()

    @property
    def lane(self) -> str:
        """Where its steps are taken, one after the other."""
        return lane_of(self.kind, self.name)

    def hears(self, occasion: Occasion, folder: str | None, *, ends: Occasion | None = None) -> bool:
        """Whether it hears of this.

        Args:
            occasion: what happened.
            folder: the watched folder it is about; None: it is about no single one.
            ends: what is over by it, of which it has to hear as well; None: nothing is.
        """
        is_told = occasion in self.occasions and (ends is None or ends in self.occasions)
        return is_told and (not self.folders or folder is None or folder in self.folders)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A hook: what is run, and for how many seconds at most."""

    command: tuple[str, ...]
    timeout: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """Who hears of what becomes of uploads, and how.

    Attributes:
        listeners: of which events, of which folders.
        commands: the hooks, by their lane.
        addresses: the webhooks, by their lane.
        receivers: who gets messages, by their lane.
        environment: what of our own environment a hook gets.
    """

    listeners: tuple[Listener, ...] = ()
    commands: Mapping[str, Command] = dataclasses.field(default_factory=dict)
    addresses: Mapping[str, Address] = dataclasses.field(default_factory=dict)
    receivers: Mapping[str, Receiver] = dataclasses.field(default_factory=dict)
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)


NOBODY: Final = Notices()


class Consequences:
    """Tells what follows from a write of a row.

    Args:
        listeners: who hears of what.
        settings_of: what a drop's folder says of its videos.
        afterwards_of: what it says of its published files.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        settings_of: Callable[[Drop], Settings],
        afterwards_of: Callable[[Drop], Afterwards],
    ) -> None:
        self._listeners: Final = tuple(listeners)
        self._settings_of: Final = settings_of
        self._afterwards_of: Final = afterwards_of

    def __call__(self, before: Upload | None, after: Upload) -> list[NewStep]:
        """The steps that follow; of most writes none."""
        steps = [*self._beside(before, after)]
        for occasion in occasions(before, after):
            hearing = [one for one in self._listeners if one.hears(occasion, after.drop.folder)]
            if hearing:
                facts = facts_of(occasion, after, self._title_of(before, after))
                steps += told(facts, occasion, hearing, upload=after.id)
        return steps

    def _title_of(self, before: Upload | None, row: Upload) -> str:
        """What the video is called: as OK was told; where that is not known, by its folder's template.

        "" where that cannot be filled in. The words that OK is told stand in the row from the intent on;
        what may never be told again is forgotten with the very write that says that it is published.
        """
        words = row.publication.words or (before.publication.words if before is not None else "")
        if words:
            return recalled(words).title
        drop = row.drop
        try:
            return render(
                self._settings_of(drop),
                drop.path,
                drop.folder,
                size=drop.revision.size,
                modified=moment(drop.revision.mtime_ns),
                title=drop.title,
            ).title
        except GaveUp:
            return ""

    def _beside(self, before: Upload | None, after: Upload) -> Iterable[NewStep]:
        """What is to be done with, and written, beside the file."""
        if before is None:
            return
        wanted, is_moved = self._afterwards_of(after.drop), _is_moved(before, after)
        if wanted.move_along and is_moved:
            yield _of_sidecars(before, after, video=after.drop.path, target=after.moved_to)
        if removed := _removed(before, after):
            yield _of_sidecars(before, after, video=removed, target=None)
        kept = wanted.after is After.KEEP and _is_published(before, after) and after.moved_to is None
        if wanted.receipt and after.state is State.PUBLISHED and (is_moved or kept):
            video = after.moved_to or after.drop.path
            yield _of_files(Kind.RECEIPT, after, {"video": os.fsdecode(video)})


def occasions(before: Upload | None, after: Upload) -> list[Occasion]:
    """What of interest one write of a row says; a `before` of None is a new row."""
    found = []
    if _is_published(before, after):
        found.append(Occasion.PUBLISHED)
    if after.state is State.FAILED and (before is None or before.state is not State.FAILED):
        refused = before is not None and before.state is State.PUBLISHED
        found.append(Occasion.REFUSED if refused else Occasion.FAILED)
    if before is not None and before.confirmed_at is None and after.confirmed_at is not None:
        found.append(Occasion.CONFIRMED)
    if before is not None and _is_moved(before, after):
        found.append(Occasion.MOVED)
    return found


def _is_published(before: Upload | None, after: Upload) -> bool:
    """Whether it was published just now; one that was adopted never was by us."""
    return before is not None and before.state is not after.state and after.state is State.PUBLISHED


def _is_moved(before: Upload, after: Upload) -> bool:
    return before.moved_at is None and after.moved_at is not None and after.moved_to is not None


def _removed(before: Upload, after: Upload) -> bytes | None:
    """Where the file lay that was deleted just now."""
    if after.removed_at is None or after.chore is before.chore:
        return None
    if before.chore is Chore.PRUNE:
        return after.moved_to
    return after.drop.path if before.chore is Chore.DELETE else None


def _of_sidecars(before: Upload, after: Upload, *, video: bytes, target: bytes | None) -> NewStep:
    """What may go is what lay there before the video was touched: what lies there since is another's."""
    payload = {
        "video": os.fsdecode(video),
        "target": None if target is None else os.fsdecode(target),
        "beside": json.loads(before.along or "[]"),
    }
    return _of_files(Kind.SIDECARS, after, payload)


def _of_files(kind: Kind, row: Upload, payload: Mapping[str, Any]) -> NewStep:
    return NewStep(
        key=f"{row.id}-{row.version}-{kind}",
        lane=FILES,
        kind=kind,
        event=kind,
        payload=json.dumps(payload),
        upload=row.id,
    )


def facts_of(occasion: Occasion, row: Upload, title: str) -> dict[str, Any]:
    """What is told of an upload, as docs/after.md has it."""
    failure, video_id = row.failure, row.ticket.video_id if row.ticket is not None else ""
    return {
        "event": occasion.value,
        "event_id": f"{row.id}-{row.version}-{occasion}-{_stamp(row.updated_at)}",
        "at": rfc3339(row.updated_at),
        "id": row.id,
        "path": os.fsdecode(row.drop.path),
        "folder": row.drop.folder,
        "account": row.account,
        "size": row.drop.revision.size,
        "title": title,
        "state": row.state.value,
        "video_id": video_id,
        "url": video_page(video_id) if video_id else "",
        "moved_to": os.fsdecode(row.moved_to) if row.moved_to is not None else "",
        "code": failure.code if failure is not None else "",
        "message": failure.message if failure is not None else "",
        "hint": failure.hint if failure is not None else "",
    }


def told(
    facts: Mapping[str, Any], occasion: Occasion, hearing: Iterable[Listener], *, upload: int | None
) -> list[NewStep]:
    """The steps by which each of some listeners is told the same."""
    payload = json.dumps(facts)
    return [
        NewStep(
            key=f"{facts['event_id']}@{one.lane}",
            lane=one.lane,
            kind=one.kind,
            event=occasion.value,
            payload=payload,
            upload=upload,
        )
        for one in hearing
    ]


def variables_of(facts: Mapping[str, Any]) -> dict[bytes, bytes]:
    """The same facts as a hook finds them in its environment; what is not known is empty."""
    values = {f"OKDROP_{name.upper()}": str(facts.get(name, "")) for name in FACTS}
    return {os.fsencode(name): os.fsencode(_storable(value)) for name, value in values.items()}


def _storable(value: str) -> str:
    """Without what no variable can hold: zero bytes, and half characters that are no byte of a name."""
    kept = value.replace("\0", "")
    try:
        os.fsencode(kept)
    except UnicodeEncodeError:
        return kept.encode("utf-8", "replace").decode()
    return kept


def _stamp(at: datetime) -> str:
    return f"{int(at.timestamp() * _EPOCH_US):x}"
