"""`okdrop explain`: would a file be taken, by which folder, why or why not yet, and under which words.

It looks, and changes nothing: the ledger is read without its lock, beside a running daemon, and no
credentials are needed. The same rules judge here as in a run: `okdrop.names`, `okdrop.inbox`, the ledger's
judgement, `okdrop.metadata`.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import os
from typing import TYPE_CHECKING, Any, Final

from okdrop import words
from okdrop.config import After, Unfinished
from okdrop.containers import Standing
from okdrop.drop import UNFINISHED, Drop, State
from okdrop.errors import GaveUp
from okdrop.events import shown
from okdrop.explain.fields import Field, fields_of
from okdrop.explain.place import against, eye, turn, where
from okdrop.inbox.lease import Writer, look_for_writer, prepare
from okdrop.inbox.named import refusal
from okdrop.inbox.revision import revision_at
from okdrop.inbox.wholeness import structure_at
from okdrop.ledger import Judgement, Known, Moved, New, SetAside, Suspect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from okdrop.config import Config, Watch
    from okdrop.drop import Upload
    from okdrop.ledger import Reader

_WRITERS: Final = {
    Writer.WRITING: "a writer has it open: it is taken once that is closed and",
    Writer.NONE: "no writer has it open: it is taken once",
    Writer.UNKNOWN: "whether a writer has it open cannot be seen here: it is taken once",
}

_AFTER: Final = {
    After.KEEP: "it stays where it is",
    After.MOVE: "it is moved to {}",
    After.DELETE: "it is deleted once OK has processed the video",
}


class Verdict(enum.StrEnum):
    """Would the file be taken?"""

    TAKEN = "would be taken"
    NOT_YET = "would be taken, but not yet"
    KNOWN = "is known already"
    NOT_TAKEN = "would not be taken"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything there is to say of a file."""

    path: bytes
    verdict: Verdict
    why: tuple[str, ...]
    folder: str = ""  #: the watched folder that holds it; "": none does
    upload: Upload | None = None  #: the row that knows it
    settle: str = ""
    turn: str = ""  #: what it goes before and behind
    after: str = ""
    fields: tuple[Field, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        row = self.upload
        video = row.ticket.video_id if row is not None and row.ticket is not None else ""
        return {
            "path": os.fsdecode(self.path),
            "verdict": self.verdict.value,
            "why": list(self.why),
            "folder": self.folder,
            "upload": None if row is None else {"id": row.id, "state": row.state.value, "video_id": video},
            "settle": self.settle,
            "turn": self.turn,
            "after": self.after,
            "metadata": [
                {"field": one.name, "value": _plain(one.value), "source": one.source} for one in self.fields
            ],
        }

    def as_text(self) -> str:
        """The same for a person: a line for each thing."""
        facts = [("verdict", self.verdict.value), *(("why", why) for why in self.why)]
        further = (("finished", self.settle), ("its turn", self.turn), ("afterwards", self.after))
        facts += [(name, text) for name, text in further if text]
        lines = [shown(self.path), *(f"  {name + ':':<12} {text}" for name, text in facts)]
        for one in self.fields:
            lines.append(f"  {one.name + ':':<12} {json.dumps(_plain(one.value), ensure_ascii=False)}")
            lines.append(f"  {'':<12} from {one.source}")
        return "\n".join(lines)


def _plain(value: str | tuple[str, ...]) -> str | list[str]:
    return value if isinstance(value, str) else list(value)


def explain(config: Config, path: bytes, reader: Reader | None) -> Explanation:
    """Say everything about a file.

    Args:
        config: the configuration; no credentials are needed.
        path: absolute.
        reader: the ledger; None: there is none yet.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    found = _explained(config, path, reader)
    halt = reader.halted() if reader is not None else None
    goes_on = found.upload.state in UNFINISHED if found.upload is not None else found.settle != ""
    if halt is None or not goes_on:
        return found
    return dataclasses.replace(found, why=(*found.why, words.halted(halt)))


def _explained(config: Config, path: bytes, reader: Reader | None) -> Explanation:
    path, index = where(config.watch, path)
    watch = config.watch[index] if index is not None else None
    folder = str(watch.path) if watch is not None else ""
    why = [*against(config.watch, index, path)]
    if (refused := refusal(path)) is not None:
        why.append(f"it {refused}")
    elif watch is None:
        why.append("okdrop upload would send it all the same")
    revision = revision_at(path)
    if revision is None:
        return Explanation(path=path, verdict=Verdict.NOT_TAKEN, why=tuple(why), folder=folder)
    drop = Drop(path=path, revision=revision, folder=folder)
    judgement = reader.judge(drop) if reader is not None else New()
    earlier = reader.uploads(paths=[path]) if reader is not None else []
    if isinstance(judgement, Known | Moved | SetAside):
        return _known(config, drop, judgement, earlier, why)
    return _unknown(config, drop, judgement, earlier, why)


def _known(
    config: Config, drop: Drop, judgement: Known | Moved | SetAside, earlier: Sequence[Upload], why: list[str]
) -> Explanation:
    row = judgement.upload
    fields, unfit = _fields(config, row.drop)
    return Explanation(
        path=drop.path,
        verdict=Verdict.KNOWN,
        why=(*_by_ledger(judgement), *_before(earlier, row), *why, *unfit),
        folder=drop.folder,
        upload=row,
        turn=turn(config, row.drop.folder) if row.state is State.QUEUED else "",
        after=_afterwards(config, row.drop),
        fields=fields,
    )


def _unknown(
    config: Config, drop: Drop, judgement: Suspect | New, earlier: Sequence[Upload], why: list[str]
) -> Explanation:
    fields, unfit = _fields(config, drop)
    watch = _watch(config, drop)
    settle, verdict = "", Verdict.NOT_TAKEN
    if watch is not None and not why:
        prepare()
        writer = look_for_writer(drop.path)
        verdict = Verdict.NOT_YET if writer is Writer.WRITING else Verdict.TAKEN
        settle = f"as far as one look tells, {_WRITERS[writer]} nothing changed for {watch.settle:g} s"
        if (doubt := _not_whole(drop, watch)) and writer is not Writer.WRITING:
            verdict, settle = Verdict.NOT_YET, f"{settle}; {doubt}"
        why = [f"it lies in the watched folder {eye(watch.path)}, and its name is a video's"]
    return Explanation(
        path=drop.path,
        verdict=verdict,
        why=(*why, *_by_ledger(judgement), *_before(earlier, None), *unfit),
        folder=drop.folder,
        settle=settle,
        turn=turn(config, drop.folder) if settle else "",
        after=_afterwards(config, drop),
        fields=fields,
    )


def _not_whole(drop: Drop, watch: Watch) -> str:
    """What becomes of a file that is not whole by its own structure; "" where that is not known."""
    structure = structure_at(drop.path, drop.revision)
    if structure.standing is not Standing.NOT_WHOLE:
        return ""
    then = "it is sent as it is" if watch.unfinished is Unfinished.TAKE else "it fails (file_not_whole)"
    longer = f"if it stays so for {watch.unfinished_after:g} s more"
    return f"but it is not whole: {structure.reason}; {longer}, {then}"


def _by_ledger(judgement: Judgement) -> Iterator[str]:
    match judgement:
        case Known(upload=row):
            yield f"upload {row.id}: {_standing(row)}"
        case Moved(upload=row):
            yield f"it is the file that was {shown(row.drop.path)}, upload {row.id}: {_standing(row)}"
        case SetAside(upload=row):
            again = "" if row.sample is None else ", unless its contents prove to be others"
            yield (
                f"upload {row.id}: it lay there before the first start, and was touched since: that alone"
                f" sends nothing{again}; okdrop retry {row.id} sends it"
            )
        case Suspect(upload=row):
            yield (
                f"upload {row.id} published this path with the same size before it was touched: contents are"
                " compared, and the same bytes are not sent again"
                if row.digest is not None
                else f"upload {row.id} published this path with the same size, and it was touched since"
            )
        case New():
            pass


def _standing(row: Upload) -> str:
    if row.retry_at is None:
        return words.standing(row)
    return (
        f"{words.standing(row)}; after {row.last_trouble} it waits until {row.retry_at:%Y-%m-%d %H:%M:%S} UTC"
    )


def _before(rows: Sequence[Upload], known: Upload | None) -> Iterator[str]:
    if rows := [row for row in rows if row != known]:
        yield "earlier of this path: " + ", ".join(f"upload {row.id} ({row.state})" for row in rows)


def _watch(config: Config, drop: Drop) -> Watch | None:
    return next((watch for watch in config.watch if str(watch.path) == drop.folder), None)


def _afterwards(config: Config, drop: Drop) -> str:
    watch = _watch(config, drop)
    if watch is None:
        return f"once published, {_AFTER[After.KEEP]}"
    return f"once published, {_AFTER[watch.after].format(eye(str(watch.move_to or '')))}"


def _fields(config: Config, drop: Drop) -> tuple[tuple[Field, ...], list[str]]:
    """Every piece of metadata; or why it cannot be made, which would fail the upload."""
    try:
        return fields_of(drop, config.watch), []
    except GaveUp as error:
        return (), [f"{error.message}; {error.hint}"]
