"""The file that is being sent: its bytes, and the certainty that they are those of one revision.

Two revisions are never stitched together. So every segment is read through a handle of its own, and both
the handle's stat and the path's are compared with the revision before its first block leaves and before
its last one does. A file that came out different is not padded, cut or waited for: it is another revision.
One that only has another name by now is the same revision: while it is held (`held`), it is followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, Final, Self

from okdrop.errors import GaveUp, LocalProtocolError, SourceChanged, Trouble, UploadError
from okdrop.events import shown
from okdrop.inbox.blocks import Blocks, NotedFile
from okdrop.inbox.hold import Hold
from okdrop.inbox.reading import PLAIN
from okdrop.inbox.revision import revision_of

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

    from okdrop.drop import Revision
    from okdrop.inbox.blocks import Note
    from okdrop.inbox.reading import Reading
    from okdrop.protocol.ranges import ByteRange

BLOCK_SIZE: Final = 256 * 1024
"""Bytes read at a time while sending."""

FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Nothing but a file is followed or waited for: by now the path may be a link or a pipe."""

_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_NO_FILE: Final = frozenset({errno.ELOOP, errno.ENXIO, errno.EISDIR})
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM})
_PASSING: Final = frozenset(
    {
        errno.EAGAIN,  # somebody's lease is being broken
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ESTALE,  # a network mount that lost its server for a while, as the following
        errno.ETIMEDOUT,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENOTCONN,
    }
)


