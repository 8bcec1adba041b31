"""`okdrop check`: whether everything is there, one line for each thing, before it matters.

Exit codes: 0 all well · 1 OK.ru cannot be reached, or the clock is off · 2 a folder or the ledger cannot
be used · 3 the credentials are missing or refused.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from okdrop import service
from okdrop.client import Client
from okdrop.config import UploadMode
from okdrop.errors import Halted, LedgerError, OkdropError, UploadError
from okdrop.events import shown
from okdrop.inbox import lease
from okdrop.inbox.hints import try_watch, watch_mode
from okdrop.inbox.scan import FolderError, scan
from okdrop.ledger import Ledger
from okdrop.protocol.multipart import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from okdrop.config import Config, Watch

CLOCK_TOLERANCE: Final = 120.0
"""Seconds by which this machine's clock may differ from OK's before it is worth a word."""

_ONE_REQUEST: Final = (
    f"multipart: one request for each file, {LARGEST // 10**9} GB at most; what is cut starts anew"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing; `code` is the exit code it stands for."""

    what: str
    says: str
    code: int = service.OK

    def __str__(self) -> str:
        return f"{'ok  ' if self.code == service.OK else 'FAIL'}  {self.what}: {self.says}"


async def check(config: Config, say: Callable[[str], None]) -> int:
    """Look at everything, say what was found, and return the gravest exit code."""
    lease.prepare()
    findings = [Finding("configuration", "can be used")]
    if config.upload.mode is UploadMode.MULTIPART:
        findings.append(Finding("upload.mode", _ONE_REQUEST))
    if not config.watch:
        findings.append(
            Finding("folders", "none is configured; add a [[watch]] table with a path", service.USAGE)
        )
    for watch in config.watch:
        findings.append(await asyncio.to_thread(_folder, watch))
        if watch.after == "move" and watch.move_to is not None:
            findings.append(await asyncio.to_thread(_move_to, watch.path, watch.move_to))
    findings += [await _ledger(config), *await _account(config)]
    for finding in findings:
        say(str(finding))
    return max(finding.code for finding in findings)


def _folder(watch: Watch) -> Finding:
    path = os.fsencode(watch.path)
    what = f"folder {shown(path)}"
    try:
        seen = scan(path, suffixes=watch.suffixes, ignore=watch.ignore)
    except FolderError as error:
        return Finding(what, f"{error.message}; {error.hint}", service.USAGE)
    if watch.after != "keep" and not os.access(path, os.W_OK):
        return Finding(what, f"cannot be written, as after = {watch.after.value!r} needs", service.USAGE)
    for problem in seen.problems:
        return Finding(what, f"{shown(problem.path)} cannot be looked at: {problem.reason}", service.USAGE)
    writers = {
        True: "files held open by a writer are seen",
        False: "writers cannot be seen here: only quiet tells that a file is finished",
        None: "whether writers can be seen is not known yet",
    }[lease.can_see_writers(path)]
    mode = watch_mode(path, try_watch(seen.folders))
    return Finding(what, f"{len(seen.found)} videos; {writers}; watch mode: {mode}")


def _move_to(folder: Path, move_to: Path) -> Finding:
    """Whether files can move there: it is created where it is missing, so its nearest folder counts."""
    what = f"move_to {shown(os.fsencode(move_to))}"
    nearest = next(path for path in (move_to, *move_to.parents) if os.path.lexists(path))
    if not os.path.isdir(nearest):  # noqa: PTH112 - Path's own raises where it may not look
        return Finding(what, f"{shown(os.fsencode(nearest))} is no folder", service.USAGE)
    if not os.access(nearest, os.W_OK | os.X_OK):
        verb = "written" if nearest == move_to else "created"
        return Finding(
            what, f"cannot be {verb}; let okdrop's user write to {shown(os.fsencode(nearest))}", service.USAGE
        )
    try:
        crosses = folder.stat().st_dev != nearest.stat().st_dev
    except OSError:  # the folder's own line says why
        return Finding(what, "can be written")
    if crosses:
        return Finding(what, "lies on another file system: files are copied there, and compared")
    return Finding(what, "files are renamed to there")


async def _ledger(config: Config) -> Finding:
    try:
        async with await Ledger.open(config.ledger.url.get_secret_value()) as ledger:
            rows = sum((await ledger.counts()).values())
    except LedgerError as error:
        if error.code == "ledger_locked":
            return Finding("ledger", "in use by a running okdrop")
        return Finding("ledger", f"{error.message}; {error.hint}".rstrip("; "), service.USAGE)
    return Finding("ledger", f"{rows} uploads")


async def _account(config: Config) -> list[Finding]:
    """Ask OK who we are: that shows the way, the credentials and the clock."""
    try:
        async with Client(
            service.client_settings(config),
            lambda: service.credentials(config),
            now=lambda: datetime.now(UTC),
        ) as client:
            user = await client.current_user()
            skew = client.clock_skew
    except Halted as error:
        return [Finding("account", f"{error.message}; {error.hint}".rstrip("; "), service.NOT_AUTHORISED)]
    except UploadError as error:
        return [Finding("OK.ru", f"cannot be reached: {error.message}", service.SOME_FAILED)]
    except OkdropError as error:
        return [Finding("account", f"{error.message}; {error.hint}".rstrip("; "), service.USAGE)]
    return [Finding("OK.ru", "answers"), Finding("account", f"accepted, as {user}"), _clock(skew)]


def _clock(skew: float | None) -> Finding:
    if skew is None:
        return Finding("clock", "not compared: OK's answer has no date")
    if abs(skew) > CLOCK_TOLERANCE:
        return Finding(
            "clock", f"{skew:+.0f} s off OK's; signatures and expiry may fail", service.SOME_FAILED
        )
    return Finding("clock", f"within {abs(skew):.0f} s of OK's")
