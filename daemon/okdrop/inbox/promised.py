"""Whether a file has the checksum that a manifest promises; reads it whole."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from okdrop.inbox.contents import hashed
from okdrop.inbox.reading import PLAIN
from okdrop.inbox.source import Source

if TYPE_CHECKING:
    from okdrop.drop import Drop
    from okdrop.inbox.done import Said
    from okdrop.inbox.reading import Reading


async def broken_promise(drop: Drop, said: Said, *, reading: Reading = PLAIN) -> str:
    """What of a settled file is not as it was said, in words; "": all is; `reading` is how it is read.

    Raises:
        SourceChanged: it is another revision by now.
        GaveUp: it cannot be read.
        Trouble: it cannot be read just now.
    """
    if misfit := said.misfit(drop.revision):
        return misfit
    promise = said.promise
    if not promise.algorithm:
        return ""
    # md5 where the manifest has it: against a copy that went wrong, not against a forger.
    made = hashlib.new(promise.algorithm, usedforsecurity=False)
    await hashed(await Source.open(drop.path, drop.revision, reading=reading), made.update)
    if made.hexdigest() == promise.checksum:
        return ""
    return f"its {promise.algorithm} is not the one in {said.by}"
