"""`okdrop check`: whether everything is there, one line for each thing, before it matters.

Exit codes: 0 all well · 1 OK.ru cannot be reached, or the clock is off · 2 a folder or the ledger cannot
be used · 3 the credentials are missing or refused. Of several, 2 goes before 3, and 3 before 1.

Nothing is changed or sent, whoever runs it, and nothing is created but probes in the watched folders, which
are gone at once.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import pwd
import shlex
import shutil
import threading
import time
import urllib.parse
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

from okdrop import accounts, service
from okdrop.client import Client
from okdrop.config import Publish, UploadMode, unheeded
from okdrop.errors import ConfigurationError, Halted, LedgerError, OkdropError, UploadError
from okdrop.events import shown
from okdrop.inbox import lease
from okdrop.inbox.reading import can_yield, heeds_classes, scheduler_of
from okdrop.inbox.scan import FolderError, scan
from okdrop.inbox.walk import Wanted
from okdrop.inbox.watching import look
from okdrop.ledger import daemon_of, read_only, writable
from okdrop.pipeline import messengers
from okdrop.pipeline.listeners import notices
from okdrop.protocol.multipart import LARGEST
from okdrop.steps import Kind, lane_of
from okdrop.words import limit_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from okdrop.config import Bandwidth, Config, Watch
    from okdrop.config.notices import Hook, Webhook
    from okdrop.inbox.walk import Problem

CLOCK_TOLERANCE: Final = 120.0
"""Seconds by which this machine's clock may differ from OK's before it is worth a word."""

_GRAVITY: Final = (service.OK, service.SOME_FAILED, service.NOT_AUTHORISED, service.USAGE)
"""Exit codes, the gravest last: without its folders and its ledger no run begins at all."""

_MOST_FOLDERS: Final = 1000
"""Folders in a watched one of which each is asked whether it may be written."""

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


async def check(config: Config, say: Callable[[str], None], *, file: Path | None = None) -> int:
    """Look at everything, say what was found, and return the gravest exit code.

    Args:
        config: what to go by.
        say: told a line for each thing.
        file: where the configuration was read; None: from the environment alone.
    """
    lease.prepare()
    findings = _configuration(config, file)
    for watch in config.watch:
        findings.append(await asyncio.to_thread(_folder, watch))
        findings += await asyncio.to_thread(_beside, watch)
    findings += [*map(_hook, config.hook), *map(_webhook, config.webhook)]
    findings += await asyncio.to_thread(_messages, config)
    findings += _reading(config)
    findings += [_ledger(config.ledger.url.get_secret_value()), *await _accounts(config)]
    for finding in findings:
        say(str(finding))
    return max((finding.code for finding in findings), key=_GRAVITY.index)


def _configuration(config: Config, file: Path | None) -> list[Finding]:
    says = "from the environment alone; there is no file"
    if file is not None:
        says = f"{shown(os.fsencode(file))} can be used"
    findings = [Finding("configuration", says)]
    if keys := unheeded(config):
        findings.append(Finding("configuration", f"set, but not heeded by this version: {', '.join(keys)}"))
    if config.upload.mode is UploadMode.MULTIPART:
        findings.append(Finding("upload.mode", _ONE_REQUEST))
    findings += _limit("upload.bandwidth", config.upload.bandwidth)
    findings += _ffprobe(config)
    if not config.watch:
        findings.append(
            Finding(
                "folders",
                "none is configured; add a [[watch]] table with a path, or let `okdrop init` write one",
                service.USAGE,
            )
        )
    return findings


def _ffprobe(config: Config) -> list[Finding]:
    """What templates get that speak of a file's contents, where there are any; nothing is held for it."""
    if not any(settings.looks_inside for settings in config.videos.values()):
        return []
    program = config.metadata.ffprobe
    if program and (found := shutil.which(program)):
        return [Finding("metadata.ffprobe", f"{shown(os.fsencode(found))} looks into files for templates")]
    why = f"{shown(os.fsencode(program))} is not installed" if program else "switched off"
    return [Finding("metadata.ffprobe", f"{why}: templates have no media, duration, width and height")]


def _limit(what: str, bandwidth: Bandwidth) -> list[Finding]:
    """What a limit on what is sent comes to, where there is one."""
    if not bandwidth.points:
        return []
    rate = bandwidth.rate_at(datetime.now(UTC).astimezone())
    now = f"at most {limit_text(rate)}" if rate is not None else "no limit"
    return [Finding(what, f"{bandwidth}: {now} now, by the timetable" if "," in bandwidth.text else now)]


def _publishing(watch: Watch) -> list[Finding]:
    """When a folder's videos become public, where that is not at once."""
    findings, of = [], f"of {shown(os.fsencode(watch.path))}"
    if (window := watch.publish_window).spans:
        now = datetime.now(UTC)
        opens = window.next_opening(now)
        says = "open now" if opens == now else f"opens at {opens.astimezone():%Y-%m-%d %H:%M}"
        findings.append(Finding(f"publish_window {of}", f"{window}: {says}, by the local clock"))
    if watch.public_after and watch.publish is Publish.AT_ONCE:
        says = 'has no effect, since publish = "at once"; it is for "friends first"'
        findings.append(Finding(f"public_after {of}", says))
    return findings


