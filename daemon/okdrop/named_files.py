"""`okdrop upload`: files that a person names, with progress for the eye, and what became of each.

What can be said of a file before anything starts is said then (`refusals`). What became of it is read from
the ledger at the end: events are for the eye, the ledger is the truth.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from typing import TYPE_CHECKING, Final, TextIO

from okdrop import events, service
from okdrop.drop import UNFINISHED, Drop, State
from okdrop.errors import LedgerError
from okdrop.events import shown
from okdrop.inbox.named import refusal
from okdrop.inbox.revision import revision_at
from okdrop.ledger import Known, Moved, read_only
from okdrop.names import Names
from okdrop.observe.board import Board
from okdrop.observe.lines import Lines
from okdrop.observe.log import log_to
from okdrop.pipeline.accounts import in_words
from okdrop.words import standing, video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from okdrop.config import Config, Log
    from okdrop.drop import Upload
    from okdrop.events import Emit, Event
    from okdrop.ledger import Reader
    from okdrop.observe.bars import Bars

_TOLD_BY_LINES: Final = (
    events.FileLeft,
    events.TicketAbandoned,
    events.UploadFailed,
    events.UploadTrouble,
)
"""Events that plain lines tell already: the log beside them need not."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file, in one line; `left` means that the run ended without having taken it."""

    text: str
    left: bool = False


def videos(config: Config) -> Names:
    """The names that this configuration takes for videos, in whichever folder."""
    lists = (config.intake.suffixes, *(watch.suffixes for watch in config.watch))
    return Names([suffix for suffixes in lists for suffix in suffixes], ())


def refusals(files: Iterable[bytes], names: Names | None) -> list[str]:
    """What stands in the way of sending these files, one line for each that cannot be sent.

    Args:
        files: absolute paths.
        names: what videos are called; None: whatever a file is called.
    """
    whys = ((path, refusal(path) or _no_video(path, names)) for path in files)
    return [f"{shown(path)} {why}" for path, why in whys if why is not None]


def _no_video(path: bytes, names: Names | None) -> str | None:
    name = os.fsdecode(path.rpartition(b"/")[2])
    if names is None or names.is_video(name):
        return None
    return "is no video by its name (`suffixes` in [intake] says which are); --any sends it all the same"


def _each_once(files: Iterable[bytes]) -> list[bytes]:
    """The files as they were named first: two spellings of a path may lead to one."""
    named: dict[bytes, bytes] = {}
    for path in files:
        named.setdefault(os.path.realpath(path), path)
    return [*named.values()]


async def upload(
    config: Config,
    files: Sequence[bytes],
    *,
    title: str,
    account: str | None = None,
    progress: TextIO,
    draw: bool,
    say: Callable[[str], None],
) -> int:
    """Upload and publish files, and say what became of each; returns the exit code.

    Args:
        config: the configuration.
        files: absolute paths.
        title: their title; "": by the template.
        account: who publishes them; None: the account of `[ok]`, or whose they are already.
        progress: where progress and the log go.
        draw: whether that is a terminal to draw bars on; else there are plain lines.
        say: told one line for each file at the end.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    wanted = _each_once(files)
    board = Board(map(shown, wanted), time.monotonic)
    with _listener(config.log, board, progress, draw=draw) as listen, _beside_a_daemon():
        code = await service.upload(config, listen, wanted, title=title, account=account)
    with read_only(config.ledger.url.get_secret_value()) as reader:
        outcomes = [outcome(path, board, reader, title=title, account=account) for path in wanted]
    for one in outcomes:
        say(one.text)
    left = any(one.left for one in outcomes)
    return service.SOME_FAILED if code == service.OK and left and not board.interrupted else code


@contextlib.contextmanager
def _beside_a_daemon() -> Iterator[None]:
    """Say what else there is to do with a file, where another okdrop holds the ledger."""
    try:
        yield
    except LedgerError as error:
        if error.code != "ledger_locked":
            raise
        hint = (
            "beside a daemon, drop the file into a folder that it watches instead of naming it to upload;"
            " else wait until that one ends"
        )
        raise LedgerError(error.message, code=error.code, hint=hint) from error


@contextlib.contextmanager
def _listener(log: Log, board: Board, stream: TextIO, *, draw: bool) -> Iterator[Emit]:
    """Bars with the log above them where they can be drawn; else plain lines, and the log beside them."""
    level, json = "warning" if log.level == "info" else log.level.value, log.format == "json"
    all_of_it = draw or level == "debug"
    with contextlib.ExitStack() as stack:
        shows: Bars | Lines
        if draw:
            from okdrop.observe import bars  # noqa: PLC0415 - a drawing library, for terminals alone

            shows = drawn = stack.enter_context(bars.Bars(board, stream))
            stream = drawn.above
        else:
            shows = Lines(board, stream)
        write = log_to(stream, json=json, level=level)

        def listen(event: Event) -> None:
            shows.listen(event)
            if all_of_it or not isinstance(event, _TOLD_BY_LINES):
                write(event)

        yield listen


def outcome(
    path: bytes, board: Board, reader: Reader, *, title: str = "", account: str | None = None
) -> Outcome:
    """What became of a file, by the ledger, and of the title and the account that it was to have."""
    name = shown(path)
    row = _row(path, board, reader)
    if row is not None and row.state is not State.SUPERSEDED:
        unheeded = title and row.drop.title != title and row.state in {State.PUBLISHED, State.DUPLICATE}
        unchanged = "; its title is not changed, that is done on ok.ru" if unheeded else ""
        whose = f"; it is of {in_words(row.account)}" if account not in {None, row.account} else ""
        return Outcome(f"{name}: {_became(row, board, reader)}{unchanged}{whose}")
    if (why := board.left.get(name)) is not None:
        return Outcome(f"{name}: left: {why}", left=True)
    if revision_at(path) is None:
        return Outcome(f"{name}: left: it is gone", left=True)
    return Outcome(f"{name}: not taken yet", left=True)


def _row(path: bytes, board: Board, reader: Reader) -> Upload | None:
    number = board.upload_of(shown(path))
    if number is not None:
        return reader.get(number)
    revision = revision_at(path)
    if revision is None:
        return None
    match reader.judge(Drop(path=path, revision=revision, folder="")):
        case Known(upload=row) | Moved(upload=row):
            return row
        case _:
            return None


def _became(row: Upload, board: Board, reader: Reader) -> str:
    if row.state is State.PUBLISHED and row.id not in board.published:
        return f"published already{video(row)}"
    if row.state is State.DUPLICATE and row.duplicate_of is not None:
        original = reader.get(row.duplicate_of)
        return standing(row) + (video(original) if original is not None else "")
    if row.state in UNFINISHED:
        return f"{standing(row)}; the same command goes on from there"
    return standing(row)
