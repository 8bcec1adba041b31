"""Hints that something happened in some folders: kernel events, by way of watchfiles.

A hint makes things quick and guarantees nothing; scans do that. What watchfiles' own face would do to us is
the reason for this one:

- It watches trees, follows symbolic links out of them (a link to / would watch the whole machine), and
  swallows every refusal, the watch limit too, once it is to bear folders that may not be read. So it gets
  the folders by name, as a scan listed them, each without what is below.
- One file name that is not UTF-8 ends a watch; so does whatever else it raises. `Hints.wait` tells, and
  the watch has to be begun anew.
- It drops the kernel's word that events were lost (IN_Q_OVERFLOW). Nothing tells that; a batch of hints as
  large as that queue may be is a reason to scan.
- It waits in a thread. That is ours, so that those which others wait for are never used up.
- The kernel watches a folder, not the path it lies at. Of one that was removed, or renamed, the watch is over
  for good, though another folder lies there a moment later; it says so in no other way than by the hint that
  the folder was deleted or added. So such a folder counts as watched no more.
- It gathers hints for a while before it tells of them, and forgets those it holds once it is asked to stop.
  So a watch that is replaced listens on until it has told of all that happened before the next one began.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import threading
from typing import TYPE_CHECKING, Final

from watchfiles import Change, _rust_notify

from okdrop.errors import OkdropError
from okdrop.inbox.own_thread import begun

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from okdrop.inbox.walk import Identity

STEP: Final = 100
"""Milliseconds between two looks of the watching thread."""

GATHER: Final = 400
"""Milliseconds for which hints that go on coming are gathered into one batch."""

LISTENS_ON: Final = GATHER // STEP + 4
"""Looks that the thread of a replaced watch takes before it ends: a few more than its last hints need.
They are counted, not timed: a process that was stopped meanwhile has them still before it."""

MANY: Final = 5000
"""So many hints at once are a reason to scan: that costs less, and finds what a full queue lost."""

_LIMIT_HINT: Final = "raise fs.inotify.max_user_watches (sysctl)"
_RENAME_HINT: Final = (
    "rename it; meanwhile every file is still found, that one too, by looking through the folder"
)
_UNDECODABLE: Final = re.compile(r'decode path "(.+)"', re.DOTALL)
"""How watchfiles names the path at fault: in quotes, with escapes for what is no text."""
_INSTANCES_HINT: Final = "raise fs.inotify.max_user_instances (sysctl)"


class NoHints(OkdropError):
    """A watch cannot be had, or has ended."""

    code = "no_hints"
    hint = "every file is found all the same, by looking through the folder"


class _Watch:
    """One watch over some folders, from its construction until it is closed or ends by itself.

    Args:
        folders: absolute; none of what is below them.
        tell: called with it, and with changes and the paths of them, from another thread.
        ended: called with it, and with the reason when it ends by itself, from another thread.

    Raises:
        NoHints: it cannot be had.
    """

    def __init__(
        self,
        folders: Collection[bytes],
        tell: Callable[[_Watch, set[tuple[int, bytes]]], None],
        ended: Callable[[_Watch, str], None],
    ) -> None:
        self._notify: Final = notifier(folders)
        self._tell: Final = tell
        self._ended: Final = ended
        self._closing: Final = threading.Event()
        self._looks_left: int | None = None
        self._thread: Final = threading.Thread(target=self._listen, name="hints", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Wait until it is over, and has told all it tells. Blocks."""
        self._thread.join()

    def close(self) -> None:
        """End soon; the thread lets go of the kernel's resources."""
        self._closing.set()

    def retire(self) -> None:
        """The same, but tell before of all that happened until now."""
        self._looks_left = LISTENS_ON

    def is_set(self) -> bool:
        """Whether to end now; watchfiles asks that before each look."""
        if self._looks_left is not None:
            self._looks_left -= 1
            if self._looks_left < 0:
                self._closing.set()
        return self._closing.is_set()

    def _listen(self) -> None:
        reason = "the watch ended"
        try:
            while isinstance(changes := self._notify.watch(GATHER, STEP, 0, self), set):
                self._tell(self, {(change, os.fsencode(path)) for change, path in changes})
        except BaseException as error:  # noqa: BLE001 - the thread's edge; a panic in Rust is no Exception
            reason = str(error) or type(error).__name__
        finally:
            self._notify.close()
        if not self._closing.is_set():
            self._ended(self, reason)


