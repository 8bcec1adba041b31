"""Our own secrets taken out of foreign words.

What OK, or a proxy in its place, says in its own words is shown; it may quote the request, and the
request holds the token. `protocol.redaction` cuts out what looks like a secret; here our secrets are known.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from okdrop.client.settings import Credentials
    from okdrop.errors import UploadError

SHORTEST: Final = 6
"""A shorter text is no secret worth the name, and taking it out would spoil words."""

Answer = TypeVar("Answer")


def without_secrets(text: str, keys: Credentials) -> str:
    """The text, each of our secrets in it replaced."""
    secrets = (keys.access_token, keys.application_secret_key, keys.session_secret_key)
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, "[secret]")
    return text


def clean_error(error: UploadError, keys: Credentials) -> None:
    """Take our secrets out of an error's words."""
    error.message = without_secrets(error.message, keys)
    error.args = (error.message,)


def clean_answer(answer: Answer, keys: Credentials) -> Answer:
    """The same answer, our secrets taken out of its reason if it gives one."""
    value: Any = answer
    if not getattr(value, "reason", ""):
        return answer
    cleaned: Answer = dataclasses.replace(value, reason=without_secrets(value.reason, keys))
    return cleaned
