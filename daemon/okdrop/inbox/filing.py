"""Putting a published file away: to where its folder says, or out of the world. Blocking, for a thread.

Before each step it is looked at three places, and `errand.decide` says what comes next. A file that is not,
or no longer, the revision that was published is put back and left alone. At every moment its content has
at least one name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from okdrop.errors import SourceChanged, Trouble
from okdrop.events import shown
from okdrop.inbox import placing
from okdrop.inbox.errand import CAUGHT, PARTIAL, End, Place, Step, decide
from okdrop.inbox.lease import Writer, look_for_writer
from okdrop.inbox.revision import revision_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence

    from okdrop.drop import Revision
    from okdrop.inbox.errand import Errand

_STEPS: Final = 20
"""More than any way takes; a file that is replaced again and again may use them up."""

_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


_ENDS: Final = {
    Step.AIM_ANEW: End.TAKEN,
    Step.DONE: End.DONE,
    Step.LEAVE: End.LEFT,
    Step.GONE: End.GONE,
}


def put_away(errand: Errand, stop: threading.Event) -> End:
    """Go on until the file is put away, or need not or cannot be.

    Raises:
        Trouble: not now (`file_in_use`, `filing_denied`, `filing_no_room`, `filing_failed`, `copy_damaged`).
    """
    with translated():
        try:
            return _Filing(errand, stop).run()
        except placing.StoppedError:
            return End.STOPPED


def give_up(errand: Errand) -> None:
    """Undo what an errand began that is not wanted any more: nothing hidden stays.

    Raises:
        Trouble: as `put_away`.
    """
    with translated():
        _clear_partial(errand)
        if os.path.lexists(errand.caught):
            _put_back(errand)


def make_folders(target: bytes) -> None:
    """Create the folders that a target lies in.

    Raises:
        Trouble: as `put_away`.
    """
    with translated():
        os.makedirs(os.path.dirname(target), exist_ok=True)


def is_folder(path: bytes) -> bool:
    """Whether a folder lies there, as far as can be seen; a link to one counts."""
    return os.path.isdir(path)


class _Filing:
    """One errand on its way."""

    def __init__(self, errand: Errand, stop: threading.Event) -> None:
        self._errand: Final = errand
        self._stop: Final = stop
        self._known: Final = {errand.revision}  #: what is proven to be the published revision
        self._seen: Final[dict[bytes, Revision]] = {}  #: what lay where at the latest look
        self._must_copy = False

    def run(self) -> End:
        _clear_partial(self._errand)  # of an earlier life, half or landed already
        for _ in range(_STEPS):
            target = self._errand.target
            source, caught = self._look(self._errand.source), self._look(self._errand.caught)
            step = decide(source, caught, None if target is None else self._look_at_target(target))
            end = self._take(step)
            if end is not None:
                _clear_partial(self._errand)
                return end
        raise Trouble(f"{shown(self._errand.source)} is replaced again and again", code="file_in_use")

    # --- looks ----------------------------------------------------------------------------------------

    def _look(self, path: bytes) -> Place:
        """Device and inode may differ from those of the ledger (network mounts renumber); content decides."""
        status = _status(path)
        if status is None:
            return Place.NOTHING
        revision, wanted = revision_of(status), self._errand.revision
        self._seen[path] = revision
        if not stat.S_ISREG(status.st_mode):
            return Place.OTHER
        if revision in self._known:
            return Place.OURS
        if (revision.size, revision.mtime_ns) != (wanted.size, wanted.mtime_ns):
            return Place.OTHER
        return self._prove(path, revision, self._errand.digest)

    def _look_at_target(self, path: bytes) -> Place:
        """A copy has another inode, and maybe another time: its content tells."""
        status = _status(path)
        if status is None:
            return Place.NOTHING
        revision = revision_of(status)
        if not stat.S_ISREG(status.st_mode) or revision.size != self._errand.revision.size:
            return Place.OTHER
        if revision in self._known:
            return Place.OURS
        digest = self._digest()
        if digest is None:
            return Place.OURS  # neither known nor to be had: nothing is left that could get lost by it
        return self._prove(path, revision, digest)

    def _prove(self, path: bytes, revision: Revision, digest: bytes | None) -> Place:
        if digest is None or placing.digest_at(path, self._stop, like=digest) != digest:
            return Place.OTHER
        self._known.add(revision)
        return Place.OURS

    def _digest(self) -> bytes | None:
        """The content's digest: the ledger's, or that of the file, if it is still to be had."""
        for path in (self._errand.source, self._errand.caught):
            if self._errand.digest is None and self._look(path) is Place.OURS:
                return placing.digest_at(path, self._stop)
        return self._errand.digest

    # --- steps ----------------------------------------------------------------------------------------

    def _take(self, step: Step) -> End | None:
        """Carry it out; returns how it ended, if it did."""
        match step:
            case Step.BRING if self._differs():
                return self._copy()
            case Step.BRING | Step.CATCH:
                self._catch()
            case Step.LAND:
                self._land()
            case Step.DROP:
                return self._drop()
            case Step.PUT_BACK:
                _put_back(self._errand)
            case _:
                return _ENDS[step]
        return None

    def _differs(self) -> bool:
        """Whether the target lies on another file system."""
        target = self._errand.target
        return self._must_copy or (target is not None and _device(target) != _device(self._errand.source))

    def _catch(self) -> None:
        _refuse_writers(self._errand.source)
        os.rename(self._errand.source, self._errand.caught)

    def _copy(self) -> End | None:
        errand = self._errand
        if errand.target is None or errand.partial is None:
            return None
        folder = os.path.dirname(errand.source)
        if not os.access(folder, os.W_OK | os.X_OK):  # or it would be copied again and again
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
        _refuse_writers(errand.source)
        with contextlib.suppress(SourceChanged):  # the next look tells
            digest = placing.copy(
                errand.source, self._seen[errand.source], errand.partial, self._stop, like=errand.digest
            )
            if errand.digest is not None and digest != errand.digest:
                os.unlink(errand.partial)
                return End.LEFT  # changed, though its size and times say nothing of it
            self._bring_down(errand.partial, errand.target)
        return None

    def _land(self) -> None:
        errand = self._errand
        self._refuse_writers_of_caught()
        try:
            self._bring_down(errand.caught, errand.target or b"")
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._must_copy = True  # one device, two mounts
            _put_back(errand)

    def _bring_down(self, path: bytes, target: bytes) -> None:
        # Taken: the next look tells by whom. NFS may say so of what a repeated request of ours made itself.
        with contextlib.suppress(FileExistsError):
            placing.land(path, target)
            self._known.add(revision_of(os.lstat(target)))

    def _drop(self) -> End | None:
        self._refuse_writers_of_caught()
        os.unlink(self._errand.caught)
        placing.sync_folder(self._errand.caught)
        return End.DONE if self._errand.target is None else None

    def _refuse_writers_of_caught(self) -> None:
        """Whoever opened it before it was caught may still write: then it goes back under its name."""
        try:
            _refuse_writers(self._errand.caught)
        except Trouble:
            _put_back(self._errand)
            raise


def _status(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _device(path: bytes) -> int:
    return os.stat(os.path.dirname(path)).st_dev


def _refuse_writers(path: bytes) -> None:
    if look_for_writer(path) is Writer.WRITING:
        raise Trouble(f"{shown(path)} is held open by a writer", code="file_in_use")


def _put_back(errand: Errand) -> None:
    """Under its own name, or, where another file has that by now, a numbered one beside it."""
    target = errand.source
    while True:
        try:
            placing.land(errand.caught, target)
        except FileExistsError:
            target = placing.free(errand.source)
        else:
            return


def _clear_partial(errand: Errand) -> None:
    if errand.partial is not None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(errand.partial)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what the system refuses into `Trouble` (`translation`)."""
    try:
        yield
    except OSError as error:
        raise translation(error) from error


