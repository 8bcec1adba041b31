"""What the client is told: addresses, limits of patience, and the secrets that sign a call."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The keys of the application and of the user; none is ever shown. Empty: not configured."""

    application_key: str = dataclasses.field(default="", repr=False)
    access_token: str = dataclasses.field(default="", repr=False)
    application_secret_key: str = dataclasses.field(default="", repr=False)
    session_secret_key: str = dataclasses.field(default="", repr=False)
    expires_at: datetime | None = None  #: when the access token ends, where a person said so
    section: str = dataclasses.field(default="ok", compare=False)  #: of the configuration, for a person


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Whom to talk to, and how patiently. Times are seconds.

    Attributes:
        api_url: the API's base; https, plain http for loopback only.
        upload_hosts: patterns of the hosts that an upload URL may name, without port.
        proxy: an HTTP proxy for both, or None: the environment is not asked.
        ca_file: further authorities beside the system's, in PEM, or None.
        stall_timeout: no byte acknowledged for so long while bytes should leave; also to connect.
        answer_timeout: no answer for so long after the last byte left.
        api_timeout: for a whole call of the API.
    """

    api_url: str
    upload_hosts: tuple[str, ...]
    proxy: str | None = dataclasses.field(default=None, repr=False)
    ca_file: str | None = None
    stall_timeout: float = 30.0
    answer_timeout: float = 120.0
    api_timeout: float = 60.0
