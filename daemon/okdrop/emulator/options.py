"""What an emulator can be told: where it listens, where it keeps things, and which server it plays."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Final

from okdrop.emulator.account_forms import FreshForm, StatusForm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from okdrop.emulator.fault_table import Fault

APPLICATION_KEY: Final = "emulator-key"
APPLICATION_SECRET_KEY: Final = "emulator-application-secret"  # noqa: S105 - a documented constant of the stand-in, no secret
ACCESS_TOKEN: Final = "emulator-token"  # noqa: S105 - a documented constant of the stand-in, no secret
REFRESH_TOKEN: Final = "emulator-refresh-token"  # noqa: S105 - a documented constant of the stand-in, no secret
AUTHORIZATION_CODE: Final = "emulator-code"

MINIMUM_FILE_SIZE: Final = 16 * 1024
"""Bytes; a smaller file is refused as FileToSmall (protocol.md 2.1)."""


class EmulatorError(Exception):
    """The emulator cannot start; the text says why and what would do."""


class Mode(enum.StrEnum):
    """Which kind of upload server is played (protocol.md 7.8)."""

    PARALLEL = "parallel"  #: any order, several at once, when asked for by X-Uploading-Mode
    SEQUENTIAL = "sequential"  #: the next byte only, one request at a time


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How one emulator is set up.

    Args:
        data_dir: everything the emulator keeps lies below it and outlives the process.
        host: the address to listen on.
        port: 0 takes any free one.
        mode: which kind of upload server to play.
        seed: what chance (faults, ids, signatures) grows from.
        application_key: the public key that calls must name.
        application_secret_key: what the signature of a call is made with, together with the token.
        access_token: the token that calls must carry.
        others: further users, by their tokens: what one has, no other may see or change.
        session_secret_key: when not empty, calls must be signed with this instead (protocol.md 3.2).
        expired_tokens: tokens that are answered with error 102 (expired) rather than 103 (invalid).
        status_form: how status queries are answered.
        fresh_form: the same, while nothing was uploaded.
        keep_partial: whether the bytes of a segment that was cut are kept.
        text_ids: give video ids as JSON text rather than as numbers.
        processing_looks: how many times video.get says PROCESSING of a whole video.
        processing_seconds: how long a whole video is PROCESSING at least.
        url_lifetime: seconds an upload URL is good for.
        bytes_per_second: how fast one connection is read; 0 is as fast as may be.
        latency: seconds that every answer of the API and of the upload host takes.
        maximum_file_size: bytes; a larger file is refused as FileToLarge.
        maximum_form_size: bytes of a file that comes in one request; a larger one is refused with 413.
        faults: what goes wrong from the start.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    mode: Mode = Mode.PARALLEL
    seed: int = 0
    application_key: str = APPLICATION_KEY
    application_secret_key: str = APPLICATION_SECRET_KEY
    access_token: str = ACCESS_TOKEN
    others: Mapping[str, str] = dataclasses.field(default_factory=dict)
    session_secret_key: str = ""
    expired_tokens: tuple[str, ...] = ()
    status_form: StatusForm = StatusForm.AUTO
    fresh_form: FreshForm = FreshForm.NOT_FOUND
    keep_partial: bool = True
    text_ids: bool = False
    processing_looks: int = 1
    processing_seconds: float = 0.0
    url_lifetime: float = 86_400.0
    bytes_per_second: float = 0.0
    latency: float = 0.0
    maximum_file_size: int = 64 * 1024**3
    maximum_form_size: int = 2 * 1024**3
    faults: tuple[Fault, ...] = ()

    def user_of(self, token: str) -> str:
        """Whose token it is; "" is the user of `access_token`, and of those that were given for it."""
        return self.others.get(token, "")