def _beside(watch: Watch) -> list[Finding]:
    """What there is to say of a folder's further keys."""
    path = os.fsencode(watch.path)
    findings = [*_limit(f"bandwidth of {shown(path)}", watch.bandwidth), *_publishing(watch)]
    if watch.move_folder is not None:
        if watch.after == "move":
            return [_move_to(watch.path, watch.move_folder), *findings]
        what = f"move_to {shown(os.fsencode(watch.move_folder))}"
        says = f'has no effect, since after = "{watch.after.value}"; with after = "move" files move there'
        return [Finding(what, says), *findings]
    return findings


def _folder(watch: Watch) -> Finding:
    path = os.fsencode(watch.path)
    what = f"folder {shown(path)}"
    try:
        seen = scan(
            path,
            suffixes=watch.suffixes,
            ignore=watch.ignore,
            marker=watch.marker,
            wanted=Wanted(rules=watch.rules, now=time.time()),
            depth=watch.deepest,
        )
    except FolderError as error:
        reason = error.message.removeprefix(f"{shown(path)}: ")
        return Finding(what, f"{reason}; {error.hint}", service.USAGE)
    if watch.after != "keep" and (denied := _denied(path, seen.folders)):
        return Finding(what, f"{denied}, as after = {watch.after.value!r} needs", service.USAGE)
    if seen.problems:
        return Finding(what, _blind(seen.problems), service.USAGE)
    writers = {
        True: "files held open by a writer are seen",
        False: "writers cannot be seen here: only quiet tells that a file is finished",
        None: "whether writers can be seen is not known yet",
    }[lease.can_see_writers(path)]
    mode = look(watch.watching, seen.folders).in_words(watch.poll)
    return Finding(what, f"{_counted(len(seen.found), 'video')}; {writers}; watch mode: {mode}")


def _denied(path: bytes, folders: Iterable[bytes]) -> str:
    """Which of the folders that files are taken from may not be written; "" where none is found."""
    denied = [one for one in islice(folders, _MOST_FOLDERS) if not os.access(one, os.W_OK | os.X_OK)]
    if path in denied:
        return "cannot be written"
    if not denied:
        return ""
    more = f" and {len(denied) - 1:,} more" if len(denied) > 1 else ""
    return f"in it {shown(min(denied))}{more} cannot be written"


def _reading(config: Config) -> list[Finding]:
    """What reading gently comes to, for each disk that a folder lies on."""
    if not config.upload.gentle_reads:
        return []
    says = "what was read is taken out of the kernel's cache"
    if not can_yield():
        return [Finding("upload.gentle_reads", f"{says}; the kernel does not let reads come last")]
    schedulers = {scheduler_of(device) for watch in config.watch if (device := _device(watch.path))}
    deaf = sorted(name or "unknown" for name in schedulers if not heeds_classes(name))
    first = "reads come after those of others"
    if deaf:
        first = f"reads are to come last, which this scheduler of the disk does not heed: {', '.join(deaf)}"
    return [Finding("upload.gentle_reads", f"{first}; {says}")]


def _device(folder: Path) -> int:
    """What a folder lies on (st_dev); 0 where that cannot be said, of which its own line says why."""
    try:
        return folder.stat().st_dev
    except OSError:
        return 0


def _hook(hook: Hook) -> Finding:
    """Whether a hook's program is there, and may be run by us."""
    program, what = hook.command[0], f"hook {hook.name}"
    if not os.access(program, os.X_OK) or os.path.isdir(program):  # noqa: PTH112 - Path's own may raise
        return Finding(
            what, f"{shown(os.fsencode(program))} is no program that this user may run", service.USAGE
        )
    return Finding(what, f"{shown(os.fsencode(program))} is run when there is: {', '.join(hook.events)}")


def _webhook(webhook: Webhook) -> Finding:
    """Whom a webhook tells, by host alone; nobody is told here."""
    host = urllib.parse.urlsplit(webhook.url.get_secret_value()).hostname
    return Finding(f"webhook {webhook.name}", f"{host} is told when there is: {', '.join(webhook.events)}")


def _messages(config: Config) -> list[Finding]:
    """Whether messages could go where they are to; none is sent here (`okdrop notify-test` does)."""
    try:
        messengers.require(config)
    except ConfigurationError as error:
        return [Finding("notify", _in_words(error), service.USAGE)]
    findings, wanted = [], notices(config, os.environ)
    for one in config.notify:
        receiver = wanted.receivers[lane_of(Kind.NOTIFY, one.name)]
        found = messengers.look(receiver, wanted.environment, stop=threading.Event())
        of = ", ".join(event for event in one.events if event in one.occasions)
        says = f"{found.said} is told when there is: {of}" if found.well else found.said
        findings.append(Finding(f"notify {one.name}", says, service.OK if found.well else service.USAGE))
    return findings