class Source:
    """One revision of the file at a path.

    The revision is compared whole (device, inode, size, mtime), so it must have been seen by this
    process; one that was remembered from an earlier run comes in through `open`.

    Args:
        path: absolute; another one once the file was followed to it.
        revision: what every byte read has to belong to.
        reading: how they are read.
    """

    __slots__ = ("_hold", "_place", "path", "reading", "revision", "was_deleted")

    def __init__(self, path: bytes, revision: Revision, *, reading: Reading = PLAIN) -> None:
        self.path = path
        self.reading = reading
        self.revision = revision
        self.was_deleted = False  #: the held file was seen to have no name any more: it never will again
        self._hold: Hold | None = None
        self._place: Callable[[bytes], bytes | None] = _nowhere

    @classmethod
    async def open(cls, path: bytes, expected: Revision, *, reading: Reading = PLAIN) -> Self:
        """Bind to the file that lies at the path now, if it still has the expected size and mtime.

        Device and inode may differ this once: network and overlay mounts renumber them from one start
        to the next. The source is bound to those seen now.

        Raises:
            SourceChanged: another size or mtime (`source_changed`), or no file (`source_gone`).
            GaveUp: the path may not be looked at (`source_unreadable`, `source_read`).
            Trouble: passing (`source_busy`).
        """
        seen = await asyncio.to_thread(_look, path)
        if (seen.size, seen.mtime_ns) != (expected.size, expected.mtime_ns):
            raise _changed(path)
        source = cls(path, seen, reading=reading)
        async with source._opened(0):  # now, not when OK has made an entry for it
            return source

    @contextlib.asynccontextmanager
    async def held(self, place: Callable[[bytes], bytes | None]) -> AsyncIterator[None]:
        """Hold the file open, and follow it to another name meanwhile.

        A file that cannot be held is not followed; whatever is the matter with it, the next look tells.

        Args:
            place: what a path is called by us, if the file may be sent from there; called in threads.
        """
        self._place = place
        taking = asyncio.ensure_future(asyncio.to_thread(self._take_hold))
        try:
            await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(self._let_go_late)  # a mount that hangs must not hold up the end
            raise
        try:
            yield
        finally:
            await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(self._let_go)))

    def _take_hold(self) -> None:
        with contextlib.suppress(UploadError, OSError):
            self._hold = Hold(self._descriptor(), forgets=self.reading.is_gentle)

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.close()

    def _let_go_late(self, _taken: asyncio.Future[None]) -> None:
        asyncio.get_running_loop().run_in_executor(None, self._let_go)

    async def check(self) -> None:
        """Make sure that the path, or the one that the file was followed to, still holds this revision.

        Raises:
            SourceChanged: it holds another (`source_changed`) or none (`source_gone`).
            GaveUp: the path may not be looked at (`source_unreadable`, `source_read`).
            Trouble: passing (`source_busy`).
        """
        await asyncio.to_thread(self._compare)

    async def read(
        self, span: ByteRange, *, block_size: int = BLOCK_SIZE, note: Note | None = None
    ) -> AsyncGenerator[bytes | memoryview, None]:
        """Read a span, block after block; use it in `contextlib.aclosing`.

        At most one block is held; `note` is given each in the thread that read it. The revision is compared
        once more before the last block is given out: a segment of a file that changed meanwhile never becomes
        complete on the wire.

        Raises:
            SourceChanged: the file is not, or no longer, this revision.
            GaveUp: the file cannot be read (`source_unreadable`, `source_read`).
            Trouble: passing (`source_busy`).
            LocalProtocolError: the span runs past the end of the revision.
        """
        if span.stop > self.revision.size:
            raise LocalProtocolError(f"no bytes {span.start}:{span.stop} in a file of {self.revision.size}")
        async with self._opened(span.start, note) as file:
            blocks = Blocks(file, len(span), block_size)
            while blocks.left:
                with _translated(self.path):
                    block = await blocks.next()
                if not block:
                    raise _changed(self.path)
                if not blocks.left:
                    await asyncio.to_thread(self._compare, file.fileno())
                yield block

    @contextlib.contextmanager
    def opened(self) -> Iterator[io.FileIO]:
        """The file, open and unbuffered, for a thread that reads it; compared before and, used up, after.

        Raises:
            SourceChanged, GaveUp, Trouble: as `read`.
        """
        with _translated(self.path), open(self.path, "rb", buffering=0, opener=self._opener(0)) as file:
            yield file
            self._compare(file.fileno())

    def ends_early(self) -> SourceChanged:
        """What to raise where fewer bytes come than this revision has."""
        return _changed(self.path)

    @contextlib.asynccontextmanager
    async def _opened(self, start: int, note: Note | None = None) -> AsyncIterator[NotedFile]:
        """The file, open at an offset, closed whatever happens.

        Threads cannot be cancelled: an open that is under way when its caller is cancelled ends in a
        handle which nobody waits for, and a close that has not begun yet must not be taken back.
        """
        opening = asyncio.ensure_future(self._open_at(start, note))
        try:
            file = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_unwanted)
            raise
        try:
            yield file
        finally:
            await asyncio.shield(asyncio.to_thread(file.close))

    async def _open_at(self, start: int, note: Note | None) -> NotedFile:
        with _translated(self.path):
            return await asyncio.to_thread(
                NotedFile, os.fsdecode(self.path), self._opener(start), note, reading=self.reading
            )

    def _opener(self, start: int) -> Callable[[str, int], int]:
        """What opens, compares and seeks within one visit to a thread."""

        def opener(_path: str, _flags: int) -> int:
            descriptor = self._descriptor()
            try:
                os.lseek(descriptor, start, os.SEEK_SET)
            except BaseException:
                os.close(descriptor)
                raise
            return descriptor

        return opener

    def _descriptor(self) -> int:
        """Open the file; once more, if it got another name between a look and the opening."""
        path = self.path
        try:
            return self._compared(os.open(path, FLAGS))
        except (FileNotFoundError, NotADirectoryError, SourceChanged):
            if self.path == path and not self._followed():
                raise
        return self._compared(os.open(self.path, FLAGS))

    def _compared(self, descriptor: int) -> int:
        try:
            self._compare(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _compare(self, descriptor: int | None = None) -> None:
        try:
            if _look(self.path) != self.revision:
                raise _changed(self.path)
        except SourceChanged:
            if not self._followed():
                raise
        if descriptor is not None and revision_of(os.fstat(descriptor)) != self.revision:
            raise _changed(self.path)

    def _followed(self) -> bool:
        """Whether this very revision is held, and lies at another path now, which is ours from here on."""
        hold = self._hold
        if hold is None:
            return False
        path = hold.whereabouts(self.revision, self._place)
        if path is None:
            self.was_deleted = hold.is_deleted()
            return False
        self.path = path
        return True


def _nowhere(_path: bytes) -> None:
    return None


def _look(path: bytes) -> Revision:
    with _translated(path):
        status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        raise _changed(path)
    return revision_of(status)


def _close_unwanted(opening: asyncio.Future[NotedFile]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _changed(path: bytes) -> SourceChanged:
    return SourceChanged(f"{shown(path)} changed after it was taken")


@contextlib.contextmanager
def _translated(path: bytes) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _translation(path, error) from error


def _translation(path: bytes, error: OSError) -> UploadError:
    name, reason = shown(path), error.strerror or type(error).__name__
    if error.errno in _GONE:
        hint = "if that was meant, nothing is left to do; else put it back, and it is taken up again"
        return SourceChanged(f"{name} is gone", code="source_gone", hint=hint)
    if error.errno in _NO_FILE:
        return _changed(path)
    if error.errno in _FORBIDDEN:
        return GaveUp(
            f"{name} may not be read: {reason}",
            code="source_unreadable",
            hint="let okdrop's user read the file and enter its folders, then retry",
        )
    if error.errno in _PASSING:
        return Trouble(f"{name} cannot be read now: {reason}", code="source_busy")
    return GaveUp(
        f"{name} cannot be read: {reason}",
        code="source_read",
        hint="look after the disk or the network mount that holds it, then retry",
    )
