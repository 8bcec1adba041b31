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
import time
from typing import TYPE_CHECKING, Any, Final

from okdrop import words
from okdrop.config import After
from okdrop.drop import UNFINISHED, Drop, State, too_small
from okdrop.events import shown
from okdrop.explain.fields import NOTHING_TOLD, Field, Told, told_of
from okdrop.explain.finishing import whether_finished
from okdrop.explain.place import against, against_by_rules, eye, turn, where
from okdrop.explain.publishing import publishing
from okdrop.inbox.named import refusal
from okdrop.inbox.revision import revision_at
from okdrop.ledger import Judgement, Known, Moved, New, SetAside, Suspect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from okdrop.config import Config, Watch
    from okdrop.drop import Upload
    from okdrop.ledger import Reader

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
    publishing: str = ""  #: when, and for whom
    after: str = ""
    account: str = ""  #: who publishes it; "" is that of `[ok]`
    told: Told = NOTHING_TOLD  #: of its metadata

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every piece of its metadata."""
        return self.told.fields

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
            "publishing": self.publishing,
            "after": self.after,
            "account": self.account,
            "metadata": [
                {"field": one.name, "value": _plain(one.value), "source": one.source} for one in self.fields
            ],
            "sidecars": list(self.told.sidecars),
            "remarks": list(self.told.remarks),
        }

    def as_text(self) -> str:
        """The same for a person: a line for each thing."""
        facts = [("verdict", self.verdict.value), *(("why", why) for why in self.why)]
        further = (
            ("account", self.account),
            ("finished", self.settle),
            ("its turn", self.turn),
            ("published", self.publishing),
            ("afterwards", self.after),
            ("sidecars", ", ".join(self.told.sidecars) or self.told.awaited),
        )
        facts += [(name, text) for name, text in further if text]
        facts += [("note", remark) for remark in self.told.remarks]
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
    account = next((watch.account for watch in config.watch if str(watch.path) == found.folder), "")
    if found.upload is not None:
        account = found.upload.account
    found = dataclasses.replace(found, account=account)
    halts = reader.halts() if reader is not None else []
    halt = next((halt for halt in halts if halt.account == account), None)
    goes_on = found.upload.state in UNFINISHED if found.upload is not None else found.settle != ""
    if halt is None or not goes_on:
        return found
    return dataclasses.replace(found, why=(*found.why, words.halted(halt, several=bool(config.account))))


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
    if watch is not None:
        why += against_by_rules(watch, path, revision, time.time())
        if len(why) == 1 and too_small(revision.size) is not None:
            why.append("once nothing changes in it any more it is noted as failed, and nothing is sent")
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
    told = told_of(row.drop, config)
    return Explanation(
        path=drop.path,
        verdict=Verdict.KNOWN,
        why=(*_by_ledger(judgement), *_before(earlier, row), *why, *told.against),
        folder=drop.folder,
        upload=row,
        turn=turn(config, row.drop.folder) if row.state is State.QUEUED else "",
        publishing=publishing(config, row.drop) if row.state in UNFINISHED else "",
        after=_afterwards(config, row.drop),
        told=told,
    )


def _unknown(
    config: Config, drop: Drop, judgement: Suspect | New, earlier: Sequence[Upload], why: list[str]
) -> Explanation:
    watch = _watch(config, drop)
    would_go = watch is None or not why  # what lies in no folder may be named to `okdrop upload`
    told = told_of(drop, config) if would_go else NOTHING_TOLD
    settle, verdict = "", Verdict.NOT_TAKEN
    if watch is not None and not why:
        settle, waits = whether_finished(drop, watch, time.monotonic)
        verdict = Verdict.NOT_YET if waits else Verdict.TAKEN
        why = [f"it lies in the watched folder {eye(watch.path)}, and its name is a video's"]
    return Explanation(
        path=drop.path,
        verdict=verdict,
        why=(*why, *_by_ledger(judgement), *_before(earlier, None), *told.against),
        folder=drop.folder,
        settle=settle,
        turn=turn(config, drop.folder) if settle else "",
        publishing=publishing(config, drop) if settle else "",
        after=_afterwards(config, drop) if would_go else "",
        told=told,
    )


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
