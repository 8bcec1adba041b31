"""The credentials in use, which may be exchanged while the daemon runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from okdrop.client.settings import Credentials


class Keyring:
    """Asked before every call, so that renewed credentials count at once."""

    def __init__(self, keys: Credentials) -> None:
        self.in_use = keys

    def __call__(self) -> Credentials:
        """Give those in use."""
        return self.in_use
