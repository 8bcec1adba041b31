"""What the ledger keeps in order to prove that two files are equal; each on a connection in a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop.drop import UNFINISHED
from okdrop.leaves import assembled
from okdrop.ledger import queries
from okdrop.ledger.rows import upload_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from okdrop.drop import Upload


MOST_ALIKE: Final = 256
"""Others of one size and sample that are looked at."""

MOST_UNSAMPLED: Final = 64
"""Others of one size and no known sample that are looked at, as each has to be read for it: so many files of
one size are pieces of a fixed size, and to have that is no suspicion.
"""


def keep_leaves(connection: Connection, before: Upload, row: Upload, parts: Mapping[int, bytes]) -> None:
    """Store parts of leaf hashes; once the root stands, or nothing goes on by itself, they are of no use."""
    ended = row.state is not before.state and row.state not in UNFINISHED
    if row.digest is not None or ended:
        if row.digest != before.digest or ended:
            connection.execute(queries.FORGET_LEAVES, {"row_id": row.id})
        return
    if row.ticket is None:
        return
    for part, hashes in parts.items():
        connection.execute(queries.FORGET_PART, {"row_id": row.id, "number": part})
        kept = {"upload_id": row.id, "part": part, "video_id": row.ticket.video_id, "hashes": hashes}
        connection.execute(queries.KEEP_PART, kept)


def leaves(connection: Connection, upload: Upload) -> bytes:
    """The leaf hashes that are kept of an upload's present video, as `okdrop.leaves.Leaves` takes them."""
    if upload.ticket is None:
        return b""
    keys = {"row_id": upload.id, "video": upload.ticket.video_id}
    return assembled({row.part: row.hashes for row in connection.execute(queries.LEAVES_OF, keys)})


def twins(connection: Connection, upload: Upload) -> list[Upload]:
    """What may be of the same bytes, oldest first; see `Ledger.twins`."""
    keys = {"row_id": upload.id, "size": upload.drop.revision.size}
    alike = {"sample": upload.sample, "at_most": MOST_ALIKE}
    rows = [*connection.execute(queries.TWINS, keys | alike)] if upload.sample is not None else []
    rows += connection.execute(queries.UNSAMPLED, keys | {"at_most": MOST_UNSAMPLED})
    return sorted(map(upload_of, rows), key=lambda row: row.id)