def _blind(problems: Sequence[Problem]) -> str:
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return (
        f"{shown(problems[0].path)}{more} cannot be looked at: {problems[0].reason}; a run takes nothing from"
        " there and goes on with the rest: let okdrop's user in, or name it in ignore"
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _move_to(folder: Path, move_to: Path) -> Finding:
    """Whether files can move there: it is created where it is missing, so its nearest folder counts."""
    what = f"move_to {shown(os.fsencode(move_to))}"
    nearest = next(path for path in (move_to, *move_to.parents) if os.path.lexists(path))
    if not os.path.isdir(nearest):  # noqa: PTH112 - Path's own raises where it may not look
        return Finding(what, f"{shown(os.fsencode(nearest))} is no folder", service.USAGE)
    if not os.access(nearest, os.W_OK | os.X_OK):
        place = shown(os.fsencode(move_to))
        says = f"cannot be written; let okdrop's user write to {place}"
        if nearest != move_to:
            says = f"cannot be created; create it for okdrop: install -d -o {_user()} {shlex.quote(place)}"
        return Finding(what, says, service.USAGE)
    try:
        crosses = folder.stat().st_dev != nearest.stat().st_dev
    except OSError:  # the folder's own line says why
        return Finding(what, "can be written")
    if crosses:
        return Finding(what, "lies on another file system: files are copied there, and compared")
    return Finding(what, "files are renamed to there")


def _user() -> str:
    """Who checks, and so who would run, by the name that `chown` knows."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user need have none
        return str(os.geteuid())


def _ledger(url: str) -> Finding:
    try:
        with read_only(url) as ledger:
            rows = _counted(sum(ledger.counts().values()), "upload")
        process = daemon_of(url)
    except LedgerError as error:
        if error.code == "ledger_too_old":
            return Finding("ledger", f"{error.message}; the next run brings it up to date")
        if error.code != "ledger_missing":
            return Finding("ledger", _in_words(error), service.USAGE)
        rows, process = "none yet", None
    if process is not None:
        return Finding("ledger", f"{rows}; in use by a running okdrop (process {process})")
    file, obstacle = writable(url)
    if obstacle is not None:
        hint = "a run would fail: let its user write there, or check as that user"
        return Finding("ledger", f"{rows}; {obstacle} may not be written by this user; {hint}", service.USAGE)
    return Finding("ledger", f"none yet; it will be made at {file}" if rows == "none yet" else rows)


def _in_words(error: OkdropError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message


async def _accounts(config: Config) -> list[Finding]:
    """Ask OK who each account is, one after the other; what is found of OK itself is said once."""
    findings: list[Finding] = []
    needed = accounts.in_use(config)
    for name in config.accounts:
        if name in needed:
            findings += [one for one in await _account(config, name) if one not in findings]
        else:
            findings.append(Finding("account", "[ok] has no access_token, and no folder names its account"))
    return findings


async def _account(config: Config, name: str) -> list[Finding]:
    """Ask OK who we are: that shows the way, the credentials and the clock."""
    answers, what = [Finding("OK.ru", "answers")], f"account {name}" if name else "account"
    try:
        async with Client(
            accounts.client_settings(config, name),
            lambda: accounts.credentials(config, name),
            now=lambda: datetime.now(UTC),
        ) as client:
            user = await client.current_user()
            skew = client.clock_skew
    except Halted as error:
        refused = Finding(what, _in_words(error), service.NOT_AUTHORISED)
        return [refused] if error.code == "credentials_missing" else [*answers, refused]
    except UploadError as error:
        return [_no_way(config, name, error)]
    except OkdropError as error:
        return [Finding(what, _in_words(error), service.USAGE)]
    return [*answers, Finding(what, f"accepted, as {user}"), _clock(skew)]


def _no_way(config: Config, account: str, error: UploadError) -> Finding:
    """Nobody answered, or not as OK does."""
    host = urllib.parse.urlsplit(config.accounts[account].api_url).netloc
    proxy = " (by way of network.proxy)" if config.network.proxy.get_secret_value() else ""
    says, hint = "answers, but not as it should", "try again later; if it stays, look at ok.api_url"
    if error.code in {"api_unreachable", "api_no_answer"}:
        says, hint = "cannot be asked", "look at the network, a firewall, network.proxy and ok.api_url"
    text = f"{host}{proxy} {says}: {error.message}; {error.hint or hint}"
    return Finding("OK.ru", text, service.SOME_FAILED)


def _clock(skew: float | None) -> Finding:
    if skew is None:
        return Finding("clock", "not compared: OK's answer has no date")
    if abs(skew) > CLOCK_TOLERANCE:
        return Finding(
            "clock", f"{skew:+.0f} s off OK's; signatures and expiry may fail", service.SOME_FAILED
        )
    return Finding("clock", f"within {abs(skew):.0f} s of OK's")
