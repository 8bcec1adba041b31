"""Foreign text made fit to be shown: no secret, no signed URL, no control character.

What the other side says in its own words (`error_msg`, X-Reason) goes into logs, the ledger and
`status --json`. A reason may quote the request, and the request is signed.
"""

from __future__ import annotations

import re
from typing import Final

REASON_LIMIT: Final = 200
"""The longest text kept, in characters."""

_LONGEST_LOOKED_AT: Final = 4096
_URL: Final = re.compile(
    r"[a-z][a-z0-9+.-]{0,20}://\S*|/[^\s?]*\?\S*", re.IGNORECASE
)  # or a path with a query
_ASSIGNED_SECRET: Final = re.compile(
    r"\b(sig|access_token|session_key|refresh_token|session_secret_key|application_key)(\W{1,4})[^\s&\"',;]+",
    re.IGNORECASE,
)
# Tokens and signatures mix letters with digits over a long run; the API's own words do not.
_OPAQUE: Final = re.compile(r"(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{16,}", re.ASCII)


def presentable(text: str) -> str:
    """Shorten to `REASON_LIMIT` printable characters, with URLs and what looks like a secret cut out."""
    line = "".join(char if char.isprintable() else " " for char in text[:_LONGEST_LOOKED_AT])
    line = _URL.sub("[url]", line)
    line = _ASSIGNED_SECRET.sub(r"\1\2[secret]", line)
    line = _OPAQUE.sub("[secret]", line)
    line = " ".join(line.split())
    return line if len(line) <= REASON_LIMIT else line[: REASON_LIMIT - 1] + "…"
