"""`okdrop watch-test`: what a watcher sees of a folder, tried with a probe that is made, grown, renamed.

Exit codes: 0 all of it was seen, by events or by polling · 1 something was not · 2 it cannot be tried there.

The probe is a small file of our own, under a name that nobody else has and that every okdrop passes over
(`names.PROBE`). Nothing else in the folder is opened, changed or removed. A signal only asks to stop, so that
the probe is taken away whatever happens but the death of the process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import os
import secrets
import signal
import stat
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from okdrop.config.watch import Watching
from okdrop.errors import OkdropError
from okdrop.events import shown
from okdrop.inbox.hints import NoHints, notifier
from okdrop.inbox.mounts import kind_of, remote_among
from okdrop.inbox.watching import Way, decide
from okdrop.names import PROBE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchfiles import _rust_notify

WITHIN: Final = 3.0
"""Seconds for which an event is waited for, and after it a look."""

LOOK_EVERY: Final = 0.1
"""Seconds between looks, where no event comes; those of a daemon are `poll` seconds apart."""

_GATHER: Final = 20
"""Milliseconds for which events that go on coming are gathered."""

_STEP: Final = 10
"""Milliseconds between two looks for events."""

_SIZE: Final = 4096
_ADDED, _MODIFIED, _DELETED = 1, 2, 3  # as watchfiles numbers changes
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class WatchTrialError(OkdropError):
    """It cannot be tried there."""

    code = "watch_test"


class CutShort(WatchTrialError):
    """Somebody asked to stop."""


class Deed(enum.StrEnum):
    """What is done to the probe, in this order."""

    CREATE = "create"
    GROW = "grow"
    RENAME = "rename"
    REMOVE = "remove"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a deed."""

    deed: Deed
    by: str  #: `events`, `polling`, or "" where it was not seen
    seconds: float  #: after which it was seen, or given up

    def __str__(self) -> str:
        by = {"events": "the kernel told of it after", "polling": "no event; a look saw it after"}
        return f"  {self.deed:<8}{by.get(self.by, 'not seen within')} {self.seconds:.2f} s"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it; `poll` is in seconds, `kind` the type of the file system."""

    folder: bytes
    kind: str
    way: Way
    poll: float
    deeds: tuple[Seen, ...]

    @property
    def missed(self) -> list[Deed]:
        """What was not seen."""
        return [seen.deed for seen in self.deeds if not seen.by]

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "folder": os.fsdecode(self.folder),
            "file_system": self.kind,
            "watching": self.way.mode.value,
            "mode": self.way.in_words(self.poll),
            "all_seen": not self.missed,
            "deeds": [
                {"deed": seen.deed.value, "seen_by": seen.by or None, "seconds": seen.seconds}
                for seen in self.deeds
            ],
        }

    def as_text(self) -> str:
        """The same for a person: a line for each thing."""
        where = f"{shown(self.folder)} ({self.kind or 'its file system is not known'})"
        return "\n".join([where, *map(str, self.deeds), f"  mode    {self.way.in_words(self.poll)}"])


class Probe:
    """A file of our own in a folder, and what can be seen of it; used in a `with`, after which it is gone.

    Args:
        folder: where.
    """

    def __init__(self, folder: bytes) -> None:
        self._folder: Final = folder
        mark = os.fsencode(PROBE + secrets.token_hex(8))
        self.name: Final = mark
        self.later: Final = mark + b"-renamed"
        self._opened = -1
        self._is_made = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_made:
            return
        with contextlib.suppress(OSError):
            self._close()
        for name in (self.name, self.later):
            try:
                if os.path.lexists(self._path(name)):
                    self._path(name).unlink(missing_ok=True)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                left = f"{shown(bytes(self._path(name)))} is left there: {reason}"
                raise WatchTrialError(left, hint="it is ours, and may be removed") from error

    def do(self, deed: Deed) -> None:
        """Do this to the probe.

        Raises:
            WatchTrialError: it cannot be done.
        """
        try:
            self._do(deed)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            what = f"{shown(self._folder)}: a probe of ours cannot be {_PAST[deed]} there: {reason}"
            raise WatchTrialError(what, hint="ask as a user who may write there") from error

    def _do(self, deed: Deed) -> None:
        match deed:
            case Deed.CREATE:
                self._opened = os.open(self._path(self.name), _CREATE, 0o600)
                self._is_made = True
            case Deed.GROW:
                os.write(self._opened, bytes(_SIZE))
                os.fsync(self._opened)  # a network mount would keep it for itself for a while
            case Deed.RENAME:
                self._path(self.name).rename(self._path(self.later))
            case Deed.REMOVE:
                self._close()  # NFS keeps what is open, under another name
                self._path(self.later).unlink()

    def is_told(self, deed: Deed, change: int, name: bytes) -> bool:
        """Whether a change tells of this deed."""
        wanted = {
            Deed.CREATE: {(_ADDED, self.name)},
            Deed.GROW: {(_MODIFIED, self.name)},
            Deed.RENAME: {(kind, self.later) for kind in (_ADDED, _MODIFIED)},
            Deed.REMOVE: {(_DELETED, self.later)},
        }
        return (change, name) in wanted[deed]

    def is_seen(self, deed: Deed) -> bool:
        """Whether a look through the folder sees this deed."""
        names = {self.name, self.later} & {*os.listdir(self._folder)}  # noqa: PTH208 - of any bytes
        match deed:
            case Deed.CREATE:
                return names == {self.name}
            case Deed.GROW:
                return names == {self.name} and self._path(self.name).lstat().st_size == _SIZE
            case Deed.RENAME:
                return names == {self.later}
            case Deed.REMOVE:
                return not names

    def _path(self, name: bytes) -> Path:
        return Path(os.fsdecode(self._folder), os.fsdecode(name))

    def _close(self) -> None:
        descriptor, self._opened = self._opened, -1
        if descriptor >= 0:
            os.close(descriptor)


_PAST: Final = {
    Deed.CREATE: "created",
    Deed.GROW: "written",
    Deed.RENAME: "renamed",
    Deed.REMOVE: "removed",
}


class _Trial:
    """One trial; `cut` is set by whoever wants it to stop."""

    def __init__(self, probe: Probe, within: float, cut: threading.Event) -> None:
        self._probe: Final = probe
        self._within: Final = within
        self._cut: Final = cut

    def seen(self, deed: Deed, notify: _rust_notify.RustNotify | None) -> Seen:
        """Do this, and say what was seen of it."""
        began = time.monotonic()
        self._probe.do(deed)
        by = "events" if notify is not None and self._hears(deed, notify) else ""
        by = by or ("polling" if self._sees(deed) else "")
        return Seen(deed=deed, by=by, seconds=round(time.monotonic() - began, 3))

    def _hears(self, deed: Deed, notify: _rust_notify.RustNotify) -> bool:
        for left in self._time_left():
            try:
                changes = notify.watch(_GATHER, _STEP, max(1, int(left * 1000)), self._cut)
            except RuntimeError:  # the watch ended, for a name of others that is not UTF-8, say
                return False
            if isinstance(changes, set) and any(
                self._probe.is_told(deed, change, os.fsencode(path).rpartition(b"/")[2])
                for change, path in changes
            ):
                return True
        return False

    def _sees(self, deed: Deed) -> bool:
        for _ in self._time_left():
            try:
                if self._probe.is_seen(deed):
                    return True
            except OSError as error:
                raise WatchTrialError(f"it cannot be looked there any more: {error.strerror}") from error
            self._cut.wait(LOOK_EVERY)
        return False

    def _time_left(self) -> Iterator[float]:
        deadline = time.monotonic() + self._within
        while (left := deadline - time.monotonic()) > 0:
            yield left
            if self._cut.is_set():
                raise CutShort("cut short; the probe is gone")


def try_out(
    folder: bytes, *, watching: Watching = Watching.AUTO, poll: float = 5.0, within: float = WITHIN
) -> Outcome:
    """Try what a watcher sees of a folder; blocks.

    Args:
        folder: absolute.
        watching: how it is to be watched.
        poll: seconds between two looks of a daemon that polls.
        within: seconds for which each deed is waited for, by events, and then by looks.

    Raises:
        WatchTrialError: it cannot be tried there.
        CutShort: a signal asked to stop.
    """
    device = _device_of(folder)
    with _signals_heeded() as cut, contextlib.ExitStack() as stack:
        notify, refusal = None, ""
        if watching is not Watching.POLL:
            try:
                notify = notifier([folder])
                stack.callback(notify.close)
            except NoHints as error:
                refusal = error.message
        trial = _Trial(stack.enter_context(Probe(folder)), within, cut)
        deeds = tuple(trial.seen(deed, notify) for deed in Deed)
    silent = [seen.deed.value for seen in deeds if seen.by != "events"]
    if notify is not None and silent:
        refusal = f"the kernel did not tell of: {', '.join(silent)}"
    way = decide(watching, refusal=refusal, remote=remote_among([device]))
    return Outcome(folder=folder, kind=shown(kind_of(device)), way=way, poll=poll, deeds=deeds)


def _device_of(folder: bytes) -> int:
    """What a folder lies on (st_dev).

    Raises:
        WatchTrialError: it is no folder, or not there.
    """
    try:
        status = Path(os.fsdecode(folder)).stat()
        os.scandir(folder).close()
    except OSError as error:
        raise WatchTrialError(f"{shown(folder)}: {error.strerror or type(error).__name__}") from error
    if not stat.S_ISDIR(status.st_mode):
        raise WatchTrialError(f"{shown(folder)}: is no folder")
    return status.st_dev


@contextlib.contextmanager
def _signals_heeded() -> Iterator[threading.Event]:
    """Have signals ask for the end, in place of causing it; gives what is set by them."""
    cut = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    if threading.current_thread() is not threading.main_thread():
        yield cut
        return
    before = {number: signal.signal(number, lambda *_: cut.set()) for number in numbers}
    try:
        yield cut
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