def _denying(names: Sequence[bytes]) -> str:
    """Which folder it is that may not be written, of those that hold what could not be renamed or made."""
    whole = [name for name in names if os.path.isabs(name)]
    folders = [name if is_folder(name) else os.path.dirname(name) for name in whole]
    refused = [folder for folder in folders if not os.access(folder, os.W_OK | os.X_OK)]
    found = next(iter(refused or folders), None)
    return "the folder" if found is None else f"the folder {shown(found)}"


def translation(error: OSError) -> Trouble:
    """What stands in the way of putting a file away; never for good: somebody may mend it."""
    names = [os.fsencode(name) for name in (error.filename2, error.filename) if isinstance(name, str | bytes)]
    plain = [name for name in names if not os.path.basename(name).startswith((CAUGHT, PARTIAL))]
    where = f"{shown((plain or names)[0])}: " if names else ""
    said = where + (error.strerror or type(error).__name__)
    if error.errno in _FORBIDDEN:
        hint = f"let okdrop's user write to {_denying(names)}; the file is whole, and it is tried again"
        return Trouble(said, code="filing_denied", hint=hint)
    if error.errno in _FULL:
        hint = "make room where `move_to` lies; the file is whole, and it is tried again"
        return Trouble(said, code="filing_no_room", hint=hint)
    hint = "look after the disk or the mount; the file is whole, and it is tried again"
    return Trouble(said, code="filing_failed", hint=hint)
