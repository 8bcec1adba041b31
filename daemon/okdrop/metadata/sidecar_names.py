"""Which sidecars belong to a video, by name alone.

    talk.mp4    talk.mp4.json, talk.json, talk.mp4.toml, talk.toml, talk.mp4.info.json, talk.info.json, …

The order is that of precedence: that of the folder's `sidecars`, and of each kind the longer name first,
since it names the video alone. A camera, or a shop's programs, call them CLIP.JSON beside CLIP.MP4: of each
name the kind is looked for in small letters, and then in capitals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop.names import RECEIPT

if TYPE_CHECKING:
    from collections.abc import Iterable

_RECEIPT: Final = RECEIPT.encode()

KINDS: Final = ("json", "toml", "info.json", "nfo", "txt")
"""Every kind there is, in the order in which they go without a word of the configuration.

What a person writes for an uploader goes before what programs leave beside a video: `info.json` is yt-dlp's,
`nfo` is Kodi's. A text is a description alone.
"""


def belonging(name: bytes, kinds: Iterable[str] = KINDS) -> tuple[tuple[bytes, str], ...]:
    """The sidecars that a video may have: name and kind, in order of precedence.

    Args:
        name: the video's own name, or its path; that is then the place of the sidecars, too.
        kinds: those that are heeded, of `KINDS`, in their order.
    """
    found: dict[bytes, str] = {}
    for kind in kinds:
        for base in (name, _stem(name)):
            for spelling in (kind, kind.upper()):
                sidecar = base + b"." + spelling.encode()
                if not sidecar.lower().endswith(_RECEIPT):  # what we wrote ourselves says nothing
                    found.setdefault(sidecar, kind)
    return tuple(found.items())


def _stem(path: bytes) -> bytes:
    above, slash, name = path.rpartition(b"/")
    stem, _, tail = name.rpartition(b".")
    return above + slash + (stem if stem.strip(b".") and tail else name)
