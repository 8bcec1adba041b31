"""Which watched folder holds a file, what keeps a scan from finding it there, and when its turn comes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from okdrop.events import shown
from okdrop.inbox.future import FutureFiles
from okdrop.inbox.named import is_link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from okdrop.config import Config, Watch
    from okdrop.drop import Revision


def where(watches: Sequence[Watch], path: bytes) -> tuple[bytes, int | None]:
    """The file as a scan would name it, and the number of the folder that holds it."""
    named = Path(os.fsdecode(path))
    real = Path(os.path.realpath(named.parent)) / named.name
    for candidate, folders in (
        (named, [watch.path for watch in watches]),
        (real, [Path(os.path.realpath(watch.path)) for watch in watches]),
    ):
        for index, folder in enumerate(folders):
            if candidate.is_relative_to(folder) and candidate != folder:
                return os.fsencode(watches[index].path / candidate.relative_to(folder)), index
    return path, None


def against(watches: Sequence[Watch], index: int | None, path: bytes) -> Iterator[str]:
    """What keeps a scan from finding the file, beside what it is."""
    if index is None:
        if any(os.path.realpath(os.fsdecode(path)) == os.path.realpath(watch.path) for watch in watches):
            yield "it is a watched folder itself: name a file in it"
            return
        folders = ", ".join(shown(os.fsencode(watch.path)) for watch in watches) or "none is configured"
        yield f"no watched folder holds it; watched: {folders}"
        return
    watch, names, table = watches[index], watches[index].names, label(watches[index])
    if watch.marker and not os.path.lexists(watch.path / watch.marker):
        yield f"the folder {watch.path} lacks its marker {eye(watch.marker)}: it counts as not mounted"
    *above, name = Path(os.fsdecode(path)).relative_to(watch.path).parts
    yield from _on_its_way(watch, above)
    if (pattern := names.ignoring(name)) is not None:
        yield f'its name is passed over, by the pattern "{pattern}" of {table}'
    if not names.is_video(name):
        yield f"its name has none of the suffixes of {table}: {', '.join(watch.suffixes)}"


def label(watch: Watch) -> str:
    """The table of the configuration that a folder is from: nobody counts them."""
    return f"[[watch]] {eye(watch.path)}"


def against_by_rules(watch: Watch, path: bytes, revision: Revision, now: float) -> Iterator[str]:
    """What of a folder's rules leaves the file; `now` is seconds since the epoch."""
    below = str(Path(os.fsdecode(path)).relative_to(watch.path))
    by_path = watch.rules.left_by_path(below)
    size = revision.size
    since_ns = FutureFiles().counted_from(
        path, size=size, mtime_ns=revision.mtime_ns, ctime_ns=_inode_changed(path), now=now
    )
    by_facts = watch.rules.left_by_facts(size=size, mtime_ns=since_ns, now=now)
    for left in filter(None, (by_path, by_facts)):
        yield f"it is passed over, by `{left.rule}` of {label(watch)}: {left.reason}"


def _inode_changed(path: bytes) -> int | None:
    try:
        return os.lstat(path).st_ctime_ns
    except OSError:
        return None


def _on_its_way(watch: Watch, above: Sequence[str]) -> Iterator[str]:
    """What keeps a scan from coming to these folders, each in the one before."""
    table = label(watch)
    if watch.deepest is not None and len(above) > watch.deepest:
        yield f"it lies {len(above)} folders deep, and {table} looks no deeper than {watch.deepest} (depth)"
    place = watch.path
    for part in above:
        place /= part
        if (pattern := watch.names.ignoring(part)) is not None:
            yield f'the folder {eye(part)} on its way is passed over, by the pattern "{pattern}" of {table}'
        if is_link(os.fsencode(place)):
            yield f"the folder {eye(part)} on its way is a symbolic link, and those are not followed"


def turn(config: Config, folder: str) -> str:
    """When the turn of a queued file of this watched folder comes."""
    priorities = {str(watch.path): watch.priority for watch in config.watch}
    own = priorities.get(folder, 0)
    text = f'"{config.upload.order}" first (upload.order)'
    if {own, *priorities.values()} == {0}:
        return f"{text}, behind what has begun"
    return f"{text}, among files of priority {own} (watch.priority): behind what has begun, and a higher one"


def eye(name: str | Path) -> str:
    """A name or path as it may be shown."""
    return shown(os.fsencode(name))
