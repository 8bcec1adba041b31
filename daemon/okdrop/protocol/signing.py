"""The signature of a REST call (protocol.md 3.2)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

UNSIGNED: Final = frozenset({"access_token", "session_key", "sig"})
"""Parameters that are sent but not signed."""


def sign(params: Mapping[str, str], secret: str) -> str:
    """The `sig` of a call: md5 of the sorted `key=value` pairs, joined without a separator, and the secret.

    Values go in as they are, not URL-encoded, in UTF-8.
    """
    pairs = "".join(f"{key}={value}" for key, value in sorted(params.items()) if key not in UNSIGNED)
    return _md5(pairs + secret)


def session_secret(access_token: str, application_secret_key: str) -> str:
    """The secret for calls of a user, where OK gave no session_secret_key."""
    return _md5(access_token + application_secret_key)


def _md5(text: str) -> str:
    # The protocol asks for md5; "replace" keeps a lone surrogate from being an exception of its own kind.
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
