"""The forms in which a status query may be answered: nobody documents which one OK uses."""

from __future__ import annotations

import enum


class StatusForm(enum.StrEnum):
    """How a status query is answered (protocol.md 7.3)."""

    AUTO = "auto"  #: header Range when X-Uploading-Mode is honoured, else body A-B/T
    RANGE_HEADER = "range-header"  #: Range: 0-9/100,20-29/100
    RANGE_HEADER_BYTES = "range-header-bytes"  #: Range: bytes 0-9/100,20-29/100
    RANGE_HEADER_BARE = "range-header-bare"  #: Range: 0-9,20-29
    BODY = "body"  #: 0-9/100, the bytes before the first gap alone
    BODY_COMMA = "body-comma"  #: 0-9/100,20-29/100
    BODY_NEWLINE = "body-newline"  #: one range a line
    BODY_BYTES = "body-bytes"  #: bytes 0-9/100,20-29/100
    BODY_BARE = "body-bare"  #: 0-9,20-29
    LAST_KNOWN_BYTE = "last-known-byte"  #: X-Last-Known-Byte: 9
    INTEGER = "integer"  #: 10, the count of bytes before the first gap
    JSON = "json"  #: an object that names ranges, size and last byte
    EMPTY = "empty"  #: 200 without a word
    UNKNOWN = "unknown"  #: a text nobody can read


class FreshForm(enum.StrEnum):
    """How the status of an upload is answered that has no byte yet (protocol.md 7.5)."""

    NOT_FOUND = "404"
    UNSATISFIABLE = "416"
    EMPTY = "200"