class Hints:
    """The watch of one folder and of the folders in it, begun anew as they change. Used in the event loop."""

    def __init__(self) -> None:
        self._watch: _Watch | None = None
        self._before: _Watch | None = None  # the one that was replaced last; it may listen on
        self._folders: dict[bytes, Identity] = {}
        self._paths: set[bytes] = set()
        self._lost = ""
        self._news: Final = asyncio.Event()

    @property
    def folders(self) -> Mapping[bytes, Identity]:
        """What is watched now; empty while there is no watch, and without what was removed or renamed."""
        return self._folders

    async def watch(self, folders: Mapping[bytes, Identity]) -> None:
        """Watch these folders from now on, in place of those before, without a gap between.

        Folders whose names are not UTF-8, and those that vanish meanwhile, are left to the scans.

        Raises:
            NoHints: the watch cannot be had; there is none then.
        """
        loop = asyncio.get_running_loop()
        tell, ended = _posted(loop, self._hinted), _posted(loop, self._end)
        if self._before is not None:
            await begun(self._before.join, name="watch")  # never more than two, however many folders come
        try:
            watch = await begun(lambda: _Watch(folders, tell, ended), name="watch")
        except NoHints:
            self.close()
            raise
        if self._watch is not None:
            self._watch.retire()
        self._before, self._watch, self._folders = self._watch, watch, dict(folders)
        watch.start()

    async def wait(self, timeout: float) -> set[bytes]:  # noqa: ASYNC109 - running out of time is an answer
        """Wait for hints, at most `timeout` seconds.

        Returns:
            Paths at which something happened: a file or a folder, that may be gone. Empty: nothing did.

        Raises:
            NoHints: the watch ended; whatever happened since the last hint is unknown.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._news.wait()
        self._news.clear()
        paths, self._paths = self._paths, set()
        if self._lost:
            reason = self._lost
            self.close()
            raise _loss(reason)
        return paths

    def close(self) -> None:
        """Watch nothing any more."""
        for watch in (self._before, self._watch):
            if watch is not None:
                watch.close()
        self._before, self._watch, self._folders, self._lost = None, None, {}, ""

    def _hinted(self, watch: _Watch, changes: set[tuple[int, bytes]]) -> None:
        """Note what one of the watches heard; only the last one knows which folders are watched no more."""
        if watch is self._watch:
            for change, path in changes:
                if change != Change.modified:
                    self._folders.pop(path, None)
        if len(self._paths) <= MANY:  # more than many are a reason to scan, whichever they are
            self._paths |= {path for _, path in changes}
        self._news.set()

    def _end(self, watch: _Watch, reason: str) -> None:
        if watch in {self._watch, self._before}:
            self._lost = reason
            self._news.set()


def notifier(folders: Collection[bytes]) -> _rust_notify.RustNotify:
    """Start to watch folders, none of what is below them; one may vanish at any moment. Blocks.

    Those whose names are not UTF-8 are left out.

    Raises:
        NoHints: the kernel refuses, or nothing is left to watch.
    """
    names = [os.fsdecode(folder) for folder in sorted(folders) if _is_utf8(folder)]
    while names:
        try:
            return _rust_notify.RustNotify(names, False, False, 0, False, False)
        except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
            left = [name for name in names if os.access(name, os.R_OK | os.X_OK)]
            if len(left) == len(names):
                raise NoHints(str(error)) from error
            names = left
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            raise _refusal(str(error) or type(error).__name__) from error
    raise NoHints("there is no folder that could be watched")


def _loss(reason: str) -> NoHints:
    """What it means that a watch ended."""
    if (named := _UNDECODABLE.search(reason)) is not None:
        return NoHints(f"a name is not UTF-8, which ends the watch: {named[1]}", hint=_RENAME_HINT)
    return NoHints(reason)


def is_undecodable(reason: str) -> bool:
    """Whether a watch ended for a name that is not UTF-8."""
    return _UNDECODABLE.search(reason) is not None


def _refusal(reason: str) -> NoHints:
    """What it means that a watch cannot be had."""
    if "watch limit" in reason:  # ENOSPC
        return NoHints("the kernel's limit of watches is reached", hint=_LIMIT_HINT)
    if "os error 24" in reason:  # EMFILE, of inotify_init
        return NoHints("the kernel's limit of watchers is reached", hint=_INSTANCES_HINT)
    return NoHints(reason)


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _posted(loop: asyncio.AbstractEventLoop, call: Callable[..., None]) -> Callable[..., None]:
    """The same call, made in the loop's thread; a loop that is closed needs no hints."""

    def post(*arguments: object) -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(call, *arguments)

    return post
