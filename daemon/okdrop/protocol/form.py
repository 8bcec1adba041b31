"""The form around a whole file: multipart/form-data with one part (RFC 7578; protocol.md 1.2).

The boundary grows from the upload URL, which is signed: who made the file cannot have known it, so no file
holds it, and the same ticket always gives the same form.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Final, Self

FIELD: Final = "data"
"""The field's name, as OK's guide has it; the name seems not to matter."""

_BOUNDARY_BYTES: Final = 20
_QUOTED: Final = frozenset('"\\')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What stands before and after the bytes of the file.

    Args:
        boundary: of the parts; ASCII letters, digits and hyphens.
        head: everything before the first byte of the file.
        tail: everything after its last.
    """

    boundary: str = dataclasses.field(repr=False)
    head: bytes = dataclasses.field(repr=False)
    tail: bytes = dataclasses.field(repr=False)

    @classmethod
    def around(cls, file_name: str, *, secret: str, field: str = FIELD) -> Self:
        """The form for a file of this name.

        Args:
            file_name: any name, hostile ones too.
            secret: what the boundary grows from; it cannot be told from the boundary.
            field: what the field is called.
        """
        digest = hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=_BOUNDARY_BYTES)
        boundary = f"okdrop-{digest.hexdigest()}"
        head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{field}"; filename="{_escaped(file_name)}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        return cls(boundary=boundary, head=head.encode(), tail=f"\r\n--{boundary}--\r\n".encode())

    @property
    def content_type(self) -> str:
        """The request's: this type alone asks for the simple mode (protocol.md 1.1)."""
        return f"multipart/form-data; boundary={self.boundary}"

    def length(self, size: int) -> int:
        """Bytes of the body around a file of `size` bytes."""
        return len(self.head) + size + len(self.tail)


def _escaped(name: str) -> str:
    r"""A name between quotes, as browsers write it: UTF-8, with what could end the field percent-encoded.

    Browsers encode `"`, CR and LF (HTML, "multipart form data"). So are the backslash, which some parsers
    take for an escape, and every other character that is not printable. `filename*` is forbidden here
    (RFC 7578, 4.2).
    """
    return "".join(char if char.isprintable() and char not in _QUOTED else _encoded(char) for char in name)


def _encoded(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))
