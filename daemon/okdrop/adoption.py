"""`okdrop adopt`: record files as already published, and send nothing.

For an archive that is on OK.ru already, or after the ledger was lost. A file's contents are hashed, so that
it is recognised when it is touched later; `fast` leaves that out. It works beside a running daemon, as
`orders` does.
"""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from okdrop.drop import UNFINISHED, Drop, State, too_small
from okdrop.errors import LedgerError, OkdropError, UploadError
from okdrop.events import shown
from okdrop.inbox import contents
from okdrop.inbox.revision import revision_of
from okdrop.inbox.scan import scan
from okdrop.inbox.source import Source
from okdrop.inbox.walk import Found
from okdrop.ledger import SENT, Known, Ledger, Moved, StaleVersion
from okdrop.orders import may_be_public

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from okdrop.config import Config
    from okdrop.config.watch import Intake, Watch
    from okdrop.drop import Upload
    from okdrop.inbox.walk import Problem

NOTE: Final = "adopted"

AT_ONCE: Final = 500
"""Files that are written in one commit when they are not read."""

READ_AT_ONCE: Final = 20
"""Files that are written in one commit after each was read."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    """What tells the contents of a file again."""

    digest: bytes | None = None
    sample: bytes | None = None


NO_PROOF: Final = _Proof()


class NotThereError(OkdropError):
    """There is no such file or folder, or it is neither."""

    code = "not_there"


class Outcome(enum.Enum):
    """What became of a file."""

    ADOPTED = "adopted"
    PUBLISHED = "published already"
    REFUSED = "refused"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What became of one file, in words."""

    outcome: Outcome
    text: str


def files_of(config: Config, paths: Sequence[bytes]) -> tuple[list[Drop], list[Adopted]]:
    """Find what is meant: a file itself; of a folder all videos in it, by the rules of its watched folder.

    A folder that no watched folder holds goes by the rules of `[intake]`.

    Args:
        config: the configuration.
        paths: absolute.

    Returns:
        The files, and what could not be looked at.

    Raises:
        NotThereError: a path leads to nothing that could be adopted.
        FolderError: a folder cannot be looked through.
    """
    drops: dict[bytes, Drop] = {}
    problems: list[Adopted] = []
    for path in paths:
        holder = next((watch for watch in config.watch if _holds(watch, path)), None)
        found, unseen = _found_at(path, holder, holder or config.intake)
        folder = str(holder.path) if holder is not None else ""
        for one in found:
            drops[one.path] = Drop(path=one.path, revision=one.revision, folder=folder)
        problems += [
            Adopted(outcome=Outcome.REFUSED, text=f"{shown(one.path)} cannot be looked at: {one.reason}")
            for one in unseen
        ]
    return [*drops.values()], problems


def _found_at(
    path: bytes, holder: Watch | None, rules: Watch | Intake
) -> tuple[Sequence[Found], Sequence[Problem]]:
    place = Path(os.fsdecode(path))
    try:
        # A watched folder may be a link; anything else that is one was not dropped there.
        status = place.stat() if holder is not None and place == holder.path else place.lstat()
    except OSError as error:
        raise NotThereError(f"{shown(path)}: {error.strerror}") from error
    if stat.S_ISREG(status.st_mode):
        return [Found(path=path, revision=revision_of(status))], []
    if stat.S_ISDIR(status.st_mode):
        seen = scan(path, suffixes=rules.suffixes, ignore=rules.ignore)
        return seen.found, seen.problems
    raise NotThereError(f"{shown(path)} is neither a file nor a folder")


def _holds(watch: Watch, path: bytes) -> bool:
    return Path(os.fsdecode(path)).is_relative_to(watch.path)


async def adopt(
    url: str,
    drops: Sequence[Drop],
    *,
    accounts: Mapping[str, str] | None = None,
    fast: bool = False,
    progress: Callable[[int], object] = lambda _count: None,
) -> list[Adopted]:
    """Record files as published.

    Args:
        url: of the ledger; one that is not there yet is made.
        drops: the files.
        accounts: on which account each watched folder's files are; None: on that of `[ok]`.
        fast: do not read them; touched later, they are sent.
        progress: called with how many more are done.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    said: list[Adopted] = []
    size = AT_ONCE if fast else READ_AT_ONCE
    async with await Ledger.open(url, lock=False) as ledger:
        for start in range(0, len(drops), size):
            batch = drops[start : start + size]
            proofs = [NO_PROOF if fast else await _proof(drop) for drop in batch]
            # Together, so that they are written in one commit.
            whose = [(accounts or {}).get(drop.folder, "") for drop in batch]
            said += await asyncio.gather(*map(_adopt, [ledger] * len(batch), batch, proofs, whose))
            progress(len(batch))
    return said


async def _proof(drop: Drop) -> _Proof | UploadError:
    try:
        source = await Source.open(drop.path, drop.revision)
        return _Proof(digest=await contents.digest(source), sample=await contents.sample(source))
    except UploadError as error:
        return error


async def _adopt(ledger: Ledger, drop: Drop, proof: _Proof | UploadError, account: str) -> Adopted:
    if (never := too_small(drop.revision.size)) is not None:
        return Adopted(
            outcome=Outcome.REFUSED, text=f"{shown(drop.path)} is no video of OK's: {never.message}"
        )
    if isinstance(proof, UploadError):
        return Adopted(outcome=Outcome.REFUSED, text=proof.message)
    while True:
        try:
            return await _record(ledger, drop, proof, account)
        except StaleVersion:
            continue  # somebody else wrote its row meanwhile: judge it as it stands now
        except LedgerError as error:
            if error.code != "ledger_known":
                raise


async def _record(ledger: Ledger, drop: Drop, proof: _Proof, account: str) -> Adopted:
    name = shown(drop.path)
    match await ledger.judge(drop):
        case Known(upload=row) | Moved(upload=row) if row.state in UNFINISHED and (
            row.state is not State.QUEUED or row.drop.path != drop.path
        ):
            return Adopted(
                outcome=Outcome.REFUSED,
                text=f"{name} is on its way as upload {row.id}; okdrop cancel {row.id} first",
            )
        case Known(upload=row) if row.state in SENT:
            if row.digest is None and proof.digest is not None:
                await ledger.write(row.with_(digest=proof.digest, sample=proof.sample))
            return Adopted(outcome=Outcome.PUBLISHED, text=f"{name} is published already, as upload {row.id}")
        case Known(upload=row):
            row = await _publish(ledger, row, proof)
        case _:
            row = await ledger.add(
                drop,
                account=account,
                state=State.PUBLISHED,
                digest=proof.digest,
                sample=proof.sample,
                note=NOTE,
            )
    return Adopted(outcome=Outcome.ADOPTED, text=f"{name} is adopted, as upload {row.id}")


async def _publish(ledger: Ledger, row: Upload, proof: _Proof) -> Upload:
    """Let a row that waits, failed or was cancelled be published; a video it began is of no more use."""
    adopted = row.to(
        State.PUBLISHED,
        failure=None,
        retry_at=None,
        held=False,
        digest=proof.digest or row.digest,
        sample=proof.sample or row.sample,
        troubles=0,
    )
    orphan = ""
    if row.ticket is not None and not await may_be_public(ledger, row):
        orphan = row.ticket.video_id
        adopted = adopted.with_(ticket=None, mode=None, offered_all=False, received=0)
    return await ledger.write(adopted, note=NOTE, orphan=orphan)
