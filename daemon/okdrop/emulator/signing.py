"""The signature of an API call, as OK's documentation has it (protocol.md 3.2)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNSIGNED: Final = frozenset({"sig", "access_token", "session_key"})


def _md5(text: str) -> str:
    """The digest the API is built on; no security of this project's rests on it."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def secret_of(*, access_token: str, application_secret_key: str, session_secret_key: str) -> str:
    """What the calls of one session are signed with."""
    return session_secret_key or _md5(access_token + application_secret_key)


def signature(parameters: Mapping[str, str], secret: str) -> str:
    """The `sig` that belongs to these parameters: sorted, joined without a separator, not URL-encoded."""
    signed = sorted((key, value) for key, value in parameters.items() if key not in _UNSIGNED)
    return _md5("".join(f"{key}={value}" for key, value in signed) + secret)


def is_signed(parameters: Mapping[str, str], secret: str) -> bool:
    """Whether a call carries the signature it should."""
    return hmac.compare_digest(parameters.get("sig", "").encode(), signature(parameters, secret).encode())
