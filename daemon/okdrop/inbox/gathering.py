"""Everything that is found out about a video beside its name and its folder; blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop.inbox.beneath import LinkedError, require_unlinked
from okdrop.inbox.ffprobe import NoProbeError, probe
from okdrop.inbox.revision import moment
from okdrop.inbox.sidecars import read
from okdrop.metadata import Beside, render
from okdrop.metadata.media import NO_MEDIA

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable

    from okdrop.drop import Drop
    from okdrop.inbox.sidecars import Seen
    from okdrop.metadata import Metadata, Settings
    from okdrop.metadata.media import Media


_NONE: Final[tuple[str, ...]] = ()


def gather(
    settings: Settings,
    path: bytes,
    sidecars: Iterable[Seen],
    *,
    folder: bytes = b"",
    unwanted: threading.Event | None = None,
) -> Beside:
    """Read the sidecars; and look into the file, where a template speaks of what only that tells.

    Args:
        settings: of the video's folder.
        path: of the video, absolute.
        sidecars: those that were seen beside it.
        folder: the watched folder; a file to which a link below it leads is not looked into.
        unwanted: set when nobody waits for it any more.
    """
    media, remarks = NO_MEDIA, _NONE
    if settings.looks_inside:
        try:
            require_unlinked(path, folder)
            media = _media(settings.ffprobe, path, unwanted)
        except (NoProbeError, LinkedError) as error:
            remarks = (str(error),)
    return Beside(sidecars=read(sidecars), media=media, remarks=remarks)


def described(settings: Settings, drop: Drop, beside: Beside) -> Metadata:
    """What the video of a file is called, by all that is known.

    Raises:
        GaveUp: (`metadata_template`) a template fails for this very file.
    """
    return render(
        settings,
        drop.path,
        drop.folder,
        size=drop.revision.size,
        modified=moment(drop.revision.mtime_ns),
        title=drop.title,
        beside=beside,
    )


def _media(program: str, path: bytes, unwanted: threading.Event | None) -> Media:
    if not program:
        raise NoProbeError("`metadata.ffprobe` is switched off: what the file's contents say is not known")
    return probe(program, path, unwanted=unwanted)
